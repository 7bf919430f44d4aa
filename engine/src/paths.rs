//! What may be asked about paths. A path is absolute and has no newline and no NUL (see [`path_problem`]).
//! Only regular files are ever opened, and below another account's directory only with that account's rights.

use crate::facts::{Facts, Pending};
use crate::query::{Answer, Batch, Blind, Fact, Query};
use std::collections::BTreeMap;

/// What is at a path, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, with setuid, setgid and sticky: `0o644`.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Last change of content or attributes, in microseconds since 1970-01-01 UTC. `None` from the stat of busybox, which
    /// tells whole seconds.
    pub changed: Option<i64>,
}

/// A type of file, as `S_IFMT` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
}

impl Stat {
    /// [`Stat::changed`], for who has to know whether that was before something else.
    ///
    /// # Errors
    /// The host does not tell it that exactly.
    pub fn changed(&self) -> Result<i64, Blind> {
        self.changed.ok_or_else(|| Blind::Unsupported("the stat of this host tells no parts of a second".into()))
    }
}

impl FileKind {
    /// For a sentence: "is a directory".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Regular => "a file",
            Self::Directory => "a directory",
            Self::Link => "a link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        }
    }
}

/// A file's state and the hash of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its state.
    pub stat: Stat,
    /// SHA-256 of the content, in lower-case hex. `None` unless it is a regular file; an error where it could
    /// not be read, or is larger than [`HASH_LIMIT`].
    pub sha256: Option<Result<String, Blind>>,
}

/// Files larger than this are not hashed, in bytes.
pub const HASH_LIMIT: u64 = 64 << 20;
/// Files larger than this are not read, in bytes.
pub const READ_LIMIT: usize = 1 << 20;

/// The state of what is at a path (1 argument); `None`: nothing is there.
pub static STAT: Fact<Option<Stat>> = Fact {
    query: Query::new("stat", "stat -c \"$state\" -- \"$@\" 2>&1").batched(Batch::Split(split_stats)),
    decode: |answer, _| decode_stat(answer),
};

/// The state of what is at a path (1 argument) and, of a regular file, its hash; `None`: nothing is there.
pub static FILE: Fact<Option<File>> = Fact {
    query: Query::new("file", include_str!("script/file.sh")).inline().batched(Batch::Split(split_files)),
    decode: |answer, _| decode_file(answer),
};

/// The state of what is at a path, for kinds whose paths seldom are regular files: asked in one run with [`FILE`].
///
/// # Errors
/// As [`Facts::ask`].
pub fn stat(facts: &Facts, path: &str) -> Result<Option<Stat>, Pending> {
    Ok(facts.ask(&FILE, &[path])?.as_ref().as_ref().map(|file| file.stat.clone()))
}

/// The content of a regular file (1 argument) up to [`READ_LIMIT`].
pub static READ: Fact<Vec<u8>> = Fact {
    query: Query::new("read", include_str!("script/read.sh")).batched(Batch::Marked).limit(64 << 20),
    decode: |answer, _| match decode_marked(answer)? {
        content if content.len() > READ_LIMIT => Err(Blind::TooLarge(READ_LIMIT)),
        content => Ok(content.to_vec()),
    },
};

/// Where a link (1 argument) points, as written; `None`: it is not a link.
pub static TARGET: Fact<Option<String>> = Fact {
    query: Query::new(
        "link target",
        "for p do item; [ -L \"$p\" ] || continue; whose \"$p\"; \
         { as readlink -n -- \"$p\" || (hold \"$p\" && readlink -n -- \"./${p##*/}\"); } && printf = || printf 'it cannot be read!'; done",
    )
    .batched(Batch::Marked),
    decode: |answer, _| match answer.out.as_slice() {
        [] => answer.ok().map(|_| None),
        _ => Ok(Some(String::from_utf8_lossy(decode_marked(answer)?).into_owned())),
    },
};

/// The names in a directory (1 argument), sorted; `None`: it is not a directory.
pub static LIST: Fact<Option<Vec<Vec<u8>>>> = Fact {
    query: Query::new("list", include_str!("script/list.sh")).batched(Batch::Marked).limit(16 << 20),
    decode: |answer, args| {
        if answer.out.is_empty() {
            return answer.ok().map(|_| None);
        }
        let prefix = args.first().map_or(0, |dir| dir.trim_end_matches('/').len() + 1);
        let mut names: Vec<_> = decode_marked(answer)?
            .split(|&byte| byte == 0)
            .filter_map(|path| path.get(prefix..))
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        names.sort_unstable();
        Ok(Some(names))
    },
};

/// What is wrong with `path` as a path on a host; `None`: nothing.
pub fn path_problem(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        Some(format!("`{path}` is not an absolute path"))
    } else if path.chars().any(char::is_control) {
        Some("the path has control characters in it".into())
    } else if path.len() > 4095 || path.split('/').any(|part| part.len() > 255) {
        Some("the path is longer than the system takes (255 bytes a name, 4095 in all)".into())
    } else if path.split('/').any(|part| part == "." || part == "..") {
        Some(format!("`{path}` has `.` or `..` in it"))
    } else if path.len() > 1 && (path.ends_with('/') || path.contains("//")) {
        Some(format!("`{path}` has a `/` too many"))
    } else {
        None
    }
}

/// Reads `…=` as content and `…!` as why there is none: the mark comes last, when it is known that all is there.
fn decode_marked(answer: &Answer) -> Result<&[u8], Blind> {
    match answer.out.split_last() {
        Some((b'=', content)) => Ok(content),
        Some((b'!', _)) if String::from_utf8_lossy(&answer.err).contains("ermission denied") => {
            Err(Answer { status: 1, ..answer.clone() }.blind())
        }
        Some((b'!', why)) => {
            let tail = &why[why.len().saturating_sub(200)..];
            Err(Blind::Failed(String::from_utf8_lossy(tail).trim().to_owned()))
        }
        Some(_) => Err(Blind::Garbled("it ends in the middle".into())),
        None => Err(answer.blind()),
    }
}

/// What stat(1) printed, with its complaints, cut apart.
struct States<'a> {
    /// For each path, its fields, or why there are none: `Ok(None)` where nothing is there.
    paths: Vec<Result<Option<&'a [u8]>, Answer>>,
    /// What comes after.
    rest: &'a [u8],
}

/// A line for each path, up to a dot or the end: its state, or an error. Errors name paths in their own way, so each is that
/// of the next path that has no state. Directories that the script wanted to see for itself may have lines too.
fn states<'a>(answer: &'a Answer, args: &[&[String]]) -> States<'a> {
    let out = answer.out.as_slice();
    // After the dot the status is that of what came next.
    let dot = memchr::memmem::find(out, b"\n.\n");
    let (states, rest) = dot.map_or((out, &[][..]), |at| (&out[..at], &out[at + 3..]));
    let (mut seen, mut errors) = (BTreeMap::new(), Vec::new());
    for line in states.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match state(line) {
            Some((fields, path)) => _ = seen.insert(path, fields),
            None => errors.push(String::from_utf8_lossy(line)),
        }
    }
    let found: Vec<_> =
        args.iter().map(|args| seen.get(args.first().map_or("", String::as_str).as_bytes()).copied()).collect();
    let adds_up = errors.len() == found.iter().filter(|fields| fields.is_none()).count();
    let mut errors = errors.iter();
    let mut absence = || match errors.next().filter(|_| adds_up) {
        _ if dot.is_none() && answer.status > 1 => {
            Err(Answer { status: answer.status, out: Vec::new(), err: answer.out.clone() })
        }
        Some(error) if error.ends_with(": No such file or directory") || error.ends_with(": Not a directory") => {
            Ok(None)
        }
        Some(error) => Err(failed(error)),
        None => Err(failed("stat did not say whether it is there")),
    };
    let paths = found.into_iter().map(|fields| fields.map_or_else(&mut absence, |fields| Ok(Some(fields)))).collect();
    States { paths, rest }
}

/// The fields and the path of a line `%f %u %g %s %.9Z %n` of stat(1).
fn state(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (at, _) = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').nth(4)?;
    let (fields, path) = line.split_at(at + 1);
    (path.starts_with(b"/") && fields.first()?.is_ascii_hexdigit()).then_some((fields, path))
}

fn failed(why: &str) -> Answer {
    Answer { status: 1, out: Vec::new(), err: why.as_bytes().to_vec() }
}

/// One answer for each path: what `stat` printed about it without the name, nothing if it is not there, its
/// error otherwise.
fn split_stats(answer: &Answer, args: &[&[String]]) -> Vec<Answer> {
    let part = |path: Result<Option<&[u8]>, Answer>| match path {
        Ok(fields) => Answer { out: fields.unwrap_or_default().to_vec(), ..Answer::default() },
        Err(answer) => answer,
    };
    states(answer, args).paths.into_iter().map(part).collect()
}

fn decode_stat(answer: &Answer) -> Result<Option<Stat>, Blind> {
    let text = answer.ok()?.text()?;
    if text.is_empty() {
        return Ok(None);
    }
    parse_stat(text).map(Some).ok_or_else(|| Blind::Garbled(format!("stat answered `{text}`")))
}

/// Reads `%f %u %g %s %.9Z ` of stat(1).
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.split(' ');
    let mode = u32::from_str_radix(fields.next()?, 16).ok()?;
    Some(Stat {
        kind: match mode & 0o170_000 {
            0o100_000 => FileKind::Regular,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Link,
            0o010_000 => FileKind::Fifo,
            0o140_000 => FileKind::Socket,
            _ => FileKind::Device,
        },
        mode: mode & 0o7777,
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
        size: fields.next()?.parse().ok()?,
        changed: microseconds(fields.next()?)?,
    })
}

/// Reads `1700000000.123456789`; `Some(None)` of whole seconds.
fn microseconds(time: &str) -> Option<Option<i64>> {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.is_empty() {
        return Some(None);
    }
    Some(Some(seconds.checked_mul(1_000_000)?.checked_add(fraction.get(..6)?.parse().ok()?)?))
}

/// Cuts the states and hashes of `script/file.sh` apart: each path gets its stat fields, a newline, and its
/// hash or `!` with the reason why there is none.
fn split_files(answer: &Answer, args: &[&[String]]) -> Vec<Answer> {
    let States { paths, rest } = states(answer, args);
    let hashes = hashes(rest);
    let part = |(path, args): (Result<Option<&[u8]>, Answer>, &&[String])| match path {
        Ok(None) => Answer::default(),
        Err(answer) => answer,
        Ok(Some(fields)) => {
            let name = args.first().map_or("", String::as_str);
            let hash = match hashes.get(name.as_bytes()) {
                Some(hash) => hash,
                None if rest
                    .split(|&byte| byte == b'\n')
                    .any(|line| line.strip_prefix(b"!") == Some(name.as_bytes())) =>
                {
                    &b"!permission denied"[..]
                }
                None if answer.status == 127 => b"!sha256sum is not on the host",
                None => b"!its content could not be hashed",
            };
            Answer { out: [fields, b"\n", hash].concat(), ..Answer::default() }
        }
    };
    paths.into_iter().zip(args).map(part).collect()
}

/// Reads the output of sha256sum(1), which escapes backslashes in names and then begins the line with one.
fn hashes(out: &[u8]) -> BTreeMap<Vec<u8>, &[u8]> {
    out.split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let (escaped, line) = line.strip_prefix(b"\\").map_or((false, line), |line| (true, line));
            let (hash, name) = (line.get(..64)?, line.get(66..)?);
            let name = if escaped { unescape(name) } else { name.to_vec() };
            Some((name, hash))
        })
        .collect()
}

fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(if byte == b'\\' { bytes.next().unwrap_or(b'\\') } else { byte });
    }
    plain
}

fn decode_file(answer: &Answer) -> Result<Option<File>, Blind> {
    let text = answer.ok()?.text()?;
    let Some((fields, hash)) = text.split_once('\n') else {
        return Ok(None);
    };
    let stat = parse_stat(fields).ok_or_else(|| Blind::Garbled(format!("stat answered `{fields}`")))?;
    let sha256 = match (stat.kind, hash.strip_prefix('!')) {
        (FileKind::Regular, None) => Some(Ok(hash.to_owned())),
        (FileKind::Regular, Some(_)) if stat.size > HASH_LIMIT => Some(Err(Blind::TooLarge(HASH_LIMIT as usize))),
        (FileKind::Regular, Some(why)) if why.contains("ermission denied") => Some(Err(Blind::Denied(why.to_owned()))),
        (FileKind::Regular, Some("")) => Some(Err(Blind::Failed("the content could not be hashed".into()))),
        (FileKind::Regular, Some(why)) => Some(Err(Blind::Failed(why.to_owned()))),
        _ => None,
    };
    Ok(Some(File { stat, sha256 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(out: &str) -> Answer {
        Answer { out: out.into(), ..Answer::default() }
    }

    fn stats(out: &str, paths: &[&str]) -> Vec<Result<Option<FileKind>, Blind>> {
        let args: Vec<_> = paths.iter().map(|path| [(*path).to_owned()]).collect();
        let args: Vec<&[String]> = args.iter().map(<[String; 1]>::as_slice).collect();
        let parts = split_stats(&answer(out), &args);
        parts.iter().map(|part| decode_stat(part).map(|stat| stat.map(|stat| stat.kind))).collect()
    }

    #[test]
    fn lines_and_errors_find_their_paths_even_when_the_errors_name_them_otherwise() {
        let out = "81a4 0 0 1 3.000000001 /a b\n\
            stat: cannot statx '/it'\\''s \"x\"': No such file or directory\n\
            stat: cannot statx '/secret/x': Permission denied\n41ed 0 0 1 3.500000000 /c\n";
        let seen = stats(out, &["/a b", "/it's \"x\"", "/secret/x", "/c"]);
        assert_eq!(seen[..2], [Ok(Some(FileKind::Regular)), Ok(None)]);
        assert!(matches!(seen[2], Err(Blind::Denied(_))));
        assert_eq!(seen[3], Ok(Some(FileKind::Directory)));
    }

    #[test]
    fn the_time_of_a_change_is_as_exact_as_the_host_tells_it() {
        assert_eq!(parse_stat("81a4 0 0 1 1700000000.123456789 ").unwrap().changed, Some(1_700_000_000_123_456));
        assert_eq!(parse_stat("81a4 0 0 1 1700000000 ").unwrap().changed, None);
        assert_eq!(parse_stat("81a4 0 0 1 17.1 "), None);
    }

    #[test]
    fn what_does_not_add_up_is_no_absence() {
        for out in ["", "\n", "\n.\n", "garbage\n", "stat: one: No such file or directory\n"] {
            let seen = stats(out, &["/a", "/b"]);
            assert!(seen.iter().all(|stat| matches!(stat, Err(Blind::Failed(_)))), "{out:?}: {seen:?}");
        }
    }

    #[test]
    fn a_host_without_stat_or_sha256sum_is_not_a_host_without_files() {
        let no_stat = Answer { status: 127, ..answer("sh: stat: not found\n") };
        let path = ["/a".to_owned()];
        let parts = split_files(&no_stat, &[&path]);
        assert!(matches!(decode_file(&parts[0]), Err(Blind::NoTool(_))));
        let no_sum = Answer { status: 127, ..answer("81a4 0 0 1 3 /a\n.\n") };
        let file = decode_file(&split_files(&no_sum, &[&path])[0]).unwrap().unwrap();
        assert!(matches!(file.sha256, Some(Err(Blind::Failed(why))) if why == "sha256sum is not on the host"));
    }

    #[test]
    fn hashes_find_their_paths_with_backslashes_too() {
        let hash = "0".repeat(64);
        let out = format!("81a4 0 0 1 3 /a\\b\n81a4 0 0 1 3 /c\n.\n\\{hash}  /a\\\\b\n!/c\n");
        let (one, other) = (["/a\\b".to_owned()], ["/c".to_owned()]);
        let parts = split_files(&answer(&out), &[&one, &other]);
        assert_eq!(decode_file(&parts[0]).unwrap().unwrap().sha256, Some(Ok(hash)));
        assert!(matches!(decode_file(&parts[1]).unwrap().unwrap().sha256, Some(Err(Blind::Denied(_)))));
    }

    #[test]
    fn content_counts_only_with_its_mark_at_the_end() {
        assert_eq!((READ.decode)(&answer("a=\n="), &[]), Ok(b"a=\n".to_vec()));
        assert_eq!((READ.decode)(&answer("it cannot be read!"), &[]), Err(Blind::Failed("it cannot be read".into())));
        assert!(matches!((READ.decode)(&answer("cut sho"), &[]), Err(Blind::Garbled(_))));
        let large = "x".repeat(READ_LIMIT + 1) + "=";
        assert_eq!((READ.decode)(&answer(&large), &[]), Err(Blind::TooLarge(READ_LIMIT)));
    }

    #[test]
    fn only_plain_absolute_paths_are_paths() {
        for path in ["/", "/etc/motd", "/a b/'c'", "/-rf", "/é", "/a.b/..c"] {
            assert_eq!(path_problem(path), None, "{path}");
        }
        let long = format!("/{}", "x".repeat(256));
        for path in ["", "etc", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a\nb", "/a\0", &long, "~/x"] {
            assert!(path_problem(path).is_some(), "{path}");
        }
    }
}
