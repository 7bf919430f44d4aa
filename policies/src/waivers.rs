//! `waivers.yml`: deviations that are accepted for a while.

use crate::kinds::Kinds;
use inventory::Inventory;
use jiff::civil::Date;
use source::table::Table;
use source::{Diagnostic, Node, Place, glob};
use std::collections::BTreeSet;

/// An accepted deviation.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The resource's id, or a glob over ids; `*` also covers a host that cannot be reached.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day it holds, in UTC.
    pub until: Date,
    /// It no longer holds.
    pub expired: bool,
    /// Where it is written.
    pub place: Place,
    pub(crate) hosts: BTreeSet<usize>,
}

impl Waiver {
    /// What a reader is shown: reason, owner, last day.
    pub fn text(&self) -> String {
        format!("{} ({}, until {})", self.reason, self.owner, self.until)
    }

    /// The hosts among `names` that it is for.
    pub fn hosts_among<'a>(&self, inventory: &Inventory, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let is_for = |name: &str| inventory.hosts().iter().position(|host| host.name == name);
        names.filter(|name| is_for(name).is_some_and(|index| self.hosts.contains(&index))).map(str::to_owned).collect()
    }

    pub(crate) fn covers(&self, host: usize, id: &str) -> bool {
        self.hosts.contains(&host) && glob::matches(&self.resource, id)
    }
}

/// Reads the list. A waiver that no longer holds on `today` is reported.
pub(crate) fn read(
    node: &Node,
    around: (&Inventory, &Kinds),
    today: Date,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Waiver> {
    let Some(items) = node.as_list() else {
        let message = format!("`waivers.yml` is a list of waivers, not {}", node.kind());
        diagnostics.push(Diagnostic::error("not-a-list", message).at(&node.place, ""));
        return Vec::new();
    };
    let waivers: Vec<Waiver> = items.iter().filter_map(|item| one(item, around, today, diagnostics)).collect();
    for waiver in waivers.iter().filter(|waiver| waiver.expired) {
        let message = format!("the waiver for {} ended on {}", waiver.resource, waiver.until);
        diagnostics.push(
            Diagnostic::warning("waiver-expired", message)
                .at(&waiver.place, format!("{} answers for it", waiver.owner))
                .hint("take it out, or agree on a new end: what it covered is drift again, and `enforce` changes it"),
        );
    }
    waivers
}

fn one(
    node: &Node,
    (inventory, kinds): (&Inventory, &Kinds),
    today: Date,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Waiver> {
    let what = "a waiver";
    let mut table = Table::open(node, what, diagnostics)?;
    for key in ["resource", "hosts", "reason", "owner", "until"] {
        table.required(key, what, diagnostics);
    }
    let resource: Option<String> = table.read("resource", diagnostics);
    let place = table.get("resource").map_or_else(|| node.place.clone(), |node| node.place.clone());
    let patterns = table.get("hosts").map(|node| inventory::patterns(node, "`hosts`", diagnostics)).unwrap_or_default();
    let hosts = inventory.resolve(&patterns, diagnostics);
    let reason: Option<String> = table.read("reason", diagnostics);
    let owner: Option<String> = table.read("owner", diagnostics);
    let until = table.get("until").and_then(|node| date(node, diagnostics));
    table.finish(what, diagnostics);
    let until = until?;
    let resource = kinds.spelled(&resource?);
    Some(Waiver { resource, reason: reason?, owner: owner?, until, expired: until < today, place, hosts })
}

fn date(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Date> {
    let text = node.as_str().unwrap_or("");
    let written = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<Date>() {
        Ok(date) if written => Some(date),
        _ => {
            diagnostics.push(
                Diagnostic::error("bad-value", "`until` must be a day")
                    .at(&node.place, "")
                    .hint("write it as year, month and day: `2027-01-31`"),
            );
            None
        }
    }
}
