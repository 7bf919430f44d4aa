//! JSON Schemas of the language, for editors: one for each kind of file. What a schema cannot say (is there such a
//! host, do two policies agree) is left to `comply check`.
//!
//! They are of draft 7, the newest that the YAML language server reads in all versions that people have.

mod files;
mod section;
mod value;

use engine::AnyModule;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use value::Templates;

/// The draft of JSON Schema that all schemas are of.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// A kind of file in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `comply.yml`.
    Project,
    /// `inventory.yml`, and each file of `inventory/`.
    Inventory,
    /// A file of `policies/`.
    Policy,
    /// A file of `techniques/`.
    Technique,
    /// `waivers.yml`.
    Waivers,
}

impl File {
    /// All.
    pub const ALL: [Self; 5] = [Self::Project, Self::Inventory, Self::Policy, Self::Technique, Self::Waivers];

    /// The kind of file that is at `path` of a repository; `None` for content and anything else.
    pub fn at(path: &str) -> Option<Self> {
        let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        match path.split_once('/') {
            None if path == "comply.yml" => Some(Self::Project),
            None if path == "inventory.yml" => Some(Self::Inventory),
            None if path == "waivers.yml" => Some(Self::Waivers),
            Some(("inventory", rest)) if yaml && !rest.contains('/') => Some(Self::Inventory),
            Some(("techniques", rest)) if yaml && !rest.contains('/') => Some(Self::Technique),
            Some(("policies", rest)) if yaml && !rest.contains('/') => Some(Self::Policy),
            _ => None,
        }
    }

    /// Its schema, where policies may speak of the kinds `modules`.
    pub fn schema(self, modules: &[&dyn AnyModule]) -> Value {
        match self {
            Self::Project => finish(plain::<files::Project>(), "comply.yml"),
            Self::Inventory => finish(plain::<files::Inventory>(), "inventory.yml"),
            Self::Policy => finish(section::policy(modules), "policies/*.yml"),
            Self::Technique => finish(section::technique(modules), "techniques/*.yml"),
            Self::Waivers => finish(json!({ "type": "array", "items": plain::<files::Waiver>() }), "waivers.yml"),
        }
    }
}

/// The schema of `T`, everything in place: no reader has to follow a reference.
pub fn of<T: JsonSchema>() -> Value {
    generator().into_root_schema_for::<T>().to_value()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true).into_generator()
}

/// The schema of values that are never templates.
fn plain<T: JsonSchema>() -> Value {
    value::written(of::<T>(), Templates::Never)
}

fn finish(schema: Value, title: &str) -> Value {
    let Value::Object(mut rest) = schema else { return schema };
    let mut definitions = Map::from_iter([("data".to_owned(), value::data())]);
    if let Some(Value::Object(own)) = rest.remove("definitions") {
        definitions.extend(own);
    }
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), DRAFT.into());
    whole.insert("title".to_owned(), title.into());
    whole.insert("definitions".to_owned(), definitions.into());
    whole.extend(rest.into_iter().filter(|(key, _)| !matches!(key.as_str(), "$schema" | "title")));
    Value::Object(whole)
}
