//! Ctrl-C, and being asked to end.

use crate::terminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Listens: the first signal is for [`happened`], so that what is known can be told; the second one ends at once.
///
/// # Errors
/// A sentence, if the system refuses.
pub fn listen() -> Result<(), String> {
    terminal::remember();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| format!("cannot prepare for being interrupted: {error}"))?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if HAPPENED.swap(true, Ordering::SeqCst) {
                terminal::restore();
                std::process::exit(reports::Exit::Interrupted.code().into());
            }
        }
    });
    Ok(())
}

/// Somebody wants an end.
pub fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}
