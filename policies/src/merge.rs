//! All declarations of one resource on one host become one.

use crate::expand::Expanded;
use crate::kinds::Kinds;
use crate::policy::Policy;
use engine::{Fields, Mode, Severity, Source};
use serde_json::Value;
use source::{Diagnostic, Place};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A resource as its declarations together want it.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) kind: usize,
    pub(crate) name: String,
    /// Where it is declared; the first one first.
    pub(crate) places: Vec<Place>,
    pub(crate) sources: Vec<Source>,
    pub(crate) fields: Fields,
    pub(crate) field_places: BTreeMap<String, Place>,
    pub(crate) mode: Mode,
    pub(crate) held_by: Vec<String>,
    pub(crate) severity: Option<Severity>,
    pub(crate) tags: Vec<String>,
    pub(crate) refs: Vec<String>,
    pub(crate) why: Vec<String>,
    pub(crate) requires: Vec<(String, Place)>,
    pub(crate) before: Vec<(String, Place)>,
    /// A declaration takes part: its `when` is not false.
    pub(crate) wanted: bool,
    /// A part of it is not known, so what it lacks proves nothing.
    pub(crate) incomplete: bool,
    /// Whether it is wanted, or what of it, depends on facts that are not known yet.
    pub(crate) undetermined: bool,
}

/// The resources of one host while they are gathered.
pub(crate) struct Merger<'a> {
    kinds: &'a Kinds,
    by_name: HashMap<(usize, String), usize>,
    pub(crate) resources: Vec<Merged>,
    /// Why the host itself is held to audit.
    held_by: Option<String>,
}

impl<'a> Merger<'a> {
    pub(crate) fn new(kinds: &'a Kinds, audit_only: Option<&Place>) -> Self {
        Self {
            kinds,
            by_name: HashMap::new(),
            resources: Vec::new(),
            held_by: audit_only.map(|place| format!("{place} says mode: audit")),
        }
    }

    pub(crate) fn has(&self, kind: usize, name: &str) -> bool {
        self.by_name.contains_key(&(kind, name.to_owned()))
    }

    pub(crate) fn find(&self, kind: usize, name: &str) -> Option<&Merged> {
        self.resources.get(*self.by_name.get(&(kind, name.to_owned()))?)
    }

    fn slot(&mut self, kind: usize, name: &str, policy: &Policy, place: &Place) -> Option<&mut Merged> {
        let index = *self.by_name.entry((kind, name.to_owned())).or_insert_with(|| {
            self.resources.push(Merged { kind, name: name.to_owned(), ..Merged::default() });
            self.resources.len() - 1
        });
        let slot = self.resources.get_mut(index)?;
        let source = Source { policy: policy.name.clone(), file: place.path().to_owned(), line: place.line() };
        if !slot.sources.contains(&source) {
            slot.sources.push(source);
            slot.places.push(place.clone());
        }
        Some(slot)
    }

    /// A declaration whose `when` is false.
    pub(crate) fn skip(&mut self, kind: usize, name: &str, policy: &Policy, place: &Place) {
        self.slot(kind, name, policy, place);
    }

    /// A declaration that takes part. `certain`: its `when` is known to hold.
    pub(crate) fn add(
        &mut self,
        kind: usize,
        expanded: &Expanded,
        policy: &Policy,
        place: &Place,
        certain: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let held_by_host = self.held_by.clone();
        let Some(module) = self.kinds.get(kind).map(|kind| kind.module) else { return };
        let Some(slot) = self.slot(kind, &expanded.name, policy, place) else { return };
        let id = format!("{}/{}", module.kind(), slot.name);
        let compared = certain && !slot.undetermined;
        for (field, value) in &expanded.typed.fields {
            let place = expanded.typed.places.get(field).unwrap_or(place);
            match slot.fields.get_mut(field) {
                None => {
                    slot.fields.insert(field.clone(), value.clone());
                    slot.field_places.insert(field.clone(), place.clone());
                }
                Some(known) if module.sets().contains(&field.as_str()) => unite(known, value),
                Some(known) if *known == *value || !compared => {}
                Some(_) => {
                    let first = slot.field_places.get(field).unwrap_or(place);
                    diagnostics.push(conflict(&id, field, place, first));
                }
            }
        }
        slot.wanted = true;
        slot.undetermined |= !certain || expanded.unknown;
        slot.incomplete |= expanded.incomplete;
        let modes = [policy.mode.as_ref(), expanded.mode.as_ref()];
        for held_by in held_by_host.into_iter().chain(modes.into_iter().flatten().filter_map(holding)) {
            slot.mode = Mode::Audit;
            add_new(&mut slot.held_by, [held_by]);
        }
        slot.severity = slot.severity.max(Some(expanded.severity.unwrap_or(policy.severity)));
        add_new(&mut slot.tags, policy.tags.iter().chain(&expanded.tags).cloned());
        add_new(&mut slot.refs, policy.refs.iter().chain(&expanded.refs).cloned());
        add_new(&mut slot.why, expanded.why.clone());
        add_new(&mut slot.requires, expanded.requires.iter().cloned());
        add_new(&mut slot.before, expanded.before.iter().cloned());
    }
}

fn holding((mode, place): &(Mode, Place)) -> Option<String> {
    (*mode == Mode::Audit).then(|| format!("{place} says mode: audit"))
}

fn add_new<T: PartialEq>(all: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// Adds what is new, in order.
fn unite(known: &mut Value, more: &Value) {
    let (Value::Array(known), Value::Array(more)) = (known, more) else { return };
    let mut seen: HashSet<String> = known.iter().map(Value::to_string).collect();
    known.extend(more.iter().filter(|value| seen.insert(value.to_string())).cloned());
}

fn conflict(id: &str, field: &str, here: &Place, there: &Place) -> Diagnostic {
    Diagnostic::error("conflict", format!("`{field}` of {id} is declared with two values"))
        .at(here, "this one")
        .at(there, "and this one")
        .hint("keep one of them; for a host that differs, use a variable that the host sets")
}
