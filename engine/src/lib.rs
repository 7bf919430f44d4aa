//! The heart of `comply`: observe, diff, change, observe again.
//!
//! This crate knows no YAML, opens no connection and prints nothing. It turns resources into a graph, asks a
//! host what they need to know in as few round trips as possible, compares, and (in enforce) applies changes
//! level by level and grants verdicts only on what a second observation shows.

pub mod canary;
pub mod change;
mod claims;
pub mod command;
pub mod enforce;
pub mod event;
pub mod facts;
mod frame;
pub mod graph;
mod ground;
pub mod guard;
pub mod id;
pub mod identity;
pub mod key_file;
pub mod link;
pub mod links;
pub mod module;
pub mod paths;
pub mod plan;
pub mod query;
pub mod resource;
mod script;
pub mod secrecy;
pub mod session;
pub mod survey;
pub mod switch;
pub mod verdict;
pub mod writes;

pub use change::{Change, Difference};
pub use command::{Command, Danger, Op, Planned};
pub use facts::{Facts, Pending};
pub use id::Id;
pub use links::{Anchor, Links, Others};
pub use module::{AnyModule, AnySpec, Drifted, Entry, Fields, Item, Kind, Module, Problem, Repository};
pub use query::{Answer, Batch, Blind, Fact, Probe, Query};
pub use resource::{Resource, Source};
pub use secrecy::Secrecy;
pub use verdict::{Mode, Severity, Verdict};
