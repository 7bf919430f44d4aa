//! The authorized_keys file of an account: who can write it, and what is in it.

use crate::public_key::PublicKey;
use engine::{Answer, Batch, Blind, Command, Fact, Query};

/// Larger files are not read, in bytes.
pub const LIMIT: usize = 256 << 10;

/// What one account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKeys {
    /// The account's number.
    pub uid: u32,
    /// Its home, as the system resolves it, without a `/` at the end.
    pub home: String,
    /// Its home is there.
    pub home_exists: bool,
    /// The path of the file, as sshd would open it.
    pub path: String,
    /// Where the file really is, links followed; empty if a link leads nowhere.
    pub real: String,
    /// The file, and the directories above it up to the home, or to `/` if it is not below the home.
    pub way: Vec<Waypoint>,
    /// What is in it.
    pub content: Content,
}

/// Something that sshd looks at before it trusts the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waypoint {
    /// Its path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// It is a directory.
    pub directory: bool,
}

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// There is no file.
    Absent,
    /// Its lines, without what ends them.
    Lines(Vec<Line>),
    /// Something else is in its place.
    NotAFile,
    /// The account itself may not read it, so nobody comes in by it, and nothing of it was read.
    Unreadable,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As it is, any bytes.
    pub raw: Vec<u8>,
    /// What it means.
    pub means: Means,
}

/// What a line means to sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// A key.
    Key(PublicKey),
    /// Nothing: it is empty or a comment.
    Nothing,
    /// It is in nobody's language.
    Unknown,
}

impl Line {
    fn read(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let words = text.trim();
        let means = match PublicKey::read(words) {
            Some(key) => Means::Key(key),
            None if words.is_empty() || words.starts_with('#') => Means::Nothing,
            None => Means::Unknown,
        };
        Self { raw: raw.to_vec(), means }
    }
}

/// The keys of an account (first argument) in a file (second argument: its path, below the home unless it is
/// absolute). `None`: /etc/passwd has no such account.
pub static AUTHORIZED_KEYS: Fact<Option<AuthorizedKeys>> = Fact {
    query: Query::new("authorized keys", include_str!("authorized_keys.sh")).batched(Batch::Marked).limit(16 << 20),
    decode: |answer, _| decode(answer),
};

/// Puts standard input in place of an account's file, with its own rights where it is the account's own
/// directory; a link is kept, and under /etc/pve the file is written in place. Arguments: account, path, mode.
pub static WRITE_KEYS: Command = Command { name: "write authorized keys", shell: include_str!("write_keys.sh") };

fn decode(answer: &Answer) -> Result<Option<AuthorizedKeys>, Blind> {
    let mut rest = answer.out.as_slice();
    let mut line = || {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        Some(line)
    };
    let Some(uid) = line() else {
        return Err(if answer.status == 0 { garbled() } else { answer.blind() });
    };
    if uid.is_empty() {
        return Ok(None);
    }
    let uid = uid.parse().map_err(|_| garbled())?;
    let (_gid, home, path, real) = (
        line().ok_or_else(garbled)?,
        line().ok_or_else(garbled)?,
        line().ok_or_else(garbled)?,
        line().ok_or_else(garbled)?,
    );
    let mut way = Vec::new();
    loop {
        match line().ok_or_else(garbled)? {
            end if end.is_empty() => break,
            state => way.extend(waypoint(&state)),
        }
    }
    let seen_home = format!("{home}/.");
    let home_exists = way.iter().any(|at| at.path.ends_with("/.") && at.directory);
    for at in &mut way {
        if at.path == seen_home {
            at.path.clone_from(&home);
        }
    }
    way.retain(|at| !at.path.is_empty() && !at.path.ends_with("/."));
    way.dedup_by(|one, other| one.path == other.path);
    let content = content(rest, answer)?;
    Ok(Some(AuthorizedKeys { uid, home_exists, home, path, real, way, content }))
}

fn garbled() -> Blind {
    Blind::Garbled("the answer about authorized keys ends in the middle".into())
}

/// Reads `%f %u %g %n` of stat(1); the last line of an account has no name and counts for nothing.
fn waypoint(line: &str) -> Option<Waypoint> {
    let mut fields = line.splitn(4, ' ');
    let mode = u32::from_str_radix(fields.next()?, 16).ok()?;
    let uid = fields.next()?.parse().ok()?;
    let path = fields.nth(1)?.to_owned();
    Some(Waypoint { path, mode: mode & 0o7777, uid, directory: mode & 0o170_000 == 0o040_000 })
}

/// The content, and the mark that says how reading it ended.
fn content(marked: &[u8], answer: &Answer) -> Result<Content, Blind> {
    match marked.split_last() {
        Some((b'-', [])) => Ok(Content::Absent),
        Some((b'~', [])) => Ok(Content::Unreadable),
        Some((b'=', content)) if content.len() > LIMIT => Err(Blind::TooLarge(LIMIT)),
        Some((b'=', content)) => {
            let content = content.strip_suffix(b"\n").unwrap_or(content);
            if content.is_empty() {
                return Ok(Content::Lines(Vec::new()));
            }
            Ok(Content::Lines(content.split(|&byte| byte == b'\n').map(Line::read).collect()))
        }
        Some((b'!', b"it is not a regular file")) => Ok(Content::NotAFile),
        Some((b'!', why)) if why.starts_with(b"only root") => {
            Err(Blind::Denied(String::from_utf8_lossy(why).into_owned()))
        }
        Some((b'!', _)) => Err(match answer.blind() {
            blind @ (Blind::NoTool(_) | Blind::Denied(_)) => blind,
            _ if answer.err.windows(9).any(|part| part == b"not found") => {
                Blind::NoTool("setpriv (package util-linux), to look with the account's own rights".into())
            }
            blind => blind,
        }),
        _ => Err(garbled()),
    }
}
