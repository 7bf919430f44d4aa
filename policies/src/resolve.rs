//! From a repository to the resources of one host.

use crate::gather::Resolver;
use crate::host::{HostFiles, HostScope};
use crate::merge::{Merged, Merger, Told};
use crate::origin::Origin;
use crate::repo::Repo;
use crate::sealing::{Found, Reveal, Sealing, without_provider};
use crate::waivers::Waiver;
use engine::secrecy::Held;
use engine::{Anchor, Id, Mode, Problem, Resource};
use inventory::{Host, Identity};
use source::{Diagnostic, Place, SourceFile, sorted, suggest};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
    /// It rests on what the inventory says the host is, which only the host can confirm.
    pub assumed: bool,
    /// Even which resources there are: a name, or the list of a `for_each`, depends on them. None of those is among the
    /// resources.
    pub unnamed: bool,
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

    /// Whether the host has to be asked what it is, and everything resolved again, before anything is judged.
    pub fn is_open(&self) -> bool {
        self.undetermined || self.assumed
    }

    /// Lets go of the resources, for whoever only counts them: how many there were.
    pub fn forget(&mut self) -> usize {
        self.origins = HashMap::new();
        std::mem::take(&mut self.resources).len()
    }

    /// Where a resource is declared, the first declaration first.
    pub fn origins_of(&self, id: &Id) -> &[Origin] {
        self.origins.get(id).map_or(&[], Vec::as_slice)
    }
}

/// Kind and name.
type Key = (usize, String);
type Specs = HashMap<Key, Box<dyn engine::AnySpec>>;

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
        let assumed = facts.is_none() && known.facts != Identity::default();
        Resolution { assumed, ..resolver.finish(index, known, &scope, reveal) }
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
        let unnamed = |waiver: &Waiver| {
            let mut hosts = self.inventory.hosts().iter().enumerate();
            hosts.any(|(index, host)| {
                waiver.hosts.contains(&index)
                    && resolutions.iter().any(|resolution| resolution.unnamed && resolution.host == host.name)
            })
        };
        unused
            .filter(|(_, waiver)| !self.lost.declarations && !unnamed(waiver))
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
            assumed: false,
            unnamed: false,
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
            unnamed: false,
            lost: false,
            declared: 0,
        };
        resolver.merger.told = told;
        for policy in self.of_host.get(index).into_iter().flatten().filter_map(|index| self.policies.get(*index)) {
            resolver.policy(policy, &scope);
        }
        (resolver, scope)
    }

    /// Whether any host has, or may have, a declaration of this id, whatever its `when`.
    fn declares(&self, id: &str) -> bool {
        let declared = self.declared.get_or_init(|| {
            let mut ids = BTreeSet::new();
            let mut whole = !self.lost.declarations;
            for (index, host) in self.inventory.hosts().iter().enumerate() {
                let (resolver, _) = self.gather(index, host, None, None);
                whole &= !resolver.lost && !resolver.unnamed;
                for merged in &resolver.merger.resources {
                    if let Some(kind) = self.kinds.get(merged.kind) {
                        ids.insert(format!("{}/{}", kind.module.kind(), merged.name));
                    }
                }
            }
            whole.then_some(ids)
        });
        declared.as_ref().is_none_or(|ids| ids.contains(id))
    }
}

impl Resolver<'_> {
    fn finish(mut self, index: usize, host: &Host, scope: &HostScope, reveal: Option<&Reveal<'_>>) -> Resolution {
        self.required();
        self.rest();
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
            // Without facts, what it is to be cannot be told; else it is wrong, which is told by now.
            if merged.wanted && spec.is_none() && !merged.undetermined {
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
        let (undetermined, unnamed) = (self.undetermined, self.unnamed);
        let lost = self.repo.lost;
        let told = self.diagnostics.into_iter().filter(|mistake| !lost.explains(mistake));
        let diagnostics = sorted(told.map(|diagnostic| diagnostic.on(&host.name)));
        Resolution {
            host: host.name.clone(),
            resources,
            diagnostics,
            undetermined,
            assumed: false,
            unnamed,
            origins,
            undetermined_ids,
            waivers,
        }
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

    /// What is wrong with fields that could be read beside others that could not, unless it may be about those.
    fn rest(&mut self) {
        let mut found = Vec::new();
        for merged in self.merger.resources.iter().filter(|merged| merged.wanted && merged.incomplete) {
            let Some(kind) = self.repo.kinds.get(merged.kind) else { continue };
            let absent = |text: &str| {
                let mut absent = kind.fields.iter().filter(|field| !merged.fields.contains_key(*field));
                absent.any(|field| text.contains(&format!("`{field}`")))
            };
            for problem in kind.module.problems(&merged.name, &merged.fields) {
                let of_others = absent(&problem.message) || problem.hint.as_deref().is_some_and(absent);
                let written = problem.field.is_some_and(|field| merged.fields.contains_key(field));
                if written && !of_others && !merged.is_of_two_sides() {
                    found.push(bad_resource(kind.module.kind(), &merged.name, Some(merged), problem));
                }
            }
        }
        self.diagnostics.extend(found);
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
        if self.merger.has(index, name) || self.unnamed || self.repo.declares(id) {
            return None;
        }
        let diagnostic = Diagnostic::error("unknown-id", format!("{id} is declared nowhere")).at(place, "");
        let names =
            self.merger.resources.iter().filter(|merged| merged.kind == index).map(|merged| merged.name.as_str());
        Some(diagnostic.maybe_hint(suggest::nearest(name, names).map(|near| format!("did you mean `{kind}/{near}`?"))))
    }

    /// Shows every resource what all of them provide, and are.
    fn settle(&self, specs: &mut HashMap<(usize, String), Box<dyn engine::AnySpec>>) {
        let (mut ids, mut links) = (Vec::new(), Vec::new());
        for ((kind, name), spec) in specs.iter() {
            let Some(module) = self.repo.kinds.get(*kind).map(|kind| kind.module) else { continue };
            ids.push(Anchor::Resource(format!("{}/{name}", module.kind())));
            links.extend((0..module.steps().len()).map(|step| spec.links(name, step)));
        }
        let mut provided = engine::links::provided(&links);
        provided.extend(ids);
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
        let mut open: HashSet<Key> = HashSet::new();
        for (index, mut fields) in by_kind {
            let Some(kind) = self.repo.kinds.get(index) else { continue };
            let files = HostFiles {
                files: &self.repo.files,
                templates: &self.repo.templates,
                scope,
                kind: index,
                merger: &self.merger,
                unknown: Cell::new(false),
                undefined: RefCell::default(),
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
                if files.is_about_facts(&problem.message) {
                    open.insert((index, name));
                    continue;
                }
                let follows = self.merger.resources.iter().any(|other| {
                    other.kind == index && other.wanted && other.incomplete && mentions(&problem.message, &other.name)
                });
                if follows || files.is_told(&problem.message) || merged.is_some_and(Merged::is_of_two_sides) {
                    continue;
                }
                self.diagnostics.push(bad_resource(kind.module.kind(), &name, merged, problem));
            }
            self.diagnostics.extend(files.undefined.take());
            specs.extend(sealed.specs.into_iter().map(|(name, spec)| ((index, name), spec)));
        }
        for merged in &mut self.merger.resources {
            merged.undetermined |= open.contains(&(merged.kind, merged.name.clone()));
        }
        (specs, secrets)
    }
}

/// What a kind says of a resource, at the field that it says it of.
fn bad_resource(kind: &str, name: &str, merged: Option<&Merged>, problem: Problem) -> Diagnostic {
    let message = format!("{kind}/{name}: {}", problem.message);
    let diagnostic = Diagnostic::error("bad-resource", message).maybe_hint(problem.hint);
    let field = problem.field.and_then(|field| merged?.field_origins.get(field));
    let origins: Vec<&Origin> = match field {
        Some(field) => field.iter().collect(),
        None => merged.iter().flat_map(|merged| &merged.origins).collect(),
    };
    origins.into_iter().fold(diagnostic, |said, origin| origin.mark(said, ""))
}

/// Whether a message names a resource: with what could not be read of that one, it proves nothing.
fn mentions(message: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "-_./@:".contains(c);
    message.split(|c| !inside(c)).any(|word| word == name)
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
