//! The documentation says what is so: pages that can be made are up to date, examples run, links lead somewhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod examples;
mod kinds;
mod links;
mod messages;
mod page;
