//! For how long fail2ban bans.

use crate::duration::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A length of time, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bantime {
    /// `-1`.
    ForEver,
    /// `1h`.
    For(Duration),
}

impl fmt::Display for Bantime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForEver => f.write_str("-1"),
            Self::For(time) => time.fmt(f),
        }
    }
}

impl Serialize for Bantime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bantime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Bantime;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as `1h` or `10m`, or `-1`, which is for ever")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Bantime, E> {
                let time = Duration::parse(text).map(Bantime::For);
                let time = time.or_else(|| (text == "-1").then_some(Bantime::ForEver));
                time.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Bantime {
    fn schema_name() -> Cow<'static, str> {
        "Bantime".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "a length of time: `10m`, `26h`, `90d`, or `-1`",
            "description": "A length of time: 10m, 26h, 90d; a bare number is seconds, -1 for ever",
            "type": ["string", "integer"],
            "pattern": "^(-1|[0-9]+|([0-9]+[smhdw])+)$"
        })
    }
}
