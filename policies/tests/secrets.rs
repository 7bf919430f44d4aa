//! Secrets in a repository: named in `check`, fetched for what is looked at and for nothing else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;
#[allow(dead_code)]
mod repository;

use engine::{Id, Resource};
use policies::{Repo, Resolution, Reveal};
use repository::good;
use source::{SecretName, Secrets};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// Remembers what it was asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

impl Secrets for Asked {
    fn get(&self, name: &SecretName) -> Result<String, String> {
        self.0.lock().unwrap().push(name.to_string());
        if name.name() == "gone" { Err("no secret `gone`: nobody has it".to_owned()) } else { Ok(format!("<{name}>")) }
    }
}

fn repo(policy: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Repo) {
    let fixed = [
        ("comply.yml", "secrets: {provider: pass}\nvars: {db: mattermost/db}\n"),
        ("inventory.yml", "hosts: {one: {}}\n"),
        ("policies/web.yml", policy),
    ];
    good(&[&fixed, files].concat())
}

fn revealed(repo: &Repo, names: &[&str]) -> (Resolution, Vec<String>) {
    let asked = Asked::default();
    let of: BTreeSet<Id> = names.iter().map(|name| Id::new("file", *name)).collect();
    let resolution = repo.resolve_with("one", None, Some(&Reveal { secrets: &asked, of: &of }));
    assert!(resolution.diagnostics.is_empty(), "{:?}", resolution.diagnostics);
    (resolution, asked.0.into_inner().unwrap())
}

fn file<'a>(resolution: &'a Resolution, name: &str) -> &'a Resource {
    resolution.resources.iter().find(|resource| resource.id.name == name).unwrap()
}

fn content(resource: &Resource) -> String {
    let spec: &kinds::FileSpec = resource.spec.as_ref().unwrap().spec().downcast_ref().unwrap();
    spec.content.clone().unwrap()
}

const POLICY: &str = "hosts: [all]\nfiles:\n  \
    /one: {content: \"a={{ secret(db) }}\"}\n  \
    /two: {template: templates/two}\n  \
    /three: {content: \"{{ secret('gone') }}\"}\n  \
    /four: {content: plain}\n";
const TEMPLATE: (&str, &str) =
    ("templates/two", "{% for name in ['x', 'y'] %}{{ secret(name, field='user') }}{% endfor %}");

#[test]
fn without_a_provider_names_are_all_there_is() {
    let (_dir, repo) = repo(POLICY, &[TEMPLATE]);
    let resolution = repo.resolve("one", None);
    assert!(resolution.diagnostics.is_empty(), "{:?}", resolution.diagnostics);
    let one = content(file(&resolution, "/one"));
    assert_eq!(source::secret::shown(&one), "a=‹secret:mattermost/db›");
    let held: Vec<_> = ["/one", "/two", "/three", "/four"].map(|name| file(&resolution, name).secrets.any).to_vec();
    assert_eq!(held, [true, true, true, false]);
}

#[test]
fn secrets_are_put_into_fields_and_templates() {
    let (_dir, repo) = repo(POLICY, &[TEMPLATE]);
    let (resolution, asked) = revealed(&repo, &["/one", "/two", "/four"]);
    assert_eq!(content(file(&resolution, "/one")), "a=<mattermost/db>");
    assert_eq!(content(file(&resolution, "/two")), "<x:user><y:user>");
    assert_eq!(asked, ["mattermost/db", "x:user", "y:user"]);
}

#[test]
fn only_what_is_looked_at_is_asked_for() {
    let (_dir, repo) = repo(POLICY, &[TEMPLATE]);
    let (resolution, asked) = revealed(&repo, &["/one"]);
    assert_eq!(asked, ["mattermost/db"]);
    assert!(content(file(&resolution, "/two")).contains(source::secret::marker()));
}

#[test]
fn a_secret_that_cannot_be_had_is_the_matter_of_its_field_alone() {
    let (_dir, repo) = repo(POLICY, &[TEMPLATE]);
    let (resolution, _) = revealed(&repo, &["/one", "/three"]);
    let missing = &file(&resolution, "/three").secrets.missing;
    assert_eq!(*missing, [("content", "no secret `gone`: nobody has it".to_owned())]);
    assert!(file(&resolution, "/one").secrets.missing.is_empty());
}

#[test]
fn declarations_that_name_the_same_secret_agree_and_others_do_not() {
    let same = "hosts: [all]\nfiles:\n  a: {name: /one, content: \"{{ secret('x') }}\"}\n  b: {name: /one, content: \"{{ secret(name='x') }}\"}\n";
    let (_dir, same) = repo(same, &[]);
    assert!(same.resolve("one", None).diagnostics.is_empty());
    let other = "hosts: [all]\nfiles:\n  a: {name: /one, content: \"{{ secret('x') }}\"}\n  b: {name: /one, content: \"{{ secret('y') }}\"}\n";
    let (_dir, other) = repo(other, &[]);
    assert_eq!(other.resolve("one", None).diagnostics[0].code, "conflict");
}

#[test]
fn a_technique_is_told_the_name_of_a_secret() {
    let technique = "technique: token\nparams: {path: string, secret: string}\n\
                     files: {token: {name: \"{{ path }}\", content: \"{{ secret(secret) }}\"}}\n";
    let policy = "hosts: [all]\nuse: [{token: {path: /one, secret: a/b}}]\n";
    let (_dir, repo) = repo(policy, &[("techniques/token.yml", technique)]);
    let (resolution, asked) = revealed(&repo, &["/one"]);
    assert_eq!((content(file(&resolution, "/one")), asked), ("<a/b>".to_owned(), vec!["a/b".to_owned()]));
}
