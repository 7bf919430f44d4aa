//! What the crate may run on a host: complete, valid in every shell, and reviewed.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test reads the sources and asks real shells"
)]

use modules::programs::{QUERIES, commands};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_list_of_queries_is_reviewed() {
    let list: String = QUERIES
        .iter()
        .map(|query| {
            let slow = if query.slow { ", slow" } else { "" };
            format!("=== {}{slow}, up to {} KiB\n{}\n\n", query.name, query.limit >> 10, query.shell.trim_end())
        })
        .collect();
    insta::assert_snapshot!("queries", list);
}

#[test]
fn the_list_of_commands_is_reviewed() {
    let list: String =
        commands().iter().map(|command| format!("=== {}\n{}\n\n", command.name, command.shell.trim_end())).collect();
    insta::assert_snapshot!("commands", list);
}

#[test]
fn names_are_unique() {
    let queries: BTreeSet<_> = QUERIES.iter().map(|query| query.name).collect();
    let commands_by_name: BTreeSet<_> = commands().iter().map(|command| command.name).collect();
    assert_eq!((queries.len(), commands_by_name.len()), (QUERIES.len(), commands().len()));
}

/// All Rust files below `dir`.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => Vec::from_iter(path.extension().is_some_and(|extension| extension == "rs").then_some(path)),
        })
        .collect()
}

#[test]
fn no_query_and_no_command_is_left_out_of_the_lists() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let count = |what: &str| -> usize {
        sources(&src).iter().map(|path| std::fs::read_to_string(path).unwrap().matches(what).count()).sum()
    };
    assert_eq!(count("Query::new("), QUERIES.len(), "add it to QUERIES in src/programs.rs");
    assert_eq!(count(": Command ="), commands().len(), "add it to the list in src/programs.rs");
}

#[test]
fn every_program_is_valid_in_every_shell() {
    let programs = QUERIES.iter().map(|query| query.shell).chain(commands().into_iter().map(|command| command.shell));
    for program in programs {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            let checked = Command::new(shell[0]).args(&shell[1..]).args(["-n", "-c", program]).output();
            let checked = checked
                .unwrap_or_else(|error| panic!("{shell:?}: {error}; the tests need it (apt-get install {})", shell[0]));
            assert!(checked.status.success(), "{shell:?}: {}\n{program}", String::from_utf8_lossy(&checked.stderr));
        }
    }
}
