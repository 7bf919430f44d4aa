//! The state of a host, to prove that something changed nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Where the kernel shows itself, not what is stored on the host.
const NOT_FILES: &[&str] = &["/proc", "/sys", "/dev"];

/// What a host records of being looked at and logged into, however that is done.
const RECORDS: &[&str] = &[
    // systemd's own notes on units, sessions and journal streams.
    "/run/systemd",
    // The journal, and a log daemon's log of logins.
    "/run/log/journal",
    "/var/log/journal",
    "/var/log/auth.log",
    // Who is and was logged in: classic, then as Debian 13 keeps it.
    "/run/utmp",
    "/var/log/wtmp",
    "/var/log/btmp",
    "/var/log/lastlog",
    "/var/lib/wtmpdb",
    "/var/lib/lastlog",
    // Written by PAM at each login.
    "/run/motd.dynamic",
    // A Docker engine's notes on the health checks it runs, and what it keeps of them.
    "/run/containerd",
    "/run/docker",
    "/var/lib/docker/containers",
];

/// Directories in which a record appears or is replaced, which changes their times. Only the
/// times are left out: a file that comes or goes there is seen all the same.
const RECORD_DIRS: &[&str] = &["/run", "/run/log", "/var/log"];

/// Where contents are hashed. Elsewhere the ctime, which nothing can set back, says enough;
/// here a difference is told apart from a mere touch.
const HASHED: &[&str] = &["/etc", "/home", "/root", "/srv", "/var/lib/dpkg"];

/// Every file and process of a host at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    files: BTreeMap<PathBuf, File>,
    /// Command lines by process number, as the host numbers them.
    processes: BTreeMap<u32, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    /// A link's target.
    target: Option<PathBuf>,
    hash: Option<u64>,
}

impl Snapshot {
    /// Looks at the host whose first process this machine numbers `init`.
    pub(crate) fn take(init: u32) -> Snapshot {
        let root = PathBuf::from(format!("/proc/{init}/root"));
        let mut files = BTreeMap::new();
        // `root` itself is a link of the kernel's.
        if let Ok(meta) = fs::metadata(&root) {
            walk(&root, Path::new("/"), &meta, &mut files);
        }
        Snapshot { files, processes: processes(init) }
    }

    /// What is different in `other`, taken later; empty where nothing is.
    pub fn diff(&self, other: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, before) in &self.files {
            match other.files.get(path) {
                None => lines.push(format!("{}: removed", path.display())),
                Some(after) if before != after => {
                    lines.push(format!("{}:{}", path.display(), before.changes(after)));
                }
                Some(_) => {}
            }
        }
        for (path, after) in &other.files {
            if !self.files.contains_key(path) {
                lines.push(format!("{}: added, {} {:o}", path.display(), after.kind, after.mode));
            }
        }
        lines.sort();
        for (pid, before) in &self.processes {
            if other.processes.get(pid) != Some(before) {
                lines.push(format!("process {pid}: ended: {before}"));
            }
        }
        for (pid, after) in &other.processes {
            if self.processes.get(pid) != Some(after) {
                lines.push(format!("process {pid}: started: {after}"));
            }
        }
        lines
    }

    /// The files seen; a snapshot of nothing would prove nothing.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// The command lines of the processes seen.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.processes.values().map(String::as_str)
    }
}

impl File {
    fn changes(&self, after: &File) -> String {
        let mut text = String::new();
        let mut field = |name: &str, before: String, after: String| {
            if before != after {
                let _ = write!(text, " {name} {before} → {after}");
            }
        };
        let time = |(seconds, nanos): (i64, i64)| format!("{seconds}.{nanos:09}");
        field("type", self.kind.into(), after.kind.into());
        field("mode", format!("{:o}", self.mode), format!("{:o}", after.mode));
        field("owner", format!("{:?}", self.owner), format!("{:?}", after.owner));
        field("size", self.size.to_string(), after.size.to_string());
        field("target", format!("{:?}", self.target), format!("{:?}", after.target));
        field("content", format!("{:x?}", self.hash), format!("{:x?}", after.hash));
        field("mtime", time(self.mtime), time(after.mtime));
        field("ctime", time(self.ctime), time(after.ctime));
        text
    }
}

/// Adds `path` of the host, which is of that kind, and all below it. A file that vanishes meanwhile was not there.
fn walk(root: &Path, path: &Path, meta: &Metadata, files: &mut BTreeMap<PathBuf, File>) {
    let below = |list: &[&str]| list.iter().any(|dir| path.starts_with(dir));
    if below(NOT_FILES) || below(RECORDS) {
        return;
    }
    let real = root.join(path.strip_prefix("/").unwrap_or(path));
    let hash = (meta.is_file() && below(HASHED)).then(|| fs::read(&real).ok()).flatten();
    let times = !RECORD_DIRS.iter().any(|dir| path == Path::new(dir));
    files.insert(
        path.to_owned(),
        File {
            kind: kind(meta),
            mode: meta.mode() & 0o7777,
            owner: (meta.uid(), meta.gid()),
            // A directory's size is the file system's affair.
            size: if meta.is_dir() { 0 } else { meta.size() },
            mtime: if times { (meta.mtime(), meta.mtime_nsec()) } else { (0, 0) },
            ctime: if times { (meta.ctime(), meta.ctime_nsec()) } else { (0, 0) },
            target: meta.is_symlink().then(|| fs::read_link(&real).ok()).flatten(),
            hash: hash.map(|bytes| {
                let mut hasher = DefaultHasher::new();
                hasher.write(&bytes);
                hasher.finish()
            }),
        },
    );
    if meta.is_dir() {
        for entry in fs::read_dir(&real).into_iter().flatten().flatten() {
            // From its directory on: the way there is long.
            if let Ok(meta) = entry.metadata() {
                walk(root, &path.join(entry.file_name()), &meta, files);
            }
        }
    }
}

fn kind(meta: &Metadata) -> &'static str {
    match meta.file_type() {
        kind if kind.is_dir() => "directory",
        kind if kind.is_file() => "file",
        kind if kind.is_symlink() => "link",
        kind if kind.is_socket() => "socket",
        kind if kind.is_fifo() => "fifo",
        _ => "device",
    }
}

/// The processes that share a pid namespace with `init`.
fn processes(init: u32) -> BTreeMap<u32, String> {
    let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let ours = namespace(init);
    assert!(ours.is_some(), "the host of process {init} is gone");
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    numbers
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| namespace(*pid) == ours)
        .filter_map(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            // One number for each namespace the process is in, the innermost last.
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
            let number = numbers.split_whitespace().last()?.parse().ok()?;
            let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            Some((number, lasting(command.trim())?))
        })
        .collect()
}

/// A command line without what varies by itself; nothing for the processes of one login, of a
/// health check, and for one that has just ended (its command line is empty).
fn lasting(command: &str) -> Option<String> {
    if let Some((listener, _connections)) = command.split_once("[listener]") {
        return Some(format!("{listener}[listener]"));
    }
    // What runs a health check in a container goes as it comes.
    let passing = ["sshd: ", "sshd-session: ", "sshd-auth: ", "runc "];
    (!command.is_empty() && !passing.iter().any(|prefix| command.starts_with(prefix))).then(|| command.to_owned())
}
