//! Where something is declared, and for what a technique declares, the `use` that led there.

use crate::parameter::Arguments;
use source::{Diagnostic, Place};
use std::sync::Arc;

/// Where something is declared.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The declaration, or a field of it.
    pub place: Place,
    /// The `use` through which a technique declares it.
    pub(crate) used: Option<Arc<Used>>,
}

/// A technique in use on one host.
#[derive(Debug)]
pub(crate) struct Used {
    /// The technique's name in the policy.
    pub(crate) place: Place,
    /// What its parameters come to.
    pub(crate) arguments: Arc<Arguments>,
}

impl Origin {
    /// Where a policy uses the technique that declares it.
    pub fn used_at(&self) -> Option<&Place> {
        self.used.as_ref().map(|used| &used.place)
    }

    /// Points at it, and at the `use` that led there.
    pub fn mark(&self, diagnostic: Diagnostic, label: impl Into<String>) -> Diagnostic {
        let label = label.into();
        let shown = diagnostic.labels.iter().any(|(place, known)| *place == self.place && *known == label);
        let diagnostic = if shown { diagnostic } else { diagnostic.at(&self.place, label) };
        match self.used_at() {
            Some(place) => by_use(diagnostic, place),
            None => diagnostic,
        }
    }

    /// The same declaration, and for a technique the same `use`.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.place == other.place && self.used_at() == other.used_at()
    }

    /// The same declaration, and for a technique the same values of its parameters.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let used = match (&self.used, &other.used) {
            (Some(one), Some(two)) => Arc::ptr_eq(&one.arguments, &two.arguments),
            (None, None) => true,
            _ => false,
        };
        used && self.same(other)
    }
}

/// Points at the `use` that led to a mistake, unless that is shown already.
pub(crate) fn by_use(diagnostic: Diagnostic, place: &Place) -> Diagnostic {
    match diagnostic.labels.iter().any(|(shown, _)| shown == place) {
        true => diagnostic,
        false => diagnostic.at(place, "by this `use`"),
    }
}
