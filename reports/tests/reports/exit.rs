//! The table of exit codes, line by line.

use crate::sample::{Declared, host, run};
use engine::{Change, Id, Severity, Verdict};
use reports::{Command, Exit, Host, Report, Status};

fn drift() -> Verdict {
    Verdict::Drift { changes: vec![Change::value("state", "absent", "present")], held: None }
}

fn blocked() -> Verdict {
    Verdict::Blocked { by: Id::new("package", "p"), because: "drifts".to_owned() }
}

fn unknown() -> Verdict {
    Verdict::Unknown { why: "no dpkg".to_owned() }
}

fn failed() -> Verdict {
    Verdict::Failed { why: "not converged".to_owned(), left: Vec::new() }
}

fn waived() -> Verdict {
    Verdict::Waived { changes: Vec::new(), waiver: "until then".to_owned() }
}

fn rows(verdicts: Vec<Verdict>) -> impl Iterator<Item = Declared> {
    verdicts
        .into_iter()
        .enumerate()
        .map(|(n, verdict)| Declared::new("package", format!("p{n}"), "base", n).verdict(verdict))
}

fn exit(verdicts: Vec<Verdict>) -> u8 {
    Report::new(run(Command::Audit), vec![host("h", rows(verdicts))]).totals.exit
}

fn unreachable(verdicts: Vec<Verdict>) -> Host {
    let status = Status::Unreachable { step: "connect".to_owned(), why: "refused".to_owned() };
    Host { status, ..host("u", rows(verdicts)) }
}

#[test]
fn compliant_waived_kept_and_changed_end_with_0() {
    assert_eq!(exit(vec![Verdict::Compliant]), 0);
    assert_eq!(exit(vec![waived()]), 0);
    assert_eq!(exit(vec![Verdict::Kept, Verdict::Changed { changes: Vec::new() }, Verdict::Skipped]), 0);
}

#[test]
fn drift_and_blocked_end_with_2() {
    assert_eq!(exit(vec![Verdict::Compliant, drift()]), 2);
    assert_eq!(exit(vec![blocked()]), 2);
}

#[test]
fn drift_of_severity_info_does_not_fail_but_an_unknown_check_does() {
    let info = |verdict| {
        let row = Declared::new("package", "p", "base", 1).severity(Severity::Info).verdict(verdict);
        Report::new(run(Command::Audit), vec![host("h", [row])]).totals.exit
    };
    assert_eq!(info(drift()), 0);
    assert_eq!(info(blocked()), 0);
    assert_eq!(info(unknown()), 3);
    assert_eq!(info(failed()), 4);
}

#[test]
fn an_unknown_check_and_an_unreachable_host_end_with_3() {
    assert_eq!(exit(vec![Verdict::Compliant, unknown()]), 3);
    let hosts = vec![host("h", rows(vec![Verdict::Compliant])), unreachable(Vec::new())];
    assert_eq!(Report::new(run(Command::Audit), hosts).totals.exit, 3);
}

#[test]
fn a_host_may_be_unreachable_under_a_waiver() {
    let hosts = vec![host("h", rows(vec![Verdict::Compliant])), unreachable(vec![waived(), Verdict::Skipped])];
    assert_eq!(Report::new(run(Command::Audit), hosts).totals.exit, 0);
}

#[test]
fn failed_and_reverted_end_with_4_whatever_else_there_is() {
    assert_eq!(exit(vec![failed()]), 4);
    assert_eq!(exit(vec![Verdict::Reverted { why: String::new() }]), 4);
    assert_eq!(exit(vec![failed(), drift(), unknown()]), 4);
}

#[test]
fn drift_and_something_unchecked_end_with_5() {
    assert_eq!(exit(vec![drift(), unknown()]), 5);
    let hosts = vec![host("h", rows(vec![drift()])), unreachable(vec![unknown()])];
    assert_eq!(Report::new(run(Command::Audit), hosts).totals.exit, 5);
}

#[test]
fn a_defect_an_unwritable_report_and_a_run_without_a_check_end_with_1() {
    assert_eq!(exit(Vec::new()), 1);
    assert_eq!(exit(vec![Verdict::Skipped]), 1);
    let mut report = Report::new(run(Command::Enforce), vec![host("h", rows(vec![failed(), drift(), unknown()]))]);
    report.fail("cannot write report.json");
    assert_eq!(report.totals.exit, 1);
    let broken = Host { status: Status::Error { why: "a defect".to_owned() }, ..host("h", rows(vec![failed()])) };
    assert_eq!(Report::new(run(Command::Audit), vec![broken]).totals.exit, 1);
}

#[test]
fn an_interrupted_run_ends_with_130_whatever_else_there_is() {
    let mut run = run(Command::Audit);
    run.interrupted = true;
    let mut report = Report::new(run, vec![host("h", rows(vec![failed(), drift(), unknown()]))]);
    report.fail("cannot write report.json");
    assert_eq!(report.totals.exit, 130);
}

#[test]
fn the_table_that_help_prints_has_every_code() {
    for exit in [
        Exit::Compliant,
        Exit::Unable,
        Exit::Drift,
        Exit::Unchecked,
        Exit::Failed,
        Exit::DriftAndUnchecked,
        Exit::Interrupted,
    ] {
        assert!(Exit::TABLE.lines().any(|line| line.trim().starts_with(&format!("{} ", exit.code()))));
    }
}

#[test]
fn compliance_is_rounded_down_and_leaves_out_waived_and_skipped() {
    let verdicts = (0..199).map(|_| Verdict::Compliant).chain([drift(), waived(), Verdict::Skipped]).collect();
    let totals = Report::new(run(Command::Audit), vec![host("h", rows(verdicts))]).totals;
    assert_eq!((totals.fulfilled, totals.counted, totals.compliance), (199, 200, Some(99)));
    assert_eq!(Report::new(run(Command::Audit), Vec::new()).totals.compliance, None);
}
