//! Reports: several of one run, each whole or not at all.

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::process::Stdio;

#[test]
fn two_reports_to_standard_output_are_refused() {
    let sandbox = Sandbox::local("x");
    let ended = sandbox.comply(&["audit", "--format", "text", "--format", "json"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.is_empty() && ended.err.contains("=FILE"), "{}", ended.err);
    let ended = sandbox.comply(&["audit", "--format", "text=a", "--format", "json=a"]);
    assert_eq!(ended.code, 1);
    assert!(!sandbox.path("a").exists());
}

#[test]
fn several_reports_of_one_run_agree() {
    let sandbox = Sandbox::local("x");
    let ended =
        sandbox.comply(&["audit", "--format", "json=report.json", "--format", "text=report.txt", "--format", "json"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert_eq!(ended.out, sandbox.read("report.json"));
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["totals"]["exit"], 2);
    assert_eq!(report["hosts"][0]["resources"][0]["verdict"], "drift");
    assert!(sandbox.read("report.txt").contains("exit 2"));
}

#[test]
fn text_goes_to_standard_output_beside_a_report_in_a_file() {
    let sandbox = Sandbox::local("x");
    let ended = sandbox.comply(&["audit", "--format", "json=report.json"]);
    assert!(ended.out.contains("next: comply enforce --limit here"), "{}", ended.out);
}

#[test]
fn a_report_that_cannot_be_written_ends_with_1_before_any_host_is_reached() {
    let sandbox = Sandbox::local("x");
    for file in ["json=no/such/directory/r.json", "json=policies"] {
        let ended = sandbox.comply(&["enforce", "--yes", "--format", file]);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains("cannot write the report"), "{}", ended.err);
        assert!(!sandbox.path("managed").exists());
    }
}

#[test]
fn a_full_disk_under_a_report_ends_with_1_and_the_other_report_says_so() {
    let sandbox = Sandbox::local("x");
    let ended = sandbox.comply(&["audit", "--format", "json=/dev/full"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("exit 1") && ended.out.contains("/dev/full"), "{}", ended.out);
}

#[test]
fn an_old_report_is_replaced_in_one_step_and_nothing_is_left_beside_it() {
    let sandbox = Sandbox::local("x");
    sandbox.write("out/report.json", "old");
    assert_eq!(sandbox.comply(&["audit", "--format", "json=out/report.json"]).code, 2);
    assert!(sandbox.read("out/report.json").starts_with('{'));
    assert_eq!(std::fs::read_dir(sandbox.path("out")).unwrap().count(), 1);
}

#[test]
fn nobody_reading_standard_output_is_no_defect() {
    let sandbox = Sandbox::local("x");
    let mut child = sandbox.std_command().arg("audit").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_unreachable_host_is_unknown_and_ends_with_3() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts:\n  gone: {address: 127.0.0.1, port: 1, known_hosts: known}\n"),
        ("known", ""),
        ("policies/p.yml", "hosts: [gone]\nfiles: {/x: {content: y}}\n"),
    ]);
    let ended = sandbox.comply(&["audit", "--format", "json"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["hosts"][0]["status"], "unreachable");
    assert_eq!(report["hosts"][0]["resources"][0]["verdict"], "unknown");
    assert_eq!(report["totals"]["unknown"], 1);
}

#[test]
fn enforce_puts_right_proves_it_and_the_next_run_changes_nothing() {
    let sandbox = Sandbox::local("hello");
    let first = sandbox.comply(&["enforce", "--yes"]);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert!(first.out.contains("1 changed"), "{}", first.out);
    assert_eq!(sandbox.read("managed"), "hello\n");
    let second = sandbox.comply(&["enforce", "--yes"]);
    assert!(second.code == 0 && second.out.contains("1 kept"), "{}", second.out);
    assert_eq!(sandbox.comply(&["audit"]).code, 0);
}

#[test]
fn a_report_for_gitlab_has_a_case_for_the_host_and_one_for_each_resource() {
    let sandbox = Sandbox::local("x");
    let ended = sandbox.comply(&["audit", "--format", "junit"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{}", ended.out);
    assert!(ended.out.contains("tests=\"2\" failures=\"1\""), "{}", ended.out);
    assert!(ended.out.contains("file=\"policies/base.yml\""), "{}", ended.out);
}

#[test]
fn the_json_report_lists_the_waivers_of_its_hosts_those_that_ended_included() {
    let sandbox = Sandbox::local("x");
    sandbox.write(
        "waivers.yml",
        "- {resource: \"file/*\", hosts: [here], reason: moves, owner: me, until: 2999-01-31}\n\
         - {resource: \"*\", hosts: [here], reason: was down, owner: me, until: 2020-01-31}\n",
    );
    let ended = sandbox.comply(&["audit", "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let waivers = report["run"]["waivers"].as_array().unwrap();
    let told: Vec<_> =
        waivers.iter().map(|one| (&one["resource"], &one["until"], &one["expired"], &one["hosts"][0])).collect();
    let told = serde_json::to_string(&told).unwrap();
    assert_eq!(told, r#"[["file/*","2999-01-31",false,"here"],["*","2020-01-31",true,"here"]]"#);
}
