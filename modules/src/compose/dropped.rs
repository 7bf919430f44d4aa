//! Files that comply put into a project's directory, and that the repository has no longer.

use super::{OVERRIDES, Spec};
use crate::file::{self, File};
use engine::paths::{FileKind, path_problem, stat};
use engine::writes::{self, Access};
use engine::{Change, Facts, Id, Module, Op, Pending};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names the files that comply put into the directory, one a line; beside them.
pub(super) const LIST: &str = ".comply-files";

/// More are not looked for: a list this long is not ours.
const MOST: usize = 10_000;

const LEFT: &str = "comply puts files of its repository there and takes none away; remove it yourself, or declare it under `files` as absent";

/// What the list tells.
#[derive(Default)]
pub(super) struct Dropped {
    /// The files that are still there, by their path in the directory.
    paths: BTreeSet<String>,
    /// The list is not what it will have to be.
    outdated: bool,
}

impl Dropped {
    /// Compares the list on the host with the files of the policy. Where nothing was dropped, it is read no further than
    /// its hash.
    pub fn observe(spec: &Spec, facts: &Facts) -> Result<Self, Pending> {
        let list = list(spec, &BTreeSet::new());
        let seen = File.observe(&spec.at(LIST), &list, facts)?;
        let text = String::from_utf8_lossy(seen.other().unwrap_or_default());
        let listed = text.lines().take(MOST).filter(|path| is_dropped(spec, path));
        let listed: Vec<_> = listed.map(|path| (path, stat(facts, &spec.at(path)))).collect();
        let mut paths = BTreeSet::new();
        for (path, there) in listed {
            paths.extend(there?.filter(|there| there.kind != FileKind::Directory).map(|_| path.to_owned()));
        }
        let differs = !File.diff("", &list, &seen).is_empty();
        let outdated = differs && seen.other() != self::list(spec, &paths).bytes();
        Ok(Self { paths, outdated })
    }

    pub fn changes(&self) -> impl Iterator<Item = Change> {
        self.paths
            .iter()
            .map(|path| Change::value("files", "no longer in the repository", "absent").element(path).stays(LEFT))
    }

    /// Writes the list anew. It comes before the files, so that none is there and not listed.
    pub fn note(&self, id: &Id, spec: &Spec) -> Option<Op> {
        let access = Access { mode: 0o644, owner: String::new(), group: String::new() };
        let content = list(spec, &self.paths).bytes().map(<[u8]>::to_vec).unwrap_or_default();
        let says = "note which files come from the repository";
        self.outdated.then(|| writes::write(id.clone(), &spec.at(LIST), content, &access, None, says))
    }
}

/// The list with the files of the policy, and those that it lost.
fn list(spec: &Spec, dropped: &BTreeSet<String>) -> file::Spec {
    let paths: BTreeSet<&String> = spec.stack.files.keys().chain(dropped).collect();
    let text: String = paths.into_iter().flat_map(|path| [path.as_str(), "\n"]).collect();
    file::Spec::of(Arc::from(text.into_bytes()))
}

/// Whether a line of the list names a file of the directory that the policy does not. An override is judged as such.
fn is_dropped(spec: &Spec, path: &str) -> bool {
    let known = spec.stack.files.contains_key(path) || OVERRIDES.contains(&path);
    !known && !path.is_empty() && path_problem(&spec.at(path)).is_none()
}
