//! Versions in Debian's order (deb-version(7)): digits by value, letters before everything else but `~`,
//! which comes before the end.

use std::cmp::Ordering;

/// Compares two versions: `1.9 < 1.10`, `2.0~rc1 < 2.0`.
pub fn compare(one: &str, two: &str) -> Ordering {
    let (epoch_one, rest_one) = epoch(one);
    let (epoch_two, rest_two) = epoch(two);
    number(epoch_one, epoch_two).then_with(|| {
        let (upstream_one, revision_one) = rest_one.rsplit_once('-').unwrap_or((rest_one, ""));
        let (upstream_two, revision_two) = rest_two.rsplit_once('-').unwrap_or((rest_two, ""));
        part(upstream_one, upstream_two).then_with(|| part(revision_one, revision_two))
    })
}

fn epoch(version: &str) -> (&str, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    }
}

fn number(one: &str, two: &str) -> Ordering {
    let (one, two) = (one.trim_start_matches('0'), two.trim_start_matches('0'));
    one.len().cmp(&two.len()).then_with(|| one.cmp(two))
}

fn part(mut one: &str, mut two: &str) -> Ordering {
    while !one.is_empty() || !two.is_empty() {
        let (text_one, rest_one) = split(one, |c| !c.is_ascii_digit());
        let (text_two, rest_two) = split(two, |c| !c.is_ascii_digit());
        let (digits_one, after_one) = split(rest_one, |c| c.is_ascii_digit());
        let (digits_two, after_two) = split(rest_two, |c| c.is_ascii_digit());
        let order = text(text_one, text_two).then_with(|| number(digits_one, digits_two));
        if order.is_ne() {
            return order;
        }
        (one, two) = (after_one, after_two);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn text(one: &str, two: &str) -> Ordering {
    let rank = |c: Option<char>| match c {
        Some('~') => (0, 0),
        None => (1, 0),
        Some(c) if c.is_ascii_alphabetic() => (2, c as u32),
        Some(c) => (3, c as u32),
    };
    let (mut one, mut two) = (one.chars(), two.chars());
    loop {
        let (a, b) = (one.next(), two.next());
        let order = rank(a).cmp(&rank(b));
        if order.is_ne() || (a.is_none() && b.is_none()) {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering;

    #[test]
    fn versions_are_in_debian_s_order() {
        let rising =
            ["0", "1.0~~", "1.0~rc1", "1.0", "1.0-1", "1.0-1+deb12u1", "1.0a", "1.0+b", "1.9", "1.10", "2:0.1"];
        for (at, one) in rising.iter().enumerate() {
            for (other, two) in rising.iter().enumerate() {
                assert_eq!(compare(one, two), at.cmp(&other), "{one} {two}");
            }
        }
        assert_eq!(compare("1.01", "1.1"), Ordering::Equal);
        assert_eq!(compare("99999999999999999999999", "100000000000000000000000"), Ordering::Less);
    }
}
