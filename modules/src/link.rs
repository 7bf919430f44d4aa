//! Symbolic links.

use crate::path_name;
use crate::presence::Presence;
use engine::paths::{self, FileKind, TARGET};
use engine::{Change, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem, writes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind `link`.
pub struct Link;

/// A symbolic link.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// Where it points, as written in the link: absolute, or relative to the link's own directory. It need not
    /// exist.
    pub target: Option<String>,
}

impl Spec {
    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }
}

/// What is at the path.
#[derive(Debug)]
pub struct Observed {
    kind: Option<FileKind>,
    target: Option<String>,
}

impl Module for Link {
    const KIND: &'static str = "link";
    const SECTION: &'static str = "links";
    const STATE: Option<&'static [&'static str]> = Some(&["absent"]);
    const DOC: &'static str = include_str!("link.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems = path_name::problems(name);
        match &spec.target {
            None if !spec.is_absent() => problems.push(
                Problem::field("target", "a link needs a `target`")
                    .hint("say where it points: `target: /usr/share/zoneinfo/UTC`"),
            ),
            Some(_) if spec.is_absent() => {
                problems.push(Problem::field("target", "`target` means nothing for a link that must be absent"));
            }
            Some(target) if target.is_empty() || target.len() > 4095 || target.contains(char::is_control) => problems
                .push(Problem::field("target", "a target is 1 to 4095 bytes long and has no control characters")),
            _ => {}
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        path_name::links(name, spec.is_absent())
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let stat = paths::stat(facts, name);
        let target = if spec.is_absent() { None } else { Some(facts.ask(&TARGET, &[name])) };
        let kind = stat?.map(|stat| stat.kind);
        let target = match target {
            Some(target) if kind == Some(FileKind::Link) => (*target?).clone(),
            // Both are asked in one go; what there is to learn of no link does not matter.
            Some(Err(Pending::Need)) => return Err(Pending::Need),
            _ => None,
        };
        Ok(Observed { kind, target })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        match (seen.kind, spec.is_absent()) {
            (None, true) => vec![],
            (None, false) => vec![Change::value("state", "absent", "present")],
            (Some(FileKind::Link), true) => vec![Change::value("state", "present", "absent")],
            (Some(kind), true) => vec![Change::value("state", kind.noun(), "absent")],
            (Some(FileKind::Link), false) if seen.target == spec.target => vec![],
            (Some(FileKind::Link), false) => vec![Change::value(
                "target",
                seen.target.clone().unwrap_or_default(),
                spec.target.clone().unwrap_or_default(),
            )],
            (Some(kind), false) => vec![Change::value("state", kind.noun(), "a link")],
        }
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(drifted.iter().map(plan).collect())
    }
}

fn plan(drifted: &Drifted<'_, Link>) -> Planned {
    let (id, path) = (drifted.id.clone(), drifted.id.name.clone());
    match (drifted.seen.kind, &drifted.spec.target) {
        (Some(FileKind::Directory), _) => Planned::Refuse {
            why: format!("{path} is a directory; move it away yourself, nothing in it is thrown away here"),
            serves: vec![id],
        },
        (Some(kind), _) if drifted.spec.is_absent() && kind != FileKind::Link => Planned::Refuse {
            why: format!("{path} is {}, not a link; declare it under files: {path}: absent", kind.noun()),
            serves: vec![id],
        },
        (_, None) => Op::new(id, &writes::REMOVE, vec![path], "remove the link").into(),
        (kind, Some(target)) => {
            let says = match kind {
                None => format!("make the link to {target}"),
                Some(FileKind::Link) => format!("point it to {target}"),
                Some(kind) => format!("replace {} by a link to {target}", kind.noun()),
            };
            Op::new(id, &writes::LINK, vec![path, target.clone()], says).into()
        }
    }
}

#[cfg(test)]
mod tests;
