//! What is going to be done to a host, before anything is.

use crate::command::{Op, Planned};
use crate::enforce::Approval;
use crate::event::Watch;
use crate::facts::Pending;
use crate::graph::{Node, Strength};
use crate::guard;
use crate::id::Id;
use crate::module::{AnySpec, Checked};
use crate::resource::Resource;
use crate::session::Session;
use crate::survey::{State, Survey};
use crate::switch::Guard;
use crate::verdict::Mode;
use std::collections::{BTreeMap, BTreeSet};

/// What is going to be done to one host, as far as it can be told before.
#[derive(Debug, Default)]
pub struct Plan {
    /// Operations in order.
    pub ops: Vec<Op>,
    /// What is refused, and why.
    pub refused: Vec<(Id, String)>,
    /// What cannot be told before others are put right, with the one it waits for.
    pub later: Vec<(Id, Id)>,
    /// What is as it should be, and what it does because of the changes to others: "restarts nginx.service".
    pub follows: Vec<(Id, String)>,
}

impl Plan {
    /// Nothing would be run.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.later.is_empty()
    }
}

/// Plans everything that drifts and may be put right, and asks the host what it takes to plan it. What `approval` does not
/// allow is in it too, as what it would be by itself.
pub fn plan<C>(survey: &mut Survey, session: &mut Session<C>, approval: &Approval, watch: &dyn Watch) -> Plan {
    let mut plan = Plan::default();
    let levels = survey.graph.levels().to_vec();
    for nodes in levels {
        let differs = |node: &Node| survey.states[node.resource].open().any(|change| change.step == node.step);
        let nodes: Vec<Node> =
            nodes.into_iter().filter(|node| is_open(survey, node.resource)).filter(differs).collect();
        let level = plan_level(survey, session, &nodes, approval, watch);
        // What cannot be planned yet may well be once what comes before it is put right.
        for (id, why) in level.refused {
            match waits_for(survey, &id) {
                Some(other) => plan.later.push((id, other)),
                None => plan.refused.push((id, why)),
            }
        }
        plan.ops.extend(level.ops);
        plan.ops.extend(level.held);
        plan.refused.extend(level.dangers);
    }
    plan.follows = follows(survey, &plan.ops);
    for index in survey.selected().collect::<Vec<_>>() {
        if let (State::Blind(blind), true) = (&survey.states[index], may_change(survey, index)) {
            plan.later.extend(
                survey
                    .blocker(index, blind)
                    .map(|by| (survey.resources[index].id.clone(), survey.resources[by].id.clone())),
            );
        }
    }
    survey.secrecy.plan(&mut plan);
    plan
}

/// What comes of `ops` for resources that are right so far.
fn follows(survey: &Survey, ops: &[Op]) -> Vec<(Id, String)> {
    let changing = |id: &str| ops.iter().flat_map(|op| &op.serves).any(|served| served.to_string() == id);
    let told = survey.selected().filter(|&index| is_open(survey, index)).filter_map(|index| {
        let (resource, State::Checked(checked)) = (&survey.resources[index], &survey.states[index]) else {
            return None;
        };
        let spec = resource.spec.as_ref().filter(|_| checked.changes.is_empty())?;
        Some((resource.id.clone(), spec.follows(&resource.id.name, checked, &changing)?))
    });
    told.collect()
}

/// Whether a resource is enforced here at all.
pub(crate) fn may_change(survey: &Survey, index: usize) -> bool {
    let resource = &survey.resources[index];
    resource.selected && resource.spec.is_some() && is_enforced(resource)
}

/// Whether nothing holds it to audit: its mode, a waiver, or a secret that could not be had.
fn is_enforced(resource: &Resource) -> bool {
    resource.mode == Mode::Enforce && resource.waiver.is_none() && resource.secrets.missing.is_empty()
}

/// Whether it may be changed, and nothing it needs is held in drift.
pub(crate) fn is_open(survey: &Survey, index: usize) -> bool {
    may_change(survey, index) && held_ancestor(survey, index).is_none()
}

/// What it needs that drifts and stays so.
fn held_ancestor(survey: &Survey, index: usize) -> Option<usize> {
    survey
        .ancestors(index, Strength::Needs)
        .into_iter()
        .find(|&other| !may_change(survey, other) && survey.states[other].drifts())
}

/// What can be done now, and what cannot.
#[derive(Default)]
pub(crate) struct Level {
    /// Operations in order, none of which serves what is named below.
    pub ops: Vec<Op>,
    /// What is refused, and why.
    pub refused: Vec<(Id, String)>,
    /// What would take away the ground the session stands on, and how.
    pub dangers: BTreeMap<Id, String>,
    /// What needs somebody who allows it, and has nobody.
    pub held: Vec<Op>,
}

/// Plans `nodes`, which drift. Those that are to be left alone have no part in what is done for others: where they would,
/// as in a transaction of packages, that is planned anew without them.
pub(crate) fn plan_level<C>(
    survey: &mut Survey,
    session: &mut Session<C>,
    nodes: &[Node],
    approval: &Approval,
    watch: &dyn Watch,
) -> Level {
    let (mut level, mut nodes, mut left) = (Level::default(), nodes.to_vec(), BTreeSet::new());
    loop {
        let Plan { mut ops, refused, .. } = plan_together(survey, session, &nodes, watch);
        let dangers = dangers(survey, session, &ops, watch);
        let stopped: BTreeSet<Id> = refused.iter().map(|(id, _)| id).chain(dangers.keys()).cloned().collect();
        let of_stopped = |op: &Op| op.serves.iter().filter(|id| stopped.contains(id)).count();
        let held: Vec<Op> = ops.iter().filter(|op| of_stopped(op) == 0 && !approval.allows(op)).cloned().collect();
        let again = !held.is_empty() || ops.iter().any(|op| (1..op.serves.len()).contains(&of_stopped(op)));
        if held.is_empty() {
            left.extend(stopped);
            level.refused.extend(refused);
            level.dangers.extend(dangers);
        }
        left.extend(held.iter().flat_map(|op| &op.serves).filter(|id| !approval.names(id)).cloned());
        level.held.extend(held);
        let before = nodes.len();
        nodes.retain(|node| !left.contains(&survey.resources[node.resource].id));
        if !again || nodes.len() == before {
            ops.retain(|op| !op.serves.iter().any(|id| left.contains(id)));
            level.ops = ops;
            return level;
        }
    }
}

/// The operations for `nodes`, and what is refused.
fn plan_together<C>(survey: &mut Survey, session: &mut Session<C>, nodes: &[Node], watch: &dyn Watch) -> Plan {
    let mut plan = Plan::default();
    let mut groups: BTreeMap<(&'static str, usize), Vec<usize>> = BTreeMap::new();
    for node in nodes {
        groups.entry((survey.resources[node.resource].id.kind, node.step)).or_default().push(node.resource);
    }
    for ((kind, step), drifted) in groups {
        match ask_until_planned(survey, session, watch, |survey| plan_kind(survey, kind, step, &drifted)) {
            Ok(planned) => {
                planned.into_iter().for_each(|planned| take_in(&mut plan, planned, survey, session, watch));
            }
            Err(why) => {
                let ids = drifted.iter().map(|&index| survey.resources[index].id.clone());
                plan.refused.extend(ids.map(|id| (id, why.clone())));
            }
        }
    }
    plan
}

/// Whether it would write to the host what only stands for a secret.
fn lacks_secret(survey: &Survey, op: &Op) -> bool {
    let args = op.args.iter().map(String::as_bytes);
    args.chain([op.stdin.as_slice()]).any(|bytes| survey.secrecy.is_unfilled(bytes))
}

/// Takes an operation into the plan, behind the switch where sessions stand on what it changes.
fn take_in<C>(plan: &mut Plan, planned: Planned, survey: &mut Survey, session: &mut Session<C>, watch: &dyn Watch) {
    let (serves, why) = match planned {
        Planned::Refuse { serves, why } => (serves, why),
        Planned::Do(op) if lacks_secret(survey, &op) => {
            let why = "a secret in it was not fetched, since not all that it belongs to is selected";
            (op.serves, why.to_owned())
        }
        Planned::Do(op) => {
            let standing = session.standing();
            let guarded = |survey: &Survey| guard::guard(&op, &standing, &survey.facts);
            match ask_until_planned(survey, session, watch, guarded) {
                Ok(guard) => return plan.ops.extend(behind_the_switch(op, guard)),
                Err(why) => (op.serves, why),
            }
        }
    };
    plan.refused.extend(serves.into_iter().map(|id| (id, why.clone())));
}

/// The operation with its guard if sessions like this one stand on what it changes; else what makes it effective is an
/// operation of its own.
fn behind_the_switch(op: Op, guard: Option<Guard>) -> Vec<Op> {
    let after = match (&op.guard, &guard) {
        (Some(Guard { after: Some(after), .. }), None) => {
            Some(Op { serves: op.serves.clone(), ..Op::new(Id::new("", ""), after, Vec::new(), after.name) })
        }
        _ => None,
    };
    [Op { guard, ..op }].into_iter().chain(after).collect()
}

/// What comes before a resource and is going to be changed.
fn waits_for(survey: &Survey, id: &Id) -> Option<Id> {
    let index = survey.resources.iter().position(|resource| resource.id == *id)?;
    let changing = |other: &usize| is_open(survey, *other) && survey.states[*other].drifts();
    let first = |strength| survey.ancestors(index, strength).into_iter().find(changing);
    let before = first(Strength::Needs).or_else(|| first(Strength::After))?;
    Some(survey.resources[before].id.clone())
}

fn plan_kind(survey: &Survey, kind: &str, step: usize, drifted: &[usize]) -> Result<Vec<Planned>, Pending> {
    let spec = |index: usize| survey.resources[index].spec.as_deref();
    let declared: Vec<(&Id, &dyn AnySpec)> = survey
        .resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| resource.id.kind == kind && is_enforced(resource))
        .filter_map(|(index, resource)| Some((&resource.id, spec(index)?)))
        .collect();
    let drifted: Vec<(&Id, &dyn AnySpec, &Checked)> = drifted
        .iter()
        .filter_map(|&index| match &survey.states[index] {
            State::Checked(checked) => Some((&survey.resources[index].id, spec(index)?, checked)),
            _ => None,
        })
        .collect();
    match drifted.first() {
        Some((_, spec, _)) => spec.plan(step, &declared, &drifted, &survey.facts),
        None => Ok(Vec::new()),
    }
}

/// Asks the host what planning asks for, a few times.
fn ask_until_planned<C, T>(
    survey: &mut Survey,
    session: &mut Session<C>,
    watch: &dyn Watch,
    attempt: impl Fn(&Survey) -> Result<T, Pending>,
) -> Result<T, String> {
    for _ in 0..4 {
        match attempt(survey) {
            Ok(value) => return Ok(value),
            Err(Pending::Blind(blind)) => return Err(blind.to_string()),
            Err(Pending::Settling { what, .. }) => return Err(what),
            Err(Pending::Need) => {
                let missing = survey.facts.take_missing();
                let host = survey.host.clone();
                session.ask(missing, &mut survey.facts, &host, watch).map_err(|broken| broken.to_string())?;
            }
        }
    }
    Err("its questions never end; this is a mistake in comply".into())
}

/// Whom these operations serve though they would take away the ground the session stands on, and how.
fn dangers<C>(survey: &mut Survey, session: &mut Session<C>, ops: &[Op], watch: &dyn Watch) -> BTreeMap<Id, String> {
    let standing = session.standing();
    let mut refused: BTreeMap<Id, String> = BTreeMap::new();
    for op in ops {
        let judged = ask_until_planned(survey, session, watch, |survey| guard::refusal(op, &standing, &survey.facts));
        if let Some(why) = judged.unwrap_or_else(Some) {
            refused.extend(op.serves.iter().map(|id| (id.clone(), why.clone())));
        }
    }
    refused
}
