//! The SSH server's configuration, keyword by keyword.

pub mod keyword;
pub(crate) mod plan;
pub mod value;

use crate::facts::sshd::{CANONICAL, DROP_IN, Line, SSHD, Sshd as Server};
use crate::service::moment;
use engine::{Anchor, Blind, Change, Drifted, Facts, Item, Links, Module, Others, Pending, Planned, Problem};
use keyword::Form;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use value::Setting;

/// The kind `sshd`.
pub struct Sshd;

/// A keyword of sshd_config(5).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Its value, as in sshd_config(5), or a list of values where the keyword takes several.
    pub value: Option<Setting>,
}

/// A keyword as the host has it.
pub struct Observed {
    /// What holds now, in the words of the host's own sshd.
    is: Vec<String>,
    /// What is wanted, in the same words; or why sshd refuses it.
    should: Means,
    /// Lines of `Match` blocks that set it otherwise.
    exceptions: Vec<Line>,
    server: Arc<Option<Server>>,
}

impl Observed {
    fn server(&self) -> Option<&Server> {
        self.server.as_ref().as_ref()
    }

    /// What holds for everybody comes from a `Match all`, and not from what stands outside of blocks.
    fn is_set_for_all(&self) -> bool {
        self.should.is_ok() && self.exceptions.iter().any(Line::is_for_all)
    }

    fn differs(&self, form: Form) -> bool {
        let set = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>();
        match &self.should {
            Ok(should) if form.adds_up() => set(&self.is) != set(should),
            Ok(should) => self.is != *should,
            Err(_) => true,
        }
    }
}

/// The keyword and its form; names that are none do not get this far.
fn known(name: &str) -> (&str, Form) {
    keyword::find(name).unwrap_or((name, Form::One))
}

fn lines(name: &str, spec: &Spec) -> Vec<String> {
    let (name, form) = known(name);
    spec.value.as_ref().map(|value| value.lines(name, form)).unwrap_or_default()
}

impl Module for Sshd {
    const KIND: &'static str = "sshd";
    const SECTION: &'static str = "sshd";
    const REQUIRED: &'static [&'static str] = &["value"];
    const STATE: Option<&'static [&'static str]> = None;
    const SHORT: Option<&'static str> = Some("value");
    const DOC: &'static str = include_str!("sshd.md");
    type Spec = Spec;
    type Seen = Observed;

    fn spelling(&self, name: &str) -> String {
        known(name).0.to_owned()
    }

    fn names(&self) -> Vec<&'static str> {
        keyword::all().map(|(name, _)| name).collect()
    }

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let Some((_, form)) = keyword::find(name) else {
            let problem = Problem::name(format!("`{name}` is no keyword that comply can set for sshd"));
            return vec![problem.hint(keyword::advice(name))];
        };
        let values = spec.value.as_ref().map(Setting::values).unwrap_or_default();
        let wrong = |message: &str| vec![Problem::field("value", format!("`{name}` {message}"))];
        if values.is_empty() {
            wrong("has no value; sshd takes no empty list")
        } else if values.len() > 1 && form == Form::One {
            wrong("takes one value, not a list")
        } else if values.iter().any(|value| value.trim().is_empty() || value.chars().any(char::is_control)) {
            wrong("has a value that is empty, or that has line breaks or other control characters in it")
        } else {
            Vec::new()
        }
    }

    fn links(&self, name: &str, spec: &Spec, _: usize) -> Links {
        let links = Links::new()
            .needs(Anchor::Package("openssh-server".into()))
            .needs(Anchor::Path(DROP_IN.into()))
            .keeps(Anchor::Path(DROP_IN.into()), Others::SameKind)
            .after(Anchor::Path("/etc/ssh/sshd_config".into()));
        let values = spec.value.as_ref().map(Setting::values).unwrap_or_default();
        let words = values.iter().flat_map(|value| value.split_whitespace());
        words.fold(links, |links, word| match known(name).0 {
            "AllowUsers" | "DenyUsers" => links.after(Anchor::User(word.split('@').next().unwrap_or(word).into())),
            "AllowGroups" | "DenyGroups" => links.after(Anchor::Group(word.into())),
            _ if word.starts_with('/') && !word.contains('%') => links.needs(Anchor::Path(word.into())),
            _ => links,
        })
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let server = facts.ask(&SSHD, &[]);
        let wanted = lines(name, spec);
        let should = match known(name) {
            // One is needed to ask at all, and would count as one of them.
            ("HostKey", _) => None,
            _ => Some(facts.ask(&CANONICAL, &[&wanted.join("\n")])),
        };
        let server = server?;
        let Some(sshd) = server.as_ref() else {
            return Err(Blind::NotYet("there is no sshd on the host".into()).into());
        };
        let should = match should {
            None => Ok(spec.value.as_ref().map(|value| value.values().to_vec()).unwrap_or_default()),
            Some(should) => (*should?).clone(),
        };
        let lower = name.to_lowercase();
        let Some((is, should)) = compared(sshd, name, spec, should) else {
            return Err(Blind::Unsupported(format!("sshd -T does not show {name}, so nobody can tell")).into());
        };
        let asked = sshd.lines.iter().filter(|line| line.within.is_some() && line.keyword == lower);
        // Where the words are the same there is nothing to ask.
        let asked = asked.filter(|line| !wanted.iter().any(|wanted| same_words(wanted, name, line)));
        let asked: Vec<_> =
            asked.map(|line| (line, facts.ask(&CANONICAL, &[&format!("{} {}", known(name).0, line.value)]))).collect();
        let mut exceptions = Vec::new();
        for (line, means) in asked {
            if *means? != should {
                exceptions.push(line.clone());
            }
        }
        Ok(Observed { is, should, exceptions, server })
    }

    fn diff(&self, name: &str, _: &Spec, seen: &Observed) -> Vec<Change> {
        let Some(server) = seen.server() else { return Vec::new() };
        let (_, form) = known(name);
        let mut changes = Vec::new();
        if seen.differs(form) && !seen.is_set_for_all() {
            let should = match &seen.should {
                Ok(should) => should.join(" "),
                Err(why) => format!("a value that this sshd takes ({why})"),
            };
            changes.push(Change::value("value", format!("{} ({})", shown(&seen.is), source(server, name)), should));
        } else if let Some(unread) = unread_of(server, name) {
            changes.push(Change::value("running", unread, "read again"));
        }
        let mut blocks: Vec<(&str, Vec<String>)> = Vec::new();
        for line in &seen.exceptions {
            let (within, says) =
                (line.within.as_deref().unwrap_or_default(), format!("{} says {}", line.place(), line.value));
            match blocks.iter_mut().find(|(block, _)| *block == within) {
                Some((_, lines)) => lines.push(says),
                None => blocks.push((within, vec![says])),
            }
        }
        let exception = |(within, says): (&str, Vec<String>)| {
            Change::value("match", says.join(", "), "as for everybody").element(within)
        };
        changes.extend(blocks.into_iter().map(exception));
        changes
    }

    fn plan(
        &self,
        _: usize,
        declared: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        facts: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        plan::plan(declared, drifted, facts)
    }
}

/// Values in the words of the host's sshd, or why it refuses them.
type Means = Result<Vec<String>, String>;

/// What holds and what is wanted, in the same words; `None`: nobody can tell.
fn compared(sshd: &Server, name: &str, spec: &Spec, should: Means) -> Option<(Vec<String>, Means)> {
    let lower = name.to_lowercase();
    if !should.as_ref().is_ok_and(Vec::is_empty) {
        return Some((sshd.effective.get(&lower).cloned().unwrap_or_default(), should));
    }
    if keyword::is_told(known(name).0) || sshd.option(&lower).is_some() {
        return None;
    }
    let first = sshd.global(&lower).next().map(|(_, line)| line.value.to_lowercase());
    let wanted = spec.value.iter().flat_map(Setting::values).map(|value| value.to_lowercase());
    Some((first.into_iter().collect(), Ok(wanted.collect())))
}

fn same_words(wanted: &str, name: &str, line: &Line) -> bool {
    let value = wanted.get(name.len()..).unwrap_or_default();
    value.split_whitespace().eq(line.value.split_whitespace())
}

fn shown(values: &[String]) -> String {
    if values.is_empty() { "not set".into() } else { values.join(" ") }
}

/// Where the present value comes from.
fn source(server: &Server, name: &str) -> String {
    let lower = name.to_lowercase();
    if listens(server, name) {
        return "ssh.socket".into();
    }
    if let Some(place) = server.option(&lower) {
        return place.into();
    }
    let (_, form) = known(name);
    let places: Vec<String> = server.for_everybody(&lower).map(Line::place).collect();
    match places.as_slice() {
        [] => "the default".into(),
        all if form.adds_up() => all.join(", "),
        [first, ..] => first.clone(),
    }
}

/// Whether a keyword says where to listen, and systemd does that in place of sshd.
fn listens(server: &Server, name: &str) -> bool {
    server.socket && ["Port", "ListenAddress"].contains(&name)
}

/// A file that sets the keyword and that sshd has not read since it changed.
fn unread_of(server: &Server, name: &str) -> Option<String> {
    if listens(server, name) {
        return None;
    }
    let lower = name.to_lowercase();
    let (_, form) = known(name);
    let most = if form.adds_up() { usize::MAX } else { 1 };
    server.for_everybody(&lower).take(most).find_map(|line| unread(server, &line.file))
}

/// That sshd has not read a file since it changed.
fn unread(server: &Server, file: &str) -> Option<String> {
    let (changed, read) = (server.changed.get(file)?, server.read_at?);
    (*changed > read).then(|| format!("sshd has not read {file} since it changed ({})", moment(*changed)))
}

#[cfg(test)]
mod tests;
