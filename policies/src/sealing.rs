//! The files of a repository and the secrets, as the resources of one kind see them while they are sealed.

use crate::host::HostFiles;
use engine::{AnyModule, Fields, Id, Repository};
use serde_json::Value;
use source::secret::{fill, names_in};
use source::{SecretName, Secrets};
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

    fn render(&self, name: &str, field: &'static str, path: &str) -> Result<String, String> {
        Ok(self.fill(name, field, self.files.render(path)?))
    }

    fn holds_secret(&self, name: &str) -> bool {
        self.found.borrow().contains_key(name)
    }
}
