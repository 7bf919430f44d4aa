//! Files.

use crate::mode::Mode;
use crate::owner::{Names, Wanted};
use crate::path_name;
use crate::presence::Presence;
use crate::unified_diff::{as_text, unified_diff};
use crate::validate;
use engine::paths::{FILE, FileKind, READ, READ_LIMIT, STAT, Stat};
use engine::{Blind, Change, Drifted, Facts, Item, Links, Module, Op, Pending, Planned, Problem, Repository, writes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kind `file`.
pub struct File;

/// A regular file.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// `present` (the default) or `absent`.
    pub state: Option<Presence>,
    /// All that is in it.
    pub content: Option<String>,
    /// A file of the repository that it is a copy of.
    pub source: Option<String>,
    /// A Tera template of the repository that makes its content.
    pub template: Option<String>,
    /// Permission bits, in octal. A new file: 0644; one that holds a secret: 0600, and others may never read it.
    pub mode: Option<Mode>,
    /// The owner, by name or number. A new file: whoever makes it, usually root.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub owner: Option<String>,
    /// The group, by name or number.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub group: Option<String>,
    /// The content is only for a file that is not there yet; what somebody made of it later is right.
    pub seed: Option<bool>,
    /// A command that the new content must pass before it is put in place; `{}` stands for the file to check.
    pub validate: Option<String>,
    /// The content is never shown.
    pub secret: Option<bool>,
    /// What `content`, `source` or `template` come to.
    #[serde(skip)]
    desired: Option<Desired>,
    /// A secret is in it.
    #[serde(skip)]
    holds_secret: bool,
}

#[derive(Clone)]
struct Desired {
    bytes: Arc<[u8]>,
    sha256: String,
}

impl Desired {
    fn new(bytes: Arc<[u8]>) -> Self {
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, sha256 }
    }
}

impl Spec {
    /// A file with this content, and nothing said of its owner and mode.
    pub(crate) fn of(bytes: Arc<[u8]>) -> Self {
        Self { desired: Some(Desired::new(bytes)), ..Self::default() }
    }

    /// The same file, with a secret in it.
    pub(crate) fn with_secret(self) -> Self {
        Self { holds_secret: true, ..self }
    }

    /// The content that it must have.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.desired.as_ref().map(|desired| &*desired.bytes)
    }

    /// Whether the host is known to have other content, or none.
    pub(crate) fn differs(&self, path: &str, facts: &Facts) -> bool {
        let Ok(file) = facts.ask(&FILE, &[path]) else { return false };
        let hash = file.as_ref().as_ref().and_then(|file| file.sha256.clone()?.ok());
        hash.as_deref() != self.desired.as_ref().map(|desired| desired.sha256.as_str())
    }

    /// The same links, with what its owner and group need.
    pub(crate) fn needs(&self, links: Links) -> Links {
        self.access().needs(links)
    }

    fn is_absent(&self) -> bool {
        Presence::is_absent(self.state)
    }

    fn contents(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("content", self.content.is_some()),
            ("source", self.source.is_some()),
            ("template", self.template.is_some()),
        ];
        fields.into_iter().filter_map(|(field, written)| written.then_some(field))
    }

    /// What is to be kept from other accounts, for want of a `mode`.
    fn exposed(&self, stat: &Stat) -> u32 {
        if self.holds_secret && self.mode.is_none() { stat.mode & 0o007 } else { 0 }
    }

    fn access(&self) -> Wanted<'_> {
        Wanted { mode: self.mode, owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    /// The content to compare with: none if it is only a seed.
    fn compared(&self) -> Option<&Desired> {
        self.desired.as_ref().filter(|_| !self.is_absent() && self.seed != Some(true))
    }
}

/// What is at the path.
pub struct Observed {
    stat: Option<Stat>,
    content: Content,
    names: Names,
}

impl Observed {
    /// What is in it, if that is known not to be what it should.
    pub(crate) fn other(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Differs(bytes) => Some(bytes),
            Content::Right | Content::Unshown(_) => None,
        }
    }
}

enum Content {
    /// As it should be, or not to be compared.
    Right,
    /// It differs; the host has this.
    Differs(Arc<Vec<u8>>),
    /// It differs, and why it is not shown.
    Unshown(String),
}

impl Module for File {
    const KIND: &'static str = "file";
    const SECTION: &'static str = "files";
    const SECRETS: &'static [&'static str] = &["content"];
    const DOC: &'static str = include_str!("file.md");
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems = path_name::problems(name);
        problems.extend(spec.access().problems());
        let contents: Vec<_> = spec.contents().collect();
        if let [first, second, ..] = contents[..] {
            problems.push(
                Problem::field(second, format!("the content is already given by `{first}`"))
                    .hint("keep one of `content`, `source` and `template`"),
            );
        }
        if name == "/" {
            problems.push(Problem::name("`/` is a directory").hint("declare it under `directories`"));
        }
        let written = [("mode", spec.mode.is_some()), ("owner", spec.owner.is_some()), ("group", spec.group.is_some())];
        if spec.is_absent() {
            let written = written.into_iter().filter_map(|(field, written)| written.then_some(field));
            problems.extend(
                contents.iter().copied().chain(written).map(|field| {
                    Problem::field(field, format!("`{field}` means nothing for a file that must be absent"))
                }),
            );
        } else if contents.is_empty() {
            let needing = [("seed", spec.seed.is_some()), ("validate", spec.validate.is_some())];
            problems.extend(needing.into_iter().filter(|(_, written)| *written).map(|(field, _)| {
                Problem::field(field, format!("`{field}` is about the content, and there is none"))
                    .hint("add `content`, `source` or `template`")
            }));
        }
        problems.extend(spec.validate.as_deref().and_then(validate::problem));
        problems
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, repository: &dyn Repository) -> Vec<(String, Problem)> {
        let mut problems = Vec::new();
        for (name, spec) in specs {
            let content = spec.content.as_ref().map(|text| Ok(Arc::from(text.as_bytes())));
            let source = spec.source.as_ref().map(|path| repository.read(path).map_err(|why| ("source", why)));
            let template = spec.template.as_ref().map(|path| {
                let rendered = repository.render(name, "template", path);
                rendered.map(|text| Arc::from(text.into_bytes())).map_err(|why| ("template", why))
            });
            match content.or(source).or(template).transpose() {
                Ok(bytes) => spec.desired = bytes.map(Desired::new),
                Err((field, why)) => problems.push((name.clone(), Problem::field(field, why))),
            }
            spec.holds_secret = repository.holds_secret(name);
        }
        problems
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        spec.access().needs(path_name::links(name, spec.is_absent()))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let names = spec.access().names(facts);
        let Some(desired) = spec.compared() else {
            let stat = facts.ask(&STAT, &[name]);
            return Ok(Observed { stat: (*stat?).clone(), content: Content::Right, names: names? });
        };
        let file = facts.ask(&FILE, &[name]);
        let (file, names) = (file?, names?);
        let content = match &*file {
            Some(file) => compare(name, spec, desired, file, facts)?,
            None => Content::Right,
        };
        Ok(Observed { stat: file.as_ref().as_ref().map(|file| file.stat.clone()), content, names })
    }

    fn diff(&self, _: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        match (&seen.stat, spec.is_absent()) {
            (None, true) => vec![],
            (None, false) => vec![Change::value("state", "absent", "present")],
            (Some(stat), true) if stat.kind == FileKind::Regular => vec![Change::value("state", "present", "absent")],
            (Some(stat), true) => vec![Change::value("state", stat.kind.noun(), "absent")],
            (Some(stat), false) if stat.kind != FileKind::Regular => {
                vec![Change::value("state", stat.kind.noun(), "a file")]
            }
            (Some(stat), false) => {
                let mut changes = Vec::new();
                changes.extend(content_change(spec, &seen.content));
                changes.extend(spec.access().diff(stat, &seen.names));
                if spec.exposed(stat) != 0 {
                    let (is, should) = (stat.mode, stat.mode & !0o007);
                    let [is, should] = [is, should].map(|mode| Mode::from_bits(mode).to_string());
                    changes.push(Change::value("mode", is, format!("{should}, since it holds a secret")));
                }
                changes
            }
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

fn compare(
    name: &str,
    spec: &Spec,
    desired: &Desired,
    file: &engine::paths::File,
    facts: &Facts,
) -> Result<Content, Pending> {
    let same_size = file.stat.size == desired.bytes.len() as u64;
    let unshown = match &file.sha256 {
        None => return Ok(Content::Right),
        Some(Ok(hash)) if *hash == desired.sha256 => return Ok(Content::Right),
        Some(Ok(_)) => None,
        // Of another size it differs, whatever is in it.
        Some(Err(_)) if !same_size && spec.secret == Some(true) => None,
        Some(Err(Blind::TooLarge(_))) if !same_size => Some(format!("it is {} bytes large", file.stat.size)),
        Some(Err(why)) if !same_size => Some(why.to_string()),
        Some(Err(why)) => return Err(why.clone().into()),
    };
    Ok(match unshown {
        Some(why) => Content::Unshown(why),
        None if spec.secret == Some(true) => Content::Unshown("secret".into()),
        None if file.stat.size > READ_LIMIT as u64 || desired.bytes.len() > READ_LIMIT => {
            Content::Unshown("larger than 1 MiB".into())
        }
        None if as_text(&desired.bytes).is_none() => Content::Unshown("binary".into()),
        None => match facts.ask(&READ, &[name]) {
            Ok(bytes) => Content::Differs(bytes),
            Err(Pending::Blind(why)) => Content::Unshown(why.to_string()),
            Err(pending) => return Err(pending),
        },
    })
}

fn content_change(spec: &Spec, content: &Content) -> Option<Change> {
    let desired = spec.compared()?;
    match content {
        Content::Right => None,
        Content::Unshown(why) => Some(Change::hidden("content", why)),
        Content::Differs(bytes) => Some(match (as_text(bytes), as_text(&desired.bytes)) {
            (Some(old), Some(new)) if old != new => Change::text("content", unified_diff(old, new)),
            (Some(_), Some(_)) => Change::hidden("content", "it was being changed while it was looked at"),
            _ => Change::hidden("content", "binary"),
        }),
    }
}

pub(crate) fn plan(drifted: &Drifted<'_, File>) -> Planned {
    let (id, spec) = (drifted.id, drifted.spec);
    let path = id.name.as_str();
    let refuse = |why: String| Planned::Refuse { serves: vec![id.clone()], why };
    let there = drifted.seen.stat.as_ref();
    if there.is_some_and(|stat| stat.kind == FileKind::Directory) {
        return refuse(format!("{path} is a directory; move it away yourself, nothing in it is thrown away here"));
    }
    if spec.is_absent() {
        return Op::new(id.clone(), &writes::REMOVE, vec![path.into()], "remove the file").into();
    }
    let file = there.filter(|stat| stat.kind == FileKind::Regular);
    let rewritten = file.is_none() || drifted.changes.iter().any(|change| change.field == "content");
    let new = if spec.holds_secret { 0o600 } else { 0o644 };
    let mut access = match file {
        Some(stat) if !rewritten => spec.access().changed(stat, &drifted.seen.names),
        _ => spec.access().access(file, new),
    };
    access.mode &= !file.map_or(0, |stat| spec.exposed(stat));
    if !rewritten {
        return writes::own(id.clone(), path, &access, says_own(drifted)).into();
    }
    let Some(desired) = &spec.desired else {
        return refuse(format!(
            "there is no file {path}, and the policy gives no content to make one of; add `content: \"\"` for an empty one"
        ));
    };
    let says = match there {
        None => "create the file".to_owned(),
        Some(stat) if stat.kind == FileKind::Regular => "write its content".to_owned(),
        Some(stat) => format!("replace {} by the file", stat.kind.noun()),
    };
    writes::write(id.clone(), path, desired.bytes.to_vec(), &access, spec.validate.as_deref(), says).into()
}

fn says_own(drifted: &Drifted<'_, File>) -> String {
    let fields: Vec<_> = drifted.changes.iter().map(|change| change.field).collect();
    format!("set {}", fields.join(" and "))
}

#[cfg(test)]
mod tests;
