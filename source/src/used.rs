//! The names that an expression of Tera's looks up.

use crate::expr::lex::{Token, Word};
use crate::expr::path;
use crate::scope::Path;
use std::ops::Range;

/// A name that an expression looks up.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) path: Path,
    /// The expression says itself what holds if it is not there.
    pub(crate) optional: bool,
}

pub(crate) fn is_word_of_tera(name: &str) -> bool {
    matches!(
        name,
        "and"
            | "or"
            | "not"
            | "in"
            | "is"
            | "if"
            | "else"
            | "for"
            | "true"
            | "false"
            | "none"
            | "True"
            | "False"
            | "None"
    )
}

/// All of them; the error is a function that does not exist.
pub(crate) fn names(tokens: &[Token]) -> Result<Vec<Used>, (Range<usize>, String)> {
    let mut used = Vec::new();
    if tokens.iter().any(|token| matches!(&token.what, Word::Name(name) if name == "for")) {
        return Ok(used);
    }
    let sign = |at: Option<usize>, wanted: &str| {
        at.and_then(|at| tokens.get(at)).is_some_and(|token| matches!(&token.what, Word::Sign(sign) if sign == wanted))
    };
    let name = |at: Option<usize>, wanted: &str| {
        at.and_then(|at| tokens.get(at)).is_some_and(|token| matches!(&token.what, Word::Name(name) if name == wanted))
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1);
        let Word::Name(word) = &token.what else {
            at += 1;
            continue;
        };
        let of_test = name(before, "is") || (name(before, "not") && name(at.checked_sub(2), "is"));
        let named_argument = sign(Some(at + 1), "=");
        if is_word_of_tera(word) || of_test || named_argument || sign(before, "|") || sign(before, "?.") {
            at += 1;
            continue;
        }
        if sign(Some(at + 1), "(") {
            if !matches!(word.as_str(), "secret" | "range" | "throw") {
                return Err((token.range.clone(), word.clone()));
            }
            at += 1;
            continue;
        }
        let Some((path, next)) = path(tokens, at) else { break };
        let asks = name(Some(next), "is")
            && ["defined", "undefined"]
                .iter()
                .any(|test| name(Some(next + 1), test) || (name(Some(next + 1), "not") && name(Some(next + 2), test)));
        let defaults = sign(Some(next), "|") && name(Some(next + 1), "default");
        let optional =
            asks || defaults || sign(Some(next), "?.") || (sign(Some(next), "?") && sign(Some(next + 1), "["));
        used.push(Used { path, optional });
        at = next;
    }
    Ok(used)
}
