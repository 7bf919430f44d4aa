//! YAML to nodes, nodes to types.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde::Deserialize;
use source::{Node, Style, Value, de, render, yaml};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn good(text: &str) -> Node {
    let (node, diagnostics) = yaml::parse("a.yml", text.as_bytes());
    assert_eq!(render(&diagnostics, false), "");
    node.unwrap()
}

fn codes(bytes: &[u8]) -> Vec<&'static str> {
    yaml::parse("a.yml", bytes).1.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn scalars_keep_their_text() {
    let node = good("a: 1.10\nb: no\nc: 0644\nd: \"0644\"\ne: 2026-01-01\nf: 0x10\ng: |\n  two\n  lines\n");
    let texts: Vec<_> = node.as_map().unwrap().iter().map(|(_, value)| value.as_str().unwrap()).collect();
    assert_eq!(texts, ["1.10", "no", "0644", "0644", "2026-01-01", "0x10", "two\nlines\n"]);
    let Value::Scalar(quoted) = &node.get("d").unwrap().value else { panic!() };
    assert_eq!(quoted.style, Style::Quoted);
}

#[test]
fn keys_and_values_have_places_in_bytes_and_characters() {
    let node = good("é: {name: \"ü\", other: x}\nlist:\n  - one\n");
    let (key, value) = &node.as_map().unwrap()[0];
    assert_eq!((key.place.line(), key.place.column(), key.place.text()), (1, 1, "é"));
    let name = value.get("name").unwrap();
    assert_eq!((name.place.line(), name.place.column(), name.place.text()), (1, 11, "\"ü\""));
    let one = &node.get("list").unwrap().as_list().unwrap()[0];
    assert_eq!((one.place.line(), one.place.column(), one.place.text()), (3, 5, "one"));
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let node = good("\u{feff}a: 1\r\nb: two\r\n");
    assert_eq!(node.get("b").unwrap().as_str(), Some("two"));
    assert_eq!(node.get("b").unwrap().place.line(), 2);
}

#[test]
fn comments_alone_are_nothing_and_no_mistake() {
    let (node, diagnostics) = yaml::parse("a.yml", b"# nothing yet\n");
    assert!(node.is_none() && diagnostics.is_empty());
}

#[test]
fn aliases_stand_for_what_they_name() {
    let node = good("a: &x [1, 2]\nb: *x\n");
    assert!(node.get("a").unwrap().same(node.get("b").unwrap()));
}

#[test]
fn every_mistake_of_a_file_is_reported_in_one_go() {
    assert_eq!(
        codes(b"a: 1\na: 2\nb:\nc: !x y\n[1]: 2\n"),
        ["duplicate-key", "empty-value", "yaml-tag", "key-not-text"]
    );
}

#[test]
fn nesting_has_an_end() {
    let started = Instant::now();
    for piece in ["[", "{a: ", "- "] {
        assert_eq!(codes(piece.repeat(yaml::MAX_DEPTH + 1).as_bytes()), ["too-deep"], "{piece}");
        assert_eq!(codes(piece.repeat(100_000).as_bytes()).len(), 1, "{piece}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = level - 1;
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
    }
    assert_eq!(codes(text.as_bytes()), ["too-large"]);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    assert_eq!(codes(&vec![b' '; yaml::MAX_BYTES + 1]), ["unreadable-file"]);
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Spec {
    number: Option<i32>,
    truth: Option<bool>,
    text: Option<String>,
    list: Option<Vec<u8>>,
    map: Option<BTreeMap<String, f64>>,
    sort: Option<Sort>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Plain,
    Held { by: String },
}

fn message(text: &str) -> String {
    let diagnostic = de::read::<Spec>(&good(text)).unwrap_err();
    let (place, _) = &diagnostic.labels[0];
    format!("{}:{} {}", place.line(), place.column(), diagnostic.message)
}

#[test]
fn a_scalar_becomes_what_its_field_asks_for() {
    let spec: Spec = de::read(&good(
        "number: \"-3\"\ntruth: true\ntext: no\nlist: [1, 2]\nmap: {a: 0.5}\nsort: {held: {by: 1.10}}\n",
    ))
    .unwrap();
    assert_eq!(
        spec,
        Spec {
            number: Some(-3),
            truth: Some(true),
            text: Some("no".into()),
            list: Some(vec![1, 2]),
            map: Some([("a".to_owned(), 0.5)].into()),
            sort: Some(Sort::Held { by: "1.10".into() }),
        }
    );
}

#[test]
fn a_type_error_points_at_the_innermost_value() {
    assert_eq!(message("list: [1, 256]"), "1:11 must be a whole number from 0 to 255, not `256`");
    assert_eq!(message("map:\n  a: many\n"), "2:6 must be a number, not `many`");
    assert_eq!(message("truth: on"), "1:8 must be true or false, not `on`");
    assert_eq!(message("sort: plian"), "1:7 must be one of plain, held, not `plian`");
    assert_eq!(message("sort: {held: {}}"), "1:14 `by` is missing");
    assert_eq!(message("txt: a"), "1:1 unknown key `txt`");
    assert_eq!(message("text: [a]"), "1:7 must be text, not a list");
}

#[test]
fn the_place_survives_the_erasure_of_types() {
    let node = good("list:\n  - 1\n  - x\n");
    let recorder = de::Recorder::default();
    let error = {
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(de::NodeDeserializer::new(&node, &recorder));
        erased_serde::deserialize::<Spec>(&mut erased).unwrap_err()
    };
    let diagnostic = recorder.diagnostic(&node, &error);
    assert_eq!(diagnostic.labels[0].0.line(), 3);
}

/// Text that looks like YAML more often than not.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("  ".to_owned()),
        Just(": ".to_owned()),
        Just("- ".to_owned()),
        Just("? ".to_owned()),
        "[\\[\\]{},&*!|>'\"%@`#~-]",
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("<<: ".to_owned()),
        Just("---\n".to_owned()),
        Just("...\n".to_owned()),
        Just("{{ x }}".to_owned()),
        "[a-c0-2]{1,3}",
        "\\PC{0,3}",
        any::<char>().prop_map(|c| c.to_string()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Everything that is done with a file: reading, typing and pointing at each place.
fn survive(bytes: &[u8]) {
    let (node, diagnostics) = yaml::parse("a.yml", bytes);
    render(&diagnostics, true);
    let Some(node) = node else { return };
    if let Err(diagnostic) = de::read::<Spec>(&node) {
        render(&[*diagnostic], false);
    }
    let mut diagnostics = Vec::new();
    source::Template::compile(&node, &mut diagnostics);
    let _ = source::Expr::parse(&node);
    render(&diagnostics, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in yamlish()) {
        survive(text.as_bytes());
    }

    #[test]
    fn a_quoted_text_comes_back_as_it_is(text in "\\PC{0,40}") {
        let written = format!("a: \"{}\"\n", text.replace('\\', "\\\\").replace('"', "\\\""));
        let (node, diagnostics) = yaml::parse("a.yml", written.as_bytes());
        prop_assert!(diagnostics.is_empty(), "{:?}", diagnostics);
        let node = node.unwrap();
        prop_assert_eq!(node.get("a").unwrap().as_str().unwrap(), text.as_str());
    }
}
