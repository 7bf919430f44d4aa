//! What happens during a run, for whoever shows or stores it.

use crate::id::Id;
use crate::verdict::Verdict;
use std::time::Duration;

/// Something that happened on one host.
#[derive(Debug)]
pub enum Event<'a> {
    /// The connection is being opened.
    Connecting,
    /// It is open.
    Connected,
    /// A round of questions is asked.
    Asking {
        /// Which round, from 1.
        round: usize,
        /// How many probes.
        probes: usize,
        /// The bytes of the script.
        bytes: usize,
    },
    /// The answers are there.
    Answered {
        /// How long that took.
        took: Duration,
    },
    /// A level of the graph is being applied.
    Applying {
        /// Which, from 1.
        level: usize,
        /// What is done, in words, in order.
        says: &'a [String],
    },
    /// Something is on its way and is waited for.
    Waiting {
        /// What.
        what: &'a str,
    },
    /// A verdict is final.
    Judged {
        /// Of which resource.
        id: &'a Id,
        /// What.
        verdict: &'a Verdict,
    },
}

/// Receives events; called from many threads.
pub trait Watch: Sync {
    /// `event` happened on `host`.
    fn event(&self, host: &str, event: &Event<'_>);
}

/// Nobody watches.
pub struct Nobody;

impl Watch for Nobody {
    fn event(&self, _: &str, _: &Event<'_>) {}
}
