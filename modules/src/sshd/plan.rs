//! How keywords are put right: all of them in one file, which sshd has to take as a whole.

use super::{Observed, Sshd, known, lines, listens, unread};
use crate::facts::sshd::{DROP_IN, Line, Sshd as Server};
use crate::user::plan::LEAVE;
use engine::guard::RELOAD_SSHD;
use engine::switch::{Ground, Guard};
use engine::{Command, Drifted, Facts, Id, Item, Module, Op, Pending, Planned};
use std::collections::BTreeMap;

/// Replaces the drop-in, checked together with the rest of the configuration before it is in place.
static WRITE: Command = Command { name: "write sshd's drop-in", shell: include_str!("write.sh") };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&WRITE];

const HEAD: &str = "# Written by comply. The first value counts, so this file comes first.\n";

pub(super) fn plan(
    declared: &[Item<'_, Sshd>],
    drifted: &[Drifted<'_, Sshd>],
    facts: &Facts,
) -> Result<Vec<Planned>, Pending> {
    let (mut planned, mut written, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for drift in drifted {
        let exceptions = drift.seen.exceptions.first().map(|line| exception(&drift.id.name, line));
        let only_exceptions = drift.changes.iter().all(|change| change.field == "match");
        match (refusal(drift), exceptions) {
            (Some(why), _) => planned.push(refuse(drift.id, why)),
            (None, Some(why)) if only_exceptions => planned.push(refuse(drift.id, why)),
            (None, exceptions) => {
                written.push(drift);
                left.extend(exceptions.map(|why| (drift.id, why)));
            }
        }
    }
    let Some(server) = written.first().and_then(|drift| drift.seen.server()) else { return Ok(planned) };
    let content = content(server, declared, &written, facts)?;
    let mut op = Op::new(written[0].id.clone(), &WRITE, Vec::new(), says(&written)).stdin(content);
    op.serves = written.iter().map(|drift| drift.id.clone()).collect();
    let guard = Guard { ground: Ground::Server, paths: vec![DROP_IN.into()], after: Some(&RELOAD_SSHD) };
    planned.push(op.guarded(guard).into());
    planned.extend(
        left.into_iter()
            .map(|(id, why)| Planned::Do(Op::new(id.clone(), &LEAVE, vec![why], "leave the Match block to a person"))),
    );
    Ok(planned)
}

fn refuse(id: &Id, why: String) -> Planned {
    Planned::Refuse { serves: vec![id.clone()], why }
}

fn exception(name: &str, line: &Line) -> String {
    format!(
        "{} sets {name} otherwise, for Match {}; comply rewrites no Match blocks: change that one, or accept it with a waiver",
        line.place(),
        line.within.as_deref().unwrap_or_default()
    )
}

fn says(written: &[&Drifted<'_, Sshd>]) -> String {
    let names: Vec<&str> = written.iter().map(|drift| drift.id.name.as_str()).collect();
    let what = match names.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("{} keywords", many.len()),
    };
    format!("set {what} in {DROP_IN} and reload sshd")
}

/// What a line in the drop-in would not change, or must not.
fn refusal(drift: &Drifted<'_, Sshd>) -> Option<String> {
    let name = drift.id.name.as_str();
    let server = drift.seen.server()?;
    if let Err(why) = &drift.seen.should {
        return Some(format!("sshd refuses this value: {why}"));
    }
    if listens(server, name) {
        return Some(socket(drift.seen.should.as_deref().unwrap_or_default()));
    }
    if let Some(unread) = server.changed.keys().filter(|file| *file != DROP_IN).find_map(|file| unread(server, file)) {
        return Some(format!(
            "{unread}, and nobody knows whether it would still let us in then; look at it, and reload ssh yourself"
        ));
    }
    if drift.seen.differs(known(name).1) { overruled(name, drift.seen, server) } else { None }
}

/// What a person has to do where systemd listens in place of sshd.
fn socket(wanted: &[String]) -> String {
    let mut lines: Vec<String> = ["[Socket]", "ListenStream="].map(|line| format!("`{line}`")).to_vec();
    lines.extend(wanted.iter().map(|value| format!("`ListenStream={value}`")));
    let last = lines.pop().unwrap_or_default();
    format!(
        "systemd listens in place of sshd here, and goes by ListenStream of ssh.socket; in `systemctl edit ssh.socket` write {} and {last}, \
         a line each, then run `systemctl stop ssh.service && systemctl restart ssh.socket`, and keep this session open until you have come in anew",
        lines.join(", ")
    )
}

/// Why the drop-in would not count.
fn overruled(name: &str, seen: &Observed, server: &Server) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(place) = server.option(&lower) {
        return Some(format!("{place} sets it, and comes before all files: take it out there"));
    }
    if server.before_ours.is_none() {
        return Some(format!(
            "sshd does not read {DROP_IN}: write `Include /etc/ssh/sshd_config.d/*.conf` as the first line of /etc/ssh/sshd_config"
        ));
    }
    let others = || server.global(&lower).filter(|(_, line)| line.file != DROP_IN);
    let should = seen.should.as_deref().unwrap_or_default();
    if known(name).1.adds_up() {
        let wanted = |word: &str| should.iter().any(|value| value.starts_with(word));
        let (_, line) = others().find(|(_, line)| !line.value.split_whitespace().all(wanted))?;
        return Some(format!("{} adds {} to it; take that out there", line.place(), line.value));
    }
    let (_, line) = others().find(|(at, line)| server.is_before_ours(*at, line))?;
    Some(format!("{} sets it before {DROP_IN} is read, and the first line counts: take it out there", line.place()))
}

/// The whole drop-in: what is put right now, what holds already, and what it says of others.
fn content(
    server: &Server,
    declared: &[Item<'_, Sshd>],
    written: &[&Drifted<'_, Sshd>],
    facts: &Facts,
) -> Result<String, Pending> {
    let mut keywords: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in server.lines.iter().filter(|line| line.file == DROP_IN && line.within.is_none()) {
        let (name, _) = known(&line.keyword);
        keywords.entry(line.keyword.clone()).or_default().push(format!("{name} {}", line.value));
    }
    for item in declared {
        let name = item.id.name.as_str();
        let seen = match Sshd.observe(name, item.spec, facts) {
            Err(Pending::Need) => return Err(Pending::Need),
            seen => seen.ok(),
        };
        // Elsewhere said already: twice would add up.
        let twice =
            known(name).1.adds_up() && server.global(&name.to_lowercase()).any(|(_, line)| line.file != DROP_IN);
        if seen.is_some_and(|seen| !seen.differs(known(name).1)) && !twice {
            keywords.insert(name.to_lowercase(), lines(name, item.spec));
        }
    }
    for drift in written {
        keywords.insert(drift.id.name.to_lowercase(), lines(&drift.id.name, drift.spec));
    }
    let lines = keywords.into_values().flatten();
    Ok(lines.fold(HEAD.to_owned(), |text, line| text + &line + "\n"))
}
