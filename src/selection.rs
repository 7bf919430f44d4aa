//! Which resources the command line means.

use crate::cli;
use engine::Resource;
use source::{glob, suggest};
use std::collections::BTreeSet;

/// The resources that `--policy`, `--only` and `--tag` leave.
pub struct Selection {
    policies: Vec<String>,
    ids: Vec<String>,
    tags: Vec<String>,
}

impl Selection {
    /// As the command line says it.
    pub fn new(args: &cli::Selection) -> Self {
        Self { policies: args.policy.clone(), ids: args.only.clone(), tags: args.tag.clone() }
    }

    /// Marks in `resources` what is selected.
    pub fn mark(&self, resources: &mut [Resource]) {
        for resource in resources {
            resource.selected = self.selects(resource);
        }
    }

    fn selects(&self, resource: &Resource) -> bool {
        let policy = |name: &String| resource.sources.iter().any(|source| source.policy == *name);
        let id = |pattern: &String| glob::matches(pattern, &resource.id.to_string());
        let tag = |tag: &String| resource.tags.contains(tag);
        (self.policies.is_empty() || self.policies.iter().any(policy))
            && (self.ids.is_empty() || self.ids.iter().any(id))
            && (self.tags.is_empty() || self.tags.iter().any(tag))
    }

    /// What is wrong with the selection, given the resources of all hosts, marked: an option that matches nothing,
    /// or all of them together.
    pub fn problems(&self, resources: &[&Resource]) -> Vec<String> {
        let ids: BTreeSet<String> = resources.iter().map(|resource| resource.id.to_string()).collect();
        let policies: BTreeSet<&str> =
            resources.iter().flat_map(|resource| &resource.sources).map(|source| source.policy.as_str()).collect();
        let tags: BTreeSet<&str> = resources.iter().flat_map(|resource| &resource.tags).map(String::as_str).collect();
        let mut problems = Vec::new();
        for name in self.policies.iter().filter(|name| !policies.contains(name.as_str())) {
            problems.push(nothing("--policy", name, policies.iter().copied()));
        }
        for pattern in self.ids.iter().filter(|pattern| !ids.iter().any(|id| glob::matches(pattern, id))) {
            problems.push(nothing("--only", pattern, ids.iter().map(String::as_str)));
        }
        for tag in self.tags.iter().filter(|tag| !tags.contains(tag.as_str())) {
            problems.push(nothing("--tag", tag, tags.iter().copied()));
        }
        if problems.is_empty() && resources.is_empty() {
            problems.push("no policy declares anything for these hosts".to_owned());
        } else if problems.is_empty() && !resources.iter().any(|resource| resource.selected) {
            problems.push("--policy, --only and --tag together leave no resource".to_owned());
        }
        problems
    }
}

fn nothing<'a>(option: &str, value: &str, known: impl Iterator<Item = &'a str>) -> String {
    let value = reports::escape::line(value, false);
    let hint = suggest::hint(&value, known).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{option} {value} matches nothing on these hosts{hint}")
}
