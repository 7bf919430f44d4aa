//! The sections of a policy or a technique: what is left of it once its own keys are taken.

use crate::declaration::{Declaration, read_section};
use crate::expand::Expanded;
use crate::kinds::Kinds;
use source::{Diagnostic, Key, Table, suggest};
use std::sync::Arc;

/// A declaration, and what it comes to if that is the same on every host.
pub(crate) struct Entry {
    pub(crate) declaration: Declaration,
    pub(crate) fixed: Option<Arc<Expanded>>,
}

/// Reads every section that is left in `table`; `None` if there is none. `keys` are the keys that a file of this sort has
/// beside its sections; `explain` knows better of some that are neither.
pub(crate) fn read(
    table: &Table<'_>,
    kinds: &Kinds,
    keys: &[&'static str],
    explain: impl Fn(&str) -> Option<&'static str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<Entry>> {
    let mut declarations = Vec::new();
    let mut sections = 0;
    for (key, value) in table.rest() {
        sections += 1;
        match kinds.section(&key.text) {
            Some((index, kind)) => declarations.extend(read_section(index, kind, key, value, diagnostics)),
            None => diagnostics.push(unknown(key, kinds, keys, &explain)),
        }
    }
    let entries = declarations.into_iter().map(|declaration| {
        let fixed = Expanded::fixed(&declaration, kinds, diagnostics);
        Entry { declaration, fixed }
    });
    (sections > 0).then(|| entries.collect())
}

fn unknown(
    key: &Key,
    kinds: &Kinds,
    keys: &[&'static str],
    explain: &dyn Fn(&str) -> Option<&'static str>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unknown-section", format!("there is no section or key `{}`", key.text)).at(&key.place, "");
    if let Some(hint) = explain(&key.text) {
        return diagnostic.hint(hint);
    }
    let known = kinds.sections().chain(keys.iter().copied());
    // A section is often written as its kind: `user` for `users`.
    match kinds.kind(&key.text) {
        Some(kind) => diagnostic.hint(format!("did you mean `{}`?", kind.module.section())),
        None => diagnostic.maybe_hint(suggest::hint(&key.text, known)),
    }
}
