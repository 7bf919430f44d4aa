//! What a policy writes as the value of a keyword.

use super::keyword::Form;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A text as it stands in sshd_config(5), or a list of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// `prohibit-password`.
    Text(String),
    /// `[LANG, "LC_*"]`.
    List(Vec<String>),
}

impl Setting {
    /// All of them.
    pub fn values(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(list) => list,
        }
    }

    /// The lines of sshd_config(5) that say this of `keyword`.
    pub fn lines(&self, keyword: &str, form: Form) -> Vec<String> {
        let list = match self {
            Self::Text(text) => return vec![format!("{keyword} {text}")],
            Self::List(list) => list.iter().map(|value| quoted(value)),
        };
        match form {
            Form::Commas => vec![format!("{keyword} {}", list.collect::<Vec<_>>().join(","))],
            Form::Words | Form::AddedWords => vec![format!("{keyword} {}", list.collect::<Vec<_>>().join(" "))],
            Form::One | Form::AddedLines => list.map(|value| format!("{keyword} {value}")).collect(),
        }
    }
}

/// A value of a list as one word.
fn quoted(value: &str) -> String {
    if value.contains([' ', '\t']) && !value.contains('"') { format!("\"{value}\"") } else { value.to_owned() }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Setting;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Setting, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Setting::List(list))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Setting {
    fn schema_name() -> Cow<'static, str> {
        "Setting".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value as in sshd_config(5), or a list of them",
            "anyOf": [
                {"type": ["string", "integer", "boolean"]},
                {"type": "array", "items": {"type": ["string", "integer"]}}
            ]
        })
    }
}
