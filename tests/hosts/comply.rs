//! Runs the real `comply` against test hosts.
//!
//! ```ignore
//! let host = Host::start(Image::Bookworm);
//! let repo = Repo::new().host(&host).policy("users: {alice: present}");
//! assert_eq!(repo.audit().verdict("user/alice"), "drift");
//! repo.enforce().assert_code(0).assert_all("changed");
//! repo.enforce().assert_code(0).assert_all("kept");
//! ```

use fleet::Host;
use reports::{Report, Resource};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A policy repository in a directory of its own, gone when this is dropped.
pub struct Repo {
    dir: TempDir,
    inventory: String,
}

impl Repo {
    /// One without hosts and policies.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { dir, inventory: "hosts:\n".to_owned() }.file("comply.yml", "name: test\n")
    }

    /// Adds a host, reached as root.
    pub fn host(self, host: &Host) -> Self {
        self.host_with(host, "")
    }

    /// Adds a host with settings of its own, such as `user: ops, become: sudo`; they come before what is
    /// written for every host.
    pub fn host_with(self, host: &Host, settings: &str) -> Self {
        self.host_as(host.name(), host, settings)
    }

    /// The same under a name of its own: one host may stand for several.
    pub fn host_as(self, name: &str, host: &Host, settings: &str) -> Self {
        let defaults = [
            ("address", format!("{}", host.address())),
            ("user", "root".to_owned()),
            ("identity", format!("{}", host.fleet().key().display())),
            ("known_hosts", format!("{}", host.known_hosts_file().display())),
        ];
        let missing = defaults.iter().filter(|(key, _)| !settings.contains(&format!("{key}:")));
        let settings: Vec<_> = missing
            .map(|(key, value)| format!("{key}: \"{value}\""))
            .chain((!settings.is_empty()).then(|| settings.to_owned()))
            .collect();
        self.host_at(name, &settings.join(", "))
    }

    /// Adds a host by what the inventory says of it, and nothing else.
    pub fn host_at(mut self, name: &str, settings: &str) -> Self {
        writeln!(self.inventory, "  {name}: {{{settings}}}").expect("memory");
        let inventory = self.inventory.clone();
        self.file("inventory.yml", inventory)
    }

    /// What must hold on every host, instead of what an earlier call said. Without `hosts:`, and indented as
    /// the test around it.
    pub fn policy(self, yaml: &str) -> Self {
        let text = format!("hosts: [all]\n{}", outdented(yaml));
        self.file("policies/policy.yml", text)
    }

    /// Writes a file of the repository.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory of the repository");
        fs::write(&path, content).expect("a file of the repository");
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `comply audit`.
    pub fn audit(&self) -> Run {
        self.run(&["audit"])
    }

    /// `comply enforce --yes`.
    pub fn enforce(&self) -> Run {
        self.run(&["enforce", "--yes"])
    }

    /// `comply check`, which makes no report.
    pub fn check(&self) -> Run {
        let mut command = Command::new(program());
        command.args(["check", "-C"]).arg(self.path()).env("HOME", self.path()).stdin(Stdio::null());
        self.finish(command)
    }

    /// `comply ARGS`, one of the commands that make a report.
    pub fn run(&self, args: &[&str]) -> Run {
        self.finish(self.command(args))
    }

    /// `comply ARGS` on this repository, with a report in JSON beside the text: for a test that adds to it
    /// what [`Repo::finish`] then runs.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).arg("-C").arg(self.path()).arg("--format=text");
        command.arg(format!("--format=json={}", self.report().display()));
        // Neither the agent nor the settings of whoever runs the tests take part.
        command.env("HOME", self.path()).env_remove("SSH_AUTH_SOCK").env_remove("COMPLY_BECOME_PASSWORD");
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn finish(&self, mut command: Command) -> Run {
        let _ = fs::remove_file(self.report());
        let started = Instant::now();
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.ended(&output, started.elapsed())
    }

    /// How a command of [`Repo::command`] that was run in another way ended.
    pub fn ended(&self, output: &Output, took: Duration) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            took,
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
            report: fs::read(self.report()).ok().map(|json| {
                serde_json::from_slice(&json).unwrap_or_else(|error| panic!("a report that cannot be read: {error}"))
            }),
        }
    }

    fn report(&self) -> PathBuf {
        self.path().join("report.json")
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// How long it took.
    pub took: Duration,
    /// What a reader sees.
    pub text: String,
    /// Standard error.
    pub errors: String,
    /// The report in JSON, where there was one.
    report: Option<Report>,
}

impl Run {
    /// The report.
    pub fn report(&self) -> &Report {
        self.report.as_ref().unwrap_or_else(|| panic!("no report{}", self.shown()))
    }

    /// What is said of a host.
    pub fn host(&self, name: &str) -> &reports::Host {
        let host = self.report().hosts.iter().find(|known| known.name == name);
        host.unwrap_or_else(|| panic!("no host {name}{}", self.shown()))
    }

    /// A resource of the only host.
    pub fn resource(&self, id: &str) -> &Resource {
        let [host] = self.report().hosts.as_slice() else { panic!("not one host{}", self.shown()) };
        self.resource_on(&host.name, id)
    }

    /// A resource of a host.
    pub fn resource_on(&self, host: &str, id: &str) -> &Resource {
        let hosts = self.report().hosts.iter().filter(|known| known.name == host);
        hosts
            .flat_map(|host| &host.resources)
            .find(|resource| resource.id == id)
            .unwrap_or_else(|| panic!("no {id} on {host}{}", self.shown()))
    }

    /// The verdict on a resource of the only host, in the word of the report.
    pub fn verdict(&self, id: &str) -> String {
        self.resource(id).verdict.to_string()
    }

    /// It ended with this code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "the exit code{}", self.shown());
        self
    }

    /// Every resource of every host has this verdict, and there is one at least.
    #[track_caller]
    pub fn assert_all(&self, verdict: &str) -> &Self {
        let resources: Vec<_> = self.report().hosts.iter().flat_map(|host| &host.resources).collect();
        assert!(!resources.is_empty(), "no resources{}", self.shown());
        let others: Vec<_> = resources.iter().filter(|resource| resource.verdict.to_string() != verdict).collect();
        assert!(others.is_empty(), "not {verdict}: {others:#?}{}", self.shown());
        self
    }

    /// All that was printed, for the message of an assertion.
    pub fn shown(&self) -> String {
        format!("\n--- exit {}\n{}\n--- standard error\n{}", self.code, self.text, self.errors)
    }
}

/// Takes from every line the indentation of the first.
fn outdented(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indentation = &first[..first.len() - first.trim_start().len()];
    text.lines().map(|line| line.strip_prefix(indentation).unwrap_or(line).to_owned() + "\n").collect()
}

/// The program under test: `COMPLY_BIN`, or what the same build made.
pub fn program() -> PathBuf {
    let built = || {
        let test = std::env::current_exe().expect("the path of this test");
        test.ancestors().nth(2).expect("the build directory").join("comply")
    };
    let program = std::env::var_os("COMPLY_BIN").map_or_else(built, PathBuf::from);
    assert!(program.is_file(), "no {}: start the tests with tests/run", program.display());
    program
}
