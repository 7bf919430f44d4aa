//! Nodes of no resource, which stand between many and many.

use super::{Draft, Strength};
use crate::links::Links;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, Reversed, Walker};
use std::collections::BTreeSet;

/// Puts a barrier before and one behind all packages: what any package needs comes before all of them, so that
/// they are one transaction, and what no package needs comes after, so that what a package brings is there.
pub(super) fn packages_together(draft: &mut Draft, links: &[Links]) {
    let packages: BTreeSet<NodeIndex> =
        (0..links.len()).filter(|&node| links[node].packages).map(NodeIndex::new).collect();
    if packages.is_empty() {
        return;
    }
    let feeds = (0..links.len()).filter(|&node| links[node].feeds_packages).map(NodeIndex::new);
    let before = ancestors(draft, &packages.iter().copied().chain(feeds).collect());
    let others: BTreeSet<NodeIndex> = before.difference(&packages).copied().collect();
    // A package that something before another package needs cannot wait for all of it.
    let early = ancestors(draft, &others);
    let (start, end) = (draft.add_node(None), draft.add_node(None));
    for &node in &others {
        draft.add_edge(node, start, Strength::After);
    }
    for &package in &packages {
        if !early.contains(&package) {
            draft.add_edge(start, package, Strength::After);
        }
        draft.add_edge(package, end, Strength::After);
    }
    for node in (0..links.len()).map(NodeIndex::new).filter(|node| !before.contains(node)) {
        draft.add_edge(end, node, Strength::After);
    }
}

/// `nodes` and everything before them.
fn ancestors(draft: &Draft, nodes: &BTreeSet<NodeIndex>) -> BTreeSet<NodeIndex> {
    let mut found = BTreeSet::new();
    for &node in nodes {
        let mut walk = Dfs::new(Reversed(draft), node);
        while let Some(node) = walk.next(Reversed(draft)) {
            found.insert(node);
        }
    }
    found
}

/// A real predecessor stands for itself, a barrier for all that is before it.
pub(super) fn through(draft: &Draft, node: NodeIndex) -> Vec<usize> {
    match draft[node] {
        Some(_) => vec![node.index()],
        None => draft.neighbors_directed(node, Direction::Incoming).map(NodeIndex::index).collect(),
    }
}

/// Puts a barrier between all accounts and what comes after them, unless an account itself comes after that.
pub(super) fn after_accounts(draft: &mut Draft, links: &[Links]) {
    let late: Vec<_> = (0..links.len()).filter(|&node| links[node].after_accounts).map(NodeIndex::new).collect();
    if late.is_empty() {
        return;
    }
    let followers: BTreeSet<_> = late.iter().flat_map(|&node| Dfs::new(&*draft, node).iter(&*draft)).collect();
    let accounts = (0..links.len()).filter(|&node| links[node].is_account()).map(NodeIndex::new);
    let accounts: Vec<_> = accounts.filter(|account| !followers.contains(account)).collect();
    let barrier = draft.add_node(None);
    for account in accounts {
        draft.add_edge(account, barrier, Strength::After);
    }
    for node in late {
        draft.add_edge(barrier, node, Strength::After);
    }
}
