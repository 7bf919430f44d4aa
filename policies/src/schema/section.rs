//! The schema of a policy: its own keys, and a section for each kind.

use super::value::{self, Templates, written};
use super::{files, of};
use crate::field;
use engine::AnyModule;
use serde_json::{Map, Value, json};

/// A key that is no template.
fn key() -> Value {
    json!({ "not": { "pattern": "\\{\\{" } })
}

pub(super) fn policy(modules: &[&dyn AnyModule]) -> Value {
    let mut policy = written(of::<files::Policy>(), Templates::Never);
    if let Some(when) = policy.pointer_mut("/properties/when") {
        expression(when);
    }
    if let Some(Value::Object(properties)) = policy.get_mut("properties") {
        for module in modules {
            properties.insert(module.section().to_owned(), section(*module));
        }
    }
    policy
}

/// All resources of one kind.
fn section(module: &dyn AnyModule) -> Value {
    let names = json!({
        "type": "array",
        "items": { "type": ["string", "number", "boolean"], "not": { "pattern": "\\{\\{" } },
    });
    let entries = json!({ "type": "object", "propertyNames": key(), "additionalProperties": entry(module) });
    json!({ "description": summary(module.doc()), "anyOf": [entries, names] })
}

/// What stands behind a name.
fn entry(module: &dyn AnyModule) -> Value {
    let resource = resource(module);
    match module.states() {
        Some(states) => json!({ "anyOf": [resource, { "type": "string", "enum": states }] }),
        None => resource,
    }
}

fn resource(module: &dyn AnyModule) -> Value {
    let mut properties = Map::new();
    for field in field::fields(module) {
        let mut schema = written(field.schema.clone(), Templates::Rendered);
        if let Some(default) = field.default_value() {
            schema["default"] = default;
        }
        properties.insert(field.name, schema);
    }
    for (name, key) in common() {
        match properties.get_mut(&name) {
            // A kind's own `mode` beside ours.
            Some(own) => *own = json!({ "anyOf": [own.take(), key] }),
            None => {
                properties.insert(name, key);
            }
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "dependencies": { "for_each": ["name"] },
    })
}

/// The keys that every resource takes.
fn common() -> Vec<(String, Value)> {
    let schema = of::<files::Common>();
    let keys = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    keys.into_iter()
        .map(|(name, schema)| match name.as_str() {
            "when" | "for_each" => {
                let mut schema = written(schema, Templates::Never);
                expression(&mut schema);
                (name, schema)
            }
            _ => (name, written(schema, Templates::Rendered)),
        })
        .collect()
}

/// Keeps the description of a key whose value is an expression.
fn expression(schema: &mut Value) {
    let mut expression = value::expression();
    if let Some(description) = schema.get("description") {
        expression["description"] = description.clone();
    }
    *schema = expression;
}

/// The first paragraph of a kind's documentation.
fn summary(doc: &str) -> String {
    doc.split("\n\n").next().unwrap_or_default().replace('\n', " ")
}
