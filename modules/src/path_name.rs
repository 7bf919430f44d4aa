//! What kinds whose name is a path have in common.

use engine::paths::path_problem;
use engine::{Anchor, Links, Problem};

/// What is wrong with a resource's name as a path on a host.
pub fn problems(name: &str) -> Vec<Problem> {
    path_problem(name).into_iter().map(Problem::name).collect()
}

/// The directory that a path is in; `None` for `/`.
pub fn parent(path: &str) -> Option<&str> {
    let (parent, name) = path.rsplit_once('/')?;
    match (parent, name) {
        ("", "") => None,
        ("", _) => Some("/"),
        _ => Some(parent),
    }
}

/// The links of what stands at a path, or, if `absent`, no longer does.
pub fn links(path: &str, absent: bool) -> Links {
    let parent = parent(path).map(|parent| Anchor::Path(parent.into()));
    let path = Anchor::Path(path.into());
    match parent {
        // A directory that goes away too goes after what is in it.
        Some(parent) if absent => Links::new().removes(path).after(parent),
        None if absent => Links::new().removes(path),
        Some(parent) => Links::new().provides(path).needs(parent),
        None => Links::new().provides(path),
    }
}
