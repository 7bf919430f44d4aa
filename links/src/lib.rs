//! How a host is reached: over ssh (in this process, or by the system's `ssh`), in a running container, or as this
//! machine itself; and with whose rights a script runs there.
//!
//! Every way is one `channel::Channel` a script: bytes in, bytes out, an end. What is above it (how the shell is
//! started, sudo's dialogue, deadlines) is written once, in `link` and `rights`.

#[cfg(test)]
extern crate self as links;

mod ask;
mod authenticate;
mod channel;
mod config;
mod docker;
mod key;
mod known_hosts;
mod link;
mod local;
mod master;
mod nonce;
mod openssh;
mod process;
mod rights;
mod shell;
mod socket;
mod ssh;
mod ssh_channel;
mod target;

pub use ask::{Asker, BECOME_PASSWORD, SECRET_VARIABLES, without_secrets};
pub use target::{Become, Connection, SshTarget, Target, connector};
