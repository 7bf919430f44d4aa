//! The examples in the manual of every kind are policies without a mistake.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use source::render;
use std::fs;

/// What stands between the fences of YAML in a text of Markdown.
fn examples(markdown: &str) -> Vec<&str> {
    let fenced = markdown.split("```").collect::<Vec<_>>();
    assert!(fenced.len() % 2 == 1, "a fence is not closed:\n{markdown}");
    fenced.into_iter().skip(1).step_by(2).filter_map(|text| text.strip_prefix("yaml\n")).collect()
}

/// An example that begins with `# PATH` is that file of the repository, and no policy.
fn file(example: &str) -> Option<(&str, &str)> {
    example.strip_prefix("# ")?.split_once('\n')
}

/// What loading and resolving a repository of this one policy and this one host says.
fn mistakes(policy: &str, files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir(dir.path().join("policies")).unwrap();
    fs::write(dir.path().join("policies/x.yml"), policy).unwrap();
    fs::write(dir.path().join("inventory.yml"), "hosts: {one: {address: 192.0.2.1}}\n").unwrap();
    let (repo, mut diagnostics) = policies::load_on(dir.path(), modules::MODULES, &[], "2026-11-20".parse().unwrap());
    let resolution = repo.unwrap().resolve("one", None);
    diagnostics.extend(resolution.diagnostics);
    assert!(!diagnostics.is_empty() || !resolution.resources.is_empty(), "nothing is declared by\n{policy}");
    if let Err(problems) = engine::graph::Graph::build(&resolution.resources) {
        return render(&diagnostics, false) + &format!("{problems:?}");
    }
    render(&diagnostics, false)
}

#[test]
fn every_example_of_every_kind_resolves_without_a_word() {
    for module in modules::MODULES {
        let examples = examples(module.doc());
        assert!(!examples.is_empty(), "the manual of {} shows no policy", module.kind());
        let files: Vec<_> = examples.iter().filter_map(|example| file(example)).collect();
        for policy in examples.iter().filter(|example| file(example).is_none()) {
            assert!(policy.contains(&format!("\n{}:", module.section())), "no {} in\n{policy}", module.section());
            assert_eq!(mistakes(policy, &files), "", "{} in\n{policy}", module.kind());
        }
    }
}

#[test]
fn a_mistake_in_an_example_would_be_found() {
    assert!(mistakes("hosts: [all]\nusers: {alice: {shel: /bin/bash}}\n", &[]).contains("shel"));
}
