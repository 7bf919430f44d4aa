//! An explanation for a person.

use super::{Edge, Explanation, Field, Host, Line as At, Part, Resource, Setting};
use crate::line::Line;
use crate::style::{Style, Tone};
use engine::{Mode, Severity};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Columns of one value.
const VALUE: usize = 48;
/// So many resources are named that come before another for the same reason.
const NAMED: usize = 3;

/// Rows of three columns, the first two as wide as they have to be, and not too wide.
#[derive(Default)]
struct Rows(Vec<[String; 3]>);

impl Rows {
    fn add(&mut self, name: impl Into<String>, value: impl Into<String>, note: impl Into<String>) {
        self.0.push([name.into(), value.into(), note.into()]);
    }

    fn render(&self, style: &Style) -> String {
        let widest = |column: usize, most: usize| {
            self.0.iter().map(|row| row[column].width()).filter(|&width| width <= most).max().unwrap_or(0)
        };
        let (first, second) = (widest(0, 32), widest(1, VALUE));
        let mut text = String::new();
        for [name, value, note] in &self.0 {
            let line = Line::indented(2).push(style, Tone::Plain, name).pad(2 + first + 2);
            let line = line.push(style, Tone::Strong, value).pad(2 + first + 2 + second + 2);
            let gap = if line.width() > 2 + first + 2 + second + 2 { "  " } else { "" };
            text += &line.push(style, Tone::Quiet, &format!("{gap}{note}")).end();
        }
        text
    }
}

/// All of it.
pub fn render(explanation: &Explanation, style: &Style) -> String {
    match explanation {
        Explanation::Host(host) => of_host(host, style),
        Explanation::Resource(resource) => of_resource(resource, style),
    }
}

fn heading(text: &mut String, style: &Style, name: &str) {
    *text += &format!("\n{}\n", style.paint(Tone::Strong, name));
}

fn section(text: &mut String, style: &Style, name: &str, rows: &Rows) {
    if !rows.0.is_empty() {
        heading(text, style, name);
        *text += &rows.render(style);
    }
}

fn at(line: &At, style: &Style) -> String {
    match line.file.starts_with("--") {
        true => style.safe(&line.file),
        false => format!("{}:{}", style.safe(&line.file), line.line),
    }
}

fn value(value: &Value, style: &Style) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.trim() != text => {
            format!("\"{}\"", style.short(text, VALUE - 2))
        }
        Value::String(text) => style.short(text, VALUE),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            style.short(&items.join(", "), VALUE)
        }
        other => style.short(&other.to_string(), VALUE),
    }
}

fn mode(mode: Mode, held_by: Option<&str>, style: &Style) -> (String, String) {
    match mode {
        Mode::Enforce => ("enforce".to_owned(), String::new()),
        Mode::Audit => ("audit".to_owned(), held_by.map(|by| style.safe(by)).unwrap_or_default()),
    }
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Yes => "",
        Part::Skipped => "skipped: its condition is false on this host",
        Part::Undetermined => "only the host can tell",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
    }
}

fn of_host(host: &Host, style: &Style) -> String {
    let mut text = Line::default()
        .push(style, Tone::Strong, &style.safe(&host.host))
        .push(style, Tone::Quiet, &format!("  {}", at(&host.declared, style)))
        .end();
    let mut rows = Rows::default();
    let groups: Vec<String> = host.groups.iter().map(|group| style.safe(group)).collect();
    rows.add("groups", if groups.is_empty() { "none".to_owned() } else { groups.join(", ") }, "");
    if host.mode == Mode::Audit {
        rows.add("mode", "audit", "no command changes this host");
    }
    for (name, fact) in &host.facts {
        match fact {
            Some(known) => rows.add(name, style.short(known, VALUE), "assumed by the inventory"),
            None => rows.add(name, "?", "only the host can tell"),
        }
    }
    text += &rows.render(style);
    let mut rows = Rows::default();
    for variable in &host.variables {
        let note = |setting: &Setting| match setting.by.as_str() {
            "--var" => "--var".to_owned(),
            by => format!("{}  {}", at(&setting.at, style), style.safe(by)),
        };
        rows.add(style.safe(&variable.name), value(&variable.holds.value, style), note(&variable.holds));
        for below in &variable.overrides {
            rows.add("  over", value(&below.value, style), note(below));
        }
    }
    section(&mut text, style, "variables", &rows);
    let mut rows = Rows::default();
    for policy in &host.policies {
        let count = format!("{} resource{}", policy.resources, if policy.resources == 1 { "" } else { "s" });
        rows.add(style.safe(&policy.name), count, style.safe(&policy.file));
    }
    section(&mut text, style, "policies", &rows);
    let mut rows = Rows::default();
    for resource in &host.resources {
        let mut notes: Vec<String> = resource.declared.iter().map(|place| at(place, style)).collect();
        if !part(resource.part).is_empty() {
            notes.push(part(resource.part).to_owned());
        }
        notes.extend(resource.waiver.as_ref().map(|waiver| format!("waived: {}", style.safe(waiver))));
        let (mode, held_by) = mode(resource.mode, resource.held_by.as_deref(), style);
        notes.extend((!held_by.is_empty()).then_some(held_by));
        rows.add(style.safe(&resource.id), format!("{mode}, {}", severity(resource.severity)), notes.join("; "));
    }
    section(&mut text, style, "resources", &rows);
    text
}

fn of_resource(resource: &Resource, style: &Style) -> String {
    let title = format!("{} on {}", style.safe(&resource.id), style.safe(&resource.host));
    let mut text = Line::default().push(style, Tone::Strong, &title).end();
    if resource.part != Part::Yes {
        text += &Line::indented(2).push(style, Tone::Doubt, part(resource.part)).end();
    }
    let mut rows = Rows::default();
    for declaration in &resource.declarations {
        let mut notes: Vec<String> = Vec::new();
        notes.extend(declaration.used_at.as_ref().map(|place| format!("used at {}", at(place, style))));
        notes.extend(Some(part(declaration.part).to_owned()).filter(|part| !part.is_empty()));
        rows.add(style.safe(&declaration.policy), at(&declaration.at, style), notes.join("; "));
    }
    section(&mut text, style, "declared by", &rows);
    let mut rows = Rows::default();
    for field in &resource.fields {
        add_field(&mut rows, field, style);
    }
    section(&mut text, style, "fields", &rows);
    let mut rows = Rows::default();
    let (mode, held_by) = mode(resource.mode, resource.held_by.as_deref(), style);
    rows.add("mode", mode, held_by);
    rows.add("severity", severity(resource.severity), "");
    for (name, list) in [("tags", &resource.tags), ("refs", &resource.refs), ("why", &resource.why)] {
        for one in list {
            rows.add(name, style.short(one, style.width), "");
        }
    }
    for waiver in &resource.waivers {
        let name = if waiver.expired { "waiver, ended" } else { "waiver" };
        rows.add(name, style.safe(&waiver.text), at(&waiver.at, style));
    }
    section(&mut text, style, "what holds", &rows);
    let mut rows = Rows::default();
    for (word, edges) in [("needs", &resource.needs), ("after", &resource.after), ("needed by", &resource.needed_by)] {
        add_edges(&mut rows, word, edges, style);
    }
    section(&mut text, style, "order", &rows);
    text
}

fn add_field(rows: &mut Rows, field: &Field, style: &Style) {
    if let Some(default) = &field.default {
        rows.add(style.safe(&field.name), style.safe(default), "default");
    }
    for (index, said) in field.said.iter().enumerate() {
        let name = match index {
            0 => style.safe(&field.name),
            _ if field.is_set => "  and".to_owned(),
            _ => "  also".to_owned(),
        };
        let from = said.from.as_ref().map(|place| format!(", from {}", at(place, style))).unwrap_or_default();
        let (holds, open) = match &said.value {
            Value::Null => ("?".to_owned(), ", only the host can tell"),
            known => (value(known, style), ""),
        };
        rows.add(name, holds, format!("{}{from}{open}", at(&said.at, style)));
    }
}

/// Edges of one reason are one row.
fn add_edges(rows: &mut Rows, word: &str, edges: &[Edge], style: &Style) {
    let mut told: Vec<(&[String], Vec<String>)> = Vec::new();
    for edge in edges {
        match told.iter_mut().find(|(why, _)| *why == edge.why.as_slice()) {
            Some((_, ids)) => ids.push(style.safe(&edge.id)),
            None => told.push((&edge.why, vec![style.safe(&edge.id)])),
        }
    }
    let mut word = word;
    for (why, ids) in told {
        let more = ids.len().saturating_sub(NAMED);
        let mut names = ids[..ids.len() - more].join(", ");
        if more > 0 {
            names += &format!(" and {more} more");
        }
        rows.add(word, names, why.iter().map(|why| style.safe(why)).collect::<Vec<_>>().join("; "));
        word = "";
    }
}
