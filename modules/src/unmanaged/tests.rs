use super::*;
use crate::captured::{Host, mistakes, spec};
use engine::{Answer, Blind};
use serde_json::json;

fn told(name: &str, except: &[&str], declared: &[Anchor], host: &Host) -> Result<Vec<String>, Pending> {
    let mut spec = spec(&Unmanaged, name, json!({ "except": except }));
    Unmanaged.settle(name, &mut spec, &declared.iter().cloned().collect());
    Unmanaged.observe(name, &spec, &host.0).map(|found| found.into_iter().map(|found| found.label).collect())
}

#[test]
fn accounts_of_people_that_nobody_declares_are_found() {
    let host = Host::default().says(
        &ACCOUNTS,
        &[],
        "/etc/passwd:root:x:0:0::/root:/bin/sh\n/etc/passwd:www:x:999:999::/:/bin/sh\n\
         /etc/passwd:ann:x:1000:1000::/home/ann:/bin/sh\n/etc/passwd:eve:x:1001:1001::/home/eve:/bin/sh\n\
         /etc/passwd:svc-pad:x:1002:1002::/:/bin/sh\n/etc/passwd:nobody:x:65534:65534::/:/bin/sh\n",
    );
    let found = told("users", &["svc-*"], &[resource("user", "ann")], &host).unwrap();
    assert_eq!(found, ["eve (number 1001)"]);
    assert_eq!(told("users", &["*"], &[], &host).unwrap(), Vec::<String>::new());
}

#[test]
fn files_that_would_be_read_are_found_unless_they_are_declared_in_any_way() {
    let names = ["README", "a.b", "b~", "eve", "ops", "plain", "gone"].map(|name| format!("/etc/sudoers.d/{name}\0"));
    let host = |readme: &str| {
        Host::default().says(&LIST, &["/etc/sudoers.d"], names.concat() + "=").says(
            &READ,
            &["/etc/sudoers.d/README"],
            format!("{readme}="),
        )
    };
    let declared = [
        resource("sudoers", "ops"),
        resource("file", "/etc/sudoers.d/gone"),
        Anchor::Path("/etc/sudoers.d/plain".into()),
    ];
    let comments = "#\n# As of Debian version 1.7.2p1-1\n\n";
    assert_eq!(told("sudoers", &[], &declared, &host(comments)).unwrap(), ["/etc/sudoers.d/eve"]);
    for more in ["eve ALL=ALL\n", "#include /x\n", "#1000 ALL=ALL\n", "# \\\n"] {
        let found = told("sudoers", &["eve"], &declared, &host(&format!("{comments}{more}"))).unwrap();
        assert_eq!(found, ["/etc/sudoers.d/README"], "{more}");
    }
}

#[test]
fn what_cannot_be_seen_is_not_nothing() {
    let denied =
        Answer { status: 1, out: b"it cannot be listed!".to_vec(), err: b"find: Permission denied\n".to_vec() };
    let host = Host::default().answers(&LIST, &["/etc/sudoers.d"], denied).says(
        &READ,
        &["/etc/sudoers.d/README"],
        "it is not a regular file!",
    );
    assert!(matches!(told("sudoers", &[], &[], &host), Err(Pending::Blind(Blind::Denied(_)))));
    let host = Host::default().says(&KEY_FILES, &[], "hidden:eve:/home/eve\n");
    assert!(matches!(told("ssh_keys", &[], &[], &host), Err(Pending::Blind(Blind::Denied(_)))));
}

#[test]
fn keys_of_accounts_are_declared_by_the_files_they_are_in() {
    let there = "there:root:/root/.ssh/authorized_keys\nthere:ann:/home/ann/.ssh/authorized_keys\n\
        there:ann:/home/ann/.ssh/authorized_keys2\nthere:eve:/home/eve/.ssh/authorized_keys\n";
    let host = Host::default().says(&KEY_FILES, &[], there);
    // Of eve the policy declares another file than the one that is there.
    let declared = [
        resource("ssh_key", "ann"),
        resource("ssh_key", "eve"),
        Anchor::Home("ann".into(), ".ssh/authorized_keys".into()),
        Anchor::Home("ann".into(), ".ssh/authorized_keys2".into()),
        Anchor::Path("/etc/ssh/keys/eve".into()),
        Anchor::Path("/root/.ssh/authorized_keys".into()),
    ];
    assert_eq!(told("ssh_keys", &[], &declared, &host).unwrap(), ["/home/eve/.ssh/authorized_keys of eve"]);
}

#[test]
fn only_what_can_be_looked_for_can_be_named() {
    insta::assert_snapshot!(mistakes(&Unmanaged, "user", json!({"except": [""]})).join("\n"), @"
    user name: it is not known how to look for these (one of users, ssh_keys, sudoers, cron)
    user except: an empty name fits nothing
    ");
}
