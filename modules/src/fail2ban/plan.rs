//! How jails are put right: one file for all of them, tried on a copy, then no more reloaded than needed.

use super::diff::{is_written, overridden, unloadable};
use super::{DEFAULT, FILE, Fail2ban, section};
use engine::{Command, Drifted, Item, Op, Planned};
use std::collections::BTreeMap;

/// Puts standard input in place of comply's file if fail2ban can use it, makes it effective, and waits. `$1`: the jails to
/// reload, with spaces between, or `--all`; `$2`: those to restart. The rest: those that must run then.
static APPLY: Command = Command { name: "apply jails", shell: include_str!("apply.sh") };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&APPLY];

pub(super) fn plan(declared: &[Item<'_, Fail2ban>], drifted: &[Drifted<'_, Fail2ban>]) -> Vec<Planned> {
    let (mut planned, mut open) = (Vec::new(), Vec::new());
    for drift in drifted {
        match refusal(drift) {
            Some(why) => planned.push(Planned::Refuse { serves: vec![drift.id.clone()], why }),
            None => open.push(drift),
        }
    }
    planned.extend(apply(declared, &open).map(Planned::from));
    planned
}

fn refusal(drift: &Drifted<'_, Fail2ban>) -> Option<String> {
    if !drift.seen.state.installed {
        return Some("fail2ban is not on this host: declare `packages: [fail2ban]`".into());
    }
    let (name, later) = (drift.id.name.as_str(), drift.seen.later.join(", "));
    if let Some(other) = overridden(name, drift.spec, drift.seen).first() {
        let key = &other.key;
        return Some(match later.as_str() {
            "" => format!("{FILE} says what it should, and fail2ban loads another `{key}`: see fail2ban-client -d"),
            later => format!(
                "`{key}` is set by {later} in /etc/fail2ban/jail.d, which fail2ban reads after comply's file: take it out there"
            ),
        });
    }
    // What is wrong in comply's own file goes when it is written anew.
    let why =
        unloadable(name, drift.seen).filter(|why| !why.contains(FILE) && is_written(name, drift.spec, drift.seen));
    why.map(|why| format!("{why}; {FILE} says what it should, so put that right by hand"))
}

fn apply(declared: &[Item<'_, Fail2ban>], open: &[&Drifted<'_, Fail2ban>]) -> Option<Op> {
    let first = open.first()?;
    let names = &first.spec.names;
    // What is declared and not to be changed stays as it is; what nobody declares goes.
    let kept = first.seen.sections.iter().filter(|(name, _)| names.contains(*name));
    let mut sections: BTreeMap<String, String> = kept.map(|(name, text)| (name.clone(), text.clone())).collect();
    let wanted =
        declared.iter().map(|item| (item.id, item.spec)).chain(open.iter().map(|drift| (drift.id, drift.spec)));
    sections.extend(wanted.map(|(id, spec)| (id.name.clone(), section::text(&id.name, spec))));

    let leftovers = first.seen.sections.keys().any(|name| !names.contains(name));
    let runs = |drift: &Drifted<'_, Fail2ban>| {
        first.seen.state.jails.get(&drift.id.name).is_some_and(|jail| jail.running) && drift.spec.is_enabled()
    };
    let single = !leftovers && open.iter().all(|drift| drift.id.name != DEFAULT && runs(drift));
    let restarts = |drift: &Drifted<'_, Fail2ban>| {
        runs(drift) && first.seen.state.jails.get(&drift.id.name).is_some_and(|jail| jail.restart)
    };
    let (restart, reload): (Vec<_>, Vec<_>) = open.iter().partition(|drift| restarts(drift));
    let names_of = |drifts: &[&&Drifted<'_, Fail2ban>]| -> Vec<String> {
        drifts.iter().map(|drift| drift.id.name.clone()).collect()
    };
    let (restart, reload) = (names_of(&restart), if single { names_of(&reload) } else { vec!["--all".into()] });
    let must_run = open.iter().filter(|drift| drift.id.name != DEFAULT && drift.spec.is_enabled());
    let mut args = vec![reload.join(" "), restart.join(" ")];
    args.extend(must_run.map(|drift| drift.id.name.clone()));

    let written = open.iter().all(|drift| is_written(&drift.id.name, drift.spec, drift.seen)) && !leftovers;
    let write = if written { String::new() } else { format!("write {FILE}, and ") };
    let says = if first.seen.state.server {
        let reload = if single { reload.join(", ") } else { "fail2ban".into() };
        let parts = [("reload", reload), ("restart", restart.join(", "))];
        let parts: Vec<String> =
            parts.iter().filter(|(_, what)| !what.is_empty()).map(|(verb, what)| format!("{verb} {what}")).collect();
        format!("{write}{}, whose bans stay", parts.join(" and "))
    } else {
        format!("{write}start fail2ban")
    };
    let op = Op::new(first.id.clone(), &APPLY, args, says).stdin(section::file(&sections));
    Some(Op { serves: open.iter().map(|drift| drift.id.clone()).collect(), ..op })
}
