//! The files of a repository, and only those: no path leaves it, links included.

use engine::Entry;
use source::{Diagnostic, Node, Place, SourceFile, yaml};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes a file may have that policies put on hosts.
const MAX_CONTENT: u64 = 64 << 20;

/// The most files that a directory may hold which goes to hosts as a whole, and how deep they may lie.
const MAX_FILES: usize = 2000;
const MAX_DEPTH: usize = 32;

/// The root of the repository that `start` is in: the nearest directory, upwards, that holds `comply.yml`,
/// `inventory.yml` or `inventory/`.
pub fn discover(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    let is_root = |dir: &Path| {
        dir.join("comply.yml").is_file()
            || dir.join("inventory.yml").is_file()
            || (dir.join("inventory").is_dir() && dir.join("policies").is_dir())
    };
    start.ancestors().find(|dir| is_root(dir)).map(Path::to_path_buf)
}

type Content = Result<Arc<[u8]>, String>;

/// Reads files below the root, each once.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    read: Mutex<HashMap<String, Content>>,
}

impl Files {
    pub(crate) fn new(root: &Path) -> Result<Self, String> {
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        Ok(Self { root, read: Mutex::default() })
    }

    /// The bytes of a file; the error is a sentence.
    pub(crate) fn read(&self, path: &str) -> Content {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.to_owned()).or_insert_with(|| self.load(path)).clone()
    }

    /// Whether there is something of this name, whatever it is.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    fn load(&self, path: &str) -> Content {
        let real = self.locate(path)?;
        let failed = |error: std::io::Error| format!("`{path}` cannot be read: {}", words(&error));
        let metadata = real.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(format!("`{path}` is not a regular file"));
        }
        if metadata.len() > MAX_CONTENT {
            return Err(format!("`{path}` is larger than {} MiB", MAX_CONTENT >> 20));
        }
        std::fs::read(&real).map(Arc::from).map_err(failed)
    }

    /// All regular files below a directory, sorted.
    pub(crate) fn tree(&self, directory: &str) -> Result<Vec<Entry>, String> {
        let root = self.locate(directory)?;
        if !root.is_dir() {
            return Err(format!("`{directory}` is not a directory"));
        }
        let mut found = Vec::new();
        self.descend(directory, &root, "", &mut found)?;
        found.sort();
        Ok(found)
    }

    fn descend(&self, directory: &str, real: &Path, below: &str, found: &mut Vec<Entry>) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("`{directory}/{below}` cannot be read: {}", words(&error));
        for entry in std::fs::read_dir(real).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else {
                return Err(format!("a name in `{directory}/{below}` is not UTF-8 text"));
            };
            let path = format!("{below}{name}");
            let (whole, depth) = (format!("{directory}/{path}"), path.split('/').count());
            let real = self.locate(&whole)?;
            let metadata = real.metadata().map_err(failed)?;
            if found.len() >= MAX_FILES || depth > MAX_DEPTH {
                return Err(format!(
                    "`{directory}` holds more than {MAX_FILES} files, or a link that leads in a circle"
                ));
            } else if metadata.is_dir() {
                self.descend(directory, &real, &format!("{path}/"), found)?;
            } else if metadata.is_file() {
                found.push(Entry { path, executable: metadata.permissions().mode() & 0o100 != 0 });
            } else {
                return Err(format!("`{whole}` is not a regular file"));
            }
        }
        Ok(())
    }

    /// Where a path of the repository really is.
    fn locate(&self, path: &str) -> Result<PathBuf, String> {
        let relative = Path::new(path);
        if path.is_empty() || path.contains('\0') {
            return Err("a path is missing".to_owned());
        }
        if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(format!("`{path}` leaves the repository: a path is relative to its root, without `..`"));
        }
        let joined = self.root.join(relative);
        let real = joined.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no `{path}` in the repository"),
            _ => format!("`{path}` cannot be read: {}", words(&error)),
        })?;
        if !real.starts_with(&self.root) {
            return Err(format!("`{path}` leaves the repository through a link"));
        }
        Ok(real)
    }

    /// The YAML files of a directory, sorted. What else lies there and looks like YAML gone astray is reported.
    pub(crate) fn yaml_files(&self, dir: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
        let mut names = Vec::new();
        let real = match self.locate(dir) {
            Ok(real) => real,
            Err(message) => {
                diagnostics.push(about_file("unreadable-file", dir, message));
                return names;
            }
        };
        let entries = match std::fs::read_dir(real) {
            Ok(entries) => entries,
            Err(error) => {
                diagnostics.push(about_file(
                    "unreadable-file",
                    dir,
                    format!("`{dir}` cannot be read: {}", words(&error)),
                ));
                return names;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{dir}/{name}");
            if name.starts_with('.') {
                continue;
            }
            if entry.path().is_dir() {
                let message = format!("`{path}` is a directory; nothing in it would be read");
                diagnostics
                    .push(about_file("stray-file", &path, message).hint(format!("put the files into `{dir}` itself")));
            } else if name.ends_with(".yml") || name.ends_with(".yaml") {
                names.push(path);
            }
        }
        names.sort();
        names
    }

    /// The document of a YAML file; `None` if it is empty or cannot be read.
    pub(crate) fn yaml(&self, path: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
        match self.read(path) {
            Ok(bytes) => {
                let (node, found) = yaml::parse(path, &bytes);
                diagnostics.extend(found);
                node
            }
            Err(message) => {
                diagnostics.push(about_file("unreadable-file", path, message));
                None
            }
        }
    }
}

/// A message about a file as a whole.
pub(crate) fn about_file(code: &'static str, path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message).at(&Place::whole(&SourceFile::new(path, "")), "")
}

/// The system's words without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
