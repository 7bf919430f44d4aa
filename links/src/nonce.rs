//! Words that nobody can have written before.

use std::io;

/// 128 random bits in hexadecimal, after a letter: a word for every shell.
pub(crate) fn nonce() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().fold(String::from("n"), |word, byte| format!("{word}{byte:02x}")))
}
