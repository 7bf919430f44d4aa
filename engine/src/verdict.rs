//! What is said of a resource in the end.

use crate::change::Change;
use crate::id::Id;
use serde::Serialize;

/// The verdict on one resource of one host. `Kept`, `Changed`, `Failed` and `Reverted` are of enforce only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Observed equals desired (audit).
    Compliant,
    /// It differs. In enforce: something held it, see `held`; in audit, that enforce would leave it.
    Drift {
        /// All that differs.
        changes: Vec<Change>,
        /// Enforce leaves it alone, and why: "its mode is audit", "the plan was declined".
        held: Option<String>,
    },
    /// It cannot be told, or put right, before another resource it needs is.
    Blocked {
        /// That resource.
        by: Id,
        /// What is the matter with it: "drifts", "failed", "is held to audit".
        because: String,
    },
    /// The host could not tell, and why. Never counted as compliant.
    Unknown {
        /// The reason, from the host in part: raw.
        why: String,
    },
    /// Drift under a valid waiver.
    Waived {
        /// All that differs.
        changes: Vec<Change>,
        /// Why this is accepted, by whom, until when.
        waiver: String,
    },
    /// Its `when` is false on this host.
    Skipped,
    /// Was compliant; nothing was run (enforce).
    Kept,
    /// Was changed, and a second observation found it compliant.
    Changed {
        /// What was put right.
        changes: Vec<Change>,
    },
    /// An operation failed, or the second observation still differs.
    Failed {
        /// What went wrong, from the host in part: raw.
        why: String,
        /// What still differs, where that is known.
        left: Vec<Change>,
    },
    /// A guarded change cost the connection and was rolled back on the host.
    Reverted {
        /// What happened.
        why: String,
    },
}

impl Verdict {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Drift { .. } => "drift",
            Self::Blocked { .. } => "blocked",
            Self::Unknown { .. } => "unknown",
            Self::Waived { .. } => "waived",
            Self::Skipped => "skipped",
            Self::Kept => "kept",
            Self::Changed { .. } => "changed",
            Self::Failed { .. } => "failed",
            Self::Reverted { .. } => "reverted",
        }
    }

    /// What differs, or was put right.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Drift { changes, .. } | Self::Waived { changes, .. } | Self::Changed { changes } => changes,
            Self::Failed { left, .. } => left,
            _ => &[],
        }
    }
}

/// How far a resource may be changed; `audit < enforce`, and the lowest of all that apply wins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only compared, whatever the command.
    Audit,
    /// Put right by `comply enforce`.
    #[default]
    Enforce,
}

/// How much a drift matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; does not fail a run.
    Info,
    /// To be put right some day.
    Minor,
    /// To be put right.
    #[default]
    Major,
    /// To be put right now.
    Critical,
}
