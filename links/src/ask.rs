//! Questions to whoever sits at the terminal: each asked once per run, one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The variable of the environment in which `comply` may find sudo's password. No program that is started here inherits
/// it: `ssh` could hand it on to a host (`SendEnv` of ssh_config(5)).
pub const BECOME_PASSWORD: &str = "COMPLY_BECOME_PASSWORD";

/// Shows a question and reads the answer unseen; `None`: there is nobody to ask.
type Ask = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Fetches sudo's password for a host. The error says why it cannot be had.
type Become = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// Variables of the environment that begin like this hold secrets. Programs that are started here do not inherit them.
pub const SECRET_VARIABLES: &str = "COMPLY_SECRET_";

/// Starts a program without the secrets in the environment of `comply`.
pub fn without_secrets(command: &mut Command) -> &mut Command {
    let secret = |name: &str| name == BECOME_PASSWORD || name.starts_with(SECRET_VARIABLES);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(secret)) {
        command.env_remove(name);
    }
    command
}

/// Asks on the terminal (`/dev/tty`), and remembers the answers for the run. Without a terminal every answer is `None`.
pub struct Asker {
    ask: Box<Ask>,
    ask_become: bool,
    become_password: Option<String>,
    become_secret: Option<(BTreeSet<String>, Box<Become>)>,
    answers: Mutex<BTreeMap<String, Option<String>>>,
}

impl Default for Asker {
    fn default() -> Self {
        Self::new()
    }
}

/// Answers are secrets: none is shown.
impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("ask_become", &self.ask_become).finish_non_exhaustive()
    }
}

impl Asker {
    /// Asks on the terminal for passphrases; sudo's password is not asked.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|question| rpassword::prompt_password(question).ok())
    }

    /// Asks by this function instead, which may first quiet what else writes to the terminal. It gets the question and
    /// returns the answer, or `None` if nobody can be asked.
    #[must_use]
    pub fn with(ask: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            ask: Box::new(ask),
            ask_become: false,
            become_password: None,
            become_secret: None,
            answers: Mutex::default(),
        }
    }

    /// Whether sudo's password may be asked.
    #[must_use]
    pub fn asking_become(mut self, allowed: bool) -> Self {
        self.ask_become = allowed;
        self
    }

    /// Sudo's password for all hosts, if it is known already.
    #[must_use]
    pub fn with_become_password(mut self, password: Option<String>) -> Self {
        self.become_password = password;
        self
    }

    /// Fetches sudo's password for `hosts` by this function, if none is given and nobody is to be asked.
    #[must_use]
    pub fn with_become_secret(
        mut self,
        hosts: BTreeSet<String>,
        fetch: impl Fn(&str) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.become_secret = Some((hosts, Box::new(fetch)));
        self
    }

    fn keeps_become(&self, host: &str) -> Option<&Become> {
        self.become_secret.as_ref().filter(|(hosts, _)| hosts.contains(host)).map(|(_, fetch)| fetch.as_ref())
    }

    /// Whether it may take a while to have sudo's password: somebody is asked, or a secret fetched.
    pub(crate) fn may_ask_become(&self, host: &str) -> bool {
        (self.ask_become || self.keeps_become(host).is_some()) && self.become_password.is_none()
    }

    /// Sudo's password: the one given, or one asked or fetched now. A line break cannot be part of it.
    ///
    /// # Errors
    /// Why the one that is kept cannot be had.
    pub(crate) fn become_password(&self, host: &str) -> Result<Option<String>, String> {
        let password = match &self.become_password {
            Some(password) => Some(password.clone()),
            None if self.ask_become => {
                self.once("become", || format!("Password for sudo (asked for {}, used for all hosts): ", shown(host)))
            }
            None => self.keeps_become(host).map(|fetch| fetch(host)).transpose()?,
        };
        Ok(password.filter(|password| !password.contains(['\n', '\r', '\0'])))
    }

    /// The passphrase of a key file.
    pub(crate) fn passphrase(&self, file: &str) -> Option<String> {
        self.once(&format!("passphrase {file}"), || format!("Passphrase for {}: ", shown(file)))
    }

    /// Asks what was not asked before. The lock is held while somebody types: whoever else needs an answer waits, and
    /// two questions never share the terminal.
    fn once(&self, about: &str, question: impl FnOnce() -> String) -> Option<String> {
        let mut answers: MutexGuard<'_, _> = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(about) {
            return answer.clone();
        }
        let answer = (self.ask)(&question());
        answers.insert(String::from(about), answer.clone());
        answer
    }
}

/// A name fit for a terminal.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
