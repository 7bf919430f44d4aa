//! From a piece of a scalar's text to its place in the file.

use crate::node::{Node, Style, Value};
use crate::place::Place;
use std::ops::Range;

/// The place of the bytes `range` of a scalar's text; all of the scalar where escapes or folding make it
/// impossible to tell.
pub fn spot(node: &Node, range: Range<usize>) -> Place {
    let Value::Scalar(scalar) = &node.value else { return node.place.clone() };
    let found = match scalar.style {
        Style::Plain | Style::Quoted => inline(node, &scalar.text, &range),
        Style::Block => block(node, &scalar.text, &range),
    };
    found.unwrap_or_else(|| node.place.clone())
}

/// Plain and quoted scalars of one line without escapes are written as they are read.
fn inline(node: &Node, text: &str, range: &Range<usize>) -> Option<Place> {
    let written = node.place.text();
    let skip = match written.strip_prefix(['"', '\'']) {
        Some(rest) if rest.starts_with(text) => 1,
        _ if written.starts_with(text) => 0,
        _ => return None,
    };
    let start = node.place.range().start + skip;
    Some(Place::new(node.place.file(), start + range.start..start + range.end))
}

/// A line of a block is a line of the file, indented.
fn block(node: &Node, text: &str, range: &Range<usize>) -> Option<Place> {
    let before = text.get(..range.start)?;
    let number = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next()?;
    let file = node.place.file();
    // The parser puts the beginning of a block at its first line or at the sign before it.
    let written =
        [0, 1].into_iter().map(|header| file.line_range(node.place.line() + header + number)).find(|written| {
            file.text().get(written.clone()).is_some_and(|shown| shown.trim_start() == line.trim_start())
        })?;
    let from = written.end.checked_sub(line.len())? + (range.start - start);
    Some(Place::new(file, from..(from + range.len()).min(written.end)))
}
