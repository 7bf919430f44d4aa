//! The table of modules, with what the language needs of it at hand.

use engine::AnyModule;
use source::glob;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Keys that every resource takes.
pub(crate) const COMMON: &[&str] =
    &["name", "mode", "severity", "tags", "refs", "why", "when", "for_each", "requires", "before"];

/// One kind of resource.
pub(crate) struct Kind {
    pub(crate) module: &'static dyn AnyModule,
    /// The fields of its schema.
    pub(crate) fields: BTreeSet<String>,
}

impl Kind {
    /// Everything a declaration may say.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str).chain(COMMON.iter().copied().filter(|key| !self.fields.contains(*key)))
    }
}

/// All kinds.
pub(crate) struct Kinds {
    all: Vec<Kind>,
    by_section: BTreeMap<&'static str, usize>,
}

impl Kinds {
    /// The kinds of a table. Their schemas are made once, however many repositories are loaded.
    pub(crate) fn of(modules: &'static [&'static dyn AnyModule]) -> Arc<Self> {
        static KNOWN: Mutex<Vec<(usize, Arc<Kinds>)>> = Mutex::new(Vec::new());
        let table = modules.as_ptr().addr();
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kinds)) = known.iter().find(|(address, _)| *address == table) {
            return kinds.clone();
        }
        let kinds = Arc::new(Self::new(modules));
        known.push((table, kinds.clone()));
        kinds
    }

    pub(crate) fn new(modules: &'static [&'static dyn AnyModule]) -> Self {
        let all: Vec<Kind> = modules.iter().map(|module| Kind { module: *module, fields: fields(*module) }).collect();
        let by_section = all.iter().enumerate().map(|(index, kind)| (kind.module.section(), index)).collect();
        Self { all, by_section }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Kind> {
        self.all.get(index)
    }

    pub(crate) fn all(&self) -> &[Kind] {
        &self.all
    }

    pub(crate) fn section(&self, section: &str) -> Option<(usize, &Kind)> {
        let index = *self.by_section.get(section)?;
        Some((index, self.all.get(index)?))
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = &'static str> {
        self.by_section.keys().copied()
    }

    pub(crate) fn kind(&self, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|known| known.module.kind() == kind)
    }

    /// An id in the one spelling of its name; a glob as it is.
    pub(crate) fn spelled(&self, id: &str) -> String {
        let known = id.split_once('/').filter(|_| !glob::is_glob(id));
        let known = known.and_then(|(kind, name)| Some((self.kind(kind)?.module, name)));
        known.map_or_else(|| id.to_owned(), |(module, name)| format!("{}/{}", module.kind(), module.spelling(name)))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.all.iter().map(|kind| kind.module.kind())
    }
}

fn fields(module: &dyn AnyModule) -> BTreeSet<String> {
    let schema = module.schema();
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
