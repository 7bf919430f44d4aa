//! Nodes to an inventory.

use crate::groups;
use crate::variables;
use crate::{Group, Host, Identity, Inventory, Settings};
use source::de::as_list;
use source::table::Table;
use source::{Diagnostic, Key, Node, Place};
use std::collections::BTreeMap;

/// Names that variables cannot have, because something else has them.
pub const RESERVED: &[&str] = &[
    "os",
    "arch",
    "hostname",
    "virtualization",
    "host",
    "item",
    "key",
    "value",
    "true",
    "false",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "none",
    "defined",
];

/// Makes an inventory of the documents of `inventory.yml`, or of all files of `inventory/`.
pub fn load(documents: &[Node], diagnostics: &mut Vec<Diagnostic>) -> Inventory {
    let mut inventory = Inventory::default();
    let mut declared_groups: BTreeMap<String, Vec<(Place, Node)>> = BTreeMap::new();
    let tables: Vec<_> =
        documents.iter().filter_map(|document| Table::open(document, "an inventory", diagnostics)).collect();
    let mut parts = Vec::new();
    let mut defaults = Settings::default();
    let mut defaults_place: Option<Place> = None;
    for mut table in tables {
        if let Some(node) = table.get("defaults")
            && let Some(mut settings) = Table::open(node, "`defaults`", diagnostics)
        {
            if let Some(first) = defaults_place.replace(node.place.clone()) {
                let diagnostic = Diagnostic::error("duplicate-key", "`defaults` is written in two files");
                diagnostics.push(diagnostic.at(&node.place, "again here").at(&first, "first here"));
            }
            defaults = Settings::read(&mut settings, &Settings::default(), diagnostics);
            settings.finish("`defaults`", diagnostics);
        }
        parts.push((table.get("hosts"), table.get("groups")));
        table.finish("an inventory", diagnostics);
    }
    for (hosts, groups) in parts {
        for (key, node) in entries(hosts, "`hosts`", diagnostics) {
            read_host(&mut inventory, key, node, &defaults, &mut declared_groups, diagnostics);
        }
        for (key, node) in entries(groups, "`groups`", diagnostics) {
            read_group(&mut inventory, key, node, diagnostics);
        }
    }
    let (lost, read) = (loses_names(diagnostics), diagnostics.len());
    groups::resolve(&mut inventory, &declared_groups, diagnostics);
    if lost {
        let told = diagnostics.split_off(read);
        diagnostics
            .extend(told.into_iter().filter(|mistake| !["unknown-host", "unknown-group"].contains(&mistake.code)));
    }
    variables::resolve(&mut inventory, diagnostics);
    inventory
}

/// Whether hosts, groups or variables may be missing after these mistakes of `comply.yml` or the inventory: whatever is
/// said to be unknown may only follow from them.
pub fn loses_names(said: &[Diagnostic]) -> bool {
    let harmless = ["bad-value", "group-cycle", "name-taken", "variable-conflict", "template-in-variable"];
    let elsewhere = |mistake: &Diagnostic| {
        let meant = mistake.hint.as_deref().and_then(|hint| hint.strip_prefix("did you mean `")).unwrap_or("vars`");
        !["hosts`", "groups`", "vars`"].iter().any(|names| meant.starts_with(names))
    };
    said.iter().any(|mistake| {
        let harmless = harmless.contains(&mistake.code) || (mistake.code == "unknown-key" && elsewhere(mistake));
        mistake.is_error() && !harmless
    })
}

fn entries<'a>(node: Option<&'a Node>, what: &str, diagnostics: &mut Vec<Diagnostic>) -> &'a [(Key, Node)] {
    let Some(node) = node else { return &[] };
    if Table::open(node, what, diagnostics).is_none() {
        return &[];
    }
    node.as_map().unwrap_or(&[])
}

fn read_host(
    inventory: &mut Inventory,
    key: &Key,
    node: &Node,
    defaults: &Settings,
    declared_groups: &mut BTreeMap<String, Vec<(Place, Node)>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if !good_name(key, "host", diagnostics) || taken(inventory, key, diagnostics) {
        return;
    }
    let Some(mut table) = Table::open(node, "a host", diagnostics) else { return };
    let settings = Settings::read(&mut table, defaults, diagnostics);
    let audit_only = match table.get("mode") {
        None => None,
        Some(mode) => match mode.as_str() {
            Some("audit") => Some(mode.place.clone()),
            Some("enforce") => None,
            _ => {
                diagnostics
                    .push(Diagnostic::error("bad-value", "`mode` must be `audit` or `enforce`").at(&mode.place, ""));
                None
            }
        },
    };
    if let Some(list) = table.get("groups") {
        let names = declared_groups.entry(key.text.to_string()).or_default();
        for name in patterns(list, "`groups`", diagnostics) {
            names.push((name.place.clone(), name.clone()));
        }
    }
    let facts = table.get("facts").map(|node| Identity::read(node, diagnostics)).unwrap_or_default();
    let vars = table.get("vars").map(|node| variables::read(node, diagnostics)).unwrap_or_default();
    table.finish("a host", diagnostics);
    inventory.by_name.insert(key.text.to_string(), inventory.hosts.len());
    inventory.hosts.push(Host {
        name: key.text.to_string(),
        place: key.place.clone(),
        settings,
        audit_only,
        groups: Vec::new(),
        vars: vars.into_iter().map(|(name, value)| (name, crate::Variable { value, group: None })).collect(),
        facts,
    });
}

fn read_group(inventory: &mut Inventory, key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
    if !good_name(key, "group", diagnostics) || taken(inventory, key, diagnostics) {
        return;
    }
    let Some(mut table) = Table::open(node, "a group", diagnostics) else { return };
    let vars = table.get("vars").map(|node| variables::read(node, diagnostics)).unwrap_or_default();
    let hosts = table.get("hosts").map(|node| patterns(node, "`hosts`", diagnostics)).unwrap_or_default();
    let groups = table.get("groups").map(|node| patterns(node, "`groups`", diagnostics)).unwrap_or_default();
    table.finish("a group", diagnostics);
    let group = Group { place: key.place.clone(), vars, hosts, groups, members: Vec::new() };
    inventory.groups.insert(key.text.to_string(), group);
}

/// The elements of a list of texts.
pub fn patterns(node: &Node, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let Some(items) = node.as_list() else {
        diagnostics.push(
            Diagnostic::error("not-a-list", format!("{what} is a list, not {}", node.kind()))
                .at(&node.place, "")
                .hint(as_list(node)),
        );
        return Vec::new();
    };
    let (texts, others): (Vec<_>, Vec<_>) = items.iter().cloned().partition(|item| item.as_str().is_some());
    for other in others {
        let message = format!("{what} is a list of names; this is {}", other.kind());
        diagnostics.push(Diagnostic::error("not-text", message).at(&other.place, ""));
    }
    texts
}

fn good_name(key: &Key, what: &str, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let name = &*key.text;
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && !name.starts_with(['-', '.'])
        && name.len() <= 253;
    if !good {
        diagnostics.push(
            Diagnostic::error("bad-name", format!("`{name}` cannot be the name of a {what}"))
                .at(&key.place, "")
                .hint("a name is made of letters, digits, `.`, `-` and `_`; an address goes into `address:`"),
        );
    } else if name == "all" {
        diagnostics.push(
            Diagnostic::error("bad-name", "`all` already means every host")
                .at(&key.place, "")
                .hint("give it another name"),
        );
    }
    good && name != "all"
}

fn taken(inventory: &Inventory, key: &Key, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let host = inventory.host(&key.text).map(|host| (&host.place, "a host"));
    let group = inventory.groups.get(&*key.text).map(|group| (&group.place, "a group"));
    let Some((place, what)) = host.or(group) else { return false };
    diagnostics.push(
        Diagnostic::error("name-taken", format!("`{}` already names {what}", key.text))
            .at(&key.place, "again here")
            .at(place, "first here")
            .hint("a pattern could mean either: give one of them another name"),
    );
    true
}
