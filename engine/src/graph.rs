//! The order of one host's resources.
//!
//! It follows from the declarations alone: the graph is the same offline, on a bare host and on a converged one.

use crate::id::Id;
use crate::links::{Anchor, Links};
use crate::resource::Resource;
use petgraph::algo::{has_path_connecting, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use petgraph::{Direction, visit::Dfs, visit::Reversed};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How strongly one node follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Order only.
    After,
    /// If the first fails, the second is blocked.
    Needs,
}

/// One step of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// The resource, as an index into the host's resources.
    pub resource: usize,
    /// The step, as an index into its kind's steps.
    pub step: usize,
}

/// A mistake that only the whole host shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Each needs the next, and the last the first.
    Cycle(Vec<Id>),
    /// `needer` needs what `absent` declares away.
    NeedsAbsent {
        /// Who needs it.
        needer: Id,
        /// Which resource says it must be absent.
        absent: Id,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(ids) => {
                let names: Vec<_> = ids.iter().chain(ids.first()).map(Id::to_string).collect();
                write!(f, "these need each other in a circle: {}", names.join(" → "))
            }
            Self::NeedsAbsent { needer, absent } => {
                write!(f, "{needer} needs {absent}, which is declared absent")
            }
        }
    }
}

/// The graph of one host.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize, Strength)>,
    levels: Vec<Vec<Node>>,
    needs: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    first: Vec<Option<usize>>,
}

type Draft = DiGraph<Option<Node>, Strength>;

impl Graph {
    /// Orders `resources`.
    ///
    /// # Errors
    /// Every [`Problem`] there is.
    pub fn build(resources: &[Resource]) -> Result<Self, Vec<Problem>> {
        let mut draft = Draft::new();
        let mut links: Vec<Links> = Vec::new();
        let mut first = Vec::with_capacity(resources.len());
        for (resource, declared) in resources.iter().enumerate() {
            let Some(spec) = &declared.spec else {
                first.push(None);
                continue;
            };
            first.push(Some(draft.node_count()));
            for step in 0..declared.module.steps().len() {
                draft.add_node(Some(Node { resource, step }));
                links.push(spec.links(&declared.id.name, step));
            }
        }
        let owner: Vec<usize> = draft.node_weights().flatten().map(|node| node.resource).collect();
        let id = |node: usize| owner.get(node).map(|&resource| &resources[resource].id);
        let index = Index::of(&links);
        let mut problems = Vec::new();
        let mut strong = Vec::new();
        let mut weak = Vec::new();
        let last = |resource: usize| first[resource].map(|node| node + resources[resource].module.steps().len() - 1);
        let by_name: BTreeMap<String, usize> =
            resources.iter().enumerate().map(|(index, resource)| (resource.id.to_string(), index)).collect();
        for (node, link) in links.iter().enumerate() {
            for anchor in &link.needs {
                if let Anchor::Resource(name) = anchor {
                    strong.extend(by_name.get(name).and_then(|&index| last(index)).map(|before| (before, node)));
                    continue;
                }
                strong.extend(index.providers(anchor).iter().map(|&before| (before, node)));
                for &gone in index.removers(anchor) {
                    if gone == node {
                    } else if !link.removes.is_empty() {
                        // What goes away with it goes first.
                        weak.push((node, gone));
                    } else if let (Some(needer), Some(absent)) = (id(node), id(gone)) {
                        problems.push(Problem::NeedsAbsent { needer: needer.clone(), absent: absent.clone() });
                    }
                }
            }
            for anchor in &link.after {
                match anchor {
                    Anchor::Resource(name) => {
                        weak.extend(by_name.get(name).and_then(|&index| last(index)).map(|before| (before, node)));
                    }
                    _ => weak.extend(index.providers(anchor).iter().map(|&before| (before, node))),
                }
            }
        }
        for (resource, declared) in resources.iter().enumerate() {
            let (Some(start), Some(end)) = (first[resource], last(resource)) else {
                continue;
            };
            strong.extend((start..end).map(|step| (step, step + 1)));
            let other = |name: &String| by_name.get(name).copied();
            strong.extend(declared.requires.iter().filter_map(other).filter_map(last).map(|before| (before, start)));
            strong.extend(
                declared.before.iter().filter_map(other).filter_map(|index| first[index]).map(|after| (end, after)),
            );
        }
        strong.retain(|(from, to)| from != to);
        strong.sort_unstable();
        strong.dedup();
        for (from, to) in strong {
            draft.add_edge(NodeIndex::new(from), NodeIndex::new(to), Strength::Needs);
        }
        problems.extend(cycles(&draft).into_iter().map(|nodes| {
            let mut ids: Vec<Id> = nodes.into_iter().filter_map(&id).cloned().collect();
            ids.dedup();
            Problem::Cycle(ids)
        }));
        if !problems.is_empty() {
            problems.dedup();
            return Err(problems);
        }
        packages_together(&mut draft, &links);
        for (from, to) in weak {
            let (from, to) = (NodeIndex::new(from), NodeIndex::new(to));
            if from != to && !has_path_connecting(&draft, to, from, None) {
                draft.add_edge(from, to, Strength::After);
            }
        }
        Ok(Self::sealed(&draft, first))
    }

    fn sealed(draft: &Draft, first: Vec<Option<usize>>) -> Self {
        let levels = levels(draft);
        let nodes: Vec<Node> = draft.node_weights().copied().flatten().collect();
        let mut needs = vec![Vec::new(); nodes.len()];
        let mut after = vec![Vec::new(); nodes.len()];
        let mut edges = Vec::new();
        for node in 0..nodes.len() {
            for edge in draft.edges_directed(NodeIndex::new(node), Direction::Incoming) {
                match edge.weight() {
                    Strength::Needs => needs[node].push(edge.source().index()),
                    Strength::After => after[node].extend(through_barrier(draft, edge.source())),
                }
            }
            needs[node].sort_unstable();
            after[node].sort_unstable();
            edges.extend(needs[node].iter().map(|&from| (from, node, Strength::Needs)));
            edges.extend(after[node].iter().map(|&from| (from, node, Strength::After)));
        }
        Self { nodes, edges, levels, needs, after, first }
    }

    /// The nodes in the order they are applied; those of one level do not depend on each other.
    pub fn levels(&self) -> &[Vec<Node>] {
        &self.levels
    }

    /// All edges: from what comes first to what follows it.
    pub fn edges(&self) -> impl Iterator<Item = (Node, Node, Strength)> {
        self.edges.iter().map(|&(from, to, strength)| (self.nodes[from], self.nodes[to], strength))
    }

    /// What `node` needs, directly.
    pub fn needs(&self, node: Node) -> impl Iterator<Item = Node> {
        self.neighbours(&self.needs, node)
    }

    /// What merely comes before `node`, directly.
    pub fn after(&self, node: Node) -> impl Iterator<Item = Node> {
        self.neighbours(&self.after, node)
    }

    fn neighbours<'a>(&'a self, lists: &'a [Vec<usize>], node: Node) -> impl Iterator<Item = Node> + use<'a> {
        let list = self.first.get(node.resource).copied().flatten().map(|first| lists[first + node.step].as_slice());
        list.unwrap_or_default().iter().map(|&index| self.nodes[index])
    }

    /// `seeds` and everything they need, directly or not, as indices of resources.
    pub fn with_needs(&self, seeds: impl IntoIterator<Item = usize>, resources: &[Resource]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<usize> = seeds.into_iter().collect();
        while let Some(resource) = todo.pop() {
            if !found.insert(resource) {
                continue;
            }
            let steps = resources.get(resource).map_or(0, |declared| declared.module.steps().len());
            todo.extend((0..steps).flat_map(|step| self.needs(Node { resource, step })).map(|node| node.resource));
        }
        found
    }
}

/// Who provides and who removes each anchor.
struct Index<'a> {
    provides: BTreeMap<&'a Anchor, Vec<usize>>,
    removes: BTreeMap<&'a Anchor, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(links: &'a [Links]) -> Self {
        let mut index = Self { provides: BTreeMap::new(), removes: BTreeMap::new() };
        for (node, link) in links.iter().enumerate() {
            for anchor in &link.provides {
                index.provides.entry(anchor).or_default().push(node);
            }
            for anchor in &link.removes {
                index.removes.entry(anchor).or_default().push(node);
            }
        }
        index
    }

    fn providers(&self, anchor: &Anchor) -> &[usize] {
        Self::nearest(&self.provides, anchor)
    }

    fn removers(&self, anchor: &Anchor) -> &[usize] {
        Self::nearest(&self.removes, anchor)
    }

    /// A path is met by itself or its nearest ancestor that is managed.
    fn nearest<'b>(map: &'b BTreeMap<&'a Anchor, Vec<usize>>, anchor: &Anchor) -> &'b [usize] {
        let Anchor::Path(path) = anchor else {
            return map.get(anchor).map_or(&[], Vec::as_slice);
        };
        let mut path = path.as_str();
        loop {
            if let Some(nodes) = map.get(&Anchor::Path(path.to_owned())) {
                return nodes;
            }
            match path.rfind('/') {
                Some(0) if path.len() > 1 => path = "/",
                Some(at) if at > 0 => path = &path[..at],
                _ => return &[],
            }
        }
    }
}

/// Puts a barrier before and one behind all packages: what any package needs comes before all of them, so that
/// they are one transaction, and what no package needs comes after, so that what a package brings is there.
fn packages_together(draft: &mut Draft, links: &[Links]) {
    let packages: BTreeSet<NodeIndex> =
        (0..links.len()).filter(|&node| links[node].packages).map(NodeIndex::new).collect();
    if packages.is_empty() {
        return;
    }
    let before = ancestors(draft, &packages);
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

/// A real predecessor stands for itself, the barrier for all packages before it.
fn through_barrier(draft: &Draft, node: NodeIndex) -> Vec<usize> {
    match draft[node] {
        Some(_) => vec![node.index()],
        None => draft.neighbors_directed(node, Direction::Incoming).map(NodeIndex::index).collect(),
    }
}

/// Each cycle in the order of its edges, beginning with the node declared first.
fn cycles(draft: &Draft) -> Vec<Vec<usize>> {
    tarjan_scc(draft)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
            walk_cycle(draft, &members)
        })
        .collect()
}

/// A shortest cycle within a strongly connected component, through its first node.
fn walk_cycle(draft: &Draft, members: &BTreeSet<NodeIndex>) -> Vec<usize> {
    let Some(&start) = members.first() else {
        return Vec::new();
    };
    let mut from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in draft.neighbors_directed(node, Direction::Outgoing).filter(|next| members.contains(next)) {
            if next == start {
                let mut cycle = vec![node.index()];
                let mut at = node;
                while let Some(&before) = from.get(&at).filter(|_| at != start) {
                    cycle.push(before.index());
                    at = before;
                }
                cycle.reverse();
                return cycle;
            }
            if !from.contains_key(&next) {
                from.insert(next, node);
                queue.push_back(next);
            }
        }
    }
    members.iter().map(|node| node.index()).collect()
}

/// Every node as early as its predecessors allow.
fn levels(draft: &Draft) -> Vec<Vec<Node>> {
    let mut depth = vec![0_usize; draft.node_count()];
    let mut waiting: Vec<usize> =
        draft.node_indices().map(|node| draft.neighbors_directed(node, Direction::Incoming).count()).collect();
    let mut ready: Vec<NodeIndex> = draft.node_indices().filter(|node| waiting[node.index()] == 0).collect();
    while let Some(node) = ready.pop() {
        for next in draft.neighbors_directed(node, Direction::Outgoing) {
            // The barrier is no level of its own.
            let step = usize::from(draft[node].is_some());
            depth[next.index()] = depth[next.index()].max(depth[node.index()] + step);
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                ready.push(next);
            }
        }
    }
    let mut levels: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    for node in draft.node_indices() {
        if let Some(step) = draft[node] {
            levels.entry(depth[node.index()]).or_default().push(step);
        }
    }
    levels.into_values().collect()
}
