//! What a YAML file says, with the place of every value and key.

use crate::place::{Place, SourceFile};
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it is written.
    pub place: Place,
}

/// What a value is. A scalar is text until the field that receives it gives it a type.
#[derive(Clone, Debug)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order it is written, each key once.
    Map(Vec<(Key, Node)>),
    /// A fact of a host that is not known yet; never read from a file.
    Unknown,
}

/// A single value as it is written.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Its text, quotes and escapes resolved.
    pub text: Arc<str>,
    /// How it is written.
    pub style: Style,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In quotes, single or double.
    Quoted,
    /// After `|` or `>`.
    Block,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: Arc<str>,
    /// Where it is written.
    pub place: Place,
}

impl Node {
    /// A text at `place`.
    pub fn text(text: impl Into<Arc<str>>, place: Place) -> Self {
        Self { value: Value::Scalar(Scalar { text: text.into(), style: Style::Quoted }), place }
    }

    /// A scalar at `place`, as if written without quotes: it may be a number or true or false.
    pub fn plain(text: impl Into<Arc<str>>, place: Place) -> Self {
        Self { value: Value::Scalar(Scalar { text: text.into(), style: Style::Plain }), place }
    }

    /// A scalar that was not written in a file: given by `origin`, which people know it by.
    pub fn given(origin: &str, text: &str) -> Self {
        let file = SourceFile::new(origin, text);
        let place = Place::new(&file, 0..text.len());
        Self::text(text, place)
    }

    /// The text, if it is a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of `key`, if it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(known, _)| &*known.text == key).map(|(_, node)| node)
    }

    /// True or false, if it is written so without quotes.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { text, style: Style::Plain }) => match &**text {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number, if it is written without quotes in the form in which it would be printed: `0644`,
    /// `1.10` and `+1` are text.
    pub fn as_integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(Scalar { text, style: Style::Plain }) => {
                text.parse::<i64>().ok().filter(|number| number.to_string() == **text)
            }
            _ => None,
        }
    }

    /// What it is, in words: "a list".
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Unknown => "not known yet",
            Value::Scalar(_) if self.as_bool().is_some() => "true or false",
            Value::Scalar(_) if self.as_integer().is_some() => "a number",
            Value::Scalar(_) => "text",
        }
    }

    /// Whether both say the same, wherever and however they are written.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(one), Value::Scalar(two)) => one.text == two.text,
            (Value::List(one), Value::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(a, b)| a.same(b))
            }
            (Value::Map(one), Value::Map(two)) => {
                one.len() == two.len()
                    && one.iter().all(|(key, value)| other.get(&key.text).is_some_and(|there| value.same(there)))
            }
            (Value::Unknown, Value::Unknown) => true,
            _ => false,
        }
    }

    /// Whether a part of it is not known yet.
    pub fn has_unknown(&self) -> bool {
        match &self.value {
            Value::Scalar(_) => false,
            Value::List(items) => items.iter().any(Self::has_unknown),
            Value::Map(entries) => entries.iter().any(|(_, value)| value.has_unknown()),
            Value::Unknown => true,
        }
    }
}
