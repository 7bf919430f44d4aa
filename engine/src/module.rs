//! What the author of a kind of resource writes, and the one place where its types are erased.

use crate::change::Change;
use crate::command::Planned;
use crate::facts::{Facts, Pending};
use crate::id::Id;
use crate::links::{Anchor, Links};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A kind of resource: what a policy may say of it, how it is seen, compared and put right. Everything here
/// is a pure function over data; the engine alone talks to hosts.
///
/// `Spec` has every field optional (`Option<T>`): a field that is not written is neither audited nor touched,
/// and defaults are applied where the field is used, so that they take no part in merging. Its doc comments
/// are the user's documentation. Field types that read text forms (`10m`, `0644`) serialize to one canonical
/// form: two declarations agree when those agree.
pub trait Module: Sync + Sized + 'static {
    /// The kind: `user`.
    const KIND: &'static str;
    /// The section of a policy that holds them: `users`.
    const SECTION: &'static str;
    /// Fields whose elements are united when declarations merge.
    const SETS: &'static [&'static str] = &[];
    /// Fields that must be written.
    const REQUIRED: &'static [&'static str] = &[];
    /// Fields that may hold a secret, as a declaration and as [`Module::diff`] name them. The kind puts them nowhere but
    /// on the standard input of a command, and into files that only their owner reads: not into an argument, nor an
    /// environment. What differs in them is never shown once they hold one.
    const SECRETS: &'static [&'static str] = &[];
    /// The steps of a resource, in order; each is a node of the graph with links of its own.
    const STEPS: &'static [&'static str] = &[""];
    /// The documentation page: what it is, and YAML examples in fenced blocks, which tests resolve.
    const DOC: &'static str;
    /// The spec that `name: present` and `name: absent` stand for, and a bare name in a list; `None` where
    /// the kind has no `state`.
    const STATE: Option<&'static [&'static str]> = Some(&["present", "absent"]);

    /// The field that `name: VALUE` stands for, where VALUE is no mapping.
    const SHORT: Option<&'static str> = None;
    /// Why resources of this kind are never put right, only looked at; `None`: they are.
    const AUDIT_ONLY: Option<&'static str> = None;

    /// What the policy says.
    type Spec: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static;
    /// What the host shows.
    type Seen: Send + 'static;

    /// The one spelling of a name that may be written in several.
    fn spelling(&self, name: &str) -> String {
        name.to_owned()
    }

    /// The names that there are, where they are a closed list: for an editor to offer.
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Checks a name and the fields together, offline.
    fn problems(&self, name: &str, spec: &Self::Spec) -> Vec<Problem> {
        let _ = (name, spec);
        Vec::new()
    }

    /// Completes the merged resources of this kind on one host with what they take from each other and from
    /// files of the repository.
    fn complete(
        &self,
        specs: &mut BTreeMap<String, Self::Spec>,
        repository: &dyn Repository,
    ) -> Vec<(String, Problem)> {
        let _ = (specs, repository);
        Vec::new()
    }

    /// Gives one resource a look at what all resources of the host provide, and at their ids, once every kind is sealed:
    /// for what depends on whether anything else is declared. Nothing that [`Module::links`] reads may change.
    fn settle(&self, name: &str, spec: &mut Self::Spec, provided: &BTreeSet<Anchor>) {
        let _ = (name, spec, provided);
    }

    /// What a step of the resource provides to and needs from others.
    fn links(&self, name: &str, spec: &Self::Spec, step: usize) -> Links;

    /// Reads what the policy speaks of out of the facts, or says what is missing.
    fn observe(&self, name: &str, spec: &Self::Spec, facts: &Facts) -> Result<Self::Seen, Pending>;

    /// Everything that differs. Pure and total: what a reader sees.
    fn diff(&self, name: &str, spec: &Self::Spec, seen: &Self::Seen) -> Vec<Change>;

    /// What a resource that is as it should be does as soon as others are put right, because of them: "restarts
    /// nginx.service". Nothing by default. `changing` says of an id whether it is about to be changed.
    fn follows(
        &self,
        name: &str,
        spec: &Self::Spec,
        seen: &Self::Seen,
        changing: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        let _ = (name, spec, seen, changing);
        None
    }

    /// How the drifted resources of one level and step are put right, once for all of them. `declared` are
    /// all enforced resources of the kind on the host. What has to be asked first (a simulation) is asked of
    /// `facts`, as in `observe`. Operations run in the order given.
    fn plan(
        &self,
        step: usize,
        declared: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        facts: &Facts,
    ) -> Result<Vec<Planned>, Pending>;
}

/// A declared resource of one kind.
pub struct Item<'a, M: Module> {
    /// Its id.
    pub id: &'a Id,
    /// What the policy wants of it.
    pub spec: &'a M::Spec,
}

/// A declared resource that differs.
pub struct Drifted<'a, M: Module> {
    /// Its id.
    pub id: &'a Id,
    /// What the policy wants of it.
    pub spec: &'a M::Spec,
    /// What the host shows.
    pub seen: &'a M::Seen,
    /// What differs, of this step.
    pub changes: Vec<&'a Change>,
}

/// A mistake in a declaration, found offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field at fault; `None` is the name.
    pub field: Option<&'static str>,
    /// What is wrong, a sentence without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with `field`.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field), message: message.into(), hint: None }
    }

    /// A problem with the name.
    pub fn name(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into(), hint: None }
    }

    /// And what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The files of the policy repository, as a host's resources see them.
pub trait Repository {
    /// The bytes of a file, its path relative to the repository's root. The error is a sentence for
    /// [`Problem::message`].
    fn read(&self, path: &str) -> Result<Arc<[u8]>, String>;
    /// The file rendered as a Tera template with what the resource `name` may see, which names the file in its
    /// `field`: the host's variables, and the parameters of the technique that declares it.
    fn render(&self, name: &str, field: &str, path: &str) -> Result<String, String>;
    /// Whether the resource `name` holds a secret, in its fields or in what was rendered for it so far.
    fn holds_secret(&self, name: &str) -> bool;
    /// All regular files below a directory, hidden ones too, sorted.
    fn tree(&self, directory: &str) -> Result<Vec<Entry>, String>;
    /// Whether a secret of the resource `name` could not be had: what was rendered for it has something else in its place.
    fn lacks_secret(&self, name: &str) -> bool;
}

/// A file below a directory of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its path, relative to that directory.
    pub path: String,
    /// It is a program: its owner may execute it.
    pub executable: bool,
}

/// A [`Module`] with its types erased, for tables.
pub trait AnyModule: Sync {
    /// [`Module::KIND`].
    fn kind(&self) -> &'static str;
    /// [`Module::SECTION`].
    fn section(&self) -> &'static str;
    /// [`Module::SETS`].
    fn sets(&self) -> &'static [&'static str];
    /// [`Module::REQUIRED`].
    fn required(&self) -> &'static [&'static str];
    /// [`Module::SECRETS`].
    fn secrets(&self) -> &'static [&'static str];
    /// [`Module::STEPS`].
    fn steps(&self) -> &'static [&'static str];
    /// [`Module::STATE`].
    fn states(&self) -> Option<&'static [&'static str]>;
    /// [`Module::SHORT`].
    fn short(&self) -> Option<&'static str>;
    /// [`Module::spelling`].
    fn spelling(&self, name: &str) -> String;
    /// [`Module::names`].
    fn names(&self) -> Vec<&'static str>;
    /// [`Module::AUDIT_ONLY`].
    fn audit_only(&self) -> Option<&'static str>;
    /// [`Module::DOC`].
    fn doc(&self) -> &'static str;
    /// The JSON Schema of `Spec`, draft 7, without references; its `properties` are the fields.
    fn schema(&self) -> schemars::Schema;
    /// The canonical fields of one declaration: read as `Spec`, written back, without what is not there.
    fn canonical(&self, declaration: &mut dyn erased_serde::Deserializer<'_>) -> Result<Fields, erased_serde::Error>;
    /// [`Module::problems`] of canonical fields.
    fn problems(&self, name: &str, fields: &Fields) -> Vec<Problem>;
    /// Checks and completes the merged resources of this kind on one host, and seals them.
    fn seal(&self, merged: BTreeMap<String, Fields>, repository: &dyn Repository) -> Sealed;
}

/// The canonical fields of a declaration.
pub type Fields = serde_json::Map<String, Value>;

/// What [`AnyModule::seal`] makes: the resources that are right, and what is wrong with the others.
pub struct Sealed {
    /// By name.
    pub specs: BTreeMap<String, Box<dyn AnySpec>>,
    /// Mistakes, with the name of the resource.
    pub problems: Vec<(String, Problem)>,
}

/// A resource with the types of its module erased. Made by [`AnyModule::seal`] only.
pub trait AnySpec: Send + Sync {
    /// [`Module::settle`].
    fn settle(&mut self, name: &str, provided: &BTreeSet<Anchor>);
    /// [`Module::links`].
    fn links(&self, name: &str, step: usize) -> Links;
    /// [`Module::observe`], then [`Module::diff`].
    fn check(&self, name: &str, facts: &Facts) -> Result<Checked, Pending>;
    /// [`Module::follows`].
    fn follows(&self, name: &str, checked: &Checked, changing: &dyn Fn(&str) -> bool) -> Option<String>;
    /// [`Module::plan`] for resources of the same kind; those of other kinds are left out.
    fn plan(
        &self,
        step: usize,
        declared: &[(&Id, &dyn AnySpec)],
        drifted: &[(&Id, &dyn AnySpec, &Checked)],
        facts: &Facts,
    ) -> Result<Vec<Planned>, Pending>;
    /// The spec itself, for its own module.
    fn spec(&self) -> &dyn Any;
}

/// What a host showed of one resource, and how it differs.
pub struct Checked {
    /// All differences, of every step.
    pub changes: Vec<Change>,
    seen: Box<dyn Any + Send>,
}

struct Sealing<M: Module> {
    module: &'static M,
    spec: M::Spec,
}

impl<M: Module> AnySpec for Sealing<M> {
    fn settle(&mut self, name: &str, provided: &BTreeSet<Anchor>) {
        self.module.settle(name, &mut self.spec, provided);
    }

    fn links(&self, name: &str, step: usize) -> Links {
        self.module.links(name, &self.spec, step)
    }

    fn check(&self, name: &str, facts: &Facts) -> Result<Checked, Pending> {
        let seen = self.module.observe(name, &self.spec, facts)?;
        Ok(Checked { changes: self.module.diff(name, &self.spec, &seen), seen: Box::new(seen) })
    }

    fn follows(&self, name: &str, checked: &Checked, changing: &dyn Fn(&str) -> bool) -> Option<String> {
        self.module.follows(name, &self.spec, checked.seen.downcast_ref()?, changing)
    }

    fn plan(
        &self,
        step: usize,
        declared: &[(&Id, &dyn AnySpec)],
        drifted: &[(&Id, &dyn AnySpec, &Checked)],
        facts: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        let declared: Vec<_> =
            declared.iter().filter_map(|(id, spec)| Some(Item { id, spec: spec.spec().downcast_ref()? })).collect();
        let drifted: Vec<_> = drifted
            .iter()
            .filter_map(|(id, spec, checked)| {
                Some(Drifted {
                    id,
                    spec: spec.spec().downcast_ref()?,
                    seen: checked.seen.downcast_ref()?,
                    changes: checked.changes.iter().filter(|change| change.step <= step).collect(),
                })
            })
            .collect();
        self.module.plan(step, &declared, &drifted, facts)
    }

    fn spec(&self) -> &dyn Any {
        &self.spec
    }
}

/// A unit struct that implements [`Module`] is its own table entry.
macro_rules! forward {
    ($($name:ident: $constant:ident -> $type:ty),*) => {
        $(fn $name(&self) -> $type { M::$constant })*
    };
}

/// Wraps a module's static for the table: `&Kind(&User)`.
pub struct Kind<M: Module>(pub &'static M);

impl<M: Module> AnyModule for Kind<M> {
    forward!(
        kind: KIND -> &'static str,
        section: SECTION -> &'static str,
        sets: SETS -> &'static [&'static str],
        required: REQUIRED -> &'static [&'static str],
        secrets: SECRETS -> &'static [&'static str],
        steps: STEPS -> &'static [&'static str],
        states: STATE -> Option<&'static [&'static str]>,
        short: SHORT -> Option<&'static str>,
        audit_only: AUDIT_ONLY -> Option<&'static str>,
        doc: DOC -> &'static str
    );

    fn spelling(&self, name: &str) -> String {
        self.0.spelling(name)
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.names()
    }

    fn schema(&self) -> schemars::Schema {
        let settings = schemars::generate::SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<M::Spec>()
    }

    fn canonical(&self, declaration: &mut dyn erased_serde::Deserializer<'_>) -> Result<Fields, erased_serde::Error> {
        let spec: M::Spec = erased_serde::deserialize(declaration)?;
        match serde_json::to_value(&spec) {
            Ok(Value::Object(fields)) => Ok(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
            Ok(_) => Err(serde::de::Error::custom("must be a mapping")),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }

    fn problems(&self, name: &str, fields: &Fields) -> Vec<Problem> {
        match serde_json::from_value::<M::Spec>(Value::Object(fields.clone())) {
            Ok(spec) => self.0.problems(name, &spec),
            Err(_) => vec![Problem::name("cannot be read back")],
        }
    }

    fn seal(&self, merged: BTreeMap<String, Fields>, repository: &dyn Repository) -> Sealed {
        let mut problems = Vec::new();
        let mut specs = BTreeMap::new();
        for (name, fields) in merged {
            match serde_json::from_value::<M::Spec>(Value::Object(fields)) {
                Ok(spec) => {
                    let found = self.0.problems(&name, &spec);
                    if found.is_empty() {
                        specs.insert(name, spec);
                    } else {
                        problems.extend(found.into_iter().map(|problem| (name.clone(), problem)));
                    }
                }
                Err(error) => problems.push((name, Problem::name(format!("cannot be read back: {error}")))),
            }
        }
        problems.extend(self.0.complete(&mut specs, repository));
        let specs = specs
            .into_iter()
            .map(|(name, spec)| (name, Box::new(Sealing { module: self.0, spec }) as Box<dyn AnySpec>))
            .collect();
        Sealed { specs, problems }
    }
}
