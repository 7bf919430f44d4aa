//! Terms to values. Every name is looked up before anything is evaluated, whether it would be needed or not.

use super::{Comparison, Expr, Mistake, Term, What};
use crate::diagnostic::Diagnostic;
use crate::node::{Node, Value};
use crate::scope::{Path, Scope};
use crate::version;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a condition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It depends on facts of the host that are not known yet.
    Unknown,
}

impl Truth {
    fn of(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }

    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// What `for_each` goes over.
pub enum Each {
    /// The elements of a list: `item`.
    Items(Vec<Node>),
    /// The entries of a mapping: `key`, `value`.
    Entries(Vec<(Node, Node)>),
    /// It depends on facts of the host that are not known yet.
    Unknown,
}

enum Outcome<'a> {
    Truth(Truth),
    Node(Cow<'a, Node>),
}

impl Expr {
    /// Evaluates a condition.
    pub fn truth(&self, scope: &dyn Scope) -> Result<Truth, Vec<Diagnostic>> {
        self.names(scope).map_err(|missing| missing.into_iter().map(quoteless).collect::<Vec<_>>())?;
        truth(&self.root, scope).map_err(|mistake| vec![*mistake.diagnostic("condition-type", &self.node)])
    }

    /// Evaluates what `for_each` goes over.
    pub fn each(&self, scope: &dyn Scope) -> Result<Each, Vec<Diagnostic>> {
        self.names(scope)?;
        let failed = |mistake: Mistake| vec![*mistake.diagnostic("for-each-type", &self.node)];
        let wrong = |what: &str| {
            failed(Mistake::new(
                self.root.range.clone(),
                format!("`for_each` goes over a list or a mapping, not {what}"),
            ))
        };
        match outcome(&self.root, scope).map_err(failed)? {
            Outcome::Truth(_) => Err(wrong("true or false")),
            Outcome::Node(node) => match &node.value {
                Value::List(items) => Ok(Each::Items(items.clone())),
                Value::Map(entries) => Ok(Each::Entries(
                    entries
                        .iter()
                        .map(|(key, value)| (Node::text(key.text.clone(), key.place.clone()), value.clone()))
                        .collect(),
                )),
                Value::Unknown => Ok(Each::Unknown),
                Value::Scalar(_) => Err(wrong(node.kind())),
            },
        }
    }

    /// Looks every name up.
    fn names(&self, scope: &dyn Scope) -> Result<(), Vec<Diagnostic>> {
        let mut missing = Vec::new();
        check(&self.root, scope, &mut Vec::new(), &mut missing);
        if missing.is_empty() {
            return Ok(());
        }
        Err(missing.into_iter().map(|mistake| *mistake.diagnostic("undefined-name", &self.node)).collect())
    }
}

/// A lone name that is near no other is often a text without its quotes.
fn quoteless(mut missing: Diagnostic) -> Diagnostic {
    let name = missing.labels.first().map_or("", |(place, _)| place.text());
    missing.hint = missing.hint.map(|hint| match hint.strip_prefix("known here: ") {
        Some(known) if missing.message.ends_with("is not defined") => {
            format!("a text needs quotes: \"{name}\"; names here: {known}")
        }
        _ => hint,
    });
    missing
}

/// Collects the names that are not there. What `defined(x) and …` guards is excused.
fn check<'t>(term: &'t Term, scope: &dyn Scope, excused: &mut Vec<&'t Path>, missing: &mut Vec<Mistake>) {
    match &term.what {
        What::Literal(_) | What::Defined(_) => {}
        What::List(items) => items.iter().for_each(|item| check(item, scope, excused, missing)),
        What::Path(path) => {
            if let Err(error) = path.resolve(scope)
                && !excused.iter().any(|guarded| begins(path, guarded) && guarded.resolve(scope).is_err())
            {
                missing.push(Mistake { range: error.range, message: error.message, hint: error.hint });
            }
        }
        What::Not(inner) => check(inner, scope, excused, missing),
        What::And(left, right) | What::Or(left, right) => {
            check(left, scope, excused, missing);
            let before = excused.len();
            guards(left, matches!(term.what, What::And(..)), excused);
            check(right, scope, excused, missing);
            excused.truncate(before);
        }
        What::In(left, right) | What::Compare(_, left, right) => {
            check(left, scope, excused, missing);
            check(right, scope, excused, missing);
        }
    }
}

/// The paths that are defined if `term` is `holding`.
fn guards<'t>(term: &'t Term, holding: bool, found: &mut Vec<&'t Path>) {
    match &term.what {
        What::Defined(path) if holding => found.push(path),
        What::Not(inner) => guards(inner, !holding, found),
        What::And(left, right) if holding => {
            guards(left, true, found);
            guards(right, true, found);
        }
        What::Or(left, right) if !holding => {
            guards(left, false, found);
            guards(right, false, found);
        }
        _ => {}
    }
}

fn begins(path: &Path, with: &Path) -> bool {
    path.steps.len() >= with.steps.len() && path.steps.iter().zip(&with.steps).all(|(one, two)| one.0 == two.0)
}

fn truth(term: &Term, scope: &dyn Scope) -> Result<Truth, Mistake> {
    match outcome(term, scope)? {
        Outcome::Truth(truth) => Ok(truth),
        Outcome::Node(node) => match &node.value {
            Value::Unknown => Ok(Truth::Unknown),
            _ => node.as_bool().map(Truth::of).ok_or_else(|| {
                Mistake::new(term.range.clone(), format!("this must be true or false; it is {}", node.kind()))
                    .hint("compare it with something: `==`, `!=`, `<`, `in`")
            }),
        },
    }
}

fn outcome<'a>(term: &'a Term, scope: &'a dyn Scope) -> Result<Outcome<'a>, Mistake> {
    Ok(match &term.what {
        What::Literal(node) => Outcome::Node(Cow::Borrowed(node)),
        What::Path(path) => match path.resolve(scope) {
            Ok(node) => Outcome::Node(Cow::Borrowed(node)),
            Err(missing) => return Err(Mistake { range: missing.range, message: missing.message, hint: missing.hint }),
        },
        What::List(items) => {
            let mut nodes = Vec::new();
            for item in items {
                nodes.push(value(item, scope)?.into_owned());
            }
            let place = nodes.first().map(|node| node.place.clone());
            match place {
                Some(place) => Outcome::Node(Cow::Owned(Node { value: Value::List(nodes), place })),
                None => return Err(Mistake::new(term.range.clone(), "an empty list means nothing here")),
            }
        }
        What::Defined(path) => Outcome::Truth(Truth::of(path.resolve(scope).is_ok())),
        What::Not(inner) => Outcome::Truth(truth(inner, scope)?.not()),
        What::And(left, right) => Outcome::Truth(match truth(left, scope)? {
            // What follows may be guarded by `defined(…)`.
            Truth::No => Truth::No,
            left => left.and(truth(right, scope)?),
        }),
        What::Or(left, right) => Outcome::Truth(match truth(left, scope)? {
            Truth::Yes => Truth::Yes,
            left => left.or(truth(right, scope)?),
        }),
        What::In(left, right) => Outcome::Truth(contains(&*value(right, scope)?, &*value(left, scope)?, right)?),
        What::Compare(comparison, left, right) => {
            Outcome::Truth(compare(*comparison, &*value(left, scope)?, &*value(right, scope)?, term)?)
        }
    })
}

fn value<'a>(term: &'a Term, scope: &'a dyn Scope) -> Result<Cow<'a, Node>, Mistake> {
    match outcome(term, scope)? {
        Outcome::Node(node) => Ok(node),
        Outcome::Truth(Truth::Unknown) => Ok(Cow::Owned(Node { value: Value::Unknown, ..Node::given("", "") })),
        Outcome::Truth(truth) => {
            Ok(Cow::Owned(Node::plain(if truth == Truth::Yes { "true" } else { "false" }, Node::given("", "").place)))
        }
    }
}

fn contains(whole: &Node, part: &Node, term: &Term) -> Result<Truth, Mistake> {
    if matches!(whole.value, Value::Unknown) || matches!(part.value, Value::Unknown) {
        return Ok(Truth::Unknown);
    }
    match &whole.value {
        Value::List(items) if items.iter().any(|item| item.same(part)) => Ok(Truth::Yes),
        Value::List(items) if items.iter().any(Node::has_unknown) => Ok(Truth::Unknown),
        Value::List(_) => Ok(Truth::No),
        Value::Map(_) => Ok(Truth::of(part.as_str().is_some_and(|key| whole.get(key).is_some()))),
        Value::Scalar(_) | Value::Unknown => Err(Mistake::new(
            term.range.clone(),
            format!("`in` needs a list or a mapping on its right; this is {}", whole.kind()),
        )),
    }
}

fn compare(comparison: Comparison, left: &Node, right: &Node, term: &Term) -> Result<Truth, Mistake> {
    if left.has_unknown() || right.has_unknown() {
        return Ok(Truth::Unknown);
    }
    let mixed = || {
        Mistake::new(term.range.clone(), format!("this compares {} with {}", left.kind(), right.kind()))
            .hint("both sides must be of the same sort")
    };
    let both_text = left.as_str().is_some() && right.as_str().is_some();
    let one_bool = left.as_bool().is_some() != right.as_bool().is_some();
    let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if equality {
        let same_sort = both_text && !one_bool
            || std::mem::discriminant(&left.value) == std::mem::discriminant(&right.value) && !both_text;
        if !same_sort {
            return Err(mixed());
        }
        return Ok(Truth::of(left.same(right) == (comparison == Comparison::Equal)));
    }
    let (Some(one), Some(two)) = (left.as_str(), right.as_str()) else { return Err(mixed()) };
    if left.as_bool().is_some() || right.as_bool().is_some() {
        return Err(mixed());
    }
    let order = match (left.as_integer(), right.as_integer()) {
        (Some(one), Some(two)) => one.cmp(&two),
        _ => version::compare(one, two),
    };
    Ok(Truth::of(match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::LessEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterEqual => order != Ordering::Less,
        Comparison::Equal | Comparison::NotEqual => false,
    }))
}
