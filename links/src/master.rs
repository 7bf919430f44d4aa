//! A connection that the program `ssh` holds open and shares (`ControlMaster` of ssh_config(5)): of a host, for
//! `connection: openssh`, or of a bastion.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use engine::link::{Broken, Step, Unreachable};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::ask::without_secrets;
use crate::channel::{Channel, Event};
use crate::config;
use crate::process::Process;
use crate::target::SshTarget;

/// Runs `ssh` and ends it when standard input closes: also when this process is killed, no connection stays behind.
const WATCH: &str = r#""$@" </dev/null >/dev/null & p=$!; exec >/dev/null 2>&1; cat; kill "$p""#;

/// How often to look whether the connection is open.
const LOOK: Duration = Duration::from_millis(5);

/// What is kept of what `ssh` says, in bytes.
const KEPT: usize = 8 * 1024;

/// How many sessions may be opening through one bastion.
const QUEUE: usize = 8;

/// An open connection, closed when dropped.
pub(crate) struct Master {
    process: Process,
    said: Vec<u8>,
    /// Holds the control socket; nobody else may enter it.
    folder: TempDir,
    destination: String,
}

impl Master {
    /// Connects and authenticates, asking nothing.
    pub(crate) fn start(options: &[String], destination: &str, deadline: Instant) -> Result<Self, Unreachable> {
        let connect = |why: String| Unreachable { step: Step::Connect, why };
        let folder = folder().map_err(|error| connect(format!("no place for the control socket: {error}")))?;
        let left = deadline.saturating_duration_since(Instant::now()).as_secs().max(1);
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh", "ssh", "-M", "-N", "-T", "-o", "ControlPersist=no", "-S"]);
        command.arg(folder.path().join("s"));
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "ServerAliveInterval=15",
            "ClearAllForwardings=yes",
            "RemoteCommand=none",
            "PermitLocalCommand=no",
            "ForkAfterAuthentication=no",
            "UpdateHostKeys=no",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.args(["-o", &format!("ConnectTimeout={left}")]).args(options).args(["--", destination]);
        let process =
            Process::start(&mut command).map_err(|error| connect(format!("sh cannot be started: {error}")))?;
        let mut master = Self { process, said: Vec::new(), folder, destination: String::from(destination) };
        while !master.socket().exists() {
            if !master.is_alive(LOOK) {
                return Err(unreachable(&master.said()));
            }
            if Instant::now() >= deadline {
                return Err(connect(format!("ssh got no answer in time {}", master.said()).trim().to_owned()));
            }
        }
        Ok(master)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Whether `ssh` still runs, after looking for at most this long.
    pub(crate) fn is_alive(&mut self, look: Duration) -> bool {
        let mut buffer = [0; 1024];
        let deadline = Instant::now() + look;
        loop {
            match self.process.exchange(&[], &mut buffer, deadline) {
                Ok(Event::Said(_, count)) => {
                    let room = KEPT.saturating_sub(self.said.len());
                    self.said.extend(buffer.iter().take(count.min(room)));
                }
                Ok(Event::Took(_) | Event::Deaf) => {}
                Err(Broken::Stalled) => return !self.process.is_silent(),
                Ok(Event::Ended(_)) | Err(_) => return false,
            }
        }
    }

    /// What `ssh` has said.
    pub(crate) fn said(&self) -> String {
        String::from(String::from_utf8_lossy(&self.said).trim())
    }

    /// `ssh` over this connection, and never over one of its own; options and the destination are still to come.
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-T", "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-o", "BatchMode=yes"]);
        command.args(["-o", "RemoteCommand=none", "-o", "LogLevel=ERROR", "-S"]).arg(self.socket());
        command
    }

    /// Where it leads, as `ssh` was told.
    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }
}

/// A folder for a socket, whose path may have a hundred bytes and no more (`unix(7)`).
fn folder() -> io::Result<TempDir> {
    let place = std::env::temp_dir();
    let place = if place.as_os_str().len() < 50 { place.as_path() } else { Path::new("/tmp") };
    tempfile::Builder::new().prefix("comply-").permissions(Permissions::from_mode(0o700)).tempdir_in(place)
}

/// The step at which `ssh` gave up, by its own words.
pub(crate) fn unreachable(said: &str) -> Unreachable {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let step = if has(&["Could not resolve", "Name or service not known", "not known in name resolution"]) {
        Step::Resolve
    } else if has(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED", "host key is known", "REVOKED"])
    {
        Step::HostKey
    } else if has(&["Permission denied", "Too many authentication failures", "No more authentication methods"]) {
        Step::Authenticate
    } else {
        Step::Connect
    };
    let lines: Vec<&str> =
        said.lines().map(|line| line.trim().trim_matches('@').trim()).filter(|line| !line.is_empty()).collect();
    if let Some(why) = changed(&lines) {
        return Unreachable { step, why };
    }
    let said = match lines.join("; ") {
        said if said.is_empty() => String::from("ssh ended and said nothing (is the program ssh installed here?)"),
        said => said,
    };
    let advice = match step {
        Step::HostKey => "; compare the key with the host's own, then add it with ssh-keyscan",
        Step::Authenticate => "; nothing was asked: a key must be in the agent, or have no passphrase",
        _ => "",
    };
    Unreachable { step, why: format!("{said}{advice}") }
}

/// What counts of the poster that `ssh` prints when a host shows another key than before.
fn changed(lines: &[&str]) -> Option<String> {
    lines.iter().find(|line| line.contains("HOST IDENTIFICATION HAS CHANGED"))?;
    let key = lines.iter().find_map(|line| line.strip_prefix("SHA256:")).unwrap_or("?").trim_end_matches('.');
    let place = lines.iter().find(|line| line.starts_with("Offending"));
    let place = place.map(|line| format!(" ({})", line.replacen("Offending", "another", 1))).unwrap_or_default();
    Some(format!(
        "changed: it now shows SHA256:{key}{place}. Somebody may be in between. If the host was reinstalled, compare with \
         its own key, then take the old one out with ssh-keygen -R"
    ))
}

/// A machine in between: one connection for all hosts behind it, as long as one of them needs it.
pub(crate) struct Bastion {
    master: Mutex<Master>,
    opening: Mutex<usize>,
    left: Condvar,
}

type Slot = Arc<Mutex<Weak<Bastion>>>;

/// The bastions of this process, by what they are and how they are entered.
static BASTIONS: Mutex<BTreeMap<Vec<String>, Slot>> = Mutex::new(BTreeMap::new());

impl Bastion {
    /// The connection to this bastion, opened now if it is not there. `jump` as in `ssh -J`; a key file and known
    /// hosts that the inventory gives to the host hold for the bastion that the inventory gives, too.
    pub(crate) fn of(jump: &str, target: &SshTarget, deadline: Instant) -> Result<Arc<Self>, Unreachable> {
        let (before, last) = match jump.rsplit_once(',') {
            Some((before, last)) => (Some(String::from(before)), last),
            None => (None, jump),
        };
        let entry = SshTarget {
            address: destination(last),
            jump: before,
            identity: target.identity.clone().filter(|_| target.jump.is_some()),
            known_hosts: target.known_hosts.clone().filter(|_| target.jump.is_some()),
            ..SshTarget::default()
        };
        config::check(&entry)?;
        let options = config::options(&entry);
        let name = options.iter().cloned().chain([entry.address.clone()]).collect();
        let slot = Arc::clone(BASTIONS.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default());
        // Held while connecting: whoever else needs this bastion waits for this one connection.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = slot.upgrade().filter(|bastion| bastion.master().is_alive(Duration::ZERO)) {
            return Ok(open);
        }
        let master = Master::start(&options, &entry.address, deadline)
            .map_err(|inner| Unreachable { why: format!("the bastion {last}: {}", inner.why), ..inner })?;
        let bastion = Arc::new(Self { master: Mutex::new(master), opening: Mutex::new(0), left: Condvar::new() });
        *slot = Arc::downgrade(&bastion);
        Ok(bastion)
    }

    fn master(&self) -> std::sync::MutexGuard<'_, Master> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place among those who may open sessions through it now.
    pub(crate) fn place(self: &Arc<Self>, deadline: Instant) -> Result<Place, String> {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        while *opening >= QUEUE {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(String::from("too many sessions are opening through the bastion"));
            }
            opening = self.left.wait_timeout(opening, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *opening += 1;
        Ok(Place { bastion: Arc::clone(self), opening: true })
    }

    /// The command whose input and output are a connection to a host behind it.
    pub(crate) fn forward(&self, host: &str, port: u16) -> Command {
        let master = self.master();
        let mut command = master.client();
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { String::from(host) };
        command.args(["-W", &format!("{host}:{port}"), "--", master.destination()]);
        command
    }
}

/// `[user@]host:port` as a URI, the only way to give `ssh` a port within a destination.
fn destination(jump: &str) -> String {
    let host = jump.rsplit_once('@').map_or(jump, |(_, host)| host);
    let has_port = match host.strip_prefix('[') {
        Some(rest) => rest.contains("]:"),
        None => host.matches(':').count() == 1,
    };
    if has_port && !jump.contains("://") { format!("ssh://{jump}") } else { String::from(jump) }
}

/// A place in a bastion's queue; the bastion stays open as long as this lives.
pub(crate) struct Place {
    bastion: Arc<Bastion>,
    opening: bool,
}

impl Place {
    /// Lets the next one in.
    pub(crate) fn leave(&mut self) {
        if std::mem::take(&mut self.opening) {
            *self.bastion.opening.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            self.bastion.left.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A program that carries a session: its input and output are one end of a pair of sockets. Killed when dropped.
pub(crate) struct Carrier(Child);

impl Carrier {
    pub(crate) fn start(mut command: Command, end: OwnedFd) -> io::Result<Self> {
        without_secrets(&mut command);
        command.stdin(Stdio::from(end.try_clone()?)).stdout(Stdio::from(end)).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn()?;
        if let Some(pipe) = &child.stderr {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self(child))
    }

    /// What it has said, if anything.
    pub(crate) fn said(&mut self) -> Option<String> {
        let mut said = Vec::new();
        let mut buffer = [0; KEPT];
        let pipe = self.0.stderr.as_mut()?;
        while said.len() < KEPT {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => said.extend(buffer.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            if let Some(group) = Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(0)) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bastion_with_a_port_is_written_as_ssh_takes_it() {
        for (jump, wanted) in [
            ("bastion", "bastion"),
            ("ops@bastion", "ops@bastion"),
            ("ops@bastion:2200", "ssh://ops@bastion:2200"),
            ("[2001:db8::1]:22", "ssh://[2001:db8::1]:22"),
            ("2001:db8::1", "2001:db8::1"),
            ("ssh://bastion:22", "ssh://bastion:22"),
        ] {
            assert_eq!(destination(jump), wanted);
        }
    }

    #[test]
    fn the_words_of_ssh_tell_the_step() {
        for (said, step) in [
            ("ssh: Could not resolve hostname x: Name or service not known", Step::Resolve),
            ("ssh: connect to host x port 22: Connection refused", Step::Connect),
            ("kex_exchange_identification: Connection closed by remote host", Step::Connect),
            (
                "No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed.",
                Step::HostKey,
            ),
            ("ops@x: Permission denied (publickey).", Step::Authenticate),
            ("Received disconnect from x port 22:2: Too many authentication failures", Step::Authenticate),
            ("", Step::Connect),
        ] {
            let why = unreachable(said);
            assert_eq!(why.step, step, "{said}");
            assert!(!why.why.is_empty());
        }
    }
}
