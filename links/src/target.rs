//! What the inventory says about reaching one host, and what makes a [`Connect`] of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::link::{Connect, Link, Step, Unreachable};

use crate::ask::Asker;
use crate::link::Open;
use crate::rights::Rights;
use crate::{docker, local, openssh, ssh};

/// How to reach one host.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name, for messages and questions.
    pub host: String,
    /// What is between.
    pub connection: Connection,
    /// Whose rights scripts run with.
    pub become_: Become,
    /// For everything from the name's resolution to the account's opening; ten seconds is a good value. Time that
    /// somebody takes to type a passphrase does not count.
    pub timeout: Duration,
    /// For one script; a minute is a good value.
    pub patience: Duration,
}

/// What is between this machine and the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Nothing: the host is this machine.
    Local,
    /// A container that runs on this machine's Docker engine.
    Docker {
        /// Its name or id.
        container: String,
    },
    /// SSH by the program `ssh`, with everything it can do.
    OpenSsh(SshTarget),
    /// SSH in this process.
    Ssh(SshTarget),
}

/// Where an SSH server is and how to log in. `None` everywhere: what `~/.ssh/config` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshTarget {
    /// A name, an address, or a `Host` of `~/.ssh/config`.
    pub address: String,
    /// TCP port.
    pub port: Option<u16>,
    /// The account.
    pub user: Option<String>,
    /// A private key, tried before any other.
    pub identity: Option<PathBuf>,
    /// The only file of known host keys to believe.
    pub known_hosts: Option<PathBuf>,
    /// The machine to go through, as `ssh -J` takes it: `[user@]host[:port]`, several with commas.
    pub jump: Option<String>,
}

/// How an account gets the rights of root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Become {
    /// By sudo if the account is not root; not at all on this machine itself.
    #[default]
    Default,
    /// By sudo.
    Sudo,
    /// By doas, without a password.
    Doas,
    /// Not at all.
    None,
}

/// Makes what opens links to this host. Questions (passphrases, sudo's password) go to `asker`, which all hosts of a
/// run share.
#[must_use]
pub fn connector(target: Target, asker: Arc<Asker>) -> Box<dyn Connect> {
    Box::new(Connector { target, asker })
}

struct Connector {
    target: Target,
    asker: Arc<Asker>,
}

impl Connect for Connector {
    fn connect(&self) -> Result<Box<dyn Link>, Unreachable> {
        self.open(ssh::KNOCKS)
    }

    fn connect_once(&self) -> Result<Box<dyn Link>, Unreachable> {
        self.open(1)
    }

    fn patience(&self) -> Duration {
        self.target.patience
    }
}

impl Connector {
    /// `knocks`: how often a server that closes the door at once is tried.
    fn open(&self, knocks: u32) -> Result<Box<dyn Link>, Unreachable> {
        let Target { connection, become_, timeout, .. } = &self.target;
        let deadline = Instant::now() + *timeout;
        let way = match connection {
            Connection::Local => local::connect(),
            Connection::Docker { container } => docker::connect(container, deadline)?,
            Connection::OpenSsh(target) => openssh::connect(target, deadline)?,
            Connection::Ssh(target) => ssh::connect(target, deadline, &self.asker, knocks)?,
        };
        let rights = Rights::new(*become_, way.is_root(), &self.target.host, Arc::clone(&self.asker));
        let mut link = Open::new(way, rights);
        link.settle_rights(*timeout).map_err(|why| Unreachable { step: Step::Become, why: why.to_string() })?;
        Ok(Box::new(link))
    }
}
