//! `comply` on real hosts, from the command line to the file on the host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends at the first surprise")]

mod ansible;
mod comply;
