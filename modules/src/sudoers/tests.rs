use super::*;
use crate::captured::{Host, mistakes, spec, story};
use engine::paths::{READ, STAT};
use serde_json::json;

const PATH: &str = "/etc/sudoers.d/ops";

fn fields() -> serde_json::Value {
    json!({"users": ["%ops"], "run_as": "ALL:ALL", "commands": "ALL", "nopasswd": true})
}

/// A host whose /etc/sudoers is this.
fn main(text: &str) -> Host {
    Host::default().says(&STAT, &[MAIN], "8120 0 0 9 1 ").says(&READ, &[MAIN], format!("{text}="))
}

fn debian() -> Host {
    main("Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
}

/// A file of root's with this mode and content.
fn with(mode: &str, content: &str) -> Host {
    debian().says(&STAT, &[PATH], format!("8{mode} 0 0 {} 1 ", content.len())).says(
        &READ,
        &[PATH],
        format!("{content}="),
    )
}

/// There is no such file.
fn absent(host: Host) -> Host {
    host.says(&STAT, &[PATH], "").says(&READ, &[PATH], "it is not a regular file!")
}

fn tell(fields: serde_json::Value, host: &Host) -> String {
    story(&Sudoers, "ops", &spec(&Sudoers, "ops", fields), host).unwrap().join("\n")
}

fn text(fields: serde_json::Value) -> String {
    spec(&Sudoers, "ops", fields).text.unwrap()
}

#[test]
fn rules_are_written_as_sudoers_has_them() {
    assert_eq!(text(fields()), "%ops ALL=(ALL:ALL)NOPASSWD: ALL\n");
    let rule = json!({"users": ["deploy", "OPS", "%OPS", "Defaults"], "commands": [
        "/usr/bin/systemctl restart pad.service", "/usr/bin/rsync --out=a,b:c #d", "sudoedit /etc/motd", "/bin/ls \"\""]});
    insta::assert_snapshot!(text(rule), @r#"
    deploy ALL= /usr/bin/systemctl restart pad.service, /usr/bin/rsync --out\=a\,b\:c \#d, sudoedit /etc/motd, /bin/ls ""
    "OPS" ALL= /usr/bin/systemctl restart pad.service, /usr/bin/rsync --out\=a\,b\:c \#d, sudoedit /etc/motd, /bin/ls ""
    %OPS ALL= /usr/bin/systemctl restart pad.service, /usr/bin/rsync --out\=a\,b\:c \#d, sudoedit /etc/motd, /bin/ls ""
    "Defaults" ALL= /usr/bin/systemctl restart pad.service, /usr/bin/rsync --out\=a\,b\:c \#d, sudoedit /etc/motd, /bin/ls ""
    "#);
    let tags =
        json!({"users": "a", "run_as": ":adm", "commands": "ALL", "noexec": true, "setenv": true, "nopasswd": false});
    assert_eq!(text(tags), "a ALL=(:adm)NOEXEC:SETENV: ALL\n");
}

#[test]
fn a_file_that_sudo_does_not_read_is_drift_for_a_person() {
    for text in ["", "# includedir /etc/sudoers.d\n", "#includedir\n"] {
        let told = tell(fields(), &absent(main(text)));
        assert!(
            told.contains("included: /etc/sudoers does not include /etc/sudoers.d -> read by sudo"),
            "{text}: {told}"
        );
    }
    for text in
        ["#includedir /etc/sudoers.d", "@includedir\t\"/etc/sudoers.d/\"\n", " @include /x\n@includedir /etc/sudoers.d"]
    {
        assert!(!tell(fields(), &absent(main(text))).contains("included"), "{text}");
    }
    let unknown =
        story(&Sudoers, "ops", &spec(&Sudoers, "ops", fields()), &absent(main("@include /etc/sudoers.local\n")));
    assert!(format!("{unknown:?}").contains("/etc/sudoers includes other files"), "{unknown:?}");
    let bare = absent(Host::default().says(&STAT, &[MAIN], "").says(&READ, &[MAIN], "it is not a regular file!"));
    assert!(tell(fields(), &bare).starts_with("state: absent -> present\ncreate"));
}

#[test]
fn a_missing_file_is_made_and_a_wrong_one_shown() {
    insta::assert_snapshot!(tell(fields(), &absent(debian())), @r#"
    state: absent -> present
    create /etc/sudoers.d/ops: write sudoers ["/etc/sudoers.d/ops", "0440", "root", "root", "visudo -cf {} >/dev/null"] <%ops ALL=(ALL:ALL)NOPASSWD: ALL
    >
    endangers Rights { path: "/etc/sudoers.d/ops", left: Some(["ops"]) }
    "#);
    insta::assert_snapshot!(tell(fields(), &with("120", "%ops ALL=(ALL) ALL\n")), @r#"
    content:
    @@ -1 +1 @@
    -%ops ALL=(ALL) ALL
    +%ops ALL=(ALL:ALL)NOPASSWD: ALL

    write /etc/sudoers.d/ops: write sudoers ["/etc/sudoers.d/ops", "0440", "root", "root", "visudo -cf {} >/dev/null"] <%ops ALL=(ALL:ALL)NOPASSWD: ALL
    >
    endangers Rights { path: "/etc/sudoers.d/ops", left: Some(["ops"]) }
    "#);
}

#[test]
fn comments_of_others_are_no_difference_but_modes_are() {
    let host = with("1a4", "# Ansible\n\n%ops ALL=(ALL:ALL)NOPASSWD: ALL\n");
    insta::assert_snapshot!(tell(fields(), &host), @r#"
    mode: 0644 -> 0440
    set owner and mode of /etc/sudoers.d/ops: set owner and mode ["/etc/sudoers.d/ops", "0440", "root", "root"] <>
    "#);
    let rule = "%ops ALL=(ALL:ALL)NOPASSWD: ALL\n";
    for more in [
        "#1000 ALL=ALL\n",
        "#include /x\n",
        "#includedir /x\n",
        "@include /x\n",
        "#-1 ALL=ALL\n",
        "# x \\\n",
        "eve ALL=ALL\n",
    ] {
        assert!(!rule::same(&format!("{more}{rule}"), rule), "{more}");
    }
    assert!(!rule::same("", rule) && !rule::same("# nothing\n", rule));
}

#[test]
fn a_file_that_must_go_is_removed_and_content_is_compared_as_it_is() {
    insta::assert_snapshot!(tell(json!({"state": "absent"}), &with("120", "x\n")), @r#"
    state: present -> absent
    remove /etc/sudoers.d/ops: remove file ["/etc/sudoers.d/ops"] <>
    "#);
    let whole = json!({"content": "Defaults use_pty\n"});
    assert!(tell(whole, &with("120", "# old\nDefaults use_pty\n")).starts_with("content:\n@@"));
}

#[test]
fn rights_that_would_ask_for_a_password_now_are_not_those_of_before() {
    let fields = json!({"users": ["ops", "deploy"], "commands": "ALL"});
    let told = tell(fields.clone(), &with("120", "ops ALL=(ALL) NOPASSWD: ALL\n"));
    assert!(told.ends_with("left: Some([]) }"), "{told}");
    let told = tell(fields, &with("120", "ops ALL=(ALL) ALL\n"));
    assert!(told.ends_with("left: Some([\"ops\", \"deploy\"]) }"), "{told}");
}

#[test]
fn mistakes_have_a_way_out() {
    let told = |name: &str, fields: serde_json::Value| mistakes(&Sudoers, name, fields).join("\n");
    insta::assert_snapshot!(told("ops.conf", fields()), @"ops.conf name: sudo reads no file whose name has a `.` in it or ends in `~` (call it `ops-conf`)");
    insta::assert_snapshot!(told("ops", json!({"users": [], "nopasswd": true})), @"
    ops users: a rule needs `users` (or write the whole file as `content`, in the language of sudoers(5))
    ops commands: a rule needs `commands` (or write the whole file as `content`, in the language of sudoers(5))
    ");
    insta::assert_snapshot!(told("ops", json!({"users": ["a b", "%", "ops,%root", "#0"], "run_as": "root, x y", "commands": [
        "systemctl", "!/bin/sh", "/bin/a  b", "/bin/a\nb", "/bin/a\\b", "/bin/echo ^a$", "/bin/echo 'a' \"b\"", "ALL, /bin/sh", "SHELLS"]})), @r#"
    ops users: `a b` is no account, `%group` or `ALL`: a name has only letters, digits, `_`, `-` and `.`
    ops users: `%` is no account, `%group` or `ALL`: a name cannot be empty
    ops users: `ops,%root` is no account, `%group` or `ALL`: a name has only letters, digits, `_`, `-` and `.`
    ops users: `#0` is no account, `%group` or `ALL`: a name begins with a letter or `_`
    ops run_as: `x y` is no account, `%group` or `ALL`: a name has only letters, digits, `_`, `-` and `.`
    ops commands: `systemctl` is neither an absolute path nor `ALL` (write where the program is, such as `/usr/bin/systemctl restart nginx`)
    ops commands: `!/bin/sh`: what is forbidden by `!` can be run by another name; list what is allowed
    ops commands: `/bin/a  b`: words stand apart by one space each, in one line
    ops commands: `/bin/a\nb`: words stand apart by one space each, in one line
    ops commands: `/bin/a\b`: sudo compares no backslash with itself; write such a rule as `content`
    ops commands: `/bin/echo ^a$`: a word that begins with `^` is a regular expression; write those as `content`
    ops commands: `/bin/echo 'a' "b"`: sudo takes quotes as they are, so they would have to be typed (leave them out; `""` alone after the path stands for no arguments)
    ops commands: `ALL,` is neither an absolute path nor `ALL` (write where the program is, such as `/usr/bin/systemctl restart nginx`)
    ops commands: `SHELLS` is neither an absolute path nor `ALL` (write where the program is, such as `/usr/bin/systemctl restart nginx`)
    "#);
    insta::assert_snapshot!(told("ops", json!({"state": "absent", "users": ["a"], "content": "x"})), @"
    ops users: `users` means nothing for a file that must be absent
    ops content: `content` means nothing for a file that must be absent
    ");
    insta::assert_snapshot!(told("ops", json!({"commands": "ALL", "content": "x"})), @"ops commands: `content` is the whole file, so `commands` would say nothing (keep one of them)");
    assert_eq!(
        told("ops", json!({"users": "a", "run_as": ":%adm", "commands": "ALL"})),
        "ops run_as: `%adm` is already a group after the `:`: leave the `%` out"
    );
}

#[test]
fn a_rule_needs_the_package_and_everybody_it_names() {
    let spec =
        spec(&Sudoers, "ops", json!({"users": ["%ops", "zoe", "ALL"], "run_as": "www-data:adm", "commands": "ALL"}));
    let needs = Sudoers.links("ops", &spec, 0).needs;
    let wanted = [
        Anchor::Path("/etc/sudoers.d".into()),
        Anchor::Package("sudo".into()),
        Anchor::Group("ops".into()),
        Anchor::User("zoe".into()),
        Anchor::User("www-data".into()),
        Anchor::Group("adm".into()),
    ];
    assert_eq!(needs, wanted);
}
