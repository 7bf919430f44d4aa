//! A private sshd on the loopback interface: keys, configuration and port of its own, gone when dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use links::{Asker, Become, Connection, SshTarget, Target};

const SSHD: &str = "/usr/sbin/sshd";

pub struct Server {
    pub folder: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Server {
    /// With an ed25519 host key and a client key `id` that opens the account of whoever runs the tests.
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more lines of sshd_config(5), which come first and so win.
    pub fn with(more: &str) -> Self {
        assert!(Path::new(SSHD).exists(), "these tests need {SSHD}: apt-get install openssh-server");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        for kind in ["ed25519", "ecdsa", "rsa"] {
            let key = format!("host_{kind}");
            // One of RSA takes a second to make.
            if kind == "ed25519" || more.contains(&key) {
                keygen(&path.join(key), kind, "");
            }
        }
        keygen(&path.join("id"), "ed25519", "");
        fs::copy(path.join("id.pub"), path.join("authorized_keys")).unwrap();
        let port = free_port();
        let own_keys = more.contains("HostKey");
        // Of this one, unlike the others, sshd takes the last line.
        let startups = if more.contains("MaxStartups") { "" } else { "MaxStartups 100\n" };
        let config = format!(
            "{more}\nPort {port}\nListenAddress 127.0.0.1\n{}PidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             AuthorizedKeysFile {p}/authorized_keys\n{startups}",
            if own_keys { String::new() } else { format!("HostKey {p}/host_ed25519\n", p = path.display()) },
            p = path.display(),
        )
        .replace("{p}", &path.display().to_string());
        fs::write(path.join("sshd_config"), config).unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(path.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(path.join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { folder, port, child };
        server.write_known_hosts(&["ed25519"]);
        server.wait();
        server
    }

    fn wait(&self) {
        let limit = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < limit, "sshd does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// The public host key of this type, as `TYPE BASE64`; made now if sshd has none.
    pub fn host_key(&self, kind: &str) -> String {
        let key = self.path(&format!("host_{kind}"));
        if !key.exists() {
            keygen(&key, kind, "");
        }
        let line = fs::read_to_string(self.path(&format!("host_{kind}.pub"))).unwrap();
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    pub fn write_known_hosts(&self, kinds: &[&str]) {
        let lines: String =
            kinds.iter().map(|kind| format!("[127.0.0.1]:{} {}\n", self.port, self.host_key(kind))).collect();
        fs::write(self.path("known_hosts"), lines).unwrap();
    }

    pub fn ssh_target(&self) -> SshTarget {
        SshTarget {
            address: String::from("127.0.0.1"),
            port: Some(self.port),
            user: Some(whoami()),
            identity: Some(self.path("id")),
            known_hosts: Some(self.path("known_hosts")),
            jump: None,
        }
    }

    pub fn target(&self) -> Target {
        target(Connection::Ssh(self.ssh_target()))
    }

    /// The processes that serve sessions of this sshd.
    pub fn sessions(&self) -> Vec<i32> {
        children(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for session in self.sessions() {
            for inner in children(session.cast_unsigned()) {
                kill(inner);
            }
            kill(session);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn kill(pid: i32) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL);
}

pub fn children(pid: u32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

pub fn target(connection: Connection) -> Target {
    Target {
        host: String::from("web1"),
        connection,
        become_: Become::None,
        timeout: Duration::from_secs(10),
        patience: Duration::from_secs(60),
    }
}

/// An asker that fails the test if it asks.
pub fn nobody() -> Arc<Asker> {
    Arc::new(Asker::with(|question| panic!("nobody should be asked: {question}")))
}

pub fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "made for a test", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
}

pub fn fingerprint(path: &Path) -> String {
    let out = Command::new("ssh-keygen").arg("-lf").arg(path).output().unwrap().stdout;
    String::from_utf8(out).unwrap().split(' ').nth(1).unwrap().to_owned()
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn whoami() -> String {
    String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned()
}

pub fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// An ssh-agent with these keys, ended when dropped.
pub struct Agent {
    pub socket: PathBuf,
    child: Child,
}

impl Agent {
    pub fn with(folder: &Path, keys: &[PathBuf]) -> Self {
        let socket = folder.join("agent");
        let mut child =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap().by_ref()).read_line(&mut line).unwrap();
        for key in keys {
            let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket).status().unwrap();
            assert!(added.success());
        }
        Self { socket, child }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
