//! The schema of the report fits every form that a report takes.

use crate::sample::{Declared, host, report};
use engine::link::{Step, Unreachable};
use engine::{Change, Id, Severity, Verdict};
use jsonschema::Validator;
use reports::{Command, Host, Status, json, schema};
use serde_json::{Value, json};

fn verdicts() -> Vec<Verdict> {
    let changes = || {
        vec![
            Change::value("shell", "/bin/sh", "/bin/bash"),
            Change::missing("groups", "ops"),
            Change::extra("groups", "games"),
            Change::text("content", "@@ -1 +1 @@\n-a\n+b\n"),
            Change::hidden("password", "it is a password"),
            Change::unknown("content", "no secret `db`"),
        ]
    };
    vec![
        Verdict::Compliant,
        Verdict::Kept,
        Verdict::Skipped,
        Verdict::Changed { changes: changes() },
        Verdict::Drift { changes: changes(), held: Some("its mode is audit".to_owned()) },
        Verdict::Drift { changes: changes(), held: None },
        Verdict::Waived { changes: changes(), waiver: "an old client (ppom, until 2026-12-31)".to_owned() },
        Verdict::Blocked { by: Id::new("package", "nginx"), because: "failed".to_owned() },
        Verdict::Unknown { why: "denied".to_owned() },
        Verdict::Failed { why: "no".to_owned(), left: changes() },
        Verdict::Reverted { why: "the connection was lost".to_owned() },
    ]
}

fn hosts() -> Vec<Host> {
    let rows = |severity: Severity| {
        let row = move |(line, verdict)| Declared::new("user", format!("u{line}"), "base", line).verdict(verdict);
        verdicts().into_iter().enumerate().map(row).map(move |row| row.severity(severity).why("because"))
    };
    let unreachable = Unreachable { step: Step::Connect, why: "no route".to_owned() };
    let statuses = [
        Status::Reached,
        Status::unreachable(&unreachable),
        Status::Interrupted,
        Status::Error { why: "a defect".to_owned() },
    ];
    let severities = [Severity::Info, Severity::Minor, Severity::Major, Severity::Critical];
    let hosts = statuses.into_iter().zip(severities).enumerate();
    hosts.map(|(at, (status, severity))| Host { status, ..host(&format!("h{at}"), rows(severity)) }).collect()
}

#[test]
fn every_verdict_difference_and_status_is_as_the_schema_says() {
    let validator = Validator::new(&schema::of_report()).unwrap();
    for command in [Command::Audit, Command::Enforce] {
        let report: Value = serde_json::from_str(&json::render(&report(command, hosts())).unwrap()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        for (pointer, wrong) in [
            ("/hosts/0/status", json!("asleep")),
            ("/hosts/0/resources/4/changes/0/fingerprint", json!(7)),
            ("/hosts/0/resources/4/changes/0", json!({ "field": "shell", "fingerprint": "x" })),
            ("/hosts/0/resources/4/severity", json!("fatal")),
            ("/run/command", json!("guess")),
        ] {
            let mut report = report.clone();
            *report.pointer_mut(pointer).unwrap() = wrong;
            assert!(!validator.is_valid(&report), "{pointer}");
        }
    }
}
