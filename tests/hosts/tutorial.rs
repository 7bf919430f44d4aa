//! The tutorial, done as it is written: every file of the page is written, every command run, and what it prints compared
//! with what the page says.

use crate::comply::program;
use crate::life::fits;
use fleet::{Host, Image};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The address that the page uses, where readers put their own.
const ADDRESS: &str = "192.0.2.10";

/// A newcomer: a home with a key, a directory to work in, and a host.
struct Newcomer {
    dir: TempDir,
    host: Host,
}

impl Newcomer {
    fn new() -> Self {
        let newcomer = Self { dir: tempfile::tempdir().unwrap(), host: Host::start(Image::Bookworm) };
        let (bin, ssh) = (newcomer.path("bin"), newcomer.path("home/.ssh"));
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&ssh).unwrap();
        fs::create_dir_all(newcomer.path("work")).unwrap();
        std::os::unix::fs::symlink(program(), bin.join("comply")).unwrap();
        // The system's ssh looks into the home of the account, whatever HOME says.
        let known_hosts = newcomer.host.known_hosts_file();
        let key = newcomer.host.fleet().key();
        fs::copy(&known_hosts, ssh.join("known_hosts")).unwrap();
        fs::copy(&key, ssh.join("id_ed25519")).unwrap();
        fs::set_permissions(ssh.join("id_ed25519"), fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!("IdentityFile {}\nUserKnownHostsFile {}\n", key.display(), known_hosts.display());
        fs::write(newcomer.path("ssh_config"), config).unwrap();
        let wrapper = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", newcomer.path("ssh_config").display());
        fs::write(bin.join("ssh"), wrapper).unwrap();
        fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        newcomer
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// The page's text with the host's own address in it.
    fn addressed(&self, text: &str) -> String {
        text.replace(ADDRESS, &self.host.address().to_string())
    }

    /// Runs a command as on a terminal of its own; `answer` is typed.
    fn run(&self, command: &str, answer: Option<&str>) -> String {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = match answer {
            // A question is only asked on a terminal.
            Some(_) => Command::new("script"),
            None => Command::new("sh"),
        };
        let command = format!("exec 2>&1; cd {}; {}", self.path("work").display(), self.addressed(command));
        match answer {
            Some(_) => shell.args(["-qefc", &command, "/dev/null"]),
            None => shell.args(["-c", &command]),
        };
        shell.env("PATH", path).env("HOME", self.path("home")).env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
        shell.env("TERM", "xterm").env_remove("SSH_AUTH_SOCK");
        for name in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{name}_NAME"), "you").env(format!("GIT_{name}_EMAIL"), "you@example.org");
        }
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if let Some(answer) = answer {
            stdin.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        let kept = answer.map(|_| stdin);
        let output = child.wait_with_output().unwrap();
        drop(kept);
        let told = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        told.replace(&self.host.address().to_string(), ADDRESS)
    }

    /// Does what a block of the page says, and tells what did not come out as the page says.
    fn follow(&self, word: &str, text: &str) -> Vec<String> {
        let first = text.lines().next().unwrap_or_default();
        match (word, first.strip_prefix("# ")) {
            ("yaml", Some(path)) => {
                let file = self.path("work").join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, self.addressed(text)).unwrap();
                Vec::new()
            }
            ("console", _) => self.console(text),
            _ => panic!("a block of the tutorial is neither a file nor commands:\n{text}"),
        }
    }

    /// `$ COMMAND` and what it prints.
    fn console(&self, text: &str) -> Vec<String> {
        let mut different = Vec::new();
        for command in format!("\n{text}").split("\n$ ").skip(1) {
            let (command, wanted) = command.split_once('\n').unwrap_or((command, ""));
            let answer = wanted.lines().find_map(|line| line.split_once("[y/N] ")).map(|(_, answer)| answer);
            let told = self.run(command, answer);
            let lines = |text: &'_ str| -> Vec<String> {
                text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
            };
            let (wanted, found) = (lines(wanted), lines(&told));
            let (wanted, found): (Vec<_>, Vec<_>) =
                (wanted.iter().map(String::as_str).collect(), found.iter().map(String::as_str).collect());
            if let Err(line) = printed(&wanted, &found) {
                different.push(format!("$ {command}\ndid not print the line\n{line}\nbut\n{told}"));
            }
        }
        different
    }
}

/// Whether a command printed what the page says, in this order. `…` stands for any text, and alone in a line for any
/// lines.
fn printed<'a>(wanted: &[&'a str], found: &[&str]) -> Result<(), &'a str> {
    let mut rest = found.iter();
    let mut gap = false;
    for line in wanted {
        if line.trim() == "…" {
            gap = true;
            continue;
        }
        // What is typed is the reader's.
        let pattern =
            line.split_once("[y/N]").map_or_else(|| (*line).to_owned(), |(asked, _)| format!("{asked}[y/N]…"));
        let there = match gap {
            true => rest.any(|found| fits(&pattern, found)),
            false => rest.next().is_some_and(|found| fits(&pattern, found)),
        };
        if !there {
            return Err(line);
        }
        gap = false;
    }
    if gap || wanted.is_empty() || rest.next().is_none() { Ok(()) } else { Err("(the end)") }
}

fn blocks(page: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = page.split("\n```").collect();
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|block| block.split_once('\n').unwrap())
        .map(|(word, text)| (word.into(), text.to_owned() + "\n"))
        .collect()
}

#[test]
fn a_newcomer_follows_the_tutorial_to_an_enforced_host() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tutorial.md")).unwrap();
    let newcomer = Newcomer::new();
    let blocks = blocks(&page);
    assert!(blocks.len() > 15, "the tutorial is not where this test looks for it");
    let different: Vec<_> = blocks.iter().flat_map(|(word, text)| newcomer.follow(word, text)).collect();
    assert!(different.is_empty(), "docs/tutorial.md:\n{}", different.join("\n"));
    newcomer.host.sh_ok("systemctl is-active nginx; id -nG alice | grep -w ops; ! getent passwd mallory");
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    assert_eq!(printed(&["a", "b"], &["a", "b"]), Ok(()));
    assert_eq!(printed(&["a", "b"], &["a", "c"]), Err("b"));
    assert_eq!(printed(&["a"], &["a", "b"]), Err("(the end)"));
    assert_eq!(printed(&["a", "…"], &["a", "b"]), Ok(()));
    assert_eq!(printed(&["…", "c"], &["a", "b", "c"]), Ok(()));
    assert_eq!(printed(&["a … c"], &["a b c"]), Ok(()));
}
