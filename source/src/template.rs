//! `{{ … }}` in values. A value is cut into texts and holes once; rendering fills the holes with what a scope
//! holds. A hole that is only a name hands over the value itself, with its places; anything else is Tera.

use crate::diagnostic::Diagnostic;
use crate::expr::lex::{Word, lex};
use crate::expr::path;
use crate::node::{Key, Node, Value};
use crate::place::Place;
use crate::rendering;
use crate::scope::{Path, Scope};
use crate::secret;
use crate::spot::spot;
use crate::tera_value::{from_tera, to_tera};
use crate::used::{Used, is_word_of_tera, names};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A value, or the recipe of one.
#[derive(Clone, Debug)]
pub enum Template {
    /// The same everywhere.
    Fixed(Node),
    /// A scalar with holes.
    Text(Arc<Text>),
    /// A list with holes somewhere in it.
    List(Vec<Template>, Place),
    /// A mapping with holes somewhere in its values.
    Map(Vec<(Key, Template)>, Place),
}

/// A scalar with holes.
#[derive(Debug)]
pub struct Text {
    node: Node,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Name(Path),
    Tera(Tera),
}

/// An expression of Tera's.
#[derive(Debug)]
struct Tera {
    engine: Box<tera::Tera>,
    /// Its bytes in the scalar's text.
    range: Range<usize>,
    /// What it looks up.
    names: Vec<Used>,
}

/// What rendering comes to.
#[derive(Debug)]
pub enum Rendered {
    /// A value.
    Value(Node),
    /// It depends on facts of the host that are not known yet.
    Unknown,
    /// It cannot be rendered; the diagnostics say why.
    Failed,
}

thread_local! {
    /// Where the filter `KEEP` puts the value of the expression that is being rendered on this thread.
    static KEPT: RefCell<Option<tera::Value>> = const { RefCell::new(None) };
}

const KEEP: &str = "comply_keep";
/// What stands before an expression in the Tera template made of it.
const BEFORE: &str = "{{ (";

impl Template {
    /// Cuts a value into texts and holes. What is wrong goes to `diagnostics`; the rest is still usable.
    pub fn compile(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        match &node.value {
            Value::Scalar(scalar) if scalar.text.contains("{{") => match compile_text(node, &scalar.text) {
                Ok(text) => Self::Text(Arc::new(text)),
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    Self::Fixed(node.clone())
                }
            },
            Value::Scalar(_) | Value::Unknown => Self::Fixed(node.clone()),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| Self::compile(item, diagnostics)).collect();
                if items.iter().all(Self::is_fixed) {
                    Self::Fixed(node.clone())
                } else {
                    Self::List(items, node.place.clone())
                }
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| {
                        refuse_in_key(key, diagnostics);
                        (key.clone(), Self::compile(value, diagnostics))
                    })
                    .collect();
                if entries.iter().all(|(_, value)| value.is_fixed()) {
                    Self::Fixed(node.clone())
                } else {
                    Self::Map(entries, node.place.clone())
                }
            }
        }
    }

    /// Whether it is the same everywhere.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        match self {
            Self::Fixed(node) => &node.place,
            Self::Text(text) => &text.node.place,
            Self::List(_, place) | Self::Map(_, place) => place,
        }
    }

    /// Fills the holes.
    pub fn render(&self, scope: &dyn Scope, diagnostics: &mut Vec<Diagnostic>) -> Rendered {
        match self {
            Self::Fixed(node) => Rendered::Value(node.clone()),
            Self::Text(text) => text.render(scope, diagnostics),
            Self::List(items, place) => {
                let mut outcome = Outcome::default();
                let nodes = items.iter().filter_map(|item| outcome.take(item.render(scope, diagnostics))).collect();
                outcome.finish(Value::List(nodes), place)
            }
            Self::Map(entries, place) => {
                let mut outcome = Outcome::default();
                let nodes = entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), outcome.take(value.render(scope, diagnostics))?)))
                    .collect();
                outcome.finish(Value::Map(nodes), place)
            }
        }
    }
}

/// Keys are never templates.
pub fn refuse_in_key(key: &Key, diagnostics: &mut Vec<Diagnostic>) {
    if key.text.contains("{{") {
        diagnostics.push(
            Diagnostic::error("template-in-key", "a key is never a template")
                .at(&key.place, "")
                .hint("let the key be a label, and compute the name with `name: \"{{ … }}\"`"),
        );
    }
}

#[derive(Default)]
struct Outcome {
    failed: bool,
    unknown: bool,
}

impl Outcome {
    fn take(&mut self, rendered: Rendered) -> Option<Node> {
        match rendered {
            Rendered::Value(node) => return Some(node),
            Rendered::Unknown => self.unknown = true,
            Rendered::Failed => self.failed = true,
        }
        None
    }

    fn finish(self, value: Value, place: &Place) -> Rendered {
        if self.failed {
            Rendered::Failed
        } else if self.unknown {
            Rendered::Unknown
        } else {
            Rendered::Value(Node { value, place: place.clone() })
        }
    }
}

fn compile_text(node: &Node, text: &str) -> Result<Text, Box<Diagnostic>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let open = at + found;
        let inside = open + 2;
        let Some(length) = hole_length(text.get(inside..).unwrap_or("")) else {
            let diagnostic = Diagnostic::error("template-syntax", "`{{` is never closed by `}}`")
                .at(&spot(node, open..inside), "")
                .hint("for the two braces themselves write `{{ '{{' }}`");
            return Err(Box::new(diagnostic));
        };
        if open > at {
            parts.push(Part::Literal(text.get(at..open).unwrap_or("").to_owned()));
        }
        parts.push(hole(node, text.get(inside..inside + length).unwrap_or(""), inside)?);
        at = inside + length + 2;
    }
    if at < text.len() {
        parts.push(Part::Literal(text.get(at..).unwrap_or("").to_owned()));
    }
    Ok(Text { node: node.clone(), parts })
}

/// The bytes up to the `}}` that closes a hole, texts in quotes passed over.
fn hole_length(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut braces = 0_usize;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' | '`' => quote = Some(c),
                '{' => braces += 1,
                '}' if braces > 0 => braces -= 1,
                '}' if chars.peek().is_some_and(|(_, next)| *next == '}') => return Some(at),
                _ => {}
            },
        }
    }
    None
}

fn hole(node: &Node, text: &str, start: usize) -> Result<Part, Box<Diagnostic>> {
    let tokens = lex(text);
    let shift = |range: &Range<usize>| start + range.start..start + range.end;
    let Some(first) = tokens.first() else {
        let diagnostic = Diagnostic::error("template-syntax", "there is nothing between `{{` and `}}`")
            .at(&spot(node, start - 2..start + text.len() + 2), "")
            .hint("for the two braces themselves write `{{ '{{' }}`");
        return Err(Box::new(diagnostic));
    };
    if let Some((mut path, next)) = path(&tokens, 0)
        && next == tokens.len()
        && !matches!(&first.what, Word::Name(name) if is_word_of_tera(name))
    {
        path.steps.iter_mut().for_each(|(_, range)| *range = shift(range));
        return Ok(Part::Name(path));
    }
    let mut names = names(&tokens).map_err(|(range, function)| {
        let hint = "known here: secret, range, throw; filters are written `value | filter`";
        Box::new(
            Diagnostic::error("undefined-function", format!("there is no function `{function}`"))
                .at(&spot(node, shift(&range)), "")
                .hint(hint),
        )
    })?;
    for used in &mut names {
        used.path.steps.iter_mut().for_each(|(_, range)| *range = shift(range));
    }
    let range = start..start + text.len();
    let mut engine = engine().clone();
    let expression = secret::name_argument(text);
    match engine.add_raw_template("", &format!("{BEFORE}{expression}) | {KEEP} }}}}")) {
        Ok(()) => Ok(Part::Tera(Tera { engine: Box::new(engine), range, names })),
        Err(error) => Err(Box::new(complaint("template-syntax", &error, node, &range))),
    }
}

/// Tera with nothing but its own filters, and the one that keeps a value.
fn engine() -> &'static tera::Tera {
    static ENGINE: OnceLock<tera::Tera> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = rendering::engine();
        engine.register_filter(KEEP, |value: tera::Value, _: tera::Kwargs, _: &tera::State| {
            KEPT.with(|kept| *kept.borrow_mut() = Some(value));
            String::new()
        });
        engine
    })
}

/// A complaint of Tera's, at its place in the scalar.
fn complaint(code: &'static str, error: &tera::Error, node: &Node, range: &Range<usize>) -> Diagnostic {
    let mut hint = None;
    let (message, spot_range) = match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            let span = report.span();
            let within = |column: usize| (range.start + column.saturating_sub(BEFORE.len())).min(range.end);
            let place = if span.start_line <= 1 && span.end_line <= 1 {
                within(span.start_col)..within(span.end_col.max(span.start_col + 1))
            } else {
                range.clone()
            };
            if code == "template-syntax" {
                hint = Some("for the two braces themselves write `{{ '{{' }}`".to_owned());
            }
            (report.message().to_owned(), place)
        }
        other => from_text(&other.to_string(), node, range),
    };
    let message = message.trim_end_matches('.').replace(&format!(" | {KEEP}"), "");
    Diagnostic::error(code, message).at(&spot(node, spot_range), "").maybe_hint(hint)
}

/// Some complaints are only text, with a picture of the source: its first line, and the place of what that
/// line quotes.
fn from_text(text: &str, node: &Node, range: &Range<usize>) -> (String, Range<usize>) {
    let first = text.lines().next().unwrap_or("");
    let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let quoted = message.split('`').nth(1).unwrap_or("");
    let whole = node.as_str().and_then(|text| text.get(range.clone())).unwrap_or("");
    let found = whole.find(quoted).filter(|_| !quoted.is_empty());
    let place = found.map_or(range.clone(), |at| range.start + at..range.start + at + quoted.len());
    (message, place)
}

impl Text {
    fn render(&self, scope: &dyn Scope, diagnostics: &mut Vec<Diagnostic>) -> Rendered {
        if let [part @ (Part::Name(_) | Part::Tera(_))] = self.parts.as_slice() {
            return self.fill(part, scope, diagnostics);
        }
        let mut text = String::new();
        let mut outcome = Outcome::default();
        for part in &self.parts {
            let range = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Name(path) => path.range(),
                Part::Tera(tera) => tera.range.clone(),
            };
            let Some(node) = outcome.take(self.fill(part, scope, diagnostics)) else { continue };
            match node.as_str() {
                Some(piece) => text.push_str(piece),
                None => {
                    outcome.failed = true;
                    diagnostics.push(
                        Diagnostic::error("not-text", format!("{} cannot stand in a text", node.kind()))
                            .at(&spot(&self.node, range), "")
                            .hint("let the whole value be this one expression, or take a part of it, or `| join(sep=\", \")`"),
                    );
                }
            }
        }
        match outcome.finish(Value::Unknown, &self.node.place) {
            Rendered::Value(_) => Rendered::Value(Node::text(text, self.node.place.clone())),
            other => other,
        }
    }

    fn fill(&self, part: &Part, scope: &dyn Scope, diagnostics: &mut Vec<Diagnostic>) -> Rendered {
        match part {
            Part::Literal(text) => Rendered::Value(Node::text(text.as_str(), self.node.place.clone())),
            Part::Name(path) => match path.resolve(scope) {
                Ok(node) if node.has_unknown() => Rendered::Unknown,
                Ok(node) => Rendered::Value(node.clone()),
                Err(missing) => {
                    diagnostics.push(
                        Diagnostic::error("undefined-name", missing.message)
                            .at(&spot(&self.node, missing.range), "")
                            .maybe_hint(missing.hint),
                    );
                    Rendered::Failed
                }
            },
            Part::Tera(tera) => self.compute(tera, scope, diagnostics),
        }
    }

    fn compute(&self, tera: &Tera, scope: &dyn Scope, diagnostics: &mut Vec<Diagnostic>) -> Rendered {
        let mut context = tera::Context::new();
        let mut failed = false;
        let mut unknown = false;
        for Used { path, optional } in &tera.names {
            match path.resolve(scope) {
                Ok(node) => unknown |= node.has_unknown(),
                Err(_) if *optional => {}
                Err(missing) => {
                    failed = true;
                    diagnostics.push(
                        Diagnostic::error("undefined-name", missing.message)
                            .at(&spot(&self.node, missing.range), "")
                            .maybe_hint(missing.hint),
                    );
                }
            }
            if let Some((name, _)) = path.steps.first()
                && let Some(node) = scope.get(name)
                && !context.contains_key(name)
            {
                context.insert_value(name.clone(), to_tera(node));
            }
        }
        if failed {
            return Rendered::Failed;
        }
        if unknown {
            return Rendered::Unknown;
        }
        let place = spot(&self.node, tera.range.clone());
        let rendered = secret::watched(
            || {
                KEPT.with(|kept| *kept.borrow_mut() = None);
                rendering::render(&tera.engine, "", &context, &self.node.place)?;
                Ok(KEPT.with(|kept| kept.borrow_mut().take()).unwrap_or_else(tera::Value::undefined))
            },
            |rendered: &Result<tera::Value, tera::Error>, placeholder| {
                rendered.as_ref().map_or(true, |value| mentions(value, placeholder))
            },
        );
        let diagnostic = match rendered {
            Ok(Ok(value)) => match from_tera(&value, &self.node.place) {
                Ok(node) => return Rendered::Value(node),
                Err(what) => Diagnostic::error("template-error", format!("this comes to {what}")).at(&place, ""),
            },
            Ok(Err(error)) => complaint("template-error", &error, &self.node, &tera.range),
            Err(name) => changed_secret(&name).at(&place, ""),
        };
        diagnostics.push(diagnostic);
        Rendered::Failed
    }
}

fn changed_secret(name: &secret::SecretName) -> Diagnostic {
    Diagnostic::error("secret-changed", format!("the secret `{name}` {}", secret::CHANGED))
        .hint("store it in the form in which it is needed")
}

fn mentions(value: &tera::Value, placeholder: &str) -> bool {
    match (value.as_str(), value.as_array(), value.as_map()) {
        (Some(text), _, _) => text.contains(placeholder),
        (_, Some(items), _) => items.iter().any(|item| mentions(item, placeholder)),
        (_, _, Some(map)) => map.iter().any(|(_, value)| mentions(value, placeholder)),
        _ => false,
    }
}
