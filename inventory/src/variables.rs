//! Variables of groups and hosts: an inner group over an outer one, the host over both.

use crate::load::RESERVED;
use crate::{Host, Inventory, Variable, groups};
use source::{Diagnostic, Key, Node, Table, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a mapping of variables.
pub fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<String, Node> {
    let mut vars = BTreeMap::new();
    if Table::open(node, "`vars`", diagnostics).is_none() {
        return vars;
    }
    for (key, value) in node.as_map().unwrap_or(&[]) {
        if check_name(key, "a variable", diagnostics).is_some() {
            refuse_templates(value, diagnostics);
            vars.insert(key.text.to_string(), value.clone());
        }
    }
    vars
}

/// `None`, and said so, if `key` cannot be the name of `what`, which conditions and templates are to see.
pub fn check_name(key: &Key, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<()> {
    let name = &*key.text;
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` cannot be the name of {what}"))
                .at(&key.place, "")
                .hint("a name is made of letters, digits and `_`, and does not begin with a digit"),
        );
    } else if RESERVED.contains(&name) {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` already means something in conditions and templates"))
                .at(&key.place, "")
                .hint("give it another name"),
        );
    } else {
        return Some(());
    }
    None
}

/// A variable is data. Braces in it would come out as braces, which nobody who writes them means.
fn refuse_templates(value: &Node, diagnostics: &mut Vec<Diagnostic>) {
    match &value.value {
        Value::Scalar(scalar) if scalar.text.contains("{{") => diagnostics.push(
            Diagnostic::error("template-in-variable", "the value of a variable is never a template")
                .at(&value.place, "")
                .hint("put the parts together where the variable is used"),
        ),
        Value::Scalar(_) | Value::Unknown => {}
        Value::List(items) => items.iter().for_each(|item| refuse_templates(item, diagnostics)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| refuse_templates(value, diagnostics)),
    }
}

/// Gives every host the variables of its groups that it does not set itself.
pub(crate) fn resolve(inventory: &mut Inventory, diagnostics: &mut Vec<Diagnostic>) {
    let below = groups::contained(inventory, &mut Vec::new());
    for index in 0..inventory.hosts.len() {
        let Some(host) = inventory.hosts.get(index) else { continue };
        let mut setters: BTreeMap<&str, Vec<(&str, &Node)>> = BTreeMap::new();
        for group in &host.groups {
            for (name, value) in inventory.groups.get(group).into_iter().flat_map(|group| &group.vars) {
                setters.entry(name).or_default().push((group, value));
            }
        }
        let mut gained = BTreeMap::new();
        for (name, setters) in setters {
            if host.vars.contains_key(name) {
                continue;
            }
            let innermost = innermost(&setters, &below);
            let Some(((group, value), others)) = innermost.split_first() else { continue };
            if let Some((other, different)) = others.iter().find(|(_, different)| !different.same(value)) {
                diagnostics.push(
                    Diagnostic::error(
                        "variable-conflict",
                        format!("the groups `{group}` and `{other}` set `{name}` differently"),
                    )
                    .at(&different.place, format!("`{other}` says this"))
                    .at(&value.place, format!("`{group}` says this"))
                    .hint("set it on the host, or let one group contain the other: the inner one holds")
                    .on(&host.name),
                );
            }
            gained.insert(name.to_owned(), Variable { value: (*value).clone(), group: Some((*group).to_owned()) });
        }
        if let Some(host) = inventory.hosts.get_mut(index) {
            host.vars.extend(gained);
        }
    }
}

/// Every value that a host or its groups give a variable: the host's own first, then those of groups, an inner one before
/// those that contain it.
pub fn layers<'a>(inventory: &'a Inventory, host: &'a Host, name: &str) -> Vec<(Option<&'a str>, &'a Node)> {
    let below = groups::contained(inventory, &mut Vec::new());
    let own = host.vars.get(name).filter(|variable| variable.group.is_none()).map(|variable| (None, &variable.value));
    let mut setters: Vec<(&str, &Node)> = host
        .groups
        .iter()
        .filter_map(|group| Some((group.as_str(), inventory.groups.get(group)?.vars.get(name)?)))
        .collect();
    let chosen = host.vars.get(name).and_then(|variable| variable.group.as_deref());
    // The one that counts, and the more groups lie in a group the later it comes.
    setters.sort_by_key(|(group, _)| (Some(*group) != chosen, below.get(*group).map_or(0, BTreeSet::len)));
    own.into_iter().chain(setters.into_iter().map(|(group, value)| (Some(group), value))).collect()
}

/// The setters that contain no other setter.
fn innermost<'a>(
    setters: &[(&'a str, &'a Node)],
    below: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<(&'a str, &'a Node)> {
    let contains = |outer: &str, inner: &str| below.get(outer).is_some_and(|groups| groups.contains(inner));
    setters
        .iter()
        .filter(|(outer, _)| !setters.iter().any(|(inner, _)| inner != outer && contains(outer, inner)))
        .copied()
        .collect()
}
