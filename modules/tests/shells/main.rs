//! The shell programs about paths and keys, run for real by every shell a host may have, with hostile names and
//! hostile neighbours.
//!
//! They run as root: what another account could do to root is what they are about.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the shells are run for real")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod keys;
mod names;
mod reading;
mod writing;

use engine::writes::Access;
use engine::{Answer, Batch, Command, Fact, Query};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use tempfile::TempDir;

const PRELUDE: &str = include_str!("../../../engine/src/script/prelude.sh");
const ENFORCE: &str = include_str!("../../../engine/src/script/enforce.sh");
const NONCE: &str = "5b1f0c2e9a7d4c3f8e6a1b0d9c8e7f6a";
const SHELLS: &[&[&str]] = &[&["dash"], &["bash"], &["busybox", "sh"]];

/// A place with a home of another account, and files of passwords to put before a shell.
struct Place {
    dir: TempDir,
    shell: &'static [&'static str],
}

/// An account that every Debian has, so that setpriv(1) finds its groups.
const ACCOUNT: &str = "games";
const UID: u32 = 5;
const GID: u32 = 60;

impl Place {
    fn new(shell: &'static [&'static str]) -> Self {
        assert_eq!(uid(), 0, "these tests show what root is safe from: run them as root");
        // Not below /tmp: where others can write, root keeps to what nobody may do.
        let dir = tempfile::Builder::new().prefix("comply-shells-").tempdir_in("/run").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let place = Self { dir, shell };
        fs::create_dir(place.path("home")).unwrap();
        chown(place.path("home"), Some(UID), Some(GID)).unwrap();
        let home = place.text("home");
        fs::write(
            place.path("passwd"),
            format!("root:x:0:0::{}:/bin/sh\n{ACCOUNT}:x:{UID}:{GID}::{home}:/bin/sh\n", place.text("root")),
        )
        .unwrap();
        fs::create_dir(place.path("root")).unwrap();
        fs::create_dir(place.path("here")).unwrap();
        fs::set_permissions(place.path("here"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(place.path("shadow"), "root:$y$secret:20000::::::\n").unwrap();
        fs::set_permissions(place.path("shadow"), fs::Permissions::from_mode(0o600)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A directory of root's in which everybody can write, as /tmp is.
    fn share(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o1777)).unwrap();
    }

    /// Something of the account's own.
    fn give(&self, name: &str) {
        std::os::unix::fs::lchown(self.path(name), Some(UID), Some(GID)).unwrap();
    }

    fn run(&self, before: &str, program: &str, args: &[String], input: &[u8]) -> Answer {
        let tools = if self.shell[0] == "busybox" { real_tools() } else { String::new() };
        let script = format!("nonce={NONCE}\numask 022\n{tools}{PRELUDE}\n{before}\n{program}\n");
        let script = script.replace("/etc/passwd", &self.text("passwd")).replace("/etc/pve/", &self.text("pve/"));
        let mut child = Process::new(self.shell[0])
            .args(&self.shell[1..])
            .args(["-c", &script, "sh"])
            .args(args)
            // As root's home is, from which nobody else can go anywhere.
            .current_dir(self.path("here"))
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input closes it.
        _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Answer { status: output.status.code().unwrap_or(-1), out: output.stdout, err: output.stderr }
    }

    /// Puts a program before others of that name on the path of [`Self::ahead`].
    fn put_ahead(&self, name: &str, lines: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The line of shell after which such programs are found first.
    fn ahead(&self) -> String {
        format!("PATH={}:$PATH", self.text("bin"))
    }

    /// The answers of a query about several probes of one or more arguments, as the engine cuts them.
    fn ask<T>(&self, fact: &'static Fact<T>, probes: &[&[String]]) -> Vec<Result<T, engine::Blind>> {
        self.ask_after("", fact, probes)
    }

    /// The same, after a line of shell.
    fn ask_after<T>(
        &self,
        before: &str,
        fact: &'static Fact<T>,
        probes: &[&[String]],
    ) -> Vec<Result<T, engine::Blind>> {
        let Query { shell, batch, inline, .. } = &fact.query;
        let args: Vec<String> = probes.iter().flat_map(|args| args.iter().cloned()).collect();
        // One without a shell of its own must leave the script's alive.
        let program = if *inline { format!("asked() {{\n{shell}\n}}\nasked \"$@\"") } else { format!("({shell}\n)") };
        let mut answer = self.run(before, &format!("{program}\nstatus=$?\nprintf %s alive\nexit $status"), &args, b"");
        assert!(answer.out.ends_with(b"alive"), "{answer:?}");
        answer.out.truncate(answer.out.len() - "alive".len());
        let parts = match batch {
            Batch::Split(split) => split(&answer, probes),
            Batch::Marked => marked(&answer),
            Batch::Shared(share) => {
                let mut parts = marked(&answer);
                let first = answer.out.windows(NONCE.len()).position(|part| part == NONCE.as_bytes());
                share(&answer.out[..first.unwrap_or(0)], &mut parts);
                parts
            }
            Batch::No => vec![answer],
        };
        assert_eq!(parts.len(), probes.len(), "{parts:?}");
        parts.iter().zip(probes).map(|(part, args)| (fact.decode)(part, args)).collect()
    }

    fn ask_one<T>(&self, fact: &'static Fact<T>, path: &str) -> Result<T, engine::Blind> {
        self.ask(fact, &[&[path.to_owned()]]).pop().unwrap()
    }

    fn apply(&self, command: &'static Command, args: &[&str], input: &[u8]) -> Result<(), String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let before = format!("{ENFORCE}\nrun=test S='{}' input={}\n", self.text("saved"), input.len());
        let answer = self.run(&before, command.shell, &args, input);
        let err = String::from_utf8_lossy(&answer.err).into_owned();
        if answer.status == 0 { Ok(()) } else { Err(err.trim_end().to_owned()) }
    }

    fn write(&self, path: &str, access: &Access, content: &str) -> Result<(), String> {
        let mode = format!("{:04o}", access.mode);
        self.apply(&engine::writes::WRITE, &[path, &mode, &access.owner, &access.group, ""], content.as_bytes())
    }
}

/// Debian builds busybox so that its shell prefers its own small programs; here it is the shell that is tested.
fn real_tools() -> String {
    let tools = "cat chmod chown find head id ln mkdir mktemp mv readlink rm rmdir setpriv sha256sum stat";
    tools.split(' ').map(|tool| format!("{tool}() {{ /usr/bin/env {tool} \"$@\"; }}\n")).collect()
}

fn access(mode: u32, owner: &str, group: &str) -> Access {
    Access { mode, owner: owner.into(), group: group.into() }
}

fn marked(answer: &Answer) -> Vec<Answer> {
    let text = &answer.out;
    let mark = format!("{NONCE}#;").into_bytes();
    let mut starts: Vec<_> = (0..text.len()).filter(|&at| text[at..].starts_with(&mark)).collect();
    starts.push(text.len());
    starts
        .windows(2)
        .map(|pair| Answer { out: text[pair[0] + mark.len()..pair[1]].to_vec(), ..answer.clone() })
        .collect()
}

fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid()
}

/// Runs a test in every shell, each in a place of its own.
fn everywhere(test: impl Fn(&Place)) {
    for shell in SHELLS {
        eprintln!("with {}", shell.join(" "));
        test(&Place::new(shell));
    }
}
