//! One line of a report: painted pieces, and a text at the right.

use crate::style::{Style, Tone};
use unicode_width::UnicodeWidthStr;

/// A line being put together; its width does not count colours.
#[derive(Default)]
pub struct Line {
    text: String,
    width: usize,
}

impl Line {
    /// A line that begins with `indent` spaces.
    pub fn indented(indent: usize) -> Self {
        Self::default().pad(indent)
    }

    /// With `text` at its end. The text is harmless already.
    pub fn push(mut self, style: &Style, tone: Tone, text: &str) -> Self {
        self.text.push_str(&style.paint(tone, text));
        self.width += text.width();
        self
    }

    /// Filled with spaces up to `column`.
    pub fn pad(mut self, column: usize) -> Self {
        while self.width < column {
            self.text.push(' ');
            self.width += 1;
        }
        self
    }

    /// Columns so far.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Ended with `text` at the right edge, or two columns after what is there.
    pub fn right(self, style: &Style, tone: Tone, text: &str) -> String {
        let column = style.width.saturating_sub(text.width()).max(self.width + 2);
        self.pad(column).push(style, tone, text).end()
    }

    /// Ended.
    pub fn end(self) -> String {
        let mut text = self.text;
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
        text
    }
}

/// `text` in lines of at most `width` columns, broken at spaces where there are some.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        if used > 0 && used + 1 + word.width() <= width {
            push(&mut lines, " ");
            push(&mut lines, word);
            used += 1 + word.width();
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        used = 0;
        for c in word.chars() {
            let mut buffer = [0; 4];
            let c: &str = c.encode_utf8(&mut buffer);
            if used + c.width() > width && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, c);
            used += c.width();
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_breaks_at_spaces_and_a_long_word_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_no_character(text in "[a-z é→]{0,200}", width in 2usize..60) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let kept: String = lines.concat().chars().filter(|c| *c != ' ').collect();
            let all: String = text.chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(kept, all);
        }
    }
}
