//! The order of one host's resources.
//!
//! It follows from the declarations alone: the graph is the same offline, on a bare host and on a converged one.

mod barriers;
mod why;

pub use why::why;

use crate::claims;
use crate::id::Id;
use crate::links::{Anchor, Links};
use crate::resource::Resource;
use petgraph::Direction;
use petgraph::algo::{has_path_connecting, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::btree_map::Entry;
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
    /// `needers` need what `absent` declares away.
    NeedsAbsent {
        /// Who needs it.
        needers: BTreeSet<Id>,
        /// Which resource says it must be absent.
        absent: Id,
    },
    /// Two resources say what is at one path.
    PathTwice {
        /// The path.
        path: String,
        /// One of them.
        first: Id,
        /// The other.
        second: Id,
    },
    /// Two accounts, or two groups, have one number.
    NumberTwice {
        /// The number.
        number: String,
        /// One of them.
        first: Id,
        /// The other.
        second: Id,
    },
    /// An account is put into a group whose members do not name it.
    NotAMember {
        /// The account.
        account: Id,
        /// The group.
        group: Id,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(ids) => {
                let names: Vec<_> = ids.iter().chain(ids.first()).map(Id::to_string).collect();
                write!(f, "these need each other in a circle: {}", names.join(" → "))
            }
            Self::NeedsAbsent { needers, absent } => match needers.first() {
                Some(needer) if needers.len() == 1 => {
                    write!(f, "{needer} needs {absent}, which is declared absent")
                }
                _ => {
                    let names: Vec<_> = needers.iter().map(Id::to_string).collect();
                    write!(f, "{absent} is declared absent, and these need it: {}", names.join(", "))
                }
            },
            Self::PathTwice { path, first, second } => {
                write!(f, "{first} and {second} both say what is at {path}")
            }
            Self::NumberTwice { number, first, second } => {
                write!(f, "{first} and {second} both have the number {number}")
            }
            Self::NotAMember { account, group } => {
                write!(f, "{account} is to be in {group}, whose `members` do not name it")
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

/// The nodes of a host before they are ordered, by number.
struct Nodes<'a> {
    resources: &'a [Resource],
    nodes: Vec<Node>,
    links: Vec<Links>,
    /// By resource: its first node, unless it is skipped.
    first: Vec<Option<usize>>,
    by_name: BTreeMap<String, usize>,
}

/// Edges from what comes first to what follows, by numbers of nodes, and what is wrong with them.
#[derive(Default)]
struct Edges {
    needs: Vec<(usize, usize)>,
    after: Vec<(usize, usize)>,
    /// What is declared away, and who needs it.
    orphans: BTreeMap<Id, BTreeSet<Id>>,
}

impl<'a> Nodes<'a> {
    fn of(resources: &'a [Resource]) -> Self {
        let (mut nodes, mut links, mut first) = (Vec::new(), Vec::new(), Vec::new());
        for (resource, declared) in resources.iter().enumerate() {
            first.push(declared.spec.as_ref().map(|_| nodes.len()));
            let Some(spec) = &declared.spec else { continue };
            for step in 0..declared.module.steps().len() {
                nodes.push(Node { resource, step });
                links.push(spec.links(&declared.id.name, step));
            }
        }
        let by_name = resources.iter().enumerate().map(|(index, resource)| (resource.id.to_string(), index)).collect();
        Self { resources, nodes, links, first, by_name }
    }

    fn id(&self, node: usize) -> &Id {
        &self.resources[self.nodes[node].resource].id
    }

    /// Whether it is wanted, whatever the host says of itself.
    fn is_certain(&self, node: usize) -> bool {
        !self.resources[self.nodes[node].resource].undetermined
    }

    /// The first node of the resource of this id.
    fn first(&self, id: &str) -> Option<usize> {
        self.first[*self.by_name.get(id)?]
    }

    /// The last node of the resource of this id: it is done when that is.
    fn last(&self, id: &str) -> Option<usize> {
        let steps = self.resources[*self.by_name.get(id)?].module.steps().len();
        Some(self.first(id)? + steps - 1)
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::default();
        let index = Index::of(&self.links);
        for (node, link) in self.links.iter().enumerate() {
            for anchor in &link.needs {
                edges.needs.extend(self.before(&index, anchor).into_iter().map(|before| (before, node)));
                self.around_absence(&index, node, anchor, true, &mut edges);
            }
            for anchor in &link.after {
                edges.after.extend(self.before(&index, anchor).into_iter().map(|before| (before, node)));
                self.around_absence(&index, node, anchor, false, &mut edges);
            }
        }
        for resource in self.resources {
            let id = resource.id.to_string();
            let (Some(start), Some(end)) = (self.first(&id), self.last(&id)) else { continue };
            edges.needs.extend((start..end).map(|step| (step, step + 1)));
            edges
                .needs
                .extend(resource.requires.iter().filter_map(|other| self.last(other)).map(|before| (before, start)));
            edges.needs.extend(resource.before.iter().filter_map(|other| self.first(other)).map(|after| (end, after)));
        }
        for list in [&mut edges.needs, &mut edges.after] {
            list.retain(|(from, to)| from != to);
            list.sort_unstable();
            list.dedup();
        }
        edges
    }

    /// Who provides `anchor`.
    fn before(&self, index: &Index<'_>, anchor: &Anchor) -> Vec<usize> {
        match anchor {
            Anchor::Resource(id) => self.last(id).into_iter().collect(),
            _ => index.providers(anchor).to_vec(),
        }
    }

    /// Where `anchor` is declared away: what goes away with it goes first, and what stays cannot need it.
    fn around_absence(&self, index: &Index<'_>, node: usize, anchor: &Anchor, needed: bool, edges: &mut Edges) {
        for &gone in index.removers(anchor).iter().filter(|&&gone| gone != node) {
            if !self.links[node].removes.is_empty() {
                edges.after.push((node, gone));
            } else if needed && self.is_certain(node) && self.is_certain(gone) {
                edges.orphans.entry(self.id(gone).clone()).or_default().insert(self.id(node).clone());
            }
        }
    }
}

impl Graph {
    /// Orders `resources`.
    ///
    /// # Errors
    /// Every [`Problem`] there is.
    pub fn build(resources: &[Resource]) -> Result<Self, Vec<Problem>> {
        let nodes = Nodes::of(resources);
        let Edges { needs, after, orphans } = nodes.edges();
        let orphans = orphans.into_iter().map(|(absent, needers)| Problem::NeedsAbsent { needers, absent });
        let mut problems: Vec<Problem> =
            orphans.chain(claims::problems(resources, &nodes.nodes, &nodes.links)).collect();
        let mut draft = Draft::new();
        for &node in &nodes.nodes {
            draft.add_node(Some(node));
        }
        for (from, to) in needs {
            draft.add_edge(NodeIndex::new(from), NodeIndex::new(to), Strength::Needs);
        }
        problems.extend(cycles(&draft).into_iter().map(|cycle| {
            let mut ids: Vec<Id> = cycle.into_iter().map(|node| nodes.id(node).clone()).collect();
            ids.dedup();
            Problem::Cycle(ids)
        }));
        if !problems.is_empty() {
            problems.dedup();
            return Err(problems);
        }
        barriers::packages_together(&mut draft, &nodes.links);
        barriers::after_accounts(&mut draft, &nodes.links);
        for (from, to) in after {
            let (from, to) = (NodeIndex::new(from), NodeIndex::new(to));
            if !has_path_connecting(&draft, to, from, None) {
                draft.add_edge(from, to, Strength::After);
            }
        }
        Ok(Self::sealed(&draft, nodes.first))
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
                    Strength::After => after[node].extend(barriers::through(draft, edge.source())),
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

    /// Whether what is asked for is this anchor, or below this path.
    fn is_met_by(asked: &Anchor, anchor: &Anchor) -> bool {
        match (asked, anchor) {
            (Anchor::Path(path), Anchor::Path(above)) => {
                path == above
                    || above == "/"
                    || path.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }
            _ => asked == anchor,
        }
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
            if let Entry::Vacant(entry) = from.entry(next) {
                entry.insert(node);
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
