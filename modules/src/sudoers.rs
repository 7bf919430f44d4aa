//! What sudo lets people do: files of /etc/sudoers.d.

mod rule;

use crate::dropin_name;
use crate::presence::Presence;
use crate::system_file::{self, SystemFile};
use crate::words::Words;
use engine::paths::{READ, STAT};
use engine::switch::{Ground, Guard};
use engine::writes::Access;
use engine::{
    Anchor, Blind, Change, Command, Danger, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind `sudoers`.
pub struct Sudoers;

/// A file of /etc/sudoers.d, which sudo reads in addition to /etc/sudoers; its name is the file's.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// Who may: accounts, groups as `%group`, or `ALL`.
    pub users: Option<Words>,
    /// As whom: accounts, after a `:` groups, or `ALL`: `root`, `www-data,postgres`, `ALL:ALL`. Default: root alone.
    pub run_as: Option<String>,
    /// What they may run: absolute paths, with arguments if only those are allowed, or `ALL`. `*`, `?` and `[…]` are
    /// patterns, everything else is meant as it is.
    pub commands: Option<Words>,
    /// Without being asked for their password.
    pub nopasswd: Option<bool>,
    /// What they run can start no other program (tag `NOEXEC`).
    pub noexec: Option<bool>,
    /// They may keep or set variables of the environment (tag `SETENV`).
    pub setenv: Option<bool>,
    /// The whole file instead, in the language of sudoers(5).
    pub content: Option<String>,
    /// What of the above makes the file.
    #[serde(skip)]
    text: Option<String>,
}

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn rule_fields(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("users", self.users.is_some()),
            ("run_as", self.run_as.is_some()),
            ("commands", self.commands.is_some()),
            ("nopasswd", self.nopasswd.is_some()),
            ("noexec", self.noexec.is_some()),
            ("setenv", self.setenv.is_some()),
        ];
        fields.into_iter().filter_map(|(field, written)| written.then_some(field))
    }

    fn file<'a>(&'a self, path: &'a str) -> SystemFile<'a> {
        let text = self.text.as_deref().filter(|_| !self.is_absent());
        let same = if self.content.is_some() { system_file::equal } else { rule::same };
        SystemFile { path, text, mode: 0o440, same }
    }
}

/// Puts standard input in place of a file of /etc/sudoers.d if sudo can read it, and puts the old one back if that makes
/// a new mistake in the whole. Arguments: path, mode, owner, group, the check of the file.
static WRITE: Command = Command { name: "write sudoers", shell: include_str!("sudoers/write.sh") };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&WRITE];

/// What sudo reads itself, and what makes it read the rest.
const MAIN: &str = "/etc/sudoers";

/// A rule as the host has it.
pub struct Observed {
    file: system_file::Seen,
    /// sudo reads the directory that the file is in.
    included: bool,
}

/// Whether `main` makes sudo read /etc/sudoers.d; `None`: it reads other files, which may.
fn includes(main: &str) -> Option<bool> {
    let mut others = false;
    for line in main.lines() {
        // With a `#` in front these are no comments (sudoers(5)).
        let Some(words) = line.trim_start().strip_prefix(['@', '#']) else { continue };
        let Some((directive, path)) = words.split_once([' ', '\t']) else { continue };
        let path = path.trim().trim_matches('"');
        match directive {
            "includedir" if path.trim_end_matches('/') == "/etc/sudoers.d" => return Some(true),
            "include" | "includedir" => others = true,
            _ => {}
        }
    }
    (!others).then_some(false)
}

/// Is silent where all is well.
const CHECK: &str = "visudo -cf {} >/dev/null";

fn path(name: &str) -> String {
    format!("/etc/sudoers.d/{name}")
}

impl Module for Sudoers {
    const KIND: &'static str = "sudoers";
    const SECTION: &'static str = "sudoers";
    const SETS: &'static [&'static str] = &["users", "commands"];
    const DOC: &'static str = include_str!("sudoers.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = dropin_name::problem(name, "sudo").into_iter().collect();
        let content = spec.content.iter().map(|_| "content");
        if spec.is_absent() {
            problems.extend(
                spec.rule_fields().chain(content).map(|field| {
                    Problem::field(field, format!("`{field}` means nothing for a file that must be absent"))
                }),
            );
        } else if spec.content.is_some() {
            problems.extend(spec.rule_fields().map(|field| {
                Problem::field(field, format!("`content` is the whole file, so `{field}` would say nothing"))
                    .hint("keep one of them")
            }));
        } else {
            problems.extend(rule::problems(spec));
        }
        problems
    }

    fn complete(
        &self,
        specs: &mut std::collections::BTreeMap<String, Spec>,
        _: &dyn engine::Repository,
    ) -> Vec<(String, Problem)> {
        for spec in specs.values_mut() {
            spec.text = Some(spec.content.clone().unwrap_or_else(|| rule::text(spec)));
        }
        Vec::new()
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let links = crate::path_name::links(&path(name), spec.is_absent());
        if spec.is_absent() {
            return links;
        }
        let links = links.needs(Anchor::Package("sudo".into()));
        rule::names(spec).fold(links, Links::needs)
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Self::Seen, Pending> {
        let file = spec.file(&path(name)).observe(facts);
        if spec.is_absent() {
            return Ok(Observed { file: file?, included: true });
        }
        let (main, text) = (facts.ask(&STAT, &[MAIN]), facts.ask(&READ, &[MAIN]));
        // The package brings it.
        let included = main?.is_none() || {
            let included = includes(&String::from_utf8_lossy(&text?));
            let why =
                "whether sudo reads /etc/sudoers.d is not known: /etc/sudoers includes other files, which may say so";
            included.ok_or_else(|| Blind::Failed(why.into()))?
        };
        Ok(Observed { file: file?, included })
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Self::Seen) -> Vec<Change> {
        let mut changes = spec.file(&path(name)).diff(&seen.file);
        if !seen.included {
            changes.push(
                Change::value("included", "/etc/sudoers does not include /etc/sudoers.d", "read by sudo").stays(
                    "sudo does not read the file: add the line `@includedir /etc/sudoers.d` to /etc/sudoers (visudo)",
                ),
            );
        }
        changes
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(drifted.iter().filter_map(plan).collect())
    }
}

fn plan(drifted: &Drifted<'_, Sudoers>) -> Option<Planned> {
    let (id, spec, seen) = (drifted.id, drifted.spec, &drifted.seen.file);
    let path = path(&id.name);
    let asks_now = spec.nopasswd != Some(true) && seen.text().is_some_and(|text| text.contains("NOPASSWD"));
    let write = |access: &Access, text: Vec<u8>, says: &'static str| {
        let mode = format!("{:04o}", access.mode);
        let args = vec![path.clone(), mode, access.owner.clone(), access.group.clone(), CHECK.into()];
        let left = spec.content.is_none().then(|| if asks_now { Vec::new() } else { rule::masters(spec) });
        Op::new(id.clone(), &WRITE, args, format!("{says} {path}"))
            .stdin(text)
            .endangers(Danger::Rights { path: path.clone(), left })
            .guarded(Guard { ground: Ground::Rights, paths: vec![path.clone()], after: None })
    };
    spec.file(&path).plan(id, seen, &drifted.changes, write)
}

#[cfg(test)]
mod tests;
