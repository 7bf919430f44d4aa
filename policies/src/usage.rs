//! `use`: a policy takes in a technique, once or for each of many.

use crate::declaration::expression;
use crate::expand::{Common, Nothing};
use crate::parameter::Arguments;
use crate::technique::Technique;
use source::{Diagnostic, Expr, Key, Node, Place, Rendered, Scope, Template, Value, suggest};
use std::sync::Arc;

/// What stands beside a technique's name.
pub(crate) const KEYS: &[&str] = &["when", "for_each", "mode", "severity", "tags"];

/// One entry of `use`.
pub(crate) struct Usage {
    /// The technique, as an index in the repository's.
    pub(crate) technique: usize,
    pub(crate) when: Option<Expr>,
    pub(crate) for_each: Option<Expr>,
    /// `mode`, `severity` and `tags`.
    common: Vec<(Key, Template)>,
    arguments: Vec<(Key, Template)>,
    /// The technique's name.
    pub(crate) place: Place,
    /// What its parameters come to, if that is the same on every host.
    fixed: Option<Arc<Arguments>>,
}

/// Reads the value of `use`.
pub(crate) fn read(node: &Node, techniques: &[Technique], diagnostics: &mut Vec<Diagnostic>) -> Vec<Usage> {
    match node.as_list() {
        Some(items) => items.iter().filter_map(|item| one(item, techniques, diagnostics)).collect(),
        None => {
            let glued = match &node.value {
                Value::Map(entries) => entries.iter().any(|(key, _)| key.text.starts_with('-')),
                _ => node.as_str().is_some_and(|text| text.starts_with('-')),
            };
            let hint = match glued {
                true => "write a space after each `-`",
                false => "write it as a list: `use: [{NAME: {…}}]`, or `- NAME: {…}` on a line of its own",
            };
            diagnostics.push(
                Diagnostic::error("bad-use", format!("`use` is a list of techniques, not {}", node.kind()))
                    .at(&node.place, "")
                    .hint(hint),
            );
            Vec::new()
        }
    }
}

fn one(node: &Node, techniques: &[Technique], diagnostics: &mut Vec<Diagnostic>) -> Option<Usage> {
    let entries = match &node.value {
        Value::Scalar(scalar) => {
            let name = Key { text: scalar.text.clone(), place: node.place.clone() };
            let mut usage = Usage::new(&name, &[], techniques, diagnostics)?;
            usage.fix(techniques, diagnostics);
            return Some(usage);
        }
        Value::Map(entries) => entries,
        Value::List(_) | Value::Unknown => {
            diagnostics.push(bad("an element of `use` is a technique", node));
            return None;
        }
    };
    let (beside, named): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| KEYS.contains(&&*key.text));
    let (name, value) = match named.as_slice() {
        [(name, value)] => (name, value),
        [] => {
            diagnostics.push(bad("this element of `use` names no technique", node));
            return None;
        }
        [_, (second, _), ..] => {
            diagnostics.push(two(&named, second, techniques));
            return None;
        }
    };
    let Some(arguments) = value.as_map() else {
        let message = format!("the parameters of `{}` are a mapping, not {}", name.text, value.kind());
        diagnostics.push(
            Diagnostic::error("bad-use", message).at(&value.place, "").hint("`{}` if it takes none: `- NAME: {…}`"),
        );
        return None;
    };
    let mut usage = Usage::new(name, arguments, techniques, diagnostics)?;
    for (key, node) in beside {
        match &*key.text {
            "when" => usage.when = expression(node, diagnostics),
            "for_each" => usage.for_each = Some(expression(node, diagnostics)?),
            _ => usage.common.push((key.clone(), Template::compile(node, diagnostics))),
        }
    }
    usage.fix(techniques, diagnostics);
    Some(usage)
}

fn bad(message: &str, node: &Node) -> Diagnostic {
    Diagnostic::error("bad-use", message)
        .at(&node.place, "")
        .hint(format!("write `- NAME: {{…}}`; beside the name: {}", KEYS.join(", ")))
}

/// Two names: a parameter that is not indented, a slip of the pen, or two techniques in one element.
fn two(named: &[&(Key, Node)], second: &Key, techniques: &[Technique]) -> Diagnostic {
    let is_technique = |key: &Key| techniques.iter().any(|technique| technique.name == *key.text);
    let strange = named.iter().map(|(key, _)| key).find(|key| !is_technique(key)).unwrap_or(second);
    let hint = match suggest::nearest(&strange.text, KEYS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if is_technique(strange) => "begin each technique with a `-` of its own".to_owned(),
        None => format!("a parameter stands inside of the technique; beside it: {}", KEYS.join(", ")),
    };
    Diagnostic::error("bad-use", "an element of `use` names one technique")
        .at(&strange.place, "this is another name")
        .hint(hint)
}

impl Usage {
    fn new(
        name: &Key,
        arguments: &[(Key, Node)],
        techniques: &[Technique],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let Some((index, technique)) = techniques.iter().enumerate().find(|(_, known)| known.name == *name.text) else {
            let hint = match techniques.is_empty() {
                true => Some("write it: `techniques/NAME.yml`".to_owned()),
                false => suggest::hint(&name.text, techniques.iter().map(|technique| technique.name.as_str())),
            };
            let message = format!("there is no technique `{}`", name.text);
            diagnostics.push(Diagnostic::error("unknown-technique", message).at(&name.place, "").maybe_hint(hint));
            return None;
        };
        let known = |key: &Key| technique.parameters.iter().any(|parameter| *parameter.name == *key.text);
        for (key, _) in arguments.iter().filter(|(key, _)| !known(key) && !technique.incomplete) {
            diagnostics.push(technique.unknown_parameter(key));
        }
        let misspelt =
            |name: &str| arguments.iter().any(|(key, _)| !known(key) && suggest::nearest(&key.text, [name]).is_some());
        for parameter in technique.parameters.iter().filter(|parameter| !parameter.is_optional()) {
            let given = arguments.iter().any(|(key, _)| *key.text == *parameter.name);
            if !given && !misspelt(&parameter.name) {
                let message = format!("the technique `{}` needs `{}`", technique.name, parameter.name);
                diagnostics.push(
                    Diagnostic::error("missing-parameter", message)
                        .at(&name.place, "not given here")
                        .at(&parameter.place, "the parameter is declared here")
                        .hint("give it a value, or the parameter a `default`"),
                );
            }
        }
        let arguments =
            arguments.iter().map(|(key, node)| (key.clone(), Template::compile(node, diagnostics))).collect();
        Some(Self {
            technique: index,
            when: None,
            for_each: None,
            common: Vec::new(),
            arguments,
            place: name.place.clone(),
            fixed: None,
        })
    }
}

impl Usage {
    /// What its parameters come to where that does not depend on a host.
    fn fix(&mut self, techniques: &[Technique], diagnostics: &mut Vec<Diagnostic>) {
        let Some(technique) = techniques.get(self.technique) else { return };
        let given = |name: &str| self.arguments.iter().any(|(key, _)| *key.text == *name);
        let defaults = technique.parameters.iter().filter(|parameter| !given(&parameter.name));
        let mut templates = defaults
            .filter_map(|parameter| parameter.default.as_ref())
            .chain(self.arguments.iter().map(|(_, template)| template));
        if templates.all(Template::is_fixed) {
            self.fixed = Some(Arc::new(self.bind(technique, (&Nothing, &Nothing), diagnostics)));
        }
    }

    fn bind(
        &self,
        technique: &Technique,
        scopes: (&dyn Scope, &dyn Scope),
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Arguments {
        Arguments::bind(&technique.name, &technique.parameters, &self.arguments, &self.place, scopes, diagnostics)
    }

    /// What its parameters come to: with what the policy sees here, and what the host has.
    pub(crate) fn arguments(
        &self,
        technique: &Technique,
        scopes: (&dyn Scope, &dyn Scope),
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Arc<Arguments> {
        self.fixed.clone().unwrap_or_else(|| Arc::new(self.bind(technique, scopes, diagnostics)))
    }

    /// What stands beside the technique; the flag says that a part of it is not known yet.
    pub(crate) fn common(&self, scope: &dyn Scope, diagnostics: &mut Vec<Diagnostic>) -> (Common, bool) {
        let mut common = Common::default();
        let mut unknown = false;
        for (key, template) in &self.common {
            match template.render(scope, diagnostics).public(&key.text, template.place(), diagnostics) {
                Rendered::Value(node) => common.read(key, &node, diagnostics),
                Rendered::Unknown => unknown = true,
                Rendered::Failed => {}
            }
        }
        (common, unknown)
    }
}
