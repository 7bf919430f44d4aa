//! How far a rendering may go. A template is a program, and one that never ends must not end the work of whoever reads
//! the repository of somebody else.

use crate::place::Place;
use crate::secret;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most numbers that all `range()` of one rendering may give together.
const MAX_NUMBERS: usize = 100_000;
/// The most bytes a rendering may come to.
const MAX_BYTES: usize = 64 << 20;

thread_local! {
    /// How many numbers the rendering on this thread may still ask for.
    static NUMBERS: Cell<usize> = const { Cell::new(MAX_NUMBERS) };
}

/// What is being rendered just now, on whatever thread, by the order in which it began.
static RUNNING: Mutex<BTreeMap<u64, (Instant, Place)>> = Mutex::new(BTreeMap::new());

fn running() -> MutexGuard<'static, BTreeMap<u64, (Instant, Place)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rendering that has taken longest of those that are not done, for whoever watches over them: nested loops over
/// data have no other end than this.
pub fn longest() -> Option<(Duration, Place)> {
    running().values().next().map(|(since, place)| (since.elapsed(), place.clone()))
}

/// A rendering that has begun, until it is dropped.
struct Begun(u64);

impl Begun {
    fn new(place: &Place) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        running().insert(number, (Instant::now(), place.clone()));
        Self(number)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

/// Tera as all templates know it: its own filters, nothing escaped, and functions that cannot go on for ever.
pub(crate) fn engine() -> tera::Tera {
    let mut engine = tera::Tera::default();
    engine.autoescape_on(Vec::<&'static str>::new());
    engine.register_function("range", range);
    secret::register(&mut engine);
    engine
}

/// Renders a template, written at `place`.
pub(crate) fn render(
    engine: &tera::Tera,
    name: &str,
    context: &tera::Context,
    place: &Place,
) -> Result<String, tera::Error> {
    NUMBERS.set(MAX_NUMBERS);
    let mut bounded = Bounded { bytes: Vec::new(), full: false };
    let begun = Begun::new(place);
    let result = engine.render_to(name, context, &mut bounded);
    drop(begun);
    if bounded.full {
        return Err(tera::Error::message(format!("the text it comes to is larger than {} MiB", MAX_BYTES >> 20)));
    }
    result?;
    String::from_utf8(bounded.bytes).map_err(|_| tera::Error::message("the text it comes to is not UTF-8"))
}

/// Takes in so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_BYTES {
            self.full = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `range(start=0, end=…, step_by=1)`.
fn range(arguments: tera::Kwargs, _: &tera::State<'_>) -> tera::TeraResult<Vec<i64>> {
    let start = arguments.get::<i64>("start")?.unwrap_or(0);
    let end = arguments.must_get::<i64>("end")?;
    let step = arguments.get::<i64>("step_by")?.unwrap_or(1);
    if step == 0 {
        return Err(tera::Error::message("`range` with `step_by=0` never ends"));
    }
    if start > end && step > 0 {
        return Err(tera::Error::message("`range` counts up to `end`, which is less than `start`"));
    }
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) = next.filter(|number| if step > 0 { *number < end } else { *number > end }) {
        let left = NUMBERS.get().checked_sub(1).ok_or_else(|| {
            tera::Error::message(format!("`range` gives at most {MAX_NUMBERS} numbers in one rendering"))
        })?;
        NUMBERS.set(left);
        numbers.push(number);
        next = number.checked_add(step);
    }
    Ok(numbers)
}
