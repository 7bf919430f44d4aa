//! The JUnit report, read back as GitLab reads it.

use crate::sample::{Declared, host, report};
use engine::link::{Step, Unreachable};
use engine::{Change, Id, Severity, Verdict};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reports::{Command, Host, Report, Status, junit};
use std::collections::{BTreeMap, BTreeSet};

/// A case as GitLab has it: what makes its key, and what becomes of it.
#[derive(Debug, Default)]
struct Read {
    suite: String,
    case: BTreeMap<String, String>,
    /// `failure`, `error` or `skipped`, with its attributes and content.
    outcome: Option<(String, BTreeMap<String, String>, String)>,
}

impl Read {
    fn key(&self) -> String {
        format!("{}{}{}", self.suite, self.case["classname"], self.case["name"])
    }

    fn what(&self) -> &str {
        self.outcome.as_ref().map_or("passed", |(what, ..)| what)
    }

    fn content(&self) -> &str {
        self.outcome.as_ref().map_or("", |(_, _, content)| content)
    }
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let pair = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
        (attribute.key.as_ref().to_owned(), value)
    };
    element.attributes().map(|attribute| pair(attribute.unwrap())).collect()
}

/// Every case of a report, and the attributes of all suites.
fn read(xml: &str) -> (Vec<Read>, Vec<BTreeMap<String, String>>) {
    let allowed = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "a character that XML forbids");
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut cases, mut suites) = (Vec::<Read>::new(), Vec::new());
    let mut suite = String::new();
    let mut inside = false;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == "testcase" => {
                cases.push(Read { suite: suite.clone(), case: attributes(&element), outcome: None });
            }
            Event::Start(element) if element.name().as_ref().starts_with("testsuite") => {
                let found = attributes(&element);
                suite = found["name"].clone();
                suites.push(found);
            }
            Event::Start(element) => {
                let what = element.name().as_ref().to_owned();
                cases.last_mut().unwrap().outcome = Some((what, attributes(&element), String::new()));
                inside = true;
            }
            Event::Text(text) if inside => {
                cases.last_mut().unwrap().outcome.as_mut().unwrap().2 += text.as_ref();
            }
            Event::GeneralRef(name) if inside => {
                let text = match name.as_ref() {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" => "'",
                    other => unreachable!("{other:?}"),
                };
                cases.last_mut().unwrap().outcome.as_mut().unwrap().2 += text;
            }
            Event::End(_) => inside = false,
            Event::Eof => return (cases, suites),
            Event::Empty(element) => unreachable!("{element:?}: an element without content is nothing to GitLab"),
            _ => {}
        }
    }
}

fn rendered(report: &Report) -> (Vec<Read>, Vec<BTreeMap<String, String>>) {
    read(&junit::render(report).unwrap())
}

fn drift(is: &str) -> Verdict {
    Verdict::Drift { changes: vec![Change::value("shell", is, "/bin/bash")], held: None }
}

fn waived() -> Verdict {
    let changes = vec![Change::value("mode", "0666", "0644")];
    Verdict::Waived { changes, waiver: "an old client (ppom, until 2026-12-31)".to_owned() }
}

fn one_of_each() -> Host {
    let declared = |name: &str, verdict: Verdict| Declared::new("user", name, "access", 7).verdict(verdict);
    host(
        "pica01",
        [
            declared("compliant", Verdict::Compliant),
            declared("kept", Verdict::Kept),
            declared("changed", Verdict::Changed { changes: vec![Change::value("uid", "1", "2")] }),
            declared("drift", drift("/bin/sh")).why("bash is what people know"),
            declared("info", drift("/bin/sh")).severity(Severity::Info),
            declared("blocked", Verdict::Blocked { by: Id::new("group", "ops"), because: "failed".to_owned() }),
            declared("unknown", Verdict::Unknown { why: "from ldap".to_owned() }),
            declared("failed", Verdict::Failed { why: "useradd: no".to_owned(), left: Vec::new() }),
            declared("reverted", Verdict::Reverted { why: "the connection was lost".to_owned() }),
            declared("waived", waived()),
            declared("skipped", Verdict::Skipped),
        ],
    )
}

fn unreachable(rows: Vec<Declared>) -> Host {
    let why = Unreachable { step: Step::Connect, why: "no route to host".to_owned() };
    Host { status: Status::unreachable(&why), ..host("pica02", rows) }
}

#[test]
fn every_verdict_is_a_case_that_gitlab_understands() {
    let (cases, suites) = rendered(&report(Command::Audit, vec![one_of_each()]));
    let what: Vec<_> = cases.iter().map(|case| (case.case["name"].as_str(), case.what())).collect();
    assert_eq!(
        what,
        [
            ("reached", "passed"),
            ("user/compliant", "passed"),
            ("user/kept", "passed"),
            ("user/changed", "passed"),
            ("user/drift", "failure"),
            ("user/info", "skipped"),
            ("user/blocked", "failure"),
            ("user/unknown", "error"),
            ("user/failed", "failure"),
            ("user/reverted", "failure"),
            ("user/waived", "skipped"),
            ("user/skipped", "skipped"),
        ]
    );
    let counts: Vec<_> = ["tests", "failures", "errors", "skipped"].map(|name| suites[0][name].clone()).into();
    assert_eq!(counts, ["12", "4", "1", "3"]);
    assert_eq!(suites[0]["tests"], suites[1]["tests"]);
}

#[test]
fn all_that_is_said_stands_in_the_content() {
    let (cases, _) = rendered(&report(Command::Audit, vec![one_of_each()]));
    insta::assert_snapshot!(cases[4].content(), @r"
    shell: /bin/sh → /bin/bash
    why: bash is what people know
    ref: ANSSI-BP-028 R30
    declared at policies/access.yml:7
    ");
    assert!(cases[10].content().contains("ppom, until 2026-12-31"), "{}", cases[10].content());
    for case in &cases {
        let Some((_, attributes, content)) = &case.outcome else { continue };
        assert!(!content.trim().is_empty(), "{case:?}");
        assert!(!attributes.contains_key("message"), "GitLab drops it: {case:?}");
        assert!(attributes["type"].starts_with("comply."), "GitLab obeys a plain type: {case:?}");
        assert_eq!(case.case["file"], "policies/access.yml");
    }
}

#[test]
fn a_case_is_known_again_when_values_dates_and_durations_change() {
    let with = |verdict: Verdict, duration: f64| {
        let mut host = host("pica01", [Declared::new("user", "alice", "access", 7).verdict(verdict)]);
        host.duration = duration;
        let (cases, _) = rendered(&report(Command::Audit, vec![host]));
        cases.iter().map(Read::key).collect::<Vec<_>>()
    };
    let keys = with(Verdict::Compliant, 0.1);
    assert_eq!(keys, with(drift("/bin/sh"), 7.0));
    assert_eq!(keys, with(drift("/bin/zsh"), 8.0));
    assert_eq!(keys, with(waived(), 8.0));
}

#[test]
fn an_unreachable_host_is_an_error_and_so_is_each_of_its_resources() {
    let row = || Declared::new("user", "alice", "access", 7);
    let unknown = Verdict::Unknown { why: "the host was not reached".to_owned() };
    let (cases, _) = rendered(&report(Command::Audit, vec![unreachable(vec![row().verdict(unknown)])]));
    assert!(cases.iter().all(|case| case.what() == "error"), "{cases:?}");
    assert!(cases[0].content().contains("no route to host"));
    let (cases, _) = rendered(&report(Command::Audit, vec![unreachable(vec![row().verdict(waived())])]));
    assert!(cases.iter().all(|case| case.what() == "skipped" && case.content().contains("ppom")), "{cases:?}");
}

#[test]
fn names_that_run_into_each_other_stay_apart() {
    let rows = |host_name: &str, policy: &str| host(host_name, [Declared::new("user", "x", policy, 1)]);
    let (cases, _) = rendered(&report(Command::Audit, vec![rows("a", "a.b.c"), rows("aa", "b.c"), rows("a.b", "c")]));
    let keys: BTreeSet<_> = cases.iter().map(Read::key).collect();
    assert_eq!(keys.len(), cases.len(), "{cases:?}");
}

#[test]
fn times_are_decimals_without_an_exponent() {
    let mut host = one_of_each();
    host.duration = 0.000_000_049;
    let (cases, suites) = rendered(&report(Command::Audit, vec![host]));
    let times = cases.iter().map(|case| &case.case["time"]).chain(suites.iter().map(|suite| &suite["time"]));
    for time in times {
        assert!(time.chars().all(|c| c.is_ascii_digit() || c == '.'), "{time}");
    }
}

#[test]
fn what_the_run_could_not_do_is_an_error_of_its_own() {
    let mut report = report(Command::Audit, vec![one_of_each()]);
    report.fail("cannot write the report r.json");
    let (cases, _) = rendered(&report);
    let last = cases.last().unwrap();
    assert_eq!((last.suite.as_str(), last.what()), ("comply", "error"));
    assert!(last.content().contains("r.json"));
}

#[test]
fn a_report_of_many_long_differences_stays_below_what_gitlab_reads() {
    let long = format!("@@ -1 +1 @@\n{}", "-a line of some length <&>\n".repeat(320));
    let rows = (0..4000).map(|n| {
        let changes = vec![Change::text("content", &long)];
        Declared::new("file", format!("/etc/{n}"), "base", n).verdict(Verdict::Drift { changes, held: None })
    });
    let xml = junit::render(&report(Command::Audit, vec![host("pica01", rows)])).unwrap();
    assert!(xml.len() < 30_000_000, "{}", xml.len());
    let (cases, _) = read(&xml);
    assert_eq!(cases.iter().filter(|case| case.what() == "failure").count(), 4000);
}

proptest! {
    #[test]
    fn whatever_a_host_answers_the_file_can_be_read_and_says_so(
        name in "[^\0]{1,20}", is in any::<String>(), diff in any::<String>(), why in any::<String>(),
    ) {
        let hostile = [is.as_str(), "]]>", "</failure>", "[[ATTACHMENT|/etc/passwd]]", "\u{fffe}\u{0}\u{b}"].concat();
        let changes = vec![Change::value("shell", &hostile, "x"), Change::text("content", &diff)];
        let rows = [
            Declared::new("user", &name, &name, 1).verdict(Verdict::Drift { changes, held: None }).why(&why),
            Declared::new("file", &name, &name, 2).verdict(Verdict::Unknown { why: hostile.clone() }),
        ];
        let (cases, _) = rendered(&report(Command::Audit, vec![host("pica01", rows)]));
        prop_assert_eq!(cases.iter().map(Read::what).collect::<Vec<_>>(), ["passed", "failure", "error"]);
        prop_assert!(cases[1].content().contains("]]></failure>[[ATTACHMENT|/etc/passwd]]"));
    }
}
