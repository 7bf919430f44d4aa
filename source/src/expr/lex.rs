//! Words of an expression, for the conditions and, leniently, for what stands between `{{` and `}}`.

use std::ops::Range;

/// One word with its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub what: Word,
    /// Its bytes.
    pub range: Range<usize>,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A name: letters, digits and `_`, not a digit first.
    Name(String),
    /// A text in quotes, escapes resolved.
    Text(String),
    /// Digits, possibly with dots between them: a number or a version.
    Number(String),
    /// One of `== != < <= > >= ?.`, or any other single character.
    Sign(String),
    /// A text whose closing quote is missing.
    Open,
}

/// Cuts a text into words. Never fails: what is no word is a [`Word::Sign`].
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (what, length) = word(first, rest);
        tokens.push(Token { what, range: at..at + length });
        at += length.max(1);
    }
    tokens
}

fn word(first: char, rest: &str) -> (Word, usize) {
    if first.is_ascii_alphabetic() || first == '_' {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
        return (Word::Name(rest.get(..length).unwrap_or("").to_owned()), length);
    }
    if first.is_ascii_digit() {
        let mut length = run(rest, |c| c.is_ascii_digit() || c == '.');
        while rest.get(..length).is_some_and(|digits| digits.ends_with('.')) {
            length -= 1;
        }
        return (Word::Number(rest.get(..length).unwrap_or("").to_owned()), length);
    }
    if matches!(first, '"' | '\'' | '`') {
        return quoted(first, rest);
    }
    for sign in ["==", "!=", "<=", ">=", "?."] {
        if rest.starts_with(sign) {
            return (Word::Sign(sign.to_owned()), sign.len());
        }
    }
    (Word::Sign(first.to_string()), first.len_utf8())
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn quoted(quote: char, rest: &str) -> (Word, usize) {
    let mut text = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            text.push(match c {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return (Word::Text(text), at + c.len_utf8());
        } else {
            text.push(c);
        }
    }
    (Word::Open, rest.len())
}
