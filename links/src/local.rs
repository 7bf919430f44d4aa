//! This machine itself.

use std::process::Command;
use std::time::Instant;

use engine::link::{Broken, Standing};

use crate::channel::Channel;
use crate::link::Way;
use crate::process::Process;
use crate::shell;

/// Opens the way to this machine: there is nothing to open.
pub(crate) fn connect() -> Box<dyn Way> {
    Box::new(Local)
}

struct Local;

impl Way for Local {
    fn open(&mut self, words: &[String], _: Instant) -> Result<Box<dyn Channel>, Broken> {
        let words = shell::argv(words);
        let (program, arguments) = words.split_first().ok_or_else(|| Broken::Closed(String::from("nothing to run")))?;
        let process = Process::start(Command::new(program).args(arguments))
            .map_err(|error| Broken::Closed(format!("{program} cannot be started: {error}")))?;
        Ok(Box::new(process))
    }

    fn is_root(&self) -> Option<bool> {
        None
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }
}
