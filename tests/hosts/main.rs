//! `comply` on real hosts, from the command line to the file on the host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends at the first surprise")]

mod ansible;
mod bare_host;
mod r#become;
mod comply;
mod compose_troubles;
mod examples;
mod guarded;
mod guarded_sshd;
mod hostile_files;
mod hostile_hosts;
mod hostile_names;
mod kinds_access;
mod kinds_apt;
mod kinds_compose;
mod kinds_fail2ban;
mod kinds_files;
mod kinds_packages;
mod kinds_services;
mod kinds_sshd;
mod kinds_users;
mod life;
mod lock_out;
mod locking;
mod neighbour;
mod planted;
mod read_only;
mod secrets;
mod tutorial;
mod watched;
