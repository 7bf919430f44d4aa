//! Where what holds on a host comes from: each variable with what it overrode, each declaration with its fields.

use crate::merge::Told;
use crate::origin::Origin;
use crate::policy::Policy;
use crate::repo::Repo;
use crate::resolve::Resolution;
use crate::waivers::Waiver;
use engine::Id;
use serde_json::{Map, Value};
use source::{Node, Place, hides, secret};
use std::collections::{BTreeMap, BTreeSet};

/// What stands where a value is nobody's business.
pub const HIDDEN: &str = "[hidden]";

/// A variable of a host.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whoever sets it, and to what: the first one counts, and overrides the others.
    pub layers: Vec<Layer>,
}

/// One value of a variable.
pub struct Layer {
    /// Who sets it.
    pub by: SetBy,
    /// Its value, without secrets.
    pub value: Value,
    /// Where.
    pub place: Place,
}

/// Who sets a variable, from the strongest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// `--var`.
    CommandLine,
    /// The host.
    Host,
    /// A group of the host.
    Group(String),
    /// `comply.yml`.
    Project,
}

/// One declaration of a resource, as it is for one host.
pub struct Declared {
    /// The resource.
    pub id: Id,
    /// The policy.
    pub policy: String,
    /// Where it is declared, and through which `use`.
    pub origin: Origin,
    /// Whether it takes part; `None`: only the host can tell.
    pub takes_part: Option<bool>,
    /// What it says.
    pub fields: Vec<DeclaredField>,
}

/// One field of a declaration.
pub struct DeclaredField {
    /// Its name.
    pub name: String,
    /// Its value in canonical form, without secrets; null: only the host can tell.
    pub value: Value,
    /// Where it is written.
    pub place: Place,
    /// Where its value is written, if that is elsewhere: in a variable.
    pub from: Option<Place>,
}

impl Repo {
    /// Every variable that a host sees, by name.
    pub fn variables_of(&self, host: &str) -> Vec<Variable> {
        let Some(known) = self.inventory.host(host) else { return Vec::new() };
        let names: BTreeSet<&String> = self.overrides.keys().chain(known.vars.keys()).chain(self.vars.keys()).collect();
        names.into_iter().map(|name| Variable { name: name.clone(), layers: self.layers(known, name) }).collect()
    }

    fn layers(&self, host: &inventory::Host, name: &str) -> Vec<Layer> {
        let layer = |by: SetBy, node: &Node| Layer { by, value: shown(name, node), place: node.place.clone() };
        let given = self.overrides.get(name).map(|node| layer(SetBy::CommandLine, node));
        let of_host = inventory::variables::layers(&self.inventory, host, name)
            .into_iter()
            .map(|(group, node)| layer(group.map_or(SetBy::Host, |group| SetBy::Group(group.to_owned())), node));
        let project = self.vars.get(name).map(|node| layer(SetBy::Project, node));
        given.into_iter().chain(of_host).chain(project).collect()
    }

    /// The policies that are for a host, in the order of their files.
    pub fn policies_of(&self, host: &str) -> Vec<&Policy> {
        let index = self.inventory.hosts().iter().position(|known| known.name == host);
        let indices = index.and_then(|index| self.of_host.get(index)).into_iter().flatten();
        indices.filter_map(|policy| self.policies.get(*policy)).collect()
    }

    /// The waivers that speak of a resource on a host, those that have ended included.
    pub fn waivers_of(&self, host: &str, id: &str) -> Vec<&Waiver> {
        let Some(index) = self.inventory.hosts().iter().position(|known| known.name == host) else { return Vec::new() };
        self.waivers.iter().filter(|waiver| waiver.covers(index, id)).collect()
    }

    /// What must hold on a host, and every declaration that has a part in it. `None`: there is no such host.
    pub fn explain(&self, host: &str) -> Option<(Resolution, Vec<Declared>)> {
        let index = self.inventory.hosts().iter().position(|known| known.name == host)?;
        let (resolution, told) = self.resolve_telling(index, self.inventory.hosts().get(index)?);
        let mut declared: Vec<Declared> = told.into_iter().filter_map(|told| self.declared_by(told)).collect();
        hide_contents(&mut declared);
        Some((resolution, declared))
    }

    fn declared_by(&self, told: Told) -> Option<Declared> {
        let Told { kind, name, policy, origin, certain, typed } = told;
        let module = self.kinds.get(kind)?.module;
        let id = Id::new(module.kind(), name);
        let field = |(name, value): (String, Value)| DeclaredField {
            value: match value {
                value if hides(&name) && !value.is_boolean() => HIDDEN.into(),
                // Variables of an environment: their names may be seen.
                Value::Object(entries) if module.secrets().contains(&name.as_str()) => {
                    let hidden = |value: Value| if value.is_object() { without_secrets(value) } else { HIDDEN.into() };
                    entries.into_iter().map(|(key, value)| (key, hidden(value))).collect::<Map<_, Value>>().into()
                }
                value => without_secrets(value),
            },
            place: typed.places.get(&name).unwrap_or(&origin.place).clone(),
            from: typed.from.get(&name).cloned(),
            name,
        };
        let open = typed.open.iter().map(|(name, place)| DeclaredField {
            name: name.clone(),
            value: Value::Null,
            place: place.clone(),
            from: None,
        });
        let fields = typed.fields.clone().into_iter().map(field).chain(open).collect();
        let takes_part = match certain {
            Some(true) => Some(true),
            Some(false) => None,
            None => Some(false),
        };
        Some(Declared { id, policy, origin, takes_part, fields })
    }
}

/// The content of a file that is `secret` is in no field of another declaration either.
fn hide_contents(declared: &mut [Declared]) {
    let mut secret: BTreeMap<Id, bool> = BTreeMap::new();
    for one in declared.iter() {
        let says = one.fields.iter().any(|field| field.name == "secret" && field.value == true);
        *secret.entry(one.id.clone()).or_default() |= says;
    }
    for one in declared.iter_mut().filter(|one| secret.get(&one.id) == Some(&true)) {
        for field in one.fields.iter_mut().filter(|field| field.name == "content") {
            field.value = HIDDEN.into();
        }
    }
}

/// A value of the repository for a reader.
fn shown(key: &str, node: &Node) -> Value {
    match &node.value {
        _ if hides(key) => HIDDEN.into(),
        source::Value::List(items) => items.iter().map(|item| shown("", item)).collect(),
        source::Value::Map(entries) => {
            entries.iter().map(|(key, value)| (key.text.to_string(), shown(&key.text, value))).collect()
        }
        source::Value::Scalar(scalar) => match (node.as_bool(), node.as_integer()) {
            (Some(is), _) => is.into(),
            (_, Some(number)) => number.into(),
            _ => secret::shown(&scalar.text).into(),
        },
        source::Value::Unknown => Value::Null,
    }
}

/// A typed value for a reader.
fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => secret::shown(&text).into(),
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = if hides(&key) { HIDDEN.into() } else { without_secrets(value) };
                (key, value)
            })
            .collect(),
        other => other,
    }
}
