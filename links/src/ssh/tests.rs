//! Keys of an agent. Which agent is used comes from the environment, so these go one step below the public door.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::server::{Agent, Server, fingerprint, keygen};
use super::*;

struct Keys {
    server: Server,
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        Self { server: Server::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn key(&self, name: &str, passphrase: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        keygen(&path, "ed25519", passphrase);
        path
    }

    fn keys(&self, count: usize) -> Vec<PathBuf> {
        (0..count).map(|at| self.key(&format!("k{at}"), "")).collect()
    }

    fn allow(&self, key: &Path) {
        fs::copy(key.with_extension("pub"), self.server.path("authorized_keys")).unwrap();
    }

    /// Authenticates with this agent and these key files.
    fn try_with(&self, agent: &Path, identities: &[PathBuf], only: bool) -> Result<Option<String>, Unreachable> {
        let target = SshTarget { identity: None, ..self.server.ssh_target() };
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut config = config::read(&target, deadline).unwrap();
        config.agent = Some(agent.to_path_buf());
        config.identities = identities.to_vec();
        config.identities_only = only;
        let Ok((wire, _dialled)) = shake(&config, &target, deadline) else { panic!("{}", self.server.log()) };
        let asker = Asker::with(|question| panic!("nobody should be asked: {question}"));
        authenticate(&wire, &config, &target, deadline, &asker)
    }
}

#[test]
fn every_key_of_the_agent_is_tried() {
    let here = Keys::new();
    let keys = here.keys(4);
    here.allow(&keys[3]);
    let agent = Agent::with(here.folder.path(), &keys);
    assert_eq!(here.try_with(&agent.socket, &[], false), Ok(Some(fingerprint(&keys[3]))));
}

#[test]
fn a_key_file_whose_key_the_agent_holds_is_tried_first_and_needs_no_passphrase() {
    let here = Keys::new();
    let keys = here.keys(8);
    let locked = &keys[7];
    here.allow(locked);
    let agent = Agent::with(here.folder.path(), &keys);
    let changed = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "secret", "-f"])
        .arg(locked)
        .stdout(std::process::Stdio::null())
        .status();
    assert!(changed.unwrap().success());
    for only in [true, false] {
        assert_eq!(here.try_with(&agent.socket, std::slice::from_ref(locked), only), Ok(Some(fingerprint(locked))));
    }
}

#[test]
fn no_more_keys_are_tried_than_servers_allow() {
    let here = Keys::new();
    let keys = here.keys(8);
    here.allow(&here.key("right", ""));
    let agent = Agent::with(here.folder.path(), &keys);
    let why = here.try_with(&agent.socket, &[], false).unwrap_err();
    assert_eq!(why.step, Step::Authenticate);
    assert_eq!(why.why.matches("the agent's key made for a test (SHA256:").count(), 6, "{}", why.why);
}

#[test]
fn other_keys_of_the_agent_are_left_alone_if_the_configuration_says_so() {
    let here = Keys::new();
    let keys = here.keys(1);
    here.allow(&keys[0]);
    let agent = Agent::with(here.folder.path(), &keys);
    let why = here.try_with(&agent.socket, &[], true).unwrap_err();
    assert!(why.why.ends_with("there is no key to try"), "{}", why.why);
}

#[test]
fn an_agent_that_does_not_answer_is_left_aside() {
    let here = Keys::new();
    let right = here.key("right", "");
    here.allow(&right);
    let socket = here.folder.path().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert_eq!(here.try_with(&socket, std::slice::from_ref(&right), false), Ok(Some(fingerprint(&right))));
    let why = here.try_with(&here.folder.path().join("gone"), &[], false).unwrap_err();
    assert!(why.why.contains("gone does not answer (No such file or directory"), "{}", why.why);
}

#[test]
fn a_key_with_a_passphrase_comes_after_those_that_need_none() {
    let here = Keys::new();
    let (locked, right) = (here.key("locked", "secret"), here.key("right", ""));
    here.allow(&right);
    let opened = here.try_with(Path::new("/nonexistent"), &[locked, right.clone()], false);
    assert_eq!(opened, Ok(Some(fingerprint(&right))));
}
