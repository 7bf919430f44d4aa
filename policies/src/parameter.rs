//! What a technique may be told: parameters with types, and what they come to where it is used.

use regex::Regex;
use serde::Deserialize;
use source::{Diagnostic, Key, Node, Place, Rendered, Scope, Table, Template, Value, suggest};
use std::collections::BTreeMap;
use std::fmt;

/// The longest pattern, once compiled, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text; a number keeps the text it is written with.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A mapping.
    Mapping,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "text",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        })
    }
}

/// A parameter of a technique.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub takes: Type,
    /// What each element of a list or each value of a mapping is.
    pub of: Option<Type>,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is declared.
    pub(crate) place: Place,
    pub(crate) default: Option<Template>,
    limits: Limits,
    /// Something in it was wrong and has been reported: nothing more is said where it is used.
    broken: bool,
}

/// What a value must keep to beside its type; of a list or a mapping, every element.
#[derive(Debug, Default)]
struct Limits {
    pattern: Option<(Regex, String, Place)>,
    one_of: Option<(Vec<Node>, Place)>,
    min: Option<(i64, Place)>,
    max: Option<(i64, Place)>,
    /// Said in place of our own words.
    message: Option<String>,
}

/// Why a value is refused.
struct Refusal {
    at: Place,
    message: String,
    hint: Option<String>,
    /// What it does not keep to.
    limit: Option<Place>,
    /// It is about an element of the value.
    element: bool,
}

impl Refusal {
    fn new(at: &Place, message: impl Into<String>) -> Self {
        Self { at: at.clone(), message: message.into(), hint: None, limit: None, element: false }
    }
}

impl Parameter {
    /// Reads `NAME: {type: …}`, or the short form `NAME: TYPE`.
    pub(crate) fn read(key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        inventory::variables::check_name(key, "a parameter", diagnostics)?;
        let before = diagnostics.len();
        let mut parameter = match node.as_str() {
            Some(_) => Self::plain(key, read_type("a parameter's type", node, diagnostics)),
            None => Self::in_full(key, node, diagnostics),
        };
        parameter.broken = diagnostics.len() > before;
        Some(parameter)
    }

    fn in_full(key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let what = "a parameter";
        let Some(mut table) = Table::open(node, what, diagnostics) else { return Self::plain(key, None) };
        let takes = table.required("type", what, diagnostics);
        let takes = takes.and_then(|node| read_type("`type`", node, diagnostics));
        let mut parameter = Self::plain(key, takes);
        parameter.of = table.get("of").and_then(|node| read_type("`of`", node, diagnostics));
        parameter.description = table.read("description", diagnostics);
        parameter.default = table.get("default").map(|node| Template::compile(node, diagnostics));
        parameter.limits = Limits::read(&mut table, diagnostics);
        let (of, places) = (table.get("of").map(|node| node.place.clone()), parameter.limits.places());
        table.finish(what, diagnostics);
        if takes.is_some() {
            parameter.fit(of.as_ref(), places, diagnostics);
        }
        parameter
    }

    fn plain(key: &Key, takes: Option<Type>) -> Self {
        Self {
            name: key.text.to_string(),
            takes: takes.unwrap_or(Type::String),
            of: None,
            description: None,
            place: key.place.clone(),
            default: None,
            limits: Limits::default(),
            broken: false,
        }
    }

    /// Whether it may be left out.
    pub fn is_optional(&self) -> bool {
        self.default.is_some() || self.broken
    }

    fn is_collection(&self) -> bool {
        matches!(self.takes, Type::List | Type::Mapping)
    }

    /// The limits must be of a sort with the type, and the default must keep to them.
    fn fit(&self, of: Option<&Place>, limits: Vec<(&str, Place)>, diagnostics: &mut Vec<Diagnostic>) {
        let before = diagnostics.len();
        let mut wrong = |place: &Place, message: String| {
            diagnostics.push(Diagnostic::error("bad-parameter", message).at(place, ""));
        };
        if let Some(place) = of.filter(|_| !self.is_collection()) {
            wrong(place, "`of` says what is in a list or a mapping; this parameter is neither".to_owned());
        }
        let limited = if self.is_collection() { self.of } else { Some(self.takes) };
        for (limit, place) in limits {
            let fits = match limit {
                "pattern" => limited == Some(Type::String),
                "min" | "max" => limited == Some(Type::Integer),
                _ => matches!(limited, Some(Type::String | Type::Integer)),
            };
            if !fits {
                let kind = if limit == "pattern" { "text" } else { "whole numbers" };
                let kind = if limit == "one_of" { "text and whole numbers" } else { kind };
                wrong(&place, format!("`{limit}` is for {kind}; of a list or a mapping, say `of: …` too"));
            }
        }
        if let Some(Template::Fixed(node)) = self.default.as_ref().filter(|_| before == diagnostics.len()) {
            self.accept(node.clone(), &format!("the default of `{}`", self.name), diagnostics);
        }
    }

    /// `node` as a value of this parameter; `what` it is, for the message.
    fn accept(&self, node: Node, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
        match self.typed(node) {
            Ok(node) => Some(node),
            Err(refusal) => {
                let element = if refusal.element { ": an element" } else { "" };
                let message = format!("{what}{element} {}", refusal.message);
                let mut diagnostic = Diagnostic::error("bad-argument", message).at(&refusal.at, "");
                if let Some(limit) = &refusal.limit {
                    diagnostic = diagnostic.at(limit, "it must keep to this");
                } else if refusal.at.path() != self.place.path() {
                    diagnostic = diagnostic.at(&self.place, "the parameter is declared here");
                }
                diagnostics.push(diagnostic.maybe_hint(refusal.hint));
                None
            }
        }
    }

    fn typed(&self, node: Node) -> Result<Node, Refusal> {
        let node = of_type(node, self.takes)?;
        match (node.value, self.of) {
            (Value::List(items), of) => {
                let items = items.into_iter().map(|item| self.element(item, of)).collect::<Result<_, _>>()?;
                Ok(Node { value: Value::List(items), place: node.place })
            }
            (Value::Map(entries), of) => {
                let entries = entries.into_iter().map(|(key, value)| Ok((key, self.element(value, of)?)));
                Ok(Node { value: Value::Map(entries.collect::<Result<_, Refusal>>()?), place: node.place })
            }
            (value, _) => {
                let node = Node { value, place: node.place };
                self.limits.check(&node)?;
                Ok(node)
            }
        }
    }

    fn element(&self, node: Node, of: Option<Type>) -> Result<Node, Refusal> {
        let Some(of) = of else { return Ok(node) };
        let checked = of_type(node, of).and_then(|node| self.limits.check(&node).map(|()| node));
        checked.map_err(|refusal| Refusal { element: true, ..refusal })
    }
}

/// A scalar gets the style that says its type, so that conditions compare numbers as numbers.
fn of_type(node: Node, wanted: Type) -> Result<Node, Refusal> {
    if matches!(node.value, Value::Unknown) {
        return Ok(node);
    }
    let refused = || Refusal::new(&node.place, format!("must be {wanted}, not {}", shown(&node)));
    match (wanted, &node.value) {
        (Type::String, Value::Scalar(scalar)) => Ok(Node::text(scalar.text.clone(), node.place.clone())),
        (Type::Integer | Type::Boolean, Value::Scalar(scalar)) => {
            let plain = Node::plain(scalar.text.clone(), node.place.clone());
            let fits = if wanted == Type::Integer { plain.as_integer().is_some() } else { plain.as_bool().is_some() };
            if fits {
                return Ok(plain);
            }
            let hint = match (wanted, scalar.text.to_lowercase().as_str()) {
                (Type::Boolean, "yes" | "on" | "y") => Some("write `true`".to_owned()),
                (Type::Boolean, "no" | "off" | "n") => Some("write `false`".to_owned()),
                _ => None,
            };
            Err(Refusal { hint, ..refused() })
        }
        (Type::List, Value::List(_)) | (Type::Mapping, Value::Map(_)) => Ok(node),
        (Type::List, Value::Scalar(_)) => {
            Err(Refusal { hint: Some("write it as a list: `[…]`".into()), ..refused() })
        }
        _ => Err(refused()),
    }
}

/// For a message: short texts as they are written.
fn shown(node: &Node) -> String {
    match node.as_str() {
        Some(_) if node.place.is_hidden() => "what is written there".to_owned(),
        Some(text) if text.chars().count() <= 60 && !text.chars().any(char::is_control) => format!("`{text}`"),
        _ => node.kind().to_owned(),
    }
}

fn read_type(what: &str, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Type> {
    match source::de::read(node) {
        Ok(read) => Some(read),
        Err(mut diagnostic) => {
            diagnostic.message = format!("{what} {}", diagnostic.message);
            let meant = match node.as_str() {
                Some("text" | "str") => Some("string"),
                Some("number" | "int") => Some("integer"),
                Some("bool") => Some("boolean"),
                Some("array") => Some("list"),
                Some("map" | "dict" | "object") => Some("mapping"),
                _ => None,
            };
            let hint = meant.map(|word| format!("write `{word}`"));
            diagnostics.push(diagnostic.maybe_hint(hint));
            None
        }
    }
}

impl Limits {
    fn read(table: &mut Table<'_>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let pattern = table.get("pattern").and_then(|node| pattern(node, diagnostics));
        let one_of = table.get("one_of").and_then(|node| match node.as_list() {
            Some(items) if !items.is_empty() => Some((items.to_vec(), node.place.clone())),
            _ => {
                let message = "`one_of` is a list of what may be written";
                diagnostics.push(Diagnostic::error("bad-parameter", message).at(&node.place, ""));
                None
            }
        });
        let mut bound = |key: &'static str, diagnostics: &mut Vec<Diagnostic>| {
            Some((table.read(key, diagnostics)?, table.get(key)?.place.clone()))
        };
        let (min, max) = (bound("min", diagnostics), bound("max", diagnostics));
        Self { pattern, one_of, min, max, message: table.read("message", diagnostics) }
    }

    fn places(&self) -> Vec<(&'static str, Place)> {
        let mut places = Vec::new();
        places.extend(self.pattern.as_ref().map(|(_, _, place)| ("pattern", place.clone())));
        places.extend(self.one_of.as_ref().map(|(_, place)| ("one_of", place.clone())));
        places.extend(self.min.as_ref().map(|(_, place)| ("min", place.clone())));
        places.extend(self.max.as_ref().map(|(_, place)| ("max", place.clone())));
        places
    }

    fn check(&self, node: &Node) -> Result<(), Refusal> {
        let Some(text) = node.as_str() else { return Ok(()) };
        let refuse = |why: String, limit: &Place| {
            let message = match &self.message {
                Some(message) => format!("cannot be {}: {message}", shown(node)),
                None => format!("must {why}, not {}", shown(node)),
            };
            Err(Refusal { limit: Some(limit.clone()), ..Refusal::new(&node.place, message) })
        };
        if let Some((regex, pattern, place)) = &self.pattern
            && !regex.is_match(text)
        {
            return refuse(format!("match `{pattern}`"), place);
        }
        if let Some((allowed, place)) = &self.one_of
            && !allowed.iter().any(|one| one.as_str() == Some(text))
        {
            let names: Vec<&str> = allowed.iter().filter_map(Node::as_str).collect();
            let near = suggest::nearest(text, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            return refuse(format!("be one of {}", names.join(", ")), place)
                .map_err(|refusal| Refusal { hint: near, ..refusal });
        }
        let Some(number) = node.as_integer() else { return Ok(()) };
        match (&self.min, &self.max) {
            (Some((min, place)), _) if number < *min => refuse(format!("be at least {min}"), place),
            (_, Some((max, place))) if number > *max => refuse(format!("be at most {max}"), place),
            _ => Ok(()),
        }
    }
}

/// A pattern describes all of a text, not a part of it.
fn pattern(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<(Regex, String, Place)> {
    let text = node.as_str().unwrap_or("");
    let whole = format!(r"\A(?:{text})\z");
    match regex::RegexBuilder::new(&whole).size_limit(MAX_PATTERN).build() {
        Ok(regex) if node.as_str().is_some() => Some((regex, text.to_owned(), node.place.clone())),
        problem => {
            let why = problem.err().map_or_else(|| format!("it is {}", node.kind()), |error| reason(&error));
            diagnostics.push(
                Diagnostic::error("bad-parameter", format!("`pattern` cannot be read: {why}"))
                    .at(&node.place, "")
                    .hint("it is a regular expression that describes the whole value: `[a-z]+`"),
            );
            None
        }
    }
}

/// The last line says it; what is before is a picture of the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or(&text);
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// What the parameters of a technique come to.
#[derive(Debug, Default)]
pub(crate) struct Arguments(BTreeMap<String, Node>);

impl Arguments {
    /// Fills the parameters with what a `use` says, rendered with `scope`, and with their defaults, rendered
    /// with what the host has. What is wrong is reported, and not known for the rest of the work.
    pub(crate) fn bind(
        technique: &str,
        parameters: &[Parameter],
        given: &[(Key, Template)],
        place: &Place,
        (scope, host): (&dyn Scope, &dyn Scope),
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut values = BTreeMap::new();
        for parameter in parameters {
            let argument = given.iter().find(|(key, _)| *key.text == *parameter.name).map(|(_, template)| template);
            let rendered = match (argument, &parameter.default) {
                (Some(template), _) => {
                    template.render(scope, diagnostics).public(&parameter.name, template.place(), diagnostics)
                }
                (None, Some(template)) => {
                    template.render(host, diagnostics).public(&parameter.name, template.place(), diagnostics)
                }
                (None, None) => Rendered::Unknown,
            };
            let what = format!("`{}` of the technique `{technique}`", parameter.name);
            let node = match rendered {
                Rendered::Value(_) if parameter.broken => None,
                Rendered::Value(node) => parameter.accept(node, &what, diagnostics),
                Rendered::Unknown | Rendered::Failed => None,
            };
            let unknown = || Node { value: Value::Unknown, place: place.clone() };
            values.insert(parameter.name.clone(), node.unwrap_or_else(unknown));
        }
        Self(values)
    }
}

/// What a technique sees: its parameters, then what the host has.
pub(crate) struct Inside<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) host: &'a dyn Scope,
}

impl Scope for Inside<'_> {
    fn get(&self, name: &str) -> Option<&Node> {
        self.arguments.0.get(name).or_else(|| self.host.get(name))
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.arguments.0.keys().map(String::as_str).collect();
        names.extend(self.host.names().into_iter().filter(|name| !self.arguments.0.contains_key(*name)));
        names
    }
}
