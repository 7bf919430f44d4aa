//! The ways to a host, against real programs: sh, sshd, ssh, docker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod local;
mod openssh;
mod scripts;
#[allow(dead_code)]
mod server;
mod ssh;
