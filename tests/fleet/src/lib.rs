//! Real hosts for comply's tests.
//!
//! `tests/fleet/up` starts a container engine and builds the images; this crate starts
//! hosts from them. A host is a container that boots systemd and answers on ssh within
//! about a second, and is gone when its [`Host`] is dropped.
//!
//! ```no_run
//! use fleet::{Host, Image};
//!
//! let host = Host::start(Image::Bookworm);
//! let before = host.snapshot();
//! host.sh_ok("touch /etc/motd");
//! assert!(!before.diff(&host.snapshot()).is_empty());
//! ```
//!
//! Whatever goes wrong panics with all there is to know: this is for tests only.

mod image;
mod snapshot;

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use image::Image;
pub use snapshot::Snapshot;

/// The network that `up` makes, with a subnet of its own.
const NETWORK: &str = "comply-test";

/// How long a host may take to boot on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `up` made ready: the engine, the images and the key.
#[derive(Clone, Debug)]
pub struct Fleet {
    state: PathBuf,
}

impl Fleet {
    /// The fleet that the environment names.
    ///
    /// # Panics
    ///
    /// Where the test hosts were not started.
    pub fn get() -> Fleet {
        match (std::env::var_os("COMPLY_FLEET"), std::env::var_os("DOCKER_HOST")) {
            (Some(state), Some(_)) => Fleet { state: state.into() },
            _ => panic!("start the test hosts with tests/run"),
        }
    }

    /// The private key that root of every host accepts; the public one is beside it, `.pub`.
    pub fn key(&self) -> PathBuf {
        self.state.join("id_ed25519")
    }

    /// The public half of [`Fleet::key`], one line.
    pub fn public_key(&self) -> String {
        read(&self.state.join("id_ed25519.pub")).trim().to_owned()
    }

    /// The directory that holds everything, outside the repository.
    pub fn state(&self) -> &Path {
        &self.state
    }
}

/// What a command printed and how it ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    /// What it printed, as text.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// The exit status; -1 where a signal ended it.
    pub status: i32,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { stdout, stderr, status } = self;
        write!(f, "status {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// A running host; dropping it removes it.
#[derive(Debug)]
pub struct Host {
    fleet: Fleet,
    image: Image,
    name: String,
    address: IpAddr,
    /// The host's first process, as this machine numbers it.
    init: u32,
    /// Files about the host, on this machine.
    dir: PathBuf,
}

/// Where root of a Debian host finds programs.
const ROOTS_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Thaws the containers of a host's own engine.
const UNPAUSE: &str = "docker ps -q --filter status=paused | xargs -r docker unpause";

/// What a Debian host starts with, the first time: its keys, and who may log in.
const FIRST: &str = r#"
cd /etc/ssh
[ -e ssh_host_ed25519_key ] || {
    (umask 077; printf %s "$1" >ssh_host_ed25519_key)
    printf %s "$2" >ssh_host_ed25519_key.pub
    echo "$3" >/root/.ssh/authorized_keys
}
cd /
exec /sbin/init
"#;

/// Run on a Debian host once it is started.
const SETTLE: &str = r#"
tries=0
until state=$(systemctl is-system-running --wait 2>/dev/null); do
    [ "$state" != degraded ] || { systemctl --failed; exit 1; }
    tries=$((tries + 1))
    [ $tries -lt 600 ] || { echo "systemd says '$state'"; exit 1; }
    sleep 0.05
done
systemctl is-active --quiet ssh || { systemctl status ssh; exit 1; }
# The engine mounts these three, so that they cannot be replaced by renaming a new
# file over them. On a host they are files. No name server: lookups fail at once.
for file in hosts hostname resolv.conf; do
    cp /etc/$file /run/$file
    umount /etc/$file
    [ $file = resolv.conf ] || cat /run/$file >/etc/$file
    rm /run/$file
done
"#;

/// What every script of [`Host::sh`] may call: `systemctl reload ssh` is done once its signal is sent, and for a moment
/// after it nobody listens. sshd listens again once there are as many sockets as before, and none of those.
const RELOAD_SSHD: &str = r#"
sshd_sockets() { ss -Hltnep | grep '"sshd"' | grep -o 'ino:[0-9]*'; }
reload_sshd() {
    before=$(sshd_sockets)
    systemctl reload ssh || return
    tries=0
    until now=$(sshd_sockets) && ! echo "$now" | grep -qwF "$before" &&
        [ "$(echo "$now" | wc -l)" = "$(echo "$before" | wc -l)" ]; do
        tries=$((tries + 1))
        [ $tries -lt 1000 ] || { echo 'sshd does not listen again'; return 1; }
        sleep 0.02
    done
}
"#;

impl Host {
    /// Starts a host and waits until it can be worked with: systemd up, sshd answering.
    pub fn start(image: Image) -> Host {
        let fleet = Fleet::get();
        let name = unique_name();
        let dir = fleet.state.join("hosts").join(&name);
        create_dir(&dir);
        // From here on, a panic removes what there is.
        let mut host = Host { fleet, image, name, address: [0, 0, 0, 0].into(), init: 0, dir };
        // A key of its own: the same on all would hide a host taken for another.
        let mut keygen = Command::new("ssh-keygen");
        run(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", &host.name, "-f"]).arg(host.key()), b"");
        let keys = [read(&host.key()), read(&host.key().with_extension("pub")), host.fleet.public_key()];

        let owner = format!("comply.test={}", std::process::id());
        let mut start = vec![
            "run",
            "--detach",
            "--name",
            &host.name,
            "--hostname",
            &host.name,
            "--label",
            &owner,
            "--network",
            NETWORK,
        ];
        if image != Image::Busybox {
            start.extend([
                // What systemd needs. Not --privileged: that is refused in some places.
                "--cap-add=SYS_ADMIN",
                "--cap-add=NET_ADMIN",
                "--security-opt=seccomp=unconfined",
                "--security-opt=apparmor=unconfined",
                "--security-opt=systempaths=unconfined",
                // Under cgroup v1 and v2 alike, systemd finds itself where the engine put it.
                "--cgroupns=host",
                "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
                "--tmpfs=/run",
                "--tmpfs=/run/lock",
                "--stop-signal=SIGRTMIN+3",
                // A host has a ::1, and some services insist on it.
                "--sysctl=net.ipv6.conf.all.disable_ipv6=0",
            ]);
        }
        if matches!(image, Image::BookwormDocker | Image::TrixieDocker) {
            // Images and containers of the host's own engine: on the layers of ours it could not use layers itself.
            start.extend(["--volume=/var/lib/docker", "--sysctl=net.ipv4.ip_forward=1"]);
        }
        start.push(image.name());
        if image != Image::Busybox {
            start.extend(["sh", "-c", FIRST, "sh"].into_iter().chain(keys.iter().map(String::as_str)));
        }
        docker(&start, b"");
        host.settle();
        host
    }

    /// Shuts down in order and boots again: what was in /run is gone. Its address may be another one.
    pub fn restart(&mut self) {
        docker(&["restart", "--time=60", &self.name], b"");
        self.settle();
    }

    /// The same after a power cut: every process ends at once.
    pub fn cut_power(&mut self) {
        docker(&["kill", &self.name], b"");
        docker(&["start", &self.name], b"");
        self.settle();
    }

    /// Waits until it can be worked with.
    fn settle(&mut self) {
        self.inspect();
        if self.image != Image::Busybox {
            // systemd counts sshd as started once it listens. Knocking to see would not be
            // free: OpenSSH holds it against an address when nobody logs in.
            self.sh_ok(SETTLE);
            write(&self.known_hosts_file(), &(self.known_hosts() + "\n"));
            write(&self.ssh_config(), &self.ssh_config_text());
        }
    }

    /// Starts several hosts at once; they come in the order asked for.
    pub fn start_all(images: &[Image]) -> Vec<Host> {
        thread::scope(|scope| {
            let starting: Vec<_> = images.iter().map(|image| scope.spawn(|| Host::start(*image))).collect();
            starting.into_iter().map(|host| host.join().expect("a host did not start")).collect()
        })
    }

    /// The container's name, and the host's own.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the host was made of.
    pub fn image(&self) -> Image {
        self.image
    }

    /// Where this machine reaches the host; sshd is on port 22.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The fleet the host belongs to.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// A directory on this machine, removed with the host.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The host's line in a known_hosts file, for its name and its address, without line end.
    pub fn known_hosts(&self) -> String {
        let key = read(&self.key().with_extension("pub"));
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        format!("{},{} {}", self.name, self.address, key.join(" "))
    }

    /// The host's private key, on this machine; the public one is beside it, `.pub`.
    fn key(&self) -> PathBuf {
        self.dir.join("ssh_host_ed25519_key")
    }

    /// A file with that line.
    pub fn known_hosts_file(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }

    /// A configuration for `ssh -F`, in which the host goes by its name.
    pub fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    fn ssh_config_text(&self) -> String {
        format!(
            "Host {}\n  HostName {}\n  User root\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
             BatchMode yes\n  ConnectTimeout 10\n  StrictHostKeyChecking yes\n  \
             UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n",
            self.name,
            self.address,
            self.fleet.key().display(),
            self.known_hosts_file().display(),
        )
    }

    /// Runs a command as root over ssh, with the ssh of this machine.
    pub fn ssh(&self, command: &str) -> Output {
        let mut ssh = Command::new("ssh");
        output(ssh.arg("-F").arg(self.ssh_config()).args([&self.name, command]), b"")
    }

    /// Runs a shell script as root, not over ssh: it leaves no trace of a login. To reload sshd, it says `reload_sshd`,
    /// which waits until sshd listens again.
    pub fn sh(&self, script: &str) -> Output {
        // Read whole before it runs, so that no command of it eats the rest.
        let shell = r#"script=$(cat); exec </dev/null; eval "$script""#;
        output(&mut self.enter(&["sh", "-c", shell]), [RELOAD_SSHD, script].concat().as_bytes())
    }

    /// A command inside the host. `docker exec` does that too, at ten times the cost.
    fn enter(&self, command: &[&str]) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args([
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--root",
            "--wd",
            "--target",
            &self.init.to_string(),
        ]);
        enter.arg("--").args(command);
        enter.env_clear().env("PATH", ROOTS_PATH).env("HOME", "/root");
        enter
    }

    /// Runs a shell script that has to succeed, and returns what it printed.
    pub fn sh_ok(&self, script: &str) -> String {
        let output = self.sh(script);
        assert!(output.success(), "on {} ({:?}): {script}\n{output:?}", self.name, self.image);
        output.stdout
    }

    /// Writes a file, in place, as root; its directory must be there.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        run(&mut self.enter(&["sh", "-c", "cat >\"$1\"", "sh", path]), bytes.as_ref());
    }

    /// The state of all files and processes, looked at from outside: the host runs nothing
    /// for it and so is not changed by it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(self.init)
    }

    /// Freezes every process: connections are accepted but nothing answers.
    pub fn pause(&self) {
        docker(&["pause", &self.name], b"");
    }

    /// Lets them go on where they were.
    pub fn unpause(&self) {
        docker(&["unpause", &self.name], b"");
    }

    /// Pulls the plug: packets to the host are lost, open connections hang. Its address stays its own; the engine would
    /// give it to the next host.
    pub fn disconnect(&self) {
        self.link("down");
    }

    /// Puts the plug back in.
    pub fn reconnect(&self) {
        self.link("up");
    }

    fn link(&self, state: &str) {
        let init = self.init.to_string();
        run(Command::new("nsenter").args(["-t", &init, "-n", "ip", "link", "set", "dev", "eth0", state]), b"");
    }

    /// Waits until sshd sends its greeting, for instance after a cut. Not to be called often:
    /// OpenSSH on Debian 13 refuses an address that keeps connecting without logging in.
    pub fn wait_for_ssh(&self) {
        let address = SocketAddr::new(self.address, 22);
        let deadline = Instant::now() + PATIENCE;
        while !greets(address) {
            assert!(Instant::now() < deadline, "sshd of {} does not answer", self.name);
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn inspect(&mut self) {
        let format = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let answer = docker(&["inspect", "-f", format, &self.name], b"");
        let answer = String::from_utf8_lossy(&answer);
        let parsed =
            answer.trim().split_once(' ').and_then(|(init, address)| Some((init.parse().ok()?, address.parse().ok()?)));
        (self.init, self.address) = parsed.unwrap_or_else(|| panic!("{} did not start: {answer:?}", self.name));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A frozen process cannot be killed.
        if matches!(self.image, Image::BookwormDocker | Image::TrixieDocker) {
            let _ = Command::new("docker").args(["exec", &self.name, "sh", "-c", UNPAUSE]).output();
        }
        // Whatever is in the way of this, the next `up` takes care of.
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.name]).output();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A name that no earlier run has used: one that was killed may have left hosts behind.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("t{:06x}-{}-{count}", now.as_micros() & 0xff_ffff, std::process::id())
}

fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return false;
    };
    let mut greeting = [0; 4];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && &greeting == b"SSH-"
}

/// Runs docker, which has to succeed.
fn docker(args: &[&str], stdin: &[u8]) -> Vec<u8> {
    run(Command::new("docker").args(args), stdin)
}

fn run(command: &mut Command, stdin: &[u8]) -> Vec<u8> {
    let output = finish(command, stdin);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn output(command: &mut Command, stdin: &[u8]) -> Output {
    let output = finish(command, stdin);
    Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code().unwrap_or(-1),
    }
}

fn finish(command: &mut Command, stdin: &[u8]) -> std::process::Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut pipe = child.stdin.take().expect("a pipe was asked for");
    thread::scope(|scope| {
        // Beside the reading, or both sides wait for each other. The command may well
        // end without reading all.
        scope.spawn(move || {
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    })
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn create_dir(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
