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
    /// By section of comply's file: what is loaded otherwise, because a file that is read later says so.
    pub overridden: BTreeMap<String, Vec<Other>>,
    /// By name: those that the files enable, and those that run.
    pub jails: BTreeMap<String, Jail>,
}

/// A jail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Jail {
    /// Why fail2ban cannot load it.
    pub wrong: Option<String>,
    /// It runs.
    pub running: bool,
    /// With what the files say otherwise.
    pub stale: Vec<Other>,
    /// Some of it is put right by a restart of the jail only.
    pub restart: bool,
}

/// A value that is not as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Other {
    /// Its key in jail.conf(5), or in an action.
    pub key: String,
    /// The name of that action.
    pub action: String,
    /// What there is.
    pub is: String,
    /// What there should be.
    pub should: String,
}

/// All jails. What fail2ban's own reader makes of all files is compared with what it makes of comply's; what the running server
/// answers, on its socket, which exists only while it runs, with what a second server answers that was given what
/// `fail2ban-client -d` reads out of the files, and of which nothing is started. So every key is compared in the same words.
/// Python, since that is what fail2ban is: one program for any number of jails and values.
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
        let told = r#"{"installed": true, "readable": true, "server": true, "said": [], "overridden": {"sshd": []}, "jails":
            {"sshd": {"running": true, "stale": [{"key": "maxretry", "is": "9", "should": "5"}]}, "x": {"wrong": "why"}}}"#;
        let jails = decode(&answer(0, told, "")).unwrap().jails;
        let stale = Other { key: "maxretry".into(), is: "9".into(), should: "5".into(), ..Other::default() };
        assert_eq!(jails["sshd"], Jail { running: true, stale: vec![stale], ..Jail::default() });
        assert_eq!(jails["x"], Jail { wrong: Some("why".into()), ..Jail::default() });
        assert!(matches!(
            decode(&answer(1, "", "Permission denied: only root may ask fail2ban\n")),
            Err(Blind::Denied(_))
        ));
        assert!(matches!(decode(&answer(0, "Traceback", "")), Err(Blind::Garbled(_))));
    }
}
