//! One difference between what is and what should be.

use serde::Serialize;

/// A difference in one field of a resource. All texts are raw: whoever prints them escapes and bounds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field as the policy spells it: `shell`, `keys`, `state`.
    pub field: &'static str,
    /// Of what in that field, where it holds several things each of which has a value of its own: a file, a service. A
    /// value is a word about it then, and never what is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// Which step of the resource puts it right, or, if that is past, a later one; an index into [`crate::Module::STEPS`].
    #[serde(skip)]
    pub step: usize,
    /// Why enforce leaves this to people; `None`: it puts it right.
    #[serde(skip)]
    pub stays: Option<&'static str>,
}

/// How it differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// A single value. For `state` they are words for a sentence: "is `absent`, must be `present`".
    Value {
        /// What the host has.
        is: String,
        /// What the policy wants.
        should: String,
    },
    /// A set lacks this element.
    Missing(String),
    /// A set has this element, and must not.
    Extra(String),
    /// A text, as a unified diff (`--- on HOST` and `+++ policy` are added by whoever prints it), or, when
    /// it cannot be shown, only that it differs and why it is not shown.
    Text {
        /// The unified diff, hunks only.
        diff: Option<String>,
        /// In its place: "binary", "secret", "larger than 1 MiB".
        hidden: Option<String>,
    },
    /// It is not known whether it differs, and why: its secret could not be had.
    Unknown(String),
}

impl Change {
    /// A single value that differs.
    pub fn value(field: &'static str, is: impl Into<String>, should: impl Into<String>) -> Self {
        Self::of(field, Difference::Value { is: is.into(), should: should.into() })
    }

    /// An element that a set lacks.
    pub fn missing(field: &'static str, element: impl Into<String>) -> Self {
        Self::of(field, Difference::Missing(element.into()))
    }

    /// An element that a set must not have.
    pub fn extra(field: &'static str, element: impl Into<String>) -> Self {
        Self::of(field, Difference::Extra(element.into()))
    }

    /// A text that differs, shown.
    pub fn text(field: &'static str, diff: impl Into<String>) -> Self {
        Self::of(field, Difference::Text { diff: Some(diff.into()), hidden: None })
    }

    /// A text that differs and is not shown.
    pub fn hidden(field: &'static str, why: impl Into<String>) -> Self {
        Self::of(field, Difference::Text { diff: None, hidden: Some(why.into()) })
    }

    /// The same change, of one element of the field.
    pub fn element(mut self, element: impl Into<String>) -> Self {
        self.element = Some(element.into());
        self
    }

    /// A field that cannot be compared, and why.
    pub fn unknown(field: &'static str, why: impl Into<String>) -> Self {
        Self::of(field, Difference::Unknown(why.into()))
    }

    /// The same change, put right in a later step of the resource.
    pub fn in_step(mut self, step: usize) -> Self {
        self.step = step;
        self
    }

    /// The same change, which enforce tells and leaves to people, and why.
    pub fn stays(mut self, why: &'static str) -> Self {
        self.stays = Some(why);
        self
    }

    fn of(field: &'static str, difference: Difference) -> Self {
        Self { field, element: None, difference, step: 0, stays: None }
    }

    /// What tells this change from others of the same resource between two runs: the field and, in a set,
    /// the element. Never an observed value.
    pub fn key(&self) -> String {
        match &self.difference {
            Difference::Missing(element) | Difference::Extra(element) => {
                format!("{}\0{element}", self.field)
            }
            Difference::Value { .. } | Difference::Text { .. } | Difference::Unknown(_) => match &self.element {
                Some(element) => format!("{}\0{element}", self.field),
                None => self.field.to_owned(),
            },
        }
    }
}

/// Why enforce does nothing about all of `changes`, if they are all left to people.
pub(crate) fn left_to_people(changes: &[Change]) -> Option<&'static str> {
    changes.iter().map(|change| change.stays).reduce(|one, other| one.and_then(|why| other.map(|_| why))).flatten()
}
