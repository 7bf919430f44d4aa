//! What makes text of unknown origin harmless: no character that a terminal obeys, hides or reorders by, and
//! no more of it than a reader wants.

use std::fmt::Write as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The most bytes of one text that a report keeps, in any format.
pub const LIMIT: usize = 64 << 10;

/// `text`, cut at [`LIMIT`] bytes; a cut shows as `…`.
pub fn bound(text: &str) -> String {
    if text.len() <= LIMIT {
        return text.to_owned();
    }
    let end = (0..=LIMIT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// A character that a terminal may obey (controls), that cannot be seen, or that changes the order of others.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// `text` on one line: newlines, controls and characters of no width are written out (`\n`, `\x1b`,
/// `\u{202e}`), in `ascii` everything beyond it too.
pub fn line(text: &str, ascii: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(safe, "\\x{:02x}", u32::from(c));
            }
            c if is_unsafe(c) || c.width() == Some(0) || (ascii && !c.is_ascii()) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// `text`, in at most `most` columns; if more, its beginning and `ellipsis`.
pub fn cut(text: &str, most: usize, ellipsis: &str) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(ellipsis.width());
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept + ellipsis
}

/// A word for a POSIX shell, so that a hint can be copied.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        insta::assert_snapshot!(
            line("a\x1b[31m\n\tb\u{202e}c\u{9b}\u{200b}é\u{7f}", false),
            @r#"a\x1b[31m\n\tb\u{202e}c\u{9b}\u{200b}é\x7f"#
        );
        insta::assert_snapshot!(line("é → x", true), @r#"\u{e9} \u{2192} x"#);
    }

    #[test]
    fn a_word_for_the_shell_is_quoted_where_it_must_be() {
        insta::assert_snapshot!(shell("web*"), @"'web*'");
        insta::assert_snapshot!(shell("it's"), @r#"'it'\''s'"#);
        insta::assert_snapshot!(shell("pica01,pica02"), @"pica01,pica02");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_in_a_line(text in any::<String>(), ascii: bool) {
            let safe = line(&text, ascii);
            prop_assert!(!safe.chars().any(is_unsafe));
            prop_assert!(!ascii || safe.is_ascii());
        }

        #[test]
        fn unsafe_characters_by_number_are_written_out(number in prop_oneof![0u32..0x3000, 0xe000u32..0x11_0000]) {
            if let Some(c) = char::from_u32(number) {
                let safe = line(&c.to_string(), false);
                prop_assert!(!safe.chars().any(|c| is_unsafe(c) || c.width().unwrap_or(0) == 0));
            }
        }

        #[test]
        fn a_cut_text_fits(text in any::<String>(), most in 3usize..80) {
            prop_assert!(cut(&line(&text, false), most, "…").width() <= most);
        }

        #[test]
        fn a_bounded_text_is_bounded_and_a_short_one_is_kept(text in any::<String>(), times in 1usize..5000) {
            prop_assert_eq!(bound(&text), text.clone());
            prop_assert!(bound(&text.repeat(times)).len() <= LIMIT + "…".len());
        }
    }
}
