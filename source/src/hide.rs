//! What a line of a repository must not show when a message prints it.

/// Keys whose values are hidden: those that end like this.
const KEYS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "private_key", "api_key"];

/// Whether the value of a key of this name is nobody's business.
pub fn hides(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    KEYS.iter().any(|known| lower.ends_with(known))
}

/// The line with the values of keys such as `db_password` made unreadable, every character where it was.
pub(crate) fn line(line: &str) -> String {
    let mut shown = line.to_owned();
    let lower = line.to_ascii_lowercase();
    for (colon, _) in line.match_indices(':') {
        let key = lower.get(..colon).unwrap_or("").trim_end_matches(['"', '\'']);
        let rest = line.get(colon + 1..).unwrap_or("");
        if !rest.starts_with([' ', '\t', '"', '\'']) || !KEYS.iter().any(|known| key.ends_with(known)) {
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
            ("password_age: 90d", "password_age: 90d"),
            ("secrets: {provider: pass}", "secrets: {provider: pass}"),
            ("password:", "password:"),
            ("password: |", "password: |"),
        ] {
            assert_eq!(line(written), wanted);
        }
    }
}
