//! Accounts that come from elsewhere than /etc/passwd.

use crate::comply::Repo;
use crate::life::{DEBIANS, told, untouched};
use fleet::Host;

/// A source of accounts as LDAP is one, in C.
const DIRECTORY: &str = r#"
#include <nss.h>
#include <pwd.h>
#include <grp.h>
#include <string.h>
static char *const nobody[] = {0};
enum nss_status _nss_ldap_getpwnam_r(const char *name, struct passwd *found, char *buffer, size_t size, int *error) {
    if (strcmp(name, "remote")) return NSS_STATUS_NOTFOUND;
    *found = (struct passwd){.pw_name = "remote", .pw_passwd = "x", .pw_uid = 4000, .pw_gid = 4000,
        .pw_gecos = "", .pw_dir = "/home/remote", .pw_shell = "/bin/sh"};
    return NSS_STATUS_SUCCESS;
}
enum nss_status _nss_ldap_getgrnam_r(const char *name, struct group *found, char *buffer, size_t size, int *error) {
    if (strcmp(name, "remotes")) return NSS_STATUS_NOTFOUND;
    *found = (struct group){.gr_name = "remotes", .gr_passwd = "x", .gr_gid = 4000, .gr_mem = (char **)nobody};
    return NSS_STATUS_SUCCESS;
}
"#;

/// Gives a host a source of accounts beside its files.
pub fn with_directory(host: &Host) {
    let dir = tempfile::tempdir().unwrap();
    let (source, library) = (dir.path().join("ldap.c"), dir.path().join("libnss_ldap.so.2"));
    std::fs::write(&source, DIRECTORY).unwrap();
    let built = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-Wl,-soname,libnss_ldap.so.2", "-o"])
        .args([&library, &source])
        .arg("-lc")
        .status()
        .unwrap();
    assert!(built.success());
    let path = host.sh_ok("dirname $(find /usr/lib/*-linux-gnu -name libc.so.6)");
    host.write(&format!("{}/libnss_ldap.so.2", path.trim()), std::fs::read(&library).unwrap());
    host.sh_ok("sed -i -E 's/^(passwd|group):.*/\\1: files ldap/' /etc/nsswitch.conf; getent passwd remote; getent group remotes");
}

#[test]
fn accounts_and_groups_of_a_directory_are_unknown_and_never_touched() {
    let hosts = Host::start_all(&DEBIANS);
    hosts.iter().for_each(with_directory);
    let repo = hosts.iter().fold(Repo::new(), Repo::host).policy(
        "
        users: {remote: {shell: /bin/bash}, here: present}
        groups: {remotes: present}
        files: {/srv/theirs: {content: '', owner: remote, group: remotes}}
        ",
    );
    let (run, touched) = untouched(&hosts, || repo.audit());
    run.assert_code(5);
    assert_eq!(touched, Vec::<String>::new());
    repo.enforce();
    for run in [run, repo.enforce()] {
        for host in &hosts {
            for (id, what) in [("user/remote", "the account remote"), ("group/remotes", "the group remotes")] {
                let told = told(run.resource_on(host.name(), id));
                let why = "comes from ldap or another directory: only local ones are managed";
                assert_eq!(told, [format!("unknown: {what} {why}")], "{}", run.shown());
            }
        }
    }
    // Its numbers serve all the same.
    let owner = hosts[0].sh_ok("stat -c '%u %g' /srv/theirs");
    assert_eq!(owner.trim(), "4000 4000");
    repo.run(&["audit", "--only=file/*", "--only=user/here"]).assert_code(0);
}
