//! The answers of one host, and the record of what is still to be asked.

use crate::query::{Answer, Blind, Fact, Probe};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why an observation is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Something has to be asked first; [`Facts`] has noted what.
    Need,
    /// The host cannot tell.
    Blind(Blind),
    /// It is on its way (a unit `activating`): ask again for up to `limit`.
    Settling {
        /// What is seen now: "is activating".
        what: String,
        /// How long enforce waits for it.
        limit: Duration,
    },
}

impl From<Blind> for Pending {
    fn from(blind: Blind) -> Self {
        Self::Blind(blind)
    }
}

type Decoded = Result<Arc<dyn Any + Send + Sync>, Blind>;

/// What one host has answered, each answer decoded once.
///
/// Asking what is not known returns [`Pending::Need`] and notes the probe, so ask for everything before the
/// first `?`, and one round trip brings it all:
///
/// ```text
/// let (accounts, groups) = (facts.ask(&ACCOUNTS, &[]), facts.ask(&GROUPS, &[]));
/// let (accounts, groups) = (accounts?, groups?);
/// ```
#[derive(Default)]
pub struct Facts {
    answers: BTreeMap<Probe, Result<Answer, Blind>>,
    decoded: Mutex<BTreeMap<Probe, Decoded>>,
    missing: Mutex<BTreeSet<Probe>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Facts {
    /// The value of `fact` for `args`, or that it has to be asked, or why the host cannot tell.
    pub fn ask<T: Send + Sync + 'static>(&self, fact: &'static Fact<T>, args: &[&str]) -> Result<Arc<T>, Pending> {
        let probe = Probe { query: &fact.query, args: args.iter().map(|&arg| arg.to_owned()).collect() };
        let Some(answer) = self.answers.get(&probe) else {
            lock(&self.missing).insert(probe);
            return Err(Pending::Need);
        };
        let mut decoded = lock(&self.decoded);
        let value = decoded.entry(probe).or_insert_with_key(|probe| {
            let answer = answer.as_ref().map_err(Clone::clone)?;
            (fact.decode)(answer, &probe.args).map(|value| Arc::new(value) as Arc<dyn Any + Send + Sync>)
        });
        let value = Arc::clone(value.as_ref().map_err(|blind| Pending::Blind(blind.clone()))?);
        value
            .downcast::<T>()
            .map_err(|_| Pending::Blind(Blind::Garbled(format!("two facts share the query name {}", fact.query.name))))
    }

    /// What was asked for and is not known, and forgets it.
    pub fn take_missing(&self) -> BTreeSet<Probe> {
        std::mem::take(&mut lock(&self.missing))
    }

    /// Takes in what a host has answered.
    pub fn learn(&mut self, answers: impl IntoIterator<Item = (Probe, Result<Answer, Blind>)>) {
        self.answers.extend(answers);
    }

    /// Forgets everything: the host has been changed.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
