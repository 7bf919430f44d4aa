//! Local groups and their members.

use crate::account_name;
use crate::facts::accounts::{ACCOUNTS, Group as Seen, KNOWN_GROUP, from_elsewhere};
use crate::presence::Presence;
use engine::{Anchor, Change, Command, Danger, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The kind `group`.
pub struct Group;

/// The members are put right in a step of their own, after the accounts exist.
const MEMBERS: usize = 1;

/// Numbers below this are for the system (SYS_GID_MAX in login.defs).
const FIRST_ORDINARY: u32 = 1000;

/// A local group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// Its number.
    pub gid: Option<u32>,
    /// A group of the system: its number is below 1000. Together with `gid`, only that number counts.
    pub system: Option<bool>,
    /// Exactly these accounts are in it; an account whose primary group it is counts as a member.
    pub members: Option<BTreeSet<String>>,
}

/// A group as the host has it.
#[derive(Debug)]
pub struct Observed {
    group: Option<Seen>,
    /// Accounts whose primary group it is.
    primary_of: BTreeSet<String>,
    /// Wanted members that are no accounts here.
    strangers: Vec<String>,
}

static ADD: Command = Command { name: "groupadd", shell: "name=$1; shift\ngroupadd \"$@\" -- \"$name\"" };
static NUMBER: Command = Command { name: "groupmod number", shell: "groupmod -g \"$2\" -- \"$1\"" };
static SET_MEMBERS: Command = Command { name: "gpasswd members", shell: "gpasswd -M \"$2\" -- \"$1\"" };
// 6: it is gone already; userdel takes an account's own group with it.
static DELETE: Command = Command { name: "groupdel", shell: "groupdel -- \"$1\" || [ $? -eq 6 ]" };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&ADD, &NUMBER, &SET_MEMBERS, &DELETE];

impl Module for Group {
    const KIND: &'static str = "group";
    const SECTION: &'static str = "groups";
    const SETS: &'static [&'static str] = &["members"];
    const STEPS: &'static [&'static str] = &["", "members"];
    const DOC: &'static str = include_str!("group.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = account_name::problem(name).into_iter().collect();
        for member in spec.members.iter().flatten() {
            if let Some(found) = account_name::problem(member) {
                problems.push(Problem::field("members", format!("`{member}`: {}", found.message)));
            }
        }
        if Presence::is_absent(spec.state) {
            if name == "root" {
                problems.push(Problem::name("a host cannot do without the group root"));
            }
            let written =
                [("gid", spec.gid.is_some()), ("system", spec.system.is_some()), ("members", spec.members.is_some())];
            for (field, _) in written.into_iter().filter(|(_, written)| *written) {
                problems.push(Problem::field(field, format!("a group that must be absent has no `{field}`")));
            }
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, step: usize) -> Links {
        let group = Anchor::Group(name.to_owned());
        if Presence::is_absent(spec.state) {
            // It may be the primary group of accounts that are to leave it first.
            return match step {
                MEMBERS => Links { after_accounts: true, ..Links::new() },
                _ => Links::new().removes(group),
            };
        }
        if step == MEMBERS {
            return spec
                .members
                .iter()
                .flatten()
                .fold(Links::new(), |links, member| links.needs(Anchor::User(member.clone())));
        }
        let links = Links::new().provides(group.clone());
        let links = match &spec.members {
            Some(members) => links.admits(group, members.clone()),
            None => links,
        };
        match spec.gid {
            Some(gid) => links.provides(Anchor::Group(gid.to_string())),
            None => links,
        }
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let accounts = facts.ask(&ACCOUNTS, &[])?;
        accounts.supported()?;
        let group = accounts.groups.get(name).cloned();
        if group.is_none() && accounts.remote_groups && *facts.ask(&KNOWN_GROUP, &[name])? {
            return Err(from_elsewhere("group", name));
        }
        let of_this_group = |gid: u32| group.as_ref().is_some_and(|group| group.gid == gid);
        let primary_of = accounts.users.values().filter(|user| of_this_group(user.gid)).map(|user| user.name.clone());
        let strangers = spec.members.iter().flatten().filter(|member| !accounts.users.contains_key(*member)).cloned();
        Ok(Observed { primary_of: primary_of.collect(), strangers: strangers.collect(), group })
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        let wanted = spec.state.unwrap_or_default();
        let mut changes = Vec::new();
        match (&seen.group, wanted) {
            (None, Presence::Absent) => {}
            (Some(_), Presence::Absent) => {
                let step = if seen.primary_of.is_empty() { 0 } else { MEMBERS };
                changes.push(Change::value("state", "present", "absent").in_step(step));
            }
            (None, Presence::Present) => {
                changes.push(Change::value("state", "absent", "present"));
                changes.extend(
                    spec.members.iter().flatten().map(|member| Change::missing("members", member).in_step(MEMBERS)),
                );
            }
            (Some(group), Presence::Present) => {
                changes.extend(numbers(spec, group.gid));
                changes.extend(members(name, spec, group, &seen.primary_of));
            }
        }
        changes
    }

    fn plan(
        &self,
        step: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        let of_members =
            |drift: &Drifted<'_, Self>| step == MEMBERS && drift.changes.iter().any(|change| change.field == "members");
        Ok(drifted
            .iter()
            .map(|drift| if of_members(drift) { plan_members(drift) } else { plan_group(drift) })
            .collect())
    }
}

fn numbers(spec: &Spec, gid: u32) -> Option<Change> {
    match (spec.gid, spec.system) {
        (Some(wanted), _) => (wanted != gid).then(|| Change::value("gid", gid.to_string(), wanted.to_string())),
        (None, Some(system)) => {
            let is = gid < FIRST_ORDINARY;
            (is != system).then(|| Change::value("system", is.to_string(), system.to_string()))
        }
        (None, None) => None,
    }
}

fn members(name: &str, spec: &Spec, group: &Seen, primary_of: &BTreeSet<String>) -> Vec<Change> {
    let Some(wanted) = &spec.members else { return Vec::new() };
    let missing = wanted.iter().filter(|member| !group.members.contains(*member) && !primary_of.contains(*member));
    let extra = group.members.difference(wanted);
    // An account is always in the group that bears its own name.
    let primary = primary_of
        .iter()
        .filter(|user| user.as_str() != name && !wanted.contains(*user) && !group.members.contains(*user));
    missing
        .map(|member| Change::missing("members", member))
        .chain(extra.map(|member| Change::extra("members", member)))
        .chain(primary.map(|user| Change::extra("members", format!("{user} (its primary group)"))))
        .chain(
            through(group, wanted).map(|(user, other)| Change::extra("members", format!("{user} (through {other})"))),
        )
        .map(|change| change.in_step(MEMBERS))
        .collect()
}

/// Who is in it without being wanted, through a group of another name with the same number.
fn through<'a>(group: &'a Seen, wanted: &'a BTreeSet<String>) -> impl Iterator<Item = (&'a String, &'a String)> {
    group.through.iter().filter(|(user, _)| !wanted.contains(*user))
}

fn plan_group(drift: &Drifted<'_, Group>) -> Planned {
    let (id, spec) = (drift.id, drift.spec);
    let name = id.name.clone();
    if Presence::is_absent(spec.state) {
        let danger = Danger::Group { account: None, group: name.clone() };
        return Op::new(id.clone(), &DELETE, vec![name], "remove the group").endangers(danger).into();
    }
    if drift.seen.group.is_none() {
        let mut args = vec![name];
        args.extend(spec.gid.iter().flat_map(|gid| ["-g".into(), gid.to_string()]));
        if spec.system == Some(true) {
            args.push("-r".into());
        }
        return Op::new(id.clone(), &ADD, args, "create the group").into();
    }
    match spec.gid {
        Some(gid) => {
            Op::new(id.clone(), &NUMBER, vec![name.clone(), gid.to_string()], format!("change its number to {gid}"))
                .hurts(format!("files of the group {name} keep its old number"))
                .into()
        }
        None => Planned::Refuse {
            serves: vec![id.clone()],
            why: "its number says otherwise, and a new one would leave its files behind; write the `gid` it must have"
                .into(),
        },
    }
}

fn plan_members(drift: &Drifted<'_, Group>) -> Planned {
    let refuse = |why: String| Planned::Refuse { serves: vec![drift.id.clone()], why };
    let (Some(wanted), Some(group)) = (&drift.spec.members, &drift.seen.group) else {
        return refuse("the group is not there".into());
    };
    if !drift.seen.strangers.is_empty() {
        return refuse(format!("no such account here: {}; declare it in `users`", drift.seen.strangers.join(", ")));
    }
    let name = &drift.id.name;
    let listed: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let primary = drift.seen.primary_of.iter().filter(|user| *user != name && !wanted.contains(*user));
    let primary: Vec<&str> = primary.map(String::as_str).collect();
    if !primary.is_empty() {
        return refuse(format!(
            "it is the primary group of {}: give that account another `group` in `users`",
            primary.join(", ")
        ));
    }
    if let Some((user, other)) = through(group, wanted).next() {
        return refuse(format!(
            "the group {other} has the same number {}, so {user} is in this one, too: give that group another number, or take {user} out of it",
            group.gid
        ));
    }
    let gone = group.members.difference(wanted);
    let op = Op::new(drift.id.clone(), &SET_MEMBERS, vec![name.clone(), listed.join(",")], says(group, wanted));
    gone.fold(op, |op, member| op.endangers(Danger::Group { account: Some(member.clone()), group: name.clone() }))
        .into()
}

fn says(group: &Seen, wanted: &BTreeSet<String>) -> String {
    let list = |set: Vec<&String>| set.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let (added, removed) =
        (list(wanted.difference(&group.members).collect()), list(group.members.difference(wanted).collect()));
    match (added.is_empty(), removed.is_empty()) {
        (false, false) => format!("add {added}, remove {removed}"),
        (false, true) => format!("add {added}"),
        _ => format!("remove {removed}"),
    }
}

#[cfg(test)]
mod tests;
