//! Our nodes as Tera's values and back.

use crate::node::{Key, Node, Value};
use crate::place::Place;

/// For a template: what is written without quotes and would be printed the same is a number or true or false,
/// everything else is text, so that `1.10` stays `1.10`.
pub(crate) fn to_tera(node: &Node) -> tera::Value {
    match &node.value {
        Value::Scalar(scalar) => {
            if let Some(truth) = node.as_bool() {
                truth.into()
            } else if let Some(number) = node.as_integer() {
                number.into()
            } else {
                tera::Value::from(&*scalar.text)
            }
        }
        Value::List(items) => items.iter().map(to_tera).collect::<Vec<_>>().into(),
        Value::Map(entries) => {
            let mut map = tera::Map::new();
            for (key, value) in entries {
                map.insert(key.text.to_string().into(), to_tera(value));
            }
            map.into()
        }
        Value::Unknown => tera::Value::undefined(),
    }
}

/// What a template computed, as written at `place`; the error says what it is instead of a value.
pub(crate) fn from_tera(value: &tera::Value, place: &Place) -> Result<Node, &'static str> {
    if value.is_undefined() {
        return Err("nothing: it is not defined");
    }
    if value.is_none() {
        return Err("nothing");
    }
    if let Some(text) = value.as_str() {
        return Ok(Node::text(text, place.clone()));
    }
    if let Some(items) = value.as_array() {
        let items = items.iter().map(|item| from_tera(item, place)).collect::<Result<_, _>>()?;
        return Ok(Node { value: Value::List(items), place: place.clone() });
    }
    if let Some(map) = value.as_map() {
        let mut entries = Vec::new();
        for (key, value) in map {
            let text = key.to_string();
            entries.push((Key { text: text.into(), place: place.clone() }, from_tera(value, place)?));
        }
        return Ok(Node { value: Value::Map(entries), place: place.clone() });
    }
    Ok(Node::plain(value.to_string(), place.clone()))
}
