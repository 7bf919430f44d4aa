//! The authorized_keys file of an account: who can write it, and what is in it.

use crate::public_key::PublicKey;
use engine::{Answer, Batch, Blind, Command, Fact, Query};
use std::collections::BTreeMap;
use std::io::Read;

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
    query: Query::new("authorized keys", include_str!("authorized_keys.sh"))
        .inline()
        .batched(Batch::Shared(untape))
        .limit(16 << 20),
    decode: |answer, _| decode(answer),
};

/// Puts standard input in place of an account's file, with its own rights where it is the account's own
/// directory; a link is kept, and under /etc/pve the file is written in place. Arguments: account, path, mode.
pub static WRITE_KEYS: Command = Command { name: "write authorized keys", shell: include_str!("write_keys.sh") };

/// Puts the files on the tape where the parts say that theirs is there. What is missing, or is not the account's, stays so.
fn untape(tape: &[u8], answers: &mut [Answer]) {
    let files = files_on(tape);
    for answer in answers.iter_mut().filter(|answer| answer.out.ends_with(b"\n^")) {
        let mut lines = answer.out.split(|&byte| byte == b'\n');
        let (uid, real) = (lines.next().unwrap_or_default(), lines.nth(3).unwrap_or_default());
        let of = (String::from_utf8_lossy(uid).parse().unwrap_or(u64::MAX), real.to_vec());
        if let Some(content) = files.get(&of) {
            answer.out.pop();
            answer.out.extend_from_slice(content);
            answer.out.push(b'=');
        }
    }
}

/// The regular files in an archive of tar(1), by owner and path.
fn files_on(tape: &[u8]) -> BTreeMap<(u64, Vec<u8>), Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(tape);
    let Ok(entries) = archive.entries() else { return files };
    for mut entry in entries.map_while(Result::ok).filter(|entry| entry.header().entry_type().is_file()) {
        let (owner, path, size) = (entry.header().uid(), entry.path_bytes().into_owned(), entry.size());
        let mut content = Vec::new();
        let read = entry.read_to_end(&mut content).ok();
        // Of one that is cut short, tar gives what there is.
        if let (Ok(owner), true) = (owner, read.is_some_and(|read| read as u64 == size)) {
            files.insert((owner, path), content);
        }
    }
    files
}

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

/// Reads `%f %u %s %n` of stat(1).
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
        Some((b'^', [])) => Err(Blind::Garbled("the file was changed while it was read".into())),
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
        Some((b'!', why @ b"more than 40 directories are on its way, or a line break")) => {
            Err(Blind::Failed(String::from_utf8_lossy(why).into_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &str = "81a4 1001 3 /home/a/.ssh/authorized_keys\n41ed 1001 60 /home/a/.\n\n^";

    fn part() -> Answer {
        let file = "/home/a/.ssh/authorized_keys";
        Answer { out: format!("1001\n1001\n/home/a\n{file}\n{file}\n{STATES}").into(), ..Answer::default() }
    }

    /// What GNU tar prints about that file.
    fn tape(owner: u64, kind: tar::EntryType) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..28].copy_from_slice(b"/home/a/.ssh/authorized_keys");
        header.set_uid(owner);
        header.set_size(3);
        header.set_entry_type(kind);
        header.set_cksum();
        archive.append(&header, &b"# x"[..]).unwrap();
        archive.into_inner().unwrap()
    }

    fn content(tape: &[u8]) -> Result<Content, Blind> {
        let mut parts = [part()];
        untape(tape, &mut parts);
        decode(&parts[0]).map(|keys| keys.unwrap().content)
    }

    #[test]
    fn what_is_on_the_tape_is_the_content_if_it_is_the_accounts() {
        let whole = tape(1001, tar::EntryType::Regular);
        assert!(matches!(content(&whole), Ok(Content::Lines(lines)) if lines[0].raw == b"# x"));
        for other in [
            tape(0, tar::EntryType::Regular),
            tape(1001, tar::EntryType::Symlink),
            whole[..514].to_vec(),
            whole[..100].to_vec(),
            Vec::new(),
            vec![0xff; 2000],
        ] {
            assert!(matches!(content(&other), Err(Blind::Garbled(_))));
        }
    }

    #[test]
    fn keys_that_end_in_the_mark_are_taken_as_they_are() {
        let mut parts = [Answer { out: b"1001\n\n/h\n/h/k\n/h/k\n\n# x\n^=".to_vec(), ..Answer::default() }];
        untape(&[], &mut parts);
        let Content::Lines(lines) = decode(&parts[0]).unwrap().unwrap().content else { panic!() };
        assert_eq!(lines[1].raw, b"^");
    }
}
