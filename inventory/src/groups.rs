//! Who is in which group.

use crate::{Inventory, pattern};
use source::{Diagnostic, Node, Place, suggest};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Fills in the members of every group and the groups of every host. `declared` are the groups that hosts
/// name themselves.
pub(crate) fn resolve(
    inventory: &mut Inventory,
    declared: &BTreeMap<String, Vec<(Place, Node)>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut direct = direct_members(inventory, diagnostics);
    for (host, groups) in declared {
        let Some(index) = inventory.by_name.get(host) else { continue };
        for (place, group) in groups {
            let name = group.as_str().unwrap_or("");
            match direct.get_mut(name) {
                Some(members) => {
                    members.insert(*index);
                }
                None => diagnostics.push(unknown(inventory, name, place)),
            }
        }
    }
    let below = contained(inventory, diagnostics);
    let names: Vec<String> = inventory.groups.keys().cloned().collect();
    for name in &names {
        let inside = below.get(name).into_iter().flatten().chain([name]);
        let members: BTreeSet<usize> = inside.filter_map(|group| direct.get(group)).flatten().copied().collect();
        for index in &members {
            if let Some(host) = inventory.hosts.get_mut(*index) {
                host.groups.push(name.clone());
            }
        }
        if let Some(group) = inventory.groups.get_mut(name) {
            group.members = members.into_iter().collect();
        }
    }
}

fn direct_members(inventory: &Inventory, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<String, BTreeSet<usize>> {
    let mut direct = BTreeMap::new();
    for (name, group) in &inventory.groups {
        let mut members = BTreeSet::new();
        for node in &group.hosts {
            let pattern = node.as_str().unwrap_or("");
            if inventory.groups.contains_key(pattern) {
                let message = format!("`{pattern}` is a group; `hosts` of a group lists hosts");
                diagnostics
                    .push(Diagnostic::error("unknown-host", message).at(&node.place, "").hint("list it in `groups`"));
                continue;
            }
            match pattern::hosts(inventory, pattern) {
                Some(found) => members.extend(found),
                None => diagnostics.push(pattern::nothing(inventory, pattern, &node.place)),
            }
        }
        direct.insert(name.clone(), members);
    }
    direct
}

/// For every group, the groups inside of it at any depth. A group inside of itself is an error, told once for all groups
/// of a circle.
pub(crate) fn contained(
    inventory: &Inventory,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, group) in &inventory.groups {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Node> = group.groups.iter().collect();
        while let Some(node) = open.pop() {
            let inner = node.as_str().unwrap_or("");
            match inventory.groups.get(inner) {
                Some(found) if seen.insert(inner.to_owned()) => open.extend(&found.groups),
                Some(_) => {}
                None if group.groups.iter().any(|own| own.place == node.place) => {
                    diagnostics.push(unknown(inventory, inner, &node.place));
                }
                None => {}
            }
        }
        below.insert(name.clone(), seen);
    }
    let contains = |outer: &str, inner: &str| below.get(outer).is_some_and(|inside| inside.contains(inner));
    for (name, inside) in below.iter().filter(|(name, inside)| inside.contains(*name)) {
        let is_first = !inside.iter().any(|inner| inner < name && contains(inner, name));
        diagnostics.extend(is_first.then(|| circle(inventory, name)));
    }
    below
}

/// The shortest way from a group back to itself.
fn circle(inventory: &Inventory, name: &str) -> Diagnostic {
    let mut ways: VecDeque<Vec<(&str, &Node)>> = VecDeque::from([Vec::new()]);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last().map_or(name, |(_, node)| node.as_str().unwrap_or(""));
        if last == name && !way.is_empty() {
            found = way;
            break;
        }
        if let Some((outer, group)) = inventory.groups.get_key_value(last).filter(|_| seen.insert(last)) {
            ways.extend(group.groups.iter().map(|node| [way.as_slice(), &[(outer.as_str(), node)]].concat()));
        }
    }
    let diagnostic = Diagnostic::error("group-cycle", format!("the group `{name}` contains itself"));
    found.into_iter().fold(diagnostic, |diagnostic, (outer, node)| {
        diagnostic.at(&node.place, format!("`{outer}` contains `{}`", node.as_str().unwrap_or("")))
    })
}

fn unknown(inventory: &Inventory, name: &str, place: &Place) -> Diagnostic {
    let hint = match suggest::nearest(name, inventory.groups()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: `groups: {{{name}: {{}}}}`"),
    };
    Diagnostic::error("unknown-group", format!("there is no group `{name}`")).at(place, "").hint(hint)
}
