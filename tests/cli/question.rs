//! The plan, and the question that enforce asks on a terminal.

use crate::sandbox::{Sandbox, turn};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `comply enforce` on a terminal of its own, at its question.
struct Asked {
    terminal: File,
    child: Child,
    shown: String,
}

fn ask(sandbox: &Sandbox, args: &[&str]) -> Asked {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let side = || Stdio::from(OpenOptions::new().read(true).write(true).open(&name).unwrap());
    let mut command = sandbox.std_command();
    command.arg("enforce").args(args).env("TERM", "xterm").env("NO_COLOR", "1");
    let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    // It holds the other side open, and the end would never be seen.
    drop(command);
    let mut asked = Asked { terminal: File::from(terminal), child, shown: String::new() };
    asked.read_until(|shown| shown.contains("[y/N] "));
    asked
}

impl Asked {
    fn read_until(&mut self, enough: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        while !enough(&self.shown) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.shown);
            match self.terminal.read(&mut buffer) {
                // EIO: nobody holds the other side any more.
                Ok(0) | Err(_) => return,
                Ok(count) => self.shown += &String::from_utf8_lossy(&buffer[..count]),
            }
        }
    }

    /// Answers and returns the exit code and everything shown.
    fn answer(mut self, answer: &str) -> (Option<i32>, String) {
        let _turn = turn(&["enforce"]);
        self.terminal.write_all(answer.as_bytes()).unwrap();
        self.end()
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.read_until(|_| false);
        (self.child.wait().unwrap().code(), self.shown.replace('\r', ""))
    }
}

#[test]
fn the_plan_is_shown_before_the_question_and_yes_applies_it() {
    let sandbox = Sandbox::local("hello");
    let (code, shown) = ask(&sandbox, &[]).answer("y\n");
    assert_eq!(code, Some(0), "{shown}");
    let (plan, rest) = shown.split_once("Apply to 1 host? [y/N]").unwrap();
    assert!(plan.contains("is absent, must be present") && plan.contains("what is done"), "{plan}");
    assert!(rest.contains("was absent, is present") && rest.contains("exit 0"), "{rest}");
    assert_eq!(sandbox.read("managed"), "hello\n");
}

#[test]
fn a_declined_plan_changes_nothing_and_leaves_drift() {
    for answer in ["n\n", "\n", "yep\n", "\u{4}"] {
        let sandbox = Sandbox::local("hello");
        let (code, shown) = ask(&sandbox, &[]).answer(answer);
        assert_eq!(code, Some(2), "{answer:?}: {shown}");
        assert!(shown.contains("left alone: the plan was declined"), "{shown}");
        assert!(!sandbox.path("managed").exists());
    }
}

#[test]
fn the_question_can_be_interrupted() {
    let sandbox = Sandbox::local("hello");
    let asked = ask(&sandbox, &[]);
    assert!(Command::new("kill").args(["-INT", &asked.child.id().to_string()]).status().unwrap().success());
    let (code, shown) = asked.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(!sandbox.path("managed").exists());
}

#[test]
fn a_converged_host_asks_no_question() {
    let sandbox = Sandbox::local("hello");
    assert_eq!(sandbox.comply(&["enforce", "--yes"]).code, 0);
    let asked = ask(&sandbox, &[]);
    assert!(!asked.shown.contains("[y/N]"), "{}", asked.shown);
    let (code, shown) = asked.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("1 kept"), "{shown}");
}
