//! `comply check`: the whole repository, for every host, without reaching any.

use crate::cli;
use crate::repository::{Repository, Wanted, unable};
use crate::terminal;
use policies::Resolution;
use reports::Exit;

/// Reads everything and says what is wrong, or how much there is.
pub fn run(args: &cli::Check, color: cli::Color) -> Exit {
    match try_run(args, color) {
        Ok(()) => Exit::Compliant,
        Err(exit) => exit,
    }
}

fn try_run(args: &cli::Check, color: cli::Color) -> Result<(), Exit> {
    let repository = Repository::open(&args.repository, color)?;
    let counted = |mut wanted: Wanted| (wanted.resolution.forget(), wanted.resolution);
    let all = repository.resolve_each(repository.hosts(), counted)?;
    let (counts, all): (Vec<usize>, Vec<Resolution>) = all.into_iter().unzip();
    repository.tell(repository.repo.unused_waivers(&all));
    let resources: usize = counts.iter().sum();
    let idle: Vec<&str> = all
        .iter()
        .zip(&counts)
        .filter(|(host, count)| **count == 0 && !host.unnamed)
        .map(|(host, _)| host.host.as_str())
        .collect();
    let undetermined = all.iter().filter(|host| host.undetermined).count();
    let mut text = format!(
        "{}, {}, {}: no mistakes\n",
        count(repository.repo.policies().len(), "policy", "policies"),
        count(all.len(), "host", "hosts"),
        count(resources, "resource", "resources"),
    );
    if !idle.is_empty() {
        text += &format!("no policy speaks of {}\n", reports::escape::line(&idle.join(", "), false));
    }
    if undetermined > 0 {
        let hosts = count(undetermined, "host", "hosts");
        text += &format!("on {hosts} some of it depends on what system runs there, which only the host can tell\n");
    }
    terminal::print(&text).map_err(|error| unable(&format!("cannot write to standard output: {error}")))
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
