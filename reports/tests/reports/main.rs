//! What is told of a run, and with which exit code it ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod exit;
mod junit;
mod plan;
mod sample;
mod schema;
mod text;
