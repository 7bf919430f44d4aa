//! `check` and `graph`: the repository alone.

use crate::sandbox::Sandbox;

const INVENTORY: &str =
    "hosts:\n  pica01: {address: 192.0.2.1}\n  pica02: {address: 192.0.2.2}\ngroups: {services: {hosts: [pica01]}}\n";

#[test]
fn a_good_repository_is_counted_and_ends_with_0() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", INVENTORY),
        ("policies/access.yml", "hosts: [services]\ngroups: {ops: present}\nusers: {alice: {groups: [ops]}}\n"),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!(ended.out, @r#"
1 policy, 2 hosts, 2 resources: no mistakes
no policy speaks of pica02
"#);
}

#[test]
fn all_mistakes_of_a_repository_are_told_in_one_run_each_with_its_place() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", INVENTORY),
        ("policies/access.yml", "hosts: [servces]\nusers: {alice: {shel: /bin/bash}}\n"),
        ("policies/base.yml", "hosts: [all]\nfiles:\n  /etc/motd: {content: x, mode: \"999\"}\n"),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.is_empty());
    for told in ["servces", "access.yml:1", "shel", "access.yml:2", "base.yml:3", "did you mean"] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
}

#[test]
fn a_repository_with_a_mistake_is_not_audited() {
    let sandbox = Sandbox::local("x");
    sandbox.write("policies/bad.yml", "hosts: [here]\nusers: {alice: {shel: /bin/bash}}\n");
    for command in [&["audit"][..], &["enforce", "--yes"], &["graph", "here"]] {
        let ended = sandbox.comply(command);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.out.is_empty());
    }
    assert!(!sandbox.path("managed").exists());
}

#[test]
fn a_circle_is_printed_whole_with_the_places_of_all_in_it() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", INVENTORY),
        (
            "policies/base.yml",
            "hosts: [pica01]\nfiles:\n  /a: {content: x, requires: [file//b]}\n  /b: {content: x, requires: [file//a]}\n",
        ),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 1);
    for told in ["file//a", "file//b", "base.yml:3", "base.yml:4"] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
}

#[test]
fn the_graph_of_a_host_is_drawn_offline() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", INVENTORY),
        (
            "policies/access.yml",
            "hosts: [services]\npackages: [curl]\ngroups: {ops: present}\nusers: {alice: {groups: [ops]}}\n",
        ),
    ]);
    let ended = sandbox.comply(&["graph", "pica01"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!(ended.out, @r#"
pica01: 3 resources in 3 levels
  1  package/curl
  2  group/ops
       after package/curl
  3  group/ops (members)
       needs group/ops
       after package/curl
     user/alice
       needs group/ops
       after package/curl
"#);
    sandbox.write(
        "policies/tools.yml",
        "hosts: [pica01]\npackages: [htop]\nfiles: {/etc/motd: {content: x, requires: [package/htop]}}\n",
    );
    insta::assert_snapshot!(sandbox.comply(&["graph", "pica01"]).out, @r#"
pica01: 5 resources in 3 levels
  1  package/curl
     package/htop
  2  group/ops
       after all packages
     file//etc/motd
       needs package/htop
       after all packages
  3  group/ops (members)
       needs group/ops
       after all packages
     user/alice
       needs group/ops
       after all packages
"#);
    assert!(sandbox.comply(&["graph", "pica01", "--format", "dot"]).out.starts_with("digraph"));
    assert!(sandbox.comply(&["graph", "pica01", "--format", "mermaid"]).out.starts_with("flowchart"));
    let unknown = sandbox.comply(&["graph", "pica1"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("pica01"), "{}", unknown.err);
}
