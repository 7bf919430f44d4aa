//! A file of `techniques/`: a piece of policy with parameters.

use crate::kinds::Kinds;
use crate::parameter::Parameter;
use crate::section::{self, Entry};
use crate::usage;
use source::{Diagnostic, Key, Node, Place, Table, suggest};

/// The keys of a technique that are not sections.
const KEYS: &[&str] = &["technique", "description", "params"];

/// A piece of policy that policies use, each time with other values of its parameters.
pub struct Technique {
    /// Its name.
    pub name: String,
    /// Its file, relative to the repository's root.
    pub file: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it may be told, in the order it is written.
    pub parameters: Vec<Parameter>,
    /// A part of it could not be read: perhaps its parameters.
    pub(crate) incomplete: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) place: Place,
}

impl Technique {
    /// Reads a technique. What is wrong in it is reported, and the rest of it is used.
    pub(crate) fn read(path: &str, node: &Node, kinds: &Kinds, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut table = Table::open(node, "a technique", diagnostics)?;
        let before = diagnostics.len();
        let named = table.get("technique");
        let place = named.map_or_else(|| Place::new(node.place.file(), 0..0), |node| node.place.clone());
        let name: String = table.read("technique", diagnostics).unwrap_or_else(|| stem(path).to_owned());
        check_name(&name, &place, diagnostics);
        let description = table.read("description", diagnostics);
        let parameters = table.get("params").map(|node| parameters(node, diagnostics)).unwrap_or_default();
        let entries = section::read(&table, kinds, KEYS, explain, diagnostics);
        if entries.is_none() {
            let message = format!("the technique `{name}` declares nothing");
            diagnostics.push(Diagnostic::warning("empty-technique", message).at(&place, ""));
        }
        let entries = entries.unwrap_or_default();
        let told = diagnostics.get(before..).unwrap_or_default();
        let incomplete = told.iter().any(|mistake| ["unknown-section", "not-a-mapping"].contains(&mistake.code));
        Some(Self { name, file: path.to_owned(), description, parameters, incomplete, entries, place })
    }

    /// `key` is no parameter of this technique.
    pub(crate) fn unknown_parameter(&self, key: &Key) -> Diagnostic {
        let names = self.parameters.iter().map(|parameter| parameter.name.as_str());
        let none = self.parameters.is_empty().then(|| "it takes none at all".to_owned());
        let message = format!("the technique `{}` has no parameter `{}`", self.name, key.text);
        Diagnostic::error("unknown-parameter", message)
            .at(&key.place, "")
            .maybe_hint(none.or_else(|| suggest::hint(&key.text, names)))
    }
}

/// The name of a file without its directory and ending.
pub(crate) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name)
}

fn check_name(name: &str, place: &Place, diagnostics: &mut Vec<Diagnostic>) {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !good {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` cannot be the name of a technique"))
                .at(place, "")
                .hint("a name begins with a letter and is made of letters, digits, `_` and `-`"),
        );
    } else if usage::KEYS.contains(&name) {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` already means something in `use`"))
                .at(place, "")
                .hint("give the technique another name"),
        );
    }
}

fn parameters(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<Parameter> {
    if node.as_list().is_some() {
        diagnostics.push(
            Diagnostic::error("not-a-mapping", "`params` is a mapping, not a list")
                .at(&node.place, "")
                .hint("write each with its type: `params: {name: string}`"),
        );
        return Vec::new();
    }
    let Some(_) = Table::open(node, "`params`", diagnostics) else { return Vec::new() };
    let entries = node.as_map().unwrap_or_default();
    entries.iter().filter_map(|(key, node)| Parameter::read(key, node, diagnostics)).collect()
}

/// What belongs elsewhere.
fn explain(key: &str) -> Option<&'static str> {
    match key {
        "use" => Some("a technique uses no other technique: let the policy use both"),
        "hosts" | "except" => Some("which hosts it is for is said by the policy that uses it"),
        "when" | "mode" | "severity" | "tags" => Some("write it beside the technique in `use`, or at a resource"),
        "refs" => Some("write it in the policy that uses it, or at a resource"),
        "policy" => Some("a file of `techniques/` is a technique; policies are in `policies/`"),
        _ => suggest::nearest(key, ["params"]).map(|_| "did you mean `params`?"),
    }
}
