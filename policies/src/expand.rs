//! A declaration rendered for a host (or for all), its common keys read and its fields typed.

use crate::declaration::Declaration;
use crate::kinds::{Kind, Kinds};
use crate::typed::Typed;
use engine::{Mode, Severity};
use serde::de::DeserializeOwned;
use source::de::{self, about};
use source::{Diagnostic, Key, Node, Place, Rendered, Scope, Template};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The keys that every resource takes, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Common {
    pub(crate) mode: Option<(Mode, Place)>,
    pub(crate) severity: Option<Severity>,
    pub(crate) tags: Vec<String>,
    pub(crate) refs: Vec<String>,
    pub(crate) why: Option<String>,
    pub(crate) requires: Vec<(String, Place)>,
    pub(crate) before: Vec<(String, Place)>,
}

/// A declaration with everything in it known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) name: String,
    pub(crate) typed: Typed,
    pub(crate) common: Common,
    /// A part of it depends on facts that are not known yet, or was wrong and has been reported.
    pub(crate) incomplete: bool,
    /// A part of it depends on facts that are not known yet.
    pub(crate) unknown: bool,
}

/// No names at all, for declarations that need none.
pub(crate) struct Nothing;

impl Scope for Nothing {
    fn get(&self, _: &str) -> Option<&Node> {
        None
    }
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Expanded {
    /// What a declaration comes to on every host, if it is the same.
    pub(crate) fn fixed(
        declaration: &Declaration,
        kinds: &Kinds,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Self>> {
        if !declaration.is_fixed() {
            return None;
        }
        Self::new(declaration, kinds.get(declaration.kind)?, &Nothing, diagnostics).map(Arc::new)
    }

    /// Renders and types a declaration. `None` if it has no name.
    pub(crate) fn new(
        declaration: &Declaration,
        kind: &Kind,
        scope: &dyn Scope,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let name = kind.module.spelling(&Self::name(declaration, scope, diagnostics)?);
        let mut expanded = Self { name, incomplete: declaration.incomplete, ..Self::default() };
        let (mut fields, mut open) = (Vec::new(), BTreeMap::new());
        if let Some((key, template)) = &declaration.mode
            && let Some(node) = expanded.public(key, template, scope, diagnostics)
        {
            let ours = matches!(node.as_str(), Some("audit" | "enforce"));
            if kind.fields.contains("mode") && !ours {
                fields.push((key.clone(), node));
            } else {
                expanded.common.read(key, &node, diagnostics);
            }
        }
        for (key, template) in &declaration.common {
            if let Some(node) = expanded.public(key, template, scope, diagnostics) {
                expanded.common.read(key, &node, diagnostics);
            }
        }
        for (key, template) in &declaration.fields {
            let before = diagnostics.len();
            let node = match kind.module.secrets().contains(&&*key.text) {
                true => expanded.take(template.render(scope, diagnostics)),
                false => expanded.public(key, template, scope, diagnostics),
            };
            match node {
                Some(node) => fields.push((key.clone(), node)),
                None if diagnostics.len() == before => _ = open.insert(key.text.to_string(), key.place.clone()),
                None => {}
            }
        }
        let (typed, whole) = Typed::new(kind, fields, &declaration.place, diagnostics);
        expanded.typed = Typed { open, ..typed };
        expanded.incomplete |= !whole;
        Some(expanded)
    }

    /// The name of what is declared. `None` without a diagnostic: it depends on facts that are not known yet.
    pub(crate) fn name(
        declaration: &Declaration,
        scope: &dyn Scope,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        let Some(template) = &declaration.name else {
            return Some(declaration.label.text.to_string());
        };
        let rendered = template.render(scope, diagnostics).public("name", template.place(), diagnostics);
        let Rendered::Value(node) = rendered else { return None };
        match node.as_str() {
            Some(name) if !name.is_empty() && !name.contains('\0') => Some(name.to_owned()),
            Some(_) => {
                let message = "the name comes to a text that is empty or holds a NUL";
                diagnostics.push(Diagnostic::error("bad-name", message).at(template.place(), ""));
                None
            }
            None => {
                let message = format!("`name` must be text, not {}", node.kind());
                diagnostics.push(Diagnostic::error("bad-name", message).at(template.place(), ""));
                None
            }
        }
    }

    fn take(&mut self, rendered: Rendered) -> Option<Node> {
        match rendered {
            Rendered::Value(node) => return Some(node),
            Rendered::Unknown => self.unknown = true,
            Rendered::Failed => {}
        }
        self.incomplete = true;
        None
    }

    /// A value that may not hold a secret.
    fn public(
        &mut self,
        key: &Key,
        template: &Template,
        scope: &dyn Scope,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Node> {
        let rendered = template.render(scope, diagnostics);
        self.take(rendered.public(&key.text, template.place(), diagnostics))
    }
}

impl Common {
    /// Takes in one of them.
    pub(crate) fn read(&mut self, key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
        match &*key.text {
            "mode" => self.mode = read(key, node, diagnostics).map(|mode| (mode, node.place.clone())),
            "severity" => self.severity = read(key, node, diagnostics),
            "tags" => self.tags = read(key, node, diagnostics).unwrap_or_default(),
            "refs" => self.refs = read(key, node, diagnostics).unwrap_or_default(),
            "why" => self.why = read(key, node, diagnostics),
            "requires" => self.requires = ids(key, node, diagnostics),
            "before" => self.before = ids(key, node, diagnostics),
            _ => {}
        }
    }
}

fn read<T: DeserializeOwned>(key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
    match de::read(node) {
        Ok(value) => Some(value),
        Err(mut diagnostic) => {
            diagnostic.message = about(&key.text, &diagnostic.message);
            diagnostics.push(*diagnostic);
            None
        }
    }
}

fn ids(key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Vec<(String, Place)> {
    if read::<Vec<String>>(key, node, diagnostics).is_none() {
        return Vec::new();
    }
    let items = node.as_list().unwrap_or(&[]);
    items.iter().filter_map(|item| Some((item.as_str()?.to_owned(), item.place.clone()))).collect()
}
