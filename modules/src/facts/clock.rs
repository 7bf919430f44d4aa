//! The host's own clock.

use engine::{Blind, Fact, Query};

/// Now, in seconds since 1970-01-01 UTC, by the host's clock.
pub static NOW: Fact<i64> = Fact {
    query: Query::new("clock", "date -u +%s"),
    decode: |answer, _| {
        let text = answer.ok()?.text()?;
        text.trim().parse().map_err(|_| Blind::Garbled(format!("date printed {text:?}")))
    },
};

/// The day of a second, counted from 1970-01-01.
pub fn day(seconds: i64) -> i64 {
    seconds.div_euclid(86_400)
}
