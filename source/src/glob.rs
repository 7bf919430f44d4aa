//! `*` and `?`, nothing else; both match any character, `/` included.

/// Whether `text` matches `pattern` as a whole.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star has to swallow one character more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    p = after_star;
                    t = from;
                    retry = Some((after_star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Whether it is a pattern at all.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_match_anything_and_question_marks_one_character() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "file//etc/motd"),
            ("file/*", "file//etc/motd"),
            ("pica0?", "pica01"),
            ("a*b*c", "a/b/bc"),
            ("?", "é"),
            ("", ""),
            ("a**", "a"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("file/*", "files/x"), ("pica0?", "pica0"), ("a*b", "abc"), ("", "a"), ("A", "a"), ("[a]", "a")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let started = std::time::Instant::now();
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199).repeat(20).replace('a', "b")));
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
    }
}
