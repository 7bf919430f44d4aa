//! What a person reads of a run, as snapshots.

use crate::sample::{Declared, host, report, run};
use engine::link::{Step, Unreachable};
use engine::{Change, Id, Mode, Severity, Verdict};
use reports::{Command, Host, Report, Status, Style, json, text};

fn render(report: &Report) -> String {
    text::render(report, &Style { width: 96, ..Style::default() })
}

fn drift(changes: Vec<Change>) -> Verdict {
    Verdict::Drift { changes, held: None }
}

fn held(why: &str) -> Verdict {
    Verdict::Drift { changes: vec![Change::value("state", "absent", "present")], held: Some(why.to_owned()) }
}

fn unreachable() -> Host {
    let why = Unreachable { step: Step::HostKey, why: "changed (known_hosts line 12)".to_owned() };
    Host {
        status: Status::unreachable(&why),
        duration: 0.13,
        ..host(
            "pica02",
            (0..49).map(|n| {
                Declared::new("package", format!("p{n}"), "services", n)
                    .verdict(Verdict::Unknown { why: "the host was not reached".to_owned() })
            }),
        )
    }
}

fn drifted() -> Host {
    let compliant =
        (0..43).map(|n| Declared::new("package", format!("p{n}"), "services", 30 + n).verdict(Verdict::Compliant));
    let rows = [
        Declared::new("user", "antoine", "access", 21)
            .verdict(drift(vec![Change::value("state", "present", "absent")]))
            .why("left in March"),
        Declared::new("ssh_key", "ppom", "access", 25)
            .severity(Severity::Critical)
            .verdict(drift(vec![Change::extra("keys", "SHA256:V3oQ… old-laptop")])),
        Declared::new("file", "/etc/motd", "access", 40)
            .verdict(drift(vec![Change::text("content", "@@ -1 +1 @@\n-Debian GNU/Linux\n+Picasoft\n")])),
        Declared::new("package", "docker.io", "services", 6)
            .verdict(drift(vec![Change::value("state", "absent", "present")])),
        Declared::new("compose", "mattermost", "services", 12)
            .verdict(Verdict::Blocked { by: Id::new("package", "docker.io"), because: "drifts".to_owned() }),
        Declared::new("file", "/etc/old", "access", 50).verdict(Verdict::Waived {
            changes: vec![Change::value("mode", "0666", "0644")],
            waiver: "an old client (ppom, until 2026-12-31)".to_owned(),
        }),
    ];
    host("pica01", rows.into_iter().chain(compliant))
}

#[test]
fn drift_and_an_unreachable_host() {
    let report = report(Command::Audit, vec![drifted(), unreachable()]);
    insta::assert_snapshot!(render(&report));
}

#[test]
fn everything_is_listed_when_asked() {
    let mut host = drifted();
    host.resources.truncate(8);
    let report = report(Command::Audit, vec![host]);
    insta::assert_snapshot!(text::render(&report, &Style { width: 96, verbose: true, ..Style::default() }));
}

#[test]
fn nothing_but_ascii_when_asked() {
    let report = report(Command::Audit, vec![drifted(), unreachable()]);
    let text = text::render(&report, &Style { width: 96, ascii: true, ..Style::default() });
    assert!(text.is_ascii());
    insta::assert_snapshot!(text);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let report = report(Command::Audit, vec![drifted(), unreachable()]);
    let colored = text::render(&report, &Style { width: 96, color: true, ..Style::default() });
    assert_ne!(colored, render(&report));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some(at) = rest.find("\x1b[") {
        plain += &rest[..at];
        rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
    }
    assert_eq!(plain + rest, render(&report));
}

#[test]
fn all_compliant_is_two_lines() {
    let report = report(
        Command::Audit,
        vec![host("pica01", [Declared::new("package", "curl", "base", 3).verdict(Verdict::Compliant)])],
    );
    insta::assert_snapshot!(render(&report), @r#"
pica01   1 compliant                                                                       0.4 s

1 host · 1 of 1 check compliant (100 %) · exit 0
"#);
}

#[test]
fn why_a_check_is_unknown_or_blocked_is_said() {
    let report = report(
        Command::Audit,
        vec![host(
            "pica01",
            [
                Declared::new("package", "curl", "base", 3)
                    .verdict(Verdict::Unknown { why: "the kind needs dpkg, and this system has none".to_owned() }),
                Declared::new("file", "/etc/\x1b[2Jx", "base", 9).verdict(Verdict::Unknown {
                    why: "the login shell printed: \x1b]0;evil\x07 \u{202e}and a long text that goes on and on, so that it \
                          does not fit on one line of this width and has to be broken somewhere"
                        .to_owned(),
                }),
                Declared::new("user", "www", "base", 5).verdict(Verdict::Blocked {
                    by: Id::new("package", "nginx"),
                    because: "is held to audit".to_owned(),
                }),
                Declared::new("user", "ops", "base", 6).verdict(Verdict::Skipped),
            ],
        )],
    );
    insta::assert_snapshot!(render(&report));
}

#[test]
fn one_reason_for_everything_is_said_once() {
    let silent = |name: &'static str, line| {
        Declared::new("package", name, "base", line).verdict(Verdict::Unknown {
            why: "the login shell printed: This account is currently not available.".to_owned(),
        })
    };
    let mut report =
        report(Command::Audit, vec![host("pica01", [silent("curl", 3), silent("git", 4), silent("vim", 5)])]);
    insta::assert_snapshot!(render(&report), @r#"
    pica01   nothing could be checked: the login shell printed: This account is currently not  0.4 s
             available.
             3 checks unknown

    1 host · 0 of 3 checks compliant (0 %) · exit 3
    "#);
    report.hosts[0].resources[1].reason = Some("no answer in time".to_owned());
    assert!(render(&report).contains("package/git"));
}

#[test]
fn every_kind_of_difference_has_its_words() {
    let long: Vec<Change> = (0..25).map(|n| Change::missing("members", format!("account{n}"))).collect();
    let mut rows = vec![
        Declared::new("user", "alice", "access", 3).verdict(drift(vec![
            Change::value("shell", "/bin/sh", "/bin/bash"),
            Change::missing("groups", "ops"),
            Change::missing("groups", "docker"),
            Change::extra("groups", "sudo"),
            Change::value("comment", "", "Alice\nx"),
        ])),
        Declared::new("ssh_key", "bob", "access", 4)
            .severity(Severity::Info)
            .verdict(drift(vec![Change::extra("absent_keys", "SHA256:abc"), Change::missing("keys", "SHA256:def")])),
        Declared::new("file", "/etc/secret", "access", 5)
            .severity(Severity::Minor)
            .verdict(drift(vec![Change::hidden("content", "secret"), Change::value("mode", "0644", "0600")])),
        Declared::new("group", "many", "access", 6).verdict(drift(long)),
        Declared::new("file", "/a/very/long/path/that/does/not/fit/into/the/column", "access", 7)
            .verdict(drift(vec![Change::value("owner", "root", "www-data")])),
    ];
    rows[0].also("web", 12);
    let report = report(Command::Audit, vec![host("pica01", rows)]);
    insta::assert_snapshot!(render(&report));
}

#[test]
fn a_long_diff_is_cut_unless_all_is_asked_for() {
    let diff: String = (0..100).map(|n| format!("+line {n}\n")).collect();
    let row = Declared::new("file", "/etc/x", "base", 1).verdict(drift(vec![Change::text("content", diff)]));
    let report = report(Command::Audit, vec![host("pica01", [row])]);
    let text = render(&report);
    assert!(text.contains("+line 59\n") && !text.contains("+line 60\n"), "{text}");
    assert!(text.contains("… 40 more (-v shows all)"), "{text}");
    let all = text::render(&report, &Style { verbose: true, ..Style::default() });
    assert!(all.contains("+line 99\n"));
}

#[test]
fn enforce_tells_what_it_changed_and_what_is_left() {
    let failed =
        Verdict::Failed { why: "not converged".to_owned(), left: vec![Change::value("running", "false", "true")] };
    let report = report(
        Command::Enforce,
        vec![host(
            "pica01",
            [
                Declared::new("user", "antoine", "access", 21)
                    .verdict(Verdict::Changed { changes: vec![Change::value("state", "present", "absent")] }),
                Declared::new("ssh_key", "ppom", "access", 25).verdict(Verdict::Changed {
                    changes: vec![
                        Change::extra("keys", "SHA256:V3oQ old-laptop"),
                        Change::missing("keys", "SHA256:new"),
                    ],
                }),
                Declared::new("file", "/etc/motd", "access", 40)
                    .verdict(Verdict::Changed { changes: vec![Change::text("content", "@@ -1 +1 @@\n-a\n+b\n")] }),
                Declared::new("service", "nginx", "services", 4).verdict(failed),
                Declared::new("service", "app", "services", 8)
                    .verdict(Verdict::Blocked { by: Id::new("service", "nginx"), because: "failed".to_owned() }),
                Declared::new("package", "curl", "services", 9).mode(Mode::Audit).verdict(held("its mode is audit")),
                Declared::new("package", "jq", "services", 10)
                    .verdict(Verdict::Reverted { why: "the connection did not come back".to_owned() }),
                Declared::new("package", "git", "services", 11).verdict(Verdict::Kept),
            ],
        )],
    );
    insta::assert_snapshot!(render(&report));
}

#[test]
fn a_reason_of_several_lines_is_told_in_one() {
    let why = "/etc/x line 3: Bad option\n\n  /etc/x: terminating\n".to_owned();
    let row = Declared::new("sshd", "Port", "base", 9).verdict(Verdict::Failed { why, left: Vec::new() });
    let text = render(&report(Command::Enforce, vec![host("pica01", [row])]));
    assert!(text.contains("failed: /etc/x line 3: Bad option; /etc/x: terminating"), "{text}");
}

#[test]
fn a_declined_plan_leaves_drift_and_the_way_back_to_it() {
    let row = Declared::new("package", "curl", "base", 9).verdict(held("the plan was declined"));
    let mut run = run(Command::Enforce);
    run.selection = vec![["-C".to_owned(), "my policies".to_owned()], ["--limit".to_owned(), "all".to_owned()]];
    let report = Report::new(run, vec![host("pica01", [row])]);
    insta::assert_snapshot!(render(&report));
}

#[test]
fn an_interrupted_run_and_a_defect_say_so() {
    let unknown = |name: &str| {
        Declared::new("package", name, "base", 3).verdict(Verdict::Unknown { why: "interrupted".to_owned() })
    };
    let mut run = run(Command::Audit);
    run.interrupted = true;
    let mut report = Report::new(
        run,
        vec![
            Host { status: Status::Interrupted, ..host("pica01", [unknown("curl")]) },
            Host { status: Status::Error { why: "index out of bounds".to_owned() }, ..host("pica02", [unknown("jq")]) },
        ],
    );
    report.fail("cannot write report.json: permission denied");
    insta::assert_snapshot!(render(&report));
}

#[test]
fn what_a_host_says_reaches_no_terminal_unescaped() {
    let evil = "\x1b[31m\u{202e}\r\n\u{9b}0m\u{7}";
    let report = report(
        Command::Audit,
        vec![Host {
            status: Status::Unreachable { step: "connect".to_owned(), why: evil.to_owned() },
            ..host(
                evil,
                [
                    Declared::new("user", evil, evil, 1).why(evil).verdict(drift(vec![
                        Change::value("shell", evil, evil),
                        Change::missing("groups", evil),
                        Change::extra("groups", evil),
                        Change::text("content", evil),
                        Change::hidden("content", evil),
                    ])),
                    Declared::new("user", "b", evil, 1).verdict(held(evil)),
                    Declared::new("user", "c", evil, 1).verdict(Verdict::Reverted { why: evil.to_owned() }),
                    Declared::new("user", "d", evil, 1)
                        .verdict(Verdict::Waived { changes: Vec::new(), waiver: evil.to_owned() }),
                    Declared::new("user", "e", evil, 1)
                        .verdict(Verdict::Blocked { by: Id::new("user", evil), because: evil.to_owned() }),
                ],
            )
        }],
    );
    let unsafe_in = |text: &str| text.chars().find(|&c| c != '\n' && reports::escape::is_unsafe(c));
    for verbose in [false, true] {
        let text = text::render(&report, &Style { verbose, ..Style::default() });
        assert_eq!(unsafe_in(&text), None, "{text:?}");
    }
    let json = json::render(&report).unwrap();
    assert_eq!(unsafe_in(&json), None);
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn the_json_report_has_every_field() {
    let mut host = drifted();
    host.resources.truncate(6);
    let report = report(Command::Audit, vec![host]);
    insta::assert_snapshot!(json::render(&report).unwrap());
}
