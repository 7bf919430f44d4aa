//! The files of a repository and the secrets, as the resources of one kind see them while they are sealed.

use crate::host::HostFiles;
use crate::merge::Merger;
use engine::{AnyModule, Fields, Id, Repository};
use inventory::Host;
use serde_json::Value;
use source::secret::{fill, names_in};
use source::{Diagnostic, SecretName, Secrets};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Secrets to put in, and where: nobody else's are asked for.
pub struct Reveal<'a> {
    /// Who gives them.
    pub secrets: &'a dyn Secrets,
    /// The resources that will be looked at.
    pub of: &'a BTreeSet<Id>,
}

/// What secrets a resource has.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub(crate) names: BTreeSet<SecretName>,
    /// The field each one that could not be had is in, and why.
    pub(crate) missing: Vec<(&'static str, String)>,
}

/// The work on the resources of one kind.
pub(crate) struct Sealing<'a> {
    files: &'a HostFiles<'a>,
    module: &'static dyn AnyModule,
    reveal: Option<&'a Reveal<'a>>,
    found: RefCell<BTreeMap<String, Found>>,
}

impl<'a> Sealing<'a> {
    pub(crate) fn new(
        files: &'a HostFiles<'a>,
        module: &'static dyn AnyModule,
        reveal: Option<&'a Reveal<'a>>,
    ) -> Self {
        Self { files, module, reveal, found: RefCell::default() }
    }

    /// What was found, by name of resource.
    pub(crate) fn found(self) -> BTreeMap<String, Found> {
        self.found.into_inner()
    }

    /// Puts the secrets into the fields of a resource. What a secret makes wrong counts as a secret that cannot be had:
    /// it is no mistake of the repository.
    pub(crate) fn fields(&self, name: &str, fields: &mut Fields) {
        let mut filled = fields.clone();
        for field in self.module.secrets() {
            if let Some(value) = filled.get_mut(*field) {
                self.value(name, field, value);
            }
        }
        if filled == *fields {
            return;
        }
        let problems = self.module.problems(name, &filled);
        match problems.first() {
            None => *fields = filled,
            Some(problem) => {
                let field = self.module.secrets().iter().find(|field| problem.field == Some(**field));
                let field = field.or_else(|| self.module.secrets().first()).copied().unwrap_or("name");
                self.miss(name, field, format!("its secret does not fit: {}", problem.message));
            }
        }
    }

    fn value(&self, name: &str, field: &'static str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.fill(name, field, std::mem::take(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(name, field, item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.value(name, field, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn fill(&self, name: &str, field: &'static str, text: String) -> String {
        let names = names_in(&text);
        if names.is_empty() {
            return text;
        }
        self.found.borrow_mut().entry(name.to_owned()).or_default().names.extend(names);
        let reveal = self.reveal.filter(|reveal| reveal.of.contains(&Id::new(self.module.kind(), name)));
        match reveal.map(|reveal| fill(&text, reveal.secrets)) {
            None => text,
            Some(Ok(filled)) => filled,
            Some(Err(why)) => {
                self.miss(name, field, why);
                text
            }
        }
    }

    fn miss(&self, name: &str, field: &'static str, why: String) {
        self.found.borrow_mut().entry(name.to_owned()).or_default().missing.push((field, why));
    }
}

impl Repository for Sealing<'_> {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        self.files.read(path)
    }

    /// A secret in a template counts as one of the field that the kind tells differences of it in.
    fn render(&self, name: &str, field: &str, path: &str) -> Result<String, String> {
        let text = self.files.render(name, field, path)?;
        let fields = self.module.secrets();
        match fields.iter().find(|known| **known == field).or(fields.first()) {
            Some(field) => Ok(self.fill(name, field, text)),
            None if names_in(&text).is_empty() => Ok(text),
            None => Err(format!("`{path}` cannot hold a secret: a {} has no place for one", self.module.kind())),
        }
    }

    fn tree(&self, directory: &str) -> Result<Vec<engine::Entry>, String> {
        self.files.tree(directory)
    }

    fn holds_secret(&self, name: &str) -> bool {
        self.found.borrow().contains_key(name)
    }

    fn lacks_secret(&self, name: &str) -> bool {
        self.found.borrow().get(name).is_some_and(|found| !found.missing.is_empty())
    }
}

/// `secret()` where `comply.yml` names nobody who gives secrets.
pub(crate) fn without_provider(merger: &Merger<'_>, kind: usize, found: &BTreeMap<String, Found>) -> Vec<Diagnostic> {
    let found = found.iter().filter_map(|(name, found)| Some((found, merger.find(kind, name)?)));
    let told = found.map(|(found, merged)| {
        let diagnostic = nobody_gives(&found.names);
        merged.origins.iter().fold(diagnostic, |diagnostic, origin| origin.mark(diagnostic, ""))
    });
    told.collect()
}

/// `become_secret` where `comply.yml` names nobody who gives secrets.
pub(crate) fn become_without_provider(host: &Host) -> Option<Diagnostic> {
    let (name, place) = host.settings.become_secret.as_ref()?;
    Some(nobody_gives(&BTreeSet::from([name.clone()])).at(place, ""))
}

fn nobody_gives(names: &BTreeSet<SecretName>) -> Diagnostic {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error("no-secrets", format!("nobody is named who gives the secret {}", names.join(", ")))
        .hint("say it in `comply.yml`: `secrets: {provider: pass}`, or `env`, `file`, `command`")
}
