//! The report for a person.

use crate::escape;
use crate::host::{Host, Status};
use crate::line::{Line, wrap};
use crate::phrase::{Phrase, Tense, phrases};
use crate::report::{Command, Report, Totals};
use crate::resource::{Resource, Verdict};
use crate::style::{Style, Tone};
use engine::{Mode, Severity};
use unicode_width::UnicodeWidthStr;

/// Where the lines below a resource begin.
const DETAIL: usize = 8;
/// The widest a resource's id may be and still have its summary beside it.
const ID: usize = 40;
/// Columns of a reason, unless all is asked for.
const REASON: usize = 400;
/// More hosts than this are not named in a hint.
const HINTED: usize = 6;

/// The whole report.
pub fn render(report: &Report, style: &Style) -> String {
    let width = name_width(report.hosts.iter().map(|host| host.name.as_str()), style);
    let hosts: String = report.hosts.iter().map(|each| host(each, width, style)).collect();
    hosts + &ending(report, style)
}

/// The column in which what is said of a host begins.
pub fn name_width<'a>(names: impl Iterator<Item = &'a str>, style: &Style) -> usize {
    names.map(|name| style.safe(name).width()).max().unwrap_or(0).min(ID) + 3
}

/// One host: the first line, and below it every resource that is worth a look.
pub fn host(host: &Host, name_width: usize, style: &Style) -> String {
    head(host, name_width, style) + &resources(host, style)
}

/// The host's name, its trouble or its counts, and how long it took.
pub(crate) fn head(host: &Host, name_width: usize, style: &Style) -> String {
    let mut text = Line::default().push(style, Tone::Strong, &style.safe(&host.name)).pad(name_width);
    let totals = Totals::of(std::slice::from_ref(host));
    let took = format!("{:.1} s", host.duration);
    let mut below = String::new();
    match trouble(host, style) {
        None => text = counts(text, &totals, style),
        Some(trouble) => {
            let room = style.width.saturating_sub(text.width() + took.width() + 2).max(20);
            let lines = wrap(&trouble, room);
            text = text.push(style, Tone::Bad, &lines[0]);
            for line in &lines[1..] {
                below += &Line::indented(name_width).push(style, Tone::Bad, line).end();
            }
            below += &counts(Line::indented(name_width), &totals, style).end();
        }
    }
    text.right(style, Tone::Quiet, &took) + &below
}

fn trouble(host: &Host, style: &Style) -> Option<String> {
    match &host.status {
        Status::Reached => {
            common_reason(host).map(|why| format!("nothing could be checked: {}", style.short(why, REASON)))
        }
        Status::Unreachable { step, why } => {
            Some(format!("unreachable: {}: {}", style.safe(step), style.short(why, REASON)))
        }
        Status::Interrupted => Some("interrupted before it was done".to_owned()),
        Status::Error { why } => Some(format!("comply failed on this host: {}", style.short(why, REASON))),
    }
}

/// Why nothing at all of a host that was reached could be told, if that is one reason for everything.
fn common_reason(host: &Host) -> Option<&str> {
    let (first, others) = host.resources.split_first()?;
    let same = |other: &Resource| other.verdict == Verdict::Unknown && other.reason == first.reason;
    let all = host.status == Status::Reached && !others.is_empty() && same(first) && others.iter().all(same);
    first.reason.as_deref().filter(|_| all)
}

/// "4 drift · 1 blocked · 43 compliant".
fn counts(mut line: Line, totals: &Totals, style: &Style) -> Line {
    let all: usize = Verdict::ALL.iter().map(|&verdict| totals.count(verdict)).sum();
    if all == 0 {
        return line.push(style, Tone::Quiet, "nothing to check");
    }
    if totals.unknown == all {
        return line.push(style, Tone::Doubt, &format!("{} unknown", checks(all)));
    }
    let mut first = true;
    for verdict in Verdict::ALL {
        let count = totals.count(verdict);
        if count == 0 {
            continue;
        }
        if !first {
            line = line.push(style, Tone::Quiet, style.dot());
        }
        first = false;
        line = line.push(style, tone(verdict), &format!("{count} {verdict}"));
    }
    line
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Failed | Verdict::Reverted | Verdict::Drift => Tone::Bad,
        Verdict::Blocked | Verdict::Unknown => Tone::Doubt,
        Verdict::Changed | Verdict::Kept | Verdict::Compliant => Tone::Good,
        Verdict::Waived | Verdict::Skipped => Tone::Quiet,
    }
}

fn checks(count: usize) -> String {
    format!("{count} check{}", if count == 1 { "" } else { "s" })
}

/// What is folded away: nothing to do about it, or said once for the whole host.
fn is_folded(resource: &Resource, host: &Host, style: &Style) -> bool {
    match resource.verdict {
        Verdict::Compliant | Verdict::Kept | Verdict::Skipped | Verdict::Waived => !style.verbose,
        Verdict::Unknown => host.status != Status::Reached || (common_reason(host).is_some() && !style.verbose),
        _ => false,
    }
}

/// The columns of one host's resources.
struct Columns {
    id: usize,
    severity: usize,
}

/// Every resource that is worth a look, by policy.
pub(crate) fn resources(host: &Host, style: &Style) -> String {
    let shown: Vec<&Resource> = host.resources.iter().filter(|each| !is_folded(each, host, style)).collect();
    let columns = Columns {
        id: shown.iter().map(|each| style.safe(&each.id).width()).filter(|&width| width <= ID).max().unwrap_or(0),
        severity: shown.iter().map(|each| severity(each.severity).width()).max().unwrap_or(0),
    };
    let mut groups: Vec<(&str, &str)> = shown.iter().map(|each| group(each)).collect();
    let mut seen = Vec::new();
    groups.retain(|group| {
        !seen.contains(group) && {
            seen.push(*group);
            true
        }
    });
    let mut text = String::new();
    for (policy, file) in groups {
        text += &Line::indented(2)
            .push(style, Tone::Strong, &style.safe(policy))
            .push(style, Tone::Quiet, &format!("  {}", style.safe(file)))
            .end();
        for each in shown.iter().filter(|each| group(each) == (policy, file)) {
            text += &resource(each, host, &columns, style);
        }
    }
    text
}

fn group(resource: &Resource) -> (&str, &str) {
    (&resource.policy, resource.sources.first().map_or("", |place| place.file.as_str()))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Minor => "minor",
        Severity::Major => "",
        Severity::Critical => "critical",
    }
}

fn resource(resource: &Resource, host: &Host, columns: &Columns, style: &Style) -> String {
    let (mark, tone) = style.mark(resource);
    let id = style.safe(&resource.id);
    let place = place(resource, style);
    let mut line = Line::indented(4).push(style, tone, mark).push(style, Tone::Plain, &format!(" {id}"));
    let severity_column = 6 + columns.id + 2;
    let column = severity_column + if columns.severity > 0 { columns.severity + 2 } else { 0 };
    let mut text = String::new();
    let mut place = Some(place);
    if line.width() + 2 > severity_column {
        text += &line.right(style, Tone::Quiet, &place.take().unwrap_or_default());
        line = Line::default();
    }
    line = line.pad(severity_column);
    let tone = if resource.severity == Severity::Critical { Tone::Bad } else { Tone::Quiet };
    line = line.push(style, tone, severity(resource.severity)).pad(column);

    let mut line = Some(line);
    for phrase in sentences(resource, host, style) {
        let room = style.width.saturating_sub(column + 2 + place.as_deref().map_or(0, UnicodeWidthStr::width)).max(24);
        for words in wrap(&phrase.text, room) {
            let line = line.take().unwrap_or_else(|| Line::indented(column)).push(style, Tone::Plain, &words);
            text += &match place.take() {
                Some(place) => line.right(style, Tone::Quiet, &place),
                None => line.end(),
            };
        }
        for (tone, detail) in &phrase.details {
            text += &Line::indented(DETAIL).push(style, *tone, detail).end();
        }
    }
    text + &notes(resource, style)
}

/// `access.yml:21`, and how many places more there are.
fn place(resource: &Resource, style: &Style) -> String {
    let Some(first) = resource.sources.first() else {
        return String::new();
    };
    let file = first.file.rsplit('/').next().unwrap_or(&first.file);
    let more = resource.sources.len() - 1;
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    format!("{}:{}{more}", style.short(file, ID), first.line)
}

/// What is said of a resource beside its name, in order.
pub(crate) fn sentences(resource: &Resource, host: &Host, style: &Style) -> Vec<Phrase> {
    let tense = if resource.verdict == Verdict::Changed { Tense::Done } else { Tense::Must };
    let differences = phrases(&resource.changes, tense, &host.name, style);
    let most = if style.verbose { usize::MAX } else { REASON };
    let reason = resource.reason.as_deref().unwrap_or("no reason given");
    let lines: Vec<_> = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let reason = style.short(&lines.join("; "), most);
    let first = match resource.verdict {
        Verdict::Drift if !differences.is_empty() => None,
        Verdict::Changed if !differences.is_empty() => None,
        Verdict::Drift => Some("differs".to_owned()),
        Verdict::Changed => Some("changed".to_owned()),
        Verdict::Compliant | Verdict::Kept => Some(resource.verdict.to_string()),
        Verdict::Skipped => Some("skipped: its condition is false on this host".to_owned()),
        Verdict::Unknown | Verdict::Failed | Verdict::Reverted => Some(format!("{}: {reason}", resource.verdict)),
        Verdict::Waived => Some(format!("waived: {}", style.short(resource.waiver.as_deref().unwrap_or(""), most))),
        Verdict::Blocked => {
            let by = style.safe(resource.blocked_by.as_deref().unwrap_or("another resource"));
            // That it drifts is what its own line says.
            let because = if reason == "drifts" { String::new() } else { format!(", which {reason}") };
            Some(format!("blocked by {by}{because}"))
        }
    };
    let mut told: Vec<Phrase> = Vec::new();
    told.extend(first.map(|text| Phrase { text, details: Vec::new() }));
    told.extend(differences);
    let held = resource.held.as_ref().map(|why| format!("left alone: {}", style.short(why, most)));
    told.extend(held.map(|text| Phrase { text, details: Vec::new() }));
    told
}

/// Why the policy wants it, and for those who want all: what demands it, and where else it is declared.
fn notes(resource: &Resource, style: &Style) -> String {
    if matches!(resource.verdict, Verdict::Compliant | Verdict::Kept | Verdict::Skipped) {
        return String::new();
    }
    let mut text = String::new();
    let mut note = |label: &str, note: &str| {
        for words in
            wrap(&format!("{label}: {}", style.short(note, REASON)), style.width.saturating_sub(DETAIL).max(24))
        {
            text += &Line::indented(DETAIL).push(style, Tone::Quiet, &words).end();
        }
    };
    for why in &resource.why {
        note("why", why);
    }
    if style.verbose {
        for demanded in &resource.refs {
            note("ref", demanded);
        }
        for place in resource.sources.iter().skip(1) {
            note("also", &format!("{}:{}", place.file, place.line));
        }
    }
    text
}

/// The last lines: totals, what went wrong with the run itself, and what to do next.
pub fn ending(report: &Report, style: &Style) -> String {
    let totals = &report.totals;
    let mut parts = Vec::new();
    if report.run.interrupted {
        parts.push("interrupted".to_owned());
    }
    let mut about = Vec::new();
    for (count, what) in [(totals.drifting, "with drift"), (totals.unreachable, "unreachable")] {
        if count > 0 {
            about.push(format!("{count} {what}"));
        }
    }
    let hosts = format!("{} host{}", totals.hosts, if totals.hosts == 1 { "" } else { "s" });
    parts.push(if about.is_empty() { hosts } else { format!("{hosts}: {}", about.join(", ")) });
    let done: Vec<String> = [Verdict::Changed, Verdict::Failed, Verdict::Reverted]
        .into_iter()
        .filter(|&verdict| totals.count(verdict) > 0)
        .map(|verdict| format!("{} {verdict}", totals.count(verdict)))
        .collect();
    if !done.is_empty() {
        parts.push(done.join(", "));
    }
    parts.push(match totals.compliance {
        Some(part) => format!("{} of {} compliant ({part} %)", totals.fulfilled, checks(totals.counted)),
        None => "nothing was checked".to_owned(),
    });
    parts.push(format!("exit {}", totals.exit));
    let mut text = format!("\n{}\n", parts.join(style.dot()));
    for error in &report.run.errors {
        text += &Line::default().push(style, Tone::Bad, &format!("error: {}", style.safe(error))).end();
    }
    if let Some(next) = next(report) {
        text += &format!("next: {}\n", style.safe(&next));
    }
    text
}

/// The command that puts the drift right, where there is one.
fn next(report: &Report) -> Option<String> {
    let can_enforce = |resource: &Resource| {
        // What audit knows to be left alone is for people.
        let left = report.run.command == Command::Audit && resource.held.is_some();
        resource.verdict == Verdict::Drift && resource.mode == Mode::Enforce && !left
    };
    let hosts: Vec<&str> = report
        .hosts
        .iter()
        .filter(|host| host.resources.iter().any(can_enforce))
        .map(|host| host.name.as_str())
        .collect();
    let failed = report.totals.failed + report.totals.reverted > 0;
    if hosts.is_empty() || (report.run.command == Command::Enforce && failed) {
        return None;
    }
    let named = hosts.len() <= HINTED;
    let mut words = vec!["comply".to_owned(), "enforce".to_owned()];
    for [option, value] in &report.run.selection {
        if !(named && matches!(option.as_str(), "--limit" | "--except")) {
            words.extend([option.clone(), escape::shell(value)]);
        }
    }
    if named {
        words.extend(["--limit".to_owned(), escape::shell(&hosts.join(","))]);
    }
    Some(words.join(" "))
}
