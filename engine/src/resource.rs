//! A resource of one host, ready to be observed.

use crate::id::Id;
use crate::module::{AnyModule, AnySpec};
use crate::secrecy::Held;
use crate::verdict::{Mode, Severity};
use serde::Serialize;

/// One resource as all its declarations together want it on one host.
pub struct Resource {
    /// What names it.
    pub id: Id,
    /// Its kind.
    pub module: &'static dyn AnyModule,
    /// What is wanted. `None`: every declaration's `when` is false here; the verdict is `skipped`.
    pub spec: Option<Box<dyn AnySpec>>,
    /// The ceiling that policy, host and resource put on changing it.
    pub mode: Mode,
    /// Why it is held to audit, for a reader: "policies/web.yml says mode: audit".
    pub held_by: Option<String>,
    /// Whether it is wanted, or what of it, depends on facts that are not known yet.
    pub undetermined: bool,
    /// How much its drift matters.
    pub severity: Severity,
    /// For selecting.
    pub tags: Vec<String>,
    /// What demands it: a line of a standard.
    pub refs: Vec<String>,
    /// Shown with the drift.
    pub why: Vec<String>,
    /// Where it is declared, the first one first.
    pub sources: Vec<Source>,
    /// Ids it needs by the author's word.
    pub requires: Vec<String>,
    /// Ids that need it by the author's word.
    pub before: Vec<String>,
    /// The secrets in it.
    pub secrets: Held,
    /// A valid waiver, in words: reason, owner, last day.
    pub waiver: Option<String>,
    /// It is part of what the command line selected.
    pub selected: bool,
}

/// One place where a resource is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The policy's name.
    pub policy: String,
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}
