//! What the policies of a host declare, one declaration after the other.

use crate::expand::Expanded;
use crate::merge::{Merger, Speaker};
use crate::origin::{Origin, Used, by_use};
use crate::parameter::Inside;
use crate::policy::Policy;
use crate::repo::Repo;
use crate::section::Entry;
use crate::usage::Usage;
use source::{Diagnostic, Each, Expr, Local, Place, Scope, Truth};
use std::sync::Arc;

/// The most declarations that one host may have, each of a `for_each` counted.
const MAX_DECLARATIONS: usize = 20_000;

/// The work on one host.
pub(crate) struct Resolver<'a> {
    pub(crate) repo: &'a Repo,
    pub(crate) merger: Merger<'a>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) undetermined: bool,
    pub(crate) unnamed: bool,
    /// A declaration, or many, could not be read, and that has been reported.
    pub(crate) lost: bool,
    /// How many declarations there have been.
    pub(crate) declared: usize,
}

/// What a declaration is read with.
struct Around<'a> {
    speaker: Speaker<'a>,
    used: Option<Arc<Used>>,
    /// Whether what it stands in takes part.
    truth: Truth,
}

impl Resolver<'_> {
    /// Takes in all that a policy declares.
    pub(crate) fn policy(&mut self, policy: &Policy, host: &dyn Scope) {
        let truth = match &policy.when {
            None => Truth::Yes,
            Some(when) => match when.truth(host) {
                Ok(truth) => truth,
                Err(diagnostics) => return self.lose(diagnostics),
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
        if technique.incomplete {
            let told = self.diagnostics.split_off(before);
            self.diagnostics.extend(told.into_iter().filter(|mistake| mistake.code != "undefined-name"));
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
            Ok(Each::Unknown) => self.cannot_name(),
            // What is switched off here may rest on variables that are not set here.
            Err(_) if truth == Truth::No => {}
            Err(diagnostics) => self.lose(diagnostics),
        }
    }

    /// Something is wrong, and so what it stands for is not among the declarations.
    fn lose(&mut self, diagnostics: Vec<Diagnostic>) {
        self.lost = true;
        self.diagnostics.extend(diagnostics);
    }

    /// Which resource is declared depends on facts that are not known yet.
    fn cannot_name(&mut self) {
        self.undetermined = true;
        self.unnamed = true;
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
                    self.lose(diagnostics);
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
                    match self.diagnostics.len() == before {
                        true => self.cannot_name(),
                        false => self.lost = true,
                    }
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
}
