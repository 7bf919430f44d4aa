//! systemd units, services first of all.

pub(crate) mod plan;

use crate::date::Date;
use crate::facts::changed::CHANGED;
use crate::facts::units::{UNIT, Unit};
use crate::path_name::ANY_UNIT_FILE;
use engine::paths::{path_problem, stat};
use engine::{Anchor, Change, Drifted, Facts, Item, Links, Module, Pending, Planned, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// The kind `service`.
pub struct Service;

/// How long enforce waits for a unit that is on its way; systemd's own limit for a start.
const SETTLING: Duration = Duration::from_secs(90);

const SUFFIXES: [&str; 11] =
    ["service", "socket", "timer", "path", "mount", "automount", "swap", "target", "slice", "scope", "device"];

/// A unit of systemd; a name without a suffix is a service.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// It is active now, or it is not.
    pub running: Option<bool>,
    /// It is started at boot, or it is not.
    pub enabled: Option<bool>,
    /// Nothing can start it.
    pub masked: Option<bool>,
    /// Ids of files and packages (`file//etc/ssh/sshd_config`, `package/openssh-server`): if one of them has
    /// changed since the unit was started, it is restarted.
    pub restart_on: Option<BTreeSet<String>>,
}

/// A unit as the host has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    unit: Unit,
    /// Of `restart_on`, what has changed since the unit was started.
    newer: Vec<String>,
}

/// The unit that a name stands for.
fn unit_name(name: &str) -> String {
    let suffixed = name.rsplit_once('.').is_some_and(|(_, suffix)| SUFFIXES.contains(&suffix));
    if suffixed { name.to_owned() } else { format!("{name}.service") }
}

impl Module for Service {
    const KIND: &'static str = "service";
    const SECTION: &'static str = "services";
    const SETS: &'static [&'static str] = &["restart_on"];
    const DOC: &'static str = include_str!("service.md");
    const STATE: Option<&'static [&'static str]> = None;
    type Spec = Spec;
    type Seen = Observed;

    /// `cron` of `cron.service`, unless what is left would be another unit.
    fn spelling(&self, name: &str) -> String {
        let bare = name.strip_suffix(".service").filter(|bare| !bare.is_empty() && unit_name(bare) == name);
        bare.unwrap_or(name).to_owned()
    }

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems = Vec::new();
        let allowed = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
        let unit = unit_name(name);
        let stem = unit.rsplit_once('.').map_or("", |(stem, _)| stem);
        if stem.is_empty() || name.len() > 240 || stem.starts_with(['-', '@', '.']) || !name.chars().all(allowed) {
            problems.push(Problem::name("this is no name of a systemd unit: letters, digits and `:_.\\@-`"));
        } else if stem.ends_with('@') {
            // systemctl describes no template, nor anything that is asked for together with one.
            problems.push(
                Problem::name("a template is no unit of its own")
                    .hint(format!("name an instance, such as `{stem}main`")),
            );
        }
        if spec.running.is_none() && spec.enabled.is_none() && spec.masked.is_none() && spec.restart_on.is_none() {
            problems.push(
                Problem::name("nothing is said about it").hint("write `running`, `enabled`, `masked` or `restart_on`"),
            );
        }
        for (field, wanted) in [("running", spec.running), ("enabled", spec.enabled)] {
            if spec.masked == Some(true) && wanted == Some(true) {
                problems.push(Problem::field(field, format!("a masked unit cannot be `{field}`")));
            }
        }
        for id in spec.restart_on.iter().flatten() {
            if target(id).is_none() {
                let problem = Problem::field("restart_on", format!("`{id}` is no id of a file or a package"));
                problems.push(problem.hint("such as `file//etc/ssh/sshd_config` or `package/openssh-server`"));
            }
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let unit = unit_name(name);
        let template =
            unit.split_once('@').and_then(|(stem, rest)| Some(format!("{stem}@.{}", rest.rsplit_once('.')?.1)));
        let links = Links::new().provides(Anchor::Unit(unit.clone())).needs(Anchor::Unit(unit)).after(ANY_UNIT_FILE);
        let links = template.into_iter().fold(links, |links, template| links.needs(Anchor::Unit(template)));
        spec.restart_on.iter().flatten().fold(links, |links, id| links.needs(Anchor::Resource(id.clone())))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let unit = facts.ask(&UNIT, &[&unit_name(name)]);
        let targets = spec.restart_on.iter().flatten().filter_map(|id| Some((id, target(id)?)));
        let times: Vec<_> = targets.map(|(id, target)| (id, target.changed(facts))).collect();
        let unit = (*unit?).clone();
        let mut newer = Vec::new();
        for (id, time) in times {
            let changed = time?;
            newer.extend(
                changed.filter(|changed| unit.active_since.is_some_and(|since| since < *changed)).map(|_| id.clone()),
            );
        }
        if let Some(what) = on_its_way(spec, &unit) {
            return Err(Pending::Settling { what, limit: SETTLING });
        }
        Ok(Observed { unit, newer })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        let unit = &seen.unit;
        [
            spec.masked.and_then(|masked| mask(masked, unit)),
            unit.needs_reload.then(|| {
                Change::value("daemon_reload", "the unit file has changed since systemd read it", "read again")
            }),
            spec.enabled.and_then(|enabled| enablement(enabled, unit)),
            spec.running.and_then(|running| activity(running, unit)),
            restart(spec, seen),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn follows(&self, _: &str, spec: &Spec, seen: &Observed, changing: &dyn Fn(&str) -> bool) -> Option<String> {
        let restarted = seen.unit.active == "active" && spec.running != Some(false);
        let by = spec.restart_on.iter().flatten().find(|id| changing(id)).filter(|_| restarted)?;
        Some(format!("restarts {}, since {by} changes", seen.unit.id))
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(plan::plan(drifted))
    }
}

/// What an id of `restart_on` names.
enum Target<'a> {
    /// A path.
    File(&'a str),
    /// The name of a package.
    Package(&'a str),
}

impl Target<'_> {
    /// When it last changed, in microseconds since 1970-01-01 UTC; `None`: it is not there.
    fn changed(&self, facts: &Facts) -> Result<Option<i64>, Pending> {
        match self {
            Self::File(path) => Ok(stat(facts, path)?.map(|stat| stat.changed()).transpose()?),
            Self::Package(name) => Ok(*facts.ask(&CHANGED, &[name])?),
        }
    }
}

fn target(id: &str) -> Option<Target<'_>> {
    let safe = |name: &str| !name.is_empty() && !name.contains(['\n', '\0']);
    match id.split_once('/')? {
        ("file", path) if path_problem(path).is_none() => Some(Target::File(path)),
        ("package", name) if safe(name) && !name.contains('/') => Some(Target::Package(name)),
        _ => None,
    }
}

fn is_masked(unit: &Unit) -> bool {
    unit.load == "masked" || unit.file_state.starts_with("masked")
}

fn is_missing(unit: &Unit) -> bool {
    unit.load == "not-found"
}

/// It failed, and systemd will try again; `activating` is only half of the truth.
fn has_crashed(unit: &Unit) -> bool {
    unit.active == "failed" || (unit.sub.starts_with("auto-restart") && unit.result != "success")
}

/// What is neither one nor the other yet, where that matters.
fn on_its_way(spec: &Spec, unit: &Unit) -> Option<String> {
    let on_its_way = match spec.running? {
        true if has_crashed(unit) => false,
        true => {
            ["activating", "deactivating", "reloading", "refreshing", "maintenance"].contains(&unit.active.as_str())
        }
        false => unit.active == "deactivating",
    };
    on_its_way.then(|| format!("is {} ({})", unit.active, unit.sub))
}

fn mask(masked: bool, unit: &Unit) -> Option<Change> {
    // `masked-runtime` is over at the next boot.
    let is = is_masked(unit) && unit.file_state != "masked-runtime";
    let differs = if masked { !is } else { is_masked(unit) };
    let words = if is_masked(unit) && unit.file_state.is_empty() { "masked" } else { &unit.file_state };
    let words = if words.is_empty() { "not installed" } else { words };
    differs.then(|| Change::value("masked", words, if masked { "masked" } else { "not masked" }))
}

/// It will be started at boot. A unit without an [Install] section is never `enabled`: what counts is whether
/// another unit wants it.
fn is_enabled(unit: &Unit) -> bool {
    match unit.file_state.as_str() {
        "enabled" => true,
        "static" | "indirect" | "generated" | "transient" | "alias" => unit.is_wanted,
        _ => false,
    }
}

fn enablement(enabled: bool, unit: &Unit) -> Option<Change> {
    if is_enabled(unit) == enabled && (enabled || unit.file_state != "enabled-runtime") {
        return None;
    }
    let is = match unit.file_state.as_str() {
        "" if is_missing(unit) => "not installed",
        "" => "without a unit file",
        state => state,
    };
    Some(Change::value("enabled", is, if enabled { "enabled" } else { "disabled" }))
}

fn activity(running: bool, unit: &Unit) -> Option<Change> {
    let is_active = ["active", "reloading", "activating", "refreshing"].contains(&unit.active.as_str());
    if is_active == running && !(running && has_crashed(unit)) {
        return None;
    }
    let is = match unit.active.as_str() {
        _ if is_missing(unit) && !is_active => "not installed".to_owned(),
        _ if has_crashed(unit) && running => format!("failed ({})", unit.result),
        active if is_masked(unit) => format!("{active} (masked)"),
        active => active.to_owned(),
    };
    Some(Change::value("running", is, if running { "active" } else { "inactive" }))
}

fn restart(spec: &Spec, seen: &Observed) -> Option<Change> {
    let active = seen.unit.active == "active" || seen.unit.active == "reloading";
    if seen.newer.is_empty() || !active || spec.running == Some(false) {
        return None;
    }
    let since = seen.unit.active_since.map_or_else(String::new, moment);
    let newer = seen.newer.join(", ");
    Some(Change::value("restart_on", format!("older than {newer} (started {since})"), "started after that"))
}

/// `2026-11-20 16:27:01 UTC`.
pub(crate) fn moment(microseconds: i64) -> String {
    let seconds = microseconds.div_euclid(1_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    format!("{} {:02}:{:02}:{:02} UTC", Date::from_days(days), of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests;
