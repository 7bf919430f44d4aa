//! The kinds of resource a policy can speak of: one file each, and one line in [`MODULES`].
//!
//! A kind is pure: it reads [`engine::Facts`], compares, and answers with operations as data. What it asks of
//! a host lives in [`facts`].

pub mod account_name;
pub mod apt_repository;
#[cfg(test)]
mod captured;
pub mod compose;
pub mod cron;
pub mod date;
pub mod debian_version;
pub mod directory;
pub mod dropin_name;
pub mod duration;
pub mod facts;
pub mod fail2ban;
pub mod file;
pub mod glob;
pub mod group;
#[cfg(test)]
mod host;
pub mod link;
pub mod mode;
pub mod owner;
pub mod package;
pub mod path_name;
pub mod presence;
pub mod programs;
pub mod public_key;
pub mod service;
pub mod ssh_key;
pub mod sshd;
pub mod sudoers;
pub mod system_file;
pub mod unified_diff;
pub mod unmanaged;
pub mod user;
pub mod validate;
pub mod version_wish;
pub mod words;

use engine::{AnyModule, Kind};

/// Every kind, one line each.
pub static MODULES: &[&dyn AnyModule] = &[
    &Kind(&group::Group),
    &Kind(&user::User),
    &Kind(&apt_repository::AptRepository),
    &Kind(&package::Package),
    &Kind(&service::Service),
    &Kind(&file::File),
    &Kind(&directory::Directory),
    &Kind(&link::Link),
    &Kind(&ssh_key::SshKey),
    &Kind(&compose::Compose),
    &Kind(&sshd::Sshd),
    &Kind(&sudoers::Sudoers),
    &Kind(&cron::Cron),
    &Kind(&fail2ban::Fail2ban),
    &Kind(&unmanaged::Unmanaged),
];
