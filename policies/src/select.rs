//! What of a run the command line asks for: `--policy`, `--only`, `--tag`.

use crate::repo::Repo;
use crate::resolve::Resolution;
use engine::Resource;
use source::{Diagnostic, Node, glob, suggest};

/// What the command line asks for. An empty list asks for everything; of several in one list any will do,
/// and every list must agree.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names of policies.
    pub policies: Vec<String>,
    /// Globs over ids, in which `*` crosses `/`.
    pub only: Vec<String>,
    /// Tags of policies or resources.
    pub tags: Vec<String>,
}

impl Selection {
    /// Marks the resources that are asked for.
    pub fn apply(&self, resolution: &mut Resolution) {
        for resource in &mut resolution.resources {
            resource.selected = self.wants(resource);
        }
    }

    /// Whether a resource is asked for.
    pub fn wants(&self, resource: &Resource) -> bool {
        let any = |asked: &[String], test: &dyn Fn(&str) -> bool| asked.is_empty() || asked.iter().any(|one| test(one));
        any(&self.policies, &|policy| of_policy(resource, policy))
            && any(&self.only, &|pattern| glob::matches(pattern, &resource.id.to_string()))
            && any(&self.tags, &|tag| tagged(resource, tag))
    }

    /// What is asked for and matches nothing on any of these hosts. Nothing, if only they can tell what they have.
    pub fn problems(&self, repo: &Repo, resolutions: &[Resolution]) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if resolutions.iter().any(|resolution| resolution.unnamed) {
            return problems;
        }
        let resources = || resolutions.iter().flat_map(|resolution| &resolution.resources);
        let mut missing = |option: &str, asked: &str, message: String, hint: Option<String>| {
            let given = Node::given(option, asked);
            problems.push(Diagnostic::error("empty-selection", message).at(&given.place, "").maybe_hint(hint));
        };
        for policy in &self.policies {
            if !resources().any(|resource| of_policy(resource, policy)) {
                let known = repo.policies.iter().map(|policy| policy.name.as_str());
                let hint = suggest::hint(policy, known);
                let message = match repo.policies.iter().any(|known| known.name == *policy) {
                    true => format!("the policy `{policy}` declares nothing on the hosts of this run"),
                    false => format!("there is no policy `{policy}`"),
                };
                missing("--policy", policy, message, hint);
            }
        }
        for pattern in &self.only {
            if !resources().any(|resource| glob::matches(pattern, &resource.id.to_string())) {
                let ids: Vec<String> = resources().map(|resource| resource.id.to_string()).collect();
                let hint =
                    suggest::nearest(pattern, ids.iter().map(String::as_str)).map(|id| format!("did you mean `{id}`?"));
                missing("--only", pattern, format!("`{pattern}` matches no resource on the hosts of this run"), hint);
            }
        }
        for tag in &self.tags {
            if !resources().any(|resource| tagged(resource, tag)) {
                let hint = suggest::hint(
                    tag,
                    resources()
                        .flat_map(|resource| &resource.tags)
                        .map(String::as_str)
                        .collect::<std::collections::BTreeSet<_>>(),
                );
                missing("--tag", tag, format!("no resource on the hosts of this run has the tag `{tag}`"), hint);
            }
        }
        if problems.is_empty() && !resources().any(|resource| self.wants(resource)) && resources().next().is_some() {
            problems
                .push(Diagnostic::error("empty-selection", "`--policy`, `--only` and `--tag` together match nothing"));
        }
        problems
    }
}

fn of_policy(resource: &Resource, policy: &str) -> bool {
    resource.sources.iter().any(|source| source.policy == policy)
}

fn tagged(resource: &Resource, tag: &str) -> bool {
    resource.tags.iter().any(|known| known == tag)
}
