//! One program over an SSH session of this process, as a [`Channel`].

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use engine::link::{Broken, Ended, Stream};

use crate::channel::{Channel, Event};
use crate::ssh::{Turn, Wire, describe, is_again};

/// A channel of the session; while it lives it has the session's turn.
pub(crate) struct SshChannel {
    channel: ssh2::Channel,
    wire: Arc<Wire>,
    /// Which output to look at first, so that a loud one does not hide the other.
    loud: Stream,
    _turn: Turn,
}

impl SshChannel {
    /// Starts a program on an open channel.
    pub(crate) fn start(
        mut channel: ssh2::Channel,
        wire: Arc<Wire>,
        turn: Turn,
        line: &str,
        deadline: Instant,
    ) -> Result<Self, Broken> {
        wire.until(deadline, || channel.exec(line))
            .map_err(|trouble| trouble.broken("the server starts no program"))?;
        Ok(Self { channel, wire, loud: Stream::Out, _turn: turn })
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Broken> {
        let read = self.wire.call(deadline, || match stream {
            Stream::Out => self.channel.read(buffer),
            Stream::Err => self.channel.stderr().read(buffer),
        });
        match read {
            Ok(0) => Ok(None),
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Broken::Closed(format!("the connection broke: {error}"))),
        }
    }

    /// How it ended, after everything was read. `None`: its end is not here yet.
    fn end(&mut self, deadline: Instant) -> Result<Option<Ended>, Broken> {
        match self.wire.call(deadline, || self.channel.wait_close()) {
            Ok(()) => {}
            Err(error) if is_again(&error) => return Ok(None),
            Err(error) => return Err(Broken::Closed(format!("the connection broke: {}", describe(&error)))),
        }
        // A program killed by a signal has status 0 too, so the signal is asked first.
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        if let Some(name) = signal.filter(|name| !name.is_empty()) {
            return Ok(Some(Ended::Signal(name)));
        }
        let status = self.channel.exit_status().map_err(|error| Broken::Closed(describe(&error)))?;
        Ok(Some(Ended::Status(status)))
    }
}

impl Channel for SshChannel {
    fn exchange(&mut self, input: &[u8], buffer: &mut [u8], deadline: Instant) -> Result<Event, Broken> {
        loop {
            for _ in 0..2 {
                let stream = self.loud;
                self.loud = if stream == Stream::Out { Stream::Err } else { Stream::Out };
                if let Some(count) = self.read(stream, buffer, deadline)? {
                    return Ok(Event::Said(stream, count));
                }
            }
            let eof = self.channel.eof();
            if eof {
                if !input.is_empty() {
                    return Ok(Event::Deaf);
                }
                if let Some(ended) = self.end(deadline)? {
                    return Ok(Event::Ended(ended));
                }
            } else if !input.is_empty() {
                match self.wire.call(deadline, || self.channel.write(input)) {
                    Ok(0) => {}
                    Ok(count) => return Ok(Event::Took(count)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    // The program may just have ended; whether the connection is gone too, the next read tells.
                    Err(_) => return Ok(Event::Deaf),
                }
            }
            // Whatever is read or written takes in all that is on the socket, for the other output too. The socket is
            // silent about what was taken in already: waiting for it then would be waiting for nothing.
            if self.channel.read_window().available == 0 && self.channel.eof() == eof {
                self.wire.wait(deadline)?;
            } else if Instant::now() >= deadline {
                return Err(Broken::Stalled);
            }
        }
    }

    fn close_input(&mut self, deadline: Instant) -> Result<(), Broken> {
        // An error here means that the program has ended already, or that the next read will tell of the connection.
        match self.wire.until(deadline, || self.channel.send_eof()) {
            Err(trouble) if trouble.is_stall() => Err(Broken::Stalled),
            _ => Ok(()),
        }
    }
}

impl Drop for SshChannel {
    fn drop(&mut self) {
        // Says that nobody listens any more, and does not wait for an answer: what comes is thrown away by libssh2.
        let _ = self.channel.close();
    }
}
