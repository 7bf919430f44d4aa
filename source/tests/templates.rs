//! `{{ … }}` in values, and template files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use source::{Diagnostic, FileTemplate, Node, NotRendered, Rendered, Scope, Template, Value, yaml};

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

fn scope() -> Names {
    let mut names = node(
        "domain: picasoft.net\nport: 8080\nversion: 1.10\nperms: 0644\ntls: true\nmembers: [ppom, alice]\n\
         site: {name: pad, aliases: {www: true}}\narch: x\n",
    );
    let Value::Map(entries) = &mut names.value else { panic!() };
    entries.last_mut().unwrap().1.value = Value::Unknown;
    Names(names)
}

fn rendered(text: &str) -> (Rendered, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let template = Template::compile(&node(text), &mut diagnostics);
    let rendered = template.render(&scope(), &mut diagnostics);
    (rendered, diagnostics)
}

fn value(text: &str) -> Node {
    match rendered(&format!("'{}'", text.replace('\'', "''"))) {
        (Rendered::Value(node), diagnostics) if diagnostics.is_empty() => node,
        other => panic!("{other:?}"),
    }
}

fn mistake(text: &str) -> String {
    let (rendered, diagnostics) = rendered(&format!("'{}'", text.replace('\'', "''")));
    assert!(!matches!(rendered, Rendered::Value(_)) || !diagnostics.is_empty());
    diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("; ")
}

#[test]
fn texts_are_filled_in() {
    assert_eq!(value("https://{{ domain }}:{{port}}/").as_str(), Some("https://picasoft.net:8080/"));
    assert_eq!(value("{{ version }}-{{ perms }}").as_str(), Some("1.10-0644"));
    assert_eq!(
        value("{{ members | join(sep=', ') }} at {{ domain | upper }}").as_str(),
        Some("ppom, alice at PICASOFT.NET")
    );
}

#[test]
fn a_single_expression_keeps_the_sort_of_its_value() {
    assert_eq!(value("{{ members }}").as_list().unwrap().len(), 2);
    assert_eq!(value("{{ site.aliases }}").get("www").unwrap().as_bool(), Some(true));
    assert_eq!(value("{{ port }}").as_integer(), Some(8080));
    assert_eq!(value("{{ port + 1 }}").as_integer(), Some(8081));
    assert_eq!(value("{{ tls and port > 80 }}").as_bool(), Some(true));
    assert_eq!(value("{{ members | first }}").as_str(), Some("ppom"));
    assert_eq!(value("{{ members | reverse }}").as_list().unwrap()[0].as_str(), Some("alice"));
    assert_eq!(value("{{ version }}").as_str(), Some("1.10"));
}

#[test]
fn a_value_that_is_only_a_name_keeps_its_places() {
    assert_eq!(value("{{ members }}").as_list().unwrap()[1].place.line(), 6);
}

#[test]
fn only_double_braces_mean_something() {
    assert_eq!(value("{% if x %} {# note #} {single}").as_str(), Some("{% if x %} {# note #} {single}"));
    assert_eq!(value("a {{ '{{' }} b {{ \"}}\" }}").as_str(), Some("a {{ b }}"));
    assert_eq!(value("<b>{{ '<&>' }}</b>").as_str(), Some("<b><&></b>"));
}

#[test]
fn an_undefined_name_is_an_error_everywhere() {
    assert_eq!(mistake("{{ domian }}"), "`domian` is not defined");
    assert_eq!(mistake("{{ 'a' if site.nope else 'b' }}"), "`site` has no `nope`");
    assert_eq!(mistake("{{ members | join(sep=spe) }}"), "`spe` is not defined");
    assert_eq!(mistake("{{ a }} {{ b }}"), "`a` is not defined; `b` is not defined");
}

#[test]
fn a_name_that_the_expression_provides_for_may_be_missing() {
    assert_eq!(value("{{ nope | default(value='x') }}").as_str(), Some("x"));
    assert_eq!(value("{{ 'yes' if nope is defined else 'no' }}").as_str(), Some("no"));
}

#[test]
fn mistakes_are_found_before_anything_is_rendered() {
    let mut diagnostics = Vec::new();
    for text in
        ["\"{{ a b }}\"", "\"{{ }}\"", "\"{{ a\"", "\"{{ lookup('x') }}\"", "\"{{ a | nope }}\"", "{\"{{ a }}\": 1}"]
    {
        Template::compile(&node(text), &mut diagnostics);
    }
    let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(
        codes,
        [
            "template-syntax",
            "template-syntax",
            "template-syntax",
            "undefined-function",
            "template-syntax",
            "template-in-key"
        ]
    );
}

#[test]
fn nesting_without_end_is_a_mistake_and_no_crash() {
    for piece in ["(", "[", "-", "not ", "{'a': ", "1 + ", "a.", "a | first | ", "a[", "a if ", "a ~ "] {
        let text = piece.repeat(20_000);
        assert!(!mistake(&format!("{{{{ {text} }}}}")).is_empty(), "{piece}");
        assert!(FileTemplate::parse("motd", &format!("{{{{ {text} }}}}")).is_err(), "{piece}");
        assert!(FileTemplate::parse("motd", &format!("{{% if {text} %}}{{% endif %}}")).is_err(), "{piece}");
    }
    assert!(FileTemplate::parse("motd", &"{% if port %}".repeat(20_000)).is_err());
}

#[test]
fn what_is_not_known_yet_is_not_rendered() {
    assert!(matches!(rendered("'{{ arch }}'").0, Rendered::Unknown));
    assert!(matches!(rendered("[a, 'on {{ arch | upper }}']").0, Rendered::Unknown));
}

#[test]
fn errors_inside_of_an_expression_have_their_place() {
    let (_, diagnostics) = rendered("a: \"{{ port + members }}\"");
    let (place, _) = &diagnostics[0].labels[0];
    assert!(place.column() >= 7 && place.column() <= 22, "{place:?}");
}

#[test]
fn a_template_file_is_full_tera() {
    let text = "{% for m in members %}{{ loop.index }} {{ m }}\n{% endfor %}{# note #}{{ site.name }}";
    let template = FileTemplate::parse("motd", text).unwrap();
    assert_eq!(template.render(&scope()).unwrap(), "1 ppom\n2 alice\npad");
}

#[test]
fn a_template_file_must_not_mention_what_is_not_there() {
    let wrong = |text: &str| FileTemplate::parse("motd", text).unwrap().render(&scope()).unwrap_err();
    let undefined = |text: &str| match wrong(text) {
        NotRendered::Undefined(names) => source::render(&names, false),
        other => panic!("{other:?}"),
    };
    insta::assert_snapshot!(undefined("domian of old\n{% if site.domian and domian %}x{% endif %} {{ nope }} {{ domian }}"), @r"
    error[undefined-name]: `domian` is not defined
     --> motd:2:23
      |
    2 | {% if site.domian and domian %}x{% endif %} {{ nope }} {{ domian }}
      |                       ^^^^^^
      |
      = help: did you mean `domain`?

    error[undefined-name]: `nope` is not defined
     --> motd:2:48
      |
    2 | {% if site.domian and domian %}x{% endif %} {{ nope }} {{ domian }}
      |                                                ^^^^
      |
      = help: known here: domain, port, version, perms, tls, members, site, arch
    ");
    assert!(matches!(wrong("a\n{{ site.nope }}"), NotRendered::Wrong(message) if message.starts_with("motd:2:")));
    assert_eq!(wrong("{{ arch }}"), NotRendered::Unknown);
    assert!(FileTemplate::parse("motd", "{% if %}").unwrap_err().starts_with("motd:1:"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_makes_it_panic(text in "(\\{\\{|\\}\\}|port|members|[ |.()'\"=+-]|\\PC){0,24}") {
        let node = Node::given("a.yml", &text);
        let mut diagnostics = Vec::new();
        let template = Template::compile(&node, &mut diagnostics);
        template.render(&scope(), &mut diagnostics);
        source::render(&diagnostics, false);
    }

    #[test]
    fn a_text_without_double_braces_stays_as_it_is(text in "\\PC{0,40}") {
        prop_assume!(!text.contains("{{"));
        let node = Node::given("a.yml", &text);
        let Rendered::Value(same) = Template::compile(&node, &mut Vec::new()).render(&scope(), &mut Vec::new()) else {
            panic!()
        };
        prop_assert_eq!(same.as_str().unwrap(), text.as_str());
    }
}
