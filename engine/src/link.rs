//! How the engine reaches a host, whatever is between: implemented by the crate `links`.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Which of a program's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A script to run in `sh` on the host, with the rights that the host's `become` gives.
pub struct Job<'a> {
    /// The script, a text for `sh`.
    pub script: &'a [u8],
    /// Bytes for the script's standard input. `None`: the shell reads the script itself from its standard input, to
    /// the end. `Some`: the shell first reads the whole script (`links` sees to that), then runs it with these bytes,
    /// raw, on standard input.
    pub stdin: Option<&'a [u8]>,
    /// When to give up.
    pub deadline: Instant,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Status(i32),
    /// By a signal, of this name.
    Signal(String),
    /// The receiver of its output had enough ([`ControlFlow::Break`]); the channel was dropped.
    Stopped,
}

/// Why a script did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The deadline passed; the channel was dropped. The link can run another script.
    Stalled,
    /// The connection is gone; why. The link is of no more use.
    Closed(String),
    /// The rights could not be had: what sudo or doas said, or did not. The link is of no more use.
    Become(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled => f.write_str("no answer in time"),
            Self::Closed(why) | Self::Become(why) => f.write_str(why),
        }
    }
}

/// An open way to one host.
pub trait Link: Send {
    /// Runs a script and hands over what it prints, as it comes.
    ///
    /// # Errors
    /// [`Broken`] says why the script did not end, and whether the link still lives.
    fn run(&mut self, job: &Job<'_>, output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>)
    -> Result<Ended, Broken>;

    /// What this session stands on at the host.
    fn standing(&self) -> Standing;
}

/// What a session stands on: take it away, and the next one does not come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The account it logged in to; `None` where nobody logs in (a container, this machine).
    pub account: Option<String>,
    /// The key that opened it, as `SHA256:…`; `None` if another program chose it, or none was needed.
    pub key: Option<String>,
    /// It gets its rights by sudo or doas.
    pub becomes: bool,
}

/// How to open a link to one host.
pub trait Connect: Send + Sync {
    /// Opens it.
    ///
    /// # Errors
    /// [`Unreachable`] says at which step it ended, and why.
    fn connect(&self) -> Result<Box<dyn Link>, Unreachable>;

    /// Opens another one that shares nothing with those that are open, in a single attempt: a server may hold it
    /// against the next ones that one failed.
    ///
    /// # Errors
    /// As [`Connect::connect`].
    fn connect_once(&self) -> Result<Box<dyn Link>, Unreachable>;

    /// How long one script may take before it counts as stalled.
    fn patience(&self) -> Duration;
}

/// Why a host could not be reached. Texts may come from the host and are raw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// How far it went.
    pub step: Step,
    /// What happened, without the step's name, and what to do about it.
    pub why: String,
}

/// The steps of a connection, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Name to address.
    Resolve,
    /// TCP, or the start of the program in its place; the key exchange too.
    Connect,
    /// The host's key against the known ones.
    HostKey,
    /// The account.
    Authenticate,
    /// sudo or doas.
    Become,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::HostKey => "host key",
            Self::Authenticate => "authenticate",
            Self::Become => "become",
        })
    }
}
