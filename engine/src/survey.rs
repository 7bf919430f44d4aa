//! One host's resources, what was seen of them, and what that makes of them: the audit.

use crate::change::{Change, left_to_people};
use crate::event::Watch;
use crate::facts::{Facts, Pending};
use crate::graph::{Graph, Node, Strength};
use crate::id::Id;
use crate::link::Broken;
use crate::module::Checked;
use crate::query::Blind;
use crate::resource::Resource;
use crate::secrecy::Secrecy;
use crate::session::Session;
use crate::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A chain of questions longer than this is a mistake in a kind.
const ROUNDS: usize = 8;

/// What was seen of one resource.
pub enum State {
    /// Nobody wanted to know, or its `when` is false.
    Unseen,
    /// It was observed and compared.
    Checked(Checked),
    /// The host could not tell.
    Blind(Blind),
    /// It is on its way.
    Settling {
        /// What is seen now.
        what: String,
        /// How long enforce waits for it.
        limit: Duration,
    },
}

impl State {
    /// What differs, if that is known.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Checked(checked) => &checked.changes,
            _ => &[],
        }
    }

    /// What enforce has to put right.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Change> {
        self.changes().iter().filter(|change| change.stays.is_none())
    }

    /// Whether something differs that enforce would put right.
    pub(crate) fn drifts(&self) -> bool {
        self.open().next().is_some()
    }
}

/// The resources of one host with what is known of them.
pub struct Survey {
    /// The host's name.
    pub host: String,
    /// All its resources.
    pub resources: Vec<Resource>,
    /// Their order.
    pub graph: Graph,
    /// What the host has answered.
    pub facts: Facts,
    /// What must not be told of it.
    pub secrecy: Secrecy,
    /// By index of resource.
    pub(crate) states: Vec<State>,
    /// What is to be observed: the selected resources and what they need.
    pub(crate) wanted: BTreeSet<usize>,
}

impl Survey {
    /// Nothing is seen yet. `facts` may hold answers already.
    pub fn new(host: impl Into<String>, resources: Vec<Resource>, graph: Graph, facts: Facts) -> Self {
        let selected =
            resources.iter().enumerate().filter(|(_, r)| r.selected && r.spec.is_some()).map(|(index, _)| index);
        let wanted = graph.with_needs(selected, &resources);
        let states = resources.iter().map(|_| State::Unseen).collect();
        Self { host: host.into(), resources, graph, facts, secrecy: Secrecy::default(), states, wanted }
    }

    /// Tells nothing that this knows to be secret.
    pub fn with_secrecy(self, secrecy: Secrecy) -> Self {
        Self { secrecy, ..self }
    }

    /// Observes everything that is wanted.
    ///
    /// # Errors
    /// [`Broken::Become`]: the rights to look could not be had.
    pub fn observe<C>(&mut self, session: &mut Session<C>, watch: &dyn Watch) -> Result<(), Broken> {
        let mut open: Vec<usize> = self.wanted.iter().copied().collect();
        for _ in 0..ROUNDS {
            open.retain(|&index| !self.look(index));
            let missing = self.facts.take_missing();
            if open.is_empty() || missing.is_empty() {
                break;
            }
            session.ask(missing, &mut self.facts, &self.host, watch)?;
        }
        for index in open {
            self.states[index] =
                State::Blind(Blind::Failed("its questions never end; this is a mistake in comply".into()));
        }
        Ok(())
    }

    /// Looks at one resource with the facts there are; false if something has to be asked first.
    fn look(&mut self, index: usize) -> bool {
        let resource = &self.resources[index];
        let Some(spec) = &resource.spec else {
            return true;
        };
        self.states[index] = match spec.check(&resource.id.name, &self.facts) {
            Ok(mut checked) => {
                checked.changes = resource.secrets.veil(resource.module.secrets(), checked.changes);
                State::Checked(checked)
            }
            Err(Pending::Need) => return false,
            Err(Pending::Blind(blind)) => State::Blind(blind),
            Err(Pending::Settling { what, limit }) => State::Settling { what, limit },
        };
        true
    }

    /// The audit's verdicts, for each selected resource by its index.
    pub fn verdicts(&self) -> BTreeMap<usize, Verdict> {
        self.selected().map(|index| (index, self.secrecy.verdict(self.verdict(index)))).collect()
    }

    /// The indices of what the command line selected.
    pub fn selected(&self) -> impl Iterator<Item = usize> {
        self.resources.iter().enumerate().filter(|(_, resource)| resource.selected).map(|(index, _)| index)
    }

    fn verdict(&self, index: usize) -> Verdict {
        let resource = &self.resources[index];
        if resource.spec.is_none() {
            return Verdict::Skipped;
        }
        match &self.states[index] {
            State::Unseen => Verdict::Unknown { why: "it was not looked at".into() },
            State::Checked(checked) if checked.changes.is_empty() => match resource.secrets.why() {
                None => Verdict::Compliant,
                Some(why) => Verdict::Unknown { why },
            },
            State::Checked(checked) => {
                let changes = checked.changes.iter().cloned().chain(resource.secrets.unknown());
                self.differs(index, changes.collect())
            }
            State::Settling { what, .. } => self.differs(index, vec![Change::value("state", what.clone(), "settled")]),
            State::Blind(blind) => match self.blocker(index, blind) {
                Some(by) => self.blocked(by),
                None => Verdict::Unknown { why: blind.to_string() },
            },
        }
    }

    fn differs(&self, index: usize, changes: Vec<Change>) -> Verdict {
        if let Some(waiver) = &self.resources[index].waiver {
            return Verdict::Waived { changes, waiver: waiver.clone() };
        }
        match self
            .ancestors(index, Strength::Needs)
            .into_iter()
            .find(|&other| !self.resources[other].selected && self.states[other].drifts())
        {
            Some(other) => {
                Verdict::Blocked { by: self.resources[other].id.clone(), because: "drifts and is not selected".into() }
            }
            None => {
                let held = left_to_people(&changes).map(str::to_owned);
                Verdict::Drift { changes, held }
            }
        }
    }

    fn blocked(&self, by: usize) -> Verdict {
        let resource = &self.resources[by];
        let id: Id = resource.id.clone();
        match &resource.waiver {
            Some(waiver) => {
                Verdict::Waived { changes: Vec::new(), waiver: format!("blocked by {id}, which is waived: {waiver}") }
            }
            None => {
                let because = if !resource.selected {
                    "drifts and is not selected".to_owned()
                } else if let Some(held) = self.resources[by].held_by.as_ref() {
                    format!("drifts and is held to audit: {held}")
                } else if let Some(why) = self.resources[by].secrets.why() {
                    format!("drifts and cannot be put right: {why}")
                } else {
                    "drifts".to_owned()
                };
                Verdict::Blocked { by: id, because }
            }
        }
    }

    /// The drifted resource because of which the host cannot tell about this one yet. What merely comes before
    /// it counts only where something is missing that it may bring.
    pub(crate) fn blocker(&self, index: usize, blind: &Blind) -> Option<usize> {
        let first = |strength| self.ancestors(index, strength).into_iter().find(|&other| self.states[other].drifts());
        first(Strength::Needs).or_else(|| match blind {
            Blind::NotYet(_) | Blind::NoTool(_) => first(Strength::After),
            _ => None,
        })
    }

    /// What comes before a resource by edges of at least this strength, nearest first.
    pub(crate) fn ancestors(&self, index: usize, strength: Strength) -> Vec<usize> {
        let mut seen = BTreeSet::from([index]);
        let mut found = Vec::new();
        let mut layer = vec![index];
        while !layer.is_empty() {
            let mut next = Vec::new();
            for resource in layer {
                for step in 0..self.resources[resource].module.steps().len() {
                    let node = Node { resource, step };
                    let weak = self.graph.after(node).filter(|_| strength == Strength::After);
                    for before in self.graph.needs(node).chain(weak).map(|node| node.resource) {
                        if seen.insert(before) {
                            found.push(before);
                            next.push(before);
                        }
                    }
                }
            }
            layer = next;
        }
        found
    }
}
