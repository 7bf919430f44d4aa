//! The files of a repository as they are read: each once, mistakes told.

use crate::tree::{Content, Tree};
use engine::Entry;
use source::{Diagnostic, Node, Place, SourceFile, suggest, yaml};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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

/// What is read at the root, without the ending of files.
const FILES: [&str; 3] = ["comply", "inventory", "waivers"];
const DIRECTORIES: [&str; 3] = ["inventory", "policies", "techniques"];

/// Reads the files of a repository, each once.
pub(crate) struct Files {
    tree: Box<dyn Tree>,
    read: Mutex<HashMap<String, Content>>,
}

impl Files {
    pub(crate) fn new(tree: Box<dyn Tree>) -> Self {
        Self { tree, read: Mutex::default() }
    }

    /// What people know the repository by.
    pub(crate) fn name(&self) -> String {
        self.tree.name()
    }

    /// The bytes of a file; the error is a sentence.
    pub(crate) fn read(&self, path: &str) -> Content {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(path) {
            return known.clone();
        }
        let content = self.tree.load(path);
        read.insert(path.to_owned(), content.clone());
        content
    }

    /// Whether there is something of this name, whatever it is.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.tree.exists(path)
    }

    /// All files below a directory, sorted. What they are besides shows when they are read.
    pub(crate) fn below(&self, directory: &str) -> Result<Vec<Entry>, String> {
        let mut found = Vec::new();
        self.descend(directory, "", &mut found)?;
        found.sort();
        Ok(found)
    }

    fn descend(&self, directory: &str, below: &str, found: &mut Vec<Entry>) -> Result<(), String> {
        let within = format!("{directory}/{below}");
        for (name, is_directory) in self.tree.list(within.trim_end_matches('/'))? {
            let path = format!("{below}{name}");
            if found.len() >= MAX_FILES || path.split('/').count() > MAX_DEPTH {
                return Err(format!(
                    "`{directory}` holds more than {MAX_FILES} files, or a link that leads in a circle"
                ));
            } else if is_directory {
                self.descend(directory, &format!("{path}/"), found)?;
            } else {
                let executable = self.tree.is_executable(&format!("{directory}/{path}"));
                found.push(Entry { path, executable });
            }
        }
        Ok(())
    }

    /// The YAML files of a directory, sorted. What else lies there and looks like YAML gone astray is reported.
    pub(crate) fn yaml_files(&self, dir: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
        let entries = match self.tree.list(dir) {
            Ok(entries) => entries,
            Err(message) => {
                diagnostics.push(about_file("unreadable-file", dir, message));
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for (name, is_dir) in entries.into_iter().filter(|(name, _)| !name.starts_with('.')) {
            let path = format!("{dir}/{name}");
            if is_dir {
                let message = format!("`{path}` is a directory; nothing in it would be read");
                diagnostics
                    .push(about_file("stray-file", &path, message).hint(format!("put the files into `{dir}` itself")));
            } else if name.ends_with(".yml") || name.ends_with(".yaml") {
                names.push(path);
            } else if let Some((stem, "yml" | "yaml")) = name.to_lowercase().rsplit_once('.') {
                diagnostics.push(self.not_read(&path, &format!("{dir}/{stem}.yml")));
            }
        }
        names.sort();
        names
    }

    /// What at the root looks like a file or a directory of the language under another name, and would not be read: what
    /// it should be called, and a message.
    pub(crate) fn strays(&self) -> Vec<(String, Diagnostic)> {
        let stray = |(name, is_dir): (String, bool)| {
            let lower = name.to_lowercase();
            let meant = match (is_dir, lower.rsplit_once('.')) {
                (true, _) => suggest::nearest(&lower, DIRECTORIES.iter().copied())?.to_owned(),
                (false, Some((stem, "yml" | "yaml"))) => {
                    format!("{}.yml", suggest::nearest(stem, FILES.iter().copied())?)
                }
                _ => return None,
            };
            let diagnostic = (meant != name).then(|| self.not_read(&name, &meant))?;
            Some((meant, diagnostic))
        };
        let mut entries = self.tree.list(".").unwrap_or_default();
        entries.sort();
        entries.into_iter().filter_map(stray).collect()
    }

    fn not_read(&self, path: &str, meant: &str) -> Diagnostic {
        let hint = match self.exists(meant) {
            true => format!("`{meant}` is read: move into it what is missing there, and take this one out"),
            false => format!("call it `{meant}`"),
        };
        about_file("stray-file", path, format!("`{path}` is not read")).hint(hint)
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
