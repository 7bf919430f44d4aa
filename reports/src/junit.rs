//! The report as JUnit XML, the way GitLab reads it (lib/gitlab/ci/parsers/test/junit.rb): one suite for each host, one
//! case for each resource, whatever its verdict, so that a case which fails today is the one that passes tomorrow.
//!
//! What GitLab makes of a file decides the details. It knows a case again by the names of suite, class and case, so
//! these hold nothing that changes between runs. It shows an element's content or its `message`, not both. It reads XML
//! with types: an attribute `type="file"` or `"yaml"` would be obeyed, so `type` always begins with `comply.`.

use crate::escape;
use crate::host::{Host, Status};
use crate::report::Report;
use crate::resource::{Resource, Verdict};
use crate::style::Style;
use crate::text::sentences;
use engine::Severity;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::collections::HashSet;
use std::io;

/// Bytes of what is told of one case.
const CONTENT: usize = 8 << 10;
/// The same once the report has become long: GitLab reads no file of 30 MB or more.
const SHORT: usize = 200;
/// Bytes after which a report is long.
const LONG: usize = 16 << 20;
/// How things are told: without colour, in full, cut only as a whole.
const STYLE: Style = Style { width: 120, color: false, ascii: false, verbose: true };

/// One case: what it is called, and what there is to say.
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    /// Seconds.
    time: Option<f64>,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// The name of the element, what is said of its `type`, and its content.
    Told(&'static str, &'static str, String),
}

/// The report. Bytes that no XML may hold are written out.
///
/// # Errors
/// Only a defect in `comply` can make this fail.
pub fn render(report: &Report) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&Host, Vec<Case>)> = report.hosts.iter().map(|host| (host, cases(host))).collect();
    let own: Vec<Case> = report.run.errors.iter().map(|error| broken_run(error)).collect();
    let all = suites.iter().flat_map(|(_, cases)| cases).chain(&own);
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "comply"));
    count(&mut root, all, report.run.duration);
    writer.write_event(Event::Start(root))?;
    let started = report.run.started.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let mut names = HashSet::new();
    for (host, cases) in suites {
        suite(&mut writer, &host.name, (cases, host.duration), &started, &mut names)?;
    }
    if !own.is_empty() {
        suite(&mut writer, "comply", (own, 0.0), &started, &mut names)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn suite(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    (cases, time): (Vec<Case>, f64),
    started: &str,
    names: &mut HashSet<String>,
) -> io::Result<()> {
    let mut start = BytesStart::new("testsuite");
    let name = legal(name);
    start.push_attribute(("name", name.as_str()));
    start.push_attribute(("hostname", name.as_str()));
    start.push_attribute(("timestamp", started));
    count(&mut start, &cases, time);
    writer.write_event(Event::Start(start))?;
    for mut case in cases {
        // GitLab keeps the first of two cases of one name.
        let mut number = 2;
        let plain = case.name.clone();
        while !names.insert(format!("{name}{}{}", case.class, case.name)) {
            case.name = format!("{plain} ({number})");
            number += 1;
        }
        write(writer, &case)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn write(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", case.class.as_str()));
    start.push_attribute(("name", case.name.as_str()));
    if let Some(file) = &case.file {
        start.push_attribute(("file", file.as_str()));
    }
    let time = seconds(case.time.unwrap_or(0.0));
    start.push_attribute(("time", time.as_str()));
    let Outcome::Told(element, kind, content) = &case.outcome else {
        return writer.write_event(Event::Empty(start));
    };
    writer.write_event(Event::Start(start))?;
    let mut told = BytesStart::new(*element);
    told.push_attribute(("type", *kind));
    writer.write_event(Event::Start(told))?;
    let room = if writer.get_ref().len() > LONG { SHORT } else { CONTENT };
    writer.write_event(Event::Text(BytesText::new(&legal(&shortened(content, room)))))?;
    writer.write_event(Event::End(BytesEnd::new(*element)))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn count<'a>(element: &mut BytesStart<'_>, cases: impl IntoIterator<Item = &'a Case>, time: f64) {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Told("failure", ..) => failures += 1,
            Outcome::Told("error", ..) => errors += 1,
            Outcome::Told(..) => skipped += 1,
            Outcome::Passed => {}
        }
    }
    for (name, count) in [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)] {
        element.push_attribute((name, count.to_string().as_str()));
    }
    element.push_attribute(("time", seconds(time).as_str()));
}

/// A host's own case, and one for each of its resources.
fn cases(host: &Host) -> Vec<Case> {
    let reached = match &host.status {
        Status::Reached => Outcome::Passed,
        Status::Unreachable { step, why } => {
            let waived = host.resources.iter().find(|resource| resource.verdict == Verdict::Waived);
            let told = format!("unreachable: {}: {}", STYLE.safe(step), STYLE.safe(why));
            match waived.and_then(|resource| resource.waiver.as_deref()) {
                Some(waiver) => {
                    Outcome::Told("skipped", "comply.waived", format!("waived: {}\n{told}", STYLE.safe(waiver)))
                }
                None => Outcome::Told("error", "comply.unreachable", told),
            }
        }
        Status::Interrupted => {
            Outcome::Told("error", "comply.interrupted", "interrupted before it was done".to_owned())
        }
        Status::Error { why } => {
            Outcome::Told("error", "comply.error", format!("comply failed on this host: {}", STYLE.safe(why)))
        }
    };
    let class = legal(&host.name);
    let own = Case { class, name: "reached".to_owned(), file: None, time: Some(host.duration), outcome: reached };
    std::iter::once(own).chain(host.resources.iter().map(|resource| case(resource, host))).collect()
}

fn case(resource: &Resource, host: &Host) -> Case {
    let outcome = match resource.verdict {
        Verdict::Compliant | Verdict::Kept | Verdict::Changed => Outcome::Passed,
        Verdict::Drift if resource.severity == Severity::Info => {
            let told = format!("of severity info, which does not fail a run\n{}", told(resource, host));
            Outcome::Told("skipped", "comply.info", told)
        }
        Verdict::Drift => Outcome::Told("failure", "comply.drift", told(resource, host)),
        Verdict::Blocked => Outcome::Told("failure", "comply.blocked", told(resource, host)),
        Verdict::Failed => Outcome::Told("failure", "comply.failed", told(resource, host)),
        Verdict::Reverted => Outcome::Told("failure", "comply.reverted", told(resource, host)),
        Verdict::Unknown => Outcome::Told("error", "comply.unknown", told(resource, host)),
        Verdict::Waived => Outcome::Told("skipped", "comply.waived", told(resource, host)),
        Verdict::Skipped => Outcome::Told("skipped", "comply.skipped", told(resource, host)),
    };
    Case {
        class: legal(&format!("{}.{}", host.name, resource.policy)),
        name: legal(&resource.id),
        file: resource.sources.first().map(|source| legal(&source.file)),
        time: None,
        outcome,
    }
}

/// Everything there is to say of a resource, in lines.
fn told(resource: &Resource, host: &Host) -> String {
    let mut lines = Vec::new();
    for phrase in sentences(resource, host, &STYLE) {
        lines.push(phrase.text);
        lines.extend(phrase.details.into_iter().map(|(_, detail)| format!("  {detail}")));
    }
    lines.extend(resource.why.iter().map(|why| format!("why: {}", STYLE.safe(why))));
    lines.extend(resource.refs.iter().map(|line| format!("ref: {}", STYLE.safe(line))));
    lines
        .extend(resource.sources.iter().map(|place| format!("declared at {}:{}", STYLE.safe(&place.file), place.line)));
    lines.join("\n")
}

fn broken_run(error: &str) -> Case {
    Case {
        class: "comply".to_owned(),
        name: "run".to_owned(),
        file: None,
        time: None,
        outcome: Outcome::Told("error", "comply.error", STYLE.safe(error)),
    }
}

/// Without characters that XML 1.0 forbids (production 2) or that a reader could not see; lines stay lines.
fn legal(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| escape::line(line, false)).collect();
    let written = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    lines.join("\n").chars().map(|c| if written(c) { '\u{fffd}' } else { c }).collect()
}

/// At most `most` bytes, whole lines where there are several.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let kept = &text[..end];
    let kept = kept.rsplit_once('\n').map_or(kept, |(lines, _)| lines);
    format!("{kept}\n… (the whole of it is in the other reports)")
}

/// A number without an exponent.
fn seconds(time: f64) -> String {
    format!("{time:.3}")
}
