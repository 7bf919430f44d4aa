//! A mapping with known keys: what is not taken out of it is an unknown key.

use crate::de;
use crate::diagnostic::Diagnostic;
use crate::node::{Key, Node};
use crate::suggest;
use serde::de::DeserializeOwned;

/// A mapping of which keys are taken one by one.
pub struct Table<'a> {
    node: &'a Node,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// `node` as a mapping; `what` it is, for the message if it is none: "a host".
    pub fn open(node: &'a Node, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        match node.as_map() {
            Some(entries) => Some(Self { node, entries, asked: Vec::new() }),
            None => {
                diagnostics.push(
                    Diagnostic::error("not-a-mapping", format!("{what} is a mapping, not {}", node.kind()))
                        .at(&node.place, ""),
                );
                None
            }
        }
    }

    /// The whole mapping.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Takes a key.
    pub fn entry(&mut self, key: &'static str) -> Option<&'a (Key, Node)> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|(known, _)| &*known.text == key)
    }

    /// Takes a key's value.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// Takes a key's value as a `T`.
    pub fn read<T: DeserializeOwned>(&mut self, key: &'static str, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
        match de::read(self.get(key)?) {
            Ok(value) => Some(value),
            Err(mut diagnostic) => {
                diagnostic.message = de::about(key, &diagnostic.message);
                diagnostics.push(*diagnostic);
                None
            }
        }
    }

    /// Takes a key's value; that it is not there is an error of `what`. A slip of the pen is told as the key that means
    /// nothing, once.
    pub fn required(&mut self, key: &'static str, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() && !self.rest().any(|(written, _)| suggest::nearest(&written.text, [key]).is_some()) {
            diagnostics.push(
                Diagnostic::error("missing-key", format!("{what} needs `{key}`")).at(&self.node.place, "not in here"),
            );
        }
        value
    }

    /// The entries that nobody has asked for.
    pub fn rest(&self) -> impl Iterator<Item = &'a (Key, Node)> + '_ {
        self.entries.iter().filter(|(key, _)| !self.asked.contains(&&*key.text))
    }

    /// Reports every key that nobody has asked for.
    pub fn finish(self, what: &str, diagnostics: &mut Vec<Diagnostic>) {
        for (key, _) in self.rest() {
            diagnostics.push(unknown_key(key, what, self.asked.iter().copied()));
        }
    }
}

/// `key` means nothing in `what`, which knows `known`.
pub fn unknown_key<'a>(key: &Key, what: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::error("unknown-key", format!("{what} has no key `{}`", key.text))
        .at(&key.place, "")
        .maybe_hint(suggest::hint(&key.text, known))
}
