//! Debian packages.

pub(crate) mod plan;

use crate::debian_version::compare;
use crate::facts::packages::{INSTALLED, Installed, LISTS, OFFERED};
use crate::version_wish::VersionWish;
use engine::{Anchor, Blind, Change, Drifted, Facts, Item, Links, Module, Pending, Planned, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The kind `package`.
pub struct Package;

/// Older lists do not tell which version is the latest.
const LATEST_DAYS: i64 = 2;

/// What a package must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Installed, in whatever version.
    #[default]
    Present,
    /// Not installed.
    Absent,
    /// Installed in the version that apt would install.
    Latest,
}

/// A Debian package.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default), `absent`, or `latest`: what apt would install, by lists at most two days old.
    pub state: Option<State>,
    /// The version: `2.4.1-3`, `>= 2.4`, or a pattern such as `20.10.*`.
    pub version: Option<VersionWish>,
    /// It is held: apt does not change it by itself.
    pub hold: Option<bool>,
    /// With `state: absent`: its configuration goes too.
    pub purge: Option<bool>,
}

impl Spec {
    fn state(&self) -> State {
        self.state.unwrap_or_default()
    }
}

/// A package as the host has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// One entry for each architecture.
    installed: Vec<Installed>,
    /// With `state: latest`: the version that apt would install.
    candidate: Option<String>,
}

impl Observed {
    /// The installation that counts: a complete one if there is one.
    fn best(&self) -> Option<&Installed> {
        let there = || self.installed.iter().filter(|package| package.is_there());
        there().find(|package| package.is_complete()).or_else(|| there().next())
    }

    fn held(&self) -> bool {
        self.best().is_some_and(|package| package.want == "hold")
    }
}

impl Module for Package {
    const KIND: &'static str = "package";
    const SECTION: &'static str = "packages";
    const DOC: &'static str = include_str!("package.md");
    const STATE: Option<&'static [&'static str]> = Some(&["present", "absent", "latest"]);
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = name_problem(name).into_iter().collect();
        let absent = spec.state() == State::Absent;
        for (field, written) in [("version", spec.version.is_some()), ("hold", spec.hold.is_some())] {
            if absent && written {
                problems.push(Problem::field(field, format!("a package that must be absent has no `{field}`")));
            }
        }
        if !absent && spec.purge.is_some() {
            problems.push(Problem::field("purge", "`purge` is for packages that must be absent"));
        }
        if spec.state() == State::Latest && spec.version.is_some() {
            problems.push(Problem::field("version", "`latest` is a version already").hint("write one of them"));
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let package = Anchor::Package(name.to_owned());
        let links = Links { packages: true, ..Links::new() };
        if spec.state() == State::Absent { links.removes(package) } else { links.provides(package) }
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let installed = facts.ask(&INSTALLED, &[name]);
        let latest = (spec.state() == State::Latest).then(|| (facts.ask(&LISTS, &[]), facts.ask(&OFFERED, &[name])));
        let seen = Observed { installed: (*installed?).clone(), candidate: None };
        let Some((lists, offered)) = latest.filter(|_| seen.best().is_some()) else { return Ok(seen) };
        let (lists, offered) = (lists?, offered?);
        if !lists.within_days(LATEST_DAYS) {
            let age = lists.age.map_or("missing".to_owned(), |age| format!("{} days old", age / 86_400));
            let why = format!("apt's lists are {age}, so the latest version is not known; run apt-get update");
            return Err(Blind::Failed(why).into());
        }
        Ok(Observed { candidate: offered.candidate.clone(), ..seen })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        let Some(package) = seen.best() else {
            return match spec.state() {
                State::Absent => leftovers(spec, seen).into_iter().collect(),
                State::Present | State::Latest => vec![Change::value("state", "absent", "present")],
            };
        };
        if spec.state() == State::Absent {
            return vec![Change::value("state", "present", "absent")];
        }
        [
            (!package.is_complete()).then(|| Change::value("state", &*package.status, "present")),
            version(spec, seen, package),
            spec.hold
                .filter(|hold| *hold != seen.held())
                .map(|hold| Change::value("hold", seen.held().to_string(), hold.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn plan(
        &self,
        _: usize,
        declared: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        facts: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        plan::plan(declared, drifted, facts)
    }
}

fn leftovers(spec: &Spec, seen: &Observed) -> Option<Change> {
    let configured = seen.installed.iter().any(|package| package.status == "config-files");
    (spec.purge == Some(true) && configured)
        .then(|| Change::value("purge", "its configuration is left", "nothing is left"))
}

fn version(spec: &Spec, seen: &Observed, package: &Installed) -> Option<Change> {
    let wanted = match (&spec.version, &seen.candidate) {
        (Some(wish), _) => (!wish.accepts(&package.version)).then(|| wish.to_string()),
        (None, Some(candidate)) => {
            (compare(&package.version, candidate) == Ordering::Less).then(|| format!("{candidate}, the latest"))
        }
        (None, None) => None,
    };
    wanted.map(|wanted| Change::value("version", &*package.version, wanted))
}

/// Debian's rule for names, and an architecture after a colon. A `-` at the end would tell apt to remove it.
fn name_problem(name: &str) -> Option<Problem> {
    let (package, architecture) = crate::facts::packages::split_architecture(name);
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let package_is_right = package.len() >= 2
        && package.starts_with(lower)
        && package.chars().all(|c| lower(c) || "+-.".contains(c))
        && !package.ends_with('-');
    let architecture_is_right = architecture.is_none_or(|name| {
        name.starts_with(lower) && name.chars().all(|c| lower(c) || c == '-') && !name.ends_with('-')
    });
    if package_is_right && architecture_is_right && name.len() <= 200 {
        return None;
    }
    let problem = Problem::name("this is no name of a Debian package: lower-case letters, digits, `+`, `-` and `.`");
    Some(if name.contains('=') { problem.hint("a version goes into `version`") } else { problem })
}

#[cfg(test)]
mod tests;
