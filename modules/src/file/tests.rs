use super::*;
use crate::captured::{Files, Host, mistakes, spec, specs, story};
use crate::facts::accounts::ACCOUNTS;
use crate::facts::numbers::UID;
use engine::Answer;
use serde_json::json;

const PATH: &str = "/etc/motd";
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const ACCOUNTS_OF_HOST: &str = "/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/passwd:ppom:x:1000:1000::/home/ppom:/bin/sh\n\
    /etc/group:root:x:0:\n/etc/group:ppom:x:1000:\n";

/// A regular file of root, 0644, with this content.
fn with(content: &str) -> Host {
    let desired = Desired::new(Arc::from(content.as_bytes()));
    Host::default()
        .says(&FILE, &[PATH], format!("81a4 0 0 {} 1795192349 \n{}", content.len(), desired.sha256))
        .says(&READ, &[PATH], format!("{content}="))
        .says(&STAT, &[PATH], format!("81a4 0 0 {} 1795192349 ", content.len()))
        .says(&ACCOUNTS, &[], ACCOUNTS_OF_HOST)
}

/// Something else is there.
fn with_type(mode: &str) -> Host {
    Host::default().says(&FILE, &[PATH], format!("{mode} 0 0 0 1795192349 \n!")).says(
        &STAT,
        &[PATH],
        format!("{mode} 0 0 0 1795192349 "),
    )
}

fn tell(fields: serde_json::Value, host: &Host) -> Vec<String> {
    story(&File, PATH, &spec(&File, PATH, fields), host).unwrap()
}

#[test]
fn a_file_that_is_right_has_nothing_to_tell() {
    assert_eq!(Desired::new(Arc::from(&b"hello\n"[..])).sha256, HELLO);
    let fields = json!({"content": "hello\n", "mode": "0644", "owner": "root", "group": "0"});
    assert!(tell(fields, &with("hello\n")).is_empty());
}

#[test]
fn everything_is_asked_in_one_go_and_the_content_only_when_it_differs() {
    let spec = spec(&File, PATH, json!({"content": "hello\n", "owner": "root"}));
    let host = Host::default();
    assert!(matches!(File.observe(PATH, &spec, &host.0), Err(Pending::Need)));
    assert_eq!(host.missing(), ["accounts[]", r#"file["/etc/motd"]"#]);
    let host = Host::default().says(&ACCOUNTS, &[], ACCOUNTS_OF_HOST).says(
        &FILE,
        &[PATH],
        format!("81a4 0 0 3 1 \n{}", "0".repeat(64)),
    );
    assert!(matches!(File.observe(PATH, &spec, &host.0), Err(Pending::Need)));
    assert_eq!(host.missing(), [r#"read["/etc/motd"]"#]);
}

#[test]
fn a_file_with_a_secret_is_for_its_owner_unless_the_policy_says_otherwise() {
    let tell = |fields, host: &Host| {
        let mut spec = spec(&File, PATH, fields);
        spec.holds_secret = true;
        story(&File, PATH, &spec, host).unwrap().join("\n")
    };
    let narrowed = tell(json!({"content": "hello\n"}), &with("hello\n"));
    assert!(narrowed.contains("mode: 0644 -> 0640, since it holds a secret"), "{narrowed}");
    assert!(narrowed.contains(r#"["/etc/motd", "0640", "", ""]"#), "{narrowed}");
    assert_eq!(tell(json!({"content": "hello\n", "mode": "0644"}), &with("hello\n")), "");
    let new = tell(json!({"content": "hello\n"}), &Host::default().says(&FILE, &[PATH], ""));
    assert!(new.contains(r#"["/etc/motd", "0600", "", "", ""]"#), "{new}");
}

#[test]
fn content_mode_and_owner_are_put_right_in_one_write() {
    let fields = json!({"content": "hello\n", "mode": "0600", "owner": "ppom"});
    insta::assert_snapshot!(tell(fields, &with("bye\n")).join("\n"), @r#"
    content:
    @@ -1 +1 @@
    -bye
    +hello

    mode: 0644 -> 0600
    owner: root -> ppom
    write its content: write file ["/etc/motd", "0600", "ppom", "0", ""] <hello
    >
    "#);
}

#[test]
fn mode_and_owner_alone_leave_the_content_alone() {
    insta::assert_snapshot!(tell(json!({"mode": "0600", "group": "1000"}), &with("bye\n")).join("\n"), @r#"
    mode: 0644 -> 0600
    group: root -> 1000
    set mode and group: set owner and mode ["/etc/motd", "0600", "", "1000"] <>
    "#);
}

#[test]
fn an_owner_that_does_not_exist_yet_is_drift() {
    insta::assert_snapshot!(tell(json!({"owner": "zoe", "group": "zoe"}), &with("bye\n")).join("\n"), @r#"
    owner: root -> zoe (there is no such account yet)
    group: root -> zoe (there is no such group yet)
    set owner and group: set owner and mode ["/etc/motd", "0644", "zoe", "zoe"] <>
    "#);
}

#[test]
fn an_owner_from_a_directory_service_is_known_by_its_number() {
    let remote = format!("{ACCOUNTS_OF_HOST}/etc/nsswitch.conf:passwd: files ldap\n");
    let host = with("x").says(&ACCOUNTS, &[], remote);
    let spec = spec(&File, PATH, json!({"owner": "zoe"}));
    assert!(matches!(File.observe(PATH, &spec, &host.0), Err(Pending::Need)));
    assert_eq!(host.missing(), [r#"number of account["zoe"]"#]);
    let host = host.says(&UID, &["zoe"], "zoe:*:0:0::/home/zoe:/bin/sh\n");
    assert!(story(&File, PATH, &spec, &host).unwrap().is_empty());
}

#[test]
fn a_missing_file_is_made() {
    insta::assert_snapshot!(tell(json!({"content": "hello\n"}), &Host::default().says(&FILE, &[PATH], "")).join("\n"), @r#"
    state: absent -> present
    create the file: write file ["/etc/motd", "0644", "", "", ""] <hello
    >
    "#);
    insta::assert_snapshot!(tell(json!({"mode": "0600"}), &Host::default().says(&STAT, &[PATH], "")).join("\n"), @r#"
    state: absent -> present
    refused: there is no file /etc/motd, and the policy gives no content to make one of; add `content: ""` for an empty one
    "#);
}

#[test]
fn what_is_no_file_is_named_and_a_directory_is_left_alone() {
    let fields = || json!({"content": ""});
    insta::assert_snapshot!(tell(fields(), &with_type("11a4")).join("\n"), @r#"
    state: a named pipe -> a file
    replace a named pipe by the file: write file ["/etc/motd", "0644", "", "", ""] <>
    "#);
    insta::assert_snapshot!(tell(fields(), &with_type("a1ff")).join("\n"), @r#"
    state: a link -> a file
    replace a link by the file: write file ["/etc/motd", "0644", "", "", ""] <>
    "#);
    insta::assert_snapshot!(tell(fields(), &with_type("41ed")).join("\n"), @r"
    state: a directory -> a file
    refused: /etc/motd is a directory; move it away yourself, nothing in it is thrown away here
    ");
    insta::assert_snapshot!(tell(json!({"state": "absent"}), &with_type("41ed")).join("\n"), @r"
    state: a directory -> absent
    refused: /etc/motd is a directory; move it away yourself, nothing in it is thrown away here
    ");
}

#[test]
fn absence_removes_and_a_seed_is_only_sown_once() {
    insta::assert_snapshot!(tell(json!({"state": "absent"}), &with("x")).join("\n"), @r#"
    state: present -> absent
    remove the file: remove file ["/etc/motd"] <>
    "#);
    let seed = || json!({"content": "hello\n", "seed": true});
    assert!(tell(seed(), &with("something else")).is_empty());
    let sown = tell(seed(), &Host::default().says(&STAT, &[PATH], ""));
    assert!(sown[1].ends_with("<hello\n>"), "{sown:?}");
}

#[test]
fn what_cannot_be_shown_says_why() {
    let secret = tell(json!({"content": "s3cret", "secret": true}), &with("0ld s3cret"));
    assert_eq!(secret[0], "content: differs (secret)");
    let binary = Host::default().says(&FILE, &[PATH], format!("81a4 0 0 3 1 \n{}", "0".repeat(64))).says(
        &READ,
        &[PATH],
        b"\xff\xfe=",
    );
    assert_eq!(tell(json!({"content": "x"}), &binary)[0], "content: differs (binary)");
    let huge = Host::default().says(&FILE, &[PATH], "81a4 0 0 21474836480 1 \n!its content could not be hashed");
    assert_eq!(tell(json!({"content": "x"}), &huge)[0], "content: differs (it is 21474836480 bytes large)");
    let large = Host::default().says(&FILE, &[PATH], format!("81a4 0 0 2000000 1 \n{}", "0".repeat(64)));
    assert_eq!(tell(json!({"content": "x"}), &large)[0], "content: differs (larger than 1 MiB)");
}

#[test]
fn a_content_that_may_not_be_read_and_could_be_right_is_unknown() {
    let spec = spec(&File, PATH, json!({"content": "x"}));
    let host = Host::default().says(&FILE, &[PATH], "8180 0 0 1 1 \n!permission denied");
    assert!(matches!(File.observe(PATH, &spec, &host.0), Err(Pending::Blind(Blind::Denied(_)))));
    let failed = Answer { status: 1, out: vec![], err: b"stat: cannot statx '/etc/motd': Permission denied".to_vec() };
    let host = Host::default().answers(&FILE, &[PATH], failed);
    assert!(matches!(File.observe(PATH, &spec, &host.0), Err(Pending::Blind(Blind::Denied(_)))));
}

#[test]
fn sources_and_templates_come_from_the_repository() {
    let files = Files(BTreeMap::from([("files/motd", &b"hello\n"[..]), ("templates/motd", b"this is {{ name }}\n")]));
    let mut all =
        specs(&File, json!({PATH: {"source": "files/motd"}, "/etc/issue": {"template": "templates/motd"}}), &files)
            .unwrap();
    assert!(story(&File, PATH, &all.remove(PATH).unwrap(), &with("hello\n")).unwrap().is_empty());
    assert_eq!(&*all.remove("/etc/issue").unwrap().desired.unwrap().bytes, b"this is pica01\n");
    let problems = specs(&File, json!({PATH: {"source": "none"}}), &files).err().unwrap();
    assert_eq!(problems, ["/etc/motd source: there is no file none"]);
}

#[test]
fn mistakes_are_found_offline() {
    insta::assert_snapshot!(
        [
            mistakes(&File, "etc/motd", json!({})),
            mistakes(&File, PATH, json!({"content": "", "source": "x"})),
            mistakes(&File, PATH, json!({"seed": true, "validate": "true {}"})),
            mistakes(&File, PATH, json!({"content": "", "validate": "true"})),
            mistakes(&File, PATH, json!({"state": "absent", "mode": "0644", "content": ""})),
            mistakes(&File, PATH, json!({"owner": "a:b", "group": "-x"})),
        ]
        .concat()
        .join("\n"),
        @"
    etc/motd name: `etc/motd` is not an absolute path
    /etc/motd source: the content is already given by `content` (keep one of `content`, `source` and `template`)
    /etc/motd seed: `seed` is about the content, and there is none (add `content`, `source` or `template`)
    /etc/motd validate: `validate` is about the content, and there is none (add `content`, `source` or `template`)
    /etc/motd validate: the command does not say which file to check (write `{}` where the file goes: `visudo -cf {}`)
    /etc/motd content: `content` means nothing for a file that must be absent
    /etc/motd mode: `mode` means nothing for a file that must be absent
    /etc/motd owner: `a:b` is neither a name nor a number
    /etc/motd group: `-x` is neither a name nor a number
    "
    );
}

#[test]
fn a_file_needs_its_directory_owner_and_group() {
    use engine::Anchor::{Group, Path, User};
    let links = File.links(PATH, &spec(&File, PATH, json!({"owner": "ppom", "group": "ops", "content": ""})), 0);
    assert_eq!(links.needs, [Path("/etc".into()), User("ppom".into()), Group("ops".into())]);
    assert_eq!(links.provides, [Path(PATH.into())]);
    let links = File.links(PATH, &spec(&File, PATH, json!({"owner": "0", "content": ""})), 0);
    assert_eq!(links.needs, [Path("/etc".into())]);
    let links = File.links(PATH, &spec(&File, PATH, json!({"state": "absent"})), 0);
    assert_eq!((links.removes, links.after, links.needs), (vec![Path(PATH.into())], vec![Path("/etc".into())], vec![]));
}
