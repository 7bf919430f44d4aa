//! What is on a host and no policy declares.

use crate::facts::accounts::ACCOUNTS;
use crate::facts::key_files::{KEY_FILES, KeyFile};
use crate::glob;
use engine::paths::{LIST, READ};
use engine::{Anchor, Change, Drifted, Facts, Item, Links, Module, Pending, Planned, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The kind `unmanaged`.
pub struct Unmanaged;

/// What is there of a sort (`users`, `ssh_keys`, `sudoers`, `cron`) and no policy declares; only ever reported.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// These may be there: names, or patterns with `*` and `?`.
    pub except: Option<BTreeSet<String>>,
    /// What all resources of the host provide, and are.
    #[serde(skip)]
    declared: BTreeSet<Anchor>,
}

/// The sorts that can be looked for.
const SORTS: [&str; 4] = ["users", "ssh_keys", "sudoers", "cron"];

/// The numbers of accounts of people (UID_MIN and UID_MAX of Debian's login.defs, less those of nobody and containers).
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=59_999;

/// Something that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What `except` compares.
    name: String,
    /// For a reader.
    label: String,
    /// What would declare it.
    by: Vec<Anchor>,
}

/// Why it is never enforced.
const ONLY_REPORTED: &str =
    "what nobody declares is only reported: declare it, list it in `except`, or remove it yourself";

impl Module for Unmanaged {
    const KIND: &'static str = "unmanaged";
    const SECTION: &'static str = "unmanaged";
    const SETS: &'static [&'static str] = &["except"];
    const STATE: Option<&'static [&'static str]> = None;
    const AUDIT_ONLY: Option<&'static str> = Some(ONLY_REPORTED);
    const DOC: &'static str = include_str!("unmanaged.md");
    type Spec = Spec;
    type Seen = Vec<Found>;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !SORTS.contains(&name) {
            problems.push(
                Problem::name("it is not known how to look for these").hint(format!("one of {}", SORTS.join(", "))),
            );
        }
        if spec.except.iter().flatten().any(String::is_empty) {
            problems.push(Problem::field("except", "an empty name fits nothing"));
        }
        problems
    }

    fn settle(&self, _: &str, spec: &mut Spec, provided: &BTreeSet<Anchor>) {
        spec.declared.clone_from(provided);
    }

    /// It looks at what the others made.
    fn links(&self, _: &str, _: &Spec, _: usize) -> Links {
        Links::new()
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Vec<Found>, Pending> {
        let mut found = match name {
            "users" => users(facts)?,
            "ssh_keys" => ssh_keys(facts)?,
            "sudoers" => files("sudoers", "/etc/sudoers.d", facts)?,
            _ => files("cron", "/etc/cron.d", facts)?,
        };
        found.retain(|found| {
            !found.by.iter().any(|anchor| spec.declared.contains(anchor))
                && !spec.except.iter().flatten().any(|pattern| glob::matches(pattern, &found.name))
        });
        Ok(found)
    }

    fn diff(&self, _: &str, _: &Spec, seen: &Vec<Found>) -> Vec<Change> {
        seen.iter().map(|found| Change::extra("undeclared", &found.label)).collect()
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        let refuse = |drifted: &Drifted<'_, Self>| Planned::Refuse {
            serves: vec![drifted.id.clone()],
            why: ONLY_REPORTED.into(),
        };
        Ok(drifted.iter().map(refuse).collect())
    }
}

fn resource(kind: &str, name: &str) -> Anchor {
    Anchor::Resource(format!("{kind}/{name}"))
}

fn users(facts: &Facts) -> Result<Vec<Found>, Pending> {
    let accounts = facts.ask(&ACCOUNTS, &[])?;
    let people = accounts.users.values().filter(|account| PEOPLE.contains(&account.uid));
    Ok(people
        .map(|account| Found {
            name: account.name.clone(),
            label: format!("{} (number {})", account.name, account.uid),
            by: vec![resource("user", &account.name)],
        })
        .collect())
}

fn ssh_keys(facts: &Facts) -> Result<Vec<Found>, Pending> {
    let found = facts.ask(&KEY_FILES, &[])?;
    Ok(found
        .iter()
        .map(|file| Found {
            name: file.account.clone(),
            label: format!("{} of {}", file.path, file.account),
            by: vec![Anchor::Path(file.path.clone()), below_home(file)],
        })
        .collect())
}

/// The file as what declares an account's keys has it.
fn below_home(file: &KeyFile) -> Anchor {
    let below = file.path.rfind("/.ssh/").and_then(|at| file.path.get(at + 1..));
    Anchor::Home(file.account.clone(), below.unwrap_or_default().to_owned())
}

/// The files of a directory that its program would read: `.` in a name keeps sudo and cron away, `~` at its end too.
fn files(kind: &str, dir: &str, facts: &Facts) -> Result<Vec<Found>, Pending> {
    let listed = facts.ask(&LIST, &[dir]);
    // Debian's own, in which there are comments only.
    let readme = facts.ask(&READ, &[&format!("{dir}/README")]);
    let listed = listed?;
    let readme = match readme {
        Err(Pending::Need) => return Err(Pending::Need),
        readme => readme.is_ok_and(|text| text.split(|&byte| byte == b'\n').all(is_comment)),
    };
    let names = listed.as_ref().as_ref().into_iter().flatten().map(|name| String::from_utf8_lossy(name).into_owned());
    let read = names.filter(|name| !(name.contains('.') || name.ends_with('~') || readme && name == "README"));
    Ok(read
        .map(|name| {
            let path = format!("{dir}/{name}");
            let by = vec![resource(kind, &name), Anchor::Path(path.clone()), resource("file", &path)];
            Found { label: path, by, name }
        })
        .collect())
}

/// `#1000` and `#include` mean something to sudo.
fn is_comment(line: &[u8]) -> bool {
    matches!(line, [] | [b'#'] | [b'#', b' ' | b'\t' | b'#', ..]) && !line.ends_with(b"\\")
}

#[cfg(test)]
mod tests;
