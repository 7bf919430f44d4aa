//! SSH by the program `ssh`: whatever it can do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Standing, Unreachable};

use crate::channel::{Channel, Event};
use crate::config;
use crate::link::Way;
use crate::master::Master;
use crate::process::Process;
use crate::shell;
use crate::target::SshTarget;

/// How long a broken connection may take to show.
const LOOK: Duration = Duration::from_millis(100);

/// Opens one connection; every script is a channel of it.
pub(crate) fn connect(target: &SshTarget, deadline: Instant) -> Result<Box<dyn Way>, Unreachable> {
    let config = config::read(target, deadline)?;
    let master = Master::start(&config::options(target), &target.address, deadline)?;
    Ok(Box::new(OpenSsh { master: Arc::new(Mutex::new(master)), user: config.user }))
}

struct OpenSsh {
    master: Arc<Mutex<Master>>,
    user: String,
}

impl Way for OpenSsh {
    fn open(&mut self, words: &[String], _: Instant) -> Result<Box<dyn Channel>, Broken> {
        let mut command = {
            let master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
            let mut command = master.client();
            command.args(["--", master.destination(), &shell::line(words)]);
            command
        };
        let process =
            Process::start(&mut command).map_err(|error| Broken::Closed(format!("ssh cannot be started: {error}")))?;
        Ok(Box::new(Shared { process, master: Arc::clone(&self.master) }))
    }

    fn is_root(&self) -> Option<bool> {
        Some(self.user == "root")
    }

    fn standing(&self) -> Standing {
        Standing { account: Some(self.user.clone()), key: None, becomes: false }
    }
}

/// A channel of the shared connection.
struct Shared {
    process: Process,
    master: Arc<Mutex<Master>>,
}

impl Channel for Shared {
    fn exchange(&mut self, input: &[u8], buffer: &mut [u8], deadline: Instant) -> Result<Event, Broken> {
        let event = self.process.exchange(input, buffer, deadline)?;
        // 255 is the script's own status, or `ssh` saying that its connection broke.
        if matches!(event, Event::Ended(Ended::Status(255))) {
            let mut master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
            if !master.is_alive(LOOK) {
                return Err(Broken::Closed(format!("the connection broke {}", master.said()).trim().to_owned()));
            }
        }
        Ok(event)
    }

    fn close_input(&mut self, deadline: Instant) -> Result<(), Broken> {
        self.process.close_input(deadline)
    }
}
