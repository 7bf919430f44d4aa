//! Jails of fail2ban: in its files, as it would load them, and as they run.

mod bantime;
mod diff;
pub(crate) mod plan;
mod section;

use crate::duration::Duration;
use crate::facts::fail2ban::{FAIL2BAN, Fail2ban as State};
use crate::words::Words;
use bantime::Bantime;
use engine::paths::{FileKind, LIST, READ, STAT, Stat};
use engine::{Anchor, Change, Drifted, Facts, Item, Links, Module, Others, Pending, Planned, Problem, Repository};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kind `fail2ban`.
pub struct Fail2ban;

/// The file that all jails are written to. It is read last.
const FILE: &str = "/etc/fail2ban/jail.d/zz-comply.local";
const DIRECTORY: &str = "/etc/fail2ban/jail.d";

/// The name of the defaults of all jails.
const DEFAULT: &str = "DEFAULT";

/// A jail of fail2ban, or, under the name `DEFAULT`, what holds for all jails that do not say otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// It runs (default: true).
    pub enabled: Option<bool>,
    /// The ports that are closed to those who are banned: `ssh`, `80,443`.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub port: Option<String>,
    /// What counts as a failure: the name of a file of filter.d.
    pub filter: Option<String>,
    /// The files in which failures are looked for.
    pub logpath: Option<Words>,
    /// How the log is followed: `systemd` is the journal. Default for `sshd` without `logpath`: `systemd`.
    pub backend: Option<String>,
    /// So many failures…
    pub maxretry: Option<u32>,
    /// …within this time lead to a ban…
    pub findtime: Option<Duration>,
    /// …for this time; `-1` is for ever.
    pub bantime: Option<Bantime>,
    /// Addresses, networks and names that are never banned.
    pub ignoreip: Option<Words>,
    /// How somebody is banned: the name of a file of action.d, such as `nftables`.
    pub banaction: Option<String>,
    /// All that is done when somebody is banned.
    pub action: Option<String>,
    /// Any other option of jail.conf(5).
    pub options: Option<BTreeMap<String, String>>,
    /// All jails that are declared on the host.
    #[serde(skip)]
    names: BTreeSet<String>,
}

impl Spec {
    fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// The first one tells what is wrong with the file itself.
    fn speaks_for_the_file(&self, name: &str) -> bool {
        self.names.first().is_some_and(|first| first == name)
    }
}

/// fail2ban as the host has it.
pub struct Observed {
    stat: Option<Stat>,
    sections: BTreeMap<String, String>,
    /// Files that are read after comply's own.
    later: Vec<String>,
    state: Arc<State>,
}

impl Module for Fail2ban {
    const KIND: &'static str = "fail2ban";
    const SECTION: &'static str = "fail2ban";
    const SETS: &'static [&'static str] = &["ignoreip"];
    const STATE: Option<&'static [&'static str]> = None;
    const DOC: &'static str = include_str!("fail2ban.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        section::problems(name, spec)
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, _: &dyn Repository) -> Vec<(String, Problem)> {
        let names: BTreeSet<String> = specs.keys().cloned().collect();
        for spec in specs.values_mut() {
            spec.names.clone_from(&names);
        }
        Vec::new()
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        // The unit starts well only once its jails are right.
        let links = Links::new()
            .keeps(Anchor::Path(FILE.into()), Others::SameKind)
            .provides(Anchor::Unit("fail2ban.service".into()))
            .needs(Anchor::Package("fail2ban".into()))
            .after(Anchor::Path("/etc/fail2ban/jail.local".into()));
        let part = |text: Option<&str>| text.and_then(|text| text.split('[').next()).map(str::to_owned);
        let filter = part(spec.filter.as_deref()).unwrap_or_else(|| name.to_owned());
        let actions = [part(spec.banaction.as_deref()), part(spec.action.as_deref())].into_iter().flatten();
        let parts = std::iter::once(format!("filter.d/{filter}")).chain(actions.map(|name| format!("action.d/{name}")));
        parts.fold(links, |links, part| {
            [".conf", ".local"]
                .iter()
                .fold(links, |links, end| links.after(Anchor::Path(format!("/etc/fail2ban/{}{end}", part.trim()))))
        })
    }

    fn observe(&self, _: &str, _: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let (stat, text, listed) =
            (facts.ask(&STAT, &[FILE]), facts.ask(&READ, &[FILE]), facts.ask(&LIST, &[DIRECTORY]));
        let state = facts.ask(&FAIL2BAN, &[]);
        let stat = (*stat?).clone();
        let regular = stat.as_ref().is_some_and(|stat| stat.kind == FileKind::Regular);
        let sections = match text {
            Ok(bytes) => section::read(&String::from_utf8_lossy(&bytes)),
            Err(Pending::Need) => return Err(Pending::Need),
            Err(why) if regular => return Err(why),
            Err(_) => BTreeMap::new(),
        };
        let own = FILE.rsplit('/').next().unwrap_or_default();
        let names = listed?.as_ref().clone().unwrap_or_default();
        let later = names.iter().map(|name| String::from_utf8_lossy(name).into_owned());
        let later = later.filter(|name| name.ends_with(".local") && name.as_str() > own).collect();
        Ok(Observed { stat, sections, later, state: state? })
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        diff::diff(name, spec, seen)
    }

    fn plan(
        &self,
        _: usize,
        declared: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(plan::plan(declared, drifted))
    }
}

#[cfg(test)]
mod tests;
