//! The keys that open an account.

mod plan;

use crate::account_name;
use crate::facts::accounts::ACCOUNTS;
use crate::facts::authorized_keys::{AUTHORIZED_KEYS, AuthorizedKeys, Content, Line, Means};
use crate::facts::key_paths::KEY_PATHS;
use crate::path_name;
use crate::public_key::{Fingerprint, PublicKey};
use engine::key_file::{expanded, is_for_all};
use engine::paths::path_problem;
use engine::{
    Anchor, Blind, Change, Drifted, Facts, Item, Links, Module, Others, Pending, Planned, Problem, Repository,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind `ssh_key`.
pub struct SshKey;

/// Where keys are, below the home.
const FILE: &str = ".ssh/authorized_keys";
const SECOND_FILE: &str = ".ssh/authorized_keys2";

/// The keys that open an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// These open it: lines as in authorized_keys (options, type, key, comment). Comments are not compared.
    pub keys: Option<Vec<PublicKey>>,
    /// So do the `keys` that these accounts' `ssh_keys` declare on the same host; not what they have by `keys_of`.
    pub keys_of: Option<Vec<String>>,
    /// These do not: lines, or fingerprints such as `SHA256:…`.
    pub absent_keys: Option<Vec<Fingerprint>>,
    /// No other key opens it (default: true, once `keys` or `keys_of` is written).
    pub exclusive: Option<bool>,
    /// The file, if it is not `.ssh/authorized_keys`: below the home, or an absolute path. As in sshd_config,
    /// `%u` stands for the account and `%h` for its home.
    pub path: Option<String>,
    /// What `keys` and `keys_of` come to.
    #[serde(skip)]
    wanted: Vec<PublicKey>,
}

impl Spec {
    fn is_exclusive(&self) -> bool {
        self.exclusive.unwrap_or(self.keys.is_some() || self.keys_of.is_some())
    }

    fn wants(&self, key: &PublicKey) -> bool {
        self.wanted.iter().any(|wanted| wanted.same_rights(key))
    }

    fn bans(&self, key: &PublicKey) -> bool {
        self.absent_keys.iter().flatten().any(|banned| banned.as_str() == key.fingerprint())
    }

    /// What becomes of a line of the host's file.
    fn judge(&self, line: &Line) -> Judged {
        match &line.means {
            Means::Nothing => Judged::Right,
            Means::Key(key) if self.bans(key) => Judged::Banned,
            Means::Key(key) if self.wants(key) => Judged::Right,
            // The first line with a key counts for sshd: one with other options must go in any case.
            Means::Key(key) if self.wanted.iter().any(|wanted| wanted.fingerprint() == key.fingerprint()) => {
                Judged::OtherRights
            }
            _ if self.is_exclusive() => Judged::Unlisted,
            _ => Judged::Right,
        }
    }

    /// The path of a second file that sshd reads unless it is told otherwise (`AuthorizedKeysFile` in sshd_config(5)).
    fn second_file(&self, account: &str) -> Option<&'static str> {
        (self.file(account) == FILE).then_some(SECOND_FILE)
    }

    /// The file's path, below the home unless it is absolute.
    fn file(&self, account: &str) -> String {
        let path = self.path.as_deref().unwrap_or(FILE);
        let path = path.strip_prefix("%h/").unwrap_or(path);
        let parts: Vec<_> = path.split("%%").map(|part| part.replace("%u", account)).collect();
        parts.join("%")
    }
}

/// What opens the account now.
#[derive(Debug)]
pub struct Observed {
    file: AuthorizedKeys,
    /// The other files in which sshd looks. Nothing is put in there; what must not open the account is taken out.
    others: Vec<Other>,
    /// Where sshd looks, if not in the file.
    elsewhere: Option<String>,
}

#[derive(Debug)]
struct Other {
    file: AuthorizedKeys,
    /// It opens every account.
    is_for_all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Right,
    Banned,
    OtherRights,
    Unlisted,
}

impl Module for SshKey {
    const KIND: &'static str = "ssh_key";
    const SECTION: &'static str = "ssh_keys";
    const SETS: &'static [&'static str] = &["keys", "keys_of", "absent_keys"];
    const STATE: Option<&'static [&'static str]> = None;
    const DOC: &'static str = include_str!("ssh_key.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = account_name::problem(name).into_iter().collect();
        if spec.keys.is_none() && spec.keys_of.is_none() && spec.absent_keys.is_none() && spec.exclusive.is_none() {
            problems.push(Problem::field("keys", "nothing is said of this account's keys").hint("add `keys`"));
        }
        problems.extend(spec.path.as_deref().and_then(path_mistake).map(|why| Problem::field("path", why)));
        for key in spec.keys.iter().flatten().filter(|key| spec.bans(key)) {
            let message = format!("{} is both in `keys` and in `absent_keys`", key.label());
            problems.push(Problem::field("absent_keys", message));
        }
        for (at, key) in spec.keys.iter().flatten().enumerate() {
            let earlier = spec.keys.iter().flatten().take(at);
            problems.extend(disagreement(earlier, key).map(|why| Problem::field("keys", why)));
        }
        problems
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, _: &dyn Repository) -> Vec<(String, Problem)> {
        let declared: BTreeMap<_, _> = specs.iter().map(|(name, spec)| (name.clone(), spec.keys.clone())).collect();
        let mut problems = Vec::new();
        for (name, spec) in specs.iter_mut() {
            let mut wanted = spec.keys.clone().unwrap_or_default();
            for other in spec.keys_of.iter().flatten() {
                match declared.get(other) {
                    Some(Some(keys)) => wanted.extend(keys.iter().cloned()),
                    // Taken for none, they would all be removed.
                    Some(None) => problems.push((
                        name.clone(),
                        Problem::field(
                            "keys_of",
                            format!("{other} declares no `keys` of its own, and only those count"),
                        )
                        .hint("name the accounts whose `keys` are meant"),
                    )),
                    None => problems.push((
                        name.clone(),
                        Problem::field("keys_of", format!("no `ssh_keys` are declared for {other} on this host"))
                            .hint(format!("declare ssh_keys: {other}, or leave it out of `keys_of`")),
                    )),
                }
            }
            for key in wanted {
                let disagrees = disagreement(spec.wanted.iter(), &key);
                if spec.bans(&key) && !spec.keys.iter().flatten().any(|own| own.fingerprint() == key.fingerprint()) {
                    let message = format!("{} is in `absent_keys`, and comes in by `keys_of`", key.label());
                    problems.push((name.clone(), Problem::field("absent_keys", message)));
                } else if let Some(why) = disagrees {
                    problems.push((name.clone(), Problem::field("keys_of", why)));
                } else if !spec.wants(&key) {
                    spec.wanted.push(key);
                }
            }
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let links = Links::new().needs(Anchor::User(name.into()));
        let file = spec.file(name);
        // Whoever only keeps some keys out leaves the rest to others.
        let others = if spec.is_exclusive() || !spec.wanted.is_empty() { Others::None } else { Others::OtherKinds };
        let links = match path_name::parent(&file).filter(|_| file.starts_with('/')) {
            Some(parent) => return links.needs(Anchor::Path(parent.into())).keeps(Anchor::Path(file), others),
            None => links.keeps(Anchor::Home(name.into(), file), others),
        };
        let second = spec.second_file(name).map(|second| Anchor::Home(name.into(), second.into()));
        second.into_iter().fold(links, |links, second| links.keeps(second, others))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let file = facts.ask(&AUTHORIZED_KEYS, &[name, &spec.file(name)]);
        let second = spec.second_file(name).map(|second| facts.ask(&AUTHORIZED_KEYS, &[name, second])).transpose();
        let accounts = facts.ask(&ACCOUNTS, &[]);
        let Some(file) = (*file?).clone() else {
            return Err(Blind::NotYet(format!("there is no account {name} in /etc/passwd")).into());
        };
        if !file.home_exists && !spec.file(name).starts_with('/') {
            let home = if file.home.is_empty() { "/" } else { &file.home };
            return Err(Blind::NotYet(format!("{home}, the home of {name}, is not there")).into());
        }
        let paths = accounts?.key_paths.then(|| facts.ask(&KEY_PATHS, &[name])).transpose()?;
        if let Some(paths) = paths.as_ref().and_then(|paths| paths.as_ref().as_ref()) {
            return elsewhere(name, spec, file, paths, facts);
        }
        let second = second?.and_then(|second| (*second).clone());
        let others = second.into_iter().map(|file| Other { file, is_for_all: false }).collect();
        Ok(Observed { file, others, elsewhere: None })
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        let Observed { file: seen, others, elsewhere } = seen;
        let mut changes = Vec::new();
        match seen.content {
            Content::NotAFile => changes.push(Change::value("path", format!("{} is not a file", seen.path), "a file")),
            Content::Unreadable => {
                changes.push(Change::value("path", format!("{} cannot be read by {name}", seen.path), "readable"));
            }
            Content::Absent | Content::Lines(_) => {}
        }
        changes.extend(distrusted(seen));
        if let Some(elsewhere) = elsewhere {
            changes.push(Change::value("path", format!("sshd looks in {elsewhere}"), format!("in {}", seen.path)));
        }
        let lines = lines(seen);
        let keys = || lines.iter().filter_map(|line| key_of(line));
        for wanted in spec.wanted.iter().filter(|wanted| !keys().any(|key| key.same_rights(wanted))) {
            changes.push(Change::missing("keys", wanted.label()));
        }
        let extra = |line: &Line, place: String| match spec.judge(line) {
            Judged::Right => None,
            Judged::Banned => Some(Change::extra("absent_keys", label(line) + &place)),
            Judged::OtherRights | Judged::Unlisted => Some(Change::extra("keys", label(line) + &place)),
        };
        changes.extend(lines.iter().filter_map(|line| extra(line, String::new())));
        for other in others.iter().map(|other| &other.file) {
            changes.extend(self::lines(other).iter().filter_map(|line| extra(line, format!(", in {}", other.path))));
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
        Ok(drifted.iter().flat_map(plan::plan).collect())
    }
}

/// What is seen where sshd has been told in which `paths` it looks.
fn elsewhere(
    name: &str,
    spec: &Spec,
    file: AuthorizedKeys,
    paths: &[String],
    facts: &Facts,
) -> Result<Observed, Pending> {
    let mut read: Vec<(String, bool)> = Vec::new();
    for path in paths {
        let path = (expanded(path, name, &file.uid.to_string(), &file.home), is_for_all(path));
        if !read.contains(&path) {
            read.push(path);
        }
    }
    let is_read = read.iter().any(|(path, _)| *path == file.path);
    // Another file that the policy names may be that of another server than sshd.
    if !is_read && spec.file(name) != FILE {
        return Ok(Observed { file, others: Vec::new(), elsewhere: None });
    }
    let places: Vec<_> = read.iter().map(|(path, _)| path.as_str()).collect();
    let places = if places.is_empty() { "no file".into() } else { places.join(" and ") };
    let elsewhere = (!is_read).then_some(places);
    read.retain(|(path, _)| *path != file.path);
    let asked: Vec<_> = read.iter().map(|(path, _)| facts.ask(&AUTHORIZED_KEYS, &[name, path])).collect();
    let mut others = Vec::new();
    for (answer, (_, is_for_all)) in asked.into_iter().zip(read) {
        others.extend((*answer?).clone().map(|file| Other { file, is_for_all }));
    }
    Ok(Observed { file, others, elsewhere })
}

fn lines(seen: &AuthorizedKeys) -> &[Line] {
    match &seen.content {
        Content::Lines(lines) => lines,
        _ => &[],
    }
}

fn key_of(line: &Line) -> Option<&PublicKey> {
    match &line.means {
        Means::Key(key) => Some(key),
        _ => None,
    }
}

/// For a reader.
fn label(line: &Line) -> String {
    key_of(line).map_or_else(
        || {
            format!(
                "a line that is no key: {}",
                String::from_utf8_lossy(&line.raw).chars().take(60).collect::<String>()
            )
        },
        PublicKey::label,
    )
}

/// That the same key is wanted with other options.
fn disagreement<'a>(mut others: impl Iterator<Item = &'a PublicKey>, key: &PublicKey) -> Option<String> {
    let other = others.find(|other| other.fingerprint() == key.fingerprint() && !other.same_rights(key))?;
    Some(format!("one key has two sets of options: {} and {}", other.label(), key.label()))
}

/// What keeps sshd from trusting the file (`StrictModes`): somebody else could write there.
fn distrusted(seen: &AuthorizedKeys) -> Option<Change> {
    let bad: Vec<_> = seen.way.iter().filter(|at| !plan::trusted(at, seen)).collect();
    if bad.is_empty() {
        return None;
    }
    let is: Vec<_> = bad.iter().map(|at| format!("{} is {:04o} of uid {}", at.path, at.mode, at.uid)).collect();
    Some(Change::value("path", is.join(", "), format!("owned by root or uid {} and writable by nobody else", seen.uid)))
}

fn path_mistake(path: &str) -> Option<String> {
    let path = path.strip_prefix("%h/").unwrap_or(path);
    let plain = path.replace("%%", "").replace("%u", "");
    if plain.contains('%') {
        return Some("of `%`, only `%u`, `%%`, and `%h/` at the beginning mean something here".into());
    }
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    path_problem(&absolute)
}

#[cfg(test)]
mod tests;
