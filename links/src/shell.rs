//! The words that start a shell at the other end, and how they are written for a login shell.

/// Where programs are looked for on a host.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Reads a script from standard input without reading past it, then runs it with what follows as its input. The first
/// line is the word that ends the script. `read` takes one byte at a time, so nothing that follows is lost; but the one
/// of dash garbles the bytes that dash itself uses as marks, so the script comes in ASCII (see [`staged`]) and `printf`
/// makes it whole again.
///
/// It has no quotation mark, newline, backslash or exclamation mark: what `csh` and `fish` do with those, even between
/// single quotes, is not what `sh` does.
const STAGE: &str = concat!(
    "n=$(echo a; echo a); n=${n#a}; n=${n%a}; s=; IFS= read -r e; ",
    r#"while IFS= read -r l; do if [ "$l" = "$e" ]; then break; fi; s=$s$l$n; done; "#,
    r#"s=$(printf %b "$s"); unset l n e; eval "$s""#,
);

/// Where the script comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The whole of standard input.
    Input,
    /// The beginning of standard input; the rest is the script's own (see [`staged`]).
    Start,
}

/// The word that stands for the account's own home: a shell has to fill it in ([`line`], [`argv`]).
const HOME: &str = "HOME=$HOME";

/// The words that run a script in a clean environment with the account's own home.
pub(crate) fn plain(from: From) -> Vec<String> {
    let mut words = strings(["env", "-i", "LC_ALL=C", PATH, HOME, "sh"]);
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

/// A script for [`From::Start`]: its end, then itself with everything but plain ASCII as `printf %b` takes it.
pub(crate) fn staged(script: &[u8], end: &str) -> Vec<u8> {
    let mut staged = format!("{end}\n").into_bytes();
    for byte in script {
        match byte {
            b'\\' => staged.extend(br"\\"),
            b'\n' | b'\t' | b' '..=b'~' => staged.push(*byte),
            byte => staged.extend(format!("\\0{byte:03o}").bytes()),
        }
    }
    staged.extend(format!("\n{end}\n").bytes());
    staged
}

/// One line for any login shell (sh, fish, csh) that replaces itself with these words, which hold no single quote.
pub(crate) fn line(words: &[String]) -> String {
    words.iter().fold(String::from("exec"), |mut line, word| {
        line.push(' ');
        line.push_str(&quoted(word));
        line
    })
}

/// What starts these words where no login shell does.
pub(crate) fn argv(words: &[String]) -> Vec<String> {
    if words.iter().any(|word| word == HOME) { strings(["sh", "-c", &line(words)]) } else { words.to_vec() }
}

fn quoted(word: &str) -> String {
    if word == HOME {
        return String::from(r#"HOME="$HOME""#);
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@+".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(bare) {
        return String::from(word);
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn strings<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    /// What a shell prints that gets this line as its command and these bytes as its input.
    fn given(shell: &str, line: &str, input: &[u8]) -> Vec<u8> {
        let mut words = shell.split(' ');
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["-c", line])
            .env("HOME", "/home/o'ps \"$x!\"")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs {shell}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let out = child.wait_with_output().unwrap().stdout;
        writer.join().unwrap().unwrap();
        out
    }

    const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];

    #[test]
    fn every_login_shell_starts_the_script_with_the_home_it_has() {
        for shell in SHELLS {
            let out = given(shell, &line(&plain(From::Input)), b"echo \"$HOME $LC_ALL\"");
            assert_eq!(String::from_utf8_lossy(&out), "/home/o'ps \"$x!\" C\n", "{shell}");
            let out = given(shell, &line(&argv(&plain(From::Input))), b"echo \"$HOME $LC_ALL\"");
            assert_eq!(String::from_utf8_lossy(&out), "/home/o'ps \"$x!\" C\n", "{shell}, without a login shell");
            let out = given(shell, &line(&raised(&["env"], "nonce", false, From::Input)), b"echo \"$HOME\"");
            assert_eq!(String::from_utf8_lossy(&out), "nonce\n/root\n", "{shell}");
        }
    }

    #[test]
    fn words_for_a_login_shell_hold_nothing_that_some_shell_takes_otherwise() {
        for words in [plain(From::Start), raised(&["sudo", "-n", "--"], "nonce", true, From::Start)] {
            for word in words {
                assert!(!word.contains(['\'', '\n', '\\', '!', '`']), "{word}");
            }
        }
    }

    #[test]
    fn the_ready_word_is_not_among_the_words() {
        let words = raised(&["sudo"], "n0123456789", true, From::Start);
        assert!(!words.iter().any(|word| word.contains("n0123456789")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A script of any bytes arrives as it is, and so does what follows it.
        #[test]
        fn a_staged_script_and_its_input_arrive_as_they_are(
            text in proptest::collection::vec(1_u8..=255, 0..300),
            input in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            // Quoted for sh, so that the script prints exactly these bytes.
            let quoted = text.iter().fold(Vec::new(), |mut quoted, byte| {
                if *byte == b'\'' { quoted.extend(b"'\\''") } else { quoted.push(*byte) }
                quoted
            });
            let script = [b"printf %s '".as_slice(), &quoted, b"'\ncat"].concat();
            let sent = [staged(&script, "n0123"), input.clone()].concat();
            let wanted = [text, input].concat();
            for shell in SHELLS {
                // The stage itself runs in this shell, not only the line that starts it.
                let out = given(shell, STAGE, &sent);
                prop_assert_eq!(&out, &wanted, "{}", shell);
            }
        }
    }
}
