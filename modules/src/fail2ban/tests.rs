use super::*;
use crate::captured::{Files, Host, mistakes, specs, story};
use serde_json::{Value, json};

/// The jail of a policy that has these.
fn jail(all: Value, name: &str) -> Spec {
    specs(&Fail2ban, all, &Files(BTreeMap::new())).unwrap().remove(name).unwrap()
}

fn sshd() -> Value {
    json!({"sshd": {"maxretry": 5, "findtime": "10m", "bantime": "1h"}})
}

const SSHD: &str = "[sshd]\nenabled = true\nbackend = systemd\nmaxretry = 5\nfindtime = 10m\nbantime = 1h\n";

/// fail2ban runs sshd as comply's file says, and the file has this.
fn host(file: &str, change: impl Fn(&mut Value)) -> Host {
    let mut state = json!({"installed": true, "readable": true, "server": true, "said": [], "overridden": {"sshd": []},
        "jails": {"sshd": {"running": true, "stale": [], "restart": false}}});
    change(&mut state);
    with_state(file, &state, "")
}

fn with_state(file: &str, state: &Value, later: &str) -> Host {
    let there = !file.is_empty();
    Host::default()
        .says(&STAT, &[FILE], if there { format!("8180 0 0 {} 1 ", file.len()) } else { String::new() })
        .says(&READ, &[FILE], if there { format!("{file}=") } else { "it is not a regular file!".into() })
        .says(&LIST, &[DIRECTORY], format!("{DIRECTORY}/defaults-debian.conf\0{DIRECTORY}/aa.local\0{later}="))
        .says(&FAIL2BAN, &[], state.to_string())
}

fn tell(all: Value, name: &str, host: &Host) -> String {
    story(&Fail2ban, name, &jail(all, name), host).unwrap().join("\n")
}

#[test]
fn a_jail_is_written_as_jail_conf_has_it() {
    assert_eq!(section::text("sshd", &jail(sshd(), "sshd")), SSHD);
    let all = json!({"nginx": {"port": 80, "filter": "nginx-http-auth", "logpath": ["/a.log", "/b.log"], "bantime": "-1",
        "ignoreip": ["::1", "192.0.2.0/24"], "action": "one[x=1]\n\ttwo", "options": {"usedns": "no"}, "enabled": false}});
    let mut fields = all;
    fields["nginx"]["port"] = "80".into();
    fields["nginx"]["action"] = "one[x=1]\ntwo".into();
    let text = section::text("nginx", &jail(fields, "nginx"));
    insta::assert_snapshot!(text, @r#"
    [nginx]
    enabled = false
    port = 80
    filter = nginx-http-auth
    logpath = /a.log
        /b.log
    bantime = -1
    ignoreip = ::1 192.0.2.0/24
    action = one[x=1]
        two
    usedns = no
    "#);
    let file = section::file(
        &[("nginx".to_owned(), text.clone()), (DEFAULT.to_owned(), "[DEFAULT]\nx = 1\n".to_owned())].into(),
    );
    let read = section::read(&file);
    assert_eq!(read["nginx"], text);
    assert!(file.find("[DEFAULT]") < file.find("[nginx]"));
}

#[test]
fn what_is_right_in_all_three_places_is_compliant() {
    let file = section::file(&[("sshd".to_owned(), SSHD.to_owned())].into());
    assert_eq!(tell(sshd(), "sshd", &host(&file, |_| {})), "");
}

#[test]
fn it_is_said_which_of_the_three_differs() {
    let file = section::file(&[("sshd".to_owned(), SSHD.to_owned())].into());
    insta::assert_snapshot!(tell(sshd(), "sshd", &host(&file.replace("maxretry = 5", "maxretry = 4"), |_| {})), @r#"
    file:
    @@ -1,6 +1,6 @@
     [sshd]
     enabled = true
     backend = systemd
    -maxretry = 4
    +maxretry = 5
     findtime = 10m
     bantime = 1h

    write /etc/fail2ban/jail.d/zz-comply.local, and reload sshd, whose bans stay: apply jails ["sshd", "", "sshd"] <# Written by comply: a change made here does not last.

    [sshd]
    enabled = true
    backend = systemd
    maxretry = 5
    findtime = 10m
    bantime = 1h
    >
    "#);
    let running = host(&file, |state| {
        state["jails"]["sshd"]["stale"] = json!([
            {"key": "maxretry", "action": "", "is": "9", "should": "5"},
            {"key": "ignorecommand", "action": "", "is": "/bin/true", "should": ""},
            {"key": "ignoreip", "action": "", "is": "::1 192.0.2.7", "should": "::1 192.0.2.8"},
            {"key": "port", "action": "nftables", "is": "23", "should": "22"},
            {"key": "actionban", "action": "nftables", "is": "true", "should": "nft"},
        ]);
    });
    insta::assert_snapshot!(tell(sshd(), "sshd", &running), @r#"
    maxretry: 9 (running) -> 5
    options: /bin/true (running) -> none
    ignoreip: + 192.0.2.8 (running)
    ignoreip: - 192.0.2.7 (running)
    port: 23 (running) -> 22
    action: true (running) -> nft
    reload sshd, whose bans stay: apply jails ["sshd", "", "sshd"] <# Written by comply: a change made here does not last.

    [sshd]
    enabled = true
    backend = systemd
    maxretry = 5
    findtime = 10m
    bantime = 1h
    >
    "#);
    let lost = host(&file, |state| {
        state["jails"]["sshd"]["stale"] = json!([{"key": "action", "is": "", "should": "nftables"}]);
        state["jails"]["sshd"]["restart"] = true.into();
    });
    let told = tell(sshd(), "sshd", &lost);
    assert!(
        told.starts_with(
            "action: none (running) -> nftables\nrestart sshd, whose bans stay: apply jails [\"\", \"sshd\", \"sshd\"]"
        ),
        "{told}"
    );
    let mut state = json!({"installed": true, "readable": true, "server": true, "jails": {"sshd": {"running": true}},
        "overridden": {"sshd": [{"key": "maxretry", "is": "9", "should": "5"}, {"key": "mode", "is": "normal", "should": "aggressive"},
            {"key": "ignoreip", "is": "::1\n10.0.0.1", "should": "::1"}]}});
    let later = format!("{DIRECTORY}/zz-team.local\0");
    insta::assert_snapshot!(tell(sshd(), "sshd", &with_state(&file, &state, &later)), @r#"
    maxretry: 9 (as loaded: zz-team.local is read after comply's file) -> 5
    options: normal (as loaded: zz-team.local is read after comply's file) -> aggressive
    ignoreip: - 10.0.0.1 (as loaded: zz-team.local is read after comply's file)
    refused: `maxretry` is set by zz-team.local in /etc/fail2ban/jail.d, which fail2ban reads after comply's file: take it out there
    "#);
    state["jails"] = json!({});
    state["overridden"] = json!({"sshd": [{"key": "enabled", "is": "false", "should": "true"}]});
    insta::assert_snapshot!(tell(sshd(), "sshd", &with_state(&file, &state, "")), @r#"
    enabled: false (as loaded, against comply's file) -> true
    state: not running -> running
    refused: /etc/fail2ban/jail.d/zz-comply.local says what it should, and fail2ban loads another `enabled`: see fail2ban-client -d
    "#);
}

#[test]
fn a_jail_that_cannot_start_says_why() {
    let all = || json!({"sshd": {"backend": "auto"}});
    let text = section::text("sshd", &jail(all(), "sshd"));
    let file = section::file(&[("sshd".to_owned(), text)].into());
    let state = json!({"installed": true, "readable": true, "server": false,
        "said": ["2026-11-21 17:24:18,529 fail2ban.jailreader     [144]: WARNING Have not found any log file for sshd jail"],
        "jails": {"sshd": {}}});
    insta::assert_snapshot!(tell(all(), "sshd", &with_state(&file, &state, "")), @r#"
    state: not running: Have not found any log file for sshd jail; where the journal has the log, it needs `backend: systemd` -> running
    start fail2ban: apply jails ["--all", "", "sshd"] <# Written by comply: a change made here does not last.

    [sshd]
    enabled = true
    backend = auto
    >
    "#);
    let stopped = host(&file, |state| {
        state["server"] = false.into();
        state["jails"]["sshd"]["running"] = false.into();
    });
    insta::assert_snapshot!(tell(all(), "sshd", &stopped), @r#"
    state: not running, nor is fail2ban itself -> running
    start fail2ban: apply jails ["--all", "", "sshd"] <# Written by comply: a change made here does not last.

    [sshd]
    enabled = true
    backend = auto
    >
    "#);
    let absent = with_state("", &json!({"installed": false}), "");
    insta::assert_snapshot!(tell(all(), "sshd", &absent), @r#"
    state: absent (fail2ban is not installed) -> running
    file:
    @@ -0,0 +1,3 @@
    +[sshd]
    +enabled = true
    +backend = auto

    refused: fail2ban is not on this host: declare `packages: [fail2ban]`
    "#);
}

#[test]
fn while_fail2ban_cannot_load_its_files_nothing_is_said_to_be_right() {
    let file = section::file(&[("sshd".to_owned(), SSHD.to_owned())].into());
    let broken = |file: &str, by: &str| {
        host(file, |state| {
            state["readable"] = false.into();
            state["said"] = json!([format!(
                "2026-11-21 23:33:04,467 fail2ban [344]: ERROR   Failed during configuration: Source contains parsing errors: '{by}'"
            )]);
        })
    };
    insta::assert_snapshot!(tell(sshd(), "sshd", &broken(&file, "/etc/fail2ban/jail.d/aa.local")), @r#"
    loaded: fail2ban cannot read its files: Source contains parsing errors: '/etc/fail2ban/jail.d/aa.local' -> as the files say
    refused: fail2ban cannot read its files: Source contains parsing errors: '/etc/fail2ban/jail.d/aa.local'; /etc/fail2ban/jail.d/zz-comply.local says what it should, so put that right by hand
    "#);
    let told = tell(sshd(), "sshd", &broken(&file, FILE));
    assert!(told.contains("\nreload sshd, whose bans stay: apply jails"), "{told}");
    let mut both = sshd();
    both["DEFAULT"] = json!({"banaction": "nftables"});
    insta::assert_snapshot!(tell(both, "DEFAULT", &broken(&file, "/etc/fail2ban/jail.d/aa.local")), @r#"
    file:
    @@ -0,0 +1,2 @@
    +[DEFAULT]
    +banaction = nftables

    loaded: fail2ban cannot read its files: Source contains parsing errors: '/etc/fail2ban/jail.d/aa.local' -> as the files say
    write /etc/fail2ban/jail.d/zz-comply.local, and reload fail2ban, whose bans stay: apply jails ["--all", ""] <# Written by comply: a change made here does not last.

    [DEFAULT]
    banaction = nftables

    [sshd]
    enabled = true
    backend = systemd
    maxretry = 5
    findtime = 10m
    bantime = 1h
    >
    "#);
    let wrong = host(&file, |state| {
        state["jails"]["sshd"] = json!({"wrong": "Unable to read the filter 'nosuch'", "running": true})
    });
    insta::assert_snapshot!(tell(sshd(), "sshd", &wrong), @r#"
    loaded: fail2ban cannot load it: Unable to read the filter 'nosuch' -> as the files say
    refused: fail2ban cannot load it: Unable to read the filter 'nosuch'; /etc/fail2ban/jail.d/zz-comply.local says what it should, so put that right by hand
    "#);
}

#[test]
fn a_jail_that_was_dropped_is_told_by_the_first_and_goes() {
    let both =
        || json!({"DEFAULT": {"banaction": "nftables"}, "sshd": {"maxretry": 5, "findtime": "10m", "bantime": "1h"}});
    let sections = [
        ("sshd".to_owned(), SSHD.to_owned()),
        ("DEFAULT".to_owned(), "[DEFAULT]\nbanaction = nftables\n".to_owned()),
        ("old".to_owned(), "[old]\nenabled = true\n".to_owned()),
    ];
    let host = host(&section::file(&sections.into()), |_| {});
    insta::assert_snapshot!(tell(both(), "DEFAULT", &host), @r#"
    file: - [old], which no policy declares any more
    write /etc/fail2ban/jail.d/zz-comply.local, and reload fail2ban, whose bans stay: apply jails ["--all", ""] <# Written by comply: a change made here does not last.

    [DEFAULT]
    banaction = nftables

    [sshd]
    enabled = true
    backend = systemd
    maxretry = 5
    findtime = 10m
    bantime = 1h
    >
    "#);
    assert_eq!(tell(both(), "sshd", &host), "");
}

#[test]
fn mistakes_have_a_way_out() {
    let told = |name: &str, fields: Value| mistakes(&Fail2ban, name, fields).join("\n");
    insta::assert_snapshot!([
        told("a b", json!({})),
        told("x]\n[y", json!({})),
        told("DEFAULT", json!({"enabled": true})),
        told("sshd", json!({"maxretry": 0, "findtime": "1h"})),
        told("sshd", json!({"port": "ssh\n[DEFAULT]", "filter": "x ; y", "backend": "", "banaction": "#x"})),
        told("sshd", json!({"logpath": ["/a b"], "ignoreip": ["x\ny"]})),
        told("sshd", json!({"options": {"maxretry": "5", "dbpurgeage": "8d", "a b": "c", "x": "a\n[b]", "y": "a\n\nb", "z": "1\u{7}"}})),
    ].join("\n"), @r#"
    a b name: this is no name of a jail: letters, digits, `_`, `.` and `-`, 26 at most (the defaults of all jails are called `DEFAULT`)
    x]
    [y name: this is no name of a jail: letters, digits, `_`, `.` and `-`, 26 at most (the defaults of all jails are called `DEFAULT`)
    DEFAULT enabled: this would switch every jail there is on, or off (say it of each jail)
    sshd maxretry: nobody would ever get in (1 bans at the first failure)
    sshd port: it has control characters in it, or more than one line
    sshd filter: fail2ban would take a part of it for a comment or a heading
    sshd backend: it is empty
    sshd banaction: fail2ban would take a part of it for a comment or a heading
    sshd ignoreip: it has control characters in it, or more than one line
    sshd logpath: `/a b` is not one word
    sshd ignoreip: `x\ny` is not one word
    sshd options: `a b` is no name of an option
    sshd options: `dbpurgeage` is an option of fail2ban.conf, and does nothing in a jail (write it under `files` to /etc/fail2ban/fail2ban.local)
    sshd options: `maxretry` has a field of its own, or means nothing here
    sshd options: `x`: fail2ban would take a part of it for a comment or a heading
    sshd options: `y`: fail2ban would take a part of it for a comment or a heading
    sshd options: `z`: it has control characters in it, or more than one line
    "#);
}

#[test]
fn a_time_of_ban_agrees_with_the_same_in_other_words() {
    let canonical =
        |text: &str| serde_json::from_value::<Spec>(json!({"bantime": text})).map(|spec| json!(spec.bantime));
    for (text, same) in [("3600", "1h"), ("60m", "1h"), ("1h", "1h"), ("-1", "-1")] {
        assert_eq!(canonical(text).unwrap(), same);
    }
    for text in ["forever", "-2", "-1h", ""] {
        assert!(canonical(text).is_err(), "{text}");
    }
}
