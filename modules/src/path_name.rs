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
    let unit = unit(path);
    let parent = parent(path).map(|parent| Anchor::Path(parent.into()));
    let path = Anchor::Path(path.into());
    let links = match parent {
        // A directory that goes away too goes after what is in it.
        Some(parent) if absent => return Links::new().removes(path).after(parent),
        None if absent => return Links::new().removes(path),
        Some(parent) => Links::new().provides(path).needs(parent),
        None => Links::new().provides(path),
    };
    match unit {
        Some(unit) => links.provides(Anchor::Unit(unit.to_owned())).provides(ANY_UNIT_FILE),
        None => links,
    }
}

/// What every file of a unit provides: units may speak of each other, so all are there before one is started.
pub const ANY_UNIT_FILE: Anchor = Anchor::Unit(String::new());

/// The unit that a path is a file of: `pad.service` of `/etc/systemd/system/pad.service` and of
/// `/etc/systemd/system/pad.service.d/limits.conf`.
fn unit(path: &str) -> Option<&str> {
    let (root, path) = path.split_once("/systemd/system/")?;
    if !["/etc", "/run", "/usr/lib", "/usr/local/lib", "/lib"].contains(&root) {
        return None;
    }
    match path.split_once('/') {
        None => Some(path).filter(|name| name.contains('.') && !name.ends_with(".d")),
        Some((directory, _)) => directory.strip_suffix(".d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_units_are_known_by_their_place() {
        for (path, of) in [
            ("/etc/systemd/system/pad.service", Some("pad.service")),
            ("/etc/systemd/system/pad.service.d/limits.conf", Some("pad.service")),
            ("/usr/local/lib/systemd/system/pad@.timer", Some("pad@.timer")),
            ("/etc/systemd/system/pad.service.d", None),
            ("/etc/systemd/system/multi-user.target.wants/pad.service", None),
            ("/etc/systemd/system.conf", None),
            ("/srv/etc/systemd/system/pad.service", None),
        ] {
            assert_eq!(unit(path), of, "{path}");
        }
        let links = links("/etc/systemd/system/pad.service", true);
        assert_eq!(links.provides, []);
    }
}
