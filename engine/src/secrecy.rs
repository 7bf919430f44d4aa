//! Secrets stay secret: what is told of a host is searched for every secret that this run has fetched, and what differs
//! in a field that holds one is never shown.

use crate::change::{Change, Difference};
use crate::event::{Event, Watch};
use crate::plan::Plan;
use crate::verdict::Verdict;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands where a secret stood.
const IN_PLACE: &str = "[secret]";
/// Shorter secrets are not searched for, in bytes: they would be found everywhere.
const SHORTEST: usize = 4;
/// Lines of a secret and pieces of a text that was cut off count from this length, in bytes.
const SHORTEST_PIECE: usize = 8;
/// No text that was cut off is longer, in bytes.
const LONGEST_PIECE: usize = 4096;

/// All secrets of a run, as far as they were fetched. Copies share what they know.
#[derive(Clone, Default)]
pub struct Secrecy {
    marker: Arc<str>,
    /// Everything that must not be shown, the longest first.
    forms: Arc<RwLock<Vec<String>>>,
}

/// Never what it knows.
impl fmt::Debug for Secrecy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrecy")
    }
}

impl Secrecy {
    /// No secret is known yet. `marker` begins what stands for a secret that was not fetched.
    pub fn new(marker: &str) -> Self {
        Self { marker: marker.into(), forms: Arc::default() }
    }

    /// Takes in a secret that may be shown nowhere from now on.
    pub fn learn(&self, secret: &str) {
        // Nothing that could fail is done while others wait: they may want to tell of a failure.
        let forms: BTreeSet<String> = forms(secret).into_iter().collect();
        let mut known = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(forms);
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
    }

    /// The text with `[secret]` in place of every secret, in every form it is known to take.
    pub fn conceal<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        let mut shown = Cow::Borrowed(text);
        for form in forms.iter() {
            if shown.contains(form.as_str()) {
                shown = Cow::Owned(shown.replace(form.as_str(), IN_PLACE));
            }
        }
        for form in forms.iter() {
            // A text that was cut off may end, or begin, within a secret.
            if let Some(cut) = piece(form).find(|at| shown.trim_end_matches('…').ends_with(&form[..*at])) {
                let kept = shown.trim_end_matches('…').len() - cut;
                shown = Cow::Owned(format!("{}{IN_PLACE}", &shown[..kept]));
            }
            if let Some(cut) = piece(form).find(|at| shown.starts_with(&form[form.len() - at..])) {
                shown = Cow::Owned(format!("{IN_PLACE}{}", &shown[cut..]));
            }
        }
        shown
    }

    /// Whether this is, or holds, what stands for a secret that was not fetched.
    pub(crate) fn is_unfilled(&self, bytes: &[u8]) -> bool {
        !self.marker.is_empty() && memchr::memmem::find(bytes, self.marker.as_bytes()).is_some()
    }

    fn text(&self, text: &mut String) {
        if let Cow::Owned(shown) = self.conceal(text) {
            *text = shown;
        }
    }

    fn change(&self, change: &mut Change) {
        match &mut change.difference {
            Difference::Value { is, should } => {
                self.text(is);
                self.text(should);
            }
            Difference::Missing(text) | Difference::Extra(text) | Difference::Unknown(text) => self.text(text),
            Difference::Text { diff, hidden } => diff.iter_mut().chain(hidden).for_each(|text| self.text(text)),
        }
    }

    /// The verdict as it may be told.
    pub(crate) fn verdict(&self, mut verdict: Verdict) -> Verdict {
        let (changes, text) = match &mut verdict {
            Verdict::Drift { changes, held } => (Some(changes), held.as_mut()),
            Verdict::Changed { changes } => (Some(changes), None),
            Verdict::Waived { changes, .. } => (Some(changes), None),
            Verdict::Failed { why, left } => (Some(left), Some(why)),
            Verdict::Blocked { because: why, .. } | Verdict::Unknown { why } | Verdict::Reverted { why } => {
                (None, Some(why))
            }
            Verdict::Compliant | Verdict::Skipped | Verdict::Kept => (None, None),
        };
        changes.into_iter().flatten().for_each(|change| self.change(change));
        text.into_iter().for_each(|text| self.text(text));
        verdict
    }

    /// The plan as it may be told.
    pub(crate) fn plan(&self, plan: &mut Plan) {
        for op in &mut plan.ops {
            self.text(&mut op.says);
            op.hurts.iter_mut().chain(&mut op.destroys).for_each(|text| self.text(text));
        }
        plan.refused.iter_mut().chain(&mut plan.follows).for_each(|(_, text)| self.text(text));
    }
}

/// The lengths of what may be left of `form`, the longest first, on boundaries of characters at both ends.
fn piece(form: &str) -> impl Iterator<Item = usize> + '_ {
    let whole = |at: &usize| form.is_char_boundary(*at) && form.is_char_boundary(form.len() - at);
    (SHORTEST_PIECE..form.len().min(LONGEST_PIECE)).rev().filter(whole)
}

/// What a secret may look like where it is shown: itself, quoted for a shell or JSON, in a URL, in Base64, line by line.
fn forms(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> = encoded(secret).into_iter().filter(|form| form.len() >= SHORTEST).collect();
    if secret.contains('\n') {
        let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PIECE);
        forms.extend(lines.flat_map(encoded));
    }
    forms
}

fn encoded(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let url = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let mut forms = vec![
        secret.to_owned(),
        secret.replace('\'', "'\\''"),
        secret.replace('\'', "''"),
        json.trim_matches('"').to_owned(),
        secret.bytes().map(url).collect(),
    ];
    forms.extend((0..3).map(|before| base64_after(before, secret)).filter(|form| form.len() >= SHORTEST_PIECE));
    forms
}

/// The characters of Base64 that depend on the secret alone, where it stands `before` bytes behind a multiple of three.
fn base64_after(before: usize, secret: &str) -> String {
    let bytes = [&[0; 3][..before], secret.as_bytes()].concat();
    let text = STANDARD_NO_PAD.encode(&bytes);
    let first = [0, 2, 3].get(before).copied().unwrap_or(0);
    let last = text.len() - usize::from(bytes.len() % 3 != 0);
    text.get(first..last).unwrap_or("").to_owned()
}

/// Passes on what happens, without secrets.
pub(crate) struct Discreet<'a> {
    pub(crate) secrecy: Secrecy,
    pub(crate) watch: &'a dyn Watch,
}

impl Watch for Discreet<'_> {
    fn event(&self, host: &str, event: &Event<'_>) {
        match event {
            Event::Applying { level, says } => {
                let says: Vec<String> = says.iter().map(|text| self.secrecy.conceal(text).into_owned()).collect();
                self.watch.event(host, &Event::Applying { level: *level, says: &says });
            }
            Event::Waiting { what } => self.watch.event(host, &Event::Waiting { what: &self.secrecy.conceal(what) }),
            Event::Judged { id, verdict } => {
                let verdict = self.secrecy.verdict((*verdict).clone());
                self.watch.event(host, &Event::Judged { id, verdict: &verdict });
            }
            event => self.watch.event(host, event),
        }
    }
}

/// The secrets in one resource.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// One of the fields that may hold a secret does.
    pub any: bool,
    /// The fields whose secret could not be had, and why, a sentence.
    pub missing: Vec<(&'static str, String)>,
}

impl Held {
    /// Why the resource cannot be judged to the end, nor be put right.
    pub fn why(&self) -> Option<String> {
        let told: Vec<String> = self.missing.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What cannot be told, as part of a drift.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = Change> + '_ {
        self.missing.iter().map(|(field, why)| Change::unknown(field, why))
    }

    /// Makes of what differs what may be known of it. `fields` are those that may hold secrets: what they come to is not
    /// shown, and where a secret is missing it is not even compared.
    pub(crate) fn veil(&self, fields: &[&str], changes: Vec<Change>) -> Vec<Change> {
        if !self.any {
            return changes;
        }
        let mut veiled: Vec<Change> = Vec::new();
        for change in changes {
            let shown = match &change.difference {
                _ if !fields.contains(&change.field) => Some(change),
                _ if !self.missing.is_empty() => None,
                // What is said of a named thing, such as a file, is not its content.
                Difference::Value { .. } if change.element.is_some() => Some(change),
                Difference::Text { diff: Some(diff), .. } => {
                    let why = format!("secret; {}", lines(diff));
                    Some(Change { element: change.element, ..Change::hidden(change.field, why).in_step(change.step) })
                }
                _ => Some(Change {
                    element: change.element,
                    ..Change::hidden(change.field, "secret").in_step(change.step)
                }),
            };
            veiled.extend(shown.filter(|change| !veiled.contains(change)));
        }
        veiled
    }
}

/// Which lines of the host's text a unified diff is about: "lines 3, 7-9".
fn lines(diff: &str) -> String {
    let mut touched = BTreeSet::new();
    let mut old = 0;
    let mut replaced = false;
    for line in diff.lines() {
        match line.chars().next() {
            Some('@') => {
                let start = line.strip_prefix("@@ -").and_then(|rest| rest.split([',', ' ']).next()?.parse().ok());
                old = start.unwrap_or(0);
                replaced = false;
            }
            Some('-') => {
                touched.insert(old);
                old += 1;
                replaced = true;
            }
            // In place of what was taken out just before, or else before a line that stays.
            Some('+') if replaced => {}
            Some('+') => _ = touched.insert(old.max(1)),
            Some('\\') => {}
            _ => {
                old += 1;
                replaced = false;
            }
        }
    }
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for line in touched {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => spans.push((line, line)),
        }
    }
    let told = spans.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let told: Vec<String> = told.collect();
    let noun = if matches!(spans[..], [(first, last)] if first == last) { "line" } else { "lines" };
    format!("{noun} {}", told.join(", "))
}

#[cfg(test)]
mod tests;
