//! Host keys that are known (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use engine::link::{Step, Unreachable};
use ssh2::{CheckResult, KnownHostFileKind, Session};

use crate::config::Config;
use crate::key;

/// A file that is larger is not read, in bytes.
const BOUND: u64 = 64 * 1024 * 1024;

/// The lines of all files that speak of one host.
#[derive(Debug, Default)]
pub(crate) struct Known {
    name: String,
    files: Vec<PathBuf>,
    lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    mark: Mark,
    kind: String,
    key: Vec<u8>,
    file: PathBuf,
    number: usize,
    /// It names the host without the port that is used.
    portless: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    None,
    Revoked,
    Authority,
}

/// The key types that can be agreed on, and the names under which a host offers them.
const TYPES: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

impl Known {
    /// Reads what the files say of this host. A file that is not there says nothing.
    pub(crate) fn read(config: &Config, session: &Session) -> Result<Self, Unreachable> {
        let mut known = Self { name: config.known_name(), files: config.known_hosts.clone(), lines: Vec::new() };
        for file in &config.known_hosts {
            if !fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= BOUND) {
                continue;
            }
            let text = fs::read(file).map_err(|error| Unreachable {
                step: Step::HostKey,
                why: format!("{} cannot be read: {error}", file.display()),
            })?;
            known.add(config, session, file, &String::from_utf8_lossy(&text));
        }
        Ok(known)
    }

    fn add(&mut self, config: &Config, session: &Session, file: &Path, text: &str) {
        for (at, text) in text.lines().enumerate() {
            let Some((mark, hosts, kind, key)) = parse(text) else { continue };
            let speaks = |name: &str| names(session, hosts, name);
            let portless = !speaks(&self.name);
            if portless && (config.host_key_alias.is_some() || config.port == 22 || !speaks(&config.hostname)) {
                continue;
            }
            let kind = String::from(kind);
            self.lines.push(Line { mark, kind, key, file: file.to_path_buf(), number: at + 1, portless });
        }
    }

    /// The order in which to ask for key types, the known ones first: a host shows one key only, and one of a type
    /// that nobody wrote down would look like a stranger's.
    pub(crate) fn preference(&self) -> String {
        let is_known = |kind: &str| self.lines.iter().any(|line| line.mark == Mark::None && line.kind == kind);
        let (first, then): (Vec<_>, Vec<_>) = TYPES.into_iter().partition(|(kind, _)| is_known(kind));
        let offered: Vec<&str> = first.into_iter().chain(then).map(|(_, offered)| offered).collect();
        offered.join(",")
    }

    /// Whether the key that the host shows is a known one.
    pub(crate) fn check(&self, shown: &[u8], config: &Config) -> Result<(), Unreachable> {
        let kind = key::kind(shown);
        let same = |line: &&Line| line.key == shown;
        let of = |mark: Mark| self.lines.iter().filter(move |line| line.mark == mark);
        let refused = |why: String| Err(Unreachable { step: Step::HostKey, why });
        let short = short(&kind);
        let print = key::fingerprint(shown);
        let name = &self.name;
        if let Some(line) = of(Mark::Revoked).find(same) {
            return refused(format!(
                "revoked: {} line {} says that the {short} key it shows ({print}) must not be believed any more",
                line.file.display(),
                line.number
            ));
        }
        if of(Mark::None).any(|line| line.key == shown) {
            return Ok(());
        }
        if let Some(line) = of(Mark::None).find(|line| !line.portless && line.kind == kind) {
            return refused(format!(
                "changed: {file} line {number} has another {short} key for {name} ({}), it now shows {print}. Somebody \
                 may be in between. If the host was reinstalled, compare with its own `ssh-keygen -lf \
                 /etc/ssh/ssh_host_{short}_key.pub`, then: ssh-keygen -R '{name}' -f {file}",
                key::fingerprint(&line.key),
                file = line.file.display(),
                number = line.number,
            ));
        }
        let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        let files = if files.is_empty() { String::from("any file") } else { files.join(", ") };
        let first = self.files.first().map_or_else(|| String::from("~/.ssh/known_hosts"), |f| f.display().to_string());
        let aside = match (of(Mark::None).find(|line| !line.portless), of(Mark::Authority).next()) {
            (Some(line), _) => format!(
                " ({} line {} knows its {} key, which it does not offer)",
                line.file.display(),
                line.number,
                self::short(&line.kind)
            ),
            (None, Some(line)) => format!(
                " ({} line {} trusts certificates for it; for those use `connection: openssh`)",
                line.file.display(),
                line.number
            ),
            (None, None) => String::new(),
        };
        let scan = match (&config.host_key_alias, config.port) {
            (Some(alias), port) => {
                format!("ssh-keyscan -t {short} -p {port} {} | sed 's/^[^ ]*/{alias}/' >> {first}", config.hostname)
            }
            (None, 22) => format!("ssh-keyscan -t {short} {} >> {first}", config.hostname),
            (None, port) => format!("ssh-keyscan -t {short} -p {port} {} >> {first}", config.hostname),
        };
        refused(format!(
            "unknown: no line for {name} in {files}{aside}; its {short} key is {print}; compare it with the host's own, \
             then add it with: {scan}"
        ))
    }
}

/// The name that `ssh-keyscan -t` and file names have for a key type.
fn short(kind: &str) -> &str {
    match kind {
        "ssh-ed25519" => "ed25519",
        "ssh-rsa" => "rsa",
        kind if kind.starts_with("ecdsa-") => "ecdsa",
        kind => kind,
    }
}

/// A line's mark, names, key type and key; `None` for comments and what cannot be read.
fn parse(line: &str) -> Option<(Mark, &str, &str, Vec<u8>)> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let first = fields.next().filter(|field| !field.starts_with('#'))?;
    let (mark, hosts) = match first {
        "@revoked" => (Mark::Revoked, fields.next()?),
        "@cert-authority" => (Mark::Authority, fields.next()?),
        marked if marked.starts_with('@') => return None,
        hosts => (Mark::None, hosts),
    };
    let (kind, key) = (fields.next()?, fields.next()?);
    let key = STANDARD.decode(key).or_else(|_| STANDARD_NO_PAD.decode(key)).ok()?;
    (key::kind(&key) == kind).then_some((mark, hosts, kind, key))
}

/// Whether a line's names, plain or hashed, are this host's.
fn names(session: &Session, hosts: &str, name: &str) -> bool {
    if hosts.starts_with("|1|") {
        return is_hash_of(session, hosts, name);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, name) => return false,
            None if matches(pattern, name) => found = true,
            _ => {}
        }
    }
    found
}

/// A hashed name is checked by libssh2, with a key made up for the purpose.
fn is_hash_of(session: &Session, hash: &str, name: &str) -> bool {
    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let (Ok(mut hosts), Ok(key)) = (session.known_hosts(), STANDARD.decode(KEY)) else { return false };
    hosts.read_str(&format!("{hash} ssh-ed25519 {KEY}\n"), KnownHostFileKind::OpenSSH).is_ok()
        && !name.contains('\0')
        && matches!(hosts.check(name, &key), CheckResult::Match)
}

/// `*` and `?` as in ssh_config(5), PATTERNS; names have no case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go back to: after the last star, with one more character given to it.
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((after, at)) => {
                    back = Some((after, at + 1));
                    (p, n) = (after, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_in_ssh_config() {
        for (pattern, name) in
            [("*", ""), ("a*c", "abbc"), ("a?c", "ABC"), ("*.example.org", "web.example.org"), ("**", "x")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a", ""), ("a?", "a"), ("*.example.org", "example.org"), ("a*b", "ac")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn lines_that_say_nothing_are_passed_over() {
        for line in [
            "",
            "  ",
            "# a comment",
            "host",
            "host ssh-ed25519",
            "host ssh-ed25519 AAAA",
            "@unknown host ssh-rsa AAAA",
            "host 2048 35 123456",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in "\\PC*") {
            let _ = parse(&line);
        }

        #[test]
        fn a_name_matches_itself_and_every_star_in_its_place(name in "[a-z0-9.:\\[\\]-]{1,40}", at in 0_usize..40) {
            prop_assert!(matches(&name, &name));
            let at = at.min(name.len());
            let starred = format!("{}*", &name[..at]);
            prop_assert!(matches(&starred, &name));
        }
    }
}
