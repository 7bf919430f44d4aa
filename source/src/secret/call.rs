//! `secret('name')` as Tera wants it: `secret(name='name')`. Tera knows no arguments without a name.

use crate::expr::lex::{Token, Word, lex};
use std::borrow::Cow;

/// An expression with its calls of `secret` made Tera's.
pub(crate) fn name_argument(expression: &str) -> Cow<'_, str> {
    let places = places(expression);
    if places.is_empty() {
        return Cow::Borrowed(expression);
    }
    let mut text = expression.to_owned();
    for at in places.into_iter().rev() {
        text.insert_str(at, "name=");
    }
    Cow::Owned(text)
}

/// Where a first argument lacks its name.
fn places(expression: &str) -> Vec<usize> {
    if !expression.contains("secret") {
        return Vec::new();
    }
    let tokens = lex(expression);
    let sign = |at: usize, wanted: &str| matches!(tokens.get(at), Some(Token { what: Word::Sign(sign), .. }) if sign == wanted);
    let calls = (0..tokens.len()).filter(|&at| {
        matches!(&tokens[at].what, Word::Name(name) if name == "secret")
            && !(at > 0 && sign(at - 1, "."))
            && sign(at + 1, "(")
            && !sign(at + 2, ")")
            && !sign(at + 3, "=")
    });
    calls.filter_map(|at| Some(tokens.get(at + 2)?.range.start)).collect()
}

/// A template file with its calls of `secret` made Tera's. Only what stands in `{{ … }}` and `{% … %}` is looked at.
pub(crate) fn name_arguments(text: &str) -> Cow<'_, str> {
    if !text.contains("secret") {
        return Cow::Borrowed(text);
    }
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = ["{{", "{%", "{#"].iter().filter_map(|tag| rest.find(tag)).min() {
        let (before, tag) = rest.split_at(open);
        changed.push_str(before);
        let length = match tag.get(..2) {
            Some("{#") => tag.find("#}"),
            Some("{{") => closing(tag, "}}"),
            _ => closing(tag, "%}"),
        };
        let (inside, after) = tag.split_at(length.map_or(tag.len(), |length| length + 2));
        if inside.starts_with("{#") {
            changed.push_str(inside);
        } else {
            changed.push_str(&name_argument(inside));
        }
        rest = after;
        if is_raw(inside) {
            let end = rest.find("endraw").unwrap_or(rest.len());
            let (raw, after) = rest.split_at(end);
            changed.push_str(raw);
            rest = after;
        }
    }
    changed.push_str(rest);
    Cow::Owned(changed)
}

fn is_raw(tag: &str) -> bool {
    let inside = tag.strip_prefix("{%").and_then(|tag| tag.strip_suffix("%}"));
    inside.is_some_and(|inside| inside.trim_matches(['-', ' ', '\t', '\n', '\r']) == "raw")
}

/// Where a tag ends, texts in quotes passed over.
fn closing(tag: &str, end: &str) -> Option<usize> {
    let mut quote = None;
    let mut chars = tag.char_indices().skip(2);
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => _ = chars.next(),
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if tag.get(at..).is_some_and(|rest| rest.starts_with(end)) => return Some(at),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_first_arguments_without_a_name_get_one() {
        for (written, wanted) in [
            ("secret('a')", "secret(name='a')"),
            ("secret( db , field='user')", "secret( name=db , field='user')"),
            ("secret(name='a')", "secret(name='a')"),
            ("'secret(1)' ~ secret('a' ~ x)", "'secret(1)' ~ secret(name='a' ~ x)"),
            ("secret(secret('a'))", "secret(name=secret(name='a'))"),
            ("secret()", "secret()"),
            ("secret", "secret"),
            ("site.secret('a')", "site.secret('a')"),
            ("secret(", "secret("),
        ] {
            assert_eq!(name_argument(written), wanted);
        }
    }

    #[test]
    fn text_comments_and_raw_parts_of_a_file_stay_as_they_are() {
        let file = "secret('a') {# secret('b') #}{% raw %}{{ secret('c') }}{% endraw %}\n\
                    {{ '}}' ~ secret('d') }}{% set x = secret('e') %} {{ secret('f'";
        let wanted = "secret('a') {# secret('b') #}{% raw %}{{ secret('c') }}{% endraw %}\n\
                      {{ '}}' ~ secret(name='d') }}{% set x = secret(name='e') %} {{ secret(name='f'";
        assert_eq!(name_arguments(file), wanted);
    }
}
