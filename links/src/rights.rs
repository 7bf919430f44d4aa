//! Whose rights a script runs with: the account's own, or root's by sudo or doas.
//!
//! A password is written to sudo only, and only as the answer to a prompt that holds a word made for this one
//! question. The script is written only to the shell inside, which says another such word first. So neither can reach
//! the other, whatever sudo is configured to do.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Stream};

use crate::ask::{Asker, BECOME_PASSWORD};
use crate::channel::{CHUNK, Channel, Event, pump};
use crate::link::Way;
use crate::nonce::nonce;
use crate::shell::{self, From};
use crate::target::Become;

/// How much is kept of what is printed before the shell inside is ready.
const KEPT: usize = 64 * 1024;

/// How long sudo may stay silent after printing something that looks like a prompt of somebody else's.
const PATIENCE: Duration = Duration::from_secs(10);

/// Receives what a script prints.
type Output<'a> = dyn FnMut(Stream, &[u8]) -> ControlFlow<()> + 'a;

/// How scripts of one link get their rights.
pub(crate) struct Rights {
    means: Means,
    host: String,
    asker: Arc<Asker>,
}

enum Means {
    None,
    Doas,
    Sudo(Password),
}

/// Whether sudo wants a password, found out once per link.
enum Password {
    Undecided,
    NotWanted,
    Wanted(String),
}

impl Rights {
    /// `is_root`: see [`Way::is_root`].
    pub(crate) fn new(become_: Become, is_root: Option<bool>, host: &str, asker: Arc<Asker>) -> Self {
        let means = match become_ {
            Become::None => Means::None,
            Become::Default if is_root.unwrap_or(true) => Means::None,
            Become::Doas => Means::Doas,
            Become::Default | Become::Sudo => Means::Sudo(Password::Undecided),
        };
        Self { means, host: String::from(host), asker }
    }

    /// Rights come by sudo or doas.
    pub(crate) fn becomes(&self) -> bool {
        !matches!(self.means, Means::None)
    }

    /// Somebody may have to be asked for a password.
    pub(crate) fn may_ask(&self) -> bool {
        matches!(self.means, Means::Sudo(Password::Undecided)) && self.asker.may_ask_become(&self.host)
    }

    /// Runs a script: `input` to the shell, what it prints to `output`.
    pub(crate) fn run(
        &mut self,
        way: &mut dyn Way,
        from: From,
        input: &[&[u8]],
        deadline: Instant,
        output: &mut Output<'_>,
    ) -> Result<Ended, Broken> {
        let asked = match &self.means {
            Means::None => {
                let mut channel = way.open(&shell::plain(from), deadline)?;
                return pump(channel.as_mut(), input, deadline, output);
            }
            Means::Doas => {
                return match silently(way, &["doas", "-n", "--"], from, input, deadline, output)? {
                    Ok(ended) => Ok(ended),
                    Err(refusal) if refusal.wants_password() => Err(Broken::Become(format!(
                        "{}; comply gives no password to doas, which wants a terminal for it: let this account use it \
                         without one (`permit nopass` in doas.conf)",
                        refusal.message("doas")
                    ))),
                    Err(refusal) => Err(Broken::Become(refusal.message("doas"))),
                };
            }
            Means::Sudo(Password::Wanted(password)) => {
                return with_password(way, password, from, input, deadline, output);
            }
            Means::Sudo(Password::NotWanted) => false,
            Means::Sudo(Password::Undecided) => true,
        };
        let refusal = match silently(way, &["sudo", "-n", "--"], from, input, deadline, output)? {
            Ok(ended) => {
                self.means = Means::Sudo(Password::NotWanted);
                return Ok(ended);
            }
            Err(refusal) => refusal,
        };
        if !asked || !refusal.wants_password() {
            return Err(Broken::Become(refusal.message("sudo")));
        }
        let started = Instant::now();
        let password = match self.asker.become_password(&self.host) {
            Ok(Some(password)) => password,
            Ok(None) => {
                return Err(Broken::Become(format!(
                    "{}; give it with --ask-become-pass or {BECOME_PASSWORD}, name its secret in the inventory \
                     (`become_secret`), or let this account use sudo without one",
                    refusal.message("sudo")
                )));
            }
            Err(why) => return Err(Broken::Become(format!("{}, and there is {why}", refusal.message("sudo")))),
        };
        // The time somebody took to type is not the host's.
        let deadline = deadline + started.elapsed();
        let ended = with_password(way, &password, from, input, deadline, output);
        self.means = Means::Sudo(Password::Wanted(password));
        ended
    }
}

/// What was printed by a sudo or doas that did not start the shell.
struct Refusal {
    said: Vec<u8>,
    ended: Ended,
}

impl Refusal {
    fn text(&self) -> String {
        first_lines(&self.said)
    }

    fn wants_password(&self) -> bool {
        let said = String::from_utf8_lossy(&self.said);
        ["password is required", "authentication is required", "authentication required", "Authentication required"]
            .iter()
            .any(|words| said.contains(words))
    }

    fn message(&self, program: &str) -> String {
        match (self.text(), &self.ended) {
            // As env(1) says that it found no program.
            (_, Ended::Status(127)) => format!("there is no {program} on the host"),
            (text, _) if !text.is_empty() => text,
            (_, Ended::Status(code)) => format!("{program} ended with status {code} and said nothing"),
            (_, Ended::Signal(name)) => format!("{program} was killed by signal {name}"),
            (_, Ended::Stopped) => format!("{program} did not start a shell"),
        }
    }
}

/// Runs a script through a program that asks nothing: the script goes with it, unread if it refuses.
fn silently(
    way: &mut dyn Way,
    prefix: &[&str],
    from: From,
    input: &[&[u8]],
    deadline: Instant,
    output: &mut Output<'_>,
) -> Result<Result<Ended, Refusal>, Broken> {
    let mut gate = Gate::new(new_word()?);
    let mut channel = way.open(&shell::raised(prefix, &gate.ready, false, from), deadline)?;
    let mut filter = |stream: Stream, bytes: &[u8]| gate.pass(stream, bytes, output);
    let ended = pump(channel.as_mut(), input, deadline, &mut filter)?;
    if gate.open || ended == Ended::Stopped {
        return Ok(Ok(ended));
    }
    Ok(Err(Refusal { said: gate.err, ended }))
}

/// Runs a script through `sudo -S`: first its dialogue, then the script.
fn with_password(
    way: &mut dyn Way,
    password: &str,
    from: From,
    input: &[&[u8]],
    deadline: Instant,
    output: &mut Output<'_>,
) -> Result<Ended, Broken> {
    let mut gate = Gate::new(new_word()?);
    let prompt = new_word()?;
    let words = shell::raised(&["sudo", "-S", "-p", &prompt, "--"], &gate.ready, true, from);
    let mut channel = way.open(&words, deadline)?;
    match converse(channel.as_mut(), &prompt, password, &mut gate, deadline, output)? {
        ControlFlow::Continue(()) => {
            let mark = format!("{}\n", gate.ready);
            let input: Vec<&[u8]> = std::iter::once(mark.as_bytes()).chain(input.iter().copied()).collect();
            pump(channel.as_mut(), &input, deadline, output)
        }
        ControlFlow::Break(ended) => Ok(ended),
    }
}

/// Answers sudo's prompt, once, until the shell inside is ready.
fn converse(
    channel: &mut dyn Channel,
    prompt: &str,
    password: &str,
    gate: &mut Gate,
    deadline: Instant,
    output: &mut Output<'_>,
) -> Result<ControlFlow<Ended>, Broken> {
    let line = format!("{password}\n");
    let mut unsent: &[u8] = &[];
    let mut answered = false;
    let mut buffer = vec![0; CHUNK];
    while !gate.open {
        if Instant::now() >= deadline {
            return Err(Broken::Stalled);
        }
        let patience = deadline.min(Instant::now() + PATIENCE);
        match channel.exchange(unsent, &mut buffer, patience) {
            Ok(Event::Took(count)) => unsent = unsent.get(count..).unwrap_or_default(),
            Ok(Event::Deaf) => unsent = &[],
            Ok(Event::Said(stream, count)) => {
                if gate.pass(stream, buffer.get(..count).unwrap_or_default(), output).is_break() {
                    return Ok(ControlFlow::Break(Ended::Stopped));
                }
                if stream == Stream::Err && !gate.open && asks(&gate.err, prompt) {
                    if answered {
                        return Err(Broken::Become(String::from("sudo refused the password")));
                    }
                    answered = true;
                    unsent = line.as_bytes();
                    gate.err.clear();
                }
            }
            Ok(Event::Ended(ended)) => {
                let refusal = Refusal { said: std::mem::take(&mut gate.err), ended };
                let head = if answered { "sudo refused: " } else { "" };
                return Err(Broken::Become(format!("{head}{}", refusal.message("sudo"))));
            }
            Err(Broken::Stalled) => {
                let tail = last_line(&gate.err);
                if !tail.is_empty() {
                    return Err(Broken::Become(format!(
                        "sudo asks in words of its own, {:?}; a password is written only to a prompt that comply chose",
                        String::from_utf8_lossy(tail)
                    )));
                }
            }
            Err(broken) => return Err(broken),
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The last thing printed is the prompt: bare (sudo), or as sudo-rs dresses it.
fn asks(said: &[u8], prompt: &str) -> bool {
    let tail = last_line(said);
    tail == prompt.as_bytes() || tail == format!("[sudo: {prompt}] Password: ").as_bytes()
}

fn last_line(said: &[u8]) -> &[u8] {
    said.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// What sudo or doas said, as one short line.
fn first_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said.get(..said.len().min(4096)).unwrap_or_default());
    let said = without_command(&said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    lines.join("; ")
}

/// "user ops is not allowed to execute 'LONG COMMAND' as root on web1", without the command, which is ours.
fn without_command(said: &str) -> String {
    let parts = || {
        let (before, rest) = said.split_once("not allowed to execute '")?;
        let (_, after) = rest.rsplit_once("' as ")?;
        Some(format!("{before}not allowed to execute a shell as {after}"))
    };
    parts().unwrap_or_else(|| String::from(said))
}

fn new_word() -> Result<String, Broken> {
    nonce().map_err(|error| Broken::Closed(error.to_string()))
}

/// Holds back what is printed until the shell inside says that it is ready.
struct Gate {
    ready: String,
    open: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Gate {
    fn new(ready: String) -> Self {
        Self { ready, open: false, out: Vec::new(), err: Vec::new() }
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8], output: &mut Output<'_>) -> ControlFlow<()> {
        if self.open {
            return output(stream, bytes);
        }
        let kept = if stream == Stream::Out { &mut self.out } else { &mut self.err };
        kept.extend_from_slice(bytes);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
        if stream == Stream::Err {
            return ControlFlow::Continue(());
        }
        let ready = format!("{}\n", self.ready);
        let Some(at) = self.out.windows(ready.len()).position(|window| window == ready.as_bytes()) else {
            return ControlFlow::Continue(());
        };
        self.open = true;
        let (out, err) = (std::mem::take(&mut self.out), std::mem::take(&mut self.err));
        let (before, after) = out.split_at_checked(at).unwrap_or((&out, &[]));
        let after = after.get(ready.len()..).unwrap_or_default();
        for (stream, bytes) in [(Stream::Err, err.as_slice()), (Stream::Out, before), (Stream::Out, after)] {
            if !bytes.is_empty() {
                output(stream, bytes)?;
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
