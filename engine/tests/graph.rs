//! The order of resources, from their links alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

use engine::graph::{Graph, Problem};
use engine::secrecy::Held;
use engine::{
    Anchor, AnyModule, Change, Drifted, Facts, Id, Item, Kind, Links, Mode, Module, Pending, Planned, Repository,
    Resource, Severity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A kind that links as it is told.
struct Thing;

#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Spec {
    provides: Vec<String>,
    needs: Vec<String>,
    after: Vec<String>,
    removes: Vec<String>,
    package: bool,
    late: bool,
}

fn anchor(text: &String) -> Anchor {
    match text.split_once(':') {
        Some(("user", name)) => Anchor::User(name.into()),
        Some(("group", name)) => Anchor::Group(name.into()),
        Some(("path", name)) => Anchor::Path(name.into()),
        Some(("resource", name)) => Anchor::Resource(name.into()),
        _ => panic!("{text}"),
    }
}

impl Module for Thing {
    const KIND: &'static str = "thing";
    const SECTION: &'static str = "things";
    const DOC: &'static str = "A thing.";
    const STEPS: &'static [&'static str] = &["first", "second"];
    type Spec = Spec;
    type Seen = ();

    fn links(&self, _: &str, spec: &Spec, step: usize) -> Links {
        let all = |list: &[String]| list.iter().map(anchor).collect();
        match step {
            0 => Links {
                provides: all(&spec.provides),
                removes: all(&spec.removes),
                packages: spec.package,
                ..Links::new()
            },
            _ => Links {
                needs: all(&spec.needs),
                after: all(&spec.after),
                removes: all(&spec.removes),
                after_accounts: spec.late,
                ..Links::new()
            },
        }
    }
    fn observe(&self, _: &str, _: &Spec, _: &Facts) -> Result<(), Pending> {
        Ok(())
    }
    fn diff(&self, _: &str, _: &Spec, _: &()) -> Vec<Change> {
        Vec::new()
    }
    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        _: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(Vec::new())
    }
}

struct Nowhere;

impl Repository for Nowhere {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        Err(path.into())
    }
    fn render(&self, _: &str, _: &str, path: &str) -> Result<String, String> {
        Err(path.into())
    }
    fn tree(&self, directory: &str) -> Result<Vec<engine::Entry>, String> {
        Err(directory.into())
    }
    fn lacks_secret(&self, _: &str) -> bool {
        false
    }
    fn holds_secret(&self, _: &str) -> bool {
        false
    }
}

static THING: Kind<Thing> = Kind(&Thing);

#[derive(Default)]
struct Host(Vec<Resource>);

impl Host {
    fn thing(mut self, name: &str, spec: serde_json::Value) -> Self {
        let serde_json::Value::Object(fields) = spec else { panic!() };
        let mut sealed = THING.seal(BTreeMap::from([(name.to_owned(), fields)]), &Nowhere);
        assert_eq!(sealed.problems, []);
        self.0.push(Resource {
            id: Id::new("thing", name),
            module: &THING,
            spec: sealed.specs.remove(name),
            mode: Mode::Enforce,
            held_by: None,
            severity: Severity::Major,
            tags: vec![],
            refs: vec![],
            why: vec![],
            sources: vec![],
            requires: vec![],
            before: vec![],
            secrets: Held::default(),
            waiver: None,
            undetermined: false,
            selected: true,
        });
        self
    }

    /// The last thing needs these, by its author's word.
    fn requires(mut self, ids: &[&str]) -> Self {
        self.0.last_mut().unwrap().requires = ids.iter().map(|&id| id.to_owned()).collect();
        self
    }

    fn graph(&self) -> Result<Graph, Vec<Problem>> {
        Graph::build(&self.0)
    }

    /// Names with their step, level by level.
    fn levels(&self) -> Vec<String> {
        let graph = self.graph().unwrap();
        let name = |node: &engine::graph::Node| format!("{}{}", self.0[node.resource].id.name, ["", "'"][node.step]);
        graph.levels().iter().map(|level| level.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
    }
}

macro_rules! json {
    ($($tokens:tt)*) => { serde_json::json!($($tokens)*) };
}

#[test]
fn what_is_needed_comes_first_and_steps_follow_each_other() {
    let host = Host::default()
        .thing("key", json!({"needs": ["user:alice"]}))
        .thing("alice", json!({"provides": ["user:alice"], "needs": ["group:ops"]}))
        .thing("ops", json!({"provides": ["group:ops"]}));
    assert_eq!(host.levels(), ["key alice ops", "key' alice' ops'"]);
}

#[test]
fn a_path_is_met_by_its_nearest_managed_ancestor() {
    let host = Host::default()
        .thing("deep", json!({"needs": ["path:/srv/a/b/c"]}))
        .thing("b", json!({"provides": ["path:/srv/a/b"]}))
        .thing("srv", json!({"provides": ["path:/srv"]}));
    let graph = host.graph().unwrap();
    let edges: Vec<_> = graph.edges().filter(|(from, to, _)| from.resource != to.resource).collect();
    assert_eq!(edges.len(), 1);
    assert_eq!((edges[0].0.resource, edges[0].1.resource), (1, 0));
}

#[test]
fn packages_are_one_transaction_after_what_they_need_and_before_the_rest() {
    let host = Host::default()
        .thing("service", json!({}))
        .thing("curl", json!({"package": true}))
        .thing("repository", json!({}))
        .thing("docker", json!({"package": true}))
        .requires(&["thing/repository"]);
    assert_eq!(host.levels(), ["repository", "repository'", "curl docker", "service curl' docker'", "service'"]);
}

#[test]
fn a_circle_is_reported_whole() {
    let host = Host::default()
        .thing("a", json!({}))
        .requires(&["thing/b"])
        .thing("b", json!({}))
        .requires(&["thing/c"])
        .thing("c", json!({}))
        .requires(&["thing/a"])
        .thing("bystander", json!({}))
        .requires(&["thing/a"]);
    let problems = host.graph().unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].to_string(), "these need each other in a circle: thing/a → thing/c → thing/b → thing/a");
}

#[test]
fn what_is_needed_must_not_be_declared_absent() {
    let host =
        Host::default().thing("key", json!({"needs": ["user:bob"]})).thing("bob", json!({"removes": ["user:bob"]}));
    let problems = host.graph().unwrap_err();
    assert_eq!(problems[0].to_string(), "thing/key needs thing/bob, which is declared absent");
}

#[test]
fn what_goes_away_with_something_goes_before_it() {
    let host = Host::default()
        .thing("directory", json!({"removes": ["path:/srv/a"]}))
        .thing("file", json!({"removes": ["path:/srv/a/b"], "needs": ["path:/srv/a"]}));
    let graph = host.graph().unwrap();
    let last_of_file =
        graph.levels().iter().position(|level| level.iter().any(|node| node.resource == 1 && node.step == 1));
    let last_of_directory =
        graph.levels().iter().position(|level| level.iter().any(|node| node.resource == 0 && node.step == 1));
    assert!(last_of_file < last_of_directory, "{:?}", host.levels());
}

#[test]
fn what_goes_away_and_merely_comes_after_something_that_goes_away_too_goes_first() {
    let host = Host::default()
        .thing("directory", json!({"removes": ["path:/srv/a"]}))
        .thing("file", json!({"removes": ["path:/srv/a/b"], "after": ["path:/srv/a"]}));
    let graph = host.graph().unwrap();
    let last = |resource| {
        graph.levels().iter().position(|level| level.iter().any(|node| node.resource == resource && node.step == 1))
    };
    assert!(last(1) < last(0), "{:?}", host.levels());
}

#[test]
fn what_comes_after_accounts_does_so_unless_one_needs_it() {
    let host = Host::default()
        .thing("group", json!({"late": true}))
        .thing("alice", json!({"provides": ["user:alice"]}))
        .thing("bob", json!({"removes": ["user:bob"]}))
        .thing("carol", json!({"provides": ["user:carol"]}))
        .requires(&["thing/group"]);
    assert_eq!(host.levels(), ["group alice bob", "alice' bob'", "group'", "carol", "carol'"]);
}

#[test]
fn mere_order_gives_way_to_need() {
    let host =
        Host::default().thing("a", json!({"after": ["resource:thing/b"]})).thing("b", json!({})).requires(&["thing/a"]);
    assert_eq!(host.levels(), ["a", "a'", "b", "b'"]);
}

#[test]
fn what_is_not_managed_makes_no_edge() {
    let host = Host::default()
        .thing("key", json!({"needs": ["user:nobody", "path:/etc/motd"]}))
        .requires(&["thing/elsewhere"]);
    assert_eq!(host.levels(), ["key", "key'"]);
}
