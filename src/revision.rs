//! Which state of the policies a report speaks of.

use reports::Revision;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

/// A revision that Git is asked for while hosts are.
pub struct Reading(Option<JoinHandle<Option<Revision>>>);

impl Reading {
    /// Begins to read the revision of the repository at `root`.
    pub fn begin(root: PathBuf) -> Self {
        Self(thread::Builder::new().spawn(move || of(&root)).ok())
    }

    /// The revision; `None` where Git knows nothing.
    pub fn end(self) -> Option<Revision> {
        self.0?.join().ok().flatten()
    }
}

/// The commit of the repository at `root`, and whether files differ from it.
fn of(root: &Path) -> Option<Revision> {
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let is_hash = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Of the folder alone, which may be part of a larger repository.
    let changed = git(root, &["status", "--porcelain", "--untracked-files=normal", "--", "."])?;
    is_hash.then(|| Revision { commit, dirty: !changed.trim().is_empty() })
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    let done = links::without_secrets(&mut Command::new("git"))
        // Reading must not write, and must not run what a repository's own configuration names.
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C"])
        .arg(root)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}
