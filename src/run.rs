//! Many hosts at once: one job each, on threads of their own, none waiting for another.

use crate::interrupt;
use crate::secrets;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How often an interruption is looked for.
const GLANCE: Duration = Duration::from_millis(50);

/// What became of one job.
pub enum Ended<R> {
    /// It ended with this.
    Well(R),
    /// It met a defect of `comply`: its words.
    Panicked(String),
    /// The run was interrupted before it ended.
    Interrupted,
}

/// Runs `job` for each of `items`, `forks` at a time, and hands over what becomes of each as soon as it is known,
/// with the item's index. Returns after the last one, or when the run is interrupted.
///
/// # Errors
/// A sentence, if the system refuses threads.
pub fn each<T: Send + 'static, R: Send + 'static>(
    items: Vec<T>,
    forks: usize,
    job: impl Fn(T) -> R + Send + Sync + 'static,
    mut done: impl FnMut(usize, Ended<R>),
) -> Result<(), String> {
    let mut open: Vec<bool> = vec![true; items.len()];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(forks.min(items.len()).max(1))
        .thread_name(|index| format!("host {index}"))
        .build()
        .map_err(|error| format!("cannot start threads: {error}; a lower --forks may help"))?;
    let (sender, results) = mpsc::channel();
    let job = Arc::new(job);
    for (index, item) in items.into_iter().enumerate() {
        let (job, sender) = (Arc::clone(&job), sender.clone());
        pool.spawn_fifo(move || {
            if interrupt::happened() {
                return;
            }
            let ended = match panic::catch_unwind(AssertUnwindSafe(|| job(item))) {
                Ok(result) => Ended::Well(result),
                Err(panic) => Ended::Panicked(words(panic.as_ref())),
            };
            // Nobody listens any more after an interruption.
            let _ = sender.send((index, ended));
        });
    }
    drop(sender);
    while open.contains(&true) && !interrupt::happened() {
        match results.recv_timeout(GLANCE) {
            Ok((index, ended)) => {
                open[index] = false;
                done(index, ended);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for (index, ended) in results.try_iter() {
        open[index] = false;
        done(index, ended);
    }
    if open.contains(&true) {
        for index in (0..open.len()).filter(|&index| open[index]) {
            done(index, Ended::Interrupted);
        }
    }
    Ok(())
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    secrets::known().conceal(words.unwrap_or("it left no words")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_panic_in_one_job_leaves_the_others_alone() {
        let mut ends = vec![String::new(); 3];
        let job = |item: usize| if item == 1 { panic!("of {item}") } else { item };
        each(vec![0, 1, 2], 2, job, |index, ended| {
            ends[index] = match ended {
                Ended::Well(item) => item.to_string(),
                Ended::Panicked(words) => format!("panic {words}"),
                Ended::Interrupted => "interrupted".to_owned(),
            };
        })
        .unwrap();
        assert_eq!(ends, ["0", "panic of 1", "2"]);
    }

    #[test]
    fn the_words_of_a_panic_hold_no_secret() {
        secrets::known().learn("Kr0kodil");
        let mut told = String::new();
        each(
            vec![()],
            1,
            |()| panic!("byte 3 of `Kr0kodil`"),
            |_, ended: Ended<()>| {
                if let Ended::Panicked(words) = ended {
                    told = words;
                }
            },
        )
        .unwrap();
        assert_eq!(told, "byte 3 of `[secret]`");
    }

    #[test]
    fn as_many_jobs_run_at_once_as_there_are_forks_whatever_the_processors() {
        let begun = Instant::now();
        each(vec![(); 16], 16, |()| std::thread::sleep(Duration::from_millis(300)), |_, _| ()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
