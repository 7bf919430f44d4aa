//! What is going on, for somebody who waits: one line on standard error, if that is a terminal.

use crate::terminal;
use engine::event::{Event, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::escape;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A run that is over before this shows nothing.
const QUIET: Duration = Duration::from_millis(400);
/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(200);
/// So many of the slowest hosts are named.
const NAMED: usize = 3;

/// The progress of one run.
pub struct Progress {
    bar: ProgressBar,
    busy: Mutex<BTreeMap<String, Busy>>,
}

struct Busy {
    with: String,
    since: Instant,
}

impl Progress {
    /// Shows how `hosts` get on, from now until [`Progress::end`].
    pub fn begin(hosts: usize) -> Arc<Self> {
        let bar = ProgressBar::with_draw_target(Some(hosts as u64), ProgressDrawTarget::hidden());
        let progress = Arc::new(Self { bar, busy: Mutex::default() });
        if terminal::is_stderr() {
            progress.draw();
        }
        progress
    }

    fn draw(self: &Arc<Self>) {
        let progress = Arc::downgrade(self);
        thread::spawn(move || {
            thread::sleep(QUIET);
            if let Some(progress) = progress.upgrade()
                && !progress.bar.is_finished()
                && let Ok(style) = ProgressStyle::with_template("{bar:16} {pos}/{len} hosts  {wide_msg}")
            {
                progress.bar.set_style(style);
                progress.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            while let Some(progress) = progress.upgrade().filter(|progress| !progress.bar.is_finished()) {
                progress.bar.set_message(progress.slowest());
                drop(progress);
                thread::sleep(TICK);
            }
        });
    }

    /// What those hosts do that are longest at work.
    fn slowest(&self) -> String {
        let busy = self.busy();
        let mut slowest: Vec<_> = busy.iter().collect();
        slowest.sort_by_key(|(_, busy)| busy.since);
        let told = slowest.iter().take(NAMED).map(|(host, busy)| {
            let line = format!("{host}: {} {:.0} s", busy.with, busy.since.elapsed().as_secs_f64());
            escape::cut(&escape::line(&line, false), 60, "…")
        });
        told.collect::<Vec<_>>().join("  ")
    }

    /// `host` is done.
    pub fn done(&self, host: &str) {
        self.busy().remove(host);
        self.bar.inc(1);
    }

    /// Runs `write` while the line is out of the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn busy(&self) -> MutexGuard<'_, BTreeMap<String, Busy>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Progress {
    fn event(&self, host: &str, event: &Event<'_>) {
        let with = match event {
            Event::Connecting => "connecting".to_owned(),
            Event::Connected => "connected".to_owned(),
            Event::Asking { probes, .. } => format!("asking {probes} question{}", if *probes == 1 { "" } else { "s" }),
            Event::Applying { says, .. } => says.join(", "),
            Event::Waiting { what } => format!("waiting: {what}"),
            Event::Answered { .. } | Event::Judged { .. } => return,
        };
        let mut busy = self.busy();
        match busy.get_mut(host) {
            Some(known) => known.with = with,
            None => {
                busy.insert(host.to_owned(), Busy { with, since: Instant::now() });
            }
        }
    }
}
