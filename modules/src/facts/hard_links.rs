//! Under how many names a file is there.

use super::accounts::by_first_field;
use engine::{Batch, Fact, Query};

/// The number of hard links of the file `$1`, whose path has no `:`; 0 where there is none, or it cannot be looked at.
pub static HARD_LINKS: Fact<u32> = Fact {
    query: Query::new("hard links", "stat -c '%n:%h' -- \"$@\" 2>/dev/null || :").batched(Batch::Split(by_first_field)),
    decode: |answer, _| {
        let text = answer.ok()?.text()?;
        Ok(text.trim().rsplit_once(':').and_then(|(_, links)| links.parse().ok()).unwrap_or_default())
    },
};
