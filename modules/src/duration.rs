//! A length of time, as policies write it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A length of time: `10m`, `1h30m`, `90d`; a bare number is seconds. Units: `s`, `m`, `h`, `d`, `w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// The units with their seconds, the largest first.
const UNITS: [(char, u64); 5] = [('w', 7 * 86_400), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

impl Duration {
    /// So many seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Its length in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Reads the forms above; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (mut total, mut rest) = (0_u64, text);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let number: u64 = number.parse().ok()?;
            let seconds = match after.chars().next() {
                Some(unit) => UNITS.iter().find(|(name, _)| *name == unit)?.1,
                None if rest.len() == text.len() => 1,
                None => return None,
            };
            total = total.checked_add(number.checked_mul(seconds)?)?;
            rest = after.get(1..).unwrap_or("");
        }
        Some(Self(total))
    }
}

/// The canonical form, one whole number of the largest unit below weeks that fits: `90d`, `90m`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |seconds: u64| self.0 != 0 && self.0.is_multiple_of(seconds);
        let (unit, seconds) = UNITS.into_iter().skip(1).find(|(_, seconds)| fits(*seconds)).unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Duration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as 10m, 26h or 90d")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
                Duration::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
                Ok(Duration(seconds))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "a length of time: `10m`, `26h`, `90d`",
            "description": "A length of time: 10m, 26h, 90d; a bare number is seconds",
            "type": ["string", "integer"],
            "pattern": "^([0-9]+|([0-9]+[smhdw])+)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_length_in_several_forms_is_equal() {
        for text in ["10m", "600", "600s", "9m60s"] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), "10m", "{text}");
        }
        assert_eq!(Duration::parse("1h30m").unwrap().to_string(), "90m");
        assert_eq!(Duration::parse("2w").unwrap().to_string(), "14d");
        assert_eq!(Duration::parse("0").unwrap().to_string(), "0s");
    }

    #[test]
    fn any_other_form_is_an_error() {
        for text in
            ["", "m", "10 m", "-1d", "1.5h", "10M", "10m5", "99999999999999999999", "18446744073709551615w", "5é"]
        {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_reads_back(seconds: u64) {
            let duration = Duration::from_seconds(seconds);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Some(duration));
        }
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = Duration::parse(&text);
        }
    }
}
