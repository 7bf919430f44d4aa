//! The words that start a shell at the other end, and how they are written for a login shell.

/// Where programs are looked for on a host.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Reads a script from standard input without reading past it, then runs it with what follows as its input. The first
/// line is the word that ends the script. `read` takes one byte at a time, so nothing that follows is lost.
///
/// It has no quotation mark, newline, backslash or exclamation mark: what `csh` and `fish` do with those, even between
/// single quotes, is not what `sh` does.
const STAGE: &str = concat!(
    "n=$(echo a; echo a); n=${n#a}; n=${n%a}; s=; IFS= read -r e; ",
    r#"while IFS= read -r l; do if [ "$l" = "$e" ]; then break; fi; s=$s$l$n; done; "#,
    r#"unset l n e; eval "$s""#,
);

/// Where the script comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The whole of standard input.
    Input,
    /// The beginning of standard input; the rest is the script's own (see [`staged`]).
    Start,
}

/// The words that run a script in a clean environment with the account's own home.
pub(crate) fn plain(from: From) -> Vec<String> {
    let mut words = strings(["sh", "-c", &format!(r#"exec env -i LC_ALL=C {PATH} HOME="$HOME" sh "$@""#), "sh"]);
    if from == From::Start {
        words.extend(strings(["-c", STAGE]));
    }
    words
}

/// The words that run a script as root in a clean environment, after `prefix` (sudo or doas with their options). Before
/// anything else the shell prints `ready`, which appears nowhere in the words themselves.
///
/// If `guarded`, it then throws away what it is given up to a line that is `ready`: a password that sudo asked for and
/// did not read would otherwise be the first line of the script.
pub(crate) fn raised(prefix: &[&str], ready: &str, guarded: bool, from: From) -> Vec<String> {
    let (head, tail) = ready.split_at_checked(ready.len() / 2).unwrap_or((ready, ""));
    let guard = format!(r#"while IFS= read -r l; do if [ "$l" = {head}"{tail}" ]; then break; fi; done; unset l; "#);
    let then = match from {
        From::Input => "exec sh",
        From::Start => STAGE,
    };
    let mut words = strings(["env", "LC_ALL=C"]);
    words.extend(strings(prefix.iter().copied()));
    words.extend(strings(["env", "-i", "LC_ALL=C", PATH, "HOME=/root", "sh", "-c"]));
    words.push(format!(r#"echo {head}"{tail}"; {}{then}"#, if guarded { guard.as_str() } else { "" }));
    words
}

/// What goes before and after a script for [`From::Start`].
pub(crate) fn staged(end: &str) -> (String, String) {
    (format!("{end}\n"), format!("\n{end}\n"))
}

/// One line for any login shell (sh, fish, csh) that replaces itself with these words, which hold no single quote.
pub(crate) fn line(words: &[String]) -> String {
    words.iter().fold(String::from("exec"), |mut line, word| {
        line.push(' ');
        line.push_str(&quoted(word));
        line
    })
}

fn quoted(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@+".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(bare) {
        return String::from(word);
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn strings<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(String::from).collect()
}
