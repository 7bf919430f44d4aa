//! A template is a program: nested loops in it may go on for ever. While a repository is read, somebody watches the clock
//! and the memory, and ends the command with a message that names the template.

use crate::cli;
use crate::terminal;
use reports::Exit;
use source::{Diagnostic, Place, rendering};
use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// The longest that one rendering may take.
const LONGEST: Duration = Duration::from_secs(5);
/// The most memory that comply may hold while something is rendered, in KiB.
const MOST: u64 = 1 << 20;
/// How often is looked.
const GLANCE: Duration = Duration::from_millis(20);

/// Watches until it is dropped.
pub struct Watch {
    _alive: Sender<()>,
}

impl Watch {
    /// Begins to watch.
    pub fn start(color: cli::Color) -> Self {
        let (alive, dropped) = mpsc::channel::<()>();
        let watch = move || {
            while dropped.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                if let Some((place, takes)) = endless() {
                    end(&place, &takes, color);
                }
            }
        };
        // Without a thread to spare nobody watches; that is no reason not to work.
        let _ = thread::Builder::new().name("watch".to_owned()).spawn(watch);
        Self { _alive: alive }
    }
}

/// What is being rendered and takes too much, and of what.
fn endless() -> Option<(Place, String)> {
    let (since, place) = rendering::longest()?;
    if since > LONGEST {
        return Some((place, format!("longer than {} s", LONGEST.as_secs())));
    }
    (memory()? > MOST).then(|| (place, format!("more than {} MiB of memory", MOST >> 10)))
}

/// What this process holds in memory, in KiB: `VmRSS` of proc_pid_status(5).
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn end(place: &Place, takes: &str, color: cli::Color) {
    let diagnostic = Diagnostic::error("endless-template", format!("rendering this takes {takes}"))
        .at(place, "")
        .hint("the loops in it go too many rounds; nothing after it was looked at");
    terminal::tell(&source::render(&[diagnostic], terminal::stderr_style(color).color));
    std::process::exit(i32::from(Exit::Unable.code()));
}
