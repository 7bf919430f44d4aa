//! The command as a user meets it, without any host but this machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod contradictions;
mod endless;
mod explain;
mod formats;
mod inert;
mod interruption;
mod manual;
mod question;
mod repository;
mod sandbox;
mod schema;
mod secrets;
mod selection;
mod undetermined;
mod usage;
