//! Measures `comply` on ten hosts against the floor: one `ssh` per host that feeds a script written by hand. Started by
//! `tests/bench/run`, which says what for.

mod measure;
mod state;

use fleet::{Host, Image};
use measure::{Series, ratios};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

const HOSTS: usize = 10;
const ROUNDS: usize = 21;
/// What a command leaves the hosts to do, the end of its sessions above all, is not the next one's to wait for.
const SETTLED: Duration = Duration::from_millis(200);

/// What must hold for `--check`.
const AUDIT_TO_FLOOR: f64 = 1.0;
const ENFORCE_TO_AUDIT: f64 = 1.1;
const FROM_BARE: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(missed) if missed.is_empty() || !env::args().any(|arg| arg == "--check") => ExitCode::SUCCESS,
        Ok(missed) => {
            eprintln!("bench: too slow: {}", missed.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Vec<&'static str>, Failure> {
    let program = PathBuf::from(env::var_os("COMPLY_BIN").ok_or("start it with tests/bench/run")?);
    let repository = tempfile::tempdir()?;
    let hosts = Host::start_all(&[Image::Bookworm; HOSTS]);
    state::write_repository(repository.path(), &hosts)?;
    let comply = |command: &[&str]| comply(&program, repository.path(), command);
    let audit = || comply(&["audit"]);
    let enforce = || comply(&["enforce", "--yes"]);
    let script = state::floor_script();
    let floor = || floor(&hosts, &script);

    let bare = enforce()?;
    thread::sleep(10 * SETTLED);
    // The first round warms up what the kernel and the hosts keep in memory.
    for warm_up in [&audit as &dyn Fn() -> Result<Duration, Failure>, &floor, &enforce] {
        warm_up()?;
    }
    let [mut audits, mut floors, mut enforces] = [const { Series::new() }; 3];
    for round in 0..ROUNDS {
        // Whatever comes first in a round may be at a disadvantage: they take turns.
        if round % 2 == 0 {
            audits.push(audit()?);
            floors.push(floor()?);
            enforces.push(enforce()?);
        } else {
            enforces.push(enforce()?);
            floors.push(floor()?);
            audits.push(audit()?);
        }
    }

    let to_floor = ratios(&audits, &floors);
    let to_audit = ratios(&enforces, &audits);
    println!(
        "{HOSTS} hosts, {} resources each, Debian 12, all on this machine: {}",
        state::RESOURCES,
        measure::machine()
    );
    println!("{ROUNDS} rounds, interleaved                     median (fastest … slowest)");
    println!("comply enforce --yes, from bare             {:>6.2} s", bare.as_secs_f64());
    println!("comply audit, converged                     {audits}");
    println!("ssh and a script by hand (the floor)        {floors}");
    println!("comply enforce --yes, converged             {enforces}");
    println!("audit / floor                               {to_floor}");
    println!("enforce / audit, converged                  {to_audit}");

    let missed = [
        ("audit / floor", to_floor.median() > AUDIT_TO_FLOOR),
        ("enforce / audit", to_audit.median() > ENFORCE_TO_AUDIT),
        ("enforce from bare", bare > FROM_BARE),
    ];
    Ok(missed.into_iter().filter(|(_, missed)| *missed).map(|(what, _)| what).collect())
}

/// How long `comply` takes; it has to end with every host in the state.
fn comply(program: &Path, repository: &Path, command: &[&str]) -> Result<Duration, Failure> {
    thread::sleep(SETTLED);
    let mut comply = Command::new(program);
    comply.args(command).arg("-C").arg(repository).env("HOME", repository).env_remove("SSH_AUTH_SOCK");
    comply.stdin(Stdio::null());
    let started = Instant::now();
    let output = comply.output()?;
    let took = started.elapsed();
    if !output.status.success() {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(format!("comply {} ended with {}\n{out}{err}", command.join(" "), output.status).into());
    }
    Ok(took)
}

/// How long it takes by hand, on all hosts at once.
fn floor(hosts: &[Host], script: &str) -> Result<Duration, Failure> {
    thread::sleep(SETTLED);
    let started = Instant::now();
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = hosts.iter().map(|host| scope.spawn(|| by_hand(host, script))).collect();
        asking.into_iter().map(|thread| thread.join()).collect()
    });
    let took = started.elapsed();
    for answer in answers {
        state::floor_lines(&answer.map_err(|_| "a thread of the floor ended early")??)?;
    }
    Ok(took)
}

fn by_hand(host: &Host, script: &str) -> Result<String, Failure> {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-T", "-o", "BatchMode=yes", "-o", "KexAlgorithms=curve25519-sha256"]);
    ssh.args(["-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "StrictHostKeyChecking=yes"]);
    ssh.args(["-o", "GlobalKnownHostsFile=none", "-o", "IdentitiesOnly=yes", "-i"]).arg(host.fleet().key());
    ssh.arg("-o").arg(format!("UserKnownHostsFile={}", host.known_hosts_file().display()));
    ssh.arg(format!("root@{}", host.address())).arg("sh");
    let mut ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    // Shorter than what a pipe holds, so that this does not wait for the answer.
    ssh.stdin.take().ok_or("no standard input")?.write_all(script.as_bytes())?;
    Ok(String::from_utf8(ssh.wait_with_output()?.stdout)?)
}
