//! Secrets, fetched when they are needed and each once per run, and what must not be told because of them.

mod program;
mod provider;

use engine::Secrecy;
use policies::{Provider, Store};
use source::{SecretName, Secrets};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// All secrets that were fetched so far: nothing that `comply` tells may hold one, not even the words of a defect.
pub fn known() -> &'static Secrecy {
    static KNOWN: OnceLock<Secrecy> = OnceLock::new();
    KNOWN.get_or_init(|| Secrecy::new(source::secret::marker()))
}

type Answer = Result<String, String>;

/// What gives the secrets of a repository.
pub struct Keeper {
    provider: Option<Provider>,
    root: PathBuf,
    /// What was asked for, by what the provider knows it by. Two hosts that need the same secret ask once.
    answers: Mutex<BTreeMap<String, Arc<OnceLock<Answer>>>>,
}

impl Keeper {
    /// The secrets of the repository at `root`.
    pub fn new(provider: Option<&Provider>, root: &Path) -> Self {
        Self { provider: provider.cloned(), root: root.to_owned(), answers: Mutex::default() }
    }

    fn fetch(&self, name: &SecretName) -> Answer {
        let Some(provider) = &self.provider else {
            return Err("`comply.yml` names nobody who gives secrets".to_owned());
        };
        let whole = format!("{}{}", provider.prefix, name.name());
        // A variable has no lines to choose from.
        let in_environment = provider.store == Store::Env;
        let asked = match name.field() {
            Some(field) if in_environment => format!("{whole}/{field}"),
            _ => whole,
        };
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(asked.clone()).or_default())
        };
        let text = answer.get_or_init(|| provider::ask(&provider.store, &asked, &self.root)).as_ref()?;
        match name.field().filter(|_| !in_environment) {
            Some(field) => line(text, field).ok_or_else(|| format!("`{asked}` has no line `{field}: …`")),
            None if matches!(provider.store, Store::Pass { .. }) => Ok(text.lines().next().unwrap_or("").to_owned()),
            None => Ok(text
                .strip_suffix('\n')
                .map(|text| text.strip_suffix('\r').unwrap_or(text))
                .unwrap_or(text)
                .to_owned()),
        }
    }
}

impl Secrets for Keeper {
    fn get(&self, name: &SecretName) -> Answer {
        let secret = self.fetch(name).and_then(|secret| match secret.as_str() {
            "" => Err("it is empty".to_owned()),
            text if text.contains('\0') => Err("it has a NUL in it".to_owned()),
            _ => Ok(secret),
        });
        match secret {
            Ok(secret) => {
                known().learn(&secret);
                Ok(secret)
            }
            Err(why) => Err(format!("no secret `{name}`: {}", known().conceal(&why))),
        }
    }
}

/// What stands behind `field:` on the first line that begins so.
fn line(text: &str, field: &str) -> Option<String> {
    let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(found.trim().to_owned())
}
