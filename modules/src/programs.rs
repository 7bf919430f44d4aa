//! All that this crate may run on a host, in one list for review: a snapshot of it stands beside its test.

use crate::facts::{
    accounts, authorized_keys, changed, clock, compose as projects, fail2ban as jails, hard_links, key_files,
    key_paths, numbers, packages, sshd as servers, units,
};
use crate::{apt_repository, compose, fail2ban, group, package, service, sshd, sudoers, user};
use engine::{Command, Query};

/// Every query of the crate.
pub static QUERIES: &[&Query] = &[
    &accounts::ACCOUNTS.query,
    &accounts::SHADOW.query,
    &accounts::HOME.query,
    &accounts::SHELL.query,
    &accounts::KNOWN_USER.query,
    &accounts::KNOWN_GROUP.query,
    &authorized_keys::AUTHORIZED_KEYS.query,
    &changed::CHANGED.query,
    &clock::NOW.query,
    &jails::FAIL2BAN.query,
    &projects::PROJECT.query,
    &projects::PREVIEW.query,
    &hard_links::HARD_LINKS.query,
    &key_files::KEY_FILES.query,
    &key_paths::KEY_PATHS.query,
    &numbers::UID.query,
    &numbers::GID.query,
    &packages::INSTALLED.query,
    &packages::OFFERED.query,
    &packages::LISTS.query,
    &packages::SIMULATION.query,
    &servers::SSHD.query,
    &servers::CANONICAL.query,
    &units::UNIT.query,
];

/// Every command of the crate.
pub fn commands() -> Vec<&'static Command> {
    let keys: &[&Command] = &[&authorized_keys::WRITE_KEYS];
    [
        apt_repository::COMMANDS,
        fail2ban::plan::COMMANDS,
        group::COMMANDS,
        keys,
        package::plan::COMMANDS,
        service::plan::COMMANDS,
        compose::plan::COMMANDS,
        sshd::plan::COMMANDS,
        sudoers::COMMANDS,
        user::plan::COMMANDS,
    ]
    .concat()
}
