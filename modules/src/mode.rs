//! A file mode, written in octal.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A file mode: three or four octal digits, `644` or `0644`, quoted or not. Any other form is an error: an
/// administrator who writes `420` or `u=rw` does not mean what a computer would make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

impl Mode {
    /// The mode of these permission bits, at most `0o7777`; higher bits (the type of a file) are dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self((bits & 0o7777) as u16)
    }

    /// Its bits, as in stat(2).
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Reads `644` or `0644`; `None` for any other form.
    pub fn parse(text: &str) -> Option<Self> {
        let octal = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if !octal || !(3..=4).contains(&text.len()) {
            return None;
        }
        u16::from_str_radix(text, 8).ok().map(Self)
    }
}

/// The canonical form, four digits: `0644`.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Mode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mode in octal, three or four digits such as 0644")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
                Mode::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Mode {
    fn schema_name() -> Cow<'static, str> {
        "Mode".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // An unquoted 0644 is a number to a YAML 1.2 editor; `comply` itself reads the text.
        json_schema!({
            "title": "octal digits: `0644`",
            "description": "A file mode in octal: 0644",
            "type": ["string", "integer"],
            "pattern": "^[0-7]{3,4}$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_and_four_octal_digits_are_one_mode() {
        for text in ["644", "0644"] {
            let mode: Mode = serde_json::from_value(text.into()).unwrap();
            assert_eq!((mode.bits(), mode.to_string()), (0o644, "0644".into()));
        }
        assert_eq!(Mode::parse("2755").unwrap().to_string(), "2755");
    }

    #[test]
    fn any_other_form_is_an_error() {
        for text in ["", "0", "64", "00644", "0o644", "0688", "u=rw", "-644", "+644", " 644", "rw-r--r--"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
        let error = serde_json::from_value::<Mode>("0o644".into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid value: string \"0o644\", expected a mode in octal, three or four digits such as 0644"
        );
    }

    #[test]
    fn the_type_of_a_file_is_no_part_of_its_mode() {
        assert_eq!(Mode::from_bits(0o100_644), Mode::parse("0644").unwrap());
    }
}
