//! What is told of a run, and with which exit code it ends.

mod exit;
mod plan;
mod sample;
mod text;
