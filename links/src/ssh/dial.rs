//! What carries a session: a TCP connection, a bastion's channel, or a command.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use engine::link::{Step, Unreachable};
use rustix::net::sockopt;

use crate::config::Config;
use crate::master::{Bastion, Carrier, Place};
use crate::target::SshTarget;

/// What has to live as long as the session.
pub(crate) struct Dialled {
    carrier: Option<Carrier>,
    place: Option<Place>,
}

impl Dialled {
    /// The server itself was reached, not something in between.
    pub(crate) fn is_direct(&self) -> bool {
        self.carrier.is_none()
    }

    /// What the program that carries the session has said.
    pub(crate) fn said(&mut self) -> Option<String> {
        self.carrier.as_mut().and_then(Carrier::said)
    }

    /// The session is open: leaves the bastion's queue.
    pub(crate) fn entered(mut self) -> Self {
        if let Some(place) = self.place.as_mut() {
            place.leave();
        }
        self
    }
}

/// Connects to the host's SSH server, as its configuration says.
pub(crate) fn dial(config: &Config, target: &SshTarget, deadline: Instant) -> Result<(OwnedFd, Dialled), Unreachable> {
    if let Some(jump) = &config.jump {
        let bastion = Bastion::of(jump, target, deadline)?;
        let place = bastion.place(deadline).map_err(|why| Unreachable { step: Step::Connect, why })?;
        let command = bastion.forward(&config.hostname, config.port);
        let (socket, mut dialled) = carried(command, &format!("ssh -W through {jump}"))?;
        dialled.place = Some(place);
        return Ok((socket, dialled));
    }
    if let Some(line) = &config.proxy_command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]);
        return carried(command, "the ProxyCommand");
    }
    let socket = tcp(config, deadline)?;
    Ok((socket, Dialled { carrier: None, place: None }))
}

/// A program whose input and output are the connection.
fn carried(command: Command, what: &str) -> Result<(OwnedFd, Dialled), Unreachable> {
    let connect =
        |error: io::Error| Unreachable { step: Step::Connect, why: format!("{what} cannot be started: {error}") };
    let (ours, theirs) = UnixStream::pair().map_err(connect)?;
    let carrier = Carrier::start(command, theirs.into()).map_err(connect)?;
    Ok((ours.into(), Dialled { carrier: Some(carrier), place: None }))
}

fn tcp(config: &Config, deadline: Instant) -> Result<OwnedFd, Unreachable> {
    let addresses = resolve(&config.hostname, config.port, deadline)?;
    let mut failures = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        // One address that swallows packets must not take the time of all.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(1);
        if share.is_zero() {
            failures.push(format!("{address}: no time left"));
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                keep(&stream);
                return Ok(stream.into());
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                failures.push(format!("{address}: no answer in time"))
            }
            Err(error) => failures.push(format!("{address}: {}", plain(&error))),
        }
    }
    Err(Unreachable { step: Step::Connect, why: failures.join("; ") })
}

/// Lets the kernel find out that the other side is gone, and keeps routers from forgetting an idle connection.
fn keep(stream: &TcpStream) {
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(30));
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10));
}

/// The system's message without Rust's `(os error N)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_lowercase())
}

/// Addresses of a name. The system's resolver knows no deadline, so it runs beside; it ends by its own timeout.
fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Unreachable> {
    let unreachable = |why: String| Unreachable { step: Step::Resolve, why };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (answer, answered) = mpsc::channel();
    let name = String::from(host);
    let spawned = thread::Builder::new().name(String::from("resolve")).spawn(move || {
        let _ = answer.send((name.as_str(), port).to_socket_addrs().map(Vec::from_iter));
    });
    spawned.map_err(|error| unreachable(format!("no thread left: {error}")))?;
    match answered.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(unreachable(format!("{host} has no address"))),
        Ok(Err(error)) => {
            let text = error.to_string();
            let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
            Err(unreachable(format!("no address for {host}: {text}")))
        }
        Err(_) => Err(unreachable(format!("no address for {host}: no answer in time"))),
    }
}
