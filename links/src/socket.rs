//! Waiting for file descriptors, with a deadline.

use std::time::Instant;

use engine::link::Broken;
use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

/// Waits until one of them is ready.
///
/// # Errors
/// [`Broken::Stalled`] when the deadline passes first.
pub(crate) fn wait(fds: &mut [PollFd<'_>], deadline: Instant) -> Result<(), Broken> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Broken::Stalled);
        }
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(fds, Some(&left)) {
            Ok(0) => return Err(Broken::Stalled),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(Broken::Closed(format!("waiting failed: {error}"))),
        }
    }
}
