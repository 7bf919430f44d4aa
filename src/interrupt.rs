//! Ctrl-C, and being asked to end.

use crate::terminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::thread;

/// Calls `first` at the first signal to end, so that what is known can be told; the second one ends at once.
///
/// # Errors
/// A sentence, if the system refuses.
pub fn on_first(first: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| format!("cannot prepare for being interrupted: {error}"))?;
    let mut first = Some(first);
    thread::spawn(move || {
        for _ in signals.forever() {
            match first.take() {
                Some(first) => {
                    terminal::tell("\ncomply: interrupted; once more to end without a report\n");
                    first();
                }
                None => std::process::exit(reports::Exit::Interrupted.code().into()),
            }
        }
    });
    Ok(())
}
