//! How a jail differs: in comply's file, as fail2ban would load it, as it runs. Which of the three is said.

use super::{DEFAULT, FILE, Observed, Spec, section};
use crate::facts::fail2ban::{Jail, Other};
use crate::unified_diff::unified_diff;
use engine::Change;
use engine::paths::FileKind;

/// Whether comply's file says what the policy does of this jail.
pub(super) fn is_written(name: &str, spec: &Spec, seen: &Observed) -> bool {
    seen.sections.get(name).is_some_and(|section| *section == section::text(name, spec))
}

/// What other files say after comply's.
pub(super) fn overridden<'a>(name: &str, spec: &Spec, seen: &'a Observed) -> &'a [Other] {
    let others = seen.state.overridden.get(name).filter(|_| is_written(name, spec, seen));
    others.map_or(&[], Vec::as_slice)
}

/// Why fail2ban cannot load what the files say.
pub(super) fn unloadable(name: &str, seen: &Observed) -> Option<String> {
    if let Some(why) = seen.state.jails.get(name).and_then(|jail| jail.wrong.as_deref()) {
        return Some(format!("fail2ban cannot load it: {why}"));
    }
    let said = seen.state.said.iter().rev().find(|line| line.contains("ERROR"));
    let why = said.map_or_else(|| "it does not say why".into(), |line| words(line));
    (!seen.state.readable).then(|| format!("fail2ban cannot read its files: {why}"))
}

pub(super) fn diff(name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
    let mut changes = Vec::new();
    if !seen.state.installed {
        let should = if name == DEFAULT || !spec.is_enabled() { "installed" } else { "running" };
        changes.push(Change::value("state", "absent (fail2ban is not installed)", should));
    }
    if !is_written(name, spec, seen) {
        let old = seen.sections.get(name).map_or("", String::as_str);
        changes.push(Change::text("file", unified_diff(old, &section::text(name, spec))));
    }
    if spec.speaks_for_the_file(name) {
        changes.extend(file(spec, seen));
    }
    if !seen.state.installed {
        return changes;
    }
    changes.extend(unloadable(name, seen).map(|why| Change::value("loaded", why, "as the files say")));
    let by = match seen.later.as_slice() {
        [] => "as loaded, against comply's file".to_owned(),
        later => format!("as loaded: {} is read after comply's file", later.join(", ")),
    };
    changes.extend(overridden(name, spec, seen).iter().flat_map(|other| otherwise(other, &by)));
    if name != DEFAULT {
        let nothing = Jail::default();
        changes.extend(running(name, spec, seen, seen.state.jails.get(name).unwrap_or(&nothing)));
    }
    changes
}

/// What is wrong with the file beyond the declared jails.
fn file(spec: &Spec, seen: &Observed) -> Vec<Change> {
    let Some(stat) = &seen.stat else { return Vec::new() };
    if stat.kind != FileKind::Regular {
        return vec![Change::value("file", format!("{FILE} is {}", stat.kind.noun()), "a file")];
    }
    let mut changes = Vec::new();
    if (stat.mode, stat.uid, stat.gid) != (0o600, 0, 0) {
        let is = format!("{FILE} has mode {:04o} and is of {}:{}", stat.mode, stat.uid, stat.gid);
        changes.push(Change::value("file", is, "mode 0600 and root's"));
    }
    let left = seen.sections.keys().filter(|name| !spec.names.contains(*name));
    changes.extend(left.map(|name| Change::extra("file", format!("[{name}], which no policy declares any more"))));
    changes
}

/// What the server does.
fn running(name: &str, spec: &Spec, seen: &Observed, jail: &Jail) -> Vec<Change> {
    match (spec.is_enabled(), jail.running) {
        (false, true) => vec![Change::value("state", "running", "not running")],
        (true, false) => vec![Change::value("state", not_running(name, seen), "running")],
        (true, true) => jail.stale.iter().flat_map(|other| otherwise(other, "running")).collect(),
        (false, false) => Vec::new(),
    }
}

/// Why a jail does not run, as far as it can be told.
fn not_running(name: &str, seen: &Observed) -> String {
    let about = |line: &&String| line.contains(&format!(" {name} jail")) || line.contains(&format!("'{name}'"));
    if unloadable(name, seen).is_some() {
        return "not running".into();
    }
    if let Some(why) = seen.state.said.iter().find(about).map(|line| words(line)) {
        let hint =
            if why.contains("log file") { "; where the journal has the log, it needs `backend: systemd`" } else { "" };
        return format!("not running: {why}{hint}");
    }
    if seen.state.server { "not running".into() } else { "not running, nor is fail2ban itself".into() }
}

/// A line of fail2ban's log without when and where it was written.
fn words(line: &str) -> String {
    let line = line.split_once("ERROR").or_else(|| line.split_once("WARNING")).map_or(line, |(_, rest)| rest).trim();
    line.strip_prefix("Failed during configuration: ").unwrap_or(line).to_owned()
}

/// What has the rank of a field.
const NAMED: [&str; 5] = ["usedns", "maxmatches", "journalmatch", "failregex", "ignoreregex"];

/// A value that is not as it should be, and where: `by`.
fn otherwise(other: &Other, by: &str) -> Vec<Change> {
    let Other { key, action, is, should } = other;
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let (has, wants): (Vec<String>, Vec<String>) = (split(is), split(should));
    if key == "ignoreip" {
        let missing = wants.iter().filter(|word| !has.contains(word));
        let extra = has.iter().filter(|word| !wants.contains(word));
        return missing
            .map(|word| Change::missing("ignoreip", format!("{word} ({by})")))
            .chain(extra.map(|word| Change::extra("ignoreip", format!("{word} ({by})"))))
            .collect();
    }
    let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let change = |field| Change::value(field, format!("{} ({by})", shown(is)), shown(should));
    vec![match (section::FIELDS.into_iter().chain(NAMED).find(|field| field == key), action.as_str()) {
        (Some(field), "") => change(field),
        (Some(field), action) => change(field).element(action),
        (None, "") => change("options").element(key),
        (None, action) => change("action").element(format!("{action} {key}")),
    }]
}
