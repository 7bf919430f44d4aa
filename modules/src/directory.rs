//! Directories.

use crate::facts::accounts::{ACCOUNTS, Accounts};
use crate::mode::Mode;
use crate::owner::{Names, Wanted};
use crate::path_name;
use crate::presence::Presence;
use engine::links::below_home;
use engine::paths::{self, FileKind, LIST, STAT, Stat, path_problem};
use engine::{Anchor, Change, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem, writes};
use engine::{Blind, Id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The kind `directory`.
pub struct Directory;

/// A directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`, with all that is in it.
    pub state: Option<Presence>,
    /// Permission bits, in octal. A new directory: 0755.
    pub mode: Option<Mode>,
    /// The owner, by name or number. A new directory: whoever makes it, usually root.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub owner: Option<String>,
    /// The group, by name or number.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub group: Option<String>,
    /// Nothing is in it that no policy declares for this host.
    pub exclusive: Option<bool>,
    /// The names in it that are declared on this host, by whatever kind; only for `exclusive`.
    #[serde(skip)]
    declared: Option<BTreeSet<String>>,
    /// What is declared below homes of accounts, wherever they are.
    #[serde(skip)]
    homes: Vec<(String, String)>,
}

/// Without these a system does not start.
const VITAL: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/lib",
];

/// Of the names in a directory that goes away, how many are told.
const TOLD: usize = 5;

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn is_exclusive(&self) -> bool {
        self.exclusive == Some(true)
    }

    /// The names in the directory `dir` that are declared.
    fn declared(&self, dir: &str, accounts: Option<&Accounts>) -> Option<BTreeSet<String>> {
        let mut declared = self.declared.clone()?;
        declared.extend(
            self.homes
                .iter()
                .filter_map(|(account, below)| within(dir, &below_home(&accounts?.users.get(account)?.home, below))),
        );
        Some(declared)
    }

    fn access(&self) -> Wanted<'_> {
        Wanted { mode: self.mode, owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

/// What is at the path.
pub struct Observed {
    stat: Option<Stat>,
    names: Names,
    /// What is in it: all of it if it must go, else what nobody declares.
    content: Vec<Entry>,
}

struct Entry {
    /// Its name, made readable.
    name: String,
    /// Its whole path and what it is; `None` if its name is one that cannot be handed to a program safely.
    path: Option<(String, FileKind)>,
}

impl Module for Directory {
    const KIND: &'static str = "directory";
    const SECTION: &'static str = "directories";
    const DOC: &'static str = include_str!("directory.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems = path_name::problems(name);
        problems.extend(spec.access().problems());
        if spec.is_absent() {
            let written = [
                ("mode", spec.mode.is_some()),
                ("owner", spec.owner.is_some()),
                ("group", spec.group.is_some()),
                ("exclusive", spec.exclusive.is_some()),
            ];
            problems.extend(written.into_iter().filter(|(_, written)| *written).map(|(field, _)| {
                Problem::field(field, format!("`{field}` means nothing for a directory that must be absent"))
            }));
        }
        if VITAL.contains(&name) && (spec.is_absent() || spec.is_exclusive()) {
            let field = if spec.is_absent() { "state" } else { "exclusive" };
            problems.push(Problem::field(field, format!("`{name}` and what is in it are part of the system")));
        }
        problems
    }

    fn settle(&self, name: &str, spec: &mut Spec, provided: &BTreeSet<Anchor>) {
        if spec.is_exclusive() {
            let mut declared = BTreeSet::new();
            for anchor in provided {
                match anchor {
                    Anchor::Path(path) => declared.extend(within(name, path)),
                    Anchor::Home(account, below) => spec.homes.push((account.clone(), below.clone())),
                    _ => {}
                }
            }
            spec.declared = Some(declared);
        }
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        spec.access().needs(path_name::links(name, spec.is_absent()))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let names = spec.access().names(facts);
        let stat = paths::stat(facts, name);
        let listed = spec.is_exclusive().then(|| facts.ask(&LIST, &[name]));
        let accounts = (!spec.homes.is_empty()).then(|| facts.ask(&ACCOUNTS, &[]));
        let stat = stat?;
        let directory = stat.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory);
        let content = match listed {
            Some(listed) if directory => {
                let declared = spec.declared(name, accounts.transpose()?.as_deref());
                entries(name, listed?.as_ref().as_deref(), declared.as_ref(), facts)?
            }
            // Asked in one go with the rest; of what is no directory there is nothing to learn.
            Some(Err(Pending::Need)) => return Err(Pending::Need),
            None if directory && spec.is_absent() => {
                let nothing = BTreeSet::new();
                entries(name, facts.ask(&LIST, &[name])?.as_ref().as_deref(), Some(&nothing), facts)?
            }
            _ => Vec::new(),
        };
        Ok(Observed { stat, names: names?, content })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        match (&seen.stat, spec.is_absent()) {
            (None, true) => vec![],
            (None, false) => vec![Change::value("state", "absent", "present")],
            (Some(stat), true) if stat.kind == FileKind::Directory => vec![Change::value("state", "present", "absent")],
            (Some(stat), true) => vec![Change::value("state", stat.kind.noun(), "absent")],
            (Some(stat), false) if stat.kind != FileKind::Directory => {
                vec![Change::value("state", stat.kind.noun(), "a directory")]
            }
            (Some(stat), false) => {
                let mut changes = spec.access().diff(stat, &seen.names);
                changes.extend(seen.content.iter().map(|entry| Change::extra("exclusive", &entry.name)));
                changes
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
        Ok(drifted.iter().flat_map(plan).collect())
    }
}

/// The name in the directory `dir` by which a path below it begins.
fn within(dir: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(dir.trim_end_matches('/'))?.strip_prefix('/')?;
    rest.split('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// What is in the directory `dir` and not among `declared`. The kinds are asked of the host.
fn entries(
    dir: &str,
    listed: Option<&[Vec<u8>]>,
    declared: Option<&BTreeSet<String>>,
    facts: &Facts,
) -> Result<Vec<Entry>, Pending> {
    let declared = declared.ok_or_else(|| Blind::Failed("it is not known what else is declared in it".into()))?;
    let undeclared = listed.unwrap_or_default().iter().filter_map(|name| {
        let text = String::from_utf8_lossy(name);
        // A file system's own.
        (!declared.contains(&*text) && text != "lost+found").then_some((name, text))
    });
    let asked: Vec<_> = undeclared
        .map(|(name, text)| {
            let path = format!("{}/{text}", dir.trim_end_matches('/'));
            let usable = text.as_bytes() == name.as_slice() && path_problem(&path).is_none();
            let stat = usable.then(|| facts.ask(&STAT, &[&path]));
            (text.into_owned(), path, stat)
        })
        .collect();
    let mut entries = Vec::new();
    for (name, path, stat) in asked {
        let kind = match stat.transpose() {
            Ok(stat) => stat.and_then(|stat| stat.as_ref().as_ref().map(|stat| stat.kind)),
            Err(Pending::Blind(_)) => None,
            Err(pending) => return Err(pending),
        };
        entries.push(Entry { name, path: kind.map(|kind| (path, kind)) });
    }
    Ok(entries)
}

fn plan(drifted: &Drifted<'_, Directory>) -> Vec<Planned> {
    let (id, spec, path) = (drifted.id, drifted.spec, drifted.id.name.as_str());
    let refuse = |why: String| vec![Planned::Refuse { serves: vec![id.clone()], why }];
    match &drifted.seen.stat {
        None if spec.is_absent() => vec![],
        None => vec![writes::mkdir(id.clone(), path, &spec.access().access(None, 0o755), "make the directory").into()],
        Some(stat) if stat.kind == FileKind::Link => {
            refuse(format!("{path} is a link; declare the directory it leads to, or declare it under links"))
        }
        Some(stat) if stat.kind != FileKind::Directory => {
            refuse(format!("{path} is {}, not a directory; move it away yourself", stat.kind.noun()))
        }
        Some(_) if spec.is_absent() => vec![remove(id, path, &drifted.seen.content).into()],
        Some(stat) => {
            let unusable = drifted.seen.content.iter().filter(|entry| entry.path.is_none()).map(|entry| &*entry.name);
            let unusable: Vec<_> = unusable.take(TOLD).collect();
            if !unusable.is_empty() {
                return refuse(format!(
                    "remove these from {path} yourself, their names are not plain text: {unusable:?}"
                ));
            }
            let mut ops = Vec::new();
            let fields: Vec<_> =
                drifted.changes.iter().map(|change| change.field).filter(|f| *f != "exclusive").collect();
            if !fields.is_empty() {
                let access = spec.access().changed(stat, &drifted.seen.names);
                ops.push(writes::own(id.clone(), path, &access, format!("set {}", fields.join(" and "))).into());
            }
            let paths = drifted.seen.content.iter().filter_map(|entry| entry.path.as_ref());
            ops.extend(paths.map(|(path, kind)| clear(id, path, *kind).into()));
            ops
        }
    }
}

/// Removes what nobody declares.
fn clear(id: &Id, path: &str, kind: FileKind) -> Op {
    match kind {
        FileKind::Directory => Op::new(
            id.clone(),
            &writes::REMOVE_TREE,
            vec![path.into()],
            format!("remove {path}, which nothing declares"),
        )
        .destroys(format!("the directory {path} and all that is in it")),
        _ => Op::new(id.clone(), &writes::REMOVE, vec![path.into()], format!("remove {path}, which nothing declares")),
    }
}

/// Removes the directory itself.
fn remove(id: &Id, path: &str, content: &[Entry]) -> Op {
    if content.is_empty() {
        return Op::new(id.clone(), &writes::REMOVE_DIRECTORY, vec![path.into()], "remove the empty directory");
    }
    let told: Vec<_> = content.iter().take(TOLD).map(|entry| entry.name.as_str()).collect();
    let more = match content.len() - told.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Op::new(id.clone(), &writes::REMOVE_TREE, vec![path.into()], "remove the directory with all that is in it")
        .destroys(format!("{path}: {}{more}", told.join(", ")))
}

#[cfg(test)]
mod tests;
