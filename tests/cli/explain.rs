//! `comply explain`: every value, edge and mode with the line it comes from, and never a secret.

use crate::sandbox::Sandbox;
use serde_json::Value;

fn association() -> Sandbox {
    Sandbox::new(&[
        (
            "comply.yml",
            "vars:\n  contact: all@example.org\n  shell: /bin/sh\n  db_password: hunter2\n  \
             members:\n    alice: {groups: [ops], api_token: hunter2}\nsecrets: {provider: env}\n",
        ),
        (
            "inventory.yml",
            "hosts:\n  web1: {groups: [paris], mode: audit, facts: {os: {id: debian}}}\n  \
             web2: {groups: [paris], vars: {contact: web2@example.org}}\n\
             groups:\n  france: {groups: [paris], vars: {contact: france@example.org}}\n  \
             paris: {vars: {contact: paris@example.org}}\n",
        ),
        (
            "policies/access.yml",
            "hosts: [all]\nseverity: critical\ntags: [access]\ngroups: {ops: present, docker: present}\nusers:\n  \
             members: {for_each: members, name: \"{{ key }}\", groups: \"{{ value.groups }}\", shell: \"{{ shell }}\", \
             requires: [package/curl]}\n  \
             root: {password: \"$6$hunter2\", when: os.id == \"debian\"}\n  old: {state: absent, when: os.id == \"plan9\"}\n",
        ),
        (
            "policies/docker.yml",
            "hosts: [all]\npackages: [curl]\nusers: {alice: {groups: [docker], why: She runs the stacks.}}\n\
             use:\n  - motd: {text: hello}\n    mode: audit\n\
             files:\n  /etc/token: {content: hunter2, secret: true}\n  /etc/db: {content: \"pw={{ secret('db/main') }}\\n\"}\n\
             compose: {pad: {source: stacks/pad, path: /srv/pad, env: {DB: \"postgres://x:hunter2@db\"}}}\n",
        ),
        ("stacks/pad/compose.yml", "services: {web: {image: nginx}}\n"),
        (
            "techniques/motd.yml",
            "params: {text: string}\nfiles: {/etc/motd: {content: \"{{ text }}\\n\", mode: 0644}}\n",
        ),
        (
            "waivers.yml",
            "- {resource: user/alice, hosts: [web1], reason: she is away, owner: bob, until: 2999-12-31}\n",
        ),
    ])
}

fn told(sandbox: &Sandbox, args: &[&str]) -> String {
    let ended = sandbox.comply(&[&["explain"], args].concat());
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    ended.out
}

#[test]
fn a_host_shows_what_each_variable_overrides_and_what_holds_each_resource() {
    insta::assert_snapshot!(told(&association(), &["web1"]));
}

#[test]
fn a_host_over_its_groups_and_the_command_line_over_all() {
    let text = told(&association(), &["web2", "--var", "contact=me@example.org"]);
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.contains("contact")).take(5).map(str::trim).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_resource_shows_every_declaration_with_its_fields_defaults_edges_and_waivers() {
    insta::assert_snapshot!(told(&association(), &["web1", "user/alice"]));
}

#[test]
fn what_a_technique_declares_shows_the_use_that_led_there() {
    insta::assert_snapshot!(told(&association(), &["web2", "file//etc/motd"]));
}

#[test]
fn what_is_skipped_and_what_only_the_host_can_tell_are_said_so() {
    let sandbox = association();
    assert!(told(&sandbox, &["web1", "user/old"]).contains("skipped: its condition is false on this host"));
    assert!(told(&sandbox, &["web2", "user/old"]).contains("only the host can tell"));
}

#[test]
fn no_secret_is_shown_in_any_form() {
    let sandbox = association();
    for host in ["web1", "web2"] {
        let mut whole = Vec::new();
        for format in ["text", "json"] {
            whole.push(told(&sandbox, &[host, "--format", format]));
            for id in ["user/root", "user/alice", "file//etc/token", "file//etc/db", "compose/pad"] {
                whole.push(told(&sandbox, &[host, id, "--format", format]));
            }
        }
        for text in &whole {
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert!(whole.iter().filter(|text| text.contains("[hidden]")).count() >= 6);
        assert!(whole.iter().any(|text| text.contains("‹secret:db/main›")));
    }
}

#[test]
fn explanations_in_json_are_as_the_schema_says() {
    let sandbox = association();
    let schema: Value = serde_json::from_str(&sandbox.comply(&["schema", "explanation"]).out).unwrap();
    let validator = jsonschema::Validator::new(&schema).unwrap();
    for args in [&["web1", "--format=json"][..], &["web1", "user/alice", "--format=json"]] {
        let mut explanation: Value = serde_json::from_str(&told(&sandbox, args)).unwrap();
        assert!(validator.is_valid(&explanation), "{:?}", validator.iter_errors(&explanation).collect::<Vec<_>>());
        explanation["mode"] = "perhaps".into();
        assert!(!validator.is_valid(&explanation));
    }
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let sandbox = association();
    let ended = sandbox.comply(&["explain", "web1", "user/alcie"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("no policy declares user/alcie on web1; did you mean user/alice?"), "{}", ended.err);
    let ended = sandbox.comply(&["explain", "wbe1"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("did you mean"), "{}", ended.err);
    for command in ["explain", "graph"] {
        let ended = sandbox.comply(&[command, "wbe1"]);
        assert!(ended.code == 1 && ended.err.contains("--> HOST"), "{}", ended.err);
    }
    assert_eq!(sandbox.comply(&["explain", "paris"]).code, 1);
}

/// A graph of everything that the examples and the pages of the kinds declare, edge by edge.
#[test]
fn every_edge_of_every_example_has_a_reason() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/picasoft");
    let mut roots = vec![(None, examples)];
    for policy in modules::MODULES.iter().flat_map(|module| module.doc().split("```yaml\n").skip(1)) {
        let sandbox = Sandbox::new(&[
            ("inventory.yml", "hosts: {one: {address: 192.0.2.1}}\n"),
            ("policies/x.yml", policy.split("```").next().unwrap()),
        ]);
        let root = sandbox.root().to_owned();
        roots.push((Some(sandbox), root));
    }
    let mut edges = 0;
    for (_sandbox, root) in roots {
        let repo = policies::load(&root, modules::MODULES, &[]).0.unwrap();
        for host in repo.inventory().hosts() {
            let resources = repo.resolve(&host.name, None).resources;
            let graph = engine::graph::Graph::build(&resources).unwrap_or_else(|problems| unreachable!("{problems:?}"));
            for (from, to, _) in graph.edges() {
                let ids = (&resources[from.resource].id, &resources[to.resource].id);
                assert!(!engine::graph::why(&resources, from, to).is_empty(), "{ids:?}");
                edges += 1;
            }
        }
    }
    assert!(edges > 100);
}
