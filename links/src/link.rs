//! A link: a way to start programs, and the rights they run with.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Job, Link, Standing, Stream};

use crate::channel::Channel;
use crate::nonce::nonce;
use crate::rights::Rights;
use crate::shell::{self, From};

/// A way to start programs on one host.
pub(crate) trait Way: Send {
    /// Starts the program that these words are.
    fn open(&mut self, words: &[String], deadline: Instant) -> Result<Box<dyn Channel>, Broken>;

    /// Whether programs run as root without asking anybody; `None` where nobody needs to ask (this machine itself).
    fn is_root(&self) -> Option<bool>;

    /// The account and the key that opened it.
    fn standing(&self) -> Standing;
}

/// The link that all ways share.
pub(crate) struct Open {
    way: Box<dyn Way>,
    rights: Rights,
}

impl Open {
    pub(crate) fn new(way: Box<dyn Way>, rights: Rights) -> Self {
        Self { way, rights }
    }

    /// Finds out now whether a password is needed, where somebody may have to type it: the time they take must not
    /// count as the host's.
    pub(crate) fn settle_rights(&mut self, timeout: Duration) -> Result<(), Broken> {
        if !self.rights.may_ask() {
            return Ok(());
        }
        let job = Job { script: b":", stdin: None, deadline: Instant::now() + timeout };
        self.run(&job, &mut |_, _| ControlFlow::Continue(())).map(|_| ())
    }
}

impl Link for Open {
    fn run(
        &mut self,
        job: &Job<'_>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Ended, Broken> {
        let Some(stdin) = job.stdin else {
            return self.rights.run(self.way.as_mut(), From::Input, &[job.script], job.deadline, output);
        };
        let end = nonce().map_err(|error| Broken::Closed(error.to_string()))?;
        let script = shell::staged(job.script, &end);
        self.rights.run(self.way.as_mut(), From::Start, &[&script, stdin], job.deadline, output)
    }

    fn standing(&self) -> Standing {
        Standing { becomes: self.rights.becomes(), ..self.way.standing() }
    }
}
