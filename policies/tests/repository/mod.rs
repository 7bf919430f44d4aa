//! Repositories of a few files for tests, with the kinds made for them.

use crate::kinds;
use engine::Resource;
use policies::{Identity, Repo, Resolution};
use source::{Diagnostic, render};
use std::path::Path;

pub const TWO_HOSTS: (&str, &str) = ("inventory.yml", "hosts: {one: {}, two: {}}\n");

/// A directory with these files in it.
pub fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// A repository of these files, and what loading it says.
pub fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, Repo, Vec<Diagnostic>) {
    let dir = written(files);
    let (repo, diagnostics) = load(dir.path(), &[]);
    (dir, repo, diagnostics)
}

pub fn load(root: &Path, vars: &[(String, String)]) -> (Repo, Vec<Diagnostic>) {
    let (repo, diagnostics) = policies::load_on(root, kinds::MODULES, vars, "2026-11-20".parse().unwrap());
    (repo.unwrap(), diagnostics)
}

/// A repository without any mistake.
pub fn good(files: &[(&str, &str)]) -> (tempfile::TempDir, Repo) {
    let (dir, repo, diagnostics) = repository(files);
    assert_eq!(render(&diagnostics, false), "");
    (dir, repo)
}

/// One policy on the hosts `one` and `two`.
pub fn policy(text: &str) -> (tempfile::TempDir, Repo) {
    good(&[TWO_HOSTS, ("policies/web.yml", text)])
}

/// The resources of a host of a repository without any mistake.
pub fn resolved(repo: &Repo, host: &str) -> Resolution {
    let resolution = repo.resolve(host, None);
    assert_eq!(render(&resolution.diagnostics, false), "");
    resolution
}

pub fn get<'a>(resolution: &'a Resolution, id: &str) -> &'a Resource {
    resolution.resources.iter().find(|resource| resource.id.to_string() == id).unwrap()
}

pub fn ids(resolution: &Resolution) -> Vec<String> {
    resolution.resources.iter().map(|resource| resource.id.to_string()).collect()
}

pub fn spec<T: 'static>(resource: &Resource) -> &T {
    resource.spec.as_ref().unwrap().spec().downcast_ref().unwrap()
}

pub fn debian(version: &str) -> Identity {
    Identity { os_id: Some("debian".into()), os_version: Some(version.into()), ..Identity::default() }
}
