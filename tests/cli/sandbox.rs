//! A policy repository in a directory of its own, and `comply` run in it with nothing from outside.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// One repository.
pub struct Sandbox {
    dir: TempDir,
}

/// How a command ended and what it printed.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// One run at a time may change this machine.
static CHANGING: Mutex<()> = Mutex::new(());

/// Waits for its turn, if what is run with these arguments may change this machine.
pub fn turn(args: &[&str]) -> Option<MutexGuard<'static, ()>> {
    (args.first() == Some(&"enforce")).then(|| CHANGING.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Sandbox {
    /// A repository of these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox
    }

    /// This machine, and a directory below the sandbox that has to hold a file with `content`.
    pub fn local(content: &str) -> Self {
        let sandbox = Self::new(&[("inventory.yml", "hosts:\n  here: {connection: local, become: none}\n")]);
        let file = sandbox.path("managed");
        sandbox.write(
            "policies/base.yml",
            &format!("hosts: [here]\ntags: [base]\nfiles:\n  {}: {{content: \"{content}\\n\"}}\n", file.display()),
        );
        sandbox
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Runs `comply` in the repository.
    pub fn comply(&self, args: &[&str]) -> Ended {
        let _turn = turn(args);
        let output = self.command().args(args).output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::from_std(self.std_command());
        command.timeout(std::time::Duration::from_secs(60));
        command
    }

    pub fn std_command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("comply"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root())
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.root());
        command
    }
}
