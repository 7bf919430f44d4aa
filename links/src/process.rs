//! A program of this machine as a [`Channel`].

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Stream};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::ask::without_secrets;
use crate::channel::{Channel, Event};
use crate::socket;

/// How long a killed child may take to be gone before it is left to itself (one that sudo made root's cannot be
/// killed; it ends when it notices that its pipes are closed).
const GRACE: Duration = Duration::from_millis(200);

/// A child process with three pipes, in a process group of its own.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Which output to look at first, so that a loud one does not hide the other.
    turn: Stream,
    over: bool,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = without_secrets(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/")
            .process_group(0)
            .spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self { child, stdin, stdout, stderr, turn: Stream::Out, over: false };
        let pipes = [process.stdin.as_ref().map(AsFd::as_fd), process.output(Stream::Out), process.output(Stream::Err)];
        for pipe in pipes.into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(process)
    }

    /// Both its outputs are closed.
    pub(crate) fn is_silent(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    fn output(&self, stream: Stream) -> Option<BorrowedFd<'_>> {
        match stream {
            Stream::Out => self.stdout.as_ref().map(AsFd::as_fd),
            Stream::Err => self.stderr.as_ref().map(AsFd::as_fd),
        }
    }

    /// Reads from one output. `None`: nothing there now, or no more ever (then the pipe is dropped).
    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Result<Option<usize>, Broken> {
        let read = match stream {
            Stream::Out => self.stdout.as_mut().map(|pipe| pipe.read(buffer)),
            Stream::Err => self.stderr.as_mut().map(|pipe| pipe.read(buffer)),
        };
        match read {
            None => Ok(None),
            Some(Ok(0)) => {
                match stream {
                    Stream::Out => self.stdout = None,
                    Stream::Err => self.stderr = None,
                }
                Ok(None)
            }
            Some(Ok(count)) => Ok(Some(count)),
            Some(Err(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Some(Err(error)) => Err(Broken::Closed(format!("its output cannot be read: {error}"))),
        }
    }

    fn write(&mut self, input: &[u8]) -> Option<Event> {
        if input.is_empty() {
            return None;
        }
        match self.stdin.as_mut().map(|pipe| pipe.write(input)) {
            Some(Ok(count)) => Some(Event::Took(count)),
            Some(Err(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
            Some(Err(_)) | None => {
                self.stdin = None;
                Some(Event::Deaf)
            }
        }
    }

    /// Waits until a pipe is ready.
    fn wait(&self, writing: bool, deadline: Instant) -> Result<(), Broken> {
        let mut pipes: Vec<PollFd<'_>> = [Stream::Out, Stream::Err]
            .into_iter()
            .filter_map(|stream| self.output(stream))
            .map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN))
            .collect();
        if let Some(pipe) = self.stdin.as_ref().filter(|_| writing) {
            pipes.push(PollFd::new(pipe, PollFlags::OUT));
        }
        socket::wait(&mut pipes, deadline)
    }

    /// How it ended, once both its outputs are closed.
    fn end(&mut self, deadline: Instant) -> Result<Ended, Broken> {
        let mut pause = Duration::from_micros(100);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.over = true;
                    return Ok(match (status.code(), status.signal()) {
                        (Some(code), _) => Ended::Status(code),
                        (None, Some(signal)) => Ended::Signal(signal_name(signal)),
                        (None, None) => Ended::Signal(String::from("unknown")),
                    });
                }
                Ok(None) if Instant::now() >= deadline => return Err(Broken::Stalled),
                Ok(None) => {
                    std::thread::sleep(pause.min(deadline.saturating_duration_since(Instant::now())));
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(error) => return Err(Broken::Closed(format!("its end cannot be seen: {error}"))),
            }
        }
    }
}

impl Channel for Process {
    fn exchange(&mut self, input: &[u8], buffer: &mut [u8], deadline: Instant) -> Result<Event, Broken> {
        loop {
            if let Some(event) = self.write(input) {
                return Ok(event);
            }
            for _ in 0..2 {
                let stream = self.turn;
                self.turn = if stream == Stream::Out { Stream::Err } else { Stream::Out };
                if let Some(count) = self.read(stream, buffer)? {
                    return Ok(Event::Said(stream, count));
                }
            }
            if self.is_silent() {
                return self.end(deadline).map(Event::Ended);
            }
            self.wait(!input.is_empty(), deadline)?;
        }
    }

    fn close_input(&mut self, _: Instant) -> Result<(), Broken> {
        self.stdin = None;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        (self.stdin, self.stdout, self.stderr) = (None, None, None);
        // Its own group, made at its start and still led by it: it has not been waited for, so the id is still its own.
        if let Some(group) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(0)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.end(Instant::now() + GRACE);
    }
}

/// The name of a signal as `kill -l` has it, without `SIG`.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        other => return other.to_string(),
    };
    String::from(name)
}
