//! Who owns a path: names on one side, numbers on the other.

use crate::facts::accounts::{ACCOUNTS, Accounts};
use crate::facts::numbers::{GID, UID};
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
    uid: Option<u32>,
    gid: Option<u32>,
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
        let uid = self.owner.and_then(|owner| number(owner).or_else(|| Some(accounts.users.get(owner)?.uid)));
        let gid = self.group.and_then(|group| number(group).or_else(|| Some(accounts.groups.get(group)?.gid)));
        let elsewhere = |id: Option<u32>, name: Option<&str>, remote, fact: &'static _| match (id, name) {
            (None, Some(name)) if remote => facts.ask(fact, &[name]).map(|id| *id),
            _ => Ok(id),
        };
        let uid = elsewhere(uid, self.owner, accounts.remote_users, &UID);
        let gid = elsewhere(gid, self.group, accounts.remote_groups, &GID);
        Ok(Names { uid: uid?, gid: gid?, accounts })
    }

    /// What differs between this and what is there.
    pub fn diff(&self, stat: &Stat, names: &Names) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(mode) = self.mode.filter(|mode| mode.bits() != stat.mode) {
            changes.push(Change::value("mode", Mode::from_bits(stat.mode).to_string(), mode.to_string()));
        }
        if let Some(owner) = self.new_owner(stat, names) {
            let note = if names.uid.is_none() { " (there is no such account yet)" } else { "" };
            changes.push(Change::value("owner", names.user_name(stat.uid), format!("{owner}{note}")));
        }
        if let Some(group) = self.new_group(stat, names) {
            let note = if names.gid.is_none() { " (there is no such group yet)" } else { "" };
            changes.push(Change::value("group", names.accounts.group_name(stat.gid), format!("{group}{note}")));
        }
        changes
    }

    fn new_owner(&self, stat: &Stat, names: &Names) -> Option<&str> {
        self.owner.filter(|_| names.uid != Some(stat.uid))
    }

    fn new_group(&self, stat: &Stat, names: &Names) -> Option<&str> {
        self.group.filter(|_| names.gid != Some(stat.gid))
    }

    /// What to give to a command that changes what is there: owner and group only where they differ. To give a file to
    /// whom it belongs already takes its capabilities away (chown(2)).
    pub fn changed(&self, stat: &Stat, names: &Names) -> engine::writes::Access {
        engine::writes::Access {
            mode: self.mode.map_or(stat.mode, Mode::bits),
            owner: self.new_owner(stat, names).unwrap_or_default().to_owned(),
            group: self.new_group(stat, names).unwrap_or_default().to_owned(),
        }
    }

    /// What to give to a command that makes it: the mode wanted, else the one that is there, else `new`; owner and group
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
    fn user_name(&self, uid: u32) -> String {
        let named = self.accounts.users.values().find(|user| user.uid == uid);
        named.map_or_else(|| uid.to_string(), |user| user.name.clone())
    }
}

/// Reads a number as chown(1) would.
fn number(name: &str) -> Option<u32> {
    name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok()).flatten()
}

/// What chown(1) takes as one name, and an option of no command: not empty, no separator, no `-` in front.
pub fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || ":/,".contains(c);
    !name.is_empty()
        && name.len() <= 256
        && !name.starts_with(['-', '+'])
        && !name.contains(odd)
        && (number(name).is_some() || !name.bytes().all(|byte| byte.is_ascii_digit()))
}
