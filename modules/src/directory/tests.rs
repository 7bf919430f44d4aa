use super::*;
use crate::captured::{Host, mistakes, spec, story};
use serde_json::json;

const PATH: &str = "/srv/pad";

fn host(mode: &str) -> Host {
    let stat = if mode.is_empty() { String::new() } else { format!("{mode} 0 0 4096 1795192349 ") };
    Host::default().stands(PATH, &stat)
}

fn tell(fields: serde_json::Value, host: &Host) -> String {
    story(&Directory, PATH, &spec(&Directory, PATH, fields), host).unwrap().join("\n")
}

fn exclusive(declared: &[&str]) -> Spec {
    let mut spec = spec(&Directory, PATH, json!({"exclusive": true}));
    let provided = declared.iter().map(|path| Anchor::Path((*path).into())).collect();
    Directory.settle(PATH, &mut spec, &provided);
    spec
}

#[test]
fn a_directory_is_made_and_put_right() {
    assert_eq!(tell(json!({"mode": "0755"}), &host("41ed")), "");
    insta::assert_snapshot!(tell(json!({}), &host("")), @r#"
    state: absent -> present
    make the directory: make directory ["/srv/pad", "0755", "", ""] <>
    "#);
    insta::assert_snapshot!(tell(json!({"mode": "0750"}), &host("41ed")), @r#"
    mode: 0755 -> 0750
    set mode: set owner and mode ["/srv/pad", "0750", "", ""] <>
    "#);
    insta::assert_snapshot!(tell(json!({}), &host("81a4")), @r"
    state: a file -> a directory
    refused: /srv/pad is a file, not a directory; move it away yourself
    ");
    insta::assert_snapshot!(tell(json!({}), &host("a1ff")), @r"
    state: a link -> a directory
    refused: /srv/pad is a link; declare the directory it leads to, or declare it under links
    ");
}

#[test]
fn what_goes_with_a_directory_is_named_before() {
    let absent = || json!({"state": "absent"});
    assert_eq!(tell(absent(), &host("")), "");
    insta::assert_snapshot!(tell(absent(), &host("41ed").says(&LIST, &[PATH], "=")), @r#"
    state: present -> absent
    remove the empty directory: remove directory ["/srv/pad"] <>
    "#);
    let mut full =
        host("41ed").says(&LIST, &[PATH], "/srv/pad/a\0/srv/pad/b\0/srv/pad/c\0/srv/pad/d\0/srv/pad/e\0/srv/pad/f\0=");
    for name in ["a", "b", "c", "d", "e", "f"] {
        full = full.says(&STAT, &[&format!("/srv/pad/{name}")], "81a4 0 0 1 1 ");
    }
    insta::assert_snapshot!(tell(absent(), &full), @r#"
    state: present -> absent
    remove the directory with all that is in it: remove directory and content ["/srv/pad"] <>
    destroys: /srv/pad: a, b, c, d, e and 1 more
    "#);
}

#[test]
fn what_nothing_declares_in_an_exclusive_directory_is_removed() {
    let host = host("41ed")
        .says(&LIST, &[PATH], "/srv/pad/conf\0/srv/pad/lost+found\0/srv/pad/old\0/srv/pad/sub\0/srv/pad/tree\0=")
        .says(&STAT, &["/srv/pad/old"], "81a4 0 0 1 1 ")
        .says(&STAT, &["/srv/pad/tree"], "41ed 0 0 1 1 ");
    let spec = exclusive(&["/srv/pad/conf", "/srv/pad/sub/deep/file", "/srv/padded/old", "/srv/pad"]);
    insta::assert_snapshot!(story(&Directory, PATH, &spec, &host).unwrap().join("\n"), @r#"
    exclusive: - old
    exclusive: - tree
    remove /srv/pad/old, which nothing declares: remove file ["/srv/pad/old"] <>
    remove /srv/pad/tree, which nothing declares: remove directory and content ["/srv/pad/tree"] <>
    destroys: the directory /srv/pad/tree and all that is in it
    "#);
}

#[test]
fn homes_are_looked_up_on_the_host() {
    let host = host("41ed")
        .says(&LIST, &[PATH], "/srv/pad/alice\0/srv/pad/bob\0/srv/pad/keys\0=")
        .says(&STAT, &["/srv/pad/bob"], "41ed 0 0 1 1 ")
        .says(
            &ACCOUNTS,
            &[],
            "/etc/passwd:alice:x:1000:1000::/srv/pad/alice:/bin/sh\n/etc/passwd:eve:x:1001:1001::/srv/pad/:/bin/sh\n\
             /etc/passwd:bob:x:1002:1002::/srv/pad/bob:/bin/sh\n",
        );
    let mut spec = spec(&Directory, PATH, json!({"exclusive": true}));
    let homes = [("alice", ""), ("eve", "keys/own"), ("nobody-here", "")];
    let provided = homes.map(|(account, below)| Anchor::Home(account.into(), below.into()));
    Directory.settle(PATH, &mut spec, &provided.into());
    insta::assert_snapshot!(story(&Directory, PATH, &spec, &host).unwrap().join("\n"), @r#"
    exclusive: - bob
    remove /srv/pad/bob, which nothing declares: remove directory and content ["/srv/pad/bob"] <>
    destroys: the directory /srv/pad/bob and all that is in it
    "#);
}

#[test]
fn a_name_that_is_not_plain_text_is_left_to_a_person() {
    let host = host("41ed").says(&LIST, &[PATH], b"/srv/pad/a\nb\0/srv/pad/\xff\0=");
    insta::assert_snapshot!(story(&Directory, PATH, &exclusive(&[]), &host).unwrap().join("\n"), @r#"
    exclusive: - a
    b
    exclusive: - �
    refused: remove these from /srv/pad yourself, their names are not plain text: ["a\nb", "�"]
    "#);
}

#[test]
fn without_knowing_what_is_declared_nothing_is_judged() {
    let spec = spec(&Directory, PATH, json!({"exclusive": true}));
    let host = host("41ed").says(&LIST, &[PATH], "/srv/pad/conf\0=");
    assert!(matches!(Directory.observe(PATH, &spec, &host.0), Err(Pending::Blind(Blind::Failed(_)))));
}

#[test]
fn an_exclusive_directory_that_cannot_be_listed_is_unknown() {
    let host = host("41ed").says(&LIST, &[PATH], "it cannot be listed!");
    assert!(matches!(Directory.observe(PATH, &exclusive(&[]), &host.0), Err(Pending::Blind(Blind::Failed(_)))));
}

#[test]
fn the_system_itself_is_not_removed() {
    insta::assert_snapshot!(
        [
            mistakes(&Directory, "/etc", json!({"state": "absent"})),
            mistakes(&Directory, "/usr", json!({"exclusive": true})),
            mistakes(&Directory, "/srv/x", json!({"state": "absent", "mode": "0755"})),
            mistakes(&Directory, "/srv/../etc", json!({})),
        ].concat().join("\n"),
        @"
    /etc state: `/etc` and what is in it are part of the system
    /usr exclusive: `/usr` and what is in it are part of the system
    /srv/x mode: `mode` means nothing for a directory that must be absent
    /srv/../etc name: `/srv/../etc` has `.` or `..` in it
    "
    );
}
