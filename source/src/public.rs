//! Where no secret may stand.

use crate::diagnostic::Diagnostic;
use crate::node::{Node, Value};
use crate::place::Place;
use crate::secret;
use crate::template::Rendered;

impl Rendered {
    /// The value, if no secret is in it. `key` is what it is the value of, written at `place`.
    pub fn public(self, key: &str, place: &Place, diagnostics: &mut Vec<Diagnostic>) -> Self {
        match self {
            Self::Value(node) if holds_secret(&node) => {
                diagnostics.push(
                    Diagnostic::error("secret-out-of-place", format!("`{key}` cannot hold a secret"))
                        .at(place, "")
                        .hint(
                            "what it says is shown, or others on the host can read it; the `content` and the `template` of \
                             a file and the `password` of a user can hold one, and a technique can be told its name",
                        ),
                );
                Self::Failed
            }
            rendered => rendered,
        }
    }
}

fn holds_secret(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.contains(secret::marker()),
        Value::List(items) => items.iter().any(holds_secret),
        Value::Map(entries) => entries.iter().any(|(_, value)| holds_secret(value)),
        Value::Unknown => false,
    }
}
