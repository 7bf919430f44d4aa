//! What two resources of a host say of one thing, and cannot both have.

use crate::graph::{Node, Problem};
use crate::id::Id;
use crate::links::{Anchor, Homes, Links, Others};
use crate::resource::Resource;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is claimed twice. Of what may not be wanted at all nothing is said.
pub(crate) fn problems(resources: &[Resource], nodes: &[Node], links: &[Links]) -> Vec<Problem> {
    let certain = || {
        nodes.iter().zip(links).filter_map(|(node, links)| {
            let resource = resources.get(node.resource)?;
            (!resource.undetermined).then_some((&resource.id, links))
        })
    };
    let mut problems = paths(certain());
    problems.extend(members(certain()));
    problems.extend(numbers(certain()));
    problems
}

/// A path is a file, a directory or a link, by one of them.
fn paths<'a>(all: impl Iterator<Item = (&'a Id, &'a Links)> + Clone) -> Vec<Problem> {
    let homes = Homes::of(all.clone().map(|(_, links)| links));
    let mut claims: BTreeMap<String, Vec<(&Id, Others)>> = BTreeMap::new();
    for (id, links) in all {
        let alone = links.provides.iter().chain(&links.removes).map(|anchor| (anchor, Others::None));
        for (anchor, others) in alone.chain(links.keeps.iter().map(|(anchor, others)| (anchor, *others))) {
            let Some(path) = homes.path(anchor) else { continue };
            let claimed = claims.entry(path).or_default();
            // Of many that keep one path together, one is told.
            if others != Others::SameKind || !claimed.iter().any(|(first, _)| first.kind == id.kind) {
                claimed.push((id, others));
            }
        }
    }
    let mut told = BTreeSet::new();
    let mut problems = Vec::new();
    for (path, claimed) in claims {
        for (at, second) in claimed.iter().enumerate() {
            let first = claimed.iter().take(at).find(|first| disagree(first, second));
            problems.extend(first.filter(|first| told.insert((first.0, second.0))).map(|(first, _)| {
                Problem::PathTwice { path: path.clone(), first: (*first).clone(), second: second.0.clone() }
            }));
        }
    }
    problems
}

fn disagree((first, others): &(&Id, Others), (second, rest): &(&Id, Others)) -> bool {
    let same_kind = first.kind == second.kind;
    first != second && !others.allow(same_kind) && !rest.allow(same_kind)
}

/// Who is put into a group is among its members, where those are listed.
fn members<'a>(all: impl Iterator<Item = (&'a Id, &'a Links)> + Clone) -> Vec<Problem> {
    let lists: BTreeMap<&Anchor, (&Id, &BTreeSet<String>)> = all
        .clone()
        .flat_map(|(id, links)| links.admits.iter().map(move |(group, members)| (group, (id, members))))
        .collect();
    let joined = all.flat_map(|(id, links)| links.joins.iter().map(move |(account, group)| (id, account, group)));
    let outside = joined.filter_map(|(id, account, group)| {
        let (list, members) = lists.get(group)?;
        (!members.contains(account)).then(|| Problem::NotAMember { account: id.clone(), group: (*list).clone() })
    });
    outside.collect()
}

/// A number is that of one account, and of one group: files belong to numbers, not to names.
fn numbers<'a>(all: impl Iterator<Item = (&'a Id, &'a Links)>) -> Vec<Problem> {
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let mut owners: BTreeMap<&Anchor, &Id> = BTreeMap::new();
    let mut problems = Vec::new();
    for (id, links) in all {
        for anchor in &links.provides {
            let (Anchor::User(number) | Anchor::Group(number)) = anchor else { continue };
            let first = *owners.entry(anchor).or_insert(id);
            if is_number(number) && first != id {
                problems.push(Problem::NumberTwice {
                    number: number.clone(),
                    first: first.clone(),
                    second: id.clone(),
                });
            }
        }
    }
    problems
}
