//! One host first: a guarded change is made on one host of a run alone, and on the others once that one has kept it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the hosts of a run know of each other's guarded changes.
#[derive(Default)]
pub struct Canary {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Default)]
enum State {
    /// No host has made one.
    #[default]
    Open,
    /// One host is at it.
    Trying,
    /// One host has kept it.
    Passed,
    /// One host has undone it: which.
    Reverted(String),
}

impl Canary {
    /// Waits until this host may make guarded changes.
    ///
    /// # Errors
    /// It may not: the first host has undone its own. A sentence for the verdict.
    pub fn turn(&self, host: &str) -> Result<Turn<'_>, String> {
        let mut state = self.lock();
        loop {
            match &*state {
                State::Open => {
                    *state = State::Trying;
                    return Ok(Turn { first: Some(self), host: host.to_owned(), said: State::Open });
                }
                State::Trying => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                State::Passed => return Ok(Turn { first: None, host: host.to_owned(), said: State::Open }),
                State::Reverted(first) => {
                    return Err(format!(
                        "{first} went first and was put back as it was, so comply does not try this here; put that one right, or enforce this host on its own"
                    ));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host's turn, until dropped. What is said of it last counts; a host that made no guarded change leaves the first turn
/// to the next.
pub struct Turn<'a> {
    /// `None`: it is not the first.
    first: Option<&'a Canary>,
    host: String,
    said: State,
}

impl Turn<'_> {
    /// It has kept a guarded change.
    pub fn kept(&mut self) {
        self.said = State::Passed;
    }

    /// It has undone one.
    pub fn reverted(&mut self) {
        self.said = State::Reverted(self.host.clone());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody knows what became of the host.
            self.reverted();
        }
        if let Some(canary) = self.first {
            *canary.lock() = std::mem::take(&mut self.said);
            canary.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Runs ten hosts at once, each of which ends as `ends` says; returns how many had a turn before the first ended,
    /// how many in all, and what the others were told.
    fn run(ends: fn(&mut Turn<'_>)) -> (usize, usize, Vec<String>) {
        let canary = Canary::default();
        let (entered, alone) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let told = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for host in 0..10 {
                let (canary, entered, alone, told) = (&canary, &entered, &alone, &told);
                scope.spawn(move || match canary.turn(&format!("h{host}")) {
                    Ok(mut turn) => {
                        let first = entered.fetch_add(1, Ordering::SeqCst) == 0;
                        if first {
                            std::thread::sleep(Duration::from_millis(100));
                            alone.store(entered.load(Ordering::SeqCst), Ordering::SeqCst);
                        }
                        ends(&mut turn);
                    }
                    Err(why) => told.lock().unwrap().push(why),
                });
            }
        });
        (alone.into_inner(), entered.into_inner(), told.into_inner().unwrap())
    }

    #[test]
    fn one_host_goes_first_and_alone_and_the_others_follow() {
        let (alone, all, told) = run(|turn| turn.kept());
        assert_eq!((alone, all, told.len()), (1, 10, 0));
    }

    #[test]
    fn nobody_follows_a_host_that_was_put_back() {
        let (alone, all, told) = run(|turn| turn.reverted());
        assert_eq!((alone, all, told.len()), (1, 1, 9));
        assert!(told[0].starts_with('h') && told[0].contains("went first"), "{}", told[0]);
    }

    #[test]
    fn a_host_that_changed_nothing_leaves_the_turn_to_the_next() {
        let (alone, all, told) = run(|_| ());
        assert_eq!((alone, all, told.len()), (1, 10, 0));
    }
}
