//! What a host's resources come to.

#[allow(dead_code)]
mod kinds;

use engine::Resource;
use kinds::{FileSpec, PackageSpec, UserSpec};
use policies::{Identity, Repo, Resolution};
use source::{Diagnostic, render};
use std::path::Path;

/// A repository of these files, and what loading it says.
fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, Repo, Vec<Diagnostic>) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (repo, diagnostics) = load(dir.path(), &[]);
    (dir, repo, diagnostics)
}

fn load(root: &Path, vars: &[(String, String)]) -> (Repo, Vec<Diagnostic>) {
    let (repo, diagnostics) = policies::load_on(root, kinds::MODULES, vars, "2026-11-20".parse().unwrap());
    (repo.unwrap(), diagnostics)
}

/// A repository without any mistake.
fn good(files: &[(&str, &str)]) -> (tempfile::TempDir, Repo) {
    let (dir, repo, diagnostics) = repository(files);
    assert_eq!(render(&diagnostics, false), "");
    (dir, repo)
}

/// The resources of a host of a repository without any mistake.
fn resolved(repo: &Repo, host: &str) -> Resolution {
    let resolution = repo.resolve(host, None);
    assert_eq!(render(&resolution.diagnostics, false), "");
    resolution
}

fn get<'a>(resolution: &'a Resolution, id: &str) -> &'a Resource {
    resolution.resources.iter().find(|resource| resource.id.to_string() == id).unwrap()
}

fn ids(resolution: &Resolution) -> Vec<String> {
    resolution.resources.iter().map(|resource| resource.id.to_string()).collect()
}

fn user(resource: &Resource) -> &UserSpec {
    resource.spec.as_ref().unwrap().spec().downcast_ref().unwrap()
}

const TWO_HOSTS: (&str, &str) = ("inventory.yml", "hosts: {one: {}, two: {}}\n");

#[test]
fn members_as_data_become_users() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        (
            "comply.yml",
            "name: picasoft\nvars:\n  members:\n    ppom: {groups: [ops, docker]}\n    alice: {groups: [ops]}\n  former: [antoine]\n",
        ),
        (
            "policies/access.yml",
            r#"
hosts: [all]
users:
  members: {for_each: members, name: "{{ key }}", groups: "{{ value.groups }}", shell: /bin/bash}
  former: {for_each: former, name: "{{ item }}", state: absent}
  backup: {system: true, mode: audit}
packages: [curl, fail2ban]
"#,
        ),
    ]);
    assert_eq!(repo.name(), "picasoft");
    let resolution = resolved(&repo, "one");
    assert_eq!(ids(&resolution), ["user/ppom", "user/alice", "user/antoine", "user/backup", "package/curl", "package/fail2ban"]);
    let ppom = user(get(&resolution, "user/ppom"));
    assert_eq!(ppom.groups.as_ref().unwrap().iter().collect::<Vec<_>>(), ["docker", "ops"]);
    assert_eq!(ppom.shell.as_deref(), Some("/bin/bash"));
    let backup = get(&resolution, "user/backup");
    assert_eq!(backup.mode, engine::Mode::Audit);
    assert_eq!(backup.held_by.as_deref(), Some("policies/access.yml:6 says mode: audit"));
}
