//! A few lines can come to any number of resources: there is an end to it, and it is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;

use source::render;
use std::collections::BTreeMap;

fn said(files: &[(&str, String)]) -> (usize, String) {
    let files: BTreeMap<_, _> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.clone().into_bytes())).collect();
    let (repo, mut diagnostics) = policies::load_in_memory(files, kinds::MODULES, &[], "2026-11-20".parse().unwrap());
    let mut count = 0;
    for host in repo.inventory().hosts() {
        let resolution = repo.resolve(&host.name, None);
        count += resolution.resources.len();
        diagnostics.extend(resolution.diagnostics);
    }
    (count, render(&source::sorted(diagnostics), false))
}

fn many(count: usize) -> String {
    let items: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    format!("vars: {{many: [{}]}}\n", items.join(", "))
}

#[test]
fn loops_over_loops_end_and_say_so() {
    let files = |count: usize| {
        [
            ("inventory.yml", "hosts: {one: {}}\n".to_owned()),
            ("comply.yml", many(count)),
            (
                "techniques/t.yml",
                "params: {n: integer}\npackages: {p: {for_each: many, name: \"p{{ n }}-{{ item }}\"}}\n".to_owned(),
            ),
            ("policies/a.yml", "hosts: [all]\nuse: [{t: {n: \"{{ item }}\"}, for_each: many}]\n".to_owned()),
        ]
    };
    let (count, text) = said(&files(100));
    assert_eq!((count, text.as_str()), (10_000, ""));
    let (count, text) = said(&files(3000));
    assert!(count <= 20_000);
    insta::assert_snapshot!(text, @r#"
    error[too-large]: this host has more than 20000 declarations
     --> techniques/t.yml:2:12
      |
    2 | packages: {p: {for_each: many, name: "p{{ n }}-{{ item }}"}}
      |            ^ they end here
      |
     ::: policies/a.yml:2:8
      |
    2 | use: [{t: {n: "{{ item }}"}, for_each: many}]
      |        - by this `use`
      |
      = note: on one
      = help: every element of a `for_each` is one: go over a shorter list
    "#);
}

#[test]
fn aliases_of_aliases_are_counted_before_they_are_copied() {
    let lines: String = (1..9).map(|n| format!("  v{n}: &v{n} [{}]\n", format!("*v{}, ", n - 1).repeat(10))).collect();
    let comply = format!("vars:\n  v0: &v0 [x, x, x, x]\n{lines}");
    let (_, text) = said(&[
        ("inventory.yml", "hosts: {one: {}}\n".to_owned()),
        ("comply.yml", comply),
        ("policies/a.yml", "hosts: [all]\npackages: [curl]\n".to_owned()),
    ]);
    assert!(text.contains("error[too-large]: the aliases of this file come to more than 20000 values"), "{text}");
}
