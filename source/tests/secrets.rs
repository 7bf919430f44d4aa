//! `secret()` in values and template files: a placeholder until the secret is put in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use source::secret::{fill, marker, names_in, shown};
use source::{
    Diagnostic, Expr, FileTemplate, Node, NotRendered, Place, Rendered, Scope, SecretName, Secrets, SourceFile,
    Template, render,
};

struct Names(Node);

impl Scope for Names {
    fn get(&self, name: &str) -> Option<&Node> {
        (name == "db").then_some(&self.0)
    }
    fn names(&self) -> Vec<&str> {
        vec!["db"]
    }
}

fn scope() -> Names {
    Names(Node::given("vars", "mattermost/db"))
}

/// Answers with the name itself, in braces.
struct Echo;

impl Secrets for Echo {
    fn get(&self, name: &SecretName) -> Result<String, String> {
        if name.name() == "gone" { Err("there is no `gone`".to_owned()) } else { Ok(format!("<{name}>")) }
    }
}

fn value(text: &str) -> Result<Node, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let template = Template::compile(&Node::given("a.yml", text), &mut diagnostics);
    match template.render(&scope(), &mut diagnostics) {
        Rendered::Value(node) if diagnostics.is_empty() => Ok(node),
        _ => Err(diagnostics),
    }
}

fn filled(text: &str) -> String {
    fill(value(text).unwrap().as_str().unwrap(), &Echo).unwrap()
}

fn mistake(text: &str) -> String {
    value(text).unwrap_err().into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_secret_is_named_in_every_form() {
    assert_eq!(filled("{{ secret('a') }}"), "<a>");
    assert_eq!(filled("{{ secret(name='a', field='user') }}"), "<a:user>");
    assert_eq!(filled("postgres://mm:{{ secret(db) }}@db/{{ db }}"), "postgres://mm:<mattermost/db>@db/mattermost/db");
    assert_eq!(filled("{{ 'x' ~ secret('hosts/' ~ 'one') }}"), "x<hosts/one>");
}

#[test]
fn only_a_placeholder_stands_in_the_value_and_people_see_its_name() {
    let node = value("a{{ secret('x/y') }}b").unwrap();
    let text = node.as_str().unwrap();
    assert!(text.starts_with(&format!("a{}", marker())), "{text}");
    assert_eq!(names_in(text).into_iter().map(|name| name.to_string()).collect::<Vec<_>>(), ["x/y"]);
    assert_eq!(shown(text), "a‹secret:x/y›b");
    let file = SourceFile::new("a.yml", "x");
    let diagnostic = Diagnostic::error("code", format!("not `{text}`")).at(&Place::whole(&file), "");
    assert!(render(&[diagnostic], false).contains("not `a‹secret:x/y›b`"));
}

#[test]
fn what_cannot_be_had_is_said() {
    let text = value("{{ secret('gone') }}").unwrap();
    assert_eq!(fill(text.as_str().unwrap(), &Echo), Err("there is no `gone`".to_owned()));
}

#[test]
fn a_secret_that_a_template_changes_or_looks_at_is_a_mistake() {
    let changed = "is put in as it is, after everything else: no filter or condition can use it";
    assert_eq!(mistake("{{ secret('a') | upper }}"), format!("the secret `a` {changed}"));
    assert_eq!(mistake("{{ 'x' if secret('a') == 'y' else 'z' }}"), format!("the secret `a` {changed}"));
    for text in ["{{ secret('a') | length }}", "{% if secret('a') %}x{% endif %}"] {
        let template = FileTemplate::parse("t", text).unwrap();
        let wrong = template.render(&scope());
        assert_eq!(wrong, Err(NotRendered::Wrong(format!("t: the secret `a` {changed}"))), "{text}");
    }
}

#[test]
fn names_that_could_be_taken_for_something_else_are_refused() {
    for name in [
        "",
        "/etc/shadow",
        "a/../b",
        "-x",
        "a/-rf",
        ".ssh/id",
        "a//b",
        "a b",
        "a\nb",
        "é",
        "{}",
        "a;b",
        &"x".repeat(300),
    ] {
        assert!(SecretName::new(name, None).is_err(), "{name}");
        assert!(SecretName::new("a", Some(name)).is_err(), "{name}");
    }
    assert!(mistake("{{ secret('../x') }}").contains("the name of a secret is made of"));
    assert!(mistake("{{ secret('x', fild='user') }}").contains("takes a name and `field`, not `fild`"));
    assert!(!mistake("{{ secret() }}").is_empty());
}

#[test]
fn template_files_take_secrets_too() {
    let template =
        FileTemplate::parse("t", "a={{ secret('x') }}\n{% set y = secret(db, field='user') %}b={{ y }}\n").unwrap();
    let text = template.render(&scope()).unwrap();
    assert_eq!(fill(&text, &Echo).unwrap(), "a=<x>\nb=<mattermost/db:user>\n");
}

#[test]
fn conditions_cannot_use_a_secret() {
    let Err(diagnostic) = Expr::parse(&Node::given("a.yml", "secret('x') == 'y'")) else { panic!() };
    assert_eq!(diagnostic.message, "a condition or `for_each` cannot use a secret");
}

proptest! {
    #[test]
    fn any_text_around_placeholders_comes_through(parts in prop::collection::vec(".{0,20}", 1..6)) {
        let name = SecretName::new("a/b", Some("user")).unwrap();
        let text = parts.join(&name.placeholder());
        prop_assert_eq!(fill(&text, &Echo).unwrap(), parts.join("<a/b:user>"));
        prop_assert_eq!(shown(&text), parts.join("‹secret:a/b:user›"));
    }

    #[test]
    fn a_cut_placeholder_is_no_secret_and_harms_nobody(at in 0usize..80) {
        let placeholder = SecretName::new("abc", None).unwrap().placeholder();
        let cut: String = placeholder.chars().take(at.min(placeholder.chars().count() - 1)).collect();
        prop_assert!(names_in(&cut).is_empty());
    }
}
