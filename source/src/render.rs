//! Diagnostics as text for a terminal. Only lines that a label points at are ever printed: the next line may
//! hold a password.

use crate::diagnostic::{Diagnostic, Level};
use crate::place::Place;
use crate::secret;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level as Title, Origin, Renderer, Snippet};
use std::collections::BTreeSet;
use std::ops::Range;

/// All of `diagnostics`, an empty line after each. `colour` adds ANSI sequences.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let shown = lines(diagnostic);
        text.push_str(&secret::shown(renderer.render(&[group(diagnostic, &shown)]).trim_end()));
        text.push_str("\n\n");
    }
    text
}

fn group<'a>(diagnostic: &'a Diagnostic, shown: &'a [Line<'a>]) -> Group<'a> {
    let level = match diagnostic.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
    };
    let mut group =
        level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).elements(shown.iter().map(Line::element));
    if let Some(hosts) = hosts(&diagnostic.hosts) {
        group = group.element(Title::NOTE.message(hosts));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Title::HELP.message(hint.as_str()));
    }
    group
}

/// A labelled line.
struct Line<'a> {
    place: &'a Place,
    number: usize,
    /// As it may be shown.
    text: String,
    annotations: Vec<Annotation<'a>>,
}

/// One snippet for each labelled line, so that no other line is printed.
fn lines(diagnostic: &Diagnostic) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (index, (place, label)) in diagnostic.labels.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = (!label.is_empty()).then_some(label.as_str());
        let annotation = kind.span(in_line(place)).label(label);
        match lines.iter_mut().find(|line| line.place.path() == place.path() && line.number == place.line()) {
            Some(line) => line.annotations.push(annotation),
            None => lines.push(Line {
                place,
                number: place.line(),
                text: place.file().shown_line(place.line()),
                annotations: vec![annotation],
            }),
        }
    }
    lines
}

impl<'a> Line<'a> {
    fn element(&'a self) -> Element<'a> {
        let Self { place, number, text, annotations } = self;
        if text.is_empty() {
            return Origin::path(place.path()).into();
        }
        if place.path().starts_with("--") {
            return Origin::path(format!("{} {text}", place.path())).into();
        }
        let snippet = Snippet::source(text.as_str()).line_start(*number).path(place.path()).fold(false);
        snippet.annotations(annotations.iter().cloned()).into()
    }
}

/// The part of a place that is in its first line, relative to that line.
fn in_line(place: &Place) -> Range<usize> {
    let line = place.file().line_range(place.line());
    let range = place.range();
    let start = range.start.clamp(line.start, line.end);
    let end = range.end.clamp(start, line.end);
    let text = place.file().text().get(start..end).unwrap_or("");
    start - line.start..start - line.start + text.trim_end().len()
}

fn hosts(hosts: &BTreeSet<String>) -> Option<String> {
    const SHOWN: usize = 3;
    let named = hosts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match hosts.len() {
        0 => None,
        count if count <= SHOWN => Some(format!("on {named}")),
        count => Some(format!("on {named} and {} more", count - SHOWN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::SourceFile;

    #[test]
    fn only_labelled_lines_are_printed_and_control_characters_do_nothing() {
        let file = SourceFile::new("a.yml", "password: one\nname: \u{1b}[2J\nsecret: two\nname: x\n");
        let diagnostic = Diagnostic::error("code", "wrong \u{1b}[2J")
            .at(&Place::new(&file, 14..18), "here")
            .at(&Place::new(&file, 37..41), "there")
            .on("one");
        let text = render(&[diagnostic], false);
        assert!(!text.contains('\u{1b}') && !text.contains("password") && !text.contains("secret"), "{text}");
        assert!(text.contains("here") && text.contains("there") && text.contains("a.yml:4:1"), "{text}");
    }

    #[test]
    fn colour_is_only_there_when_it_is_asked_for() {
        let file = SourceFile::new("a.yml", "a: b\n");
        let diagnostic = [Diagnostic::warning("code", "odd").at(&Place::new(&file, 0..1), "")];
        assert!(render(&diagnostic, true).contains('\u{1b}'));
        assert!(!render(&diagnostic, false).contains('\u{1b}'));
    }
}
