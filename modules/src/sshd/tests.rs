use super::*;
use crate::captured::{Host, mistakes, spec, story};
use engine::Answer;
use serde_json::json;

/// What `sshd.sh` prints of a host: values by `sshd -T`, files, and when sshd read them.
fn host(effective: &str, files: &str) -> Host {
    host_with("", effective, files)
}

fn host_with(options: &str, effective: &str, files: &str) -> Host {
    let text = format!(
        "options {options}\nunit\n{effective}\n.\n{files}\n.\nId=ssh.service\nActiveState=active\n\
         StateChangeTimestamp=Sat 2026-11-21 17:40:34.052865 UTC\n\nId=ssh.socket\nActiveState=inactive\nStateChangeTimestamp=\n"
    );
    Host::default().says(&SSHD, &[], text)
}

const PLAIN: &str = "F 1763740000.000000000 /etc/ssh/sshd_config\nL 12:Include /etc/ssh/sshd_config.d/*.conf\nC\nL 90:X11Forwarding yes\nE";

fn means(host: Host, line: &str, values: &str) -> Host {
    host.says(&CANONICAL, &[line], format!("together\n{values}\n"))
}

fn tell(name: &str, value: serde_json::Value, host: &Host) -> String {
    story(&Sshd, name, &spec(&Sshd, name, json!({ "value": value })), host).unwrap().join("\n")
}

#[test]
fn a_value_is_what_sshd_makes_of_it() {
    let seen = host("permitrootlogin without-password\nlogingracetime 120", PLAIN);
    let seen = means(seen, "PermitRootLogin prohibit-password", "permitrootlogin without-password");
    let seen = means(seen, "LoginGraceTime 30s", "logingracetime 30");
    assert_eq!(tell("PermitRootLogin", json!("prohibit-password"), &seen), "");
    insta::assert_snapshot!(tell("LoginGraceTime", json!("30s"), &seen), @r#"
    value: 120 (the default) -> 30
    set LoginGraceTime in /etc/ssh/sshd_config.d/00-comply.conf and reload sshd: write sshd's drop-in [] <# Written by comply. The first value counts, so this file comes first.
    LoginGraceTime 30s
    >
    "#);
}

#[test]
fn a_keyword_that_sshd_does_not_tell_of_is_judged_by_the_files() {
    let files = |lines: &str| PLAIN.replace("L 90:X11Forwarding yes", lines);
    let seen = |effective: &str, lines: &str| means(host(effective, &files(lines)), "DebianBanner no", "");
    let no = json!("no");
    assert_eq!(tell("DebianBanner", no.clone(), &seen("", "L 90:DebianBanner No\nL 91:DebianBanner yes")), "");
    let told = tell("DebianBanner", no.clone(), &seen("", "L 90:DebianBanner yes\nL 91:DebianBanner no"));
    assert!(told.starts_with("value: yes (/etc/ssh/sshd_config line 90) -> no\nset DebianBanner in"), "{told}");
    let told = tell("DebianBanner", no.clone(), &seen("", "L 90:Match User x\nL 91:DebianBanner no"));
    assert!(told.starts_with("value: not set (the default) -> no\n"), "{told}");
    // Debian 13 tells of it.
    let told = means(host("debianbanner no", PLAIN), "DebianBanner no", "debianbanner no");
    assert_eq!(tell("DebianBanner", no.clone(), &told), "");
    // Whatever else is taken and has no effect, as Kerberos without AFS, is not taken for done.
    let ignored = means(host("", &files("L 90:KerberosGetAFSToken no")), "KerberosGetAFSToken no", "");
    let spec = spec(&Sshd, "KerberosGetAFSToken", json!({ "value": no }));
    let why = format!("{:?}", story(&Sshd, "KerberosGetAFSToken", &spec, &ignored).unwrap_err());
    assert!(why.contains("sshd -T does not show KerberosGetAFSToken"), "{why}");
}

#[test]
fn where_systemd_listens_its_socket_counts() {
    let text = "options \nunit\nport 22\nlistenaddress 0.0.0.0:22\n.\nF 1763740000.000000000 /etc/ssh/sshd_config\nL 12:Include /etc/ssh/sshd_config.d/*.conf\nC\n\
                L 14:Port 22\nE\n.\nId=ssh.service\nActiveState=active\nStateChangeTimestamp=Fri 2025-11-21 15:00:00.052865 UTC\n\n\
                Listen=[::]:2222 (Stream)\nListen=192.0.2.1:2222 (Stream)\nListen=/run/odd:22 (Stream)\nListen=vsock::22 (Datagram)\n\
                Id=ssh.socket\nActiveState=active\nStateChangeTimestamp=\n";
    let seen = means(Host::default().says(&SSHD, &[], text), "Port 2222", "port 2222");
    assert_eq!(tell("Port", json!("2222"), &seen), "");
    let seen = means(seen, "Port 22", "port 22");
    insta::assert_snapshot!(tell("Port", json!("22"), &seen), @r"
    value: 2222 (ssh.socket) -> 22
    refused: systemd listens in place of sshd here, and goes by ListenStream of ssh.socket; in `systemctl edit ssh.socket` write `[Socket]`, `ListenStream=` and `ListenStream=22`, a line each, then run `systemctl stop ssh.service && systemctl restart ssh.socket`, and keep this session open until you have come in anew
    ");
    let seen = means(seen, "ListenAddress 192.0.2.1", "listenaddress 192.0.2.1:22");
    insta::assert_snapshot!(tell("ListenAddress", json!("192.0.2.1"), &seen), @r"
    value: [::]:2222 192.0.2.1:2222 (ssh.socket) -> 192.0.2.1:22
    refused: systemd listens in place of sshd here, and goes by ListenStream of ssh.socket; in `systemctl edit ssh.socket` write `[Socket]`, `ListenStream=` and `ListenStream=192.0.2.1:22`, a line each, then run `systemctl stop ssh.service && systemctl restart ssh.socket`, and keep this session open until you have come in anew
    ");
}

#[test]
fn everything_is_asked_in_one_round() {
    let nobody = Host::default();
    let wanted = spec(&Sshd, "AcceptEnv", json!({"value": ["LANG", "LC_*"]}));
    assert!(matches!(Sshd.observe("AcceptEnv", &wanted, &nobody.0), Err(Pending::Need)));
    assert_eq!(nobody.missing(), [r#"sshd[]"#, r#"sshd values["AcceptEnv LANG LC_*"]"#]);
}

#[test]
fn of_keywords_that_add_up_the_order_does_not_matter_and_every_line_counts() {
    let files = PLAIN.replace("90:X11Forwarding yes", "90:AcceptEnv LANG LC_*");
    let seen = host("acceptenv LC_*\nacceptenv LANG", &files);
    let both = means(seen, "AcceptEnv LANG LC_*", "acceptenv LANG\nacceptenv LC_*");
    assert_eq!(tell("AcceptEnv", json!(["LANG", "LC_*"]), &both), "");
    let one = means(both, "AcceptEnv LANG", "acceptenv LANG");
    insta::assert_snapshot!(tell("AcceptEnv", json!(["LANG"]), &one), @r"
    value: LC_* LANG (/etc/ssh/sshd_config line 90) -> LANG
    refused: /etc/ssh/sshd_config line 90 adds LANG LC_* to it; take that out there
    ");
}

#[test]
fn a_drop_in_that_does_not_count_is_refused_with_the_reason() {
    let late = "F 1763740000.000000000 /etc/ssh/sshd_config\nL 3:X11Forwarding yes\nL 5:Include /etc/ssh/sshd_config.d/*.conf\nC\nE";
    let never = "F 1763740000.000000000 /etc/ssh/sshd_config\nL 3:X11Forwarding yes\nE";
    let within =
        "F 1763740000.000000000 /etc/ssh/sshd_config\nL 1:Match User x\nL 2:Include sshd_config.d/*.conf\nC\nE";
    let before =
        PLAIN.replace("C\n", "C\nF 1763740000.000000000 /etc/ssh/sshd_config.d/00-a.conf\nL 1:X11Forwarding yes\nE\n");
    let mut all = String::new();
    for (options, files) in [("", late), ("", never), ("", within), ("", &before), ("-o X11Forwarding=yes", PLAIN)] {
        let seen = means(host_with(options, "x11forwarding yes", files), "X11Forwarding no", "x11forwarding no");
        all += &(tell("X11Forwarding", json!("no"), &seen) + "\n");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn an_exception_in_a_match_block_is_told_and_left() {
    let files = PLAIN.to_owned()
        + "\nF 1763740000.000000000 /etc/ssh/sshd_config.d/80.conf\nL 1:Match Group sftp # by hand\nL 2:  PasswordAuthentication = yes\nL 4:Match all\nL 5:MaxSessions 3\nE";
    let seen = host("passwordauthentication no", &files);
    let seen = means(seen, "PasswordAuthentication no", "passwordauthentication no");
    let seen = means(seen, "PasswordAuthentication yes", "passwordauthentication yes");
    insta::assert_snapshot!(tell("PasswordAuthentication", json!("no"), &seen), @r"
    match: /etc/ssh/sshd_config.d/80.conf line 2 says yes -> as for everybody
    refused: /etc/ssh/sshd_config.d/80.conf line 2 sets PasswordAuthentication otherwise, for Match Group sftp; comply rewrites no Match blocks: change that one, or accept it with a waiver
    ");
}

#[test]
fn a_match_all_is_an_exception_that_holds_for_everybody() {
    let files = PLAIN.to_owned()
        + "\nF 1763740000.000000000 /etc/ssh/sshd_config.d/00-comply.conf\nL 2:MaxSessions 4\nE\nF 1763740000.000000000 /etc/ssh/sshd_config.d/80.conf\nL 1:Match User x\nL 4:Match ALL # the end\nL 5:MaxSessions 5\nE";
    let seen = means(host("maxsessions 5", &files), "MaxSessions 5", "maxsessions 5");
    assert_eq!(tell("MaxSessions", json!("5"), &seen), "");
    let seen = means(seen, "MaxSessions 4", "maxsessions 4");
    insta::assert_snapshot!(tell("MaxSessions", json!("4"), &seen), @r#"
    match: /etc/ssh/sshd_config.d/80.conf line 5 says 5 -> as for everybody
    refused: /etc/ssh/sshd_config.d/80.conf line 5 sets MaxSessions otherwise, for Match all; comply rewrites no Match blocks: change that one, or accept it with a waiver
    "#);
}

#[test]
fn each_match_block_is_a_change_of_its_own() {
    let files = PLAIN.to_owned()
        + "\nF 1763740000.000000000 /etc/ssh/sshd_config.d/50.conf\nL 1:Match User aa\nL 2:X11Forwarding yes\nL 3:Match User bb\nL 4:X11Forwarding yes\nL 5:Match User aa\nL 6:X11Forwarding yes\nE";
    let seen = host("x11forwarding no", &files);
    let seen = means(seen, "X11Forwarding no", "x11forwarding no");
    let seen = means(seen, "X11Forwarding yes", "x11forwarding yes");
    let spec = spec(&Sshd, "X11Forwarding", json!({"value": "no"}));
    let changes = Sshd.diff("X11Forwarding", &spec, &Sshd.observe("X11Forwarding", &spec, &seen.0).unwrap());
    let elements: Vec<_> = changes.iter().map(|change| (change.field, change.element.as_deref())).collect();
    assert_eq!(elements, [("match", Some("User aa")), ("match", Some("User bb"))]);
}

#[test]
fn a_file_that_sshd_has_not_read_is_drift_and_left_to_a_person() {
    let files = PLAIN.replace("F 1763740000", "F 1795283000");
    let seen = means(host("x11forwarding yes", &files), "X11Forwarding yes", "x11forwarding yes");
    insta::assert_snapshot!(tell("X11Forwarding", json!("yes"), &seen), @r"
    running: sshd has not read /etc/ssh/sshd_config since it changed (2026-11-21 17:43:20 UTC) -> read again
    refused: sshd has not read /etc/ssh/sshd_config since it changed (2026-11-21 17:43:20 UTC), and nobody knows whether it would still let us in then; look at it, and reload ssh yourself
    ");
}

#[test]
fn a_refused_value_is_told_in_the_words_of_sshd() {
    let said = "wrong\ncommand-line line 0: unsupported option \"maybe\".\n.\n";
    let args: &[&[String]] = &[&["PermitRootLogin maybe".to_owned()], &["Port 22".to_owned()]];
    let answer = Answer { out: format!("{said}right\nport 22\n.\n").into(), ..Answer::default() };
    let engine::Batch::Split(split) = CANONICAL.query.batch else { panic!("it is split") };
    let parts = split(&answer, args);
    let read = |at: usize| (CANONICAL.decode)(&parts[at], args[at]);
    assert_eq!(read(0), Ok(Err("unsupported option \"maybe\"".into())));
    assert_eq!(read(1), Ok(Ok(vec!["22".into()])));
}

#[test]
fn what_is_no_keyword_gets_an_advice() {
    let told: Vec<String> = ["PermitRotLogin", "ChallengeResponseAuthentication", "Match", "subsystem", "Colour"]
        .iter()
        .flat_map(|name| mistakes(&Sshd, name, json!({"value": "x"})))
        .chain(mistakes(&Sshd, "PermitRootLogin", json!({"value": ["yes", "no"]})))
        .chain(mistakes(&Sshd, "AllowUsers", json!({"value": []})))
        .chain(mistakes(&Sshd, "Banner", json!({"value": "a\nPermitRootLogin yes"})))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_keyword_has_one_spelling() {
    assert_eq!(Sshd.spelling("permitrootlogin"), "PermitRootLogin");
    assert_eq!(Sshd.spelling("MACS"), "MACs");
    assert_eq!(Sshd.spelling("nonsense"), "nonsense");
}

proptest::proptest! {
    #[test]
    fn whatever_a_host_says_is_read_without_a_panic(text in "(options|unit|F|L|C|E|\\.|[0-9:. =#/a-zM-]{0,12}|\n){0,40}") {
        let _ = (SSHD.decode)(&Answer { out: text.clone().into(), ..Answer::default() }, &[]);
        let args = ["Port 22".to_owned()];
        let _ = (CANONICAL.decode)(&Answer { out: text.into(), ..Answer::default() }, &args);
    }
}
