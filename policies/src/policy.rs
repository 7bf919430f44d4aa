//! A file of `policies/`.

use crate::declaration::{Declaration, expression, read_section};
use crate::expand::Expanded;
use crate::kinds::Kinds;
use engine::{Mode, Severity};
use inventory::Inventory;
use source::{Diagnostic, Expr, Key, Node, Place, Table, suggest};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The keys of a policy that are not sections.
const KEYS: &[&str] = &["policy", "description", "hosts", "except", "mode", "severity", "tags", "refs", "when"];

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
    pub(crate) declarations: Vec<Entry>,
    pub(crate) place: Place,
}

/// A declaration, and what it comes to if that is the same on every host.
pub(crate) struct Entry {
    pub(crate) declaration: Declaration,
    pub(crate) fixed: Option<Arc<Expanded>>,
}

impl Policy {
    /// Reads a policy. What is wrong in it is reported, and the rest of it is used.
    pub(crate) fn read(
        path: &str,
        node: &Node,
        kinds: &Kinds,
        inventory: &Inventory,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut table = Table::open(node, "a policy", diagnostics)?;
        let stem = path.rsplit('/').next().unwrap_or(path);
        let stem = stem.strip_suffix(".yml").or_else(|| stem.strip_suffix(".yaml")).unwrap_or(stem);
        let named = table.get("policy");
        let place = named.map_or_else(|| Place::new(node.place.file(), 0..0), |node| node.place.clone());
        let name = table.read("policy", diagnostics).unwrap_or_else(|| stem.to_owned());
        let description = table.read("description", diagnostics);
        let hosts = hosts(&mut table, inventory, diagnostics);
        let mode = table.read("mode", diagnostics).zip(table.get("mode").map(|node| node.place.clone()));
        let severity = table.read("severity", diagnostics).unwrap_or_default();
        let tags = table.read("tags", diagnostics).unwrap_or_default();
        let refs = table.read("refs", diagnostics).unwrap_or_default();
        let when = table.get("when").and_then(|node| expression(node, diagnostics));
        let mut declarations = Vec::new();
        let mut sections = 0;
        for (key, value) in table.rest() {
            sections += 1;
            match kinds.section(&key.text) {
                Some((index, kind)) => declarations.extend(read_section(index, kind, key, value, diagnostics)),
                None => diagnostics.push(unknown_section(key, kinds)),
            }
        }
        if sections == 0 {
            let message = format!("the policy `{name}` declares nothing");
            diagnostics.push(Diagnostic::warning("empty-policy", message).at(&place, ""));
        }
        let declarations = declarations
            .into_iter()
            .map(|declaration| {
                let fixed = Expanded::fixed(&declaration, kinds, diagnostics);
                Entry { declaration, fixed }
            })
            .collect();
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
            declarations,
            place,
        })
    }
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
        for index in inventory.resolve(&patterns, diagnostics) {
            found.remove(&index);
        }
    }
    found
}

fn unknown_section(key: &Key, kinds: &Kinds) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unknown-section", format!("there is no section or key `{}`", key.text)).at(&key.place, "");
    if &*key.text == "use" {
        return diagnostic.hint("techniques are not part of this version yet");
    }
    let known = kinds.sections().chain(KEYS.iter().copied());
    // A section is often written as its kind: `user` for `users`.
    match kinds.kind(&key.text) {
        Some(kind) => diagnostic.hint(format!("did you mean `{}`?", kind.module.section())),
        None => diagnostic.maybe_hint(suggest::hint(&key.text, known)),
    }
}
