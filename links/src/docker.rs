//! A running container, through the program `docker`.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::process::Command;
use std::time::Instant;

use engine::link::{Broken, Ended, Standing, Step, Stream, Unreachable};

use crate::channel::{Channel, pump};
use crate::link::Way;
use crate::process::Process;
use crate::shell;

/// What one question to the engine may answer, in bytes.
const BOUND: usize = 4096;

/// Looks whether the container runs, and as whom.
pub(crate) fn connect(container: &str, deadline: Instant) -> Result<Box<dyn Way>, Unreachable> {
    let unreachable = |why: String| Unreachable { step: Step::Connect, why };
    if container.is_empty() || container.starts_with('-') || container.contains(char::is_control) {
        return Err(unreachable(format!("{container:?} is not a container's name")));
    }
    let mut command = Command::new("docker");
    command.args(["container", "inspect", "--format", "{{.State.Status}} {{.Config.User}}", "--", container]);
    let mut process = Process::start(&mut command).map_err(|error| {
        unreachable(match error.kind() {
            ErrorKind::NotFound => String::from("the program docker is not installed here"),
            _ => format!("docker cannot be started: {error}"),
        })
    })?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = pump(&mut process, &[], deadline, &mut |stream, bytes| {
        let kept = if stream == Stream::Out { &mut out } else { &mut err };
        kept.extend(bytes.iter().take(BOUND - kept.len().min(BOUND)));
        ControlFlow::Continue(())
    })
    .map_err(|broken| unreachable(format!("docker gives {broken}")))?;
    if ended != Ended::Status(0) {
        return Err(unreachable(String::from(String::from_utf8_lossy(&err).trim())));
    }
    let out = String::from_utf8_lossy(&out);
    let (status, user) = out.trim_end_matches('\n').split_once(' ').unwrap_or((out.trim(), ""));
    if status != "running" {
        let verb = if status == "paused" { "unpause" } else { "start" };
        let why = format!("the container is {status}, not running; for it to run: docker {verb} {container}");
        return Err(unreachable(why));
    }
    let user = user.split(':').next().unwrap_or_default();
    Ok(Box::new(Docker { container: String::from(container), root: matches!(user, "" | "root" | "0") }))
}

struct Docker {
    container: String,
    root: bool,
}

impl Way for Docker {
    fn open(&mut self, words: &[String], _: Instant) -> Result<Box<dyn Channel>, Broken> {
        let mut command = Command::new("docker");
        command.args(["exec", "-i", "--", &self.container]).args(shell::argv(words));
        let process = Process::start(&mut command)
            .map_err(|error| Broken::Closed(format!("docker cannot be started: {error}")))?;
        Ok(Box::new(process))
    }

    fn is_root(&self) -> Option<bool> {
        Some(self.root)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }
}
