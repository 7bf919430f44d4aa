//! What a run asks for, and what it is excused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;
#[allow(dead_code)]
mod repository;

use policies::Selection;
use repository::{TWO_HOSTS, get, good, policy, repository, resolved};
use source::render;
use std::path::Path;

#[test]
fn a_waiver_covers_ids_on_its_hosts_until_its_last_day() {
    let (_dir, repo, diagnostics) = repository(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\npackages: [curl, vim]\nusers: [ppom]\n"),
        (
            "waivers.yml",
            "- {resource: package/*, hosts: [one], reason: old, owner: ppom, until: 2026-11-20}\n\
             - {resource: user/ppom, hosts: [one], reason: old, owner: ppom, until: 2026-11-19}\n\
             - {resource: \"*\", hosts: [two], reason: it moves, owner: ppom, until: 2027-01-01}\n",
        ),
    ]);
    assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["waiver-expired"]);
    let one = resolved(&repo, "one");
    assert_eq!(get(&one, "package/vim").waiver.as_deref(), Some("old (ppom, until 2026-11-20)"));
    assert_eq!(get(&one, "user/ppom").waiver, None);
    assert!(repo.unused_waivers(&[one, resolved(&repo, "two")]).is_empty());
    assert_eq!(repo.unreachable_waiver("one"), None);
    assert_eq!(repo.unreachable_waiver("two").as_deref(), Some("it moves (ppom, until 2027-01-01)"));
}

#[test]
fn a_selection_marks_what_it_asks_for() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\ntags: [base]\npackages: [curl]\nfiles: {/etc/motd: {mode: 0644}}\n"),
        ("policies/b.yml", "hosts: [all]\npackages: {curl: {tags: [web]}, vim: present}\n"),
    ]);
    let chosen = |selection: Selection| {
        let mut resolution = resolved(&repo, "one");
        selection.apply(&mut resolution);
        let chosen = resolution.resources.iter().filter(|resource| resource.selected);
        chosen.map(|resource| resource.id.to_string()).collect::<Vec<_>>()
    };
    let list = |text: &str| vec![text.to_owned()];
    assert_eq!(chosen(Selection { policies: list("b"), ..Selection::default() }), ["package/curl", "package/vim"]);
    assert_eq!(chosen(Selection { only: list("file/*"), ..Selection::default() }), ["file//etc/motd"]);
    assert_eq!(chosen(Selection { tags: list("web"), policies: list("a"), ..Selection::default() }), ["package/curl"]);
    assert_eq!(chosen(Selection::default()).len(), 3);
}

#[test]
fn a_selection_that_matches_nothing_is_a_mistake() {
    let (_dir, repo) = policy("hosts: [all]\ntags: [base]\npackages: [curl]\n");
    let problems = |selection: Selection| selection.problems(&repo, &[resolved(&repo, "one")]);
    let selection =
        Selection { policies: vec!["wbe".into()], only: vec!["package/crul".into()], tags: vec!["bsae".into()] };
    insta::assert_snapshot!(render(&problems(selection), false), @r"
    error[empty-selection]: there is no policy `wbe`
    --> --policy wbe
     = help: did you mean `web`?

    error[empty-selection]: `package/crul` matches no resource on the hosts of this run
    --> --only package/crul
     = help: did you mean `package/curl`?

    error[empty-selection]: no resource on the hosts of this run has the tag `bsae`
    --> --tag bsae
     = help: did you mean `base`?
    ");
    let selection = Selection { tags: vec!["base".into()], ..Selection::default() };
    assert!(problems(selection).is_empty());
}

#[test]
fn the_root_is_the_nearest_directory_with_an_inventory() {
    let (dir, _) = policy("hosts: [all]\npackages: [curl]\n");
    let inside = dir.path().join("policies");
    assert_eq!(policies::discover(&inside), Some(dir.path().canonicalize().unwrap()));
    assert_eq!(policies::discover(Path::new("/proc/self")), None);
}

#[test]
fn an_id_is_found_in_whichever_spelling_it_is_named() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [one]\nsettings: {Port: 22}\nusers: {ppom: {requires: [setting/PORT]}}\n"),
        ("waivers.yml", "- {resource: setting/PoRT, hosts: [one], reason: old, owner: ppom, until: 2026-11-20}\n"),
    ]);
    let one = resolved(&repo, "one");
    assert_eq!(get(&one, "user/ppom").requires, ["setting/port"]);
    assert_eq!(get(&one, "setting/port").waiver.as_deref(), Some("old (ppom, until 2026-11-20)"));
    assert!(repo.unused_waivers(&[one]).is_empty());
    assert_eq!(repo.spelled("setting/*Port"), "setting/*Port");
}
