//! A difference in words: what a reader sees of [`Change`]s.

use crate::resource::{Change, Difference};
use crate::style::{Style, Tone};

/// Set elements shown of one field, unless all are asked for.
const ELEMENTS: usize = 20;
/// Lines shown of one diff, unless all are asked for.
const DIFF_LINES: usize = 60;
/// Columns of one value, unless all is asked for.
const VALUE: usize = 60;

/// Whether the difference is still there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// It has to be put right.
    Must,
    /// It was put right.
    Done,
}

/// One sentence fragment, harmless, and the lines that belong below it.
pub struct Phrase {
    /// "1 key is not listed".
    pub text: String,
    /// "- SHA256:…".
    pub details: Vec<(Tone, String)>,
}

/// All changes of one resource in words, in their order; elements of one set are told together.
pub fn phrases(changes: &[Change], tense: Tense, host: &str, style: &Style) -> Vec<Phrase> {
    let mut told: Vec<Phrase> = Vec::new();
    let mut done: Vec<(&str, bool)> = Vec::new();
    for change in changes {
        let field = style.safe(&change.field);
        match &change.difference {
            Difference::Value { is, should } => told.push(value(&field, is, should, tense, style)),
            Difference::Missing { .. } | Difference::Extra { .. } => {
                let missing = matches!(change.difference, Difference::Missing { .. });
                if !done.contains(&(&change.field, missing)) {
                    done.push((&change.field, missing));
                    told.push(set(changes, &change.field, missing, tense, style));
                }
            }
            Difference::Diff { diff } => told.push(text(&field, diff, tense, host, style)),
            Difference::Hidden { hidden } => told.push(Phrase {
                text: format!("{field} {} (not shown: {})", differs(tense), style.short(hidden, VALUE)),
                details: Vec::new(),
            }),
            Difference::Unknown { unknown } => told.push(Phrase {
                text: format!(
                    "{field} unknown: {}",
                    style.short(unknown, if style.verbose { usize::MAX } else { 2 * VALUE })
                ),
                details: Vec::new(),
            }),
        }
    }
    // What needs lines of its own comes last.
    told.sort_by_key(|phrase| !phrase.details.is_empty());
    told
}

fn value(field: &str, is: &str, should: &str, tense: Tense, style: &Style) -> Phrase {
    let text = match (field, tense) {
        ("state", Tense::Must) => {
            format!("is {}, must be {}", word(is, style), word(should, style))
        }
        ("state", Tense::Done) => format!("was {}, is {}", word(is, style), word(should, style)),
        _ => format!("{field}: {} {} {}", word(is, style), style.arrow(), word(should, style)),
    };
    Phrase { text, details: Vec::new() }
}

/// A value as a reader can tell it from the words around it.
fn word(value: &str, style: &Style) -> String {
    let most = if style.verbose { usize::MAX } else { VALUE };
    let short = style.short(value, most);
    if value.is_empty() || value.trim() != value { format!("\"{short}\"") } else { short }
}

fn set(changes: &[Change], field: &str, missing: bool, tense: Tense, style: &Style) -> Phrase {
    let elements: Vec<&str> = changes
        .iter()
        .filter(|change| change.field == field)
        .filter_map(|change| match &change.difference {
            Difference::Missing { missing: element } if missing => Some(element.as_str()),
            Difference::Extra { extra: element } if !missing => Some(element.as_str()),
            _ => None,
        })
        .collect();
    let (noun, forbidden) = match field.strip_prefix("absent_") {
        Some(noun) => (noun, true),
        // Of a directory.
        None if field == "exclusive" => ("names", false),
        // Of a host.
        None if field == "undeclared" => ("things", false),
        None => (field, false),
    };
    let verb = match (tense, missing, forbidden) {
        (Tense::Must, false, false) if field == "exclusive" => " in it that no policy declares",
        (Tense::Must, false, false) if field == "undeclared" => " there that no policy declares",
        (Tense::Must, true, _) => " missing",
        (Tense::Must, false, false) => " not listed",
        (Tense::Must, false, true) => " there and must not be",
        (Tense::Done, true, _) => "added",
        (Tense::Done, false, _) => "removed",
    };
    let be = match (tense, elements.len()) {
        (Tense::Must, 1) => "is",
        (Tense::Must, _) => "are",
        (Tense::Done, _) => "",
    };
    let (sign, tone) = if missing { ('+', Tone::Good) } else { ('-', Tone::Bad) };
    let most = if style.verbose { usize::MAX } else { ELEMENTS };
    let width = if style.verbose { usize::MAX } else { style.width.saturating_sub(10).max(20) };
    let mut details: Vec<_> =
        elements.iter().take(most).map(|element| (tone, format!("{sign} {}", style.short(element, width)))).collect();
    if elements.len() > most {
        details.push((Tone::Quiet, more(elements.len() - most, style)));
    }
    let noun = counted(elements.len(), &style.safe(noun));
    Phrase { text: format!("{} {noun} {be}{verb}", elements.len()), details }
}

/// "key" for one of `keys`; a name that is no plain plural stays as it is.
fn counted(count: usize, plural: &str) -> String {
    match plural.strip_suffix('s') {
        Some(singular) if count == 1 && !plural.contains('_') && !plural.ends_with("ss") => singular.to_owned(),
        _ => plural.to_owned(),
    }
}

fn text(field: &str, diff: &str, tense: Tense, host: &str, style: &Style) -> Phrase {
    let most = if style.verbose { usize::MAX } else { DIFF_LINES };
    let width = if style.verbose { usize::MAX } else { style.width.saturating_sub(8).max(20) };
    let before = if tense == Tense::Done { "was on" } else { "on" };
    let mut details =
        vec![(Tone::Bad, format!("--- {before} {}", style.short(host, VALUE))), (Tone::Good, "+++ policy".to_owned())];
    // Not `lines()`, which would hide a carriage return at the end of a line.
    let lines: Vec<&str> = diff.strip_suffix('\n').unwrap_or(diff).split('\n').collect();
    for line in lines.iter().take(most) {
        let tone = match line.chars().next() {
            Some('-') => Tone::Bad,
            Some('+') => Tone::Good,
            Some('@' | '\\') => Tone::Quiet,
            _ => Tone::Plain,
        };
        details.push((tone, style.short(line, width)));
    }
    if lines.len() > most {
        details.push((Tone::Quiet, more(lines.len() - most, style)));
    }
    Phrase { text: format!("{field} {}", differs(tense)), details }
}

fn differs(tense: Tense) -> &'static str {
    match tense {
        Tense::Must => "differs",
        Tense::Done => "changed",
    }
}

fn more(count: usize, style: &Style) -> String {
    format!("{} {count} more (-v shows all)", style.ellipsis())
}
