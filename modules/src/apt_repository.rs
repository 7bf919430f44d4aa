//! Sources of packages: deb822 files of /etc/apt/sources.list.d.

mod deb822;

use crate::presence::Presence;
use crate::system_file::{self, SystemFile};
use crate::words::Words;
use engine::{Change, Command, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem, Repository};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind `apt_repository`.
pub struct AptRepository;

/// A source of packages: the file /etc/apt/sources.list.d/NAME.sources.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// Where it is: `https://download.docker.com/linux/debian`.
    pub uris: Option<Words>,
    /// Of which releases: `bookworm`; or a directory, with `/` at its end, which has no components.
    pub suites: Option<Words>,
    /// Of what in them: `main`, `stable`.
    pub components: Option<Words>,
    /// For which architectures only: `amd64`.
    pub architectures: Option<Words>,
    /// `deb` (the default), `deb-src` or both.
    pub types: Option<Words>,
    /// The public key that signs it: armoured text, or a file of the repository of policies that holds it.
    pub key: Option<String>,
    /// A file of keys that is on the host already: `/usr/share/keyrings/debian-archive-keyring.gpg`.
    pub signed_by: Option<String>,
    /// It is believed without a signature. For a source on the host itself.
    pub trusted: Option<bool>,
    /// The whole file.
    #[serde(skip)]
    text: Option<String>,
}

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Puts standard input in place of a file of sources, once apt has fetched what it names. Arguments: path, mode, owner, group.
static WRITE: Command = Command { name: "write apt source", shell: include_str!("apt_repository/write.sh") };

/// Removes a file of sources, and what apt has fetched from it. Argument: path.
static REMOVE: Command = Command {
    name: "remove apt source",
    shell: "whose \"$1\"\nsave \"$1\"\nreach \"$1\" '' ''\nas rm -f -- \"$p\" || exit\n\
            apt-get -q -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update >/dev/null 2>&1 || :",
};

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&WRITE, &REMOVE];

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn file<'a>(&'a self, path: &'a str) -> SystemFile<'a> {
        let text = self.text.as_deref().filter(|_| !self.is_absent());
        SystemFile { path, text, mode: 0o644, same: deb822::same }
    }

    fn lists(&self) -> [(&'static str, &Option<Words>); 5] {
        [
            ("uris", &self.uris),
            ("suites", &self.suites),
            ("components", &self.components),
            ("architectures", &self.architectures),
            ("types", &self.types),
        ]
    }
}

fn path(name: &str) -> String {
    format!("/etc/apt/sources.list.d/{name}.sources")
}

impl Module for AptRepository {
    const KIND: &'static str = "apt_repository";
    const SECTION: &'static str = "apt_repositories";
    const SETS: &'static [&'static str] = &["uris", "suites", "components", "architectures", "types"];
    const REQUIRED: &'static [&'static str] = &["uris", "suites"];
    const DOC: &'static str = include_str!("apt_repository.md");
    type Spec = Spec;
    type Seen = system_file::Seen;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<_> = name_problem(name).into_iter().collect();
        if spec.is_absent() {
            let others = [
                ("key", spec.key.is_some()),
                ("signed_by", spec.signed_by.is_some()),
                ("trusted", spec.trusted.is_some()),
            ];
            let written = spec.lists().map(|(field, words)| (field, words.is_some())).into_iter().chain(others);
            problems.extend(written.filter(|(_, written)| *written).map(|(field, _)| {
                Problem::field(field, format!("`{field}` means nothing for a repository that must be absent"))
            }));
            return problems;
        }
        for (field, words) in spec.lists() {
            problems.extend(words.iter().flatten().find_map(|word| word_problem(field, word)));
        }
        problems.extend(components_problem(spec));
        if spec.key.is_some() && spec.signed_by.is_some() {
            problems.push(Problem::field("signed_by", "the key is already given by `key`").hint("keep one of them"));
        }
        if spec.trusted == Some(true) && (spec.key.is_some() || spec.signed_by.is_some()) {
            problems.push(Problem::field("trusted", "what is signed needs no `trusted`").hint("leave it out"));
        }
        let keyring = spec.signed_by.as_deref().filter(|path| {
            !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
        });
        problems.extend(keyring.map(|_| {
            Problem::field("signed_by", "it is no absolute path of a file on the host")
                .hint("a key of the repository of policies goes into `key`")
        }));
        problems
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, repository: &dyn Repository) -> Vec<(String, Problem)> {
        let mut problems = Vec::new();
        for (name, spec) in specs {
            match spec.key.as_deref().map(|key| armoured(key, repository)).transpose() {
                Ok(key) => spec.text = Some(deb822::text(spec, key.as_deref())),
                Err(problem) => problems.push((name.clone(), problem)),
            }
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        Links { feeds_packages: true, ..crate::path_name::links(&path(name), spec.is_absent()) }
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Self::Seen, Pending> {
        spec.file(&path(name)).observe(facts)
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Self::Seen) -> Vec<Change> {
        spec.file(&path(name)).diff(seen)
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

fn plan(drifted: &Drifted<'_, AptRepository>) -> Option<Planned> {
    let (id, spec) = (drifted.id, drifted.spec);
    let path = path(&id.name);
    let planned = spec.file(&path).plan(id, drifted.seen, &drifted.changes, |access, text, says| {
        let args = vec![path.clone(), format!("{:04o}", access.mode), access.owner.clone(), access.group.clone()];
        Op::new(id.clone(), &WRITE, args, format!("fetch what it offers, and {says} {path}")).stdin(text)
    })?;
    Some(match planned {
        Planned::Do(op) if spec.is_absent() => Op { command: &REMOVE, ..op }.into(),
        other => other,
    })
}

/// apt reads names of letters, digits, `_`, `-` and `.` only.
fn name_problem(name: &str) -> Option<Problem> {
    for end in [".sources", ".list"] {
        if let Some(better) = name.strip_suffix(end) {
            return Some(Problem::name(format!("`{end}` is not part of the name")).hint(format!("call it `{better}`")));
        }
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let plain = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 200 && name.chars().all(allowed);
    (!plain).then(|| Problem::name("apt reads no file of sources with such a name: letters, digits, `_`, `-` and `.`"))
}

fn word_problem(field: &'static str, word: &str) -> Option<Problem> {
    let wrong = |why: String| Some(Problem::field(field, why));
    let shown = word.escape_debug();
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong(format!("`{shown}` is not one word; a space in a URI is `%20`"));
    }
    match field {
        "types" if !["deb", "deb-src"].contains(&word) => wrong(format!("`{shown}` is neither `deb` nor `deb-src`")),
        "architectures" if !word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') => {
            wrong(format!("`{shown}` is no architecture, such as `amd64`"))
        }
        "uris" => {
            let (scheme, rest) = word.split_once(':').unwrap_or(("", word));
            if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
                return wrong(format!("`{shown}` is no URI, such as `https://deb.debian.org/debian`"));
            }
            let host = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
            host.contains('@').then(|| {
                Problem::field(field, "everybody on the host could read the name and password in this URI")
                    .hint("put them into a file below /etc/apt/auth.conf.d (apt_auth.conf(5)), mode 0600")
            })
        }
        _ => (word.starts_with(['#', '-'])).then(|| Problem::field(field, format!("`{shown}` is no name apt knows"))),
    }
}

/// Directories have no components, releases have.
fn components_problem(spec: &Spec) -> Option<Problem> {
    let suites = spec.suites.as_ref()?;
    let directories = suites.iter().filter(|suite| suite.ends_with('/')).count();
    let components = spec.components.as_ref().is_some_and(|components| !components.is_empty());
    match (directories, components) {
        (0, false) => Some(
            Problem::field("suites", "a release needs `components`")
                .hint("such as `components: [main]`; a plain directory of packages ends in `/`, as in `suites: [./]`"),
        ),
        (0, true) => None,
        (_, true) => Some(Problem::field("components", "a directory, with `/` at its end, has no components")),
        (some, false) if some < suites.iter().count() => {
            Some(Problem::field("suites", "directories and releases do not go together").hint("make two of it"))
        }
        _ => None,
    }
}

/// The key itself, which `key` holds or names.
fn armoured(key: &str, repository: &dyn Repository) -> Result<String, Problem> {
    let wrong = |why: String| Problem::field("key", why);
    let text = if key.contains("-----BEGIN") {
        key.to_owned()
    } else {
        let bytes = repository.read(key).map_err(wrong)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            wrong(format!("`{key}` is not armoured text")).hint(format!(
                "gpg --enarmor <{key} | sed 's/ARMORED FILE/KEY BLOCK/' makes it so; or ask for the .asc"
            ))
        })?;
        text.to_owned()
    };
    if text.contains("PRIVATE KEY") {
        return Err(wrong(
            "this is a private key: take it out of the repository and replace it, it is no longer secret".into(),
        ));
    }
    let text = text.trim().replace("\r\n", "\n");
    let whole = text.starts_with(BEGIN) && text.ends_with(END) && text.matches("-----BEGIN").count() == 1;
    if !whole || text.contains(|c: char| c.is_control() && c != '\n') {
        return Err(wrong(format!("this is not one block from `{BEGIN}` to `{END}`"))
            .hint("several keys go into one block: gpg --armor --export ONE OTHER"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
