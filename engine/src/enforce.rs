//! Puts a host right, level by level, and grants verdicts only on what is seen afterwards.

use crate::canary::Canary;
use crate::change::{Change, left_to_people};
use crate::command::Op;
use crate::event::{Event, Watch};
use crate::graph::{Node, Strength};
use crate::id::Id;
use crate::link::Connect;
use crate::module::Checked;
use crate::plan::{may_change, plan_level};
use crate::query::Blind;
use crate::resource::Resource;
use crate::secrecy::Discreet;
use crate::session::{Armed, Done, Session};
use crate::survey::{State, Survey};
use crate::switch::Outcome;
use crate::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What the operator agreed to destroy.
pub enum Approval {
    /// A person has seen the plan and said yes to all of it.
    All,
    /// Only what `--allow-destroy` names: decides by the resource's id.
    Only(Box<dyn Fn(&Id) -> bool + Send + Sync>),
}

impl Approval {
    pub(crate) fn allows(&self, op: &Op) -> bool {
        op.destroys.is_none() || op.serves.iter().all(|id| self.names(id))
    }

    pub(crate) fn names(&self, id: &Id) -> bool {
        match self {
            Self::All => true,
            Self::Only(named) => named(id),
        }
    }
}

/// What guarded changes need (see [`crate::switch`]).
pub struct Safety<'a> {
    /// The way in, for a new session.
    pub way: &'a dyn Connect,
    /// After how long the host puts itself back.
    pub limit: Duration,
    /// The other hosts of the run.
    pub canary: &'a Canary,
}

/// What has become of the resources while a host is put right.
#[derive(Default)]
struct Course {
    /// What differed at first sight, for `changed`.
    first: BTreeMap<usize, Vec<Change>>,
    failed: BTreeMap<usize, String>,
    held: BTreeMap<usize, String>,
    reverted: BTreeMap<usize, String>,
    /// Nodes with guarded operations, whose turn is later.
    put_off: Vec<Node>,
    ran: bool,
}

impl Course {
    fn stopped(&self, index: usize) -> bool {
        self.failed.contains_key(&index) || self.held.contains_key(&index) || self.reverted.contains_key(&index)
    }
}

/// Applies what may be applied, level by level, and returns every selected resource's verdict by its index.
///
/// After each level that ran anything, everything is observed anew: what a level brings, the next one sees,
/// and the last of these observations is the one that grants the verdicts.
///
/// Guarded operations come as late as what depends on them allows, each alone.
pub fn apply(
    survey: &mut Survey,
    mut session: Session<Armed>,
    approval: &Approval,
    safety: &Safety<'_>,
    watch: &dyn Watch,
) -> BTreeMap<usize, Verdict> {
    let mut course = Course::default();
    let secrecy = survey.secrecy.clone();
    let watch: &dyn Watch = &Discreet { secrecy: secrecy.clone(), watch };
    let wanted = survey.wanted.clone();
    wait_until_settled(survey, &mut session, &wanted, watch);
    note_first(survey, &mut course);
    let levels = survey.graph.levels().to_vec();
    let mut hand = Hand { session: &mut session, approval, safety, watch };
    for (number, nodes) in levels.iter().enumerate() {
        let due = due_before(survey, &course, nodes);
        hand.apply_guarded(survey, &due, number + 1, &mut course);
        hand.apply_level(survey, nodes, number + 1, &mut course);
    }
    let rest = std::mem::take(&mut course.put_off);
    hand.apply_guarded(survey, &rest, levels.len(), &mut course);
    if course.ran {
        wait_until_settled(survey, &mut session, &wanted, watch);
    }
    session.release();
    survey.selected().map(|index| (index, secrecy.verdict(final_verdict(survey, &course, index)))).collect()
}

/// The verdicts if nothing is changed, because `why`: what differs is held.
pub fn declined(survey: &Survey, why: &str) -> BTreeMap<usize, Verdict> {
    let mut verdicts = survey.verdicts();
    for (&index, verdict) in &mut verdicts {
        match verdict {
            Verdict::Compliant => *verdict = Verdict::Kept,
            Verdict::Drift { held, .. } => {
                let resource = &survey.resources[index];
                let own = resource.held_by.clone().or_else(|| resource.secrets.why());
                *held = Some(own.or(held.take()).unwrap_or_else(|| why.to_owned()));
            }
            _ => {}
        }
    }
    verdicts
}

fn note_first(survey: &Survey, course: &mut Course) {
    for &index in &survey.wanted {
        match &survey.states[index] {
            State::Checked(checked) if checked.changes.is_empty() => {}
            // What was blocked at first tells what differs as soon as it can be seen.
            state => {
                let first = course.first.entry(index).or_default();
                if first.is_empty() {
                    *first = state.changes().to_vec();
                }
            }
        }
    }
}

/// Observes everything anew.
fn look_again(survey: &mut Survey, session: &mut Session<Armed>, watch: &dyn Watch) {
    survey.facts.forget();
    // The rights were there when the run began; if they are gone, every state says so.
    if let Err(broken) = survey.observe(session, watch) {
        for index in survey.wanted.clone() {
            survey.states[index] = State::Blind(Blind::Denied(broken.to_string()));
        }
    }
}

/// Observes again while one of `which` is on its way, up to its limit.
fn wait_until_settled(survey: &mut Survey, session: &mut Session<Armed>, which: &BTreeSet<usize>, watch: &dyn Watch) {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let settling = which.iter().find_map(|&index| match &survey.states[index] {
            State::Settling { what, limit } if begun.elapsed() < *limit => {
                Some(format!("{} {what}", survey.resources[index].id))
            }
            _ => None,
        });
        let Some(what) = settling else { return };
        watch.event(&survey.host, &Event::Waiting { what: &what });
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(2));
        look_again(survey, session, watch);
    }
}

/// Of what was put off, what has to be done before `nodes`: something in there that comes after it still differs, or will
/// have something to do because of it.
fn due_before(survey: &Survey, course: &Course, nodes: &[Node]) -> Vec<Node> {
    let put_off: BTreeSet<String> =
        course.put_off.iter().map(|node| survey.resources[node.resource].id.to_string()).collect();
    let follows = |resource: &Resource, checked: &Checked| {
        let spec = resource.spec.as_ref();
        spec.is_some_and(|spec| spec.follows(&resource.id.name, checked, &|id| put_off.contains(id)).is_some())
    };
    let open = |node: &&Node| match &survey.states[node.resource] {
        State::Checked(checked) => {
            survey.states[node.resource].open().any(|change| change.step <= node.step)
                || follows(&survey.resources[node.resource], checked)
        }
        State::Unseen => false,
        State::Blind(_) | State::Settling { .. } => true,
    };
    let waiting = nodes.iter().filter(open).filter(|node| may_change(survey, node.resource));
    let before: BTreeSet<usize> = waiting.flat_map(|node| survey.ancestors(node.resource, Strength::After)).collect();
    course.put_off.iter().copied().filter(|node| before.contains(&node.resource)).collect()
}

/// All ids that are served together with one that a guarded operation serves.
fn guarded_ids(ops: &[Op]) -> BTreeSet<Id> {
    let mut ids: BTreeSet<Id> = ops.iter().filter(|op| op.guard.is_some()).flat_map(|op| &op.serves).cloned().collect();
    loop {
        let together = ops.iter().filter(|op| op.serves.iter().any(|id| ids.contains(id)));
        let more: BTreeSet<Id> = together.flat_map(|op| &op.serves).cloned().collect();
        if more.is_subset(&ids) {
            return ids;
        }
        ids.extend(more);
    }
}

/// What applies operations.
struct Hand<'a> {
    session: &'a mut Session<Armed>,
    approval: &'a Approval,
    safety: &'a Safety<'a>,
    watch: &'a dyn Watch,
}

impl Hand<'_> {
    /// What is to be done for those of `nodes` that may be changed now.
    fn plan(&mut self, survey: &mut Survey, nodes: &[Node], course: &mut Course) -> (Vec<Node>, Vec<Op>) {
        let open: Vec<Node> = nodes
            .iter()
            .copied()
            .filter(|node| may_change(survey, node.resource))
            .filter(|node| !course.stopped(node.resource) && blocked_by(survey, course, node.resource).is_none())
            .collect();
        // What is left of earlier steps, such as what could not be told to be of an earlier one before, has its turn too.
        let differs = |node: &&Node| survey.states[node.resource].open().any(|change| change.step <= node.step);
        let drifting: Vec<Node> = open.iter().filter(differs).copied().collect();
        let level = plan_level(survey, self.session, &drifting, self.approval, self.watch);
        let index_of = index_of(survey);
        for (id, why) in level.refused.into_iter().chain(level.dangers) {
            course.failed.extend(index_of.get(&id).map(|&index| (index, why)));
        }
        for op in &level.held {
            let what = op.destroys.as_deref().unwrap_or_default();
            for id in op.serves.iter().filter(|id| !self.approval.names(id)) {
                let held = format!("it destroys {what} for good; say yes to the plan, or give --allow-destroy '{id}'");
                course.held.extend(index_of.get(id).map(|&index| (index, held)));
            }
        }
        (open, level.ops)
    }

    /// Applies one level but for what is guarded, and, if anything was run, looks at everything again.
    fn apply_level(&mut self, survey: &mut Survey, nodes: &[Node], number: usize, course: &mut Course) {
        let (open, mut ops) = self.plan(survey, nodes, course);
        let guarded = guarded_ids(&ops);
        ops.retain(|op| !op.serves.iter().any(|id| guarded.contains(id)));
        course.put_off.extend(open.iter().filter(|node| guarded.contains(&survey.resources[node.resource].id)));
        if ops.is_empty() {
            return;
        }
        self.announce(survey, number, &ops);
        course.ran = true;
        let done = self.session.apply(&ops).unwrap_or_else(|why| vec![Done::Failed(why); ops.len()]);
        let mut touched = BTreeSet::new();
        for (op, done) in ops.iter().zip(done) {
            touched.extend(note(survey, course, op, &done));
        }
        self.look_and_judge(survey, &open, &touched, course);
    }

    /// Applies what was put off, each operation alone, and looks at everything again.
    fn apply_guarded(&mut self, survey: &mut Survey, nodes: &[Node], number: usize, course: &mut Course) {
        course.put_off.retain(|node| !nodes.contains(node));
        if nodes.is_empty() {
            return;
        }
        let (open, ops) = self.plan(survey, nodes, course);
        if ops.is_empty() {
            return;
        }
        let safety = self.safety;
        self.watch.event(&survey.host, &Event::Waiting { what: "another host, which goes first" });
        let mut turn = match safety.canary.turn(&survey.host) {
            Ok(turn) => turn,
            Err(why) => return hold(survey, course, &ops, &why),
        };
        let mut touched = BTreeSet::new();
        for (number_of_op, op) in ops.iter().enumerate() {
            let index_of = index_of(survey);
            if op.serves.iter().filter_map(|id| index_of.get(id)).any(|index| course.stopped(*index)) {
                continue;
            }
            self.announce(survey, number, std::slice::from_ref(op));
            course.ran = true;
            let Some(guard) = &op.guard else {
                let done = self.session.apply(std::slice::from_ref(op)).unwrap_or_else(|why| vec![Done::Failed(why)]);
                touched.extend(done.iter().flat_map(|done| note(survey, course, op, done)));
                continue;
            };
            match self.session.apply_guarded(op, guard, safety.way, safety.limit) {
                Outcome::Stays => {
                    turn.kept();
                    touched.extend(note(survey, course, op, &Done::Well));
                }
                Outcome::Failed(why) => touched.extend(note(survey, course, op, &Done::Failed(why))),
                Outcome::Reverted(why) => {
                    turn.reverted();
                    for index in op.serves.iter().filter_map(|id| index_of.get(id)) {
                        course.reverted.entry(*index).or_insert_with(|| why.clone());
                    }
                    let rest = &ops[number_of_op + 1..];
                    hold(survey, course, rest, "another guarded change of this host was undone just before");
                    break;
                }
            }
        }
        drop(turn);
        self.look_and_judge(survey, &open, &touched, course);
    }

    fn announce(&self, survey: &Survey, number: usize, ops: &[Op]) {
        let says: Vec<String> = ops.iter().map(|op| op.says.clone()).collect();
        self.watch.event(&survey.host, &Event::Applying { level: number, says: &says });
    }

    /// Looks at everything again; what was touched must be right now.
    fn look_and_judge(&mut self, survey: &mut Survey, open: &[Node], touched: &BTreeSet<usize>, course: &mut Course) {
        look_again(survey, self.session, self.watch);
        wait_until_settled(survey, self.session, touched, self.watch);
        note_first(survey, course);
        for node in open.iter().filter(|node| touched.contains(&node.resource)) {
            let left = survey.states[node.resource].open().any(|change| change.step <= node.step);
            if left || matches!(survey.states[node.resource], State::Settling { .. }) {
                course.failed.entry(node.resource).or_insert_with(|| NOT_CONVERGED.into());
            }
        }
    }
}

fn index_of(survey: &Survey) -> BTreeMap<Id, usize> {
    survey.resources.iter().enumerate().map(|(index, resource)| (resource.id.clone(), index)).collect()
}

/// Records what became of an operation; returns whom it served.
fn note(survey: &Survey, course: &mut Course, op: &Op, done: &Done) -> Vec<usize> {
    let index_of = index_of(survey);
    let served: Vec<usize> = op.serves.iter().filter_map(|id| index_of.get(id).copied()).collect();
    if let Done::Failed(why) = done {
        for index in &served {
            course.failed.entry(*index).or_insert_with(|| format!("could not {}: {why}", op.says));
        }
    }
    served
}

/// Leaves everybody whom these operations serve as they are.
fn hold(survey: &Survey, course: &mut Course, ops: &[Op], why: &str) {
    let index_of = index_of(survey);
    for index in ops.iter().flat_map(|op| &op.serves).filter_map(|id| index_of.get(id)) {
        if !course.stopped(*index) {
            course.held.insert(*index, why.to_owned());
        }
    }
}

const NOT_CONVERGED: &str = "not converged: it was changed, and looked at again it still differs";

/// Why a resource cannot have its turn: something it needs failed or stays in drift.
fn blocked_by(survey: &Survey, course: &Course, index: usize) -> Option<(usize, String)> {
    survey.ancestors(index, Strength::Needs).into_iter().find_map(|other| {
        if course.failed.contains_key(&other) {
            return Some((other, "failed".to_owned()));
        }
        if course.reverted.contains_key(&other) {
            return Some((other, "was undone".to_owned()));
        }
        let drifts = survey.states[other].drifts();
        let because = if !survey.resources[other].selected {
            "drifts and is not selected".to_owned()
        } else if survey.resources[other].waiver.is_some() {
            "drifts and is waived".to_owned()
        } else if let Some(held) = course.held.get(&other).or(survey.resources[other].held_by.as_ref()) {
            format!("drifts and is held: {held}")
        } else if let Some(why) = survey.resources[other].secrets.why() {
            format!("drifts and cannot be put right: {why}")
        } else {
            return None;
        };
        drifts.then_some((other, because))
    })
}

fn final_verdict(survey: &Survey, course: &Course, index: usize) -> Verdict {
    let resource = &survey.resources[index];
    let state = &survey.states[index];
    let left = || match state.changes() {
        [] => Vec::new(),
        changes => changes.iter().cloned().chain(resource.secrets.unknown()).collect(),
    };
    if resource.spec.is_none() {
        return Verdict::Skipped;
    }
    if let Some(waiver) = resource.waiver.as_ref().filter(|_| !state.changes().is_empty()) {
        return Verdict::Waived { changes: left(), waiver: waiver.clone() };
    }
    if let Some(why) = course.reverted.get(&index) {
        return Verdict::Reverted { why: why.clone() };
    }
    if let Some(why) = course.failed.get(&index) {
        return Verdict::Failed { why: why.clone(), left: left() };
    }
    let first = course.first.get(&index);
    match state {
        State::Checked(checked) if checked.changes.is_empty() => match (resource.secrets.why(), first) {
            (Some(why), _) => Verdict::Unknown { why },
            (None, Some(changes)) => Verdict::Changed { changes: changes.clone() },
            (None, None) => Verdict::Kept,
        },
        State::Checked(_) | State::Settling { .. } => {
            if let Some(held) = course.held.get(&index).or(resource.held_by.as_ref()) {
                return Verdict::Drift { changes: left(), held: Some(held.clone()) };
            }
            if let Some(why) = resource.secrets.why() {
                return Verdict::Drift { changes: left(), held: Some(why) };
            }
            if let Some(why) = left_to_people(state.changes()) {
                return Verdict::Drift { changes: left(), held: Some(why.to_owned()) };
            }
            match (blocked_by(survey, course, index), first) {
                (Some((by, because)), _) => blocked(survey, by, because),
                (None, Some(_)) => Verdict::Failed { why: NOT_CONVERGED.into(), left: left() },
                (None, None) => Verdict::Failed {
                    why: "it was right before, and a later change of this run undid that".into(),
                    left: left(),
                },
            }
        }
        State::Blind(blind) => match blocked_by(survey, course, index) {
            Some((by, because)) => blocked(survey, by, because),
            None => match survey.blocker(index, blind) {
                Some(by) => blocked(survey, by, "drifts".into()),
                None => unknown(blind),
            },
        },
        State::Unseen => Verdict::Unknown { why: "it was not looked at".into() },
    }
}

fn blocked(survey: &Survey, by: usize, because: String) -> Verdict {
    let id = survey.resources[by].id.clone();
    match &survey.resources[by].waiver {
        Some(waiver) => {
            Verdict::Waived { changes: Vec::new(), waiver: format!("blocked by {id}, which is waived: {waiver}") }
        }
        None => Verdict::Blocked { by: id, because },
    }
}

fn unknown(blind: &Blind) -> Verdict {
    Verdict::Unknown { why: blind.to_string() }
}
