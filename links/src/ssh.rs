//! SSH in this process: the session, each of its steps with what is left of the time, and what keeps it alive.

mod dial;
mod keeper;
mod watch;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::link::{Broken, Standing, Step, Unreachable};
use rustix::event::{PollFd, PollFlags};
use ssh2::{BlockDirections, ErrorCode, MethodType, Session};

use crate::ask::Asker;
use crate::authenticate::authenticate;
use crate::channel::Channel;
use crate::config::{self, Config};
use crate::known_hosts::Known;
use crate::link::Way;
use crate::shell;
use crate::ssh_channel::SshChannel;
use crate::target::SshTarget;
use dial::Dialled;
use keeper::Keeper;
use watch::Watch;

/// How often a server that closes the door before the key exchange (`MaxStartups` of sshd_config(5)) is tried again.
pub(crate) const KNOCKS: u32 = 5;

/// The pause before the second try; it doubles, and varies so that many do not come back at once.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a server may take to clean up after a script.
const CLEANING: Duration = Duration::from_secs(2);

/// Opens a session, within the time; a server that closes the door is tried `knocks` times.
pub(crate) fn connect(
    target: &SshTarget,
    deadline: Instant,
    asker: &Asker,
    knocks: u32,
) -> Result<Box<dyn Way>, Unreachable> {
    let config = config::read(target, deadline)?;
    let mut knocked = 0;
    let (wire, dialled) = loop {
        match shake(&config, target, deadline) {
            Ok(done) => break done,
            Err(Refused { again: true, .. }) if knocked + 1 < knocks && pause(knocked, deadline) => knocked += 1,
            Err(refused) => return Err(refused.why),
        }
    };
    let key = authenticate(&wire, &config, target, deadline, asker)?;
    let wire = Arc::new(wire);
    // The queue at a bastion is for those who are not in yet.
    let dialled = dialled.entered();
    let keeper = Keeper::start(&wire);
    Ok(Box::new(Ssh { keeper, wire, user: config.user, key, _dialled: dialled }))
}

/// A failed start; `again` if another try may end better.
struct Refused {
    again: bool,
    why: Unreachable,
}

/// TCP (or what stands for it), key exchange, host key.
fn shake(config: &Config, target: &SshTarget, deadline: Instant) -> Result<(Wire, Dialled), Refused> {
    let settled = |why: Unreachable| Refused { again: false, why };
    let connect = |why: String| Unreachable { step: Step::Connect, why };
    let (socket, mut dialled) = dial::dial(config, target, deadline).map_err(settled)?;
    let clone = socket.try_clone().map_err(|error| settled(connect(format!("no file descriptor left: {error}"))))?;
    let mut session = Session::new().map_err(|error| settled(connect(describe(&error))))?;
    let known = Known::read(config, &session).map_err(settled)?;
    session
        .method_pref(MethodType::HostKey, &known.preference())
        .map_err(|error| settled(connect(describe(&error))))?;
    session.set_tcp_stream(clone);
    session.set_blocking(false);
    let wire = Wire::new(session, socket).map_err(|error| settled(connect(format!("no thread left: {error}"))))?;
    let mut handle = wire.session.clone();
    if let Err(trouble) = wire.until(deadline, || handle.handshake()) {
        let again = matches!(&trouble, Trouble::Failed(error) if is_closed_door(error));
        let mut why = trouble.text("the key exchange got no answer in time");
        if again {
            why = format!("the server closed the connection before the key exchange ({why})");
        }
        if let Some(said) = dialled.said() {
            why = format!("{why}; {said}");
        }
        return Err(Refused { again: again && dialled.is_direct(), why: connect(why) });
    }
    let shown = wire.session.host_key().map(|(key, _)| key.to_vec());
    let shown = shown.ok_or_else(|| settled(connect(String::from("the server showed no key"))))?;
    known.check(&shown, config).map_err(settled)?;
    Ok((wire, dialled))
}

/// Waits before another try, if there is time for one.
fn pause(knocks: u32, deadline: Instant) -> bool {
    let mut random = [0_u8; 1];
    let _ = getrandom::fill(&mut random);
    let base = PAUSE * 2_u32.pow(knocks);
    let pause = base / 2 + base * u32::from(random[0]) / 256;
    if Instant::now() + pause >= deadline {
        return false;
    }
    std::thread::sleep(pause);
    true
}

/// Errors that a server which hangs up at once gives: no banner, end of file, reset.
fn is_closed_door(error: &ssh2::Error) -> bool {
    matches!(error.code(), ErrorCode::Session(-43 | -13 | -2))
}

/// The server refuses another channel.
fn is_full(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(-21)
}

/// A session, never blocking, and its socket.
pub(crate) struct Wire {
    pub(crate) session: Session,
    socket: OwnedFd,
    watch: Watch,
    turn: Arc<(Mutex<bool>, Condvar)>,
}

impl Wire {
    fn new(session: Session, socket: OwnedFd) -> std::io::Result<Self> {
        let watch = Watch::start(socket.try_clone()?)?;
        Ok(Self { session, socket, watch, turn: Arc::default() })
    }

    /// Makes one call of libssh2, which never waits but may be kept busy: see [`watch`].
    pub(crate) fn call<T>(&self, deadline: Instant, call: impl FnOnce() -> T) -> T {
        self.watch.call(deadline, call)
    }

    /// Repeats a step of libssh2 until it is done.
    pub(crate) fn until<T>(
        &self,
        deadline: Instant,
        mut step: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Trouble> {
        loop {
            match self.call(deadline, &mut step) {
                Ok(done) => return Ok(done),
                Err(error) if is_again(&error) => self.wait(deadline).map_err(Trouble::Waiting)?,
                Err(_) if Instant::now() >= deadline => return Err(Trouble::Waiting(Broken::Stalled)),
                Err(error) => return Err(Trouble::Failed(error)),
            }
        }
    }

    /// Waits for the socket, in the directions that libssh2 waits for.
    pub(crate) fn wait(&self, deadline: Instant) -> Result<(), Broken> {
        let flags = match self.session.block_directions() {
            BlockDirections::Outbound | BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
            BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
        };
        crate::socket::wait(&mut [PollFd::new(&self.socket, flags)], deadline)
    }

    /// One at a time: libssh2 keeps the state of a half-done step in the session.
    fn turn(&self, deadline: Instant) -> Result<Turn, Broken> {
        let (taken, changed) = &*self.turn;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Broken::Stalled);
            }
            taken = changed.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken = true;
        Ok(Turn(Arc::clone(&self.turn)))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.session.disconnect(None, "done", None);
        // What libssh2 still wants to say would be waited for; on a closed socket it gives up at once, and frees all.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        self.session.set_blocking(true);
    }
}

/// The right to use a session, until dropped.
pub(crate) struct Turn(Arc<(Mutex<bool>, Condvar)>);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.1.notify_all();
    }
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No time left, or the socket cannot be waited for.
    Waiting(Broken),
    Failed(ssh2::Error),
}

impl Trouble {
    pub(crate) fn is_stall(&self) -> bool {
        matches!(self, Self::Waiting(Broken::Stalled))
    }

    pub(crate) fn broken(self, what: &str) -> Broken {
        match self {
            Self::Waiting(broken) => broken,
            Self::Failed(error) => Broken::Closed(format!("{what}: {}", describe(&error))),
        }
    }

    pub(crate) fn text(&self, stalled: &str) -> String {
        match self {
            Self::Waiting(Broken::Stalled) => String::from(stalled),
            Self::Waiting(broken) => broken.to_string(),
            Self::Failed(error) => describe(error),
        }
    }
}

/// libssh2's text, without its number where it says nothing more.
pub(crate) fn describe(error: &ssh2::Error) -> String {
    match error.code() {
        ErrorCode::Session(-5 | -8) => {
            format!(
                "no common way to encrypt or to sign ({}); `connection: openssh` knows more of them",
                error.message()
            )
        }
        ErrorCode::Session(number) => format!("{} (libssh2 {number})", error.message()),
        ErrorCode::SFTP(_) => String::from(error.message()),
    }
}

pub(crate) fn is_again(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(-37)
}

/// An open session. Fields are dropped in this order: who uses the wire before the wire, what carries it last.
struct Ssh {
    keeper: Keeper,
    wire: Arc<Wire>,
    user: String,
    key: Option<String>,
    _dialled: Dialled,
}

impl Ssh {
    /// A new channel. A server counts the one before (`MaxSessions` of sshd_config(5)) until it has cleaned up after it,
    /// so a refusal is taken for final only after a while.
    fn fresh(&self, deadline: Instant) -> Result<ssh2::Channel, Broken> {
        let patience = deadline.min(Instant::now() + CLEANING);
        loop {
            match self.wire.until(deadline, || self.wire.session.channel_session()) {
                Ok(channel) => return Ok(channel),
                Err(Trouble::Failed(error)) if is_full(&error) && Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(trouble) => return Err(trouble.broken("the server opens no channel")),
            }
        }
    }
}

impl Way for Ssh {
    fn open(&mut self, words: &[String], deadline: Instant) -> Result<Box<dyn Channel>, Broken> {
        let turn = self.wire.turn(deadline)?;
        let channel = match self.keeper.spare() {
            Some(channel) => channel,
            None => self.fresh(deadline)?,
        };
        let channel = SshChannel::start(channel, Arc::clone(&self.wire), turn, &shell::line(words), deadline)?;
        Ok(Box::new(channel))
    }

    fn is_root(&self) -> Option<bool> {
        Some(self.user == "root")
    }

    fn standing(&self) -> Standing {
        Standing { account: Some(self.user.clone()), key: self.key.clone(), becomes: false }
    }
}

#[cfg(test)]
#[allow(dead_code)]
#[path = "../tests/real/server.rs"]
mod server;

#[cfg(test)]
mod tests;
