//! What a project puts on the host: the files of its directory in the repository.

use super::{Access, Spec};
use crate::file;
use base64::Engine;
use engine::{Problem, Repository};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The names under which Compose looks for its file, in its order.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Says from which files the images were built; beside them, written when it is done.
pub(super) const BUILT: &str = ".comply-built";

/// What is shown to Compose beforehand may be as large as this; larger files are no configuration.
const FEED: usize = 256 << 10;

/// The files of a project.
#[derive(Clone, Default)]
pub(super) struct Stack {
    /// By their path in the directory.
    pub files: BTreeMap<String, file::Spec>,
    /// Those that Compose reads, in its order.
    pub compose_files: Vec<String>,
    /// A secret is missing in them: they can neither be put in place nor shown to Compose.
    pub incomplete: bool,
}

impl Stack {
    /// Reads the directory, or says what is wrong with it.
    pub fn read(name: &str, spec: &Spec, repository: &dyn Repository) -> Result<Self, Vec<Problem>> {
        let source = spec.source.as_deref().unwrap_or_default().trim_end_matches('/');
        let entries = repository.tree(source).map_err(|why| vec![Problem::field("source", why)])?;
        let (mut files, mut problems) = (BTreeMap::new(), Vec::new());
        for entry in &entries {
            let from = format!("{source}/{}", entry.path);
            let (path, content) = match entry.path.strip_suffix(".tera") {
                Some(path) => (path, repository.render(name, "source", &from).map(|text| Arc::from(text.into_bytes()))),
                None => (entry.path.as_str(), repository.read(&from)),
            };
            if let Some(why) = engine::paths::path_problem(&spec.at(path)) {
                problems.push(Problem::field("source", why));
            }
            let access = spec.files.as_ref().and_then(|files| files.get(path)).cloned().unwrap_or_default();
            match content {
                Ok(bytes) if files.contains_key(path) => {
                    drop::<Arc<[u8]>>(bytes);
                    problems.push(Problem::field("source", format!("`{source}` holds both {path} and {path}.tera")));
                }
                Ok(bytes) => _ = files.insert(path.to_owned(), wanted(bytes, access, entry.executable, path == ".env")),
                Err(why) => problems.push(Problem::field("source", why)),
            }
        }
        for path in spec.files.iter().flatten().map(|(path, _)| path).filter(|path| !files.contains_key(*path)) {
            if path != ".env" || spec.env.is_none() {
                problems.push(Problem::field("files", format!("there is no `{path}` in `{source}`")));
            }
        }
        if let Some(env) = &spec.env {
            let access = spec.files.as_ref().and_then(|files| files.get(".env")).cloned().unwrap_or_default();
            let file = wanted(Arc::from(dotenv(env).into_bytes()), access, false, true);
            if files.insert(".env".to_owned(), file).is_some() {
                let problem = Problem::field("env", format!("`{source}` has an .env of its own"));
                problems.push(problem.hint("keep one of the two"));
            }
        }
        if repository.holds_secret(name) {
            for path in entries.iter().filter_map(|entry| entry.path.strip_suffix(".tera")) {
                if let Some(file) = files.remove(path) {
                    files.insert(path.to_owned(), file.with_secret());
                }
            }
        }
        let compose_files = compose_files(spec, source, &files).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        if problems.is_empty() {
            Ok(Self { files, compose_files, incomplete: repository.lacks_secret(name) })
        } else {
            Err(problems)
        }
    }

    /// The files as [`crate::facts::compose::PREVIEW`] takes them, in Base64: of each a line with size and name, and its
    /// content.
    pub fn feed(&self) -> String {
        let mut bytes = Vec::new();
        for (path, content) in self.files.iter().filter_map(|(path, file)| Some((path, file.bytes()?))) {
            let content = content.get(..FEED).unwrap_or(content);
            bytes.extend_from_slice(format!("{} {path}\n", content.len()).as_bytes());
            bytes.extend_from_slice(content);
        }
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }
}

impl Spec {
    /// The directory, and those in it that files lie in, the outermost first.
    pub(super) fn directories(&self) -> BTreeSet<String> {
        let mut directories = BTreeSet::from([self.path().to_owned()]);
        for path in self.stack.files.keys() {
            directories.extend(path.match_indices('/').map(|(at, _)| self.at(&path[..at])));
        }
        directories
    }

    /// The file that says what the images were built from; none unless the policy has them built.
    pub(super) fn built(&self) -> Option<file::Spec> {
        let hash = Sha256::digest(self.stack.feed());
        let text: String = hash.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect();
        (self.build == Some(true)).then(|| file::Spec::of(Arc::from(text.into_bytes())))
    }
}

fn wanted(bytes: Arc<[u8]>, access: Access, executable: bool, private: bool) -> file::Spec {
    let mut file = file::Spec::of(bytes);
    (file.mode, file.owner, file.group) = (access.mode, access.owner, access.group);
    if private {
        file.mode = file.mode.or(Some(crate::mode::Mode::from_bits(0o600)));
        file.secret = Some(true);
    } else if executable {
        file.mode = file.mode.or(Some(crate::mode::Mode::from_bits(0o755)));
    }
    file
}

fn compose_files(spec: &Spec, source: &str, files: &BTreeMap<String, file::Spec>) -> Result<Vec<String>, Problem> {
    if let Some(named) = &spec.compose_files {
        return match named.iter().find(|path| !files.contains_key(*path)) {
            Some(path) => Err(Problem::field("compose_files", format!("there is no `{path}` in `{source}`"))),
            None if named.is_empty() => Err(Problem::field("compose_files", "the list is empty")),
            None => Ok(named.clone()),
        };
    }
    if let Some(path) = super::OVERRIDES.iter().find(|path| files.contains_key(**path)) {
        let problem = Problem::field("source", format!("`{source}` has a {path}, which is not read unasked"));
        return Err(problem.hint("list all files of Compose under `compose_files`, in their order"));
    }
    match NAMES.iter().find(|name| files.contains_key(**name)) {
        Some(name) => Ok(vec![(*name).to_owned()]),
        None => Err(Problem::field("source", format!("there is no compose.yml in `{source}`"))
            .hint("name the files of Compose under `compose_files`")),
    }
}

/// A variable that both versions of Compose would not read back as it is. Version 1 takes `\\` and `\'` for escapes
/// between single quotes, version 2 takes nothing for one.
pub(super) fn variable_problem(name: &str, value: &str) -> Option<Problem> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(Problem::field("env", format!("`{name}` is no name of a variable")));
    }
    let odd =
        value.contains('\'') || value.contains("\\\\") || value.ends_with('\\') || value.contains(char::is_control);
    odd.then(|| {
        Problem::field("env", format!("the value of {name} has something in it that not every Compose reads back"))
            .hint("no single quotes, no lines, no double backslash, no backslash at the end")
    })
}

fn dotenv(env: &BTreeMap<String, String>) -> String {
    env.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect()
}
