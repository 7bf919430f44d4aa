//! From the schema of a type of Rust to the schema of what people write for it in YAML.

use serde_json::{Map, Value, json};

/// Whether `{{ … }}` means something in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Templates {
    Rendered,
    Never,
}

/// What is never a template.
const NO_BRACES: &str = "\\{\\{";

/// Data that users name themselves: variables. Never a template, never empty.
pub(super) fn data() -> Value {
    json!({
        "anyOf": [
            { "type": "string", "not": { "pattern": NO_BRACES } },
            { "type": ["number", "boolean"] },
            { "type": "array", "items": { "$ref": "#/definitions/data" } },
            { "type": "object", "additionalProperties": { "$ref": "#/definitions/data" } },
        ]
    })
}

/// A condition or an expression, written without braces.
pub(super) fn expression() -> Value {
    json!({ "type": ["string", "number", "boolean"], "not": { "pattern": NO_BRACES } })
}

/// What may be written for a value of `schema`: nothing is `null`, text may look like a number, and where templates
/// are rendered anything can come out of one.
pub(super) fn written(schema: Value, templates: Templates) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    for noise in ["$schema", "title", "format"] {
        schema.remove(noise);
    }
    let written = Value::Object(parts(without_null(schema), templates));
    match templates {
        Templates::Rendered => or_template(written),
        Templates::Never => written,
    }
}

/// The same, for what is within the value.
fn parts(mut schema: Map<String, Value>, templates: Templates) -> Map<String, Value> {
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(members)) = schema.get_mut(key) {
            for member in members {
                *member = written(member.take(), Templates::Never);
            }
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
            *inner = written(inner.take(), templates);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            *property = written(property.take(), templates);
        }
    }
    let open = ["enum", "const", "pattern"].iter().all(|key| !schema.contains_key(*key));
    if schema.get("type").is_some_and(|kind| *kind == "string") && open {
        schema.insert("type".to_owned(), json!(["string", "number", "boolean"]));
    }
    schema
}

/// Takes out that an optional value may be `null`: in YAML that is a value that somebody forgot.
fn without_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(members)) = schema.get_mut(key) else { continue };
        members.retain(|member| member.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = members.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove(key);
            for (name, value) in without_null(only) {
                // The field's own description says more than that of its type.
                schema.entry(name).or_insert(value);
            }
        }
    }
    schema
}

/// `schema`, or a text that is rendered for each host.
pub(super) fn or_template(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    let any_text =
        schema.get("type").and_then(Value::as_array).is_some_and(|types| types.iter().any(|t| t == "string"))
            && !schema.contains_key("pattern");
    if any_text {
        return Value::Object(schema);
    }
    let mut outside = Map::new();
    for key in ["description", "default"] {
        outside.extend(schema.remove(key).map(|value| (key.to_owned(), value)));
    }
    let template = json!({ "type": "string", "pattern": "\\{\\{" });
    outside.insert("anyOf".to_owned(), json!([Value::Object(schema), template]));
    Value::Object(outside)
}
