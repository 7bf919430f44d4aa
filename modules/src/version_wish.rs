//! Which versions of a package a policy accepts.

use crate::debian_version::compare;
use crate::glob;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// `2.4.1-3` (this one), `>= 2.4` (this one or a later one) or `20.10.*` (a pattern; `*` is any text, `?` any
/// letter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionWish {
    /// This version; `1.0` and `1.0-0` are the same one.
    Exactly(String),
    /// This version or a later one, in Debian's order.
    AtLeast(String),
    /// A version of this pattern.
    Like(String),
}

impl VersionWish {
    /// Reads the forms above; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let (make, version, wild): (fn(String) -> Self, _, _) = match text.trim().strip_prefix(">=") {
            Some(version) => (Self::AtLeast, version.trim(), false),
            None if text.contains(['*', '?']) => (Self::Like, text.trim(), true),
            None => (Self::Exactly, text.trim(), false),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".+~:-".contains(c) || (wild && "*?".contains(c));
        let starts = version.starts_with(|c: char| c.is_ascii_alphanumeric() || (wild && "*?".contains(c)));
        (starts && version.len() <= 200 && version.chars().all(allowed)).then(|| make(version.to_owned()))
    }

    /// Whether `version` is one of those.
    pub fn accepts(&self, version: &str) -> bool {
        match self {
            Self::Exactly(wanted) => compare(version, wanted) == Ordering::Equal,
            Self::AtLeast(wanted) => compare(version, wanted) != Ordering::Less,
            Self::Like(pattern) => glob::matches(pattern, version),
        }
    }
}

impl fmt::Display for VersionWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(version) | Self::Like(version) => f.write_str(version),
            Self::AtLeast(version) => write!(f, ">= {version}"),
        }
    }
}

impl Serialize for VersionWish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VersionWish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = VersionWish;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version such as 2.4.1-3, `>= 2.4` or `20.10.*`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<VersionWish, E> {
                VersionWish::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for VersionWish {
    fn schema_name() -> Cow<'static, str> {
        "VersionWish".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "a version, or what it must be like",
            "description": "A version: 2.4.1-3, >= 2.4, or 20.10.*",
            "type": ["string", "number"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_form_accepts_its_versions() {
        for (wish, accepted, refused) in [
            ("1.10", ["1.10", "1.10-0", "0:1.10"], ["1.1", "1.10-1", "1.10~"]),
            (">= 1.9", ["1.9", "1.10", "1:0"], ["1.9~rc1", "1.8", "0.9"]),
            ("20.10.*", ["20.10.24+dfsg1-1", "20.10.", "20.10.9"], ["20.1.0", "5:20.10.1", "20.10"]),
            ("*:7.?-*", ["1:7.4-1", "22:7.4-1", "1:7.4-"], ["7.4-1", "1:7.40-1", "1:7.4"]),
        ] {
            let wish = VersionWish::parse(wish).unwrap();
            assert!(accepted.iter().all(|version| wish.accepts(version)), "{wish}");
            assert!(!refused.iter().any(|version| wish.accepts(version)), "{wish}");
        }
    }

    #[test]
    fn spaces_do_not_make_two_wishes_differ() {
        assert_eq!(VersionWish::parse(">=1.0"), VersionWish::parse(" >=  1.0 "));
    }

    #[test]
    fn other_forms_are_errors() {
        for text in ["", ">=", "> 1", "<= 1", "= 1", "1 2", "-1", "1;id", "$(id)", "1\n2", ">= 1.*", "é"] {
            assert_eq!(VersionWish::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_reads_back(text in "(>= ?)?[0-9][0-9a-z.+~*?-]{0,8}") {
            if let Some(wish) = VersionWish::parse(&text) {
                prop_assert_eq!(VersionWish::parse(&wish.to_string()), Some(wish));
            }
        }
        #[test]
        fn a_version_is_like_itself_with_any_part_left_out(version in "[0-9a-z.]{1,12}", from in 0_usize..12, to in 0_usize..12) {
            let (from, to) = (from.min(version.len()), to.min(version.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &version[..from], &version[to..]);
            prop_assert!(glob::matches(&pattern, &version));
        }
    }
}
