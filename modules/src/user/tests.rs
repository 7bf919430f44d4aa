use super::*;
use crate::host::Host;
use engine::{AnyModule, Danger, Id, Kind};

/// Debian 12: root, alice (in ops and docker), bob whose password is locked, carol who has expired.
fn host() -> Host {
    Host::default()
        .answers(
            "accounts",
            "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n\
             /etc/passwd:alice:x:1000:1000:Alice M:/home/alice:/bin/bash\n/etc/passwd:bob:x:1001:1501::/srv/bob:\n\
             /etc/passwd:carol:x:1002:1500::/home/carol:/bin/sh\n\
             /etc/group:root:x:0:\n/etc/group:ops:x:1500:alice,bob\n/etc/group:docker:x:1502:alice\n\
             /etc/group:alice:x:1000:\n/etc/group:bob:x:1501:\n/etc/nsswitch.conf:passwd: files systemd\n",
        )
        .answers(
            "shadow",
            "root:*:20000:0:99999:7:::\nalice:$y$j9T$abc$defghijk:20400:0:99999:7:::\n\
             bob:!$y$j9T$old$hash:20400:0:99999:7::20999:\ncarol:!$y$j9T$old$hash:20400:0:99999:7::1:\n",
        )
        .answers("clock", "1795194937\n") // 2026-11-20
        .answers("homes", "alice:there\nbob:missing\ncarol:there\n")
        .answers("shells", "/bin/bash:\n/bin/zsh:\n/bin/sh:\n")
}

fn spec(yaml_as_json: &str) -> Spec {
    serde_json::from_str(yaml_as_json).unwrap()
}

fn changes(name: &str, wanted: &str) -> Vec<String> {
    host().changes(&User, name, &spec(wanted))
}

#[test]
fn a_missing_account_is_drift_whatever_else_is_wanted() {
    assert_eq!(changes("zoe", r#"{"locked": true, "password_age": "90d"}"#), ["state: absent → present"]);
    assert_eq!(changes("zoe", r#"{"state": "absent"}"#), [""; 0]);
    assert_eq!(changes("alice", r#"{"state": "absent"}"#), ["state: present → absent"]);
}

#[test]
fn what_is_as_wanted_is_no_drift() {
    let all = r#"{"uid": 1000, "group": "1000", "groups": ["ops", "1502", "alice"], "exclusive": true, "shell": "/bin/bash",
        "home": "/home/alice", "comment": "Alice M", "password": "$y$j9T$abc$defghijk", "password_age": "377d", "locked": false,
        "expires": "never", "system": false}"#;
    assert_eq!(changes("alice", all), [""; 0]);
    assert_eq!(changes("bob", r#"{"shell": "/bin/sh", "create_home": false, "expires": "2027-06-30"}"#), [""; 0]);
    assert_eq!(changes("carol", r#"{"locked": true}"#), [""; 0]);
    assert_eq!(
        changes("root", r#"{"system": true, "password": "*", "create_home": false, "password_age": "1d"}"#),
        [""; 0]
    );
}

#[test]
fn every_field_that_differs_is_named() {
    let all = r#"{"uid": 2000, "group": "ops", "groups": ["docker", "sudo"], "exclusive": true, "shell": "/bin/zsh", "home": "/srv/alice",
        "comment": "", "password": "$y$j9T$new$hash", "password_age": "376d", "locked": true}"#;
    assert_eq!(
        changes("alice", all),
        [
            "uid: 1000 → 2000",
            "group: alice → ops",
            "shell: /bin/bash → /bin/zsh",
            "home: /home/alice → /srv/alice",
            "comment: Alice M → ",
            "groups: + sudo",
            "groups: - ops",
            "password: secret",
            "password_age: 377d → 376d",
            "locked: no → yes",
        ]
    );
    assert_eq!(
        changes("bob", r#"{"locked": false, "expires": "never", "system": true}"#),
        [
            "system: false → true",
            "create_home: /srv/bob does not exist → a directory",
            "locked: the password only → no",
            "expires: 2027-06-30 → never"
        ]
    );
    assert_eq!(changes("carol", r#"{"locked": false}"#), ["locked: yes → no"]);
}

#[test]
fn groups_are_a_minimum_without_exclusive() {
    assert_eq!(changes("alice", r#"{"groups": ["ops"]}"#), [""; 0]);
    assert_eq!(changes("alice", r#"{"groups": [], "exclusive": true}"#), ["groups: - docker", "groups: - ops"]);
}

#[test]
fn a_lock_is_no_other_password() {
    assert_eq!(changes("bob", r#"{"password": "$y$j9T$old$hash", "create_home": false}"#), [""; 0]);
}

#[test]
fn a_shell_that_is_not_there_is_drift_and_never_set() {
    let fish = spec(r#"{"shell": "/usr/bin/fish", "comment": "Al"}"#);
    assert_eq!(
        host().changes(&User, "alice", &fish),
        ["comment: Alice M → Al", "shell: /usr/bin/fish is not on this host → /usr/bin/fish"]
    );
    insta::assert_snapshot!(host().plan(&User, "alice", &fish), @r#"
    usermod ["alice", "-c", "Al"]: set the comment
    leave to a person ["there is no /usr/bin/fish on this host, so sshd would let nobody in: declare the package that brings it"]: set its shell
    "#);
    assert_eq!(changes("alice", r#"{"shell": "/usr/sbin/nologin"}"#), ["shell: /bin/bash → /usr/sbin/nologin"]);
    insta::assert_snapshot!(host().plan(&User, "zoe", &fish), @"refused: there is no /usr/bin/fish on this host, so sshd would let nobody in: declare the package that brings it");
}

#[test]
fn with_a_password_in_passwd_shadow_does_not_count() {
    for field in ["", "*", "$y$j9T$abc$defghijk"] {
        let host = Host::default()
            .answers("accounts", &format!("tools:useradd\n/etc/passwd:emp:{field}:1001:1001::/home/emp:/bin/sh\n"))
            .answers("shadow", "emp:!$y$j9T$old$hash:20400:0:99999:7::1:\n")
            .answers("clock", "1795194937\n")
            .answers("homes", "emp:there\n");
        let locked = spec(r#"{"locked": true}"#);
        let is = "not as /etc/shadow says: the password field in /etc/passwd is not `x`";
        assert_eq!(host.changes(&User, "emp", &locked), [format!("locked: {is} → yes")]);
        assert_eq!(host.changes(&User, "emp", &spec("{}")), [""; 0]);
        assert_eq!(
            host.changes(&User, "emp", &spec(r#"{"password": "*", "expires": "never"}"#)),
            [format!("password: {is} → as /etc/shadow says"), format!("expires: {is} → never")]
        );
        let plan = host.plan(&User, "emp", &locked);
        assert!(plan.starts_with("usermod [\"emp\", \"-L\", \"-e\", \"1\"]: lock the account\n"), "{plan}");
        assert!(plan.contains("run pwconv, which moves all passwords to /etc/shadow, and enforce again"), "{plan}");
    }
}

#[test]
fn an_account_of_a_directory_is_unknown() {
    let ldap = host()
        .answers(
            "accounts",
            "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/nsswitch.conf:passwd: files ldap\n",
        )
        .answers("getent passwd", "zoe:x:9000:9000::/home/zoe:/bin/sh\n");
    insta::assert_snapshot!(ldap.blind(&User, "zoe", &spec("{}")), @"the account zoe comes from ldap or another directory: only local ones are managed");
    assert_eq!(ldap.changes(&User, "ann", &spec("{}")), ["state: absent → present"]);
}

#[test]
fn a_host_with_only_busybox_is_unknown() {
    let busybox = host().answers("accounts", "/etc/passwd:root:x:0:0:root:/root:/bin/sh\n/etc/group:root:x:0:\n");
    insta::assert_snapshot!(busybox.blind(&User, "root", &spec("{}")), @"no /usr/sbin/useradd here: accounts are managed with Debian's package `passwd`");
}

#[test]
fn one_round_asks_for_everything() {
    let asked = Host::default().missing(&User, "alice", &spec(r#"{"locked": true, "groups": ["ops"]}"#));
    assert_eq!(asked, ["accounts[]", "clock[]", "homes[\"alice\"]", "shadow[]"]);
    assert_eq!(Host::default().missing(&User, "alice", &spec(r#"{"state": "absent"}"#)), ["accounts[]"]);
}

#[test]
fn what_audit_asks_is_all_that_a_plan_needs() {
    let plan = host().plan(
        &User,
        "alice",
        &spec(r#"{"shell": "/bin/zsh", "groups": ["sudo"], "password": "$y$j9T$new$hash"}"#),
    );
    insta::assert_snapshot!(plan, @r#"
    usermod ["alice", "-s", "/bin/zsh", "-a", "-G", "sudo"]: set the shell /bin/zsh, add it to sudo
    chpasswd []: set the password
    "#);
}

#[test]
fn a_new_account_is_made_in_one_command_and_its_hash_is_in_none() {
    let wanted = r#"{"uid": 1600, "group": "ops", "groups": ["docker"], "shell": "/bin/bash", "home": "/srv/zoe", "comment": "Zoé", "expires": "2027-01-01",
        "password": "$y$j9T$new$hash", "system": true, "create_home": false}"#;
    insta::assert_snapshot!(host().plan(&User, "zoe", &spec(wanted)), @r#"
    useradd ["zoe", "ops", "-u", "1600", "-G", "docker", "-s", "/bin/bash", "-d", "/srv/zoe", "-c", "Zoé", "-e", "2027-01-01", "-M", "-r"]: create the account
    chpasswd []: set the password
    "#);
    insta::assert_snapshot!(host().plan(&User, "intern", &spec(r#"{"locked": true}"#)), @r#"
    useradd ["intern", "", "-m"]: create the account
    usermod ["intern", "-L", "-e", "1"]: lock the account
    "#);
}

#[test]
fn a_password_keeps_the_lock_that_is_on_the_account() {
    let stdin = |wanted: &str| {
        let ops = host().ops(&User, "bob", &spec(wanted));
        ops.into_iter().find(|op| op.command.name == "chpasswd").map(|op| String::from_utf8(op.stdin).unwrap())
    };
    let new = r#""create_home": false, "password": "$y$j9T$new$hash""#;
    assert_eq!(stdin(&format!("{{{new}}}")).as_deref(), Some("bob:!$y$j9T$new$hash\n"));
    assert_eq!(stdin(&format!("{{{new}, \"locked\": true}}")).as_deref(), Some("bob:!$y$j9T$new$hash\n"));
    assert_eq!(stdin(&format!("{{{new}, \"locked\": false}}")).as_deref(), Some("bob:$y$j9T$new$hash\n"));
}

#[test]
fn what_takes_access_away_is_dangerous() {
    let dangers = |wanted: &str| -> Vec<Danger> {
        host().ops(&User, "alice", &spec(wanted)).into_iter().flat_map(|op| op.endangers).collect()
    };
    let account = vec![Danger::Account("alice".into())];
    for wanted in [r#"{"state": "absent"}"#, r#"{"locked": true}"#, r#"{"expires": "2026-11-20"}"#, r#"{"home": "/x"}"#]
    {
        assert_eq!(dangers(wanted), account, "{wanted}");
    }
    assert_eq!(dangers(r#"{"expires": "2026-11-21", "groups": ["sudo"]}"#), []);
    let nologin = Danger::Shell { account: "alice".into(), shell: "/usr/sbin/nologin".into() };
    assert_eq!(dangers(r#"{"shell": "/usr/sbin/nologin"}"#), [nologin]);
    let left = |group: &str| Danger::Group { account: Some("alice".into()), group: group.into() };
    assert_eq!(dangers(r#"{"groups": ["ops"], "exclusive": true}"#), [left("docker")]);
    assert_eq!(dangers(r#"{"group": "ops"}"#), [left("alice")]);
}

#[test]
fn removing_a_home_destroys_it() {
    let ops = host().ops(&User, "alice", &spec(r#"{"state": "absent", "remove_home": true}"#));
    assert_eq!(ops[0].destroys.as_deref(), Some("the home /home/alice and the mail of alice"));
    assert_eq!(host().ops(&User, "alice", &spec(r#"{"state": "absent"}"#))[0].destroys, None);
}

#[test]
fn what_only_a_person_can_put_right_is_refused() {
    insta::assert_snapshot!(host().plan(&User, "alice", &spec(r#"{"password_age": "30d"}"#)), @"refused: only its owner can choose a new password (passwd), or the policy can bring another `password`");
    insta::assert_snapshot!(host().plan(&User, "alice", &spec(r#"{"system": true}"#)), @"refused: its number says otherwise, and a new one would leave its files behind; write the `uid` it must have");
}

#[test]
fn mistakes_are_found_offline() {
    let problems = |name: &str, wanted: &str| -> Vec<String> {
        User.problems(name, &spec(wanted))
            .into_iter()
            .map(|problem| format!("{}: {}", problem.field.unwrap_or("name"), problem.message))
            .collect()
    };
    for right in ["{}", r#"{"password": "‹secret:alice›"}"#, r#"{"password": "*"}"#, r#"{"groups": ["1500"]}"#] {
        assert_eq!(problems("alice", right), [""; 0], "{right}");
    }
    for (wanted, field) in [
        (r#"{"password": "hunter2"}"#, "password"),
        (r#"{"password": "$y$j9T$a:b$c"}"#, "password"),
        (r#"{"comment": "a:b"}"#, "comment"),
        (r#"{"shell": "bash"}"#, "shell"),
        (r#"{"home": "/home/a:b"}"#, "home"),
        (r#"{"groups": ["-x"]}"#, "groups"),
        (r#"{"exclusive": true}"#, "exclusive"),
        (r#"{"move_home": true}"#, "move_home"),
        (r#"{"locked": true, "expires": "never"}"#, "expires"),
        (r#"{"remove_home": true}"#, "remove_home"),
        (r#"{"state": "absent", "shell": "/bin/sh"}"#, "shell"),
    ] {
        let found = problems("alice", wanted);
        assert!(found.len() == 1 && found[0].starts_with(field), "{wanted}: {found:?}");
        assert!(!found[0].contains("hunter2"));
    }
    assert!(!problems("root", r#"{"state": "absent"}"#).is_empty());
}

#[test]
fn links_follow_what_is_named() {
    use Anchor::{Group, User as Account};
    let links = User.links("alice", &spec(r#"{"group": "1500", "groups": ["ops"]}"#), 0);
    assert_eq!(
        (links.provides, links.needs),
        (vec![Account("alice".into())], vec![Group("1500".into()), Group("ops".into())])
    );
    let links = User.links("alice", &spec(r#"{"state": "absent"}"#), 0);
    assert_eq!((links.provides, links.removes), (vec![], vec![Account("alice".into())]));
    assert_eq!(Kind(&User).kind(), Id::new("user", "x").kind);
}
