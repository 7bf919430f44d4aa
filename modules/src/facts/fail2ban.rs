//! What fail2ban would load, and what it runs with.

use engine::{Answer, Blind, Fact, Query};
use serde::Deserialize;
use std::collections::BTreeMap;

/// fail2ban on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fail2ban {
    /// It is there.
    pub installed: bool,
    /// It can read its files.
    pub readable: bool,
    /// Its server runs.
    pub server: bool,
    /// What it complains of while it reads them.
    pub said: Vec<String>,
    /// By name: those that the files enable, and those that run.
    pub jails: BTreeMap<String, Jail>,
}

/// A jail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Jail {
    /// The files enable it.
    pub loaded: bool,
    /// With this backend, as they say.
    pub backend: String,
    /// And these numbers and words: `maxretry`, and `findtime` and `bantime` in seconds.
    pub values: BTreeMap<String, String>,
    /// Addresses that are never banned, as the files say.
    pub ignoreip: Vec<String>,
    /// The names of what is done to ban, as the files say.
    pub actions: Vec<String>,
    /// It runs.
    pub running: bool,
    /// What it runs with and the files say otherwise: key, running, as loaded.
    pub stale: Vec<(String, String, String)>,
}

/// All jails. The configuration is what `fail2ban-client -d` reads out of all files; the server is asked on its socket, which
/// exists only while it runs. Python, since that is what fail2ban is: one program for any number of jails and values.
pub static FAIL2BAN: Fact<Fail2ban> =
    Fact { query: Query::new("fail2ban", include_str!("fail2ban.sh")).slow(), decode: |answer, _| decode(answer) };

fn decode(answer: &Answer) -> Result<Fail2ban, Blind> {
    let out = &answer.ok()?.out;
    serde_json::from_slice(out).map_err(|error| Blind::Garbled(format!("what fail2ban told is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: i32, out: &str, err: &str) -> Answer {
        Answer { status, out: out.into(), err: err.into() }
    }

    #[test]
    fn what_is_installed_loaded_and_running_is_read() {
        assert_eq!(decode(&answer(0, r#"{"installed": false}"#, "")), Ok(Fail2ban::default()));
        let told = r#"{"installed": true, "readable": true, "server": true, "said": [], "jails": {"sshd": {"loaded": true,
            "backend": "systemd", "values": {"maxretry": "5", "bantime": "600"}, "ignoreip": ["::1"], "actions": ["nftables"],
            "running": true, "stale": [["maxretry", "9", "5"]]}}}"#;
        let jail = decode(&answer(0, told, "")).unwrap().jails["sshd"].clone();
        assert!(jail.loaded && jail.running);
        assert_eq!(jail.stale, [("maxretry".into(), "9".into(), "5".into())]);
        assert!(matches!(
            decode(&answer(1, "", "Permission denied: only root may ask fail2ban\n")),
            Err(Blind::Denied(_))
        ));
        assert!(matches!(decode(&answer(0, "Traceback", "")), Err(Blind::Garbled(_))));
    }
}
