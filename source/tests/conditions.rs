//! `when` and `for_each`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use source::{Each, Expr, Local, Node, Scope, Truth, Value, render, yaml};

struct Names(Node);

impl Scope for Names {
    fn get(&self, name: &str) -> Option<&Node> {
        self.0.get(name)
    }
    fn names(&self) -> Vec<&str> {
        self.0.as_map().unwrap().iter().map(|(key, _)| &*key.text).collect()
    }
}

fn node(text: &str) -> Node {
    yaml::parse("a.yml", text.as_bytes()).0.unwrap()
}

/// A host of which the version is not known yet.
fn scope() -> Names {
    let mut names = node(
        "os: {id: debian, codename: bookworm}\nhost: {name: one, groups: [web, prod]}\nport: 8080\nsize: \"8080\"\n\
         tls: true\nversion: 1.10\nmembers: {ppom: {uid: 1000}, a-b: {uid: 1001}}\nlist: [[1], x]\n",
    );
    let unknown = Node { value: Value::Unknown, place: names.place.clone() };
    let Value::Map(entries) = &mut names.value else { panic!() };
    let Value::Map(os) = &mut entries[0].1.value else { panic!() };
    let mut key = os[0].0.clone();
    key.text = "version".into();
    os.push((key, unknown));
    Names(names)
}

fn truth(text: &str) -> Truth {
    let expression = Expr::parse(&Node::given("when", text)).unwrap();
    expression.truth(&scope()).unwrap_or_else(|diagnostics| panic!("{}", render(&diagnostics, false)))
}

fn mistake(text: &str) -> String {
    let messages = |diagnostics: Vec<source::Diagnostic>| {
        diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("; ")
    };
    match Expr::parse(&Node::given("when", text)) {
        Err(diagnostic) => diagnostic.message,
        Ok(expression) => messages(expression.truth(&scope()).unwrap_err()),
    }
}

#[test]
fn conditions_that_hold() {
    for text in [
        "true",
        "tls",
        "os.id == \"debian\"",
        "os.id != 'ubuntu'",
        "port == 8080 and size == 8080",
        "port >= 443 and not port < 443",
        "\"web\" in host.groups",
        "'db' not in host.groups",
        "os.id in ['ubuntu', 'debian']",
        "'ppom' in members",
        "members.ppom.uid == 1000",
        "members[\"a-b\"].uid > members.ppom.uid",
        "list[0][0] == 1",
        "host.groups.1 == 'prod'",
        "false or not (false and true)",
        "defined(port) and not defined(prot)",
        "defined(prot) and prot == 1 or tls",
        "not defined(prot) or prot == 1",
    ] {
        assert_eq!(truth(text), Truth::Yes, "{text}");
    }
}

#[test]
fn versions_compare_as_versions() {
    for text in [
        "version > 1.9",
        "version > \"1.9\"",
        "version == 1.10",
        "version != 1.1",
        "'2.0~rc1' < '2.0'",
        "'1.0-2' > '1.0-1'",
        "'1:0.1' > '9.9'",
        "-2 < -1",
        "10 > 9",
    ] {
        assert_eq!(truth(text), Truth::Yes, "{text}");
    }
}

#[test]
fn what_is_not_known_yet_is_neither_true_nor_false() {
    assert_eq!(truth("os.version >= 12"), Truth::Unknown);
    assert_eq!(truth("not os.version >= 12"), Truth::Unknown);
    assert_eq!(truth("os.version >= 12 and os.id == 'ubuntu'"), Truth::No);
    assert_eq!(truth("os.version >= 12 or os.id == 'debian'"), Truth::Yes);
    assert_eq!(truth("os.version in ['12', '13']"), Truth::Unknown);
    assert_eq!(truth("os.codename in ['x', os.version]"), Truth::Unknown);
    assert_eq!(truth("defined(os.version)"), Truth::Yes);
}

#[test]
fn every_name_must_exist_even_where_it_would_not_be_needed() {
    assert_eq!(mistake("true or os.nope == 'x'"), "`os` has no `nope`");
    assert_eq!(mistake("prot == 1 and membres.ppom"), "`prot` is not defined; `membres` is not defined");
    assert_eq!(mistake("defined(prot) or prot == 1"), "`prot` is not defined");
    assert_eq!(mistake("host.groups.7 == 'x'"), "`host.groups` has no `7`");
    assert_eq!(mistake("port.number == 1"), "`port` has no `number`");
}

#[test]
fn sorts_that_do_not_fit_are_errors_and_never_false() {
    assert_eq!(mistake("os.id"), "this must be true or false; it is text");
    assert_eq!(mistake("tls == 'true'"), "this compares true or false with text");
    assert_eq!(mistake("tls < 1"), "this compares true or false with a number");
    assert_eq!(mistake("members == port"), "this compares a mapping with a number");
    assert_eq!(mistake("'deb' in os.id"), "`in` needs a list or a mapping on its right; this is text");
    assert_eq!(mistake("not port"), "this must be true or false; it is a number");
}

#[test]
fn words_that_make_no_sense_are_explained() {
    assert_eq!(mistake("1 < port < 3"), "comparisons are not chained");
    assert_eq!(mistake("os.id == 'debian"), "the closing quote is missing");
    assert_eq!(mistake("tls && true"), "`&` means nothing here");
    assert_eq!(mistake("upper(os.id) == 'DEBIAN'"), "there is no function `upper`");
    assert_eq!(mistake("(tls"), "`)` is missing at the end");
    assert_eq!(mistake(""), "something is missing at the end");
    assert_eq!(mistake("tls tls"), "`tls` is not expected here");
    assert_eq!(mistake(&"(".repeat(500)), "this is nested too deep");
    assert_eq!(mistake(&"tls and ".repeat(5000)), "an expression has at most 1000 words");
}

#[test]
fn for_each_goes_over_lists_and_mappings() {
    let each = |text: &str| Expr::parse(&Node::given("for_each", text)).unwrap().each(&scope());
    let Ok(Each::Items(items)) = each("['a', port]") else { panic!() };
    assert_eq!(items.iter().filter_map(Node::as_str).collect::<Vec<_>>(), ["a", "8080"]);
    let Ok(Each::Entries(entries)) = each("members") else { panic!() };
    assert_eq!(entries[1].0.as_str(), Some("a-b"));
    assert!(matches!(each("os.version"), Ok(Each::Unknown)));
    assert!(each("port").is_err() && each("tls == true").is_err());
}

#[test]
fn a_local_name_hides_an_outer_one() {
    let outer = scope();
    let item = Node::given("item", "inner");
    let local = Local { names: &[("port", &item)], outer: &outer };
    let expression = Expr::parse(&Node::given("when", "port == 'inner' and tls")).unwrap();
    assert_eq!(expression.truth(&local), Ok(Truth::Yes));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_makes_it_panic(text in "([a-z.]{0,4}|[ ()\\[\\]<>=!\"'0-9.,-]|and |or |not |in |defined\\(|port|members|\\PC){0,30}") {
        if let Ok(expression) = Expr::parse(&Node::given("when", &text)) {
            let _ = expression.truth(&scope());
            let _ = expression.each(&scope());
        }
    }
}
