//! What a line of a repository must not show when a message prints it.

use crate::node::{Node, Value};
use std::ops::Range;

/// Keys whose values are hidden: those that end like this.
const KEYS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "private_key", "api_key"];

/// Words of which a slip of the pen is hidden as well.
const MISSPELT: &[&str] = &["password", "passphrase"];

/// Whether the value of a key of this name is nobody's business.
pub fn hides(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let last = lower.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    KEYS.iter().any(|known| lower.ends_with(known))
        || MISSPELT.iter().any(|known| strsim::damerau_levenshtein(last, known) <= 2)
}

/// Lets no message show a value that is nobody's business, on whichever lines it is written.
pub(crate) fn value(node: &Node) {
    match &node.value {
        Value::Scalar(scalar) if is_telling(&scalar.text) => node.place.hide(),
        Value::List(items) => items.iter().for_each(value),
        _ => {}
    }
}

/// The line with the values of keys such as `db_password` made unreadable, every character where it was.
pub(crate) fn line(line: &str) -> String {
    let mut shown = line.to_owned();
    for (colon, _) in line.match_indices(':') {
        let key = line.get(..colon).unwrap_or("").trim_end_matches(['"', '\'', ' ', '\t']);
        let rest = line.get(colon + 1..).unwrap_or("");
        if let Some(password) = rest.strip_prefix("//").and_then(in_uri) {
            cover(&mut shown, colon + 3 + password.start, password.len());
        }
        if !rest.starts_with([' ', '\t', '"', '\'']) || !hides(key) {
            continue;
        }
        let start = colon + 1 + (rest.len() - rest.trim_start().len());
        let value = line.get(start..).unwrap_or("");
        let length = length(value);
        if is_telling(value.get(..length).unwrap_or("")) {
            cover(&mut shown, start, length);
        }
    }
    shown
}

/// Where the password is in what follows `scheme://`: `user:password@host`.
fn in_uri(rest: &str) -> Option<Range<usize>> {
    let authority = rest.split(['/', '?', '#', ' ', '\t', '"', '\'', '{']).next().unwrap_or_default();
    let end = authority.rfind('@')?;
    let start = authority.get(..end)?.find(':')? + 1;
    Some(start..end)
}

/// The bytes of the value at the start of a text: to its closing quote, to what ends it in `{…}` or `[…]`, or to the end.
fn length(value: &str) -> usize {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            value.get(1..).and_then(|rest| rest.rfind(quote)).map_or(value.len(), |at| at + 2)
        }
        _ => value.find([',', '}', ']']).unwrap_or(value.len()),
    }
}

/// Whether there is anything to hide: not in a template, a mapping, true or false, or the sign before a block.
fn is_telling(value: &str) -> bool {
    let bare = value.trim().trim_matches(['"', '\'']);
    !bare.contains("{{") && !bare.starts_with(['{', '[', '|', '>']) && !["", "true", "false", "*", "!"].contains(&bare)
}

/// Covers `length` bytes from `start`, character by character.
pub(crate) fn cover(text: &mut String, start: usize, length: usize) {
    let Some(covered) = text.get(start..start + length) else { return };
    // As many bytes as before, so that what follows stays where it is.
    let covered: String = covered.chars().flat_map(|c| std::iter::repeat_n('*', c.len_utf8())).collect();
    text.replace_range(start..start + length, &covered);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_telling_keys_are_covered_where_they_stand() {
        for (written, wanted) in [
            ("  password: hunter2", "  password: *******"),
            ("db_password: 'hunter2'  # x", "db_password: *********  # x"),
            ("ppom: {password: hunter2, shell: /bin/sh}", "ppom: {password: *******, shell: /bin/sh}"),
            (r#"{"api_token":"hun\"ter2"}"#, r#"{"api_token":***********}"#),
            ("PASSWORD: é", "PASSWORD: **"),
            ("secret: true", "secret: true"),
            ("password: \"{{ secret('x') }}\"", "password: \"{{ secret('x') }}\""),
            ("pasword: hunter2", "pasword: *******"),
            ("  db-passwort : hunter2", "  db-passwort : *******"),
            ("passage: north", "passage: north"),
            ("- https://me:hunter2@x.example/debian", "- https://me:*******@x.example/debian"),
            ("{url: 'postgres://u:hunter2@h/d', n: 1}", "{url: 'postgres://u:*******@h/d', n: 1}"),
            ("https://x.example:8080/a@b", "https://x.example:8080/a@b"),
            ("password_age: 90d", "password_age: 90d"),
            ("secrets: {provider: pass}", "secrets: {provider: pass}"),
            ("password:", "password:"),
            ("password: |", "password: |"),
        ] {
            assert_eq!(line(written), wanted);
        }
    }
}
