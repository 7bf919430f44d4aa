//! Commands by which a policy has a file checked before it is put in place.

use engine::Problem;

/// What is wrong with the field `validate`.
///
/// `{}` becomes a quoted word of the shell, so it must not stand in quotes itself.
pub fn problem(command: &str) -> Option<Problem> {
    if !command.contains("{}") {
        return Some(
            Problem::field("validate", "the command does not say which file to check")
                .hint("write `{}` where the file goes: `visudo -cf {}`"),
        );
    }
    if command.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Some(Problem::field("validate", "the command has control characters in it"));
    }
    let mut quote = None;
    let mut chars = command.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None | Some('"'), '\\') => _ = chars.next(),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (Some(_), '{') if command[at..].starts_with("{}") => {
                return Some(
                    Problem::field("validate", "`{}` stands in quotes")
                        .hint("leave the quotes out: the file's name is quoted for you"),
                );
            }
            _ => {}
        }
    }
    quote.map(|quote| Problem::field("validate", format!("the quote {quote} is not closed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(command: &str) -> Option<String> {
        problem(command).map(|problem| problem.message)
    }

    #[test]
    fn the_file_to_check_stands_outside_of_quotes() {
        assert_eq!(message("visudo -cf {}"), None);
        assert_eq!(message("grep -q 'a b' {} && test -s {}"), None);
        assert_eq!(message(r"echo \' {}"), None);
        assert_eq!(message("nginx -t").unwrap(), "the command does not say which file to check");
        assert_eq!(message("sh -c 'visudo -cf {}'").unwrap(), "`{}` stands in quotes");
        assert_eq!(message(r#"test -s "{}""#).unwrap(), "`{}` stands in quotes");
        assert_eq!(message("echo 'a {}").unwrap(), "`{}` stands in quotes");
        assert_eq!(message("test -s {} 'a").unwrap(), "the quote ' is not closed");
    }
}
