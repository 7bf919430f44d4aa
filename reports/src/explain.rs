//! `comply explain` as data: where everything that holds on a host comes from.

pub mod text;

use engine::{Mode, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of this schema. It grows when a field goes away or changes its meaning, not when one is added.
pub const SCHEMA: u32 = 1;

/// What `comply explain` tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Explanation {
    /// Of a host.
    Host(Host),
    /// Of one resource of a host.
    Resource(Box<Resource>),
}

/// A line of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The file, from the root of the repository; `--var` is the command line.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A host: its variables, its policies, its resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The version of this schema.
    pub schema: u32,
    /// Its name.
    pub host: String,
    /// Where the inventory declares it.
    pub declared: Line,
    /// Its groups.
    pub groups: Vec<String>,
    /// The ceiling that the host puts on all changes.
    pub mode: Mode,
    /// What the inventory assumes of it; `null`: only the host can tell.
    pub facts: BTreeMap<String, Option<String>>,
    /// Every variable it sees.
    pub variables: Vec<Variable>,
    /// The policies that are for it.
    pub policies: Vec<Policy>,
    /// Its resources, in the order of the policies.
    pub resources: Vec<Summary>,
}

/// A variable of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What holds.
    #[serde(flatten)]
    pub holds: Setting,
    /// What that overrides, the strongest first.
    pub overrides: Vec<Setting>,
}

/// One value of a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The value; `[hidden]` where it looks like a secret.
    pub value: Value,
    /// Who sets it: `--var`, `host`, `group NAME` or `project`.
    pub by: String,
    /// Where.
    pub at: Line,
}

/// A policy that is for the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// How many resources of the host it has a part in.
    pub resources: usize,
}

/// A resource in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// `kind/name`.
    pub id: String,
    /// Whether it takes part.
    pub part: Part,
    /// The ceiling on changing it.
    pub mode: Mode,
    /// What puts it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// How much its drift matters.
    pub severity: Severity,
    /// The waiver that covers it: reason, owner, last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
    /// Where it is declared.
    pub declared: Vec<Line>,
}

/// Whether something takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It does.
    Yes,
    /// Its condition is false on this host.
    Skipped,
    /// Its condition, or a part of it, rests on what only the host can tell.
    Undetermined,
}

/// A resource: each value, each edge, and what holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// The version of this schema.
    pub schema: u32,
    /// The host.
    pub host: String,
    /// `kind/name`.
    pub id: String,
    /// Whether it takes part.
    pub part: Part,
    /// Every declaration that has a part in it.
    pub declarations: Vec<Declaration>,
    /// Its fields, with those that have a default and are not written.
    pub fields: Vec<Field>,
    /// The ceiling on changing it.
    pub mode: Mode,
    /// What puts it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// How much its drift matters.
    pub severity: Severity,
    /// For `--tag`.
    pub tags: Vec<String>,
    /// What demands it.
    pub refs: Vec<String>,
    /// Why the policies want it.
    pub why: Vec<String>,
    /// What it needs: if that fails, this is blocked.
    pub needs: Vec<Edge>,
    /// What merely comes before it.
    pub after: Vec<Edge>,
    /// What needs it.
    pub needed_by: Vec<Edge>,
    /// Waivers that speak of it.
    pub waivers: Vec<Waiver>,
}

/// One declaration of the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Declaration {
    /// The policy.
    pub policy: String,
    /// Where.
    pub at: Line,
    /// Through which `use`, if a technique declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Line>,
    /// Whether it takes part.
    pub part: Part,
}

/// One field of the resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its elements are united; otherwise all declarations say the same.
    pub is_set: bool,
    /// What holds although nobody wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What declarations say.
    pub said: Vec<Said>,
}

/// What one declaration says of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The value; `[hidden]` where it is a secret; `null`: only the host can tell.
    pub value: Value,
    /// Where it is written.
    pub at: Line,
    /// Where the value comes from, if that is elsewhere: a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Line>,
}

/// An edge of the graph, and why it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The other resource.
    pub id: String,
    /// Why.
    pub why: Vec<String>,
}

/// A waiver that speaks of the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// Reason, owner, last day.
    pub text: String,
    /// Where.
    pub at: Line,
    /// It no longer holds.
    pub expired: bool,
}
