//! Opening the account with a key: of a file, or of the agent.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::link::{Step, Unreachable};
use ssh2::{Agent, ErrorCode, PublicKey};

use crate::ask::Asker;
use crate::config::Config;
use crate::key::{self, KeyFile};
use crate::ssh::{Trouble, Wire, describe};
use crate::target::SshTarget;

/// How many keys a server lets one try (`MaxAuthTries` of sshd_config(5)); after that it hangs up, and some remember it.
const TRIES: usize = 6;

/// One key to try.
enum Candidate {
    /// The agent's key at this place.
    Agent(usize),
    File {
        path: PathBuf,
        file: KeyFile,
        certificate: Option<PathBuf>,
    },
}

/// The agent and what it holds.
struct Keys {
    agent: Agent,
    keys: Vec<PublicKey>,
}

/// Tries keys until one opens the account; its fingerprint, if one can be told.
pub(crate) fn authenticate(
    wire: &Wire,
    config: &Config,
    target: &SshTarget,
    deadline: Instant,
    asker: &Asker,
) -> Result<Option<String>, Unreachable> {
    let mut attempt = Attempt { wire, user: &config.user, deadline, asker, told: Vec::new(), tries: 0 };
    let agent = attempt.agent(config);
    for candidate in attempt.candidates(config, target, agent.as_ref()) {
        if attempt.tries == TRIES {
            attempt.told.push(format!("and no more: servers allow {TRIES} keys; name the right one as `identity`"));
            break;
        }
        match attempt.one(&candidate, agent.as_ref())? {
            Some(opened) => return Ok(opened),
            None if attempt.tries > TRIES => break,
            None => {}
        }
    }
    let told = if attempt.told.is_empty() { String::from("there is no key to try") } else { attempt.told.join("; ") };
    Err(Unreachable { step: Step::Authenticate, why: format!("no key opens the account {}: {told}", config.user) })
}

struct Attempt<'a> {
    wire: &'a Wire,
    user: &'a str,
    deadline: Instant,
    asker: &'a Asker,
    /// What was tried and what was not, in plain words.
    told: Vec<String>,
    tries: usize,
}

impl Attempt<'_> {
    /// The agent and its keys. One that does not answer is left aside: libssh2 would wait for it for ever.
    fn agent(&mut self, config: &Config) -> Option<Keys> {
        let path = config.agent.as_ref()?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if let Err(error) = answers(path, left.min(Duration::from_secs(3))) {
            self.told.push(format!("the agent at {} does not answer ({error})", path.display()));
            return None;
        }
        let keys = || -> Result<_, ssh2::Error> {
            let mut agent = self.wire.session.agent()?;
            agent.set_identity_path(path)?;
            agent.connect()?;
            agent.list_identities()?;
            let keys = agent.identities()?;
            Ok(Keys { agent, keys })
        };
        match keys() {
            Ok(found) => Some(found),
            Err(error) => {
                self.told.push(format!("the agent gives no keys: {}", describe(&error)));
                None
            }
        }
    }

    /// Which keys to try, in order: the inventory's, those of files that can be used as they are, the agent's others,
    /// and those that need a passphrase.
    fn candidates(&mut self, config: &Config, target: &SshTarget, agent: Option<&Keys>) -> Vec<Candidate> {
        let keys: &[PublicKey] = agent.map_or(&[], |agent| &agent.keys);
        let (mut first, mut last, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for (at, path) in config.identities.iter().enumerate() {
            let own = at == 0 && target.identity.is_some();
            let file = match KeyFile::read(path) {
                Ok(file) => file,
                Err(None) if !own => continue,
                Err(why) => {
                    self.told.push(format!(
                        "{} {}",
                        path.display(),
                        why.unwrap_or_else(|| String::from("is not there"))
                    ));
                    continue;
                }
            };
            if file.is_token() {
                self.told.push(format!("{} is on a FIDO token: use `connection: openssh`", path.display()));
                continue;
            }
            let held = file.public.as_deref().and_then(|blob| keys.iter().position(|key| key.blob() == blob));
            if let Some(at) = held {
                used.push(at);
                first.push(Candidate::Agent(at));
                continue;
            }
            let list = if file.encrypted && !own { &mut last } else { &mut first };
            if let Some(certificate) = file.certificate.clone() {
                let certificate = Some(certificate);
                list.push(Candidate::File { path: path.clone(), file: file.clone(), certificate });
            }
            list.push(Candidate::File { path: path.clone(), file, certificate: None });
        }
        for (at, key) in keys.iter().enumerate() {
            if config.identities_only || used.contains(&at) {
                continue;
            }
            if key::is_token(&key::kind(key.blob())) {
                self.told.push(format!("{} is on a FIDO token: use `connection: openssh`", named(key)));
            } else {
                first.push(Candidate::Agent(at));
            }
        }
        first.extend(last);
        first
    }

    /// Tries one key. `Some`: it opened the account.
    fn one(&mut self, candidate: &Candidate, agent: Option<&Keys>) -> Result<Option<Option<String>>, Unreachable> {
        let session = &self.wire.session;
        let (name, print, outcome) = match candidate {
            Candidate::Agent(at) => {
                let Some((agent, key)) = agent.and_then(|held| Some((&held.agent, held.keys.get(*at)?))) else {
                    return Ok(None);
                };
                let print = Some(key::fingerprint(key.blob())).filter(|_| !key::kind(key.blob()).contains("-cert-"));
                (named(key), print, self.wire.until(self.deadline, || agent.userauth(self.user, key)))
            }
            Candidate::File { path, file, certificate } => {
                let name = certificate.as_ref().unwrap_or(path).display().to_string();
                let Some(passphrase) = self.passphrase(path, file) else { return Ok(None) };
                let passphrase = passphrase.as_deref();
                let step = || session.userauth_pubkey_file(self.user, certificate.as_deref(), path, passphrase);
                let print = file.public.as_deref().filter(|_| certificate.is_none()).map(key::fingerprint);
                (name, print, self.wire.until(self.deadline, step))
            }
        };
        self.tries += 1;
        let why = match outcome {
            Ok(()) if session.authenticated() => return Ok(Some(print)),
            Ok(()) => String::from("was accepted, but the server wants more than a key; use `connection: openssh`"),
            Err(Trouble::Failed(error)) => match error.code() {
                ErrorCode::Session(-18 | -19) => String::from("was refused"),
                ErrorCode::Session(-16) if matches!(candidate, Candidate::File { file, .. } if file.encrypted) => {
                    String::from("does not open with that passphrase")
                }
                ErrorCode::Session(-16) => format!("cannot be used: {}", error.message()),
                ErrorCode::Session(-42) => String::from("is in the agent, which would not sign with it"),
                ErrorCode::Session(-13 | -43 | -7 | -1) => {
                    self.tries = TRIES + 1;
                    format!("was tried, and the server hung up ({})", error.message())
                }
                _ => format!("failed: {}", describe(&error)),
            },
            Err(trouble) => {
                let why = format!("{name}: {}", trouble.text("no answer in time"));
                return Err(Unreachable { step: Step::Authenticate, why });
            }
        };
        self.told.push(format!("{name} {why}"));
        Ok(None)
    }

    /// `None`: the key cannot be used. `Some(None)`: it needs no passphrase.
    fn passphrase(&mut self, path: &Path, file: &KeyFile) -> Option<Option<String>> {
        if !file.encrypted {
            return Some(None);
        }
        let started = Instant::now();
        let passphrase = self.asker.passphrase(&path.display().to_string()).filter(|text| !text.contains('\0'));
        // The time somebody took to type is not the host's.
        self.deadline += started.elapsed();
        if passphrase.is_none() {
            self.told.push(format!("{} needs a passphrase, and there is no terminal to ask on", path.display()));
        }
        passphrase.map(Some)
    }
}

/// Whether somebody listens at the agent's socket and answers (`SSH_AGENTC_REQUEST_IDENTITIES` of the agent protocol).
fn answers(path: &Path, limit: Duration) -> std::io::Result<()> {
    let mut socket = UnixStream::connect(path)?;
    let limit = Some(limit.max(Duration::from_millis(1)));
    socket.set_read_timeout(limit)?;
    socket.set_write_timeout(limit)?;
    socket.write_all(&[0, 0, 0, 1, 11])?;
    socket.read_exact(&mut [0; 4])
}

/// A key of the agent as a reader knows it.
fn named(key: &PublicKey) -> String {
    format!("the agent's key {} ({})", key.comment(), key::fingerprint(key.blob()))
}
