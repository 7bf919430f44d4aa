//! Patterns: names of hosts and groups, globs over names of hosts, and `all`.

use crate::{Host, Inventory};
use source::{Diagnostic, Node, Place, glob, suggest};
use std::collections::BTreeSet;

/// The hosts that a name or a glob stands for; `None` is nothing. This machine is only found by its name.
pub(crate) fn hosts(inventory: &Inventory, pattern: &str) -> Option<Vec<usize>> {
    if let Some(index) = inventory.by_name.get(pattern) {
        return Some(vec![*index]);
    }
    let everything = pattern == "all";
    if !everything && !glob::is_glob(pattern) {
        return None;
    }
    let found: Vec<usize> = inventory
        .hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| !host.is_local() && (everything || glob::matches(pattern, &host.name)))
        .map(|(index, _)| index)
        .collect();
    (!found.is_empty()).then_some(found)
}

/// `pattern` stands for nothing.
pub(crate) fn nothing(inventory: &Inventory, pattern: &str, place: &Place) -> Diagnostic {
    let (message, hint) = explain(inventory, pattern);
    Diagnostic::error("unknown-host", message).at(place, "").maybe_hint(hint)
}

fn explain(inventory: &Inventory, pattern: &str) -> (String, Option<String>) {
    if inventory.groups.contains_key(pattern) {
        let hint = "list hosts in it, or take it out".to_owned();
        return (format!("the group `{pattern}` has no hosts"), Some(hint));
    }
    let only_local = inventory.hosts.iter().all(Host::is_local);
    if (pattern == "all" || glob::is_glob(pattern)) && only_local {
        let hint = "a host with `connection: local` is only meant by its name".to_owned();
        return (format!("`{pattern}` matches no host"), Some(hint));
    }
    if glob::is_glob(pattern) {
        return (format!("`{pattern}` matches no host"), None);
    }
    let names = inventory.hosts.iter().map(|host| host.name.as_str()).chain(inventory.groups());
    let hint = suggest::hint(pattern, names);
    (format!("there is no host or group `{pattern}`"), hint)
}

impl Inventory {
    /// The hosts that a list of patterns stands for, as indices in [`Inventory::hosts`]. Every pattern that
    /// stands for nothing is reported.
    pub fn resolve(&self, patterns: &[Node], diagnostics: &mut Vec<Diagnostic>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for node in patterns {
            let pattern = node.as_str().unwrap_or("");
            match self.matching(pattern) {
                Some(hosts) => found.extend(hosts),
                None => diagnostics.push(nothing(self, pattern, &node.place)),
            }
        }
        found
    }

    /// The hosts that `--limit` and `--except` leave, in the order of the inventory; without `--limit` that is
    /// every host, this machine too. The error names every pattern that stands for nothing.
    pub fn select(&self, limit: &[String], except: &[String]) -> Result<Vec<&Host>, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let given = |option: &str, patterns: &[String]| -> Vec<Node> {
            patterns.iter().map(|pattern| Node::given(option, pattern)).collect()
        };
        let kept = if limit.is_empty() {
            (0..self.hosts.len()).collect()
        } else {
            self.resolve(&given("--limit", limit), &mut diagnostics)
        };
        let dropped = self.resolve(&given("--except", except), &mut diagnostics);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(kept.difference(&dropped).filter_map(|index| self.hosts.get(*index)).collect())
    }

    fn matching(&self, pattern: &str) -> Option<Vec<usize>> {
        match self.groups.get(pattern) {
            Some(group) if group.members.is_empty() => None,
            Some(group) => Some(group.members.clone()),
            None => hosts(self, pattern),
        }
    }
}
