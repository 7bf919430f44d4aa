//! What conditions, values and template files of one host can see.

use crate::files::Files;
use crate::merge::Merger;
use crate::origin::by_use;
use crate::parameter::Inside;
use inventory::{Host, Identity};
use source::{Diagnostic, FileTemplate, Key, Node, NotRendered, Place, Scope, SourceFile, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The names of one host.
pub(crate) struct HostScope {
    nodes: BTreeMap<String, Node>,
}

impl HostScope {
    /// Project variables, then those of the host and its groups, then those of the command line, and the facts.
    pub(crate) fn new(
        project: &BTreeMap<String, Node>,
        host: &Host,
        overrides: &BTreeMap<String, Node>,
        facts: &Identity,
    ) -> Self {
        let mut nodes = project.clone();
        nodes.extend(host.vars.iter().map(|(name, variable)| (name.clone(), variable.value.clone())));
        nodes.extend(overrides.iter().map(|(name, value)| (name.clone(), value.clone())));
        let of_host = |fact: &Option<String>| match fact {
            Some(text) => Node::text(text.as_str(), host.place.clone()),
            None => Node { value: Value::Unknown, place: host.place.clone() },
        };
        let map = |entries: Vec<(&str, Node)>| Node {
            value: Value::Map(entries.into_iter().map(|(name, node)| (key(name, &host.place), node)).collect()),
            place: host.place.clone(),
        };
        let groups = host.groups.iter().map(|group| Node::text(group.as_str(), host.place.clone())).collect();
        let groups = Node { value: Value::List(groups), place: host.place.clone() };
        let name = Node::text(host.name.as_str(), host.place.clone());
        nodes.insert("host".to_owned(), map(vec![("name", name), ("groups", groups)]));
        let os = vec![
            ("id", of_host(&facts.os_id)),
            ("version", of_host(&facts.os_version)),
            ("codename", of_host(&facts.os_codename)),
        ];
        nodes.insert("os".to_owned(), map(os));
        nodes.insert("arch".to_owned(), of_host(&facts.arch));
        nodes.insert("hostname".to_owned(), of_host(&facts.hostname));
        nodes.insert("virtualization".to_owned(), of_host(&facts.virtualization));
        Self { nodes }
    }
}

fn key(name: &str, place: &Place) -> Key {
    Key { text: name.into(), place: place.clone() }
}

impl Scope for HostScope {
    fn get(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    fn names(&self) -> Vec<&str> {
        self.nodes.keys().map(String::as_str).collect()
    }
}

/// The variables of the command line, `--var NAME=VALUE`.
pub(crate) fn given(overrides: &[(String, String)], diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<String, Node> {
    let mut vars = BTreeMap::new();
    for (name, value) in overrides {
        let text = format!("{name}={value}");
        let file = SourceFile::new("--var", text.as_str());
        let entry = (
            Key { text: name.as_str().into(), place: Place::new(&file, 0..name.len()) },
            Node::plain(value.as_str(), Place::new(&file, name.len() + 1..text.len())),
        );
        let whole = Node { value: Value::Map(vec![entry]), place: Place::new(&file, 0..text.len()) };
        vars.extend(inventory::variables::read(&whole, diagnostics));
    }
    vars
}

/// Template files, each parsed once.
#[derive(Debug, Default)]
pub(crate) struct Templates(Mutex<HashMap<String, Result<Arc<FileTemplate>, String>>>);

impl Templates {
    fn get(&self, files: &Files, path: &str) -> Result<Arc<FileTemplate>, String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(path.to_owned())
            .or_insert_with(|| {
                let bytes = files.read(path)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| format!("`{path}` is not UTF-8 text"))?;
                FileTemplate::parse(path, text).map(Arc::new)
            })
            .clone()
    }
}

/// What is said where a template needs facts that are not known yet.
const NEEDS_FACTS: &str = "needs facts of the host that are not known yet";

/// What is said where a template needs names that are not there.
const NEEDS_NAMES: &str = "mentions names that are not defined";

/// The repository as the resources of one kind on a host see it.
pub(crate) struct HostFiles<'a> {
    pub(crate) files: &'a Files,
    pub(crate) templates: &'a Templates,
    pub(crate) scope: &'a HostScope,
    pub(crate) kind: usize,
    pub(crate) merger: &'a Merger<'a>,
    /// A template needed facts that are not known yet.
    pub(crate) unknown: Cell<bool>,
    /// The names that templates mention and nobody sets.
    pub(crate) undefined: RefCell<Vec<Diagnostic>>,
}

impl HostFiles<'_> {
    /// Whether a message is only about facts that are not known yet.
    pub(crate) fn is_about_facts(&self, message: &str) -> bool {
        self.unknown.get() && message.contains(NEEDS_FACTS)
    }

    /// Whether a message is only about what is told already.
    pub(crate) fn is_told(&self, message: &str) -> bool {
        !self.undefined.borrow().is_empty() && message.contains(NEEDS_NAMES)
    }

    fn render_with(
        &self,
        template: &FileTemplate,
        scope: &dyn Scope,
        path: &str,
        used_at: Option<&Place>,
    ) -> Result<String, String> {
        match template.render(scope) {
            Ok(text) => Ok(text),
            Err(NotRendered::Wrong(message)) => Err(message),
            Err(NotRendered::Undefined(names)) => {
                let names = names.into_iter().map(|name| match used_at {
                    Some(place) => by_use(name, place),
                    None => name,
                });
                self.undefined.borrow_mut().extend(names);
                Err(format!("`{path}` {NEEDS_NAMES}"))
            }
            Err(NotRendered::Unknown) => {
                self.unknown.set(true);
                Err(format!("`{path}` {NEEDS_FACTS}"))
            }
        }
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        self.files.read(path)
    }

    /// The files below a directory.
    pub(crate) fn tree(&self, directory: &str) -> Result<Vec<engine::Entry>, String> {
        self.files.below(directory)
    }

    /// A file rendered, with placeholders for its secrets. Declarations that name the same template with other parameters
    /// agree if it comes to the same text.
    pub(crate) fn render(&self, name: &str, field: &str, path: &str) -> Result<String, String> {
        let template = self.templates.get(self.files, path)?;
        let origins = self.merger.find(self.kind, name).and_then(|merged| merged.field_origins.get(field));
        let mut text: Option<String> = None;
        for origin in origins.iter().flat_map(|origins| origins.iter()) {
            let rendered = match &origin.used {
                Some(used) => {
                    let scope = Inside { arguments: &used.arguments, host: self.scope };
                    self.render_with(&template, &scope, path, Some(&used.place))?
                }
                None => self.render_with(&template, self.scope, path, None)?,
            };
            if text.as_ref().is_some_and(|known| *known != rendered) {
                return Err(format!("`{path}` comes to two texts: its declarations have other parameters"));
            }
            text = Some(rendered);
        }
        text.map_or_else(|| self.render_with(&template, self.scope, path, None), Ok)
    }
}
