//! Jobs that cron runs: files of /etc/cron.d.

pub mod schedule;

use crate::account_name;
use crate::dropin_name;
use crate::facts::accounts::{ACCOUNTS, KNOWN_USER};
use crate::facts::hard_links::HARD_LINKS;
use crate::presence::Presence;
use crate::system_file::{self, SystemFile};
use engine::paths::STAT;
use engine::{Anchor, Change, Drifted, Facts, Item, Links, Module, Pending, Planned, Problem, writes};
use schedule::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind `cron`.
pub struct Cron;

/// A file of /etc/cron.d with one job; its name is the file's.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// When: minute, hour, day of the month, month, day of the week (`30 4 * * mon`), or `@daily` and its like.
    pub schedule: Option<Schedule>,
    /// As whom; default: root.
    pub user: Option<String>,
    /// What is run, as `/bin/sh -c` gets it; a `%` is meant as it is.
    pub command: Option<String>,
    /// Variables of its environment: `MAILTO`, `PATH`…
    pub env: Option<BTreeMap<String, String>>,
    /// The whole file.
    #[serde(skip)]
    text: Option<String>,
}

/// Debian's cron takes no longer line than this, in bytes (MAX_COMMAND and MAX_ENVSTR).
const LONGEST: usize = 998;

/// What runs the files of /etc/cron.d on Debian: the packages cron and cronie; bcron; systemd-cron.
const DAEMONS: [&str; 4] = [
    "/usr/sbin/cron",
    "/usr/sbin/crond",
    "/usr/sbin/bcron-start",
    "/usr/lib/systemd/system-generators/systemd-crontab-generator",
];

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("root")
    }

    fn file<'a>(&'a self, path: &'a str) -> SystemFile<'a> {
        let text = self.text.as_deref().filter(|_| !self.is_absent());
        SystemFile { path, text, mode: 0o644, same }
    }
}

/// What is there of the job.
pub struct Observed {
    file: system_file::Seen,
    /// Under how many names the file is there: cron reads none that has several.
    names: u32,
    /// The account is known on the host.
    user: bool,
    /// Something is there that runs jobs.
    daemon: bool,
}

fn path(name: &str) -> String {
    format!("/etc/cron.d/{name}")
}

/// The file as Ansible's `cron` writes it, less its comments.
fn text(spec: &Spec) -> String {
    let env = spec.env.iter().flatten().map(|(name, value)| {
        let quote = if value.contains('"') { '\'' } else { '"' };
        format!("{name}={quote}{value}{quote}\n")
    });
    let schedule = spec.schedule.as_ref().map_or("", Schedule::as_str);
    // cron makes a newline of a `%`.
    let command = spec.command.as_deref().unwrap_or_default().replace('%', "\\%");
    env.collect::<String>() + &format!("{schedule} {} {command}\n", spec.user())
}

/// Whether a file of the host means the same: comments and empty lines do not count. cron does not read a file whose last
/// line has no end.
fn same(host: &str, wanted: &str) -> bool {
    let counts = |line: &&str| !line.trim_start_matches([' ', '\t']).starts_with('#') && !line.trim().is_empty();
    host.ends_with('\n') && host.split('\n').filter(counts).eq(wanted.split('\n').filter(counts))
}

impl Module for Cron {
    const KIND: &'static str = "cron";
    const SECTION: &'static str = "cron";
    const REQUIRED: &'static [&'static str] = &["schedule", "command"];
    const DOC: &'static str = include_str!("cron.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = dropin_name::problem(name, "cron").into_iter().collect();
        if spec.is_absent() {
            let fields = [
                ("schedule", spec.schedule.is_some()),
                ("user", spec.user.is_some()),
                ("command", spec.command.is_some()),
                ("env", spec.env.is_some()),
            ];
            problems.extend(fields.into_iter().filter(|(_, written)| *written).map(|(field, _)| {
                Problem::field(field, format!("`{field}` means nothing for a job that must be absent"))
            }));
            return problems;
        }
        let user = account_name::problem(spec.user());
        problems.extend(
            user.map(|found| Problem::field("user", format!("`{}`: {}", spec.user().escape_debug(), found.message))),
        );
        problems.extend(spec.command.as_deref().and_then(command_problem));
        problems.extend(spec.env.iter().flatten().filter_map(|(name, value)| variable_problem(name, value)));
        problems
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, _: &dyn engine::Repository) -> Vec<(String, Problem)> {
        for spec in specs.values_mut() {
            spec.text = Some(text(spec));
        }
        Vec::new()
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let links = crate::path_name::links(&path(name), spec.is_absent());
        if spec.is_absent() {
            return links;
        }
        links.after(Anchor::Package("cron".into())).needs(Anchor::User(spec.user().into()))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let file = spec.file(&path(name)).observe(facts);
        if spec.is_absent() {
            return Ok(Observed { file: file?, names: 1, user: true, daemon: true });
        }
        let names = facts.ask(&HARD_LINKS, &[&path(name)]);
        let accounts = facts.ask(&ACCOUNTS, &[]);
        let daemons = DAEMONS.map(|path| facts.ask(&STAT, &[path]));
        let accounts = accounts?;
        let user = accounts.users.contains_key(spec.user())
            || (accounts.remote_users && *facts.ask(&KNOWN_USER, &[spec.user()])?);
        let mut daemon = false;
        for found in daemons {
            daemon |= found?.is_some();
        }
        Ok(Observed { file: file?, names: *names?, user, daemon })
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        let mut changes = spec.file(&path(name)).diff(&seen.file);
        if seen.names > 1 && changes.iter().all(|change| change.field != "state") {
            changes.push(Change::value(
                "state",
                format!("present under {} names, so cron does not read it", seen.names),
                "present",
            ));
        }
        if !seen.user {
            changes.push(Change::value("user", format!("there is no account {}", spec.user()), spec.user()));
        }
        if !seen.daemon {
            changes.push(Change::value("command", "nothing here runs jobs: cron is not installed", "run by cron"));
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

fn plan(drifted: &Drifted<'_, Cron>) -> Option<Planned> {
    let (id, spec, seen) = (drifted.id, drifted.spec, drifted.seen);
    let refuse = |why: String| Some(Planned::Refuse { serves: vec![id.clone()], why });
    if !seen.daemon {
        return refuse("cron is not on this host, so nothing would run the job: declare `packages: [cron]`".into());
    }
    if !seen.user {
        return refuse(format!(
            "there is no account {}, and cron reads no file with a job for one: declare it under users",
            spec.user()
        ));
    }
    let path = path(&id.name);
    spec.file(&path).plan(id, &seen.file, &drifted.changes, |access, text, says| {
        writes::write(id.clone(), &path, text, access, None, format!("{says} {path}"))
    })
}

fn command_problem(command: &str) -> Option<Problem> {
    let wrong = |why: &str| Some(Problem::field("command", why.to_owned()));
    if command.trim().is_empty() {
        return wrong("the command is empty");
    }
    if command.contains("\\%") {
        return Some(
            Problem::field("command", "`\\%` would reach the shell as it is")
                .hint("write `%`: the backslash that cron needs is added for you"),
        );
    }
    if command.contains(|c: char| c.is_control()) {
        return Some(
            Problem::field("command", "a command is one line without control characters")
                .hint("put a longer one in a script, under `files`, and run that"),
        );
    }
    if command.trim() != command {
        return wrong("there is space before or after the command");
    }
    (command.replace('%', "\\%").len() > LONGEST).then(|| {
        Problem::field("command", format!("it is longer than {LONGEST} bytes, and cron would not read the file"))
            .hint("put it in a script, under `files`, and run that")
    })
}

fn variable_problem(name: &str, value: &str) -> Option<Problem> {
    let wrong = |why: String| Some(Problem::field("env", why));
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(letters) {
        return wrong(format!("`{}` is no name of a variable: letters, digits and `_`", name.escape_debug()));
    }
    if ["LOGNAME", "USER"].contains(&name) {
        return wrong(format!("cron sets `{name}` itself, to the account that runs the job"));
    }
    if value.contains(|c: char| c.is_control()) {
        return wrong(format!("the value of `{name}` is not one line, or has control characters in it"));
    }
    if value.trim() != value {
        return wrong(format!("the value of `{name}` has space at an end, which cron drops"));
    }
    if value.contains('"') && value.contains('\'') {
        return wrong(format!("the value of `{name}` has both kinds of quotes in it, which cron cannot read"));
    }
    (name.len() + value.len() > LONGEST - 3)
        .then(|| Problem::field("env", format!("`{name}` is longer than cron reads ({LONGEST} bytes)")))
}

#[cfg(test)]
mod tests;
