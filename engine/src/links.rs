//! What a resource has to do with others, before the graph is made of it.

use std::collections::BTreeSet;

/// Something one resource provides and others may need.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    /// A path on the host; a need is met by the nearest managed ancestor directory, or the path itself.
    Path(String),
    /// A local account.
    User(String),
    /// A local group.
    Group(String),
    /// A package.
    Package(String),
    /// A systemd unit, with its suffix.
    Unit(String),
    /// Any resource by its id, `kind/name`.
    Resource(String),
}

/// The links of one step of a resource.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// What exists once this step is done.
    pub provides: Vec<Anchor>,
    /// What is gone once this step is done (the resource is declared `absent`).
    pub removes: Vec<Anchor>,
    /// What must be there first; if it fails, this is blocked. Not managed on this host: no edge.
    pub needs: Vec<Anchor>,
    /// What comes first if both are to be done; order only.
    pub after: Vec<Anchor>,
    /// Accounts that are to be in groups: account and group.
    pub joins: Vec<(String, Anchor)>,
    /// Groups that are to have exactly these members.
    pub admits: Vec<(Anchor, BTreeSet<String>)>,
    /// What packages come from: it comes before the package phase, with all that it needs itself.
    pub feeds_packages: bool,
    /// The resource takes part in the package phase: everything that it does not need comes after it.
    pub packages: bool,
}

impl Links {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Provides this too.
    pub fn provides(mut self, anchor: Anchor) -> Self {
        self.provides.push(anchor);
        self
    }
    /// Removes this too.
    pub fn removes(mut self, anchor: Anchor) -> Self {
        self.removes.push(anchor);
        self
    }
    /// Needs this too.
    pub fn needs(mut self, anchor: Anchor) -> Self {
        self.needs.push(anchor);
        self
    }
    /// Puts `account` into `group` too.
    pub fn joins(mut self, account: &str, group: Anchor) -> Self {
        self.joins.push((account.to_owned(), group));
        self
    }
    /// Lets nobody but `members` into `group`.
    pub fn admits(mut self, group: Anchor, members: BTreeSet<String>) -> Self {
        self.admits.push((group, members));
        self
    }
    /// Comes after this too.
    pub fn after(mut self, anchor: Anchor) -> Self {
        self.after.push(anchor);
        self
    }
}
