//! Kinds of resource for the tests of the language, which itself knows none.

use engine::{
    Anchor, AnyModule, Change, Drifted, Facts, Item, Kind, Links, Module, Pending, Planned, Problem, Repository,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub static MODULES: &[&dyn AnyModule] =
    &[&Kind(&User), &Kind(&Package), &Kind(&File), &Kind(&Link), &Kind(&Keyword), &Kind(&Setting)];

/// What none of these kinds is asked for in tests of the language.
macro_rules! unobserved {
    () => {
        unobserved!(|_name| Links::new());
    };
    (|$name:ident| $links:expr) => {
        type Seen = ();
        fn links(&self, $name: &str, _: &Self::Spec, _: usize) -> Links {
            $links
        }
        fn observe(&self, _: &str, _: &Self::Spec, _: &Facts) -> Result<(), Pending> {
            Ok(())
        }
        fn diff(&self, _: &str, _: &Self::Spec, (): &()) -> Vec<Change> {
            Vec::new()
        }
        fn plan(
            &self,
            _: usize,
            _: &[Item<'_, Self>],
            _: &[Drifted<'_, Self>],
            _: &Facts,
        ) -> Result<Vec<Planned>, Pending> {
            Ok(Vec::new())
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Present,
    Absent,
}

pub struct User;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    pub state: Option<State>,
    pub uid: Option<u32>,
    pub shell: Option<String>,
    pub groups: Option<BTreeSet<String>>,
    pub system: Option<bool>,
}

impl Module for User {
    const KIND: &'static str = "user";
    const SECTION: &'static str = "users";
    const SETS: &'static [&'static str] = &["groups"];
    const DOC: &'static str = "";
    type Spec = UserSpec;
    unobserved!();

    fn problems(&self, name: &str, spec: &UserSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if name.len() > 32 {
            problems.push(Problem::name("the name is longer than 32 characters").hint("shorten it"));
        }
        if spec.shell.as_ref().is_some_and(|shell| !shell.starts_with('/')) {
            problems.push(Problem::field("shell", "the shell must be an absolute path"));
        }
        problems
    }
}

pub struct Package;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageSpec {
    pub state: Option<State>,
    pub version: Option<String>,
    pub hold: Option<bool>,
}

impl Module for Package {
    const KIND: &'static str = "package";
    const SECTION: &'static str = "packages";
    const DOC: &'static str = "";
    type Spec = PackageSpec;
    unobserved!();

    fn problems(&self, _: &str, spec: &PackageSpec) -> Vec<Problem> {
        match (spec.state, &spec.version) {
            (Some(State::Absent), Some(_)) => vec![Problem::field("version", "what is absent has no version")],
            _ => Vec::new(),
        }
    }
}

/// A kind with a `mode` of its own, and content from the repository.
pub struct File;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    pub content: Option<String>,
    pub source: Option<String>,
    pub template: Option<String>,
    pub mode: Option<Octal>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Octal(pub String);

impl<'de> Deserialize<'de> for Octal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if text.len() == 4 => Ok(Self(format!("{bits:04o}"))),
            _ => Err(serde::de::Error::custom(format!("must be four octal digits such as 0644, not `{text}`"))),
        }
    }
}

impl Module for File {
    const KIND: &'static str = "file";
    const SECTION: &'static str = "files";
    const STATE: Option<&'static [&'static str]> = None;
    const SECRETS: &'static [&'static str] = &["content"];
    const DOC: &'static str = "";
    type Spec = FileSpec;
    unobserved!();

    fn complete(&self, specs: &mut BTreeMap<String, FileSpec>, repository: &dyn Repository) -> Vec<(String, Problem)> {
        let mut problems = Vec::new();
        specs.retain(|name, spec| {
            let (field, read) = match (&spec.source, &spec.template) {
                (Some(path), _) => {
                    ("source", repository.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
                }
                (_, Some(path)) => ("template", repository.render(name, "template", path)),
                _ => return true,
            };
            match read {
                Ok(content) => {
                    spec.content = Some(content);
                    true
                }
                Err(message) => {
                    problems.push((name.clone(), Problem::field(field, message)));
                    false
                }
            }
        });
        problems
    }
}

pub struct Link;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    pub state: Option<State>,
    pub target: Option<String>,
    /// What all links of the host provide; nobody writes it.
    #[serde(skip)]
    pub others: BTreeSet<Anchor>,
}

impl Module for Link {
    const KIND: &'static str = "link";
    const SECTION: &'static str = "links";
    const REQUIRED: &'static [&'static str] = &["target"];
    const DOC: &'static str = "";
    type Spec = LinkSpec;
    unobserved!(|name| Links::new().provides(Anchor::Path(name.to_owned())));

    fn settle(&self, _: &str, spec: &mut LinkSpec, provided: &BTreeSet<Anchor>) {
        spec.others = provided.clone();
    }
}

/// A kind without a state.
pub struct Keyword;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordSpec {
    pub value: Option<String>,
}

impl Module for Keyword {
    const KIND: &'static str = "keyword";
    const SECTION: &'static str = "keywords";
    const STATE: Option<&'static [&'static str]> = None;
    const DOC: &'static str = "";
    type Spec = KeywordSpec;
    unobserved!();
}

/// A kind whose value may stand right after the name, and whose names may be written in any case.
pub struct Setting;

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    pub value: Option<Values>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    One(String),
    Several(Vec<String>),
}

impl Module for Setting {
    const KIND: &'static str = "setting";
    const SECTION: &'static str = "settings";
    const STATE: Option<&'static [&'static str]> = None;
    const SHORT: Option<&'static str> = Some("value");
    const DOC: &'static str = "";
    type Spec = SettingSpec;
    unobserved!();

    fn spelling(&self, name: &str) -> String {
        name.to_lowercase()
    }
}
