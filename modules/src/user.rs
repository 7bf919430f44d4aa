//! Local accounts.

pub(crate) mod plan;

use crate::account_name;
use crate::date::{Date, End};
use crate::duration::Duration;
use crate::facts::accounts::{
    ACCOUNTS, Account, Accounts, HOME, Home, KNOWN_USER, SHADOW, SHELL, Shadow, from_elsewhere,
};
use crate::facts::clock::{NOW, day};
use crate::presence::Presence;
use engine::{Anchor, Blind, Change, Drifted, Facts, Item, Links, Module, Others, Pending, Planned, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The kind `user`.
pub struct User;

/// Numbers below this are for the system (SYS_UID_MAX in login.defs).
const FIRST_ORDINARY: u32 = 1000;

/// A local account.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// Its number.
    pub uid: Option<u32>,
    /// Its primary group, by name or number.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub group: Option<String>,
    /// It is at least in these groups, given by name or number.
    pub groups: Option<BTreeSet<String>>,
    /// It is in no other groups than `groups` and its primary one.
    pub exclusive: Option<bool>,
    /// Its login shell, an absolute path.
    pub shell: Option<String>,
    /// Its home directory, an absolute path.
    pub home: Option<String>,
    /// Its home directory exists (default: true); a new one is made from /etc/skel.
    pub create_home: Option<bool>,
    /// When `home` changes, what is in the old one is moved.
    pub move_home: Option<bool>,
    /// The comment, often the full name.
    pub comment: Option<String>,
    /// The password as a crypt hash, never shown; `*` for none.
    pub password: Option<String>,
    /// The password is not older than this.
    pub password_age: Option<Duration>,
    /// Nobody gets in: the password is locked and the account expired, so that keys do not open it either.
    pub locked: Option<bool>,
    /// The first day on which the account no longer opens, or `never`.
    pub expires: Option<End>,
    /// An account of the system: its number is below 1000. Together with `uid`, only that number counts.
    pub system: Option<bool>,
    /// With `state: absent`: its home and mail go too.
    pub remove_home: Option<bool>,
}

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn needs_shadow(&self) -> bool {
        self.password.is_some() || self.password_age.is_some() || self.locked.is_some() || self.expires.is_some()
    }

    fn wants_home(&self) -> bool {
        self.create_home.unwrap_or(true)
    }
}

/// An account as the host has it.
pub struct Observed {
    /// `None`: there is none.
    present: Option<Present>,
    /// The shell that the policy names is on the host.
    has_shell: bool,
}

struct Present {
    account: Account,
    /// The name of the primary group.
    primary: String,
    /// It is the one the policy names.
    primary_is_wanted: bool,
    /// Of the wanted groups, those it is not in.
    missing_groups: Vec<String>,
    /// Of the groups it is in, those that are not wanted; what `exclusive` forbids.
    other_groups: Vec<String>,
    /// Asked for only where a field needs it, like the two below.
    shadow: Shadow,
    today: i64,
    home: Home,
}

impl Present {
    fn expired(&self) -> bool {
        self.shadow.expires.is_some_and(|day| 0 < day && day <= self.today)
    }

    /// A password that worked before somebody put `!` before its hash.
    fn password_is_locked(&self) -> bool {
        self.shadow.password.starts_with('!') && !self.shadow.hash().is_empty()
    }
}

impl Module for User {
    const KIND: &'static str = "user";
    const SECTION: &'static str = "users";
    const SETS: &'static [&'static str] = &["groups"];
    const SECRETS: &'static [&'static str] = &["password"];
    const DOC: &'static str = include_str!("user.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = account_name::problem(name).into_iter().collect();
        problems.extend(if spec.is_absent() { problems_of_absent(name, spec) } else { problems_of_present(spec) });
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let user = Anchor::User(name.to_owned());
        if spec.is_absent() {
            // A group of its own that goes too goes after it.
            return Links::new().removes(user).needs(Anchor::Group(name.to_owned()));
        }
        let links = Links::new().provides(user).keeps(Anchor::Home(name.to_owned(), String::new()), Others::All);
        let links = spec.uid.iter().fold(links, |links, uid| links.provides(Anchor::User(uid.to_string())));
        let links = spec.home.iter().fold(links, |links, home| links.lives(name, home));
        let links = match &spec.group {
            // Of the group that bears its name an account is a member without being listed.
            Some(group) if group == name => links.needs(Anchor::Group(group.clone())),
            Some(group) => links.needs(Anchor::Group(group.clone())).joins(name, Anchor::Group(group.clone())),
            // A new account gets the group of its own name, if there is one.
            None => links.after(Anchor::Group(name.to_owned())),
        };
        spec.groups.iter().flatten().fold(links, |links, group| {
            links.needs(Anchor::Group(group.clone())).joins(name, Anchor::Group(group.clone()))
        })
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let wanted = |needed: bool| needed && !spec.is_absent();
        let accounts = facts.ask(&ACCOUNTS, &[]);
        let shadow = wanted(spec.needs_shadow()).then(|| facts.ask(&SHADOW, &[]));
        let now = wanted(spec.needs_shadow()).then(|| facts.ask(&NOW, &[]));
        let home = wanted(spec.wants_home()).then(|| facts.ask(&HOME, &[name]));
        // Those that let nobody in do so too where they are missing, as on a small Debian 13.
        let lets_in = |shell: &&String| !shell.ends_with("/nologin") && !shell.ends_with("/false");
        let shell = spec.shell.as_ref().filter(lets_in).map(|shell| facts.ask(&SHELL, &[shell]));

        let accounts = accounts?;
        accounts.supported()?;
        let Some(account) = accounts.users.get(name) else {
            if accounts.remote_users && *facts.ask(&KNOWN_USER, &[name])? {
                return Err(from_elsewhere("account", name));
            }
            return Ok(Observed { present: None, has_shell: shell.transpose()?.is_none_or(|there| *there) });
        };
        let has_shell = shell.transpose()?.is_none_or(|there| *there);
        let shadow = shadow.transpose()?.and_then(|all| all.get(name).cloned()).unwrap_or_default();
        let today = now.transpose()?.map_or(0, |now| day(*now));
        let home = match home.transpose()?.as_deref() {
            Some(Home::Hidden) => {
                return Err(Blind::Denied(format!("the account used here cannot look for {}", account.home)).into());
            }
            Some(home) => *home,
            None => Home::There,
        };
        Ok(Observed { present: Some(observed(account, spec, &accounts, shadow, today, home)), has_shell })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        match (&seen.present, spec.is_absent()) {
            (None, true) => Vec::new(),
            (None, false) => vec![Change::value("state", "absent", "present")],
            (Some(_), true) => vec![Change::value("state", "present", "absent")],
            (Some(present), false) => {
                let no_shell = spec.shell.as_ref().filter(|_| !seen.has_shell);
                let no_shell =
                    no_shell.map(|shell| Change::value("shell", format!("{shell} is not on this host"), shell));
                let mut plain = plain(spec, present);
                plain.retain(|change| change.field != "shell" || no_shell.is_none());
                plain.extend(no_shell);
                [plain, groups(spec, present), access(spec, present)].concat()
            }
        }
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(drifted.iter().flat_map(plan::plan).collect())
    }
}

fn problems_of_absent(name: &str, spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if name == "root" {
        problems.push(Problem::name("a host cannot do without the account root"));
    }
    let written = [
        ("uid", spec.uid.is_some()),
        ("group", spec.group.is_some()),
        ("groups", spec.groups.is_some()),
        ("exclusive", spec.exclusive.is_some()),
        ("shell", spec.shell.is_some()),
        ("home", spec.home.is_some()),
        ("create_home", spec.create_home.is_some()),
        ("move_home", spec.move_home.is_some()),
        ("comment", spec.comment.is_some()),
        ("password", spec.password.is_some()),
        ("password_age", spec.password_age.is_some()),
        ("locked", spec.locked.is_some()),
        ("expires", spec.expires.is_some()),
        ("system", spec.system.is_some()),
    ];
    let written = written.into_iter().filter(|(_, written)| *written);
    problems.extend(written.map(|(field, _)| {
        Problem::field(field, format!("an account that must be absent has no `{field}`"))
            .hint("an account that stays, and lets nobody in, is `locked: true`")
    }));
    problems
}

fn problems_of_present(spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spec.remove_home.is_some() {
        problems.push(Problem::field("remove_home", "`remove_home` is for accounts that must be absent"));
    }
    problems.extend(spec.group.iter().filter_map(|group| account_name::group_problem("group", group)));
    problems.extend(spec.groups.iter().flatten().filter_map(|group| account_name::group_problem("groups", group)));
    if spec.exclusive == Some(true) && spec.groups.is_none() {
        problems.push(
            Problem::field("exclusive", "`exclusive` needs the list it is about").hint("write `groups: []` for none"),
        );
    }
    if spec.move_home == Some(true) && spec.home.is_none() {
        problems.push(Problem::field("move_home", "`move_home` needs a `home`"));
    }
    for (field, path) in [("shell", &spec.shell), ("home", &spec.home)] {
        let Some(path) = path else { continue };
        if !path.starts_with('/') || path.contains(|c: char| c == ':' || c.is_control()) {
            problems.push(Problem::field(
                field,
                format!("`{field}` must be an absolute path without `:` and control characters"),
            ));
        }
    }
    if spec.comment.as_ref().is_some_and(|comment| comment.contains(|c: char| c == ':' || c.is_control())) {
        problems.push(Problem::field("comment", "a comment is one line without `:` and control characters"));
    }
    if spec.password.as_ref().is_some_and(|password| !is_hash(password) && !is_placeholder(password)) {
        problems.push(
            Problem::field("password", "`password` is a crypt hash such as `$y$…`, never a password")
                .hint("make one with `mkpasswd -m yescrypt`; `*` is an account without a password"),
        );
    }
    if spec.locked == Some(true) && spec.expires.is_some() {
        problems.push(
            Problem::field("expires", "`locked: true` lets the account expire at once").hint("write one of them"),
        );
    }
    problems
}

/// A hash as crypt(5) makes it, or a word that no password matches.
fn is_hash(password: &str) -> bool {
    let crypt =
        password.strip_prefix('$').is_some_and(|rest| rest.split('$').filter(|part| !part.is_empty()).count() >= 2);
    let plain = password.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    ["*", "!"].contains(&password) || (crypt && plain)
}

/// What stands for a secret where none is fetched, as in `comply check`.
fn is_placeholder(password: &str) -> bool {
    password.contains("‹secret:")
}

fn observed(account: &Account, spec: &Spec, accounts: &Accounts, shadow: Shadow, today: i64, home: Home) -> Present {
    let groups = accounts.groups_of(&account.name);
    let primary = accounts.group_name(account.gid);
    let wanted: Vec<_> = spec.groups.iter().flatten().map(|group| (group, accounts.group(group))).collect();
    let is_in = |group: &str| groups.contains(group) || group == primary;
    let missing = wanted.iter().filter(|(_, found)| !found.is_some_and(|group| is_in(&group.name)));
    let listed = |name: &String| wanted.iter().any(|(_, found)| found.is_some_and(|group| group.name == *name));
    let primary_is_wanted = spec.group.as_ref().is_none_or(|group| match accounts.group(group) {
        Some(group) => group.gid == account.gid,
        None => group.parse() == Ok(account.gid),
    });
    Present {
        missing_groups: missing.map(|(group, _)| (*group).clone()).collect(),
        other_groups: groups.iter().filter(|name| !listed(name) && **name != primary).cloned().collect(),
        account: account.clone(),
        primary,
        primary_is_wanted,
        shadow,
        today,
        home,
    }
}

fn differs(field: &'static str, is: &str, should: Option<&String>) -> Option<Change> {
    should.filter(|should| *should != is).map(|should| Change::value(field, is, should))
}

/// What /etc/passwd holds.
fn plain(spec: &Spec, seen: &Present) -> Vec<Change> {
    let account = &seen.account;
    let is_system = account.uid < FIRST_ORDINARY;
    let system = spec.system.filter(|system| spec.uid.is_none() && *system != is_system);
    let shell = if account.shell.is_empty() { "/bin/sh" } else { &account.shell };
    let home_matters = spec.wants_home() && !["/nonexistent", "/dev/null"].contains(&account.home.as_str());
    // A home that is about to be another directory is judged there.
    let home_stays = spec.home.as_ref().is_none_or(|home| *home == account.home);
    let no_home = seen.home == Home::Missing && home_matters && home_stays;
    [
        differs("uid", &account.uid.to_string(), spec.uid.map(|uid| uid.to_string()).as_ref()),
        system.map(|system| Change::value("system", is_system.to_string(), system.to_string())),
        differs("group", &seen.primary, spec.group.as_ref().filter(|_| !seen.primary_is_wanted)),
        differs("shell", shell, spec.shell.as_ref()),
        differs("home", &account.home, spec.home.as_ref()),
        no_home.then(|| Change::value("create_home", format!("{} does not exist", account.home), "a directory")),
        differs("comment", &account.comment, spec.comment.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn groups(spec: &Spec, seen: &Present) -> Vec<Change> {
    let extra = seen.other_groups.iter().filter(|_| spec.exclusive == Some(true));
    let missing = seen.missing_groups.iter().map(|group| Change::missing("groups", group));
    missing.chain(extra.map(|group| Change::extra("groups", group))).collect()
}

/// What /etc/shadow holds: who gets in.
fn access(spec: &Spec, seen: &Present) -> Vec<Change> {
    if !seen.account.shadowed {
        return unshadowed(spec);
    }
    let password = spec.password.as_ref().filter(|wanted| {
        if wanted.starts_with('$') { seen.shadow.hash() != wanted.as_str() } else { !seen.shadow.unusable() }
    });
    [
        password.map(|_| Change::hidden("password", "secret")),
        spec.password_age.and_then(|limit| password_age(limit, seen)),
        spec.locked.and_then(|locked| lock(locked, spec, seen)),
        spec.expires.and_then(|end| expiry(end, seen)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// With a password in /etc/passwd, or none, nothing in /etc/shadow counts (pam_unix(8)).
fn unshadowed(spec: &Spec) -> Vec<Change> {
    let is = "not as /etc/shadow says: the password field in /etc/passwd is not `x`";
    [
        spec.password.as_ref().map(|_| ("password", "as /etc/shadow says".to_owned())),
        spec.password_age.map(|limit| ("password_age", limit.to_string())),
        spec.locked.map(|locked| ("locked", if locked { "yes" } else { "no" }.to_owned())),
        spec.expires.map(|end| ("expires", end.to_string())),
    ]
    .into_iter()
    .flatten()
    .map(|(field, should)| Change::value(field, is, should))
    .collect()
}

fn password_age(limit: Duration, seen: &Present) -> Option<Change> {
    // A password that nobody can use does not age; one that must be changed at the next login (0) is of no
    // use before it is.
    if seen.shadow.unusable() || seen.shadow.changed == Some(0) {
        return None;
    }
    let Some(changed) = seen.shadow.changed else {
        return Some(Change::value("password_age", "not recorded", limit.to_string()));
    };
    let age = u64::try_from(seen.today - changed).unwrap_or(0);
    (age.saturating_mul(86_400) > limit.seconds())
        .then(|| Change::value("password_age", format!("{age}d"), limit.to_string()))
}

fn lock(locked: bool, spec: &Spec, seen: &Present) -> Option<Change> {
    let words = match (seen.shadow.unusable(), seen.expired()) {
        (true, true) => "yes",
        (true, false) => "the password only",
        (false, true) => "expired only",
        (false, false) => "no",
    };
    if locked {
        return (words != "yes").then(|| Change::value("locked", words, "yes"));
    }
    let expired = seen.expired() && spec.expires.is_none();
    (expired || seen.password_is_locked()).then(|| Change::value("locked", words, "no"))
}

fn expiry(wanted: End, seen: &Present) -> Option<Change> {
    let is = seen.shadow.expires.map_or(End::Never, |day| End::On(Date::from_days(day)));
    (is != wanted).then(|| Change::value("expires", is.to_string(), wanted.to_string()))
}

#[cfg(test)]
mod tests;
