//! Where the files of a repository come from: a directory, or memory.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The most bytes a file may have that policies put on hosts.
const MAX_CONTENT: u64 = 64 << 20;

/// The bytes of a file; the error is a sentence.
pub(crate) type Content = Result<Arc<[u8]>, String>;

/// Files by their paths, which are relative and go through `/`.
pub(crate) trait Tree: Send + Sync {
    /// What people know it by.
    fn name(&self) -> String;
    /// Whether there is something of this name, whatever it is.
    fn exists(&self, path: &str) -> bool;
    /// The content of a regular file.
    fn load(&self, path: &str) -> Content;
    /// Whether it is a program: its owner may execute it.
    fn is_executable(&self, path: &str) -> bool;
    /// What is in a directory: the names, and whether each is a directory itself.
    fn list(&self, dir: &str) -> Result<Vec<(String, bool)>, String>;
}

/// A directory; no path leaves it, links included.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn open(root: &Path) -> Result<Self, String> {
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        Ok(Self(root))
    }

    /// Where a path of the repository really is.
    fn locate(&self, path: &str) -> Result<PathBuf, String> {
        inside(path)?;
        let real = self.0.join(path).canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => nothing(path),
            _ => failed(path, &error),
        })?;
        if !real.starts_with(&self.0) {
            return Err(format!("`{path}` leaves the repository through a link"));
        }
        Ok(real)
    }
}

impl Tree for Directory {
    fn name(&self) -> String {
        self.0.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn exists(&self, path: &str) -> bool {
        self.0.join(path).symlink_metadata().is_ok()
    }

    fn load(&self, path: &str) -> Content {
        let real = self.locate(path)?;
        let metadata = real.metadata().map_err(|error| failed(path, &error))?;
        if !metadata.is_file() {
            return Err(format!("`{path}` is not a regular file"));
        }
        if metadata.len() > MAX_CONTENT {
            return Err(format!("`{path}` is larger than {} MiB", MAX_CONTENT >> 20));
        }
        std::fs::read(&real).map(Arc::from).map_err(|error| failed(path, &error))
    }

    fn is_executable(&self, path: &str) -> bool {
        let metadata = self.locate(path).ok().and_then(|real| real.metadata().ok());
        metadata.is_some_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
    }

    fn list(&self, dir: &str) -> Result<Vec<(String, bool)>, String> {
        let entries = std::fs::read_dir(self.locate(dir)?).map_err(|error| failed(dir, &error))?;
        let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        Ok(entries.flatten().map(|entry| (name(&entry), entry.path().is_dir())).collect())
    }
}

/// Files that are nowhere but here.
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

impl Memory {
    /// The names below a directory, cut at the next `/`.
    fn below<'a>(&'a self, dir: &str) -> impl Iterator<Item = &'a str> {
        let prefix = if dir == "." { String::new() } else { format!("{dir}/") };
        let all = self.0.range(prefix.clone()..).map(|(path, _)| path.as_str());
        all.map_while(move |path| path.strip_prefix(prefix.as_str()))
    }
}

impl Tree for Memory {
    fn name(&self) -> String {
        String::new()
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path) || self.below(path).next().is_some()
    }

    fn load(&self, path: &str) -> Content {
        inside(path)?;
        match self.0.get(path) {
            Some(bytes) => Ok(bytes.as_slice().into()),
            None if self.exists(path) => Err(format!("`{path}` is not a regular file")),
            None => Err(nothing(path)),
        }
    }

    fn is_executable(&self, _: &str) -> bool {
        false
    }

    fn list(&self, dir: &str) -> Result<Vec<(String, bool)>, String> {
        inside(dir)?;
        let names: BTreeSet<(String, bool)> = self
            .below(dir)
            .map(|path| path.split_once('/').map_or((path.to_owned(), false), |(name, _)| (name.to_owned(), true)))
            .collect();
        if names.is_empty() { Err(nothing(dir)) } else { Ok(names.into_iter().collect()) }
    }
}

fn inside(path: &str) -> Result<(), String> {
    if path.is_empty() || path.contains('\0') {
        return Err("a path is missing".to_owned());
    }
    if Path::new(path).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("`{path}` leaves the repository: a path is relative to its root, without `..`"));
    }
    Ok(())
}

fn nothing(path: &str) -> String {
    format!("there is no `{path}` in the repository")
}

/// The system's words without its number.
fn failed(path: &str, error: &std::io::Error) -> String {
    let text = error.to_string();
    format!("`{path}` cannot be read: {}", text.split(" (os error").next().unwrap_or(&text).to_lowercase())
}
