//! A repository, loaded once.

use crate::files::{Files, about_file};
use crate::host::{Templates, given};
use crate::kinds::Kinds;
use crate::lost::Lost;
use crate::policy::{self, Policy};
use crate::project::Project;
use crate::sealing;
use crate::secrets::Provider;
use crate::technique::Technique;
use crate::tree::{Directory, Memory, Tree};
use crate::waivers::{self, Waiver};
use engine::AnyModule;
use inventory::Inventory;
use jiff::civil::Date;
use source::{Diagnostic, Node, Place, sorted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Everything a repository says.
pub struct Repo {
    pub(crate) name: String,
    pub(crate) vars: BTreeMap<String, Node>,
    pub(crate) overrides: BTreeMap<String, Node>,
    pub(crate) provider: Option<Provider>,
    pub(crate) inventory: Inventory,
    pub(crate) techniques: Vec<Technique>,
    pub(crate) policies: Vec<Policy>,
    /// For each host, the policies that are for it.
    pub(crate) of_host: Vec<Vec<usize>>,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) files: Files,
    pub(crate) templates: Templates,
    /// What of it could not be read.
    pub(crate) lost: Lost,
    /// Every id that is declared on any host, once somebody asks; `None` if that cannot be told.
    pub(crate) declared: OnceLock<Option<BTreeSet<String>>>,
}

/// Loads the repository at `root`: every file of the language is read and checked as far as that does not
/// depend on a host. `overrides` are the command line's variables. With errors among the diagnostics the
/// repository is still there, where it can be, so that [`Repo::resolve`] can find the others.
pub fn load(
    root: &Path,
    modules: &'static [&'static dyn AnyModule],
    overrides: &[(String, String)],
) -> (Option<Repo>, Vec<Diagnostic>) {
    load_on(root, modules, overrides, jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// [`load`] as on the day `today`, which decides what waivers hold.
pub fn load_on(
    root: &Path,
    modules: &'static [&'static dyn AnyModule],
    overrides: &[(String, String)],
    today: Date,
) -> (Option<Repo>, Vec<Diagnostic>) {
    match Directory::open(root) {
        Ok(tree) => {
            let (repo, diagnostics) = of_tree(Box::new(tree), modules, overrides, today);
            (Some(repo), diagnostics)
        }
        Err(message) => (None, vec![about_file("unreadable-file", ".", message)]),
    }
}

/// [`load_on`] with files that are in no directory: their content by their paths.
pub fn load_in_memory(
    files: BTreeMap<String, Vec<u8>>,
    modules: &'static [&'static dyn AnyModule],
    overrides: &[(String, String)],
    today: Date,
) -> (Repo, Vec<Diagnostic>) {
    of_tree(Box::new(Memory(files)), modules, overrides, today)
}

fn of_tree(
    tree: Box<dyn Tree>,
    modules: &'static [&'static dyn AnyModule],
    overrides: &[(String, String)],
    today: Date,
) -> (Repo, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let files = Files::new(tree);
    let kinds = Kinds::of(modules);
    let mut lost = Lost::default();
    let read = |path: &str, diagnostics: &mut Vec<Diagnostic>| {
        files.exists(path).then(|| files.yaml(path, diagnostics)).flatten()
    };
    let mut said = Vec::new();
    let project = read("comply.yml", &mut said).map(|node| Project::read(&node, &mut said)).unwrap_or_default();
    lost.project(&said);
    diagnostics.append(&mut said);
    let waivers = read("waivers.yml", &mut diagnostics);
    for (meant, stray) in files.strays() {
        lost.stray(&meant);
        diagnostics.push(stray);
    }
    let documents = inventory_documents(&files, &mut said);
    let inventory = inventory::load(&documents, &mut said);
    lost.inventory(&said);
    diagnostics.append(&mut said);
    let techniques = techniques(&files, &kinds, &mut said);
    lost.techniques(&said);
    diagnostics.append(&mut said);
    let policies = policies(&files, &kinds, (&techniques, &inventory), &mut said);
    lost.policies(&said);
    let waivers = waivers.map(|node| waivers::read(&node, (&inventory, &kinds), today, &mut said)).unwrap_or_default();
    let of_host = (0..inventory.hosts().len())
        .map(|host| {
            (0..policies.len()).filter(|index| policies.get(*index).is_some_and(|p| p.hosts.contains(&host))).collect()
        })
        .collect();
    if project.provider.is_none() {
        said.extend(inventory.hosts().iter().filter_map(sealing::become_without_provider));
    }
    diagnostics.extend(said.into_iter().filter(|mistake| !lost.explains(mistake)));
    let name = project.name.unwrap_or_else(|| files.name());
    let overrides = given(overrides, &mut diagnostics);
    let repo = Repo {
        name,
        vars: project.vars,
        overrides,
        provider: project.provider,
        inventory,
        techniques,
        policies,
        of_host,
        waivers,
        kinds,
        files,
        templates: Templates::default(),
        lost,
        declared: OnceLock::new(),
    };
    (repo, sorted(diagnostics))
}

fn inventory_documents(files: &Files, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let (file, folder) = (files.exists("inventory.yml"), files.exists("inventory"));
    if file && folder {
        diagnostics.push(
            about_file("two-inventories", "inventory.yml", "there is `inventory.yml` and `inventory/`")
                .hint("keep one of them"),
        );
    }
    let paths = if file {
        vec!["inventory.yml".to_owned()]
    } else if folder {
        files.yaml_files("inventory", diagnostics)
    } else {
        diagnostics.push(
            about_file("no-inventory", "inventory.yml", "there is no inventory")
                .hint("write `inventory.yml`: `hosts: {NAME: {}}`"),
        );
        Vec::new()
    };
    paths.iter().filter_map(|path| files.yaml(path, diagnostics)).collect()
}

fn techniques(files: &Files, kinds: &Kinds, diagnostics: &mut Vec<Diagnostic>) -> Vec<Technique> {
    let mut techniques = Vec::new();
    if files.exists("techniques") {
        for path in files.yaml_files("techniques", diagnostics) {
            let Some(node) = files.yaml(&path, diagnostics) else { continue };
            techniques.extend(Technique::read(&path, &node, kinds, diagnostics));
        }
    }
    let names = techniques.iter().map(|technique| (technique.name.as_str(), &technique.place));
    diagnostics.extend(taken_twice("techniques", names));
    techniques
}

fn policies(
    files: &Files,
    kinds: &Kinds,
    around: (&[Technique], &Inventory),
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Policy> {
    if !files.exists("policies") {
        diagnostics.push(
            about_file("no-policies", "policies", "there are no policies").hint("write one: `policies/NAME.yml`"),
        );
        return Vec::new();
    }
    let mut policies: Vec<Policy> = Vec::new();
    for path in files.yaml_files("policies", diagnostics) {
        let before = diagnostics.len();
        let Some(node) = files.yaml(&path, diagnostics) else {
            if diagnostics.len() == before {
                diagnostics.push(policy::empty(&path));
            }
            continue;
        };
        policies.extend(Policy::read(&path, &node, kinds, around, diagnostics));
    }
    let names = policies.iter().map(|policy| (policy.name.as_str(), &policy.place));
    diagnostics.extend(taken_twice("policies", names));
    policies
}

/// Names that two files have.
fn taken_twice<'a>(what: &str, names: impl Iterator<Item = (&'a str, &'a Place)>) -> Vec<Diagnostic> {
    let mut by_name = BTreeMap::new();
    let twice = names.filter_map(|(name, place)| {
        let first = by_name.insert(name, place)?;
        Some(
            Diagnostic::error("name-taken", format!("two {what} are called `{name}`"))
                .at(place, "this one")
                .at(first, "and this one"),
        )
    });
    twice.collect()
}

impl Repo {
    /// The project's name: `name` of `comply.yml`, else the directory's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An id, or a glob over ids, in the one spelling of its name: `service/cron` for `service/cron.service`.
    pub fn spelled(&self, id: &str) -> String {
        self.kinds.spelled(id)
    }

    /// Who gives secrets.
    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// The hosts.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The policies, in the order of their files.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The techniques, in the order of their files.
    pub fn techniques(&self) -> &[Technique] {
        &self.techniques
    }

    /// The waivers, those that have ended included.
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// The waiver under which it is accepted that a host cannot be reached, in words.
    pub fn unreachable_waiver(&self, host: &str) -> Option<String> {
        let index = self.inventory.hosts().iter().position(|known| known.name == host)?;
        let waiver = self.waivers.iter().find(|w| !w.expired && w.resource == "*" && w.hosts.contains(&index))?;
        Some(waiver.text())
    }
}
