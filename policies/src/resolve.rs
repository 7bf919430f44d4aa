//! From a repository to the resources of one host.

use crate::expand::Expanded;
use crate::host::{HostFiles, HostScope};
use crate::merge::{Merged, Merger, Speaker, Told};
use crate::origin::{Origin, Used, by_use};
use crate::parameter::Inside;
use crate::policy::Policy;
use crate::repo::Repo;
use crate::sealing::{Found, Reveal, Sealing, without_provider};
use crate::section::Entry;
use crate::usage::Usage;
use engine::secrecy::Held;
use engine::{Anchor, Id, Mode, Resource};
use inventory::{Host, Identity};
use source::{Diagnostic, Each, Expr, Local, Place, Scope, SourceFile, Truth, sorted, suggest};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

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
    origins: HashMap<Id, Vec<Origin>>,
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
    pub fn origins_of(&self, id: &Id) -> &[Origin] {
        self.origins.get(id).map_or(&[], Vec::as_slice)
    }
}

/// Kind and name.
type Key = (usize, String);
type Specs = HashMap<Key, Box<dyn engine::AnySpec>>;

/// The most declarations that one host may have, each of a `for_each` counted.
const MAX_DECLARATIONS: usize = 20_000;

/// The work on one host.
struct Resolver<'a> {
    repo: &'a Repo,
    merger: Merger<'a>,
    diagnostics: Vec<Diagnostic>,
    undetermined: bool,
    /// How many declarations there have been.
    declared: usize,
}

impl Repo {
    /// What must hold on a host. `facts` are what it said of itself; what they leave open, and everything
    /// without them, is what the inventory says of it.
    pub fn resolve(&self, host: &str, facts: Option<&Identity>) -> Resolution {
        self.resolve_with(host, facts, None)
    }

    /// [`Repo::resolve`] with secrets put in: only this calls a provider.
    pub fn resolve_with(&self, host: &str, facts: Option<&Identity>, reveal: Option<&Reveal<'_>>) -> Resolution {
        let Some(index) = self.inventory.hosts().iter().position(|known| known.name == host) else {
            return self.no_such_host(host);
        };
        let Some(known) = self.inventory.hosts().get(index) else { return self.no_such_host(host) };
        let (resolver, scope) = self.gather(index, known, facts, None);
        resolver.finish(index, known, &scope, reveal)
    }

    /// [`Repo::resolve`], and every declaration that came in.
    pub(crate) fn resolve_telling(&self, index: usize, host: &Host) -> (Resolution, Vec<Told>) {
        let (mut resolver, scope) = self.gather(index, host, None, Some(Vec::new()));
        let told = resolver.merger.told.take().unwrap_or_default();
        (resolver.finish(index, host, &scope, None), told)
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
            origins: HashMap::new(),
            undetermined_ids: BTreeSet::new(),
            waivers: BTreeSet::new(),
        }
    }

    /// What the policies declare for a host, and into `told` each declaration by itself.
    fn gather(
        &self,
        index: usize,
        host: &Host,
        facts: Option<&Identity>,
        told: Option<Vec<Told>>,
    ) -> (Resolver<'_>, HostScope) {
        let facts = facts.map_or_else(|| host.facts.clone(), |facts| facts.or(&host.facts));
        let scope = HostScope::new(&self.vars, host, &self.overrides, &facts);
        let mut resolver = Resolver {
            repo: self,
            merger: Merger::new(&self.kinds, host.audit_only.as_ref()),
            diagnostics: Vec::new(),
            undetermined: false,
            declared: 0,
        };
        resolver.merger.told = told;
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
                let (resolver, _) = self.gather(index, host, None, None);
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

/// What a declaration is read with.
struct Around<'a> {
    speaker: Speaker<'a>,
    used: Option<Arc<Used>>,
    /// Whether what it stands in takes part.
    truth: Truth,
}

impl Resolver<'_> {
    fn policy(&mut self, policy: &Policy, host: &dyn Scope) {
        let truth = match &policy.when {
            None => Truth::Yes,
            Some(when) => match when.truth(host) {
                Ok(truth) => truth,
                Err(diagnostics) => return self.diagnostics.extend(diagnostics),
            },
        };
        let around = Around { speaker: Speaker { policy, common: None }, used: None, truth };
        for entry in &policy.entries {
            self.entry(entry, &around, host);
        }
        for usage in &policy.uses {
            self.each(usage.for_each.as_ref(), truth, host, &mut |resolver, scope| {
                resolver.usage(usage, policy, truth, (scope, host));
            });
        }
    }

    /// A technique, with what its policy sees and what the host has.
    fn usage(&mut self, usage: &Usage, policy: &Policy, truth: Truth, scopes: (&dyn Scope, &dyn Scope)) {
        let Some(technique) = self.repo.techniques.get(usage.technique) else { return };
        if !self.count(&usage.place) {
            return;
        }
        let Some(truth) = self.truth(truth, usage.when.as_ref(), scopes.0) else { return };
        let before = self.diagnostics.len();
        let arguments = usage.arguments(technique, scopes, &mut self.diagnostics);
        let (common, unknown) = usage.common(scopes.0, &mut self.diagnostics);
        self.undetermined |= unknown;
        if truth == Truth::No {
            // What is switched off here may rest on variables that are not set here.
            self.diagnostics.truncate(before);
        }
        self.mark(before, &usage.place, |diagnostic| {
            diagnostic.labels.iter().all(|(place, _)| place.path() == technique.file)
        });
        let inside = Inside { arguments: &arguments, host: scopes.1 };
        let used = Some(Arc::new(Used { place: usage.place.clone(), arguments: arguments.clone() }));
        let around = Around { speaker: Speaker { policy, common: Some(&common) }, used, truth };
        let before = self.diagnostics.len();
        for entry in &technique.entries {
            self.entry(entry, &around, &inside);
        }
        self.mark(before, &usage.place, |_| true);
    }

    /// Says of mistakes found since which `use` led to them.
    fn mark(&mut self, since: usize, place: &Place, which: impl Fn(&Diagnostic) -> bool) {
        let found = self.diagnostics.split_off(since);
        let marked = found.into_iter().map(|found| if which(&found) { by_use(found, place) } else { found });
        self.diagnostics.extend(marked);
    }

    /// Does something once, or for each of a list.
    fn each(
        &mut self,
        for_each: Option<&Expr>,
        truth: Truth,
        scope: &dyn Scope,
        act: &mut dyn FnMut(&mut Self, &dyn Scope),
    ) {
        let Some(for_each) = for_each else { return act(self, scope) };
        match for_each.each(scope) {
            Ok(Each::Items(items)) => {
                for item in &items {
                    if self.is_full() {
                        break;
                    }
                    act(self, &Local { names: &[("item", item)], outer: scope });
                }
            }
            Ok(Each::Entries(entries)) => {
                for (key, value) in &entries {
                    if self.is_full() {
                        break;
                    }
                    act(self, &Local { names: &[("key", key), ("value", value)], outer: scope });
                }
            }
            Ok(Each::Unknown) => self.undetermined = true,
            // What is switched off here may rest on variables that are not set here.
            Err(_) if truth == Truth::No => {}
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }

    fn is_full(&self) -> bool {
        self.declared > MAX_DECLARATIONS
    }

    /// Counts what is declared at `place`; `false` once it is too much.
    fn count(&mut self, place: &Place) -> bool {
        self.declared += 1;
        if self.declared == MAX_DECLARATIONS + 1 {
            let message = format!("this host has more than {MAX_DECLARATIONS} declarations");
            self.diagnostics.push(
                Diagnostic::error("too-large", message)
                    .at(place, "they end here")
                    .hint("every element of a `for_each` is one: go over a shorter list"),
            );
        }
        !self.is_full()
    }

    /// Whether what stands in something of this truth takes part; `None` if that cannot be told.
    fn truth(&mut self, around: Truth, when: Option<&Expr>, scope: &dyn Scope) -> Option<Truth> {
        match when {
            Some(when) if around != Truth::No => match when.truth(scope) {
                Ok(own) => Some(around.and(own)),
                Err(diagnostics) => {
                    self.diagnostics.extend(diagnostics);
                    None
                }
            },
            _ => Some(around),
        }
    }

    fn entry(&mut self, entry: &Entry, around: &Around<'_>, scope: &dyn Scope) {
        self.each(entry.declaration.for_each.as_ref(), around.truth, scope, &mut |resolver, scope| {
            resolver.one(entry, around, scope);
        });
    }

    fn one(&mut self, entry: &Entry, around: &Around<'_>, scope: &dyn Scope) {
        let declaration = &entry.declaration;
        if !self.count(&declaration.label.place) {
            return;
        }
        let Some(truth) = self.truth(around.truth, declaration.when.as_ref(), scope) else { return };
        let origin = Origin { place: declaration.label.place.clone(), used: around.used.clone() };
        if truth == Truth::No {
            if let Some(name) = Expanded::name(declaration, scope, &mut Vec::new()) {
                let kind = self.repo.kinds.get(declaration.kind);
                let name = kind.map_or_else(|| name.clone(), |kind| kind.module.spelling(&name));
                self.merger.skip(declaration.kind, &name, &around.speaker, &origin);
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
        self.merger.add(declaration.kind, expanded, &around.speaker, &origin, certain, &mut self.diagnostics);
    }

    fn finish(mut self, index: usize, host: &Host, scope: &HostScope, reveal: Option<&Reveal<'_>>) -> Resolution {
        self.required();
        self.ids();
        let (mut specs, mut found) = self.seal(scope, reveal);
        self.settle(&mut specs);
        let mut resources = Vec::new();
        let mut origins = HashMap::new();
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
            origins.insert(id.clone(), merged.origins.clone());
            if merged.undetermined {
                undetermined_ids.insert(id.clone());
            }
            let found = found.remove(&(merged.kind, merged.name.clone())).unwrap_or_default();
            resources.push(resource(id, kind.module, spec, merged, found, waiver));
        }
        let undetermined = self.undetermined;
        let diagnostics = sorted(self.diagnostics.into_iter().map(|diagnostic| diagnostic.on(&host.name)));
        Resolution { host: host.name.clone(), resources, diagnostics, undetermined, origins, undetermined_ids, waivers }
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
                    for origin in &merged.origins {
                        diagnostic = origin.mark(diagnostic, "not in here");
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

    /// Shows every resource what all of them provide, and are.
    fn settle(&self, specs: &mut HashMap<(usize, String), Box<dyn engine::AnySpec>>) {
        let mut provided = BTreeSet::new();
        for ((kind, name), spec) in specs.iter() {
            let Some(module) = self.repo.kinds.get(*kind).map(|kind| kind.module) else { continue };
            provided.insert(Anchor::Resource(format!("{}/{name}", module.kind())));
            let steps = module.steps().len();
            provided.extend((0..steps).flat_map(|step| spec.links(name, step).provides));
        }
        for ((_, name), spec) in specs.iter_mut() {
            spec.settle(name, &provided);
        }
    }

    /// Hands the merged fields to their modules, which check and complete them.
    fn seal(&mut self, scope: &HostScope, reveal: Option<&Reveal<'_>>) -> (Specs, HashMap<Key, Found>) {
        let mut by_kind: BTreeMap<usize, BTreeMap<String, engine::Fields>> = BTreeMap::new();
        for merged in self.merger.resources.iter_mut().filter(|merged| merged.wanted && !merged.incomplete) {
            by_kind.entry(merged.kind).or_default().insert(merged.name.clone(), std::mem::take(&mut merged.fields));
        }
        let (mut specs, mut secrets) = (HashMap::new(), HashMap::new());
        for (index, mut fields) in by_kind {
            let Some(kind) = self.repo.kinds.get(index) else { continue };
            let files = HostFiles {
                files: &self.repo.files,
                templates: &self.repo.templates,
                scope,
                kind: index,
                merger: &self.merger,
                unknown: Cell::new(false),
            };
            let sealing = Sealing::new(&files, kind.module, reveal);
            fields.iter_mut().for_each(|(name, fields)| sealing.fields(name, fields));
            let sealed = kind.module.seal(fields, &sealing);
            self.undetermined |= files.unknown.get();
            let found = sealing.found();
            if self.repo.provider.is_none() {
                self.diagnostics.extend(without_provider(&self.merger, index, &found));
            }
            secrets.extend(found.into_iter().map(|(name, found)| ((index, name), found)));
            for (name, problem) in sealed.problems {
                let merged = self.merger.find(index, &name);
                // Sides of which only one will hold cannot be judged together.
                let sides = merged.is_some_and(|merged| merged.undetermined && merged.origins.len() > 1);
                if sides || files.is_about_facts(&problem.message) {
                    continue;
                }
                let message = format!("{}/{name}: {}", kind.module.kind(), problem.message);
                let diagnostic = Diagnostic::error("bad-resource", message).maybe_hint(problem.hint);
                let field = problem.field.and_then(|field| merged?.field_origins.get(field));
                let origins: Vec<&Origin> = match field {
                    Some(field) => field.iter().collect(),
                    None => merged.iter().flat_map(|merged| &merged.origins).collect(),
                };
                self.diagnostics.push(origins.into_iter().fold(diagnostic, |said, origin| origin.mark(said, "")));
            }
            specs.extend(sealed.specs.into_iter().map(|(name, spec)| ((index, name), spec)));
        }
        (specs, secrets)
    }
}

fn resource(
    id: Id,
    module: &'static dyn engine::AnyModule,
    spec: Option<Box<dyn engine::AnySpec>>,
    merged: Merged,
    found: Found,
    waiver: Option<String>,
) -> Resource {
    let ids = |ids: Vec<(String, Place)>| ids.into_iter().map(|(id, _)| id).collect();
    Resource {
        id,
        module,
        spec,
        mode: if module.audit_only().is_some() { Mode::Audit } else { merged.mode },
        held_by: module
            .audit_only()
            .map(str::to_owned)
            .or_else(|| (!merged.held_by.is_empty()).then(|| merged.held_by.join(" and "))),
        severity: merged.severity.unwrap_or_default(),
        tags: merged.tags,
        refs: merged.refs,
        why: merged.why,
        sources: merged.sources,
        requires: ids(merged.requires),
        before: ids(merged.before),
        secrets: Held { any: !found.names.is_empty(), missing: found.missing },
        waiver,
        undetermined: merged.undetermined,
        selected: true,
    }
}
