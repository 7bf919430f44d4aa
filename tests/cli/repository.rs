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
    let mermaid = sandbox.comply(&["graph", "pica01", "--format", "mermaid"]).out;
    assert!(mermaid.starts_with("flowchart") && !mermaid.contains("unsure"), "{mermaid}");
    sandbox.write("policies/tools.yml", "hosts: [pica01]\nwhen: os.id == \"debian\"\npackages: [htop]\n");
    let drawn = |format: &str| sandbox.comply(&["graph", "pica01", "--format", format]).out;
    assert!(drawn("text").contains("     package/htop  (what the host is decides)\n"), "{}", drawn("text"));
    assert!(drawn("dot").contains("  \"package/htop\" [style=dashed];\n  \"group/ops\";\n"), "{}", drawn("dot"));
    let mermaid = drawn("mermaid");
    assert!(mermaid.contains("[\"package/htop\"]:::unsure\n") && mermaid.contains("classDef unsure"), "{mermaid}");
    let unknown = sandbox.comply(&["graph", "pica1"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("pica01"), "{}", unknown.err);
}

#[test]
fn what_could_not_be_read_of_an_account_is_not_held_against_those_that_name_it() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {}}\n"),
        (
            "policies/a.yml",
            "hosts: [one]\nssh_keys:\n  alice: {keys: [hello, world], absent_keys: [MD5:aa], path: ../../etc/shadow}\n  \
             deploy: {keys_of: [alice]}\n",
        ),
    ]);
    let ended = sandbox.comply(&["check"]);
    insta::assert_snapshot!(ended.err, @r"
    error[bad-value]: `keys`: not a public key; copy the line from a file like ~/.ssh/id_ed25519.pub
     --> policies/a.yml:3:18
      |
    3 |   alice: {keys: [hello, world], absent_keys: [MD5:aa], path: ../../etc/shadow}
      |                  ^^^^^

    error[bad-value]: `keys`: not a public key; copy the line from a file like ~/.ssh/id_ed25519.pub
     --> policies/a.yml:3:25
      |
    3 |   alice: {keys: [hello, world], absent_keys: [MD5:aa], path: ../../etc/shadow}
      |                         ^^^^^

    error[bad-value]: `absent_keys`: neither a public key nor a fingerprint; `ssh-keygen -lf FILE` prints one: SHA256:…
     --> policies/a.yml:3:47
      |
    3 |   alice: {keys: [hello, world], absent_keys: [MD5:aa], path: ../../etc/shadow}
      |                                               ^^^^^^

    error[bad-resource]: ssh_key/alice: `/../../etc/shadow` has `.` or `..` in it
     --> policies/a.yml:3:56
      |
    3 |   alice: {keys: [hello, world], absent_keys: [MD5:aa], path: ../../etc/shadow}
      |                                                        ^^^^^^^^^^^^^^^^^^^^^^
      |
      = note: on one

    comply: 4 mistakes
    ");
}
