//! `comply.yml`.

use crate::secrets::Provider;
use source::table::Table;
use source::{Diagnostic, Node, unknown_key};
use std::collections::BTreeMap;

/// Keys of later versions, so that the message does not call them a slip of the pen.
const LATER: &[&str] = &["notification", "history"];

/// What `comply.yml` says.
#[derive(Debug, Default)]
pub(crate) struct Project {
    pub(crate) name: Option<String>,
    pub(crate) vars: BTreeMap<String, Node>,
    pub(crate) provider: Option<Provider>,
}

impl Project {
    pub(crate) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let Some(mut table) = Table::open(node, "`comply.yml`", diagnostics) else { return Self::default() };
        let name = table.read("name", diagnostics);
        let vars = table.get("vars").map(|node| inventory::variables::read(node, diagnostics)).unwrap_or_default();
        let provider = table.get("secrets").and_then(|node| Provider::read(node, diagnostics));
        for (key, _) in table.rest() {
            let unknown = unknown_key(key, "`comply.yml`", ["name", "vars", "secrets"]);
            diagnostics.push(if LATER.contains(&&*key.text) {
                unknown.hint("this version does not know it yet")
            } else {
                unknown
            });
        }
        Self { name, vars, provider }
    }
}
