//! `comply audit`: compares hosts with their policies. Nothing here can change a host.

use crate::cli;
use crate::desk::Desk;
use crate::repository::unable;
use crate::run::each;
use crate::site::{Shared, Site, judged};
use crate::start::{Options, Start};
use reports::{Command, Exit, Host, Run};
use std::sync::Arc;

/// Looks at every host and reports.
pub fn run(args: &cli::Audit, color: cli::Color) -> Exit {
    let options = Options {
        command: Command::Audit,
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
    let job = move |site| audit(site, &shared);
    match each(sites, args.reaching.forks, job, |index, ended| desk.take(index, ended)) {
        Ok(()) => desk.close(Run { policy: policy.end(), ..about }),
        Err(why) => unable(&why),
    }
}

fn audit(site: Site, shared: &Shared) -> Host {
    match site.look(shared) {
        Ok(seen) => judged(&seen.survey, &seen.survey.verdicts(), seen.took),
        Err(host) => *host,
    }
}
