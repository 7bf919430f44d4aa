//! In which files sshd looks for the keys of an account.

use engine::{Answer, Batch, Blind, Fact, Query};

/// The `AuthorizedKeysFile` of an account (1 argument), as sshd_config(5) writes it, for a login from nowhere in
/// particular; `None`: there is no sshd. It takes sshd a moment to tell: to be asked only where
/// [`Accounts::key_paths`](super::accounts::Accounts::key_paths) says so.
pub static KEY_PATHS: Fact<Option<Vec<String>>> = Fact {
    query: Query::new("key paths", include_str!("key_paths.sh")).batched(Batch::Marked),
    decode: |answer, _| decode(answer),
};

fn decode(answer: &Answer) -> Result<Option<Vec<String>>, Blind> {
    let text = answer.text()?;
    if text == "-" {
        return Ok(None);
    }
    if let Some(words) = text.strip_prefix('!') {
        let words = words.lines().next().unwrap_or_default();
        return Err(Blind::Failed(format!("sshd does not say where it looks for keys: {words}")));
    }
    let (_, paths) = text
        .trim_end()
        .split_once(' ')
        .ok_or_else(|| Blind::Garbled("sshd does not say where it looks for keys".into()))?;
    Ok(Some(paths.split_whitespace().filter(|path| *path != "none").map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sshd_says_of_an_account() {
        let answer = |out: &str| decode(&Answer { out: out.into(), ..Answer::default() });
        assert_eq!(answer("-"), Ok(None));
        assert_eq!(answer("authorizedkeysfile none\n"), Ok(Some(vec![])));
        assert_eq!(answer("authorizedkeysfile /k/%u .ssh/x\n"), Ok(Some(vec!["/k/%u".into(), ".ssh/x".into()])));
        let failed = answer("!/etc/ssh/sshd_config line 3: Bad\nmore\n").unwrap_err().to_string();
        assert_eq!(failed, "sshd does not say where it looks for keys: /etc/ssh/sshd_config line 3: Bad");
        assert!(matches!(answer(""), Err(Blind::Garbled(_))));
    }
}
