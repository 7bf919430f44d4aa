//! Ends a call of libssh2 that does not come back.
//!
//! Even a session that never blocks may stay in one call for as long as a server goes on sending (lines before its
//! banner, messages for nobody). Nothing but the end of the connection stops that.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::{Shutdown, shutdown};

/// How often to look, and how late a call may come back.
const TICK: Duration = Duration::from_millis(250);

/// Nothing is being watched.
const IDLE: u64 = u64::MAX;

/// A thread that shuts the socket when a call overruns.
pub(crate) struct Watch {
    started: Instant,
    /// Milliseconds after `started` when the present call has to be back.
    limit: Arc<AtomicU64>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(socket: OwnedFd) -> std::io::Result<Self> {
        let started = Instant::now();
        let limit = Arc::new(AtomicU64::new(IDLE));
        let (stop, stopped) = mpsc::channel::<()>();
        let watched = Arc::clone(&limit);
        let thread = thread::Builder::new().name(String::from("watch")).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let limit = watched.load(Ordering::Acquire);
                if limit != IDLE && started.elapsed() > Duration::from_millis(limit) {
                    let _ = shutdown(&socket, Shutdown::Both);
                }
            }
        })?;
        Ok(Self { started, limit, stop: Some(stop), thread: Some(thread) })
    }

    /// Makes a call that has to be back by the deadline.
    pub(crate) fn call<T>(&self, deadline: Instant, call: impl FnOnce() -> T) -> T {
        let limit = deadline.saturating_duration_since(self.started).as_millis();
        self.limit.store(u64::try_from(limit).unwrap_or(IDLE), Ordering::Release);
        let done = call();
        self.limit.store(IDLE, Ordering::Release);
        done
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
