use super::*;
use crate::captured::{Host, mistakes, spec, story};
use serde_json::json;

const PATH: &str = "/etc/localtime";

fn host(mode: &str, target: &str) -> Host {
    let stat = if mode.is_empty() { String::new() } else { format!("{mode} 0 0 27 1795192349 ") };
    Host::default().stands(PATH, &stat).says(&TARGET, &[PATH], target)
}

fn tell(fields: serde_json::Value, host: &Host) -> String {
    story(&Link, PATH, &spec(&Link, PATH, fields), host).unwrap().join("\n")
}

#[test]
fn a_link_is_made_turned_and_removed() {
    let wanted = || json!({"target": "/usr/share/zoneinfo/UTC"});
    assert_eq!(tell(wanted(), &host("a1ff", "/usr/share/zoneinfo/UTC=")), "");
    insta::assert_snapshot!(tell(wanted(), &host("a1ff", "/dev/zero=")), @r#"
    target: /dev/zero -> /usr/share/zoneinfo/UTC
    point it to /usr/share/zoneinfo/UTC: make link ["/etc/localtime", "/usr/share/zoneinfo/UTC"] <>
    "#);
    insta::assert_snapshot!(tell(wanted(), &host("", "")), @r#"
    state: absent -> present
    make the link to /usr/share/zoneinfo/UTC: make link ["/etc/localtime", "/usr/share/zoneinfo/UTC"] <>
    "#);
    insta::assert_snapshot!(tell(wanted(), &host("81a4", "")), @r#"
    state: a file -> a link
    replace a file by a link to /usr/share/zoneinfo/UTC: make link ["/etc/localtime", "/usr/share/zoneinfo/UTC"] <>
    "#);
    insta::assert_snapshot!(tell(wanted(), &host("41ed", "")), @r"
    state: a directory -> a link
    refused: /etc/localtime is a directory; move it away yourself, nothing in it is thrown away here
    ");
    let absent = || json!({"state": "absent"});
    assert_eq!(tell(absent(), &host("", "")), "");
    insta::assert_snapshot!(tell(absent(), &host("a1ff", "")), @r#"
    state: present -> absent
    remove the link: remove file ["/etc/localtime"] <>
    "#);
    insta::assert_snapshot!(tell(absent(), &host("81a4", "")), @r"
    state: a file -> absent
    refused: /etc/localtime is a file, not a link; declare it under files: /etc/localtime: absent
    ");
}

#[test]
fn both_questions_are_asked_at_once_and_a_link_needs_no_target() {
    let spec = spec(&Link, PATH, json!({"target": "x"}));
    let host = Host::default();
    assert!(matches!(Link.observe(PATH, &spec, &host.0), Err(Pending::Need)));
    assert_eq!(host.missing().len(), 2);
    assert_eq!(Link.links(PATH, &spec, 0).needs, [engine::Anchor::Path("/etc".into())]);
}

#[test]
fn a_link_that_cannot_be_read_is_unknown() {
    let spec = spec(&Link, PATH, json!({"target": "x"}));
    let host = host("a1ff", "it cannot be read!");
    assert!(matches!(Link.observe(PATH, &spec, &host.0), Err(Pending::Blind(_))));
}

#[test]
fn mistakes_are_found_offline() {
    insta::assert_snapshot!(
        [
            mistakes(&Link, PATH, json!({})),
            mistakes(&Link, PATH, json!({"target": "a\nb"})),
            mistakes(&Link, "/a/", json!({"target": "x", "state": "absent"})),
        ].concat().join("\n"),
        @"
    /etc/localtime target: a link needs a `target` (say where it points: `target: /usr/share/zoneinfo/UTC`)
    /etc/localtime target: a target is 1 to 4095 bytes long and has no control characters
    /a/ name: `/a/` has a `/` too many
    /a/ target: `target` means nothing for a link that must be absent
    "
    );
}
