//! `comply check` reads a repository that may come from anybody: it reaches nobody, starts nothing, changes nothing.
//! strace shows it.

use crate::sandbox::Sandbox;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What would reach somebody, start something or change a file.
const TRACED: &str = "trace=%network,execve,execveat,clone,clone3,fork,vfork,open,openat,openat2,creat,truncate,unlink,\
                      unlinkat,mkdir,mkdirat,rmdir,rename,renameat,renameat2,link,linkat,symlink,symlinkat,chmod,fchmod,\
                      fchmodat,chown,fchown,lchown,fchownat,mknod,mknodat,setxattr,utimensat,ptrace,mount,kill";

/// Runs `comply` under strace: its exit status, and every system call that is more than reading.
fn acts(args: &[&str], dir: &Path) -> (Option<i32>, BTreeSet<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let comply = Sandbox::new(&[]).std_command();
    let status = Command::new("strace")
        .args(["-f", "-qq", "-s", "200", "-e", TRACED, "-o"])
        .arg(log.path())
        .arg(comply.get_program())
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap()
        .status;
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("execve(") && log.contains("openat("), "strace saw nothing: {log}");
    (status.code(), log.lines().filter_map(act).collect())
}

/// A line of the log, without the number of its process, unless it only reads or makes a thread.
fn act(line: &str) -> Option<String> {
    let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
    if call.starts_with("<...") || call.starts_with("+++") || call.starts_with("---") {
        return None;
    }
    let reads = call.starts_with("open") && call.contains("O_RDONLY") && !call.contains("O_CREAT");
    let thread = call.starts_with("clone") && call.contains("CLONE_THREAD");
    (!reads && !thread).then(|| call.to_owned())
}

fn is_itself(call: &str) -> bool {
    call.starts_with("execve(") && call.split('"').nth(1).is_some_and(|program| program.ends_with("/comply"))
}

#[test]
fn check_reaches_nobody_starts_nothing_and_writes_no_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for example in ["examples/picasoft", "examples/quickstart"] {
        let (status, acts) = acts(&["check", "-C", example], root);
        assert_eq!(status, Some(0), "{example}");
        let other: Vec<_> = acts.iter().filter(|call| !is_itself(call)).collect();
        assert!(other.is_empty(), "{example}: {other:#?}");
    }
}

#[test]
fn a_repository_with_mistakes_is_read_just_as_quietly() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {address: 127.0.0.1, port: 1, known_hosts: nowhere}}\n"),
        ("policies/a.yml", "hosts: [all, nobody]\npackages: {curl: {vresion: 1}}\nfiles: {/etc/x: {source: ../x}}\n"),
        ("waivers.yml", "- {resource: x}\n"),
    ]);
    let (status, acts) = acts(&["check"], sandbox.root());
    assert_eq!(status, Some(1));
    let other: Vec<_> = acts.iter().filter(|call| !is_itself(call)).collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn what_acts_would_be_seen() {
    let sandbox = Sandbox::local("x");
    let (_, local) = acts(&["audit"], sandbox.root());
    assert!(local.iter().any(|call| call.starts_with("execve(") && !is_itself(call)), "{local:#?}");
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {address: 127.0.0.1, port: 1, known_hosts: /dev/null}}\n"),
        ("policies/a.yml", "hosts: [all]\npackages: [curl]\n"),
    ]);
    let (_, remote) = acts(&["audit"], sandbox.root());
    assert!(remote.iter().any(|call| call.starts_with("connect(")), "{remote:#?}");
}
