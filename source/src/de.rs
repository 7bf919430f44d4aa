//! A serde `Deserializer` over a [`Node`]. A scalar is given to whatever asks for it; the place of the
//! innermost value at fault is kept on the side, since errors may pass through type erasure.

use crate::diagnostic::Diagnostic;
use crate::node::{Key, Node, Value};
use crate::place::Place;
use crate::suggest;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};
use std::cell::RefCell;
use std::fmt;

/// Reads a value of type `T`.
pub fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Box<Diagnostic>> {
    let recorder = Recorder::default();
    T::deserialize(NodeDeserializer::new(node, &recorder)).map_err(|error| Box::new(recorder.diagnostic(node, &error)))
}

/// A message about the value of `key`.
pub fn about(key: &str, message: &str) -> String {
    let continues = ["must ", "is ", "has ", "takes "].iter().any(|verb| message.starts_with(verb));
    if continues { format!("`{key}` {message}") } else { format!("`{key}`: {message}") }
}

/// How to make a list of what is none.
pub fn as_list(node: &Node) -> String {
    match node.as_str() {
        Some(text) if text.starts_with('-') && text.len() > 1 => "write a space after each `-`".to_owned(),
        _ => "write it as a list: `[…]`".to_owned(),
    }
}

/// Remembers the innermost value at fault.
#[derive(Default)]
pub struct Recorder(RefCell<Option<(Place, Fault)>>);

impl Recorder {
    /// What went wrong in reading `node`; `error` is only used if nothing was recorded.
    pub fn diagnostic(self, node: &Node, error: &dyn fmt::Display) -> Diagnostic {
        let (place, fault) = self
            .0
            .into_inner()
            .unwrap_or_else(|| (node.place.clone(), Fault { message: error.to_string(), hint: None }));
        let mut diagnostic = Diagnostic::error("bad-value", fault.message).at(&place, "").maybe_hint(fault.hint);
        if !node.place.holds(&place) {
            diagnostic = diagnostic.at(&node.place, "used here");
        }
        diagnostic
    }

    fn keep<T>(&self, place: &Place, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.0.borrow_mut().get_or_insert_with(|| (place.clone(), fault.clone()));
        }
        result
    }
}

/// Why a value cannot be read, in words.
#[derive(Clone, Debug)]
pub struct Fault {
    message: String,
    hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}, not {}", plain(&expected.to_string()), found(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = suggest::nearest(variant, expected.iter().copied()).map(|name| format!("did you mean `{name}`?"));
        Self::new(format!("must be one of {}, not `{variant}`", expected.join(", "))).hint(hint)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown key `{field}`")).hint(suggest::hint(field, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"))
    }
}

/// Rust's names of types in words.
fn plain(expected: &str) -> String {
    match expected {
        "a string" | "a borrowed string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "a boolean" => "true or false".to_owned(),
        _ if expected.starts_with("struct ") => "a mapping".to_owned(),
        _ => expected.to_owned(),
    }
}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Str(text) => format!("`{}`", cut(text)),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// The deserializer of one value.
#[derive(Clone, Copy)]
pub struct NodeDeserializer<'a> {
    node: &'a Node,
    recorder: &'a Recorder,
}

impl<'a> NodeDeserializer<'a> {
    /// Reads `node`; what goes wrong is kept in `recorder`.
    pub fn new(node: &'a Node, recorder: &'a Recorder) -> Self {
        Self { node, recorder }
    }

    fn scalar(&self, wanted: &str) -> Result<&'a str, Fault> {
        match self.node.as_str() {
            Some(text) => Ok(text),
            None => self.mismatch(wanted),
        }
    }

    fn mismatch<T>(&self, wanted: &str) -> Result<T, Fault> {
        let mut fault = Fault::new(format!("must be {wanted}, not {}", self.node.kind()));
        if wanted == "a list" && self.node.as_str().is_some() {
            fault.hint = Some(as_list(self.node));
        }
        self.recorder.keep(&self.node.place, Err(fault))
    }

    fn integer<T: std::str::FromStr + fmt::Display>(&self, least: T, most: T) -> Result<T, Fault> {
        let text = self.scalar("a whole number")?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        match text.parse::<T>() {
            Ok(number) if decimal && !leading_zero => Ok(number),
            _ => {
                let message = format!("must be a whole number from {least} to {most}, not `{}`", cut(text));
                let hint = leading_zero.then(|| "without the zero in front".to_owned());
                self.recorder.keep(&self.node.place, Err(Fault::new(message).hint(hint)))
            }
        }
    }

    fn keep<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        self.recorder.keep(&self.node.place, result)
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.integer(<$type>::MIN, <$type>::MAX)?;
            self.keep(visitor.$visit(number))
        })*
    };
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Value::Scalar(scalar) => visitor.visit_str(&scalar.text),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), recorder: self.recorder }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None, recorder: self.recorder })
            }
            Value::Unknown => Err(Fault::new("is not known before the host is asked")),
        };
        self.keep(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.scalar("true or false")?;
        let meant = match text.to_lowercase().as_str() {
            "yes" | "on" | "true" | "y" => Some("true"),
            "no" | "off" | "false" | "n" => Some("false"),
            _ => None,
        };
        match text {
            "true" => self.keep(visitor.visit_bool(true)),
            "false" => self.keep(visitor.visit_bool(false)),
            _ => {
                let fault = Fault::new(format!("must be true or false, not `{}`", cut(text)));
                self.keep(Err(fault.hint(meant.map(|word| format!("write `{word}`")))))
            }
        }
    }

    integers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128
    );

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.scalar("a number")?;
        let written = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'e' | b'E'));
        match text.parse::<f64>() {
            Ok(number) if written && number.is_finite() => self.keep(visitor.visit_f64(number)),
            _ => self.keep(Err(Fault::new(format!("must be a number, not `{}`", cut(text))))),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.scalar("text")?;
        self.keep(visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = visitor.visit_some(self);
        self.keep(result)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        self.keep(Err(Fault::new("has no value that could be read here")))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let result = visitor.visit_newtype_struct(self);
        self.keep(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.as_list() {
            Some(items) => {
                let result = visitor.visit_seq(Items { items: items.iter(), recorder: self.recorder });
                self.keep(result)
            }
            None => self.mismatch("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.as_map() {
            Some(entries) => {
                let access = Entries { entries: entries.iter(), value: None, recorder: self.recorder };
                let result = visitor.visit_map(access);
                self.keep(result)
            }
            None => self.mismatch("a mapping"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Value::Scalar(scalar) => visitor.visit_enum((&*scalar.text).into_deserializer()),
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(Variant { key, value, recorder: self.recorder }),
                _ => Err(Fault::new(format!("must be one of {}", variants.join(", ")))),
            },
            Value::List(_) | Value::Unknown => {
                Err(Fault::new(format!("must be one of {}, not {}", variants.join(", "), self.node.kind())))
            }
        };
        self.keep(result)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    recorder: &'a Recorder,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let result = seed.deserialize(NodeDeserializer::new(node, self.recorder));
        self.recorder.keep(&node.place, result).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a Node>,
    recorder: &'a Recorder,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let text: StrDeserializer<'_, Fault> = (&*key.text).into_deserializer();
        self.recorder.keep(&key.place, seed.deserialize(text)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(node) = self.value.take() else { return Err(Fault::new("a value was asked for before its key")) };
        let result = seed.deserialize(NodeDeserializer::new(node, self.recorder));
        self.recorder.keep(&node.place, result)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant with content: `name: content`.
struct Variant<'a> {
    key: &'a Key,
    value: &'a Node,
    recorder: &'a Recorder,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Fault> {
        let name: StrDeserializer<'_, Fault> = (&*self.key.text).into_deserializer();
        let variant = self.recorder.keep(&self.key.place, seed.deserialize(name))?;
        Ok((variant, Content(NodeDeserializer::new(self.value, self.recorder))))
    }
}

/// What a variant holds.
struct Content<'a>(NodeDeserializer<'a>);

impl<'de> de::VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.0.keep(Err(Fault::new("takes no content")))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let result = seed.deserialize(self.0);
        self.0.keep(result)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_seq(self.0, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_map(self.0, visitor)
    }
}
