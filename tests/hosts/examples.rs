//! The examples run as they are.

use crate::comply::{Repo, Run};
use crate::life::DEBIANS;
use fleet::{Host, Image};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// Copies a directory with all that is in it.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A directory that everybody can read, with the program and a copy of an example.
fn for_everybody(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copied(&example(name), &dir.path().join("repo"));
    let program = Repo::new().command(&["audit"]).get_program().to_owned();
    fs::copy(program, dir.path().join("comply")).unwrap();
    dir
}

/// It audited, and could tell of everything.
fn assert_audited(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(2), "exit {code:?}\n{out}\n{err}");
    assert!(out.contains("1 host: ") && !out.contains("unknown"), "{out}\n{err}");
}

#[test]
fn the_quickstart_audits_this_machine_as_root_and_as_nobody() {
    let dir = for_everybody("quickstart");
    let audit = |mut command: Command| {
        let output = command.args(["audit", "-C", "repo"]).current_dir(dir.path()).env("HOME", "/nonexistent").output();
        assert_audited(&output.unwrap());
    };
    audit(Command::new(dir.path().join("comply")));
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
    nobody.arg(dir.path().join("comply"));
    audit(nobody);
}

#[test]
fn the_quickstart_audits_a_host_with_and_one_without_systemd_and_needs_no_network() {
    let dir = for_everybody("quickstart");
    let mut tar = Command::new("tar");
    let archive = tar.args(["-C", dir.path().to_str().unwrap(), "-c", "comply", "repo"]).output().unwrap().stdout;
    // A program runs where the C library is not older than the one it was built with.
    let hosts = Host::start_all(&DEBIANS);
    let mut tried = 0;
    for host in &hosts {
        host.write("/srv/example.tar", &archive);
        host.sh_ok("cd /srv && tar -xf example.tar");
        if !host.sh("/srv/comply --version").success() {
            continue;
        }
        tried += 1;
        for (what, wrapped) in [
            ("with systemd", "/srv/comply"),
            ("as nobody", "setpriv --reuid=65534 --regid=65534 --clear-groups /srv/comply"),
            ("without systemd", "unshare -m sh -c 'mount -t tmpfs none /run; exec \"$0\" \"$@\"' /srv/comply"),
            ("without a network", "unshare -n /srv/comply"),
        ] {
            let output = host.sh(&format!("cd /srv && HOME=/nonexistent {wrapped} audit -C repo"));
            assert!(output.status == 0 || output.status == 2, "{what}: {output:?}");
            assert!(output.stdout.contains("1 host: ") && !output.stdout.contains("unknown"), "{what}: {output:?}");
        }
    }
    assert!(tried > 0, "the program runs on none of the hosts");
}

/// The example of the association, with two of its machines for real: their names stay, their addresses change.
fn picasoft(hosts: &[(&str, &Host)]) -> Repo {
    let repo = Repo::new();
    copied(&example("picasoft"), repo.path());
    let mut inventory = fs::read_to_string(repo.path().join("inventory.yml")).unwrap();
    for (name, host) in hosts {
        let line = inventory.lines().find(|line| line.trim_start().starts_with(&format!("{name}: {{")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {inventory}")).to_owned();
        let (before, after) = line.split_once("address: ").unwrap();
        let rest = after.find([',', '}']).map(|end| &after[end..]).unwrap();
        let address = format!(
            "{before}address: \"{}\", user: root, identity: \"{}\", known_hosts: \"{}\"{rest}",
            host.address(),
            host.fleet().key().display(),
            host.known_hosts_file().display()
        );
        inventory = inventory.replace(&line, &address);
    }
    repo.file("inventory.yml", inventory)
}

#[test]
fn picasoft_is_a_repository_without_mistakes() {
    for name in ["picasoft", "quickstart"] {
        let program = Repo::new().command(&["audit"]).get_program().to_owned();
        let output = Command::new(program).args(["check", "-C"]).arg(example(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn picasoft_converges_on_real_hosts() {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Trixie]);
    hosts[0].sh_ok("useradd -m antoine");
    for host in &hosts {
        host.sh_ok("groupadd ops && useradd -r -m -g ops mirror");
        host.sh_ok(
            r"printf 'Match User mirror\n\tForceCommand internal-sftp\n\tPermitTTY no\n' >>/etc/ssh/sshd_config",
        );
        host.sh_ok("systemctl reload ssh");
    }
    let repo = picasoft(&[("hv1", &hosts[0]), ("pica01", &hosts[1])]);
    let keys = Keyring::of(&repo.path().join("example-key.asc"));
    let two = |command: &[&str]| -> Run {
        let mut command = repo.command(&[command, &["--limit=hv1,pica01"]].concat());
        command.env("GNUPGHOME", keys.0.path());
        repo.finish(command)
    };
    let before = two(&["audit"]);
    before.assert_code(2);
    let run = two(&["enforce", "--yes"]);
    run.assert_code(0);
    for (command, well) in [(&["audit"][..], "compliant"), (&["enforce", "--yes"], "kept")] {
        let run = two(command);
        run.assert_code(0);
        for resource in run.report().hosts.iter().flat_map(|host| &host.resources) {
            let waived = resource.verdict.to_string() == "waived" && resource.id == "ssh_key/chloe";
            assert!(
                resource.verdict.to_string() == well || waived || resource.verdict.to_string() == "skipped",
                "{resource:?}"
            );
        }
        assert_eq!(run.resource_on("pica01", "ssh_key/chloe").verdict.to_string(), "waived");
    }
    hosts[0].sh_ok("! getent passwd antoine; id -nG alice | grep -w ops; test -s /home/chloe/.ssh/authorized_keys");
    hosts[1]
        .sh_ok("systemctl is-active memcached; grep -q Picasoft /etc/motd; ! test -e /home/chloe/.ssh/authorized_keys");
    assert_eq!(
        hosts[1].sh_ok("cat /srv/mattermost/database.env; stat -c '%a %U' /srv/mattermost/database.env"),
        "DB_USER=mattermost\nDB_PASSWORD=example-of-a-database-password\n400 mattermost\n"
    );
    hosts[1].sh_ok("getent shadow rescue | grep -qF ':$6$examplesalt$'");
    for host in &hosts {
        // The blocks that were there still work, and sshd does what the policy says beside them.
        let mirror = host.sh_ok("sshd -T -C user=mirror,host=x,addr=192.0.2.1");
        for line in ["forcecommand internal-sftp", "permittty no", "passwordauthentication no", "allowgroups ops"] {
            assert!(mirror.lines().any(|said| said == line), "{line}: {mirror}");
        }
        assert!(!host.sh_ok("sshd -T -C user=alice,host=x,addr=192.0.2.1").contains("internal-sftp"));
        assert_eq!(host.sh_ok("fail2ban-client get sshd maxretry"), "5\n");
    }
}

/// A directory with one key in it, for gpg. Its agent ends with it.
struct Keyring(tempfile::TempDir);

impl Keyring {
    fn of(key: &Path) -> Self {
        // Short: the path of the agent's socket is in it.
        let keyring = Self(
            tempfile::Builder::new()
                .prefix("gpg")
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in("/tmp")
                .unwrap(),
        );
        let mut gpg = Command::new("gpg");
        let done = gpg.args(["--batch", "--quiet", "--import"]).arg(key).env("GNUPGHOME", keyring.0.path()).status();
        assert!(done.unwrap().success(), "tests/run installs gnupg and pass");
        keyring
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).status();
    }
}
