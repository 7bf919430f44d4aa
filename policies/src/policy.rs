//! A file of `policies/`.

use crate::declaration::expression;
use crate::files::about_file;
use crate::kinds::Kinds;
use crate::section::{self, Entry};
use crate::technique::{Technique, stem};
use crate::usage::{self, Usage};
use engine::{Mode, Severity};
use inventory::Inventory;
use source::{Diagnostic, Expr, Node, Place, Table};
use std::collections::BTreeSet;

/// The keys of a policy that are not sections.
const KEYS: &[&str] = &["policy", "description", "hosts", "except", "mode", "severity", "tags", "refs", "when", "use"];

/// One policy.
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its file, relative to the repository's root.
    pub file: String,
    /// What it is for.
    pub description: Option<String>,
    /// The ceiling it puts on changes, and where it says so.
    pub(crate) mode: Option<(Mode, Place)>,
    pub(crate) severity: Severity,
    pub(crate) tags: Vec<String>,
    pub(crate) refs: Vec<String>,
    pub(crate) when: Option<Expr>,
    /// The hosts it is for, as indices in the inventory.
    pub(crate) hosts: BTreeSet<usize>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) uses: Vec<Usage>,
    pub(crate) place: Place,
}

impl Policy {
    /// Reads a policy. What is wrong in it is reported, and the rest of it is used.
    pub(crate) fn read(
        path: &str,
        node: &Node,
        kinds: &Kinds,
        (techniques, inventory): (&[Technique], &Inventory),
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut table = Table::open(node, "a policy", diagnostics)?;
        let named = table.get("policy");
        let place = named.map_or_else(|| Place::new(node.place.file(), 0..0), |node| node.place.clone());
        let name = table.read("policy", diagnostics).unwrap_or_else(|| stem(path).to_owned());
        let description = table.read("description", diagnostics);
        let hosts = hosts(&mut table, inventory, diagnostics);
        let mode = table.read("mode", diagnostics).zip(table.get("mode").map(|node| node.place.clone()));
        let severity = table.read("severity", diagnostics).unwrap_or_default();
        let tags = table.read("tags", diagnostics).unwrap_or_default();
        let refs = table.read("refs", diagnostics).unwrap_or_default();
        let when = table.get("when").and_then(|node| expression(node, diagnostics));
        let uses = table.get("use").map(|node| usage::read(node, techniques, diagnostics));
        let entries = section::read(&table, kinds, KEYS, |_| None, diagnostics);
        if entries.is_none() && uses.is_none() {
            let message = format!("the policy `{name}` declares nothing");
            diagnostics.push(Diagnostic::warning("empty-policy", message).at(&place, ""));
        }
        Some(Self {
            name,
            file: path.to_owned(),
            description,
            mode,
            severity,
            tags,
            refs,
            when,
            hosts,
            entries: entries.unwrap_or_default(),
            uses: uses.unwrap_or_default(),
            place,
        })
    }
}

/// A file of policies with nothing in it, as one that was cut off on its way.
pub(crate) fn empty(path: &str) -> Diagnostic {
    about_file("empty-policy", path, format!("`{path}` is empty")).hint("fill it, or take the file out")
}

fn hosts(table: &mut Table<'_>, inventory: &Inventory, diagnostics: &mut Vec<Diagnostic>) -> BTreeSet<usize> {
    let node = table.required("hosts", "a policy", diagnostics);
    let patterns = node.map(|node| inventory::patterns(node, "`hosts`", diagnostics)).unwrap_or_default();
    let mut found = inventory.resolve(&patterns, diagnostics);
    if let Some(node) = node
        && node.as_list().is_some_and(<[Node]>::is_empty)
    {
        diagnostics.push(
            Diagnostic::error("no-hosts", "this policy is for no host")
                .at(&node.place, "")
                .hint("`[all]`, or names of hosts and groups"),
        );
    }
    if let Some(node) = table.get("except") {
        let patterns = inventory::patterns(node, "`except`", diagnostics);
        let for_some = !found.is_empty();
        for index in inventory.resolve(&patterns, diagnostics) {
            found.remove(&index);
        }
        if for_some && found.is_empty() {
            let diagnostic = Diagnostic::error("no-hosts", "this policy is for no host: `except` leaves none");
            diagnostics.push(diagnostic.at(&node.place, "").hint("take the file out, or name fewer hosts here"));
        }
    }
    found
}
