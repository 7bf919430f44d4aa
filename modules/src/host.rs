//! A host of captured answers, for the tests of kinds.

use engine::{Answer, Blind, Change, Difference, Drifted, Facts, Id, Item, Module, Op, Pending, Planned, Probe};
use std::collections::BTreeMap;

/// What each query, by its name, would print; a batched query's answer is cut apart as the engine does it.
#[derive(Clone, Default)]
pub struct Host {
    answers: BTreeMap<&'static str, Result<Answer, Blind>>,
}

impl Host {
    /// With this on standard output of `query`.
    pub fn answers(self, query: &'static str, out: &str) -> Self {
        self.ends(query, 0, out, "")
    }

    /// With this status, output and errors of `query`.
    pub fn ends(mut self, query: &'static str, status: i32, out: &str, err: &str) -> Self {
        self.answers.insert(query, Ok(Answer { status, out: out.into(), err: err.into() }));
        self
    }

    fn facts(&self, probes: impl IntoIterator<Item = Probe>) -> Facts {
        let mut facts = Facts::default();
        for probe in probes {
            let answer = self.answers.get(probe.query.name).unwrap_or_else(|| panic!("nothing captured for {probe:?}"));
            let answer = match probe.query.batch {
                engine::Batch::Split(split) => answer.clone().map(|answer| split_one(split, &answer, &probe.args)),
                _ => answer.clone(),
            };
            facts.learn([(probe, answer)]);
        }
        facts
    }

    /// Asks until `question` has what it needs.
    fn ask<T>(&self, question: impl Fn(&Facts) -> Result<T, Pending>) -> Result<T, Pending> {
        let mut known = std::collections::BTreeSet::new();
        for _ in 0..5 {
            let facts = self.facts(known.iter().cloned());
            match question(&facts) {
                Err(Pending::Need) => known.extend(facts.take_missing()),
                answer => return answer,
            }
        }
        panic!("asked five times, and still: {known:?}")
    }

    /// What is observed.
    pub fn observe<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> Result<M::Seen, Pending> {
        self.ask(|facts| module.observe(name, spec, facts))
    }

    /// What differs, one line each.
    pub fn changes<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> Vec<String> {
        let seen = self.observe(module, name, spec).unwrap_or_else(|pending| panic!("{pending:?}"));
        module.diff(name, spec, &seen).iter().map(line).collect()
    }

    /// Why the host cannot tell.
    pub fn blind<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> String {
        match self.observe(module, name, spec) {
            Err(Pending::Blind(blind)) => blind.to_string(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it can tell"),
        }
    }

    /// What is asked first.
    pub fn missing<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> Vec<String> {
        let facts = Facts::default();
        assert!(matches!(module.observe(name, spec, &facts), Err(Pending::Need)));
        facts.take_missing().iter().map(|probe| format!("{probe:?}")).collect()
    }

    /// What is planned for several resources, of which all are declared and those that differ drifted.
    pub fn planned<M: Module>(&self, module: &M, wanted: &[(&str, &M::Spec)], step: usize) -> Vec<Planned> {
        let ids: Vec<Id> = wanted.iter().map(|(name, _)| Id::new(M::KIND, *name)).collect();
        let seen: Vec<(M::Seen, Vec<Change>)> = wanted
            .iter()
            .map(|(name, spec)| {
                let seen = self.observe(module, name, spec).unwrap_or_else(|pending| panic!("{pending:?}"));
                let changes = module.diff(name, spec, &seen);
                (seen, changes)
            })
            .collect();
        let all = || ids.iter().zip(wanted).zip(&seen);
        let plan = self.ask(|facts| {
            let declared: Vec<Item<'_, M>> = all().map(|((id, &(_, spec)), _)| Item { id, spec }).collect();
            let drifted: Vec<Drifted<'_, M>> = all()
                .map(|((id, &(_, spec)), (seen, changes))| Drifted {
                    id,
                    spec,
                    seen,
                    changes: changes.iter().filter(|change| change.step <= step).collect(),
                })
                .filter(|drift| !drift.changes.is_empty())
                .collect();
            module.plan(step, &declared, &drifted, facts)
        });
        plan.unwrap_or_else(|pending| panic!("{pending:?}"))
    }

    /// The plan for one resource, one line each.
    pub fn plan<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> String {
        lines(&self.planned(module, &[(name, spec)], 0))
    }

    /// The operations for one resource.
    pub fn ops<M: Module>(&self, module: &M, name: &str, spec: &M::Spec) -> Vec<Op> {
        let planned = self.planned(module, &[(name, spec)], 0);
        planned.into_iter().filter_map(|planned| if let Planned::Do(op) = planned { Some(op) } else { None }).collect()
    }
}

fn split_one(split: fn(&Answer, &[&[String]]) -> Vec<Answer>, answer: &Answer, args: &[String]) -> Answer {
    split(answer, &[args]).remove(0)
}

fn line(change: &Change) -> String {
    let field = change.field;
    match &change.difference {
        Difference::Value { is, should } => format!("{field}: {is} → {should}"),
        Difference::Missing(element) => format!("{field}: + {element}"),
        Difference::Extra(element) => format!("{field}: - {element}"),
        Difference::Unknown(why) => format!("{field}: unknown, {why}"),
        Difference::Text { diff, hidden } => format!("{field}: {}", diff.as_ref().or(hidden.as_ref()).unwrap()),
    }
}

/// A plan, one line each.
pub fn lines(planned: &[Planned]) -> String {
    let one = |planned: &Planned| match planned {
        Planned::Do(op) => {
            let hurts: String = op.hurts.iter().map(|hurt| format!(" ({hurt})")).collect();
            format!("{} {:?}: {}{hurts}", op.command.name, op.args, op.says)
        }
        Planned::Refuse { why, .. } => format!("refused: {why}"),
    };
    planned.iter().map(one).collect::<Vec<_>>().join("\n")
}
