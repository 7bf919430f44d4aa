//! Runs that are looked at while they last: how much memory they take, and whether they come to an end at all.

use crate::comply::{Repo, Run};
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No run of a test takes longer than this, whatever the host does.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run, and the most memory that was resident, in bytes.
pub struct Watched {
    pub run: Run,
    pub memory: u64,
}

/// Runs `comply ARGS` on `repo`.
pub fn run(repo: &Repo, args: &[&str]) -> Watched {
    finish(repo, repo.command(args), |_| ())
}

/// Runs a command of [`Repo::command`], and `meanwhile` beside it, which gets its process id.
pub fn finish(repo: &Repo, mut command: Command, meanwhile: impl FnOnce(u32) + Send) -> Watched {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("comply starts");
    let (mut out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let pid = child.id();
    let (status, memory) = thread::scope(|scope| {
        scope.spawn(|| out.read_to_end(&mut stdout));
        scope.spawn(|| err.read_to_end(&mut stderr));
        scope.spawn(move || meanwhile(pid));
        wait(&mut child, begun)
    });
    let output = Output { status, stdout, stderr };
    let run = repo.ended(&output, begun.elapsed());
    // Shown with a test that fails.
    println!("{command:?} took {:?} and {memory} bytes{}", run.took, run.shown());
    Watched { run, memory }
}

fn wait(child: &mut Child, begun: Instant) -> (std::process::ExitStatus, u64) {
    let mut memory = 0;
    loop {
        memory = memory.max(resident(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("its end can be seen") {
            return (status, memory);
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("comply hangs: killed after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process ever had, in bytes (`VmHWM` of proc_pid_status(5)).
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
