//! Keeps a session alive while nobody uses it: a person may think about a question for half an hour.
//!
//! A server asks now and then whether its client lives (`ClientAliveInterval` of sshd_config(5)), and libssh2 answers
//! only when it reads. It reads when a channel is read, so an idle session has a spare channel; the next script uses it.

use std::io::Read;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Wire;

/// How long a session may be silent.
const SILENCE: Duration = Duration::from_secs(5);

/// How long the opening of the spare channel may take.
const OPENING: Duration = Duration::from_secs(5);

type Spare = Arc<Mutex<Option<ssh2::Channel>>>;

/// A thread that lives as long as this.
pub(crate) struct Keeper {
    spare: Spare,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it. Where no thread can be had the session has to do without.
    pub(crate) fn start(wire: &Arc<Wire>) -> Self {
        let spare = Spare::default();
        let (stop, stopped) = mpsc::channel::<()>();
        let (wire, kept) = (Arc::clone(wire), Arc::clone(&spare));
        wire.session.set_keepalive(true, 2);
        let thread = thread::Builder::new().name(String::from("keepalive")).spawn(move || {
            let mut may_open = true;
            while stopped.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                // A script that runs is traffic enough.
                let Ok(_turn) = wire.turn(Instant::now()) else { continue };
                let opening = Instant::now() + OPENING;
                let _ = wire.call(opening, || wire.session.keepalive_send());
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(channel) = kept.as_mut() {
                    let _ = wire.call(opening, || channel.read(&mut [0]));
                } else if may_open {
                    *kept = wire.until(opening, || wire.session.channel_session()).ok();
                    may_open = kept.is_some();
                }
            }
        });
        Self { spare, stop: Some(stop), thread: thread.ok() }
    }

    /// The spare channel, if there is one. The caller has the session's turn.
    pub(crate) fn spare(&self) -> Option<ssh2::Channel> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.spare();
    }
}
