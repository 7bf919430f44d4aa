//! One resource of a report, made from what the engine says of it.

use crate::escape::bound;
use engine::{Id, Mode, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// One resource of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// `kind/name`.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// The policy that declares it; the first one, where several do.
    pub policy: String,
    /// Every place where it is declared.
    pub sources: Vec<Place>,
    /// How much its drift matters.
    pub severity: Severity,
    /// The ceiling on changing it.
    pub mode: Mode,
    /// For selecting.
    pub tags: Vec<String>,
    /// What demands it.
    pub refs: Vec<String>,
    /// Why the policy wants it.
    pub why: Vec<String>,
    /// What is said of it.
    pub verdict: Verdict,
    /// What differs, or was put right.
    pub changes: Vec<Change>,
    /// Why it is unknown, blocked, failed or reverted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id of the resource that blocks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// The waiver it stands under: reason, owner, last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
    /// Why enforce leaves its drift alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// A place in the policy repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The policy.
    pub policy: String,
    /// The file, from the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// The name of a verdict; the fields of [`Resource`] have the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An operation failed, or the second observation still differs.
    Failed,
    /// A guarded change was rolled back on the host.
    Reverted,
    /// It differs.
    Drift,
    /// Another resource has to be put right first.
    Blocked,
    /// The host could not tell.
    Unknown,
    /// Changed and seen to be compliant.
    Changed,
    /// In drift under a valid waiver.
    Waived,
    /// Not for this host.
    Skipped,
    /// Was compliant, left alone.
    Kept,
    /// Observed equals desired.
    Compliant,
}

impl Verdict {
    /// All, the worst first: the order in which they are counted for a reader.
    pub const ALL: [Self; 10] = [
        Self::Failed,
        Self::Reverted,
        Self::Drift,
        Self::Blocked,
        Self::Unknown,
        Self::Changed,
        Self::Waived,
        Self::Skipped,
        Self::Kept,
        Self::Compliant,
    ];

    /// The host is not as the policy wants it.
    pub fn is_against(self) -> bool {
        matches!(self, Self::Failed | Self::Reverted | Self::Drift | Self::Blocked)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Reverted => "reverted",
            Self::Drift => "drift",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Changed => "changed",
            Self::Waived => "waived",
            Self::Skipped => "skipped",
            Self::Kept => "kept",
            Self::Compliant => "compliant",
        })
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The field as the policy spells it; where it holds several things, with the one that differs: `services/web`.
    pub field: String,
    /// How it differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// Identifies this drift between runs: the SHA-256 of host, resource, field and, in a set, the element.
    pub fingerprint: String,
}

/// How a field differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Difference {
    /// A single value.
    Value {
        /// What the host has.
        is: String,
        /// What the policy wants.
        should: String,
    },
    /// A set lacks an element.
    Missing {
        /// The element.
        missing: String,
    },
    /// A set has an element that it must not have.
    Extra {
        /// The element.
        extra: String,
    },
    /// A text, shown.
    Diff {
        /// The hunks of a unified diff from the host to the policy.
        diff: String,
    },
    /// A text, not shown.
    Hidden {
        /// Why not.
        hidden: String,
    },
    /// Whether it differs is not known.
    Unknown {
        /// Why not.
        unknown: String,
    },
}

impl Resource {
    /// What the engine says of `resource` on `host`.
    pub fn new(host: &str, resource: &engine::Resource, verdict: &engine::Verdict) -> Self {
        let mut told = Self {
            id: resource.id.to_string(),
            kind: resource.id.kind.to_owned(),
            name: resource.id.name.clone(),
            policy: resource.sources.first().map(|source| source.policy.clone()).unwrap_or_default(),
            sources: resource.sources.iter().map(Place::from).collect(),
            severity: resource.severity,
            mode: resource.mode,
            tags: resource.tags.clone(),
            refs: resource.refs.clone(),
            why: resource.why.clone(),
            verdict: Verdict::from(verdict),
            changes: verdict.changes().iter().map(|change| Change::new(host, &resource.id, change)).collect(),
            reason: None,
            blocked_by: None,
            waiver: None,
            held: None,
        };
        match verdict {
            engine::Verdict::Blocked { by, because } => {
                told.blocked_by = Some(by.to_string());
                told.reason = Some(bound(because));
            }
            engine::Verdict::Unknown { why }
            | engine::Verdict::Failed { why, .. }
            | engine::Verdict::Reverted { why } => told.reason = Some(bound(why)),
            engine::Verdict::Waived { waiver, .. } => told.waiver = Some(bound(waiver)),
            engine::Verdict::Drift { held, .. } => told.held = held.as_deref().map(bound),
            engine::Verdict::Compliant
            | engine::Verdict::Skipped
            | engine::Verdict::Kept
            | engine::Verdict::Changed { .. } => {}
        }
        told
    }
}

impl From<&engine::Source> for Place {
    fn from(source: &engine::Source) -> Self {
        Self { policy: source.policy.clone(), file: source.file.clone(), line: source.line }
    }
}

impl From<&engine::Verdict> for Verdict {
    fn from(verdict: &engine::Verdict) -> Self {
        match verdict {
            engine::Verdict::Compliant => Self::Compliant,
            engine::Verdict::Drift { .. } => Self::Drift,
            engine::Verdict::Blocked { .. } => Self::Blocked,
            engine::Verdict::Unknown { .. } => Self::Unknown,
            engine::Verdict::Waived { .. } => Self::Waived,
            engine::Verdict::Skipped => Self::Skipped,
            engine::Verdict::Kept => Self::Kept,
            engine::Verdict::Changed { .. } => Self::Changed,
            engine::Verdict::Failed { .. } => Self::Failed,
            engine::Verdict::Reverted { .. } => Self::Reverted,
        }
    }
}

impl Change {
    fn new(host: &str, id: &Id, change: &engine::Change) -> Self {
        let difference = match &change.difference {
            engine::Difference::Value { is, should } => Difference::Value { is: bound(is), should: bound(should) },
            engine::Difference::Missing(element) => Difference::Missing { missing: bound(element) },
            engine::Difference::Extra(element) => Difference::Extra { extra: bound(element) },
            engine::Difference::Text { diff: Some(diff), .. } => Difference::Diff { diff: bound(diff) },
            engine::Difference::Text { diff: None, hidden } => {
                Difference::Hidden { hidden: bound(hidden.as_deref().unwrap_or("no reason given")) }
            }
            engine::Difference::Unknown(why) => Difference::Unknown { unknown: bound(why) },
        };
        let field = match &change.element {
            Some(element) => bound(&format!("{}/{element}", change.field)),
            None => change.field.to_owned(),
        };
        Self { field, difference, fingerprint: fingerprint(host, id, &change.key()) }
    }
}

/// The lengths keep `a` + `bc` apart from `ab` + `c`, whatever characters a name may have.
fn fingerprint(host: &str, id: &Id, key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [host, &id.to_string(), key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_knows_host_resource_field_and_element_but_no_observed_value() {
        let id = Id::new("user", "alice");
        let shell = |is: &str| Change::new("h1", &id, &engine::Change::value("shell", is, "/bin/bash")).fingerprint;
        let group = |element: &str| Change::new("h1", &id, &engine::Change::missing("groups", element)).fingerprint;
        assert_eq!(shell("/bin/sh"), shell("/bin/zsh"));
        assert_ne!(group("ops"), group("docker"));
        assert_ne!(group("ops"), shell("ops"));
        assert_ne!(shell("/bin/sh"), fingerprint("h2", &id, "shell"));
        assert_ne!(shell("/bin/sh"), fingerprint("h1", &Id::new("user", "bob"), "shell"));
        assert_eq!(shell("/bin/sh").len(), 64);
    }

    #[test]
    fn a_fingerprint_stays_the_same_between_versions() {
        insta::assert_snapshot!(
            fingerprint("pica01", &Id::new("user", "antoine"), "state"),
            @"3a539af7201295a44b6d37e5310fab6a985bd1c36dbc8bce327fc627207b55da"
        );
    }
}
