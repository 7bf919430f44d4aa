//! Directories of the repository that go to hosts as a whole.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use source::render;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What resolving a Compose project of `stacks/pad` says, in a repository that `prepare` adds to.
fn said(prepare: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for (path, text) in [
        ("inventory.yml", "hosts: {one: {address: 192.0.2.1}}\n"),
        ("policies/x.yml", "hosts: [all]\ncompose: {pad: {source: stacks/pad, path: /srv/pad}}\n"),
        ("stacks/pad/compose.yml", "services: {}\n"),
        ("stacks/pad/.hidden", "x\n"),
        ("stacks/pad/conf/deep/x.conf.tera", "{{ host.name }}\n"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    prepare(root);
    let (repo, mut diagnostics) = policies::load_on(root, modules::MODULES, &[], "2026-11-20".parse().unwrap());
    let resolution = repo.unwrap().resolve("one", None);
    diagnostics.extend(resolution.diagnostics);
    render(&diagnostics, false)
}

#[test]
fn a_directory_with_links_inside_the_repository_is_fine() {
    let said = said(|root| {
        fs::create_dir(root.join("common")).unwrap();
        fs::write(root.join("common/ca.pem"), "x\n").unwrap();
        symlink("../../common", root.join("stacks/pad/common")).unwrap();
    });
    assert_eq!(said, "");
}

#[test]
fn what_leaves_the_repository_or_goes_in_a_circle_is_refused() {
    for (link, to, words) in [
        ("stacks/pad/out", "/etc", "`stacks/pad/out` leaves the repository through a link"),
        ("stacks/pad/out", "/etc/hostname", "`stacks/pad/out` leaves the repository through a link"),
        ("stacks/pad/circle", ".", "`stacks/pad` holds more than 2000 files, or a link that leads in a circle"),
        ("stacks/pad/nowhere", "x/y", "there is no `stacks/pad/nowhere` in the repository"),
    ] {
        let said = said(|root| symlink(to, root.join(link)).unwrap());
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn a_mistake_in_a_template_is_told_with_its_place() {
    let said = said(|root| fs::write(root.join("stacks/pad/x.tera"), "{{ hots.name }}\n").unwrap());
    assert!(said.contains("stacks/pad/x.tera") && said.contains("hots"), "{said}");
}

#[test]
fn a_secret_needs_somebody_who_gives_it() {
    let template = |root: &Path| fs::write(root.join("stacks/pad/x.tera"), "{{ secret('pad/db') }}\n").unwrap();
    assert!(said(template).contains("nobody is named who gives the secret `pad/db`"), "{}", said(template));
    let known = |root: &Path| {
        template(root);
        fs::write(root.join("comply.yml"), "name: x\nsecrets: {provider: env}\n").unwrap();
    };
    assert_eq!(said(known), "");
}
