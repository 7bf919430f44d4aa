//! From a repository to the resources of one host.

use crate::expand::Expanded;
use crate::host::{HostFiles, HostScope};
use crate::merge::{Merged, Merger};
use crate::policy::{Entry, Policy};
use crate::repo::Repo;
use engine::{Id, Resource};
use inventory::{Host, Identity};
use source::{Diagnostic, Each, Local, Place, Scope, SourceFile, Truth, sorted, suggest};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The resources of one host, and everything that is wrong with them.
pub struct Resolution {
    /// The host's name.
    pub host: String,
    /// What must hold on it. Resources that are wrong are left out.
    pub resources: Vec<Resource>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Something depends on facts of the host that are not known yet: resolve again once it has been asked.
    pub undetermined: bool,
    places: HashMap<Id, Vec<Place>>,
    undetermined_ids: BTreeSet<Id>,
    waivers: BTreeSet<usize>,
}

impl Resolution {
    /// Whether it depends on facts that are not known yet if this resource is wanted at all, or what of it.
    /// Such a resource can be shown, and must not be acted upon.
    pub fn is_undetermined(&self, id: &Id) -> bool {
        self.undetermined_ids.contains(id)
    }

    /// Where a resource is declared, the first declaration first.
    pub fn places_of(&self, id: &Id) -> &[Place] {
        self.places.get(id).map_or(&[], Vec::as_slice)
    }
}

/// The work on one host.
struct Resolver<'a> {
    repo: &'a Repo,
    merger: Merger<'a>,
    diagnostics: Vec<Diagnostic>,
    undetermined: bool,
}

impl Repo {
    /// What must hold on a host. `facts` are what it said of itself; what they leave open, and everything
    /// without them, is what the inventory says of it.
    pub fn resolve(&self, host: &str, facts: Option<&Identity>) -> Resolution {
        let Some(index) = self.inventory.hosts().iter().position(|known| known.name == host) else {
            return self.no_such_host(host);
        };
        let Some(known) = self.inventory.hosts().get(index) else { return self.no_such_host(host) };
        let (resolver, scope) = self.gather(index, known, facts);
        resolver.finish(index, known, &scope)
    }

    /// The waivers that cover nothing on any of these hosts, which must be all hosts of the repository.
    pub fn unused_waivers(&self, resolutions: &[Resolution]) -> Vec<Diagnostic> {
        let used: BTreeSet<usize> = resolutions.iter().flat_map(|resolution| &resolution.waivers).copied().collect();
        let unused = self.waivers.iter().enumerate().filter(|(index, _)| !used.contains(index));
        unused
            .map(|(_, waiver)| {
                Diagnostic::warning("waiver-unused", format!("no resource of its hosts is `{}`", waiver.resource))
                    .at(&waiver.place, "")
                    .hint("an id is `kind/name`; take the waiver out if its resource is gone")
            })
            .collect()
    }

    fn no_such_host(&self, host: &str) -> Resolution {
        let file = SourceFile::new("--limit", host);
        let hint = suggest::hint(host, self.inventory.hosts().iter().map(|host| host.name.as_str()));
        let diagnostic = Diagnostic::error("unknown-host", format!("there is no host `{host}`"))
            .at(&Place::new(&file, 0..host.len()), "")
            .maybe_hint(hint);
        Resolution {
            host: host.to_owned(),
            resources: Vec::new(),
            diagnostics: vec![diagnostic],
            undetermined: false,
            places: HashMap::new(),
            undetermined_ids: BTreeSet::new(),
            waivers: BTreeSet::new(),
        }
    }

    fn gather(&self, index: usize, host: &Host, facts: Option<&Identity>) -> (Resolver<'_>, HostScope) {
        let facts = facts.map_or_else(|| host.facts.clone(), |facts| facts.or(&host.facts));
        let scope = HostScope::new(&self.vars, host, &self.overrides, &facts);
        let mut resolver = Resolver {
            repo: self,
            merger: Merger::new(&self.kinds, host.audit_only.as_ref()),
            diagnostics: Vec::new(),
            undetermined: false,
        };
        for policy in self.of_host.get(index).into_iter().flatten().filter_map(|index| self.policies.get(*index)) {
            resolver.policy(policy, &scope);
        }
        (resolver, scope)
    }

    /// Whether any host has a declaration of this id, whatever its `when`.
    fn declares(&self, id: &str) -> bool {
        let declared = self.declared.get_or_init(|| {
            let mut ids = BTreeSet::new();
            for (index, host) in self.inventory.hosts().iter().enumerate() {
                let (resolver, _) = self.gather(index, host, None);
                for merged in &resolver.merger.resources {
                    if let Some(kind) = self.kinds.get(merged.kind) {
                        ids.insert(format!("{}/{}", kind.module.kind(), merged.name));
                    }
                }
            }
            ids
        });
        declared.contains(id)
    }
}

impl Resolver<'_> {
    fn policy(&mut self, policy: &Policy, scope: &dyn Scope) {
        let truth = match &policy.when {
            None => Truth::Yes,
            Some(when) => match when.truth(scope) {
                Ok(truth) => truth,
                Err(diagnostics) => return self.diagnostics.extend(diagnostics),
            },
        };
        for entry in &policy.declarations {
            self.entry(entry, policy, truth, scope);
        }
    }

    /// A declaration, once or for each of a list.
    fn entry(&mut self, entry: &Entry, policy: &Policy, truth: Truth, scope: &dyn Scope) {
        let Some(for_each) = &entry.declaration.for_each else {
            return self.one(entry, policy, truth, scope);
        };
        match for_each.each(scope) {
            Ok(Each::Items(items)) => {
                for item in &items {
                    let names = [("item", item)];
                    self.one(entry, policy, truth, &Local { names: &names, outer: scope });
                }
            }
            Ok(Each::Entries(entries)) => {
                for (key, value) in &entries {
                    let names = [("key", key), ("value", value)];
                    self.one(entry, policy, truth, &Local { names: &names, outer: scope });
                }
            }
            Ok(Each::Unknown) => self.undetermined = true,
            // What is switched off here may rest on variables that are not set here.
            Err(_) if truth == Truth::No => {}
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }

    fn one(&mut self, entry: &Entry, policy: &Policy, truth: Truth, scope: &dyn Scope) {
        let declaration = &entry.declaration;
        let truth = match &declaration.when {
            Some(when) if truth != Truth::No => match when.truth(scope) {
                Ok(own) => truth.and(own),
                Err(diagnostics) => return self.diagnostics.extend(diagnostics),
            },
            _ => truth,
        };
        let place = &declaration.label.place;
        if truth == Truth::No {
            if let Some(name) = Expanded::name(declaration, scope, &mut Vec::new()) {
                let kind = self.repo.kinds.get(declaration.kind);
                let name = kind.map_or_else(|| name.clone(), |kind| kind.module.spelling(&name));
                self.merger.skip(declaration.kind, &name, policy, place);
            }
            return;
        }
        self.undetermined |= truth == Truth::Unknown;
        let rendered;
        let expanded = match &entry.fixed {
            Some(fixed) => fixed.as_ref(),
            None => {
                let Some(kind) = self.repo.kinds.get(declaration.kind) else { return };
                let before = self.diagnostics.len();
                let Some(new) = Expanded::new(declaration, kind, scope, &mut self.diagnostics) else {
                    // It has no name: because something is wrong, or because facts are missing.
                    self.undetermined |= self.diagnostics.len() == before;
                    return;
                };
                rendered = new;
                &rendered
            }
        };
        self.undetermined |= expanded.unknown;
        let certain = truth == Truth::Yes;
        self.merger.add(declaration.kind, expanded, policy, place, certain, &mut self.diagnostics);
    }

    fn finish(mut self, index: usize, host: &Host, scope: &HostScope) -> Resolution {
        self.required();
        self.ids();
        let files =
            HostFiles { files: &self.repo.files, templates: &self.repo.templates, scope, unknown: Cell::new(false) };
        let mut specs = self.seal(&files);
        self.settle(&mut specs);
        let mut resources = Vec::new();
        let mut places = HashMap::new();
        let mut undetermined_ids = BTreeSet::new();
        let mut waivers = BTreeSet::new();
        for merged in std::mem::take(&mut self.merger.resources) {
            let Some(kind) = self.repo.kinds.get(merged.kind) else { continue };
            let spec = specs.remove(&(merged.kind, merged.name.clone()));
            if merged.wanted && spec.is_none() {
                continue;
            }
            let id = Id::new(kind.module.kind(), merged.name.as_str());
            let text = id.to_string();
            let covering = self.repo.waivers.iter().enumerate().filter(|(_, waiver)| waiver.covers(index, &text));
            let mut waiver = None;
            for (number, found) in covering {
                waivers.insert(number);
                if !found.expired && waiver.is_none() {
                    waiver = Some(found.text());
                }
            }
            places.insert(id.clone(), merged.places.clone());
            if merged.undetermined {
                undetermined_ids.insert(id.clone());
            }
            resources.push(resource(id, kind.module, spec, merged, waiver));
        }
        let undetermined = self.undetermined || files.unknown.get();
        let diagnostics = sorted(self.diagnostics.into_iter().map(|diagnostic| diagnostic.on(&host.name)));
        Resolution { host: host.name.clone(), resources, diagnostics, undetermined, places, undetermined_ids, waivers }
    }

    /// Fields that must be written.
    fn required(&mut self) {
        for merged in &mut self.merger.resources {
            let Some(kind) = self.repo.kinds.get(merged.kind).filter(|_| merged.wanted && !merged.incomplete) else {
                continue;
            };
            let absent = merged.fields.get("state").is_some_and(|state| state == "absent");
            for field in kind.module.required().iter().filter(|_| !absent) {
                if !merged.fields.contains_key(*field) {
                    merged.incomplete = true;
                    let message = format!("{}/{} needs `{field}`", kind.module.kind(), merged.name);
                    let mut diagnostic = Diagnostic::error("missing-key", message);
                    for place in &merged.places {
                        diagnostic = diagnostic.at(place, "not in here");
                    }
                    self.diagnostics.push(diagnostic);
                }
            }
        }
    }

    /// `requires` and `before` name ids; what is declared nowhere is a mistake.
    fn ids(&mut self) {
        let mut found = Vec::new();
        for merged in &self.merger.resources {
            for (id, place) in merged.requires.iter().chain(&merged.before) {
                found.extend(self.unknown_id(id, place));
            }
        }
        self.diagnostics.extend(found);
    }

    fn unknown_id(&self, id: &str, place: &Place) -> Option<Diagnostic> {
        let kinds = &self.repo.kinds;
        let Some((kind, name)) = id.split_once('/') else {
            let message = format!("`{id}` is not the id of a resource");
            return Some(
                Diagnostic::error("unknown-id", message).at(place, "").hint("an id is `kind/name`: `package/curl`"),
            );
        };
        let Some(index) = kinds.all().iter().position(|known| known.module.kind() == kind) else {
            let diagnostic = Diagnostic::error("unknown-id", format!("there is no kind `{kind}`")).at(place, "");
            return Some(diagnostic.maybe_hint(suggest::hint(kind, kinds.names())));
        };
        if self.merger.has(index, name) || self.repo.declares(id) {
            return None;
        }
        let diagnostic = Diagnostic::error("unknown-id", format!("{id} is declared nowhere")).at(place, "");
        let names =
            self.merger.resources.iter().filter(|merged| merged.kind == index).map(|merged| merged.name.as_str());
        Some(diagnostic.maybe_hint(suggest::nearest(name, names).map(|near| format!("did you mean `{kind}/{near}`?"))))
    }

    /// Shows every resource what all of them provide.
    fn settle(&self, specs: &mut HashMap<(usize, String), Box<dyn engine::AnySpec>>) {
        let mut provided = BTreeSet::new();
        for ((kind, name), spec) in specs.iter() {
            let steps = self.repo.kinds.get(*kind).map_or(0, |kind| kind.module.steps().len());
            provided.extend((0..steps).flat_map(|step| spec.links(name, step).provides));
        }
        for ((_, name), spec) in specs.iter_mut() {
            spec.settle(name, &provided);
        }
    }

    /// Hands the merged fields to their modules, which check and complete them.
    fn seal(&mut self, files: &HostFiles<'_>) -> HashMap<(usize, String), Box<dyn engine::AnySpec>> {
        let mut by_kind: BTreeMap<usize, BTreeMap<String, engine::Fields>> = BTreeMap::new();
        for merged in self.merger.resources.iter_mut().filter(|merged| merged.wanted && !merged.incomplete) {
            by_kind.entry(merged.kind).or_default().insert(merged.name.clone(), std::mem::take(&mut merged.fields));
        }
        let mut specs = HashMap::new();
        for (index, fields) in by_kind {
            let Some(kind) = self.repo.kinds.get(index) else { continue };
            let sealed = kind.module.seal(fields, files);
            for (name, problem) in sealed.problems {
                let merged = self.merger.find(index, &name);
                // Sides of which only one will hold cannot be judged together.
                let sides = merged.is_some_and(|merged| merged.undetermined && merged.places.len() > 1);
                if sides || files.is_about_facts(&problem.message) {
                    continue;
                }
                let message = format!("{}/{name}: {}", kind.module.kind(), problem.message);
                let mut diagnostic = Diagnostic::error("bad-resource", message).maybe_hint(problem.hint);
                let field = problem.field.and_then(|field| merged?.field_places.get(field));
                let declared = merged.map_or(&[][..], |merged| &merged.places);
                for place in field.map_or(declared, std::slice::from_ref) {
                    diagnostic = diagnostic.at(place, "");
                }
                self.diagnostics.push(diagnostic);
            }
            specs.extend(sealed.specs.into_iter().map(|(name, spec)| ((index, name), spec)));
        }
        specs
    }
}

fn resource(
    id: Id,
    module: &'static dyn engine::AnyModule,
    spec: Option<Box<dyn engine::AnySpec>>,
    merged: Merged,
    waiver: Option<String>,
) -> Resource {
    let ids = |ids: Vec<(String, Place)>| ids.into_iter().map(|(id, _)| id).collect();
    Resource {
        id,
        module,
        spec,
        mode: merged.mode,
        held_by: (!merged.held_by.is_empty()).then(|| merged.held_by.join(" and ")),
        severity: merged.severity.unwrap_or_default(),
        tags: merged.tags,
        refs: merged.refs,
        why: merged.why,
        sources: merged.sources,
        requires: ids(merged.requires),
        before: ids(merged.before),
        waiver,
        selected: true,
    }
}
