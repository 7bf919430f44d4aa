//! The hosts of a repository: how to reach them, their groups and variables, and the patterns that name
//! them. Data only; nothing here opens a connection.

mod connection;
mod facts;
mod groups;
mod load;
mod pattern;
pub mod variables;

pub use connection::{Become, Connection, Settings};
pub use facts::Identity;
pub use load::{RESERVED, load, loses_names, patterns};

use source::{Node, Place};
use std::collections::BTreeMap;

/// The hosts and groups of a repository.
#[derive(Debug, Default)]
pub struct Inventory {
    /// In the order they are written.
    hosts: Vec<Host>,
    by_name: BTreeMap<String, usize>,
    groups: BTreeMap<String, Group>,
}

/// One host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name in the inventory.
    pub name: String,
    /// Where the inventory declares it.
    pub place: Place,
    /// How to reach it.
    pub settings: Settings,
    /// It is held to audit, whatever the command and the policies say.
    pub audit_only: Option<Place>,
    /// Its groups, those that contain them included, sorted.
    pub groups: Vec<String>,
    /// Its own variables and those of its groups. Project variables and `--var` are not among them.
    pub vars: BTreeMap<String, Variable>,
    /// What may be assumed of it while it has not been asked.
    pub facts: Identity,
}

impl Host {
    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        self.settings.connection == Connection::Local
    }
}

/// A variable of a host and where it comes from.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its value, with its place.
    pub value: Node,
    /// The group that sets it; `None` is the host itself.
    pub group: Option<String>,
}

/// A group of hosts.
#[derive(Clone, Debug)]
struct Group {
    /// Where the inventory declares it.
    place: Place,
    vars: BTreeMap<String, Node>,
    /// The host names and globs that it lists.
    hosts: Vec<Node>,
    /// The groups that it contains.
    groups: Vec<Node>,
    /// The hosts in it, directly or through a group, as indices in the inventory.
    members: Vec<usize>,
}

impl Inventory {
    /// All hosts in the order of the inventory.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host of this name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.by_name.get(name).and_then(|index| self.hosts.get(*index))
    }

    /// The names of all groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }
}
