//! What two resources of a host say of one thing, and cannot both have.

use crate::graph::{Node, Problem};
use crate::id::Id;
use crate::links::{Anchor, Links};
use crate::resource::Resource;
use std::collections::btree_map::Entry;
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
    problems
}

/// A path is a file, a directory or a link, by one of them. What kinds of their own keep together in one file is theirs.
fn paths<'a>(all: impl Iterator<Item = (&'a Id, &'a Links)>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut first: BTreeMap<&str, &Id> = BTreeMap::new();
    for (id, links) in all {
        for anchor in links.provides.iter().chain(&links.removes) {
            let Anchor::Path(path) = anchor else { continue };
            match first.entry(path) {
                Entry::Vacant(free) => {
                    free.insert(id);
                }
                Entry::Occupied(taken) if taken.get().kind != id.kind => problems.push(Problem::PathTwice {
                    path: path.clone(),
                    first: (*taken.get()).clone(),
                    second: id.clone(),
                }),
                Entry::Occupied(_) => {}
            }
        }
    }
    problems
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
