//! YAML 1.2 text to [`Node`]s. Every mistake that does not make the rest unreadable is reported, not only
//! the first one; depth, size and the expansion of aliases are bounded.

use crate::diagnostic::Diagnostic;
use crate::hide;
use crate::node::{Key, Node, Scalar, Style, Value};
use crate::place::{Place, SourceFile};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// The most bytes a file of the repository's language may have.
pub const MAX_BYTES: usize = 8 << 20;
/// How deep lists and mappings may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many values a file may hold, aliases expanded.
pub const MAX_VALUES: usize = 500_000;
/// How many of them may come from aliases: a few lines of them can come to any number.
pub const MAX_ALIASED: usize = 20_000;

/// Reads the bytes of a file. `None` where there is nothing but comments, or nothing could be read.
pub fn parse(path: &str, bytes: &[u8]) -> (Option<Node>, Vec<Diagnostic>) {
    let file = match decode(path, bytes) {
        Ok(file) => file,
        Err(diagnostic) => return (None, vec![*diagnostic]),
    };
    let mut builder = Builder::new(&file);
    match builder.run() {
        Ok(()) => {}
        Err(diagnostic) => {
            builder.root = None;
            builder.diagnostics.push(*diagnostic);
        }
    }
    (builder.root, builder.diagnostics)
}

fn decode(path: &str, bytes: &[u8]) -> Result<Arc<SourceFile>, Box<Diagnostic>> {
    let nowhere = |message: String| {
        let file = SourceFile::new(path, "");
        Box::new(Diagnostic::error("unreadable-file", message).at(&Place::whole(&file), ""))
    };
    if bytes.len() > MAX_BYTES {
        return Err(nowhere(format!("the file is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(path, text)),
        Err(error) => {
            let lossy = String::from_utf8_lossy(bytes);
            let file = SourceFile::new(path, lossy.as_ref());
            let at = error.valid_up_to();
            Err(Box::new(
                Diagnostic::error("not-utf8", "the file is not UTF-8 text")
                    .at(&Place::new(&file, at..at + 1), "this byte does not belong to a character"),
            ))
        }
    }
}

enum Open {
    List { items: Vec<Node>, start: usize, anchor: usize },
    Map { entries: Vec<(Key, Node)>, seen: HashMap<Arc<str>, Place>, key: Pending, start: usize, anchor: usize },
}

/// What a mapping is waiting for.
enum Pending {
    Key,
    Value(Key),
    /// The value of a key that was refused.
    Refused,
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    /// The parser counts characters, a place counts bytes.
    offsets: Offsets<'a>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    values: usize,
    aliased: usize,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
}

/// Turns character indices into byte offsets.
struct Offsets<'a> {
    text: &'a str,
    ascii: bool,
    table: Vec<usize>,
}

impl<'a> Offsets<'a> {
    fn new(text: &'a str) -> Self {
        let ascii = text.is_ascii();
        let table = if ascii { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { text, ascii, table }
    }

    fn byte(&self, index: usize) -> usize {
        if self.ascii { index.min(self.text.len()) } else { self.table.get(index).copied().unwrap_or(self.text.len()) }
    }
}

type Step = Result<(), Box<Diagnostic>>;

impl<'a> Builder<'a> {
    fn new(file: &'a Arc<SourceFile>) -> Self {
        Self {
            file,
            offsets: Offsets::new(file.text()),
            stack: Vec::new(),
            anchors: HashMap::new(),
            values: 0,
            aliased: 0,
            root: None,
            diagnostics: Vec::new(),
        }
    }

    fn run(&mut self) -> Step {
        let text = self.file.text();
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| {
                let at = self.offsets.byte(error.marker().index());
                self.unreadable(error.info(), at)
            })?;
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Box::new(
                            Diagnostic::error("several-documents", "a file holds one document")
                                .at(&self.place(span), "another one begins here")
                                .hint("put it in a file of its own"),
                        ));
                    }
                }
                Event::Alias(id) => self.alias(id, span)?,
                Event::Scalar(text, style, anchor, tag) => {
                    if tag.is_some() {
                        self.tagged(span);
                    }
                    self.scalar(&text, style, anchor, span)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    if tag.is_some() {
                        self.tagged(span);
                    }
                    let start = self.offsets.byte(span.start.index());
                    self.open(Open::List { items: Vec::new(), start, anchor }, span)?;
                }
                Event::MappingStart(anchor, tag) => {
                    if tag.is_some() {
                        self.tagged(span);
                    }
                    let start = self.offsets.byte(span.start.index());
                    let map = Open::Map { entries: Vec::new(), seen: HashMap::new(), key: Pending::Key, start, anchor };
                    self.open(map, span)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            }
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        let (start, end) = (self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()));
        Place::new(self.file, start..end)
    }

    fn unreadable(&self, info: &str, at: usize) -> Box<Diagnostic> {
        let before = self.file.text().get(..at).unwrap_or_default().trim_end().len();
        let at_the_end = self.file.text().get(before..).is_none_or(|rest| rest.trim().is_empty());
        if let Some(open) = self.open_bracket().filter(|_| at_the_end) {
            return self.unclosed(open);
        }
        // Nothing is written at the end itself: its last line says more.
        let at = if at_the_end { before.saturating_sub(1) } else { at };
        let line = self.file.line_at(at);
        let text = self.file.text().get(self.file.line_range(line)).unwrap_or("");
        let indent: String = text.chars().take_while(|c| c.is_whitespace()).collect();
        let hint = if indent.contains('\t') {
            Some("YAML is indented with spaces, never with tabs".to_owned())
        } else if text.contains(|c: char| c.is_whitespace() && !c.is_ascii()) {
            Some("there is a space in this line that YAML takes for a letter: type it anew".to_owned())
        } else {
            quote_braces(text)
        };
        Box::new(
            Diagnostic::error("yaml-syntax", format!("this is not YAML: {info}"))
                .at(&Place::new(self.file, at..at + 1), "")
                .maybe_hint(hint),
        )
    }

    /// Where the innermost `{` or `[` is that is open.
    fn open_bracket(&self) -> Option<usize> {
        let (Open::List { start, .. } | Open::Map { start, .. }) = self.stack.last()?;
        self.file.text().get(*start..)?.starts_with(['{', '[']).then_some(*start)
    }

    fn unclosed(&self, open: usize) -> Box<Diagnostic> {
        let text = self.file.text();
        let rest = text.get(open..self.file.line_range(self.file.line_at(open)).end).unwrap_or_default();
        let sign = if rest.starts_with('{') { '}' } else { ']' };
        let hint = match rest.contains(" #") {
            true => format!("write its `{sign}`; what follows ` #` is a comment, unless it stands in quotes"),
            false => format!("write its `{sign}`"),
        };
        let bracket = rest.get(..1).unwrap_or_default();
        let message = format!("this is not YAML: a `{bracket}` is never closed");
        let place = Place::new(self.file, open..open + 1);
        Box::new(Diagnostic::error("yaml-syntax", message).at(&place, "").hint(hint))
    }

    fn tagged(&mut self, span: Span) {
        let at = self.offsets.byte(span.start.index());
        let rest = self.file.text().get(at..).unwrap_or_default();
        // An anchor may stand before it.
        let mut words = rest.split(|c: char| c.is_whitespace() || ",]}".contains(c));
        let tag = words.find(|word| word.starts_with('!')).unwrap_or_default();
        let start = at + rest.find(tag).unwrap_or(0);
        let place = Place::new(self.file, start..start + tag.len());
        self.diagnostics.push(
            Diagnostic::error("yaml-tag", "tags (`!…`) mean nothing here")
                .at(&place, "")
                .hint("leave the tag out; a text that begins with `!` needs quotes"),
        );
    }

    fn open(&mut self, open: Open, span: Span) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(
                Diagnostic::error("too-deep", format!("nested more than {MAX_DEPTH} levels deep"))
                    .at(&self.place(span), ""),
            ));
        }
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self, span: Span) -> Step {
        let end = self.offsets.byte(span.end.index());
        let (value, start, anchor) = match self.stack.pop() {
            Some(Open::List { items, start, anchor }) => (Value::List(items), start, anchor),
            Some(Open::Map { entries, start, anchor, .. }) => (Value::Map(entries), start, anchor),
            None => return Ok(()),
        };
        // A block ends where the next token is: the blank lines and comments before that are not part of it.
        let written = self.file.text().get(start..end).unwrap_or("").trim_end().len();
        let place = Place::new(self.file, start..start + written);
        self.put(Node { value, place }, anchor)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, span: Span) -> Step {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let place = self.place(span);
        if let Some(Open::Map { key: key @ Pending::Key, seen, .. }) = self.stack.last_mut() {
            let text: Arc<str> = text.into();
            let (pending, problem) = accept_key(seen, text, style, place);
            *key = pending;
            self.diagnostics.extend(problem);
            return Ok(());
        }
        if style == Style::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            self.empty(text, &place);
            return Ok(());
        }
        self.put(Node { value: Value::Scalar(Scalar { text: text.into(), style }), place }, anchor)
    }

    /// A key or an element without a value: said, and then left out.
    fn empty(&mut self, text: &str, place: &Place) {
        let write_null = if text == "null" { ", or \"null\" in quotes for the word" } else { "" };
        let diagnostic = match self.stack.last_mut() {
            Some(Open::Map { key, .. }) => match std::mem::replace(key, Pending::Key) {
                Pending::Value(key) => {
                    let written = place.text();
                    let at = if written.is_empty() { &key.place } else { place };
                    Diagnostic::error("empty-value", format!("`{}` has no value", key.text)).at(at, "").hint(format!(
                        "write its value, `{{}}` for an empty mapping, `[]` for an empty list{write_null}, or leave the key out"
                    ))
                }
                Pending::Key | Pending::Refused => return,
            },
            Some(Open::List { .. }) => Diagnostic::error("empty-value", "an element of this list has no value")
                .at(&Place::new(self.file, place.range().start.saturating_sub(2)..place.range().end), "")
                .hint("write its value, or leave the element out"),
            None => return,
        };
        self.diagnostics.push(diagnostic);
    }

    fn alias(&mut self, id: usize, span: Span) -> Step {
        let place = self.place(span);
        if let Some(Open::Map { key: key @ Pending::Key, .. }) = self.stack.last_mut() {
            *key = Pending::Refused;
            self.diagnostics.push(Diagnostic::error("key-not-text", "a key is a text, not an alias").at(&place, ""));
            return Ok(());
        }
        let Some((_, size)) = self.anchors.get(&id) else {
            return Err(Box::new(
                Diagnostic::error("yaml-alias", "an alias cannot stand inside of what it names").at(&place, ""),
            ));
        };
        let size = *size;
        self.count(size, &place)?;
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases of this file come to more than {MAX_ALIASED} values");
            return Err(Box::new(Diagnostic::error("too-large", message).at(&place, "")));
        }
        // Looked up again: nothing is copied before it is counted.
        match self.anchors.get(&id).map(|(node, _)| node.clone()) {
            Some(node) => self.put(node, 0),
            None => Ok(()),
        }
    }

    fn count(&mut self, more: usize, place: &Place) -> Step {
        self.values = self.values.saturating_add(more);
        if self.values > MAX_VALUES {
            return Err(Box::new(
                Diagnostic::error(
                    "too-large",
                    format!("the file holds more than {MAX_VALUES} values, aliases expanded"),
                )
                .at(place, ""),
            ));
        }
        Ok(())
    }

    /// A finished value goes where it belongs.
    fn put(&mut self, node: Node, anchor: usize) -> Step {
        self.count(1, &node.place.clone())?;
        if anchor != 0 {
            let size = size(&node);
            self.count(size, &node.place.clone())?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match std::mem::replace(key, Pending::Key) {
                Pending::Value(key) => {
                    if hide::hides(&key.text) {
                        hide::value(&node);
                    }
                    entries.push((key, node));
                }
                Pending::Refused => {}
                Pending::Key => {
                    *key = Pending::Refused;
                    // What was wrong inside of it does not matter any more.
                    self.diagnostics.retain(|known| !known.labels.iter().any(|(place, _)| node.place.holds(place)));
                    let line = self.file.text().get(self.file.line_range(node.place.line())).unwrap_or("");
                    self.diagnostics.push(
                        Diagnostic::error("key-not-text", format!("a key is a text, not {}", node.kind()))
                            .at(&node.place, "")
                            .maybe_hint(quote_braces(line)),
                    );
                }
            },
        }
        Ok(())
    }
}

fn accept_key(
    seen: &mut HashMap<Arc<str>, Place>,
    text: Arc<str>,
    style: Style,
    place: Place,
) -> (Pending, Option<Diagnostic>) {
    if style == Style::Plain && &*text == "<<" {
        let problem = Diagnostic::error("merge-key", "merge keys (`<<`) are not part of YAML 1.2")
            .at(&place, "")
            .hint("say it in a variable or a policy of its own, or write the fields out");
        return (Pending::Refused, Some(problem));
    }
    if text.is_empty() {
        return (Pending::Refused, Some(Diagnostic::error("key-not-text", "a key is empty").at(&place, "")));
    }
    if let Some(first) = seen.get(&text) {
        let problem = Diagnostic::error("duplicate-key", format!("`{text}` is written twice"))
            .at(&place, "again here")
            .at(first, "first here")
            .hint("keep one of them, or bring their content together");
        return (Pending::Refused, Some(problem));
    }
    seen.insert(text.clone(), place.clone());
    (Pending::Value(Key { text, place }), None)
}

fn quote_braces(line: &str) -> Option<String> {
    line.contains(": {{").then(|| "a value that begins with `{{` needs quotes: \"{{ … }}\"".to_owned())
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) | Value::Unknown => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| size(value)).sum::<usize>(),
    }
}
