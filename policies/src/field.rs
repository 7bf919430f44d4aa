//! The fields of a kind as its documentation has them: for pages, schemas and explanations.

use engine::AnyModule;
use serde_json::Value;

/// One field of a kind.
#[derive(Clone, Debug)]
pub struct Field {
    /// As a policy spells it.
    pub name: String,
    /// What it is: its doc comment.
    pub description: String,
    /// The schema of its type.
    pub schema: Value,
    /// Its elements are united when declarations merge.
    pub is_set: bool,
    /// It must be written.
    pub required: bool,
}

/// The fields of a kind, in the order in which it declares them.
pub fn fields(module: &dyn AnyModule) -> Vec<Field> {
    let schema = module.schema().to_value();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties
        .into_iter()
        .map(|(name, schema)| Field {
            description: schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " "),
            is_set: module.sets().contains(&name.as_str()),
            required: module.required().contains(&name.as_str()),
            name,
            schema,
        })
        .collect()
}

impl Field {
    /// What holds where the field is not written, in words. Its doc comment says so in one of two ways: "(default: true)",
    /// or "`present` (the default)".
    pub fn default(&self) -> Option<&str> {
        let text = self.description.as_str();
        if let Some((_, rest)) = text.split_once("(default: ") {
            return rest.split(')').next();
        }
        let (before, _) = text.split_once("` (the default)")?;
        before.rsplit('`').next()
    }

    /// The same as a value, where it is one.
    pub fn default_value(&self) -> Option<Value> {
        let word = self.default()?.split(',').next()?.trim_matches('`');
        Some(serde_json::from_str(word).unwrap_or_else(|_| word.into()))
    }
}
