//! `comply enforce`: the one place that may change hosts. It looks, plans, asks, applies, and looks again.

use crate::cli;
use crate::desk::Desk;
use crate::repository::unable;
use crate::run::{Ended, each};
use crate::site::{Seen, Shared, Site, judged};
use crate::start::{Options, Start};
use crate::terminal;
use engine::canary::Canary;
use engine::enforce::{self, Approval, Safety};
use engine::plan::{self, Plan};
use engine::session::Consent;
use engine::{Id, Verdict};
use reports::{Command, Exit, Host, Run, Style};
use source::glob;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Puts every host right that may be, and reports.
pub fn run(args: &cli::Enforce, color: cli::Color) -> Exit {
    if !args.yes && !terminal::can_ask() {
        return unable(
            "there is no terminal to show the plan on and ask; look at it with `comply audit`, then give --yes to apply \
             it without a question",
        );
    }
    let options = Options {
        command: Command::Enforce,
        repository: &args.repository,
        selection: &args.selection,
        reaching: &args.reaching,
        output: &args.output,
        color,
    };
    let Start { outputs, shared, sites, run: about, policy } = match Start::new(&options) {
        Ok(start) => start,
        Err(exit) => return exit,
    };
    let mut desk = Desk::new(outputs, Arc::clone(&shared.progress), &sites);
    let order = Arc::new(Order {
        yes: args.yes,
        destroy: args.allow_destroy.iter().map(|id| shared.repository.repo.spelled(id)).collect(),
        max_failures: args.max_failures,
        failures: AtomicUsize::new(0),
        canary: Canary::default(),
        run: about.id.clone(),
        who: who(),
        style: Style { verbose: args.output.verbose, ..terminal::stderr_style(color) },
        name_width: desk.name_width(),
        shared,
    });
    match visit(sites, args.reaching.forks, &order, &mut desk) {
        Ok(()) => desk.close(Run { policy: policy.end(), ..about }),
        Err(why) => unable(&why),
    }
}

/// What the operator ordered, for every host.
struct Order {
    yes: bool,
    destroy: Vec<String>,
    max_failures: usize,
    failures: AtomicUsize,
    canary: Canary,
    run: String,
    who: String,
    style: Style,
    name_width: usize,
    shared: Arc<Shared>,
}

impl Order {
    /// What may be destroyed: with `--yes` what is named, else all of the plan that is agreed to.
    fn approval(&self) -> Approval {
        if !self.yes {
            return Approval::All;
        }
        let destroy = self.destroy.clone();
        Approval::Only(Box::new(move |id| named(&destroy, id)))
    }
}

/// How far a first visit goes.
enum Visit {
    /// To the end.
    Done(Host),
    /// To a plan that somebody has to agree to.
    Open(Box<(Seen, Plan)>),
}

fn visit(sites: Vec<Site>, forks: usize, order: &Arc<Order>, desk: &mut Desk) -> Result<(), String> {
    let mut open = Vec::new();
    let job = {
        let order = Arc::clone(order);
        move |site| first_visit(site, &order)
    };
    each(sites, forks, job, |index, ended| match ended {
        Ended::Well(Visit::Done(host)) => desk.take(index, Ended::Well(host)),
        Ended::Well(Visit::Open(planned)) => open.push((index, planned)),
        Ended::Panicked(words) => desk.take(index, Ended::Panicked(words)),
        Ended::Interrupted => desk.take(index, Ended::Interrupted),
    })?;
    if open.is_empty() {
        return Ok(());
    }
    open.sort_by_key(|(index, _)| *index);
    let agreed = order.shared.progress.aside(|| {
        for (_, planned) in &open {
            terminal::tell(&plan_text(&planned.0, &planned.1, order));
        }
        let hosts = format!("{} host{}", open.len(), if open.len() == 1 { "" } else { "s" });
        terminal::agrees(&format!("\nApply to {hosts}? [y/N] "))
    });
    let (places, planned): (Vec<_>, Vec<_>) = open.into_iter().unzip();
    if !agreed {
        for (index, planned) in places.into_iter().zip(planned) {
            desk.take(index, Ended::Well(left_alone(&planned.0, "the plan was declined")));
        }
        return Ok(());
    }
    let job = {
        let order = Arc::clone(order);
        move |planned: Box<(Seen, Plan)>| apply(planned.0, true, &order)
    };
    each(planned, forks, job, |index, ended| desk.take(places[index], ended))
}

/// Looks and plans; applies where there is nothing to agree to, or the answer was given with the command.
fn first_visit(site: Site, order: &Order) -> Visit {
    let mut seen = match site.look(&order.shared) {
        Ok(seen) => seen,
        Err(host) => return Visit::Done(*host),
    };
    let plan = plan::plan(&mut seen.survey, &mut seen.session, &order.approval(), &*order.shared.progress);
    if plan.is_empty() {
        return Visit::Done(apply(seen, false, order));
    }
    if !order.yes {
        return Visit::Open(Box::new((seen, plan)));
    }
    order.shared.progress.aside(|| terminal::tell(&plan_text(&seen, &plan, order)));
    Visit::Done(apply(seen, true, order))
}

/// Applies, unless so many hosts failed already that no other is to be begun. `changes` says whether anything will
/// be run; if not, all this does is to judge.
fn apply(seen: Seen, changes: bool, order: &Order) -> Host {
    if changes && order.failures.load(Ordering::SeqCst) >= order.max_failures {
        return left_alone(&seen, "another host failed before, see --max-failures");
    }
    let approval = order.approval();
    let begun = Instant::now();
    let Seen { took, mut survey, session, way, revert_after } = seen;
    let consent = Consent { run: order.run.clone(), who: order.who.clone() };
    let safety = Safety { way: &*way, limit: revert_after, canary: &order.canary };
    #[expect(clippy::disallowed_methods, reason = "this is `comply enforce`, and the plan was agreed to or is empty")]
    let session = session.arm(consent);
    let verdicts = enforce::apply(&mut survey, session, &approval, &safety, &*order.shared.progress);
    if verdicts.values().any(|verdict| matches!(verdict, Verdict::Failed { .. } | Verdict::Reverted { .. })) {
        order.failures.fetch_add(1, Ordering::SeqCst);
    }
    judged(&survey, &verdicts, took + begun.elapsed())
}

fn left_alone(seen: &Seen, why: &str) -> Host {
    judged(&seen.survey, &enforce::declined(&seen.survey, why), seen.took)
}

fn plan_text(seen: &Seen, plan: &Plan, order: &Order) -> String {
    let mut verdicts: BTreeMap<usize, Verdict> = seen.survey.verdicts();
    for (&index, verdict) in &mut verdicts {
        if let Verdict::Drift { held, .. } = verdict {
            let resource = &seen.survey.resources[index];
            *held = resource.held_by.clone().or_else(|| resource.secrets.why()).or(held.take());
        }
    }
    let host = judged(&seen.survey, &verdicts, seen.took);
    let destroys = |id: &Id| !order.yes || named(&order.destroy, id);
    reports::plan::render(&host, plan, &destroys, order.name_width, &order.style)
}

fn named(globs: &[String], id: &Id) -> bool {
    globs.iter().any(|pattern| glob::matches(pattern, &id.to_string()))
}

/// Who does this, for another administrator who meets the host's lock.
fn who() -> String {
    let name = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let machine = rustix::system::uname();
    let who = format!("{name}@{}", machine.nodename().to_string_lossy());
    who.chars().filter(|c| c.is_ascii_alphanumeric() || "@.-_".contains(*c)).take(100).collect()
}
