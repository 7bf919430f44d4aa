//! What a resource has to do with others, before the graph is made of it.

use std::collections::{BTreeMap, BTreeSet};

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
    /// A path below the home of a local account, wherever that is: the account and the path; none is the home itself.
    Home(String, String),
}

/// Which other resources may speak of a path that one keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// None: it alone says what is there.
    None,
    /// Those of its kind, which keep it together.
    SameKind,
    /// Those of other kinds, as one that gives a directory its mode.
    OtherKinds,
    /// All.
    All,
}

impl Others {
    /// Whether one of the same kind, or of another, may.
    pub fn allow(self, same_kind: bool) -> bool {
        match self {
            Self::None => false,
            Self::SameKind => same_kind,
            Self::OtherKinds => !same_kind,
            Self::All => true,
        }
    }
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
    /// What else is on the host because of it: a path, or one below a home. It makes no edges, since nobody needs the
    /// resource for it.
    pub keeps: Vec<(Anchor, Others)>,
    /// The homes of accounts.
    pub homes: Vec<(String, String)>,
    /// Accounts that are to be in groups: account and group.
    pub joins: Vec<(String, Anchor)>,
    /// Groups that are to have exactly these members.
    pub admits: Vec<(Anchor, BTreeSet<String>)>,
    /// It comes after all accounts are as they should be; order only.
    pub after_accounts: bool,
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
    /// Keeps this path, or this one below a home, too.
    pub fn keeps(mut self, anchor: Anchor, others: Others) -> Self {
        self.keeps.push((anchor, others));
        self
    }
    /// Puts the home of `account` there too.
    pub fn lives(mut self, account: &str, home: &str) -> Self {
        self.homes.push((account.to_owned(), home.to_owned()));
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
    /// It is about an account itself.
    pub fn is_account(&self) -> bool {
        self.provides.iter().chain(&self.removes).any(|anchor| matches!(anchor, Anchor::User(_)))
    }
    /// Comes after this too.
    pub fn after(mut self, anchor: Anchor) -> Self {
        self.after.push(anchor);
        self
    }
}

/// Everything that the resources with these links provide and keep. What is below a home stays so, and is there as a path too
/// where the policies tell where the home is.
pub fn provided(all: &[Links]) -> BTreeSet<Anchor> {
    let homes = Homes::of(all);
    let anchors = || all.iter().flat_map(|links| links.provides.iter().chain(links.keeps.iter().map(|(kept, _)| kept)));
    anchors().cloned().chain(anchors().filter_map(|anchor| homes.path(anchor)).map(Anchor::Path)).collect()
}

/// Where the homes of accounts are, as far as the policies tell.
pub(crate) struct Homes<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Homes<'a> {
    pub fn of(all: impl IntoIterator<Item = &'a Links>) -> Self {
        let told =
            all.into_iter().flat_map(|links| &links.homes).map(|(account, home)| (account.as_str(), home.as_str()));
        Self([("root", "/root")].into_iter().chain(told).collect())
    }

    /// The path that an anchor stands for.
    pub fn path(&self, anchor: &Anchor) -> Option<String> {
        match anchor {
            Anchor::Path(path) => Some(path.clone()),
            Anchor::Home(account, below) => self.0.get(account.as_str()).map(|home| below_home(home, below)),
            _ => None,
        }
    }
}

/// The path that `below` is in `home`.
pub fn below_home(home: &str, below: &str) -> String {
    if below.is_empty() { home.to_owned() } else { format!("{}/{below}", home.trim_end_matches('/')) }
}
