//! The command `comply`. It knows every part and wires them together; nothing knows it.

mod audit;
mod check;
mod cli;
mod desk;
mod enforce;
mod explain;
mod graph;
mod interrupt;
mod manual;
mod output;
mod progress;
mod repository;
mod revision;
mod run;
mod schema;
mod secrets;
mod site;
mod start;
mod terminal;
mod watch;

use clap::Parser;
use clap::error::ErrorKind;
use reports::{Exit, escape};
use std::panic;
use std::process::ExitCode;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|defect| {
        terminal::tell(&told(&defect.to_string()));
    }));
    let exit = panic::catch_unwind(run).unwrap_or(Exit::Unable);
    ExitCode::from(exit.code())
}

/// A defect in words, without a secret that may be in them.
fn told(defect: &str) -> String {
    let words = escape::line(&secrets::known().conceal(defect), false);
    format!("comply: this is a defect of comply, please report it: {words}\n")
}

fn run() -> Exit {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody reading any more is no error.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Compliant,
                _ => Exit::Unable,
            };
        }
    };
    match &cli.command {
        cli::Command::Check(args) => check::run(args, cli.color),
        cli::Command::Audit(args) => audit::run(args, cli.color),
        cli::Command::Enforce(args) => enforce::run(args, cli.color),
        cli::Command::Graph(args) => graph::run(args, cli.color),
        cli::Command::Explain(args) => explain::run(args, cli.color),
        cli::Command::Schema { what } => schema::run(*what),
        cli::Command::Completions { shell } => manual::completions(*shell),
        cli::Command::Man => manual::man(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_defect_is_told_without_secrets() {
        crate::secrets::known().learn("Br1llenschlange");
        let told = super::told("panicked at x.rs:1: no `Br1llenschlange`");
        assert!(told.contains("no `[secret]`") && !told.contains("schlange"), "{told}");
    }
}
