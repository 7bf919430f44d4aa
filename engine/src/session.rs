//! A conversation with one host: questions in as few scripts as possible, and, if armed, operations.

use crate::command::Op;
use crate::event::{Event, Watch};
use crate::facts::Facts;
use crate::frame::{Flow, Frames};
use crate::link::{Broken, Ended, Job, Link, Standing};
use crate::query::{Answer, Batch, Blind, Probe};
use crate::script::{self, Call};

pub use crate::script::Consent;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How long one script of operations may take: an installation with downloads.
const OPERATION_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A session that can only ask.
pub enum ReadOnly {}
/// A session that can also change its host.
pub enum Armed {}

/// An open link to one host, and what it may be used for.
///
/// ```compile_fail
/// # fn audit(session: &mut engine::session::Session<engine::session::ReadOnly>) {
/// session.apply(&[]); // a session that was not armed has no way to change anything
/// # }
/// ```
///
/// ```compile_fail
/// # fn audit(session: &mut engine::session::Session<engine::session::ReadOnly>, consent: engine::session::Consent) {
/// session.arm(consent); // and one that is only lent cannot be armed
/// # }
/// ```
pub struct Session<C> {
    link: Box<dyn Link>,
    patience: Duration,
    consent: Option<Consent>,
    rounds: usize,
    lost: Option<String>,
    leased: bool,
    capability: PhantomData<fn() -> C>,
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Its program ended with status 0.
    Well,
    /// It failed; the last words of the program, raw.
    Failed(String),
    /// It was not run, since a resource it serves had already failed.
    NotRun,
}

impl Session<ReadOnly> {
    /// Begins a session that asks; a script that takes longer than `patience` has stalled.
    pub fn open(link: Box<dyn Link>, patience: Duration) -> Self {
        Self { link, patience, consent: None, rounds: 0, lost: None, leased: false, capability: PhantomData }
    }

    /// Lets it change the host. Only `comply enforce` may call this.
    pub fn arm(self, consent: Consent) -> Session<Armed> {
        Session {
            link: self.link,
            patience: self.patience,
            consent: Some(consent),
            rounds: self.rounds,
            lost: self.lost,
            leased: false,
            capability: PhantomData,
        }
    }
}

impl<C> Session<C> {
    /// What the session stands on at the host.
    pub fn standing(&self) -> Standing {
        self.link.standing()
    }

    /// The connection has not broken.
    pub fn is_open(&self) -> bool {
        self.lost.is_none()
    }

    /// Why the connection broke, if it has.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Round trips so far.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Asks the host all of `probes` and notes the answers in `facts`: one for each, if only that the host could
    /// not tell. What hangs or floods is left out and the rest asked once more.
    ///
    /// # Errors
    /// [`Broken::Become`] if the rights to ask could not be had.
    pub fn ask(
        &mut self,
        probes: BTreeSet<Probe>,
        facts: &mut Facts,
        host: &str,
        watch: &dyn Watch,
    ) -> Result<(), Broken> {
        let (sound, unsound): (BTreeSet<_>, _) =
            probes.into_iter().partition(|probe| probe.args.iter().all(|arg| !arg.contains('\0')));
        facts.learn(unsound.into_iter().map(|probe| (probe, Err(Blind::Unsupported("a name has a NUL in it".into())))));
        let mut calls = script::calls(sound);
        for last in [false, true] {
            if calls.is_empty() {
                return Ok(());
            }
            if let Some(why) = &self.lost {
                blind(facts, calls, &Blind::Cut(why.clone()));
                return Ok(());
            }
            let (left, why, hopeless) = self.ask_once(calls, facts, host, watch)?;
            calls = left;
            if last || hopeless {
                blind(facts, std::mem::take(&mut calls), &why);
            }
        }
        Ok(())
    }

    /// Runs one script; returns the calls that have no answer, why, and whether it is no use to ask them again.
    fn ask_once(
        &mut self,
        calls: Vec<Call>,
        facts: &mut Facts,
        host: &str,
        watch: &dyn Watch,
    ) -> Result<(Vec<Call>, Blind, bool), Broken> {
        let nonce = script::nonce();
        let text = script::asking(&nonce, &calls);
        self.rounds += 1;
        let probes = calls.iter().map(|call| call.probes.len()).sum();
        watch.event(host, &Event::Asking { round: self.rounds, probes, bytes: text.len() });
        let begun = Instant::now();
        let mut frames = Frames::new(&nonce, calls.iter().map(|call| call.query.limit).collect());
        let mut flooded = false;
        let job = Job { script: &text, stdin: None, deadline: begun + self.patience };
        let ended = self.link.run(&job, &mut |stream, bytes| match frames.feed(stream, bytes) {
            Flow::More => ControlFlow::Continue(()),
            Flow::TooLarge => {
                flooded = true;
                ControlFlow::Break(())
            }
        });
        watch.event(host, &Event::Answered { took: begun.elapsed() });
        let why = match ended {
            Err(Broken::Become(why)) if self.rounds == 1 => return Err(Broken::Become(why)),
            Err(Broken::Become(why) | Broken::Closed(why)) => {
                self.lost = Some(why.clone());
                Blind::Cut(why)
            }
            Err(Broken::Stalled) => Blind::TimedOut,
            Ok(_) if !frames.begun() => Blind::Failed(no_answer(&frames)),
            Ok(Ended::Signal(signal)) => Blind::Failed(format!("the shell was ended by SIG{signal}")),
            Ok(_) => Blind::Failed("the shell ended before its script".into()),
        };
        let running = frames.running();
        let mut left = Vec::new();
        for (index, call) in calls.into_iter().enumerate() {
            match frames.take(index) {
                Some(frame) if frame.status.is_some() => facts.learn(answers(call, frame.answer(), &frame.parts)),
                _ if running == Some(index) && self.lost.is_none() => {
                    let why = if flooded { Blind::TooLarge(call.query.limit) } else { why.clone() };
                    blind(facts, vec![call], &why);
                }
                _ => left.push(call),
            }
        }
        Ok((left, why, !frames.begun()))
    }
}

impl Session<Armed> {
    /// A session like this one over another link to the same host.
    pub(crate) fn over(&self, link: Box<dyn Link>) -> Self {
        Self {
            link,
            patience: self.patience,
            consent: self.consent.clone(),
            rounds: self.rounds,
            lost: None,
            leased: self.leased,
            capability: PhantomData,
        }
    }

    /// Applies `ops` in order; the operations of one resource stop at its first failure, others go on.
    ///
    /// # Errors
    /// A sentence, if nothing was done: another run holds the host, or the lock cannot be had.
    pub fn apply(&mut self, ops: &[Op]) -> Result<Vec<Done>, String> {
        let mut done: Vec<Done> = Vec::with_capacity(ops.len());
        while done.len() < ops.len() {
            let rest = &ops[done.len()..];
            let raw = script::needs_own_script(&rest[0]);
            let count = if raw { 1 } else { rest.iter().take_while(|op| !script::needs_own_script(op)).count() };
            let failed: BTreeSet<_> =
                ops.iter().zip(&done).filter(|(_, done)| **done != Done::Well).flat_map(|(op, _)| &op.serves).collect();
            let doomed = |op: &&Op| op.serves.iter().any(|id| failed.contains(id));
            let batch: Vec<&Op> = rest[..count].iter().filter(|op| !doomed(op)).collect();
            let mut results = self.apply_once(&batch, raw, done.is_empty())?.into_iter();
            let outcomes: Vec<_> = rest[..count]
                .iter()
                .map(|op| if doomed(&op) { Done::NotRun } else { results.next().unwrap_or(Done::NotRun) })
                .collect();
            done.extend(outcomes);
        }
        Ok(done)
    }

    fn apply_once(&mut self, ops: &[&Op], raw: bool, first: bool) -> Result<Vec<Done>, String> {
        let Some(consent) = &self.consent else {
            return Err("there is no consent".into());
        };
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(why) = &self.lost {
            return Ok(vec![Done::Failed(why.clone()); ops.len()]);
        }
        if let Some(op) = ops.iter().find(|op| op.args.iter().any(|arg| arg.contains('\0'))) {
            return Err(format!("{}: a value has a NUL in it, which no command can take", op.says));
        }
        let nonce = script::nonce();
        let text = script::applying(&nonce, consent, ops, raw);
        let mut frames = Frames::new(&nonce, vec![1 << 20; ops.len() + 1]);
        self.rounds += 1;
        let job = Job {
            script: &text,
            stdin: raw.then(|| ops[0].stdin.as_slice()),
            deadline: Instant::now() + OPERATION_PATIENCE,
        };
        let ended = self.link.run(&job, &mut |stream, bytes| {
            // Too much output is no reason to stop in the middle of a change.
            let _ = frames.feed(stream, bytes);
            ControlFlow::Continue(())
        });
        if let Err(Broken::Closed(why) | Broken::Become(why)) = &ended {
            self.lost = Some(why.clone());
        }
        match frames.take(0) {
            Some(frame) if frame.status == Some(0) => self.leased = true,
            Some(frame) if frame.status.is_some() && first => {
                return Err(last_words(&frame.answer()));
            }
            None if ended.is_ok() => return Err(no_answer(&frames)),
            _ => {}
        }
        Ok((1..=ops.len())
            .map(|index| match frames.take(index) {
                Some(frame) => match frame.status {
                    Some(0) => Done::Well,
                    Some(_) => Done::Failed(last_words(&frame.answer())),
                    None => Done::Failed(match &ended {
                        Err(broken) => format!("cut off while it ran: {broken}"),
                        Ok(_) => "the shell ended while it ran".into(),
                    }),
                },
                None => match &self.lost {
                    Some(why) => Done::Failed(format!("not reached: {why}")),
                    None => Done::NotRun,
                },
            })
            .collect())
    }

    /// Gives the host's lock back, if it was taken. What goes wrong is of no consequence: the lease runs out.
    pub fn release(&mut self) {
        let Some(consent) = self.consent.as_ref().filter(|_| self.leased && self.lost.is_none()) else {
            return;
        };
        let text = script::releasing(&script::nonce(), consent);
        let job = Job { script: &text, stdin: None, deadline: Instant::now() + self.patience };
        let _ = self.link.run(&job, &mut |_, _| ControlFlow::Continue(()));
        self.leased = false;
    }
}

/// Cuts the answer of a call apart for its probes.
fn answers(call: Call, answer: Answer, parts: &[Vec<u8>]) -> Vec<(Probe, Result<Answer, Blind>)> {
    let args: Vec<&[String]> = call.probes.iter().map(|probe| probe.args.as_slice()).collect();
    let mut cut = match call.query.batch {
        Batch::No => vec![answer],
        Batch::Split(split) => split(&answer, &args),
        Batch::Marked => marked(&answer, parts),
        Batch::Shared(share) => {
            let mut answers = marked(&answer, parts);
            share(parts.first().map_or(&[], Vec::as_slice), &mut answers);
            answers
        }
    }
    .into_iter();
    call.probes.into_iter().map(|probe| (probe, cut.next().ok_or_else(missing_part))).collect()
}

fn marked(answer: &Answer, parts: &[Vec<u8>]) -> Vec<Answer> {
    let one = |part: &Vec<u8>| Answer { status: answer.status, out: part.clone(), err: answer.err.clone() };
    parts.iter().skip(1).map(one).collect()
}

fn missing_part() -> Blind {
    Blind::Garbled("the answer has fewer parts than were asked for".into())
}

fn blind(facts: &mut Facts, calls: Vec<Call>, why: &Blind) {
    facts.learn(calls.into_iter().flat_map(|call| call.probes).map(|probe| (probe, Err(why.clone()))));
}

/// What the login shell did instead of running the script.
fn no_answer(frames: &Frames) -> String {
    const WORDS: usize = 300;
    let noise = frames.noise();
    let odd = noise.chars().filter(|c| *c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())).count();
    match noise.chars().count() {
        0 => "the login shell ran nothing of the script".into(),
        count if odd * 10 > count => "the login shell printed bytes that are no text, and ran nothing".into(),
        count if count > WORDS => {
            format!("the login shell printed: {}…", noise.chars().take(WORDS).collect::<String>())
        }
        _ => format!("the login shell printed: {noise}"),
    }
}

/// The reason a program gives for its failure: its last line on standard error, the ones before it only if they
/// help to understand it.
fn last_words(answer: &Answer) -> String {
    let said = String::from_utf8_lossy(&answer.err);
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    match lines.len() {
        0 => format!("exit status {}", answer.status),
        count => lines[count.saturating_sub(8)..].join("\n"),
    }
}
