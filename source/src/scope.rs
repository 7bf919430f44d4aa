//! The names that a condition or a template can see.

use crate::node::{Node, Value};
use crate::suggest;
use std::ops::Range;

/// The names that a condition or a template can see.
pub trait Scope {
    /// The value of a name.
    fn get(&self, name: &str) -> Option<&Node>;
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str>;
}

/// Some names before those of another scope: `item`, `key` and `value` of a loop.
pub struct Local<'a> {
    /// The names, innermost.
    pub names: &'a [(&'static str, &'a Node)],
    /// What they stand in.
    pub outer: &'a dyn Scope,
}

impl Scope for Local<'_> {
    fn get(&self, name: &str) -> Option<&Node> {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, node)| *node).or_else(|| self.outer.get(name))
    }

    fn names(&self) -> Vec<&str> {
        let mut names = self.outer.names();
        names.extend(self.names.iter().map(|(name, _)| *name));
        names
    }
}

/// A name and a way into its value: `host.groups`, `members["a-b"].keys[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The name first, then keys of mappings and indices of lists, each with its bytes in the text.
    pub steps: Vec<(String, Range<usize>)>,
}

impl Path {
    /// The bytes of all of it.
    pub fn range(&self) -> Range<usize> {
        let start = self.steps.first().map_or(0, |(_, range)| range.start);
        let end = self.steps.last().map_or(start, |(_, range)| range.end);
        start..end
    }

    /// As it may be written.
    pub fn text(&self) -> String {
        self.steps.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>().join(".")
    }

    /// Its value, or the step that leads nowhere. A way into something not known yet is not known either.
    pub fn resolve<'s>(&self, scope: &'s dyn Scope) -> Result<&'s Node, Missing> {
        let mut steps = self.steps.iter();
        let Some((name, range)) = steps.next() else {
            return Err(Missing { range: 0..0, message: "a name is missing".to_owned(), hint: None });
        };
        let mut node = scope.get(name).ok_or_else(|| Missing {
            range: range.clone(),
            message: format!("`{name}` is not defined"),
            hint: suggest::hint(name, scope.names()),
        })?;
        let mut walked = name.clone();
        for (step, range) in steps {
            let next = match &node.value {
                Value::Unknown => return Ok(node),
                Value::Map(_) => node.get(step),
                Value::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                Value::Scalar(_) => None,
            };
            node = next.ok_or_else(|| Missing {
                range: range.clone(),
                message: format!("`{walked}` has no `{step}`"),
                hint: match &node.value {
                    Value::Map(entries) => suggest::hint(step, entries.iter().map(|(key, _)| &*key.text)),
                    Value::List(items) => Some(format!("it is a list of {}, counted from 0", items.len())),
                    Value::Scalar(_) | Value::Unknown => Some(format!("it is {}", node.kind())),
                },
            })?;
            walked = format!("{walked}.{step}");
        }
        Ok(node)
    }
}

/// A path that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The bytes of the step at fault.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What may be meant.
    pub hint: Option<String>,
}
