//! Which accounts have a file of keys that open them.

use engine::{Answer, Blind, Fact, Query};

/// A file that sshd would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// Whose account it opens.
    pub account: String,
    /// Where it is, as /etc/passwd names the home.
    pub path: String,
}

/// The files of keys in the homes of all accounts of /etc/passwd, where sshd looks for them unless it is told otherwise
/// (`AuthorizedKeysFile` in sshd_config(5)), and that are not empty. Nothing is opened.
pub static KEY_FILES: Fact<Vec<KeyFile>> =
    Fact { query: Query::new("key files", include_str!("key_files.sh")), decode };

fn decode(answer: &Answer, _: &[String]) -> Result<Vec<KeyFile>, Blind> {
    let text = String::from_utf8_lossy(&answer.ok()?.out);
    let mut found = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        match (fields.next(), fields.next(), fields.next()) {
            (Some("there"), Some(account), Some(path)) => {
                found.push(KeyFile { account: account.into(), path: path.into() });
            }
            (Some("hidden"), Some(account), Some(path)) => {
                return Err(Blind::Denied(format!("{path} of {account} cannot be looked into without root")));
            }
            _ => return Err(Blind::Garbled(format!("a line of it is `{line}`"))),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_looked_into_is_not_one_without_keys() {
        let answer = |out: &str| Answer { out: out.into(), ..Answer::default() };
        let found = decode(&answer("there:ann:/home/a:b/.ssh/authorized_keys\n"), &[]).unwrap();
        assert_eq!(found, [KeyFile { account: "ann".into(), path: "/home/a:b/.ssh/authorized_keys".into() }]);
        assert_eq!(decode(&answer(""), &[]), Ok(vec![]));
        let hidden = decode(&answer("there:ann:/x\nhidden:bob:/home/bob\n"), &[]);
        assert_eq!(hidden, Err(Blind::Denied("/home/bob of bob cannot be looked into without root".into())));
        assert!(matches!(decode(&answer("there:ann\n"), &[]), Err(Blind::Garbled(_))));
    }
}
