//! One host of a report.

use crate::resource::Resource;
use engine::link::Unreachable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Its name in the inventory.
    pub name: String,
    /// Whether it was reached.
    #[serde(flatten)]
    pub status: Status,
    /// How long it took, in seconds.
    pub duration: f64,
    /// Its resources, in the order of the policies. Of a host that was not reached too: as unknown.
    pub resources: Vec<Resource>,
}

/// Whether a host was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Status {
    /// It was, and judged to the end.
    Reached,
    /// It was not.
    Unreachable {
        /// How far it went: `resolve`, `connect`, `host key`, `authenticate`, `become`.
        step: String,
        /// What happened then.
        why: String,
    },
    /// The run was interrupted before this host was done.
    Interrupted,
    /// `comply` itself failed on this host.
    Error {
        /// At what.
        why: String,
    },
}

impl Status {
    /// Not reached, because of this.
    pub fn unreachable(unreachable: &Unreachable) -> Self {
        Self::Unreachable { step: unreachable.step.to_string(), why: crate::escape::bound(&unreachable.why) }
    }
}
