//! How to reach a host.

use source::{Diagnostic, Place, SecretName, Table};
use std::time::Duration;

/// What carries the scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// SSH, spoken by `comply` itself.
    #[default]
    Ssh,
    /// The `ssh` program of this machine.
    Openssh,
    /// A running container on this machine; the address is its name.
    Docker,
    /// This machine.
    Local,
}

/// How to become root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Become {
    /// `sudo`.
    Sudo,
    /// `doas`, without a password.
    Doas,
    /// Not at all.
    None,
}

/// How to reach a host. What is `None` is left to `~/.ssh/config` and its defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What carries the scripts.
    pub connection: Connection,
    /// A name or an IP address; the container's name for `docker`. `None`: the host's name.
    pub address: Option<String>,
    /// The port of its SSH server.
    pub port: Option<u16>,
    /// The account to log in as.
    pub user: Option<String>,
    /// How to become root. `None`: not at all as root, `sudo` otherwise.
    pub become_root: Option<Become>,
    /// The host to go through: a name that SSH knows, or of the inventory.
    pub jump: Option<String>,
    /// A private key's file; `~/` is the home of who runs `comply`.
    pub identity: Option<String>,
    /// A known hosts file; relative to the repository's root unless it begins with `/` or `~/`.
    pub known_hosts: Option<String>,
    /// The secret that holds sudo's password, and where it is named.
    pub become_secret: Option<(SecretName, Place)>,
    /// The time to connect and authenticate.
    pub timeout: Option<Duration>,
    /// After how long the host undoes by itself what took the way in from comply.
    pub revert_after: Option<Duration>,
}

impl Settings {
    /// Takes the connection settings out of a host's mapping, or out of `defaults`, over `below`.
    pub(crate) fn read(table: &mut Table<'_>, below: &Self, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut text = |key: &'static str, below: &Option<String>, diagnostics: &mut Vec<Diagnostic>| {
            let value: Option<String> = table.read(key, diagnostics);
            if let (Some(value), Some(node)) = (&value, table.get(key))
                && (value.is_empty() || value.starts_with('-') || value.chars().any(char::is_control))
            {
                let message = format!("`{key}` may not be empty, begin with `-` or hold control characters");
                diagnostics.push(Diagnostic::error("bad-value", message).at(&node.place, ""));
            }
            value.or_else(|| below.clone())
        };
        let address = text("address", &below.address, diagnostics);
        let user = text("user", &below.user, diagnostics);
        let jump = text("jump", &below.jump, diagnostics);
        let identity = text("identity", &below.identity, diagnostics);
        let known_hosts = text("known_hosts", &below.known_hosts, diagnostics);
        Self {
            address,
            user,
            jump,
            identity,
            known_hosts,
            connection: table.read("connection", diagnostics).unwrap_or(below.connection),
            port: table.read("port", diagnostics).or(below.port),
            become_root: table.read("become", diagnostics).or(below.become_root),
            become_secret: secret(table, diagnostics).or_else(|| below.become_secret.clone()),
            timeout: duration(table, "timeout", Duration::from_millis(1), diagnostics).or(below.timeout),
            revert_after: duration(table, "revert_after", Duration::from_secs(10), diagnostics).or(below.revert_after),
        }
    }
}

fn secret(table: &mut Table<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<(SecretName, Place)> {
    let name: String = table.read("become_secret", diagnostics)?;
    let place = table.get("become_secret")?.place.clone();
    match SecretName::new(&name, None) {
        Ok(name) => Some((name, place)),
        Err(why) => {
            diagnostics.push(
                Diagnostic::error(
                    "bad-value",
                    format!("`become_secret` is the name of a secret, not a password: {why}"),
                )
                .at(&place, ""),
            );
            None
        }
    }
}

fn duration(
    table: &mut Table<'_>,
    key: &'static str,
    least: Duration,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Duration> {
    let node = table.get(key)?;
    let parsed = node.as_str().and_then(|text| {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let number: u64 = digits.parse().ok()?;
        match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
            _ => None,
        }
    });
    match parsed {
        Some(duration) if duration >= least && duration <= Duration::from_secs(3600) => Some(duration),
        _ => {
            let from =
                if least < Duration::from_secs(1) { String::new() } else { format!("from {}s ", least.as_secs()) };
            diagnostics.push(
                Diagnostic::error("bad-value", format!("`{key}` must be a duration {from}up to an hour"))
                    .at(&node.place, "")
                    .hint("write it with its unit: `500ms`, `10s`, `2m`"),
            );
            None
        }
    }
}
