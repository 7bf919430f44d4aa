//! How far a rendering may go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use source::{FileTemplate, Node, NotRendered, Rendered, Scope, Template, render, rendering, yaml};
use std::time::{Duration, Instant};

struct Names(Node);

impl Scope for Names {
    fn get(&self, name: &str) -> Option<&Node> {
        self.0.get(name)
    }
    fn names(&self) -> Vec<&str> {
        self.0.as_map().unwrap().iter().map(|(key, _)| &*key.text).collect()
    }
}

fn scope() -> Names {
    Names(yaml::parse("vars", b"members: [a, b]").0.unwrap())
}

fn file(text: &str) -> Result<String, NotRendered> {
    FileTemplate::parse("a.tera", text).map_err(NotRendered::Wrong)?.render(&scope())
}

fn wrong(text: &str) -> String {
    let started = Instant::now();
    let Err(NotRendered::Wrong(message)) = file(text) else { panic!("{text} is rendered") };
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    message
}

fn value(text: &str) -> (Rendered, String) {
    let mut diagnostics = Vec::new();
    let node = yaml::parse("a.yml", text.as_bytes()).0.unwrap();
    let rendered = Template::compile(&node, &mut diagnostics).render(&scope(), &mut diagnostics);
    (rendered, render(&diagnostics, false))
}

#[test]
fn ranges_count_as_before() {
    assert_eq!(file("{% for n in range(end=3) %}{{ n }}{% endfor %}").unwrap(), "012");
    assert_eq!(file("{{ range(start=7, end=1, step_by=-3) | join(sep=' ') }}").unwrap(), "7 4");
    assert_eq!(file("{{ range(start=1, end=1) | length }}").unwrap(), "0");
    assert_eq!(
        file("{{ range(start=9223372036854775800, end=9223372036854775807, step_by=5) | length }}").unwrap(),
        "2"
    );
    assert!(wrong("{{ range(end=3, step_by=0) }}").contains("never ends"));
    assert!(wrong("{{ range(start=3, end=1) }}").contains("less than `start`"));
}

#[test]
fn ranges_in_ranges_come_to_an_end() {
    let long = "{% for a in range(end=90000) %}{% for b in range(end=90000) %}{% endfor %}{% endfor %}";
    assert_eq!(wrong(long), "a.tera:1:44: `range` gives at most 100000 numbers in one rendering");
    assert!(wrong("{{ range(end=9000000000) }}").contains("at most 100000"));
    let (rendered, said) = value("\"{{ [1 for a in range(end=90000) if [2 for b in range(end=90000)]] | length }}\"");
    assert!(matches!(rendered, Rendered::Failed) && said.contains("at most 100000"), "{said}");
    // Each rendering has its own.
    assert_eq!(file("{{ range(end=90000) | length }}").unwrap(), "90000");
    assert_eq!(file("{{ range(end=90000) | length }}").unwrap(), "90000");
}

#[test]
fn a_text_has_a_largest_size() {
    let large = "{% set x = '0123456789' %}{% for a in range(end=16) %}{% set_global x = x ~ x %}{% endfor %}\
                 {% for a in range(end=200) %}{{ x }}{% endfor %}";
    assert_eq!(wrong(large), "a.tera: the text it comes to is larger than 64 MiB");
}

#[test]
fn a_component_that_uses_itself_is_stopped() {
    let message = wrong("{% component again() %}{{ <again /> }}{% endcomponent again %}{{ <again /> }}");
    assert!(message.contains("recursion"), "{message}");
}

#[test]
fn a_template_takes_in_no_other_file() {
    for text in ["{% include \"b.tera\" %}", "{% include \"a.tera\" %}", "{% extends \"b.tera\" %}"] {
        let Err(message) = FileTemplate::parse("a.tera", text) else { panic!("{text} is taken") };
        assert!(message.starts_with("a.tera"), "{message}");
    }
}

#[test]
fn what_takes_long_is_seen_by_who_watches_and_then_forgotten() {
    assert!(rendering::longest().is_none_or(|(_, place)| place.path() != "long.tera"));
    let long = FileTemplate::parse(
        "long.tera",
        "{% set many = range(end=1000) %}{% for a in many %}{% for b in many %}{% for c in members %}{% endfor %}{% endfor %}{% endfor %}",
    )
    .unwrap();
    let worker = std::thread::spawn(move || long.render(&scope()).unwrap());
    let started = Instant::now();
    let mut seen = false;
    while !seen && !worker.is_finished() && started.elapsed() < Duration::from_secs(60) {
        seen = rendering::longest().is_some_and(|(_, place)| place.path() == "long.tera");
    }
    assert!(seen);
    worker.join().unwrap();
    assert!(rendering::longest().is_none_or(|(_, place)| place.path() != "long.tera"));
}
