//! How two texts differ, for a reader.

use similar::TextDiff;
use std::fmt::Write;
use std::time::Duration;

/// Lines and bytes of a diff that are shown; of more, only how much.
const LINES: usize = 400;
const BYTES: usize = 64 << 10;

/// The hunks of the unified diff from `old` to `new`, with three lines of context. It is bounded in size, and
/// in time: of texts that have little in common it may not be the shortest one.
pub fn unified_diff(old: &str, new: &str) -> String {
    let diff = TextDiff::configure().timeout(Duration::from_millis(200)).diff_lines(old, new);
    let whole = diff.unified_diff().context_radius(3).missing_newline_hint(true).to_string();
    let whole = whole.strip_suffix('\n').unwrap_or(&whole);
    let mut shown = String::new();
    let mut lines = whole.split('\n');
    for line in lines.by_ref().take(LINES) {
        if shown.len() + line.len() > BYTES {
            let room = BYTES.saturating_sub(shown.len());
            shown.extend(line.char_indices().take_while(|(at, _)| *at < room).map(|(_, c)| c));
            shown.push_str("…\n");
            break;
        }
        shown.push_str(line);
        shown.push('\n');
    }
    match lines.count() {
        0 => {}
        1 => shown.push_str("… 1 more line\n"),
        more => _ = writeln!(shown, "… {more} more lines"),
    }
    shown
}

/// The text of a file that can be shown as one: UTF-8, without NUL.
pub fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_of_context_stand_around_a_change() {
        let old: String = (1..=10).map(|line| format!("{line}\n")).collect();
        let new = old.replace("5\n", "five\n");
        assert_eq!(unified_diff(&old, &new), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    }

    #[test]
    fn a_missing_final_newline_is_shown() {
        assert_eq!(unified_diff("a\n", "a"), "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
    }

    #[test]
    fn a_long_diff_is_cut_and_says_how_much_is_left() {
        let new: String = (0..1000).map(|line| format!("{line}\n")).collect();
        let diff = unified_diff("", &new);
        assert_eq!(diff.lines().count(), LINES + 1);
        assert!(diff.ends_with("\n… 601 more lines\n"), "{}", &diff[diff.len() - 40..]);
        let diff = unified_diff("", &"é".repeat(1 << 19));
        assert!(diff.len() < BYTES + 100);
    }

    #[test]
    fn texts_without_anything_in_common_take_no_longer_than_they_may() {
        let text = |odd: usize| (0..40_000).map(|line| format!("{}\n", (line * 7919 + odd) % 1009)).collect::<String>();
        let start = std::time::Instant::now();
        unified_diff(&text(1), &text(500));
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
