//! Why one node comes before another, in words.

use super::{Index, Node};
use crate::links::{Anchor, Links};
use crate::resource::Resource;

/// Every reason why `first` comes before `then`; both are nodes of `resources`.
pub fn why(resources: &[Resource], first: Node, then: Node) -> Vec<String> {
    let (Some(before), Some(after)) = (resources.get(first.resource), resources.get(then.resource)) else {
        return Vec::new();
    };
    if first.resource == then.resource {
        return vec!["they are steps of one resource".to_owned()];
    }
    let links = |resource: &Resource, step| resource.spec.as_ref().map(|spec| spec.links(&resource.id.name, step));
    let (earlier, later) = (links(before, first.step).unwrap_or_default(), links(after, then.step).unwrap_or_default());
    let mut reasons: Vec<String> = Vec::new();
    if after.requires.contains(&before.id.to_string()) {
        reasons.push("its `requires` says so".to_owned());
    }
    if before.before.contains(&after.id.to_string()) {
        reasons.push(format!("`before` of {} says so", before.id));
    }
    for anchor in later.needs.iter().chain(&later.after) {
        match anchor {
            Anchor::Resource(id) if *id == before.id.to_string() => reasons.push("it names it".to_owned()),
            _ if meets(&earlier, anchor) => reasons.push(words(anchor)),
            _ => {}
        }
    }
    let goes = |anchor: &&Anchor| later.removes.iter().any(|gone| Index::is_met_by(anchor, gone));
    if !earlier.removes.is_empty() && earlier.needs.iter().chain(&earlier.after).any(|anchor| goes(&anchor)) {
        reasons.push("what goes away with it goes first".to_owned());
    }
    if later.after_accounts && earlier.is_account() {
        reasons.push("it may be the primary group of that account".to_owned());
    }
    if reasons.is_empty() && earlier.packages != later.packages {
        let which = if earlier.packages { "packages come first" } else { "what a package needs comes first" };
        reasons.push(which.to_owned());
    }
    let mut seen = Vec::new();
    reasons.retain(|reason| {
        !seen.contains(reason) && {
            seen.push(reason.clone());
            true
        }
    });
    reasons
}

fn meets(links: &Links, anchor: &Anchor) -> bool {
    links.provides.iter().any(|provided| Index::is_met_by(anchor, provided))
}

fn words(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Path(path) => format!("for the path {path}"),
        Anchor::User(name) => format!("for the account {name}"),
        Anchor::Group(name) => format!("for the group {name}"),
        Anchor::Package(name) => format!("for the package {name}"),
        Anchor::Unit(name) if name.is_empty() => "files of units come first".to_owned(),
        Anchor::Unit(name) => format!("for the unit {name}"),
        Anchor::Resource(id) => format!("for {id}"),
        Anchor::Home(account, _) => format!("for the home of {account}"),
    }
}
