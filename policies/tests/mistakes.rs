//! Every directory of `mistakes/` is a repository with a mistake in it; beside it is what is said of it with the kinds of
//! these tests. What `comply` says of most is the same, and held against this (tests/docs/messages.rs).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;

use policies::Repo;
use source::{Diagnostic, any_error, render, sorted};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that is wrong with a repository: what loading it says, then what resolving every host adds.
fn all_mistakes(root: &Path) -> Vec<Diagnostic> {
    let (repo, mut diagnostics) = policies::load_on(root, kinds::MODULES, &[], "2026-11-20".parse().unwrap());
    if let Some(repo) = repo {
        diagnostics.extend(of_hosts(&repo));
    }
    sorted(diagnostics)
}

fn of_hosts(repo: &Repo) -> Vec<Diagnostic> {
    let resolutions: Vec<_> = repo.inventory().hosts().iter().map(|host| repo.resolve(&host.name, None)).collect();
    let mut diagnostics = repo.unused_waivers(&resolutions);
    diagnostics.extend(resolutions.into_iter().flat_map(|resolution| resolution.diagnostics));
    diagnostics
}

#[test]
fn every_mistake_is_explained_with_its_places() {
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut names: Vec<_> = std::fs::read_dir(&mistakes).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("mistakes/said");
    settings.set_omit_expression(true);
    let mut seen = 0;
    for name in names.iter().map(|name| name.to_str().unwrap()).filter(|name| *name != "said") {
        let diagnostics = all_mistakes(&mistakes.join(name));
        assert!(!diagnostics.is_empty(), "{name} is not a mistake");
        seen += 1;
        settings.bind(|| insta::assert_snapshot!(name, render(&diagnostics, false)));
    }
    assert!(seen >= 60, "the mistakes are not where this test looks for them");
}

/// The files below a directory, by their paths in it; `None` if there are links.
fn files(dir: &Path) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_symlink() {
                return None;
            } else if kind.is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    Some(files)
}

#[test]
fn files_in_memory_are_read_like_those_of_a_directory() {
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut seen = 0;
    for dir in std::fs::read_dir(&mistakes).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(files) = files(&dir).filter(|_| !dir.ends_with("said")) else { continue };
        let (repo, mut diagnostics) =
            policies::load_in_memory(files, kinds::MODULES, &[], "2026-11-20".parse().unwrap());
        diagnostics.extend(of_hosts(&repo));
        assert_eq!(render(&sorted(diagnostics), false), render(&all_mistakes(&dir), false), "{}", dir.display());
        seen += 1;
    }
    assert!(seen >= 60);
}

#[test]
fn a_line_that_no_label_points_at_is_never_printed() {
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes/conflict_between_policies");
    let diagnostics = all_mistakes(&mistakes);
    assert!(any_error(&diagnostics));
    assert!(!render(&diagnostics, false).contains("hosts: [one]"));
}
