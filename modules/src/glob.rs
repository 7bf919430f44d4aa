//! Patterns of names: `*` stands for any text, `?` for any one character.

/// Whether all of `text` is as `pattern` says. A `*` that fails is tried again one letter later; no recursion, so no
/// pattern is slow.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(byte) if *byte == b'?' || Some(byte) == text.get(in_text) => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star_at, star_text)) = star else { return false };
                star = Some((star_at, star_text + 1));
                (at, in_text) = (star_at + 1, star_text + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_is_there() {
        for (pattern, text, fits) in [
            ("svc-*", "svc-pad", true),
            ("svc-*", "svc-", true),
            ("*-pad", "svc-pad-x", false),
            ("*a*b", "xaxxbxb", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
