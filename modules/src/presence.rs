//! The `state` of what is either there or not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether something must be there (`present`, the default) or must not (`absent`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It must be there.
    #[default]
    Present,
    /// It must not be there.
    Absent,
}

impl Presence {
    /// Whether a field `state`, written or not, asks for absence.
    pub fn is_absent(state: Option<Self>) -> bool {
        state == Some(Self::Absent)
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "present",
            Self::Absent => "absent",
        })
    }
}
