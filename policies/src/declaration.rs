//! One entry of a section: what a policy says of one resource, or, with `for_each`, of many.

use crate::kinds::{COMMON, Kind};
use source::de::as_list;
use source::template::refuse_in_key;
use source::{Diagnostic, Expr, Key, Node, Place, Template, Value, suggest, unknown_key};

/// One entry of a section, before it is rendered for a host.
#[derive(Debug)]
pub(crate) struct Declaration {
    /// The kind, as an index in the table.
    pub(crate) kind: usize,
    /// The key, or the name in a list.
    pub(crate) label: Key,
    pub(crate) when: Option<Expr>,
    pub(crate) for_each: Option<Expr>,
    pub(crate) name: Option<Template>,
    /// `mode`, which some kinds also have as a field of their own: `audit` and `enforce` are ours.
    pub(crate) mode: Option<(Key, Template)>,
    /// The other common keys.
    pub(crate) common: Vec<(Key, Template)>,
    /// The kind's own fields.
    pub(crate) fields: Vec<(Key, Template)>,
    /// Something in it means nothing, or could not be read, and has been reported.
    pub(crate) incomplete: bool,
    /// All of it.
    pub(crate) place: Place,
}

impl Declaration {
    /// Whether it says the same on every host.
    pub(crate) fn is_fixed(&self) -> bool {
        self.for_each.is_none()
            && self.name.as_ref().is_none_or(Template::is_fixed)
            && self.mode.iter().chain(&self.common).chain(&self.fields).all(|(_, template)| template.is_fixed())
    }
}

/// Reads the entries of a section, in every form that it may have.
pub(crate) fn read_section(
    index: usize,
    kind: &Kind,
    key: &Key,
    node: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Declaration> {
    match &node.value {
        Value::Map(entries) => {
            entries.iter().filter_map(|(label, value)| read(index, kind, label, value, diagnostics)).collect()
        }
        Value::List(items) => items.iter().filter_map(|item| listed(index, kind, key, item, diagnostics)).collect(),
        Value::Scalar(_) | Value::Unknown => {
            let hint = match node.as_str() {
                Some(text) if text.starts_with('-') => as_list(node),
                text => format!("write `{}: [{}]`", key.text, text.unwrap_or("…")),
            };
            diagnostics.push(
                Diagnostic::error(
                    "bad-section",
                    format!("`{}` is a mapping or a list of names, not {}", key.text, node.kind()),
                )
                .at(&node.place, "")
                .hint(hint),
            );
            Vec::new()
        }
    }
}

/// A bare name in a list.
fn listed(
    index: usize,
    kind: &Kind,
    section: &Key,
    item: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Declaration> {
    let Some(name) = item.as_str() else {
        diagnostics.push(
            Diagnostic::error("not-text", format!("a list in `{}` holds names; this is {}", section.text, item.kind()))
                .at(&item.place, "")
                .hint(format!("to say more than a name, make `{}` a mapping: `NAME: {{…}}`", section.text)),
        );
        return None;
    };
    let label = Key { text: name.into(), place: item.place.clone() };
    let mut declaration = empty(index, &label, &item.place, diagnostics)?;
    if let Some(state) = kind.module.states().and_then(|states| states.first()) {
        declaration.fields.push(state_field(state, &item.place));
    }
    Some(declaration)
}

fn read(
    index: usize,
    kind: &Kind,
    label: &Key,
    value: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Declaration> {
    let mut declaration = empty(index, label, &label.place, diagnostics)?;
    match &value.value {
        Value::Map(entries) => {
            if value.get("secret").and_then(Node::as_bool) == Some(true) {
                value.get("content").into_iter().for_each(|content| content.place.hide());
            }
            for (key, node) in entries {
                field(&mut declaration, kind, key, node, diagnostics);
            }
        }
        Value::Scalar(_) | Value::List(_) if kind.module.short().is_some() => {
            let key = Key { text: kind.module.short().unwrap_or_default().into(), place: value.place.clone() };
            declaration.fields.push((key, Template::compile(value, diagnostics)));
        }
        Value::Scalar(scalar) => match kind.module.states() {
            Some(states) if states.contains(&&*scalar.text) => {
                declaration.fields.push(state_field(&scalar.text, &value.place));
            }
            states => {
                let hint = states.map_or_else(
                    || "write its fields as a mapping: `{…}`".to_owned(),
                    |states| match suggest::nearest(&scalar.text, states.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("short forms: {}; or its fields as a mapping: `{{…}}`", states.join(", ")),
                    },
                );
                diagnostics.push(
                    Diagnostic::error(
                        "bad-short-form",
                        format!("`{}` says nothing about a {}", scalar.text, kind.module.kind()),
                    )
                    .at(&value.place, "")
                    .hint(hint),
                );
                return None;
            }
        },
        Value::List(_) | Value::Unknown => {
            diagnostics.push(
                Diagnostic::error(
                    "not-a-mapping",
                    format!("a {} is described by a mapping, not {}", kind.module.kind(), value.kind()),
                )
                .at(&value.place, ""),
            );
            return None;
        }
    }
    if declaration.for_each.is_none() && value.get("for_each").is_some() {
        // It could not be read; without it nothing else here makes sense.
        return None;
    }
    if let (Some(for_each), None) = (&declaration.for_each, &declaration.name) {
        diagnostics.push(
            Diagnostic::error("missing-name", "`for_each` needs `name`: what each of them is called")
                .at(&for_each.node().place, "")
                .hint("`name: \"{{ item }}\"` in a list, `name: \"{{ key }}\"` in a mapping"),
        );
        return None;
    }
    Some(declaration)
}

fn empty(kind: usize, label: &Key, place: &Place, diagnostics: &mut Vec<Diagnostic>) -> Option<Declaration> {
    let before = diagnostics.len();
    refuse_in_key(label, diagnostics);
    (diagnostics.len() == before).then(|| Declaration {
        kind,
        label: label.clone(),
        when: None,
        for_each: None,
        name: None,
        mode: None,
        common: Vec::new(),
        fields: Vec::new(),
        incomplete: false,
        place: place.clone(),
    })
}

fn state_field(state: &str, place: &Place) -> (Key, Template) {
    let key = Key { text: "state".into(), place: place.clone() };
    (key, Template::Fixed(Node::text(state, place.clone())))
}

fn field(declaration: &mut Declaration, kind: &Kind, key: &Key, node: &Node, diagnostics: &mut Vec<Diagnostic>) {
    let own = kind.fields.contains(&*key.text);
    match &*key.text {
        "when" => declaration.when = expression(node, diagnostics),
        "for_each" => declaration.for_each = expression(node, diagnostics),
        "name" => declaration.name = Some(Template::compile(node, diagnostics)),
        "mode" => declaration.mode = Some((key.clone(), Template::compile(node, diagnostics))),
        _ if own => {
            declaration.fields.push((key.clone(), Template::compile(node, diagnostics)));
        }
        name if COMMON.contains(&name) => {
            declaration.common.push((key.clone(), Template::compile(node, diagnostics)));
        }
        _ => {
            declaration.incomplete = true;
            let what = format!("a {}", kind.module.kind());
            diagnostics.push(unknown_key(key, &what, kind.keys()));
        }
    }
}

/// `when` and `for_each`.
pub(crate) fn expression(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Expr> {
    match Expr::parse(node) {
        Ok(expression) => Some(expression),
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            None
        }
    }
}
