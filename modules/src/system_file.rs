//! A small text file of root's that a kind writes as a whole: /etc/sudoers.d/ops, /etc/cron.d/backup.

use crate::mode::Mode;
use crate::unified_diff::{as_text, unified_diff};
use engine::paths::{FileKind, READ, STAT, Stat};
use engine::writes::{self, Access};
use engine::{Blind, Change, Facts, Id, Op, Pending, Planned};
use std::sync::Arc;

/// Such a file as it has to be; root's own.
#[derive(Clone, Copy)]
pub struct SystemFile<'a> {
    /// Where.
    pub path: &'a str,
    /// All that is in it; `None`: it must not be there.
    pub text: Option<&'a str>,
    /// Permission bits.
    pub mode: u32,
    /// Whether another text (the host's, first) means the same as the wanted one.
    pub same: fn(&str, &str) -> bool,
}

/// What is at its path.
#[derive(Debug)]
pub struct Seen {
    /// What it is; `None`: nothing.
    pub stat: Option<Stat>,
    text: Text,
}

#[derive(Debug)]
enum Text {
    /// It means the same, or there is none to compare.
    Right,
    /// It means something else; the host has this.
    Differs(Arc<Vec<u8>>),
    /// It means something else, and why it is not shown.
    Unshown(String),
}

impl Seen {
    /// What the host has, where it is not what it should be and can be shown.
    pub fn text(&self) -> Option<&str> {
        match &self.text {
            Text::Differs(bytes) => as_text(bytes),
            _ => None,
        }
    }
}

/// Two texts without a difference.
pub fn equal(one: &str, other: &str) -> bool {
    one == other
}

impl SystemFile<'_> {
    /// Looks at it. Its content is asked for at once: such files are small, and a comment more is no difference.
    ///
    /// # Errors
    /// What has to be asked first, or why the host cannot tell.
    pub fn observe(&self, facts: &Facts) -> Result<Seen, Pending> {
        let stat = facts.ask(&STAT, &[self.path]);
        let read = self.text.map(|_| facts.ask(&READ, &[self.path]));
        let stat = (*stat?).clone();
        let regular = stat.as_ref().is_some_and(|stat| stat.kind == FileKind::Regular);
        let text = match (read, self.text) {
            (Some(Err(Pending::Need)), _) => return Err(Pending::Need),
            (Some(Ok(bytes)), Some(wanted)) if regular => match as_text(&bytes) {
                Some(text) if (self.same)(text, wanted) => Text::Right,
                Some(_) => Text::Differs(bytes),
                None => Text::Unshown("binary".into()),
            },
            (Some(Err(Pending::Blind(Blind::TooLarge(_)))), _) => Text::Unshown("larger than 1 MiB".into()),
            (Some(Err(why)), _) if regular => return Err(why),
            _ => Text::Right,
        };
        Ok(Seen { stat, text })
    }

    /// What differs.
    pub fn diff(&self, seen: &Seen) -> Vec<Change> {
        let Some(stat) = &seen.stat else {
            return self.text.iter().map(|_| Change::value("state", "absent", "present")).collect();
        };
        let regular = stat.kind == FileKind::Regular;
        let Some(wanted) = self.text else {
            return vec![Change::value("state", if regular { "present" } else { stat.kind.noun() }, "absent")];
        };
        if !regular {
            return vec![Change::value("state", stat.kind.noun(), "a file")];
        }
        let content = match &seen.text {
            Text::Right => None,
            Text::Differs(bytes) => {
                Some(Change::text("content", unified_diff(as_text(bytes).unwrap_or_default(), wanted)))
            }
            Text::Unshown(why) => Some(Change::hidden("content", why)),
        };
        let mode = (stat.mode != self.mode).then(|| {
            Change::value("mode", Mode::from_bits(stat.mode).to_string(), Mode::from_bits(self.mode).to_string())
        });
        let id = |field, id: u32| (id != 0).then(|| Change::value(field, format!("number {id}"), "root"));
        [content, mode, id("owner", stat.uid), id("group", stat.gid)].into_iter().flatten().collect()
    }

    /// How it is put right; `write` makes the operation that writes the content.
    pub fn plan(
        &self,
        id: &Id,
        seen: &Seen,
        changes: &[&Change],
        write: impl FnOnce(&Access, Vec<u8>, &'static str) -> Op,
    ) -> Option<Planned> {
        let path = self.path;
        if seen.stat.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory) {
            let why = format!("{path} is a directory; move it away yourself, nothing in it is thrown away here");
            return Some(Planned::Refuse { serves: vec![id.clone()], why });
        }
        let Some(wanted) = self.text else {
            return Some(Op::new(id.clone(), &writes::REMOVE, vec![path.into()], format!("remove {path}")).into());
        };
        let access = Access { mode: self.mode, owner: "root".into(), group: "root".into() };
        let has = |field: &str| changes.iter().any(|change| change.field == field);
        if has("state") || has("content") {
            let says = if seen.stat.is_none() { "create" } else { "write" };
            return Some(write(&access, wanted.as_bytes().to_vec(), says).into());
        }
        let says = format!("set owner and mode of {path}");
        (has("mode") || has("owner") || has("group")).then(|| writes::own(id.clone(), path, &access, says).into())
    }
}
