//! The fields of a declaration, given their types by the kind's module, each with its place.

use crate::kinds::Kind;
use engine::Fields;
use source::de::{NodeDeserializer, Recorder, about};
use source::{Diagnostic, Key, Node, Place, Value};
use std::collections::BTreeMap;

/// The most elements of one declaration that are told one by one.
const MOST: usize = 100;

/// Typed fields in their canonical form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed {
    pub(crate) fields: Fields,
    pub(crate) places: BTreeMap<String, Place>,
    /// Where values were written that come from elsewhere: from a variable.
    pub(crate) from: BTreeMap<String, Place>,
    /// Fields whose value depends on facts that are not known yet.
    pub(crate) open: BTreeMap<String, Place>,
}

impl Typed {
    /// Types the fields. Each field that cannot be typed is reported and left out, of a list or a mapping each element;
    /// the flag says that none was.
    pub(crate) fn new(
        kind: &Kind,
        mut fields: Vec<(Key, Node)>,
        place: &Place,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Self, bool) {
        let from = fields.iter().filter(|(key, node)| node.place.path() != key.place.path() || !after(key, node));
        let from: BTreeMap<_, _> = from.map(|(key, node)| (key.text.to_string(), node.place.clone())).collect();
        let places = fields.iter().map(|(key, node)| (key.text.to_string(), spanning(key, node))).collect();
        let mut whole = true;
        let mut damaged: Vec<Key> = Vec::new();
        loop {
            let node = Node { value: Value::Map(std::mem::take(&mut fields)), place: place.clone() };
            let recorder = Recorder::default();
            let result = {
                let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(NodeDeserializer::new(&node, &recorder));
                kind.module.canonical(&mut erased)
            };
            let error = match result {
                Ok(mut fields) => {
                    damaged.iter().for_each(|key| _ = fields.remove(&*key.text));
                    return (Self { fields, places, from, open: BTreeMap::new() }, whole);
                }
                Err(error) => error,
            };
            whole = false;
            let mut diagnostic = recorder.diagnostic(&node, &error);
            let Value::Map(entries) = node.value else { return (Self::default(), false) };
            fields = entries;
            let at = diagnostic.labels.first().map(|(place, _)| place.clone());
            let guilty =
                at.as_ref().and_then(|at| fields.iter().position(|(key, node)| key.place == *at || mentions(node, at)));
            let Some(guilty) = guilty else {
                diagnostics.push(diagnostic);
                return (Self::default(), false);
            };
            let (key, node) = fields.remove(guilty);
            if let Some(rest) = at.as_ref().and_then(|at| without(&node, at)).filter(|_| damaged.len() < MOST) {
                fields.insert(guilty, (key.clone(), rest));
                damaged.push(key.clone());
            }
            diagnostic.message = about(&key.text, &diagnostic.message);
            diagnostic.labels.truncate(1);
            if at.is_some_and(|at| at.path() != key.place.path() || !between(&key.place, &node.place, &at)) {
                diagnostic = diagnostic.at(&key.place, "used here");
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// A list or a mapping without its element at a place.
fn without(node: &Node, at: &Place) -> Option<Node> {
    let value = match &node.value {
        Value::List(items) => {
            let guilty = items.iter().position(|item| mentions(item, at))?;
            let rest = items.iter().enumerate().filter(|(index, _)| *index != guilty);
            Value::List(rest.map(|(_, item)| item.clone()).collect())
        }
        Value::Map(entries) => {
            let guilty = entries.iter().position(|(key, item)| key.place == *at || mentions(item, at))?;
            let rest = entries.iter().enumerate().filter(|(index, _)| *index != guilty);
            Value::Map(rest.map(|(_, entry)| entry.clone()).collect())
        }
        Value::Scalar(_) | Value::Unknown => return None,
    };
    Some(Node { value, place: node.place.clone() })
}

/// Whether a value is written behind its key, as far as a file can tell.
fn after(key: &Key, node: &Node) -> bool {
    let (key, value) = (&key.place, &node.place);
    value == key || (value.range().start >= key.range().end && value.line() <= key.line() + 1)
}

/// From the key to the end of the value, if both are in one line of a file; else the key.
fn spanning(key: &Key, node: &Node) -> Place {
    let (key_range, node_range) = (key.place.range(), node.place.range());
    if key.place.path() == node.place.path()
        && key.place.line() == node.place.line()
        && key_range.start <= node_range.start
    {
        return Place::new(key.place.file(), key_range.start..node_range.end);
    }
    key.place.clone()
}

/// Whether `at` follows the key closely enough to be its value as it is written.
fn between(key: &Place, value: &Place, at: &Place) -> bool {
    value.path() == key.path()
        && value.range().start >= key.range().end
        && value.holds(at)
        && value.line() <= key.line() + 1
        || key == at
}

fn mentions(node: &Node, place: &Place) -> bool {
    node.place == *place
        || match &node.value {
            Value::Scalar(_) | Value::Unknown => false,
            Value::List(items) => items.iter().any(|item| mentions(item, place)),
            Value::Map(entries) => entries.iter().any(|(key, value)| key.place == *place || mentions(value, place)),
        }
}
