//! All declarations of one resource on one host become one.

use crate::expand::{Common, Expanded};
use crate::kinds::Kinds;
use crate::origin::Origin;
use crate::policy::Policy;
use crate::typed::Typed;
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
    pub(crate) origins: Vec<Origin>,
    pub(crate) sources: Vec<Source>,
    pub(crate) fields: Fields,
    pub(crate) field_origins: BTreeMap<String, FieldOrigins>,
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
    /// Whether it is wanted depends on facts that are not known yet: what it says may be one of two sides.
    pub(crate) doubtful: bool,
    /// Whether it is wanted, or what of it, depends on facts that are not known yet.
    pub(crate) undetermined: bool,
}

impl Merged {
    /// Whether its declarations may be sides of which only one will hold, which cannot be judged together.
    pub(crate) fn is_of_two_sides(&self) -> bool {
        self.doubtful && self.origins.len() > 1
    }
}

/// Where the value of a field comes from.
pub(crate) struct FieldOrigins {
    first: Origin,
    /// Others that say the same in another technique's words, or more elements of a set.
    others: Vec<Origin>,
}

impl FieldOrigins {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn add(&mut self, origin: Origin) {
        if !self.iter().any(|known| known.says_the_same(&origin)) {
            self.others.push(origin);
        }
    }
}

/// Who declares: a policy, by itself or by its use of a technique.
pub(crate) struct Speaker<'a> {
    pub(crate) policy: &'a Policy,
    /// What stands beside the technique.
    pub(crate) common: Option<&'a Common>,
}

impl Speaker<'_> {
    fn severity(&self) -> Severity {
        self.common.and_then(|common| common.severity).unwrap_or(self.policy.severity)
    }

    fn tags(&self) -> impl Iterator<Item = &String> {
        self.policy.tags.iter().chain(self.common.into_iter().flat_map(|common| &common.tags))
    }

    fn mode(&self) -> Option<&(Mode, Place)> {
        self.common.and_then(|common| common.mode.as_ref())
    }
}

/// The resources of one host while they are gathered.
pub(crate) struct Merger<'a> {
    kinds: &'a Kinds,
    by_name: HashMap<(usize, String), usize>,
    pub(crate) resources: Vec<Merged>,
    /// Why the host itself is held to audit.
    held_by: Option<String>,
    /// Every declaration as it came in, if somebody wants an explanation.
    pub(crate) told: Option<Vec<Told>>,
}

/// One declaration of one resource, as it came in.
pub(crate) struct Told {
    pub(crate) kind: usize,
    pub(crate) name: String,
    pub(crate) policy: String,
    pub(crate) origin: Origin,
    /// Whether its `when` is known to hold; `None` if it is false.
    pub(crate) certain: Option<bool>,
    pub(crate) typed: Typed,
}

impl<'a> Merger<'a> {
    pub(crate) fn new(kinds: &'a Kinds, audit_only: Option<&Place>) -> Self {
        Self {
            kinds,
            by_name: HashMap::new(),
            resources: Vec::new(),
            held_by: audit_only.map(|place| format!("{place} says mode: audit")),
            told: None,
        }
    }

    pub(crate) fn has(&self, kind: usize, name: &str) -> bool {
        self.by_name.contains_key(&(kind, name.to_owned()))
    }

    pub(crate) fn find(&self, kind: usize, name: &str) -> Option<&Merged> {
        self.resources.get(*self.by_name.get(&(kind, name.to_owned()))?)
    }

    fn slot(&mut self, kind: usize, name: &str, speaker: &Speaker<'_>, origin: &Origin) -> Option<&mut Merged> {
        let index = *self.by_name.entry((kind, name.to_owned())).or_insert_with(|| {
            self.resources.push(Merged { kind, name: name.to_owned(), ..Merged::default() });
            self.resources.len() - 1
        });
        let slot = self.resources.get_mut(index)?;
        if !slot.origins.iter().any(|known| known.same(origin)) {
            slot.origins.push(origin.clone());
        }
        for place in origin.used_at().into_iter().chain([&origin.place]) {
            let file = place.path().to_owned();
            add_new(&mut slot.sources, [Source { policy: speaker.policy.name.clone(), file, line: place.line() }]);
        }
        Some(slot)
    }

    /// A declaration whose `when` is false.
    pub(crate) fn skip(&mut self, kind: usize, name: &str, speaker: &Speaker<'_>, origin: &Origin) {
        self.slot(kind, name, speaker, origin);
        self.tell(kind, name, speaker, origin, None, &Typed::default());
    }

    fn tell(
        &mut self,
        kind: usize,
        name: &str,
        speaker: &Speaker<'_>,
        origin: &Origin,
        certain: Option<bool>,
        typed: &Typed,
    ) {
        let Some(told) = &mut self.told else { return };
        let (name, policy, typed) = (name.to_owned(), speaker.policy.name.clone(), typed.clone());
        told.push(Told { kind, name, policy, origin: origin.clone(), certain, typed });
    }

    /// A declaration that takes part. `certain`: its `when` is known to hold.
    pub(crate) fn add(
        &mut self,
        kind: usize,
        expanded: &Expanded,
        speaker: &Speaker<'_>,
        origin: &Origin,
        certain: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        self.tell(kind, &expanded.name, speaker, origin, Some(certain), &expanded.typed);
        let (kinds, held_by_host) = (self.kinds, self.held_by.clone());
        let Some(module) = self.kinds.get(kind).map(|kind| kind.module) else { return };
        let Some(slot) = self.slot(kind, &expanded.name, speaker, origin) else { return };
        let compared = certain && !slot.doubtful;
        for (field, value) in &expanded.typed.fields {
            let place = expanded.typed.places.get(field).unwrap_or(&origin.place);
            let origin = Origin { place: place.clone(), used: origin.used.clone() };
            let is_set = module.sets().contains(&field.as_str());
            let Some(known) = slot.fields.get_mut(field) else {
                slot.fields.insert(field.clone(), value.clone());
                slot.field_origins.insert(field.clone(), FieldOrigins { first: origin, others: Vec::new() });
                continue;
            };
            let Some(origins) = slot.field_origins.get_mut(field) else { continue };
            if is_set {
                unite(known, value);
                origins.add(origin);
            } else if *known == *value {
                if origin.used.is_some() || origins.first.used.is_some() {
                    origins.add(origin);
                }
            } else if compared {
                let id = format!("{}/{}", module.kind(), slot.name);
                diagnostics.push(conflict(&id, field, &origin, &origins.first));
            }
        }
        slot.wanted = true;
        slot.doubtful |= !certain;
        slot.undetermined |= !certain || expanded.unknown;
        slot.incomplete |= expanded.incomplete;
        let common = &expanded.common;
        let modes = [speaker.policy.mode.as_ref(), speaker.mode(), common.mode.as_ref()];
        for held_by in held_by_host.into_iter().chain(modes.into_iter().flatten().filter_map(holding)) {
            slot.mode = Mode::Audit;
            add_new(&mut slot.held_by, [held_by]);
        }
        slot.severity = slot.severity.max(Some(common.severity.unwrap_or_else(|| speaker.severity())));
        add_new(&mut slot.tags, speaker.tags().chain(&common.tags).cloned());
        add_new(&mut slot.refs, speaker.policy.refs.iter().chain(&common.refs).cloned());
        add_new(&mut slot.why, common.why.clone());
        let spelled = |(id, place): &(String, Place)| (kinds.spelled(id), place.clone());
        add_new(&mut slot.requires, common.requires.iter().map(spelled));
        add_new(&mut slot.before, common.before.iter().map(spelled));
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

fn conflict(id: &str, field: &str, here: &Origin, there: &Origin) -> Diagnostic {
    let diagnostic = Diagnostic::error("conflict", format!("`{field}` of {id} is declared with two values"))
        .hint("keep one of them; for a host that differs, use a variable that the host sets");
    there.mark(here.mark(diagnostic, "this one"), "and this one")
}
