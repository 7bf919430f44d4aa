//! How a jail differs: in comply's file, as fail2ban would load it, as it runs. Which of the three is said.

use super::section::{self, backend, seconds};
use super::{DEFAULT, FILE, Observed, Spec};
use crate::facts::fail2ban::Jail;
use crate::unified_diff::unified_diff;
use engine::Change;
use engine::paths::FileKind;

/// Whether comply's file says what the policy does of this jail.
pub(super) fn is_written(name: &str, spec: &Spec, seen: &Observed) -> bool {
    seen.sections.get(name).is_some_and(|section| *section == section::text(name, spec))
}

pub(super) fn diff(name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
    let mut changes = Vec::new();
    if !seen.state.installed {
        changes.push(Change::value("state", "absent (fail2ban is not installed)", "running"));
    }
    if !is_written(name, spec, seen) {
        let old = seen.sections.get(name).map_or("", String::as_str);
        changes.push(Change::text("file", unified_diff(old, &section::text(name, spec))));
    }
    if spec.speaks_for_the_file(name) {
        changes.extend(file(spec, seen));
    }
    if name == DEFAULT || !seen.state.installed {
        return changes;
    }
    let nothing = Jail::default();
    let jail = seen.state.jails.get(name).unwrap_or(&nothing);
    if is_written(name, spec, seen) && seen.state.readable {
        changes.extend(loaded(name, spec, seen, jail));
    }
    changes.extend(running(name, spec, seen, jail));
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

/// What another file says after comply's.
fn loaded(name: &str, spec: &Spec, seen: &Observed, jail: &Jail) -> Vec<Change> {
    let by = match seen.later.as_slice() {
        [] => "as loaded, against comply's file".to_owned(),
        later => format!("as loaded: {} is read after comply's file", later.join(", ")),
    };
    if jail.loaded != spec.is_enabled() {
        let (is, should) = if jail.loaded { ("enabled", "disabled") } else { ("disabled", "enabled") };
        return vec![Change::value("enabled", format!("{is} ({by})"), should)];
    }
    if !jail.loaded {
        return Vec::new();
    }
    let value = |key: &str| jail.values.get(key).cloned();
    let wanted = [
        ("maxretry", spec.maxretry.map(|number| number.to_string()), value("maxretry")),
        ("findtime", spec.findtime.map(|time| time.seconds().to_string()), value("findtime")),
        ("bantime", spec.bantime.as_deref().and_then(seconds), value("bantime")),
        (
            "backend",
            backend(name, spec).filter(|name| !name.contains('%')).map(str::to_owned),
            Some(jail.backend.clone()),
        ),
    ];
    let differs = wanted.into_iter().filter_map(|(field, wanted, is)| {
        let (wanted, is) = (wanted?, is?);
        (wanted != is).then(|| Change::value(field, format!("{is} ({by})"), wanted))
    });
    let mut changes: Vec<_> = differs.collect();
    if let Some(ignoreip) = spec.ignoreip.as_ref().filter(|words| !words.iter().any(|word| word.contains('%'))) {
        let missing = ignoreip.iter().filter(|word| !jail.ignoreip.contains(word));
        changes.extend(missing.map(|word| Change::missing("ignoreip", format!("{word} ({by})"))));
        let extra = jail.ignoreip.iter().filter(|word| !ignoreip.has(word));
        changes.extend(extra.map(|word| Change::extra("ignoreip", format!("{word} ({by})"))));
    }
    changes
}

/// What the server does.
fn running(name: &str, spec: &Spec, seen: &Observed, jail: &Jail) -> Vec<Change> {
    match (spec.is_enabled(), jail.running) {
        (false, true) => vec![Change::value("state", "running", "not running")],
        (true, false) => vec![Change::value("state", not_running(name, seen), "running")],
        (true, true) => jail.stale.iter().map(|(key, is, wanted)| stale(key, is, wanted)).collect(),
        (false, false) => Vec::new(),
    }
}

/// Why a jail does not run, as far as it can be told.
fn not_running(name: &str, seen: &Observed) -> String {
    let about = |line: &&String| line.contains(&format!(" {name} jail")) || line.contains(&format!("'{name}'"));
    let words = |line: &String| {
        let line =
            line.split_once("ERROR").or_else(|| line.split_once("WARNING")).map_or(line.as_str(), |(_, rest)| rest);
        line.trim().to_owned()
    };
    if let Some(why) = seen.state.said.iter().find(about).map(words) {
        let hint =
            if why.contains("log file") { "; where the journal has the log, it needs `backend: systemd`" } else { "" };
        return format!("not running: {why}{hint}");
    }
    match (seen.state.readable, seen.state.said.last()) {
        (false, Some(line)) => format!("not running: fail2ban cannot read its files: {}", words(line)),
        _ if !seen.state.server => "not running, nor is fail2ban itself".into(),
        _ => "not running".into(),
    }
}

fn stale(key: &str, is: &str, wanted: &str) -> Change {
    let fields = ["maxretry", "findtime", "bantime", "ignoreip", "port", "action"];
    let field = fields.into_iter().find(|field| *field == key);
    let note = if field.is_some() { String::new() } else { format!("{key} = ") };
    Change::value(field.unwrap_or("running"), format!("{note}{is} (running)"), format!("{note}{wanted}"))
}
