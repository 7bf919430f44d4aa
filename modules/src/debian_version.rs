//! Debian's order of versions (deb-version(7), and dpkg's own source for what that leaves open).

use std::cmp::Ordering;

/// Compares two versions as `dpkg --compare-versions` does. Any text is a version to it: what is malformed
/// still has a place in the order.
pub fn compare(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left_upstream, left_revision), (right_epoch, right_upstream, right_revision)) =
        (split(left), split(right));
    digits(left_epoch, right_epoch)
        .then_with(|| part(left_upstream, right_upstream))
        .then_with(|| part(left_revision, right_revision))
}

/// Epoch, upstream version, revision.
fn split(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Alternates between what is no digit, letter by letter, and numbers.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !(left.is_empty() && right.is_empty()) {
        let (left_text, left_rest) = cut(left, |c| !c.is_ascii_digit());
        let (right_text, right_rest) = cut(right, |c| !c.is_ascii_digit());
        let (left_number, left_after) = cut(left_rest, |c| c.is_ascii_digit());
        let (right_number, right_after) = cut(right_rest, |c| c.is_ascii_digit());
        let order = text(left_text, right_text).then_with(|| digits(left_number, right_number));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_after, right_after);
    }
    Ordering::Equal
}

fn cut(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// `~` comes before the end, the end before letters, letters before all others.
fn text(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..left.len().max(right.len()))
        .map(|index| weight(left.as_bytes().get(index)).cmp(&weight(right.as_bytes().get(index))))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Numbers of any length.
fn digits(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_debian_orders_them() {
        let ordered = [
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0~rc1-1",
            "1.0",
            "1.0-1~deb12u1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0a",
            "1.0+git",
            "1.1",
            "1.9",
            "1.10",
            "2",
            "1:0.1",
            "10:0",
        ];
        for (index, left) in ordered.iter().enumerate() {
            for (other, right) in ordered.iter().enumerate() {
                assert_eq!(compare(left, right), index.cmp(&other), "{left} {right}");
            }
        }
    }

    #[test]
    fn versions_that_are_written_differently_can_be_equal() {
        for (left, right) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1"), ("1.", "1.0"), ("", "0")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
