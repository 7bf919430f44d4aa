//! The schemas of policies and techniques: their own keys, and a section for each kind.

use super::value::{self, Templates, written};
use super::{files, of};
use crate::field;
use engine::AnyModule;
use schemars::JsonSchema;
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
        properties.insert("use".to_owned(), uses());
    }
    with_sections(policy, modules)
}

pub(super) fn technique(modules: &[&dyn AnyModule]) -> Value {
    with_sections(written(of::<files::Technique>(), Templates::Never), modules)
}

fn with_sections(mut file: Value, modules: &[&dyn AnyModule]) -> Value {
    if let Some(Value::Object(properties)) = file.get_mut("properties") {
        properties.extend(modules.iter().map(|module| (module.section().to_owned(), section(*module))));
    }
    // What many names have in common stands once.
    let named = modules.iter().filter(|module| !module.names().is_empty());
    file["definitions"] = named.map(|module| (module.kind().to_owned(), entry(*module))).collect::<Map<_, _>>().into();
    file
}

/// The techniques that a policy uses: names, or a mapping of one name and what stands beside it.
fn uses() -> Value {
    let parameters = json!({ "type": "object", "propertyNames": key() });
    let one = json!({
        "type": "object",
        "properties": keys::<files::Usage>().into_iter().collect::<Map<_, _>>(),
        "additionalProperties": parameters,
        "minProperties": 1,
    });
    json!({
        "description": "Techniques that take part, each with its parameters.",
        "type": "array",
        "items": { "anyOf": [one, { "type": "string" }] },
    })
}

/// All resources of one kind.
fn section(module: &dyn AnyModule) -> Value {
    let names = json!({
        "type": "array",
        "items": { "type": ["string", "number", "boolean"], "not": { "pattern": "\\{\\{" } },
    });
    let known = module.names();
    let entry =
        if known.is_empty() { entry(module) } else { json!({ "$ref": format!("#/definitions/{}", module.kind()) }) };
    let known: Map<_, _> = known.into_iter().map(|name| (name.to_owned(), entry.clone())).collect();
    let mut entries = json!({ "type": "object", "propertyNames": key(), "additionalProperties": entry });
    if !known.is_empty() {
        entries["properties"] = known.into();
    }
    json!({ "description": summary(module.doc()), "anyOf": [entries, names] })
}

/// What stands behind a name.
fn entry(module: &dyn AnyModule) -> Value {
    let mut forms = vec![resource(module)];
    forms.extend(module.states().map(|states| json!({ "type": "string", "enum": states })));
    let short = field::fields(module).into_iter().find(|field| module.short() == Some(field.name.as_str()));
    forms.extend(short.map(|field| written(field.schema, Templates::Rendered)));
    match forms.as_mut_slice() {
        [only] => only.take(),
        _ => json!({ "anyOf": forms }),
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
    for (name, key) in keys::<files::Common>() {
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

/// Keys beside others, with templates in all but expressions.
fn keys<T: JsonSchema>() -> Vec<(String, Value)> {
    let schema = of::<T>();
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
    let mut paragraphs = doc.split("\n\n").map(str::trim);
    paragraphs.find(|text| !text.starts_with('#')).unwrap_or_default().replace('\n', " ")
}
