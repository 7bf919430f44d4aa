//! Who owns a path: names on one side, numbers on the other.

use crate::facts::accounts::{ACCOUNTS, Accounts, KNOWN_GROUP, KNOWN_USER};
use crate::mode::Mode;
use engine::paths::Stat;
use engine::{Anchor, Change, Facts, Links, Pending, Problem};
use std::sync::Arc;

/// Mode, owner and group as a policy wants them; what is `None` is left alone.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The permission bits.
    pub mode: Option<Mode>,
    /// Name or number of an account.
    pub owner: Option<&'a str>,
    /// Name or number of a group.
    pub group: Option<&'a str>,
}

/// What the host knows of the names in a [`Wanted`].
#[derive(Clone, Default)]
pub struct Names {
    accounts: Arc<Accounts>,
    /// The owner has no line in /etc/passwd, but another source knows it.
    owner_elsewhere: bool,
    /// The group has no line in /etc/group, but another source knows it.
    group_elsewhere: bool,
}

impl Wanted<'_> {
    /// Mistakes in the names that can be seen offline.
    pub fn problems(&self) -> Vec<Problem> {
        let fields = [("owner", self.owner), ("group", self.group)];
        let wrong = fields.into_iter().filter(|(_, name)| name.is_some_and(|name| !is_name(name)));
        wrong
            .map(|(field, name)| {
                Problem::field(field, format!("`{}` is neither a name nor a number", name.unwrap_or_default()))
            })
            .collect()
    }

    /// The same links, with needs for the owner and the group where they are names.
    pub fn needs(&self, mut links: Links) -> Links {
        if let Some(owner) = self.owner.filter(|owner| number(owner).is_none()) {
            links = links.needs(Anchor::User(owner.into()));
        }
        if let Some(group) = self.group.filter(|group| number(group).is_none()) {
            links = links.needs(Anchor::Group(group.into()));
        }
        links
    }

    /// Asks what the host knows of the names. A name that no local file has is asked of the other sources the
    /// host uses, if it uses any.
    ///
    /// # Errors
    /// What has to be asked first, or why the host cannot tell.
    pub fn names(&self, facts: &Facts) -> Result<Names, Pending> {
        if self.owner.is_none() && self.group.is_none() {
            return Ok(Names::default());
        }
        let accounts = facts.ask(&ACCOUNTS, &[])?;
        let owner = self.owner.filter(|owner| number(owner).is_none() && !accounts.users.contains_key(*owner));
        let group = self.group.filter(|group| number(group).is_none() && !accounts.groups.contains_key(*group));
        let owner = owner.filter(|_| accounts.remote_users).map(|owner| facts.ask(&KNOWN_USER, &[owner]));
        let group = group.filter(|_| accounts.remote_groups).map(|group| facts.ask(&KNOWN_GROUP, &[group]));
        let (owner_elsewhere, group_elsewhere) =
            (owner.transpose()?.is_some_and(|known| *known), group.transpose()?.is_some_and(|known| *known));
        Ok(Names { accounts, owner_elsewhere, group_elsewhere })
    }

    /// What differs between this and what is there.
    pub fn diff(&self, stat: &Stat, names: &Names) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(mode) = self.mode.filter(|mode| mode.bits() != stat.mode) {
            changes.push(Change::value("mode", Mode::from_bits(stat.mode).to_string(), mode.to_string()));
        }
        if let Some(owner) = self.owner
            && names.uid(owner) != Some(stat.uid)
        {
            let note = names.note(names.uid(owner), names.owner_elsewhere, "account");
            changes.push(Change::value("owner", names.user_name(stat.uid), format!("{owner}{note}")));
        }
        if let Some(group) = self.group
            && names.gid(group) != Some(stat.gid)
        {
            let note = names.note(names.gid(group), names.group_elsewhere, "group");
            changes.push(Change::value("group", names.accounts.group_name(stat.gid), format!("{group}{note}")));
        }
        changes
    }

    /// What to give to a command: the mode wanted, else the one that is there, else `new`; owner and group
    /// where they are wanted, else as they are, else nobody in particular.
    pub fn access(&self, there: Option<&Stat>, new: u32) -> engine::writes::Access {
        let kept = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
        engine::writes::Access {
            mode: self.mode.map_or(there.map_or(new, |stat| stat.mode), Mode::bits),
            owner: self.owner.map_or_else(|| kept(there.map(|stat| stat.uid)), str::to_owned),
            group: self.group.map_or_else(|| kept(there.map(|stat| stat.gid)), str::to_owned),
        }
    }
}

impl Names {
    fn uid(&self, owner: &str) -> Option<u32> {
        number(owner).or_else(|| self.accounts.users.get(owner).map(|user| user.uid))
    }

    fn gid(&self, group: &str) -> Option<u32> {
        number(group).or_else(|| self.accounts.groups.get(group).map(|group| group.gid))
    }

    fn user_name(&self, uid: u32) -> String {
        let named = self.accounts.users.values().find(|user| user.uid == uid);
        named.map_or_else(|| uid.to_string(), |user| user.name.clone())
    }

    fn note(&self, id: Option<u32>, elsewhere: bool, what: &str) -> String {
        match (id, elsewhere) {
            (Some(_), _) => String::new(),
            (None, true) => format!(" (this {what} is from ldap or another directory, so its number is not known)"),
            (None, false) => format!(" (there is no such {what})"),
        }
    }
}

/// Reads a number as chown(1) would.
fn number(name: &str) -> Option<u32> {
    name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok()).flatten()
}

/// What chown(1) takes as one name, and an option of no command: not empty, no separator, no `-` in front.
pub fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || ":/,".contains(c);
    !name.is_empty() && name.len() <= 256 && !name.starts_with(['-', '+']) && !name.contains(odd)
        && (number(name).is_some() || !name.bytes().all(|byte| byte.is_ascii_digit()))
}
