//! Repositories that nobody would write: very large ones, and random ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;
#[allow(dead_code)]
mod repository;

use proptest::prelude::*;
use repository::{TWO_HOSTS, debian, good, repository, resolved};
use source::render;

/// 50 hosts, 200 policies, 1000 resources each: a third of them with variables.
#[test]
fn a_large_repository_is_resolved_in_little_time() {
    let hosts: String = (0..50).map(|n| format!("  host{n}: {{vars: {{number: {n}}}}}\n")).collect();
    let inventory = format!("hosts:\n{hosts}");
    let texts: Vec<(String, String)> = (0..200)
        .map(|n| {
            let path = format!("policies/p{n}.yml");
            let text = format!(
                "hosts: [all]\nwhen: number >= 0\npackages: [a{n}, b{n}]\nusers:\n  u{n}: {{shell: /bin/bash, groups: [ops, g{n}]}}\n\
                 files:\n  /etc/a{n}: {{content: \"on {{{{ host.name }}}}\", mode: 0644}}\n  /etc/b{n}: {{content: \"{{{{ number + 1 }}}}\"}}\n"
            );
            (path, text)
        })
        .collect();
    let mut files = vec![("inventory.yml", inventory.as_str())];
    files.extend(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let started = std::time::Instant::now();
    let (_dir, repo) = good(&files);
    let loaded = started.elapsed();
    for host in repo.inventory().hosts() {
        assert_eq!(resolved(&repo, &host.name).resources.len(), 1000);
    }
    eprintln!("loaded in {loaded:?}, resolved in {:?}", started.elapsed() - loaded);
    assert!(started.elapsed() < std::time::Duration::from_secs(60));
}

/// Pieces of policies, put together at random.
fn policyish() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("hosts"),
        Just("users"),
        Just("files"),
        Just("packages"),
        Just("when"),
        Just("mode"),
        Just("name"),
        Just("for_each"),
        Just("requires"),
        Just("tags"),
        Just("shell"),
        Just("groups"),
        Just("ppom"),
        Just("why"),
    ];
    let value = prop_oneof![
        Just("[all]".to_owned()),
        Just("present".to_owned()),
        Just("\"{{ host.name }}\"".to_owned()),
        Just("[a, b]".to_owned()),
        Just("{}".to_owned()),
        Just("os.version > 1".to_owned()),
        Just("host.groups".to_owned()),
        Just("audit".to_owned()),
        "\\PC{0,6}",
    ];
    let line = (0..4_usize, key, prop::option::of(value))
        .prop_map(|(indent, key, value)| format!("{}{key}: {}\n", "  ".repeat(indent), value.unwrap_or_default()));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_policy_makes_it_panic(text in policyish()) {
        let (_dir, repo, diagnostics) = repository(&[TWO_HOSTS, ("policies/a.yml", &text)]);
        render(&diagnostics, true);
        render(&repo.resolve("one", None).diagnostics, true);
        repo.resolve("two", Some(&debian("13")));
    }
}
