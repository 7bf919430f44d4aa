//! What the use of a technique comes to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;
#[allow(dead_code)]
mod repository;

use engine::{Mode, Severity};
use kinds::{FileSpec, UserSpec};
use policies::{Identity, Repo};
use repository::{get, good, ids, resolved, spec};

const INVENTORY: &str = "hosts:\n  one: {vars: {domain: one.example}}\n  two: {vars: {domain: two.example}}\n";
const COMPLY: &str = "vars:\n  sites:\n    pad: {port: 9001, ids: [1, 2]}\n    chat: {port: 8065, ids: [3]}\n";

/// A repository of one technique, `service`, and one policy, `public`, without any mistake.
fn repository(technique: &str, policy: &str) -> (tempfile::TempDir, Repo) {
    good(&[
        ("inventory.yml", INVENTORY),
        ("comply.yml", COMPLY),
        ("techniques/service.yml", technique),
        ("policies/public.yml", policy),
        ("templates/vhost", "{{ name }}.{{ domain }}:{{ port + 1 }}\n"),
    ])
}

fn content(repo: &Repo, host: &str, id: &str) -> String {
    spec::<FileSpec>(get(&resolved(repo, host), id)).content.clone().unwrap()
}

const VHOST: &str = r#"
params:
  name: {type: string, pattern: "[a-z]+"}
  port: {type: integer, default: 8080}
files: {vhost: {name: "/etc/{{ name }}", template: templates/vhost}}
"#;

#[test]
fn a_technique_and_its_templates_see_parameters_and_the_variables_of_the_host() {
    let (_dir, repo) =
        repository(VHOST, "hosts: [all]\nuse:\n  - service: {name: pad, port: 9001}\n  - service: {name: chat}\n");
    assert_eq!(ids(&resolved(&repo, "one")), ["file//etc/pad", "file//etc/chat"]);
    assert_eq!(content(&repo, "one", "file//etc/pad"), "pad.one.example:9002\n");
    assert_eq!(content(&repo, "two", "file//etc/chat"), "chat.two.example:8081\n");
}

#[test]
fn a_use_for_each_hands_over_what_the_policy_sees() {
    let (_dir, repo) = repository(
        VHOST,
        "hosts: [all]\nuse:\n  - service: {name: \"{{ key }}\", port: \"{{ value.port }}\"}\n    for_each: sites\n    when: value.port > 9000\n",
    );
    let one = resolved(&repo, "one");
    assert_eq!(ids(&one), ["file//etc/pad", "file//etc/chat"]);
    assert!(get(&one, "file//etc/pad").spec.is_some());
    assert!(get(&one, "file//etc/chat").spec.is_none());
    assert_eq!(content(&repo, "one", "file//etc/pad"), "pad.one.example:9002\n");
}

#[test]
fn lists_are_handed_over_whole_and_gone_through_inside() {
    let (_dir, repo) = repository(
        "params: {ids: {type: list, of: integer}, first: {type: string, default: \"{{ domain }}\"}}\n\
         users: {u: {for_each: ids, name: \"u{{ item }}\", uid: \"{{ item }}\", when: item > 1}}\n\
         files: {/etc/first: {content: \"{{ first }} of {{ ids | length }}\"}}\n",
        "hosts: [all]\nuse: [{service: {ids: \"{{ sites.pad.ids }}\"}}]\n",
    );
    let one = resolved(&repo, "one");
    assert_eq!(spec::<UserSpec>(get(&one, "user/u2")).uid, Some(2));
    assert!(get(&one, "user/u1").spec.is_none());
    assert_eq!(content(&repo, "two", "file//etc/first"), "two.example of 2");
}

#[test]
fn what_stands_beside_a_use_holds_for_all_of_it_and_only_restricts() {
    let (_dir, repo) = repository(
        "users: {a: present, b: {severity: info, mode: enforce, tags: [own]}}\n",
        "hosts: [all]\ntags: [base]\nuse:\n  - service: {}\n    mode: audit\n    severity: critical\n    tags: [web]\nusers: {c: present}\n",
    );
    let one = resolved(&repo, "one");
    let (a, b, c) = (get(&one, "user/a"), get(&one, "user/b"), get(&one, "user/c"));
    assert_eq!((a.mode, a.severity, a.tags.join(" ").as_str()), (Mode::Audit, Severity::Critical, "base web"));
    assert_eq!((b.mode, b.severity, b.tags.join(" ").as_str()), (Mode::Audit, Severity::Info, "base web own"));
    assert_eq!((c.mode, c.severity, c.tags.join(" ").as_str()), (Mode::Enforce, Severity::Major, "base"));
    assert_eq!(b.held_by.as_deref(), Some("policies/public.yml:5 says mode: audit"));
    let places: Vec<_> =
        b.sources.iter().map(|place| format!("{} {}:{}", place.policy, place.file, place.line)).collect();
    assert_eq!(places, ["public policies/public.yml:4", "public techniques/service.yml:1"]);
}

#[test]
fn uses_that_say_the_same_of_one_resource_agree() {
    let (_dir, repo) = repository(
        "params: {name: string, group: string}\n\
         users: {u: {name: ppom, groups: [\"{{ group }}\"], shell: /bin/bash}}\n\
         files: {motd: {name: /etc/motd, content: \"{{ name | upper }}\"}}\n",
        "hosts: [all]\nuse:\n  - service: {name: pad, group: ops}\n  - service: {name: PAD, group: web}\n",
    );
    let one = resolved(&repo, "one");
    let ppom: &UserSpec = spec(get(&one, "user/ppom"));
    assert_eq!(ppom.groups.as_ref().unwrap().iter().collect::<Vec<_>>(), ["ops", "web"]);
    assert_eq!(one.origins_of(&get(&one, "user/ppom").id).len(), 2);
}

#[test]
fn a_parameter_that_rests_on_facts_is_undetermined_until_they_are_known() {
    let (_dir, repo) = repository(
        "params: {version: string}\nusers: {old: {when: version < 13}, new: {when: version >= 13}}\n",
        "hosts: [all]\nuse: [{service: {version: \"{{ os.version }}\"}}]\n",
    );
    let offline = resolved(&repo, "one");
    assert!(offline.undetermined && offline.is_undetermined(&get(&offline, "user/old").id));
    let facts = Identity { os_version: Some("13".into()), ..Identity::default() };
    let online = repo.resolve("one", Some(&facts));
    assert!(!online.undetermined);
    assert!(get(&online, "user/old").spec.is_none() && get(&online, "user/new").spec.is_some());
}

#[test]
fn a_use_that_is_switched_off_may_rest_on_what_is_not_there() {
    let (_dir, repo) = repository(
        VHOST,
        "hosts: [all]\nuse:\n  - service: {name: \"{{ nowhere }}\"}\n    when: defined(nowhere)\n  - service: {name: pad}\n    when: domain == \"one.example\"\n",
    );
    assert!(get(&resolved(&repo, "one"), "file//etc/pad").spec.is_some());
    assert!(get(&resolved(&repo, "two"), "file//etc/pad").spec.is_none());
}

#[test]
fn a_text_stays_text_and_a_number_is_compared_as_one() {
    let (_dir, repo) = repository(
        "params: {version: string, port: integer}\n\
         files: {/etc/a: {content: \"{{ version }}\"}, /etc/b: {content: b, when: port > 900}}\n",
        "hosts: [all]\nuse: [{service: {version: 1.10, port: \"8065\"}}]\n",
    );
    assert_eq!(content(&repo, "one", "file//etc/a"), "1.10");
    assert!(get(&resolved(&repo, "one"), "file//etc/b").spec.is_some());
}
