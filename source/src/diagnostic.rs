//! A mistake in a repository, said so that it can be put right.

use crate::place::Place;
use std::collections::{BTreeMap, BTreeSet};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is done with such a repository.
    Error,
    /// Worth knowing; nothing stops.
    Warning,
}

/// One message about a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Names this kind of mistake, for machines and for searching; never changes its meaning.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is wrong: a sentence without a full stop.
    pub message: String,
    /// Every place involved and its part in it; the first one is where the mistake is.
    pub labels: Vec<(Place, String)>,
    /// What to do.
    pub hint: Option<String>,
    /// The hosts it was found on, where it is not the same for all.
    pub hosts: BTreeSet<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            level: Level::Error,
            message: message.into(),
            labels: Vec::new(),
            hint: None,
            hosts: BTreeSet::new(),
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, message) }
    }

    /// Points at `place`; `label` may be empty.
    pub fn at(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.labels.push((place.clone(), label.into()));
        self
    }

    /// And what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// And what to do, if anything is known.
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Found on this host.
    pub fn on(mut self, host: &str) -> Self {
        self.hosts.insert(host.to_owned());
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

/// Whether one of them is an error.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// In the order of their places, each once: the same mistake found on several hosts becomes one message.
#[expect(
    clippy::mutable_key_type,
    reason = "what can change in a file is what is hidden of it, and no order looks at that"
)]
pub fn sorted(diagnostics: impl IntoIterator<Item = Diagnostic>) -> Vec<Diagnostic> {
    type Key = (Option<Place>, Level, &'static str, String, Vec<(Place, String)>);
    let mut by_key: BTreeMap<Key, Diagnostic> = BTreeMap::new();
    for diagnostic in diagnostics {
        let first = diagnostic.labels.first().map(|(place, _)| place.clone());
        let key = (first, diagnostic.level, diagnostic.code, diagnostic.message.clone(), diagnostic.labels.clone());
        match by_key.get_mut(&key) {
            Some(known) => known.hosts.extend(diagnostic.hosts),
            None => {
                by_key.insert(key, diagnostic);
            }
        }
    }
    by_key.into_values().collect()
}
