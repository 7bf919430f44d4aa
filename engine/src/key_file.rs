//! The files in which sshd looks for the keys of an account, as its configuration names them.

/// A path of `AuthorizedKeysFile` for an account, with its tokens (TOKENS in sshd_config(5)) replaced. `home`, and the
/// result: absolute, without a `/` at the end.
pub fn expanded(path: &str, account: &str, uid: &str, home: &str) -> String {
    let put = |part: &str| part.replace("%u", account).replace("%U", uid).replace("%h", home);
    let path = path.split("%%").map(put).collect::<Vec<_>>().join("%");
    if path.starts_with('/') { path } else { format!("{home}/{path}") }
}

/// Whether it is the same file for every account.
pub fn is_for_all(path: &str) -> bool {
    path.starts_with('/') && !["%u", "%U", "%h"].iter().any(|token| path.replace("%%", "").contains(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_for_the_account() {
        let of = |path| expanded(path, "ann", "1001", "/home/ann");
        assert_eq!(of(".ssh/keys"), "/home/ann/.ssh/keys");
        assert_eq!(of("%h/keys"), "/home/ann/keys");
        assert_eq!(of("/k/%u.%U"), "/k/ann.1001");
        assert_eq!(of("/k/%%u"), "/k/%u");
        assert!(is_for_all("/etc/ssh/keys") && is_for_all("/k/%%u"));
        assert!(!is_for_all("/k/%u") && !is_for_all(".ssh/keys") && !is_for_all("%h/keys"));
    }
}
