//! The dead man's switch: a change of what sessions stand on is undone by the host itself, unless somebody who came in
//! anew after it says that it may stay.

use crate::command::{Command, Op};
use crate::link::{Connect, Standing, Unreachable};
use crate::paths::path_problem;
use crate::session::{Armed, Done, Session};
use std::fmt;
use std::time::{Duration, Instant};

/// When a host puts itself back if the inventory says nothing else (`revert_after`).
pub const LIMIT: Duration = Duration::from_secs(60);

/// The pause before the second attempt to come in. There is no third: servers remember who fails (`PerSourcePenalties`
/// of sshd_config(5), fail2ban), and the way back in must not be lost by that.
const PAUSE: Duration = Duration::from_secs(5);

/// How much later than promised a host may be back.
const GRACE: Duration = Duration::from_secs(5);

/// What an operation does to the ground that sessions stand on, and how it is undone.
#[derive(Clone, Debug)]
pub struct Guard {
    /// What it endangers.
    pub ground: Ground,
    /// The files that it changes: they are put back. None of them is a directory.
    pub paths: Vec<String>,
    /// What makes a changed or restored file effective; it is run after the operation, and after it was undone.
    pub after: Option<&'static Command>,
}

/// The ground that sessions stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The SSH server.
    Server,
    /// This account.
    Account(String),
    /// The keys of this account.
    Keys(String),
    /// How accounts become root.
    Rights,
}

impl Ground {
    /// Whether a session stands on it.
    pub fn carries(&self, standing: &Standing) -> bool {
        match self {
            Self::Server => standing.account.is_some(),
            Self::Account(account) | Self::Keys(account) => standing.account.as_ref() == Some(account),
            Self::Rights => standing.becomes,
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("the SSH server"),
            Self::Account(account) => write!(f, "the account {account}, as whom comply logs in"),
            Self::Keys(account) => write!(f, "the keys of {account}, as whom comply logs in"),
            Self::Rights => f.write_str("how comply becomes root"),
        }
    }
}

/// Saves paths and starts what restores them. Arguments: seconds, the program that restores, what makes a restored file
/// effective, the paths.
pub static ARM: Command = Command { name: "arm the switch", shell: include_str!("script/switch_arm.sh") };

/// Confirms the change: nothing is restored any more.
pub static CONFIRM: Command = Command { name: "confirm the change", shell: include_str!("script/switch_confirm.sh") };

/// Restores at once. Argument: `after` if what is restored must be made effective.
pub static UNDO: Command = Command { name: "undo the change", shell: include_str!("script/switch_undo.sh") };

/// What runs on the host by itself: after a while, or as soon as the host was restarted. Arguments: where the switch is,
/// seconds to wait, `after` or `boot` or nothing, where it writes its number, where its unit is.
pub const RESTORE: &str = include_str!("script/switch_restore.sh");

/// What became of a guarded operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and a new session came in after it.
    Stays,
    /// It could not be done, and nothing of it is left: why.
    Failed(String),
    /// It was done and undone: why.
    Reverted(String),
}

impl Session<Armed> {
    /// Applies `op` behind the switch: `way` must lead in again, or the host puts itself back after `limit` at most. The
    /// session goes on over the new connection.
    pub fn apply_guarded(&mut self, op: &Op, guard: &Guard, way: &dyn Connect, limit: Duration) -> Outcome {
        if let Some(path) = guard.paths.iter().find(|path| path_problem(path).is_some()) {
            return Outcome::Failed(format!("{path:?} is no path that could be put back"));
        }
        let armed = Instant::now();
        let ops: Vec<Op> = [arming(op, guard, limit), op.clone()]
            .into_iter()
            .chain(guard.after.map(|after| Op { command: after, ..bare(op, "make it effective") }))
            .collect();
        let done = match self.apply(&ops) {
            Ok(done) => done,
            Err(why) => return Outcome::Failed(why),
        };
        let failed = done.iter().position(|done| *done != Done::Well);
        let why = match failed {
            None => match self.prove(op, way) {
                Ok(()) => return Outcome::Stays,
                Err(why) => why,
            },
            Some(at @ (0 | 1)) if self.is_open() => {
                let why = words(&done[at]);
                // Nothing was made effective yet; and if it could not be armed, nothing was changed.
                let undone = if at == 0 { Ok(()) } else { self.undo(op, false) };
                return Outcome::Failed(match undone {
                    Ok(()) => why,
                    Err(trouble) => format!("{why}; and it could not be undone: {trouble}"),
                });
            }
            Some(at) if self.is_open() => words(&done[at]),
            Some(at) => format!("the connection broke while it was applied ({})", words(&done[at])),
        };
        Outcome::Reverted(format!("{why}; {}", self.put_back(op, guard, way, armed + limit)))
    }

    /// Comes in anew and confirms the change from there.
    fn prove(&mut self, op: &Op, way: &dyn Connect) -> Result<(), String> {
        let confirm = Op { command: &CONFIRM, ..bare(op, "confirm it") };
        let mut told = String::new();
        for last in [false, true] {
            match self.come_in(way, &confirm) {
                Ok(session) => {
                    *self = session;
                    return Ok(());
                }
                Err(why) => told = why,
            }
            if !last {
                std::thread::sleep(PAUSE);
            }
        }
        Err(format!("nobody comes in any more: {told}"))
    }

    /// A new session, in which `op` was done.
    fn come_in(&self, way: &dyn Connect, op: &Op) -> Result<Self, String> {
        let link = way.connect_once().map_err(|Unreachable { step, why }| format!("{step}: {why}"))?;
        let mut session = self.over(link);
        match session.apply(std::slice::from_ref(op))?.as_slice() {
            [Done::Well] => Ok(session),
            done => Err(session.lost().map_or_else(|| done.iter().map(words).collect(), str::to_owned)),
        }
    }

    /// Sees to it that the host is as it was: over this connection if it lives, else by waiting. Says how it went.
    fn put_back(&mut self, op: &Op, guard: &Guard, way: &dyn Connect, until: Instant) -> String {
        let undone = if self.is_open() { self.undo(op, guard.after.is_some()) } else { Err(String::new()) };
        if undone.is_err() {
            std::thread::sleep((until + GRACE).saturating_duration_since(Instant::now()));
        }
        // Where it was not undone already, this does it; a host that put itself back says so.
        let undo = Op { args: vec!["after".into()], command: &UNDO, ..bare(op, "undo it") };
        let mut told = String::new();
        for last in [false, true] {
            match self.come_in(way, &undo) {
                Ok(session) => {
                    *self = session;
                    return "the host was put back as it was, and lets comply in again".into();
                }
                Err(why) => told = why,
            }
            if !last {
                std::thread::sleep(PAUSE);
            }
        }
        format!("the host was to put itself back, but cannot be reached since: {told}")
    }

    fn undo(&mut self, op: &Op, after: bool) -> Result<(), String> {
        let args = vec![if after { "after".into() } else { String::new() }];
        let undo = Op { args, command: &UNDO, ..bare(op, "undo it") };
        match self.apply(&[undo])?.as_slice() {
            [Done::Well] => Ok(()),
            done => Err(done.iter().map(words).collect()),
        }
    }
}

fn arming(op: &Op, guard: &Guard, limit: Duration) -> Op {
    let after = guard.after.map_or("", |after| after.shell);
    let mut args = vec![limit.as_secs().to_string(), RESTORE.to_owned(), after.to_owned()];
    args.extend(guard.paths.iter().cloned());
    Op { args, command: &ARM, ..bare(op, "arm the switch") }
}

/// An operation beside `op`, for the same resources.
fn bare(op: &Op, says: &str) -> Op {
    let mut bare = Op::new(crate::Id::new("", ""), op.command, Vec::new(), says);
    bare.serves.clone_from(&op.serves);
    bare
}

fn words(done: &Done) -> String {
    match done {
        Done::Failed(why) => why.clone(),
        Done::Well | Done::NotRun => "it was not run".into(),
    }
}
