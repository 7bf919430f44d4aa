//! One running program at the other end: bytes in, two streams of bytes out, an end.

use std::ops::ControlFlow;
use std::time::Instant;

use engine::link::{Broken, Ended, Stream};

/// Room for what one call reads.
pub(crate) const CHUNK: usize = 32 * 1024;

/// What happened in one call of [`Channel::exchange`].
#[derive(Debug)]
pub(crate) enum Event {
    /// It took this many bytes of its input.
    Took(usize),
    /// It will read no more of its input.
    Deaf,
    /// It printed this many bytes, now in the buffer.
    Said(Stream, usize),
    /// It is over, and everything it printed has been handed over.
    Ended(Ended),
}

/// A program that runs at the other end. Dropping it ends it, without waiting for anything there.
pub(crate) trait Channel: Send {
    /// Waits until something can be done, and does that: writes from `input`, or reads into `buffer`. Both ways are
    /// always tried, so that neither side waits for the other.
    ///
    /// # Errors
    /// [`Broken::Stalled`] when `deadline` passes, [`Broken::Closed`] when the connection is gone.
    fn exchange(&mut self, input: &[u8], buffer: &mut [u8], deadline: Instant) -> Result<Event, Broken>;

    /// Tells the program that its input is over.
    fn close_input(&mut self, deadline: Instant) -> Result<(), Broken>;
}

/// Feeds `input` to the program, hands over what it prints, and says how it ended.
pub(crate) fn pump(
    channel: &mut dyn Channel,
    input: &[&[u8]],
    deadline: Instant,
    output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
) -> Result<Ended, Broken> {
    let mut buffer = vec![0; CHUNK];
    let mut parts = input.iter().filter(|part| !part.is_empty());
    let mut rest: &[u8] = parts.next().copied().unwrap_or_default();
    let mut open = true;
    loop {
        if open && rest.is_empty() {
            channel.close_input(deadline)?;
            open = false;
        }
        // A host that prints for ever is never waited for, so the channel alone would not see the time pass.
        if Instant::now() >= deadline {
            return Err(Broken::Stalled);
        }
        match channel.exchange(rest, &mut buffer, deadline)? {
            Event::Took(count) => {
                rest = rest.get(count..).unwrap_or_default();
                if rest.is_empty() {
                    rest = parts.next().copied().unwrap_or_default();
                }
            }
            Event::Deaf => rest = &[],
            Event::Said(stream, count) => {
                if output(stream, buffer.get(..count).unwrap_or_default()).is_break() {
                    return Ok(Ended::Stopped);
                }
            }
            Event::Ended(ended) => return Ok(ended),
        }
    }
}
