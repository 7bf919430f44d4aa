use super::*;
use crate::host::{Host, lines};

fn host() -> Host {
    Host::default().answers(
        "accounts",
        "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/passwd:alice:x:1000:1000::/home/alice:/bin/bash\n\
         /etc/passwd:bob:x:1001:1500::/home/bob:/bin/sh\n/etc/passwd:eve:x:1002:1002::/home/eve:/bin/sh\n\
         /etc/group:root:x:0:\n/etc/group:ops:x:1500:alice,eve\n/etc/group:alice:x:1000:\n",
    )
}

fn spec(json: &str) -> Spec {
    serde_json::from_str(json).unwrap()
}

fn changes(name: &str, wanted: &str) -> Vec<String> {
    host().changes(&Group, name, &spec(wanted))
}

#[test]
fn a_group_is_there_or_not() {
    assert_eq!(changes("ops", "{}"), [""; 0]);
    assert_eq!(changes("www", "{}"), ["state: absent → present"]);
    assert_eq!(changes("ops", r#"{"state": "absent"}"#), ["state: present → absent"]);
    assert_eq!(changes("www", r#"{"state": "absent"}"#), [""; 0]);
}

#[test]
fn numbers_are_compared() {
    assert_eq!(changes("ops", r#"{"gid": 1500, "system": true}"#), [""; 0]);
    assert_eq!(changes("ops", r#"{"gid": 1501}"#), ["gid: 1500 → 1501"]);
    assert_eq!(changes("ops", r#"{"system": true}"#), ["system: false → true"]);
}

#[test]
fn members_are_exactly_these() {
    assert_eq!(changes("ops", r#"{"members": ["alice", "bob", "eve"]}"#), [""; 0]);
    assert_eq!(
        changes("ops", r#"{"members": ["alice", "zoe"]}"#),
        ["members: + zoe", "members: - eve", "members: - bob (its primary group)"]
    );
    assert_eq!(changes("alice", r#"{"members": []}"#), [""; 0]);
    assert_eq!(changes("new", r#"{"members": ["alice"]}"#), ["state: absent → present", "members: + alice"]);
}

#[test]
fn every_way_into_a_group_counts() {
    let host = Host::default().answers(
        "accounts",
        "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/group:dup:x:1779:root\n\
         /etc/group:other:x:1779:zoe\n/etc/group:dup:x:1779:eve\n",
    );
    let wanted = spec(r#"{"members": ["root"]}"#);
    assert_eq!(host.changes(&Group, "dup", &wanted), ["members: - eve", "members: - zoe (through other)"]);
    insta::assert_snapshot!(lines(&host.planned(&Group, &[("dup", &wanted)], 1)), @"refused: the group other has the same number 1779, so zoe is in this one, too: give that group another number, or take zoe out of it");
}

#[test]
fn a_group_of_a_directory_is_unknown() {
    let ldap = Host::default()
        .answers(
            "accounts",
            "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/nsswitch.conf:group: files sss\n",
        )
        .answers("getent group", "staff:*:9000:zoe\n");
    insta::assert_snapshot!(ldap.blind(&Group, "staff", &spec("{}")), @"the group staff comes from ldap or another directory: only local ones are managed");
}

#[test]
fn groups_come_first_and_members_in_a_step_of_their_own() {
    let plan = |name: &str, wanted: &str, step| lines(&host().planned(&Group, &[(name, &spec(wanted))], step));
    let wanted = r#"{"gid": 1600, "system": true, "members": ["alice", "root"]}"#;
    assert_eq!(plan("www", wanted, 0), r#"groupadd ["www", "-g", "1600", "-r"]: create the group"#);
    assert_eq!(
        plan("ops", r#"{"members": ["alice", "bob", "root"]}"#, 1),
        r#"gpasswd members ["ops", "alice,bob,root"]: add bob, root, remove eve"#
    );
    assert_eq!(
        plan("ops", r#"{"gid": 1501}"#, 0),
        r#"groupmod number ["ops", "1501"]: change its number to 1501 (files of the group ops keep its old number)"#
    );
    assert!(
        plan("ops", r#"{"members": ["alice", "bob", "nobody-here"]}"#, 1)
            .starts_with("refused: no such account here: nobody-here")
    );
    assert!(plan("ops", r#"{"members": ["alice"]}"#, 1).starts_with("refused: it is the primary group of bob"));
    assert!(plan("ops", r#"{"system": true}"#, 0).starts_with("refused: "));
}

#[test]
fn leaving_a_group_and_removing_it_are_dangerous() {
    let ops = |wanted: &str, step| host().planned(&Group, &[("ops", &spec(wanted))], step);
    let dangers = |planned: Vec<Planned>| match planned.as_slice() {
        [Planned::Do(op)] => op.endangers.clone(),
        other => panic!("{other:?}"),
    };
    let left = Danger::Group { account: Some("eve".into()), group: "ops".into() };
    assert_eq!(dangers(ops(r#"{"members": ["alice", "bob"]}"#, 1)), [left]);
    assert_eq!(dangers(ops(r#"{"state": "absent"}"#, 1)), [Danger::Group { account: None, group: "ops".into() }]);
}

#[test]
fn the_primary_group_of_accounts_is_removed_after_them() {
    let absent = spec(r#"{"state": "absent"}"#);
    let step_of = |host: &Host, name| Group.diff(name, &absent, &host.observe(&Group, name, &absent).unwrap())[0].step;
    assert_eq!((step_of(&host(), "ops"), step_of(&host(), "alice"), step_of(&host(), "root")), (1, 1, 1));
    let moved = Host::default().answers(
        "accounts",
        "tools:useradd\n/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/group:ops:x:1500:root\n",
    );
    assert_eq!(step_of(&moved, "ops"), 0);
    // By then it is no longer one.
    assert_eq!(lines(&moved.planned(&Group, &[("ops", &absent)], 1)), r#"groupdel ["ops"]: remove the group"#);
    assert!(Group.links("ops", &absent, 1).after_accounts && !Group.links("ops", &absent, 0).after_accounts);
}

#[test]
fn links_are_by_name_and_number() {
    let wanted = spec(r#"{"gid": 1600, "members": ["bob", "alice"]}"#);
    assert_eq!(Group.links("www", &wanted, 0).provides, [Anchor::Group("www".into()), Anchor::Group("1600".into())]);
    assert_eq!(Group.links("www", &wanted, 1).needs, [Anchor::User("alice".into()), Anchor::User("bob".into())]);
    assert_eq!(Group.links("www", &spec(r#"{"state": "absent"}"#), 0).removes, [Anchor::Group("www".into())]);
}

#[test]
fn mistakes_are_found_offline() {
    assert_eq!(Group.problems("ops", &spec(r#"{"members": ["alice"]}"#)), []);
    assert_eq!(Group.problems("ops", &spec(r#"{"members": ["-M"]}"#)).len(), 1);
    assert_eq!(Group.problems("ops", &spec(r#"{"state": "absent", "gid": 5, "members": []}"#)).len(), 2);
    assert_eq!(Group.problems("root", &spec(r#"{"state": "absent"}"#)).len(), 1);
}
