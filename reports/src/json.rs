//! The report, or an explanation, as JSON.

use crate::escape;
use serde::Serialize;
use std::fmt::Write as _;

/// The report, indented, with a newline at the end. Every character that a terminal might obey or hide is
/// written as `\uXXXX`, so that nothing is lost and the file is safe to look at.
///
/// # Errors
/// Only a defect in `comply` can make this fail.
pub fn render(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let plain = serde_json::to_string_pretty(report)?;
    let mut text = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // Outside of strings JSON is printable ASCII and newlines; inside, newlines are escaped already.
        if c != '\n' && escape::is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    Ok(text)
}
