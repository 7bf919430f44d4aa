//! The schemas say of a repository what an editor can know without `comply`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;

use engine::AnyModule;
use jsonschema::Validator;
use policies::field;
use policies::schema::File;
use serde_json::{Value, json};
use source::{Node, Style, yaml};
use std::fs;
use std::path::Path;

/// What an editor makes of a value: unlike `comply` it decides what a plain scalar is before it knows the field,
/// by the core schema of YAML 1.2.
fn edited(node: &Node) -> Value {
    match &node.value {
        source::Value::List(items) => items.iter().map(edited).collect(),
        source::Value::Map(entries) => entries.iter().map(|(key, node)| (key.text.to_string(), edited(node))).collect(),
        source::Value::Scalar(scalar) if scalar.style == Style::Plain => plain(&scalar.text),
        source::Value::Scalar(scalar) => Value::from(&*scalar.text),
        source::Value::Unknown => Value::Null,
    }
}

fn plain(text: &str) -> Value {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match text {
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
        }
        _ => match text.parse::<f64>() {
            Ok(float) if number => float.into(),
            _ => text.into(),
        },
    }
}

/// What an editor underlines in a file of a repository; `None` if it is not a file of the language.
fn underlined(path: &str, bytes: &[u8], modules: &[&dyn AnyModule]) -> Option<Vec<String>> {
    let schema = File::at(path)?.schema(modules);
    let (node, diagnostics) = yaml::parse(path, bytes);
    let mut found: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
    if let Some(node) = node {
        let value = edited(&node);
        found.extend(Validator::new(&schema).unwrap().iter_errors(&value).map(|error| format!("{path}: {error}")));
    }
    Some(found)
}

/// Every file below `root`, its path relative to it.
fn all_files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut open, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    files
}

fn directories(root: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_schemas_are_schemas_of_their_draft() {
    for file in File::ALL {
        let schema = file.schema(modules::MODULES);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn nothing_in_an_example_is_underlined() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for name in directories(&examples) {
        for (path, bytes) in all_files(&examples.join(&name)) {
            if let Some(found) = underlined(&path, &bytes, modules::MODULES) {
                assert_eq!(found, Vec::<String>::new(), "{name}/{path}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "the examples are not where this test looks for them");
}

#[test]
fn nothing_in_the_examples_of_the_kinds_is_underlined() {
    for module in modules::MODULES {
        for policy in module.doc().split("```yaml\n").skip(1) {
            let policy = policy.split("```").next().unwrap();
            // A file that goes with it begins with its path: a stack of Compose.
            let path = policy.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or("policies/x.yml");
            let found = underlined(path, policy.as_bytes(), modules::MODULES).unwrap_or_default();
            assert_eq!(found, Vec::<String>::new(), "{policy}");
        }
    }
}

#[test]
fn an_editor_sees_every_mistake_but_these() {
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let unseen: Vec<String> = directories(&mistakes)
        .into_iter()
        .filter(|name| name != "said")
        .filter(|name| {
            let files = all_files(&mistakes.join(name));
            files
                .iter()
                .filter_map(|(path, bytes)| underlined(path, bytes, kinds::MODULES))
                .all(|found| found.is_empty())
        })
        .collect();
    // A new mistake that only `comply check` can see belongs in this list: INSTA_UPDATE=always writes it. One that
    // an editor could see belongs in the schema instead.
    insta::assert_snapshot!(unseen.join("\n"));
}

#[test]
fn any_field_of_any_kind_may_be_a_template_and_none_may_be_null() {
    let schema = File::Policy.schema(modules::MODULES);
    let validator = Validator::new(&schema).unwrap();
    let policy =
        |section: &str, field: &str, value: Value| json!({ "hosts": ["all"], section: { "x": { field: value } } });
    for module in modules::MODULES {
        for field in field::fields(*module) {
            let template = policy(module.section(), &field.name, "{{ anything }}".into());
            let errors: Vec<_> = validator.iter_errors(&template).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}.{}", module.section(), field.name);
            assert!(!validator.is_valid(&policy(module.section(), &field.name, Value::Null)));
        }
        assert!(!validator.is_valid(&policy(module.section(), "no_such_field", "x".into())));
    }
}

#[test]
fn an_editor_offers_every_keyword_of_sshd_and_takes_any_spelling() {
    let schema = File::Policy.schema(modules::MODULES);
    let offered = schema.pointer("/properties/sshd/anyOf/0/properties").unwrap().as_object().unwrap();
    assert!(offered.contains_key("PermitRootLogin") && offered.len() > 100, "{offered:?}");
    let validator = Validator::new(&schema).unwrap();
    let valid = |name: &str, value: Value| validator.is_valid(&json!({ "hosts": ["all"], "sshd": { name: value } }));
    for name in ["PermitRootLogin", "permitrootlogin"] {
        assert!(valid(name, "no".into()) && !valid(name, json!({ "valeu": "no" })), "{name}");
    }
}

#[test]
fn short_forms_are_those_of_the_kind() {
    let validator = Validator::new(&File::Policy.schema(modules::MODULES)).unwrap();
    let valid = |section: &str, value: Value| validator.is_valid(&json!({ "hosts": ["all"], section: value }));
    assert!(valid("packages", json!(["curl", "jq"])));
    assert!(valid("packages", json!({ "curl": "latest", "jq": "absent" })));
    assert!(!valid("users", json!({ "alice": "latest" })));
    assert!(!valid("services", json!({ "cron": "present" })));
    assert!(!valid("packages", json!("curl")));
    assert!(valid("sshd", json!({ "PermitRootLogin": "no", "Port": [22, 2222], "X11Forwarding": { "value": "no" } })));
    assert!(!valid("users", json!({ "{{ name }}": "present" })));
    assert!(!valid("users", json!({ "all": { "for_each": "members" } })), "for_each needs name");
    assert!(valid("files", json!({ "/x": { "mode": "audit" }, "/y": { "mode": 644 }, "/z": { "mode": "0644" } })));
    assert!(!valid("files", json!({ "/x": { "mode": "u=rw" } })));
}

/// All keys of an object's schema, and one level below those whose keys are names.
fn keys(schema: &Value) -> Vec<String> {
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

#[test]
fn no_schema_knows_a_key_that_the_language_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, value: Value| fs::write(dir.path().join(path), value.to_string()).unwrap();
    let filled = |keys: Vec<String>| keys.into_iter().map(|key| (key, json!("x"))).collect::<Value>();
    fs::create_dir(dir.path().join("policies")).unwrap();
    let schema = |file: File| file.schema(modules::MODULES);
    let inventory = schema(File::Inventory);
    write("comply.yml", filled(keys(&schema(File::Project))));
    let mut all = filled(keys(&inventory));
    all["defaults"] = filled(keys(&inventory["properties"]["defaults"]));
    all["hosts"] = json!({ "one": filled(keys(&inventory["properties"]["hosts"]["additionalProperties"])) });
    all["groups"] = json!({ "some": filled(keys(&inventory["properties"]["groups"]["additionalProperties"])) });
    let facts = &inventory["properties"]["hosts"]["additionalProperties"]["properties"]["facts"];
    all["hosts"]["one"]["facts"] = filled(keys(facts));
    all["hosts"]["one"]["facts"]["os"] = filled(keys(&facts["properties"]["os"]));
    write("inventory.yml", all);
    write("waivers.yml", json!([filled(keys(&schema(File::Waivers)["items"]))]));
    let mut technique = filled(keys(&schema(File::Technique)));
    technique["technique"] = "t".into();
    let parameter = &schema(File::Technique)["properties"]["params"]["additionalProperties"]["anyOf"][1];
    technique["params"] = json!({ "p": filled(keys(parameter)) });
    fs::create_dir(dir.path().join("techniques")).unwrap();
    write("techniques/x.yml", technique);
    let mut policy = filled(keys(&schema(File::Policy)));
    policy["use"] = json!([filled(keys(&schema(File::Policy)["properties"]["use"]["items"]["anyOf"][0]))]);
    policy["use"][0]["t"] = json!({});
    for module in modules::MODULES {
        let file = schema(File::Policy);
        let mut entries = &file["properties"][module.section()]["anyOf"][0]["additionalProperties"];
        if let Some(reference) = entries["$ref"].as_str() {
            entries = file.pointer(reference.trim_start_matches('#')).unwrap();
        }
        let resource = if entries["anyOf"].is_array() { &entries["anyOf"][0] } else { entries };
        policy[module.section()] = json!({ "x": filled(keys(resource)) });
    }
    write("policies/x.yml", policy);
    let (repo, mut diagnostics) = policies::load_on(dir.path(), modules::MODULES, &[], "2026-11-20".parse().unwrap());
    diagnostics.extend(repo.unwrap().resolve("one", None).diagnostics);
    assert!(diagnostics.iter().any(|diagnostic| diagnostic.code == "bad-value"), "{diagnostics:?}");
    let unknown: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.code.starts_with("unknown-key")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Every text that stands as `before("text"` in the sources of a crate.
fn asked_for(dir: &Path) -> Vec<String> {
    let mut asked = Vec::new();
    for (path, bytes) in all_files(dir).into_iter().filter(|(path, _)| path.ends_with(".rs")) {
        if path.starts_with("schema/") {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        for before in [
            "table.get(\"",
            "table.read(\"",
            "table.required(\"",
            "os.read(\"",
            "= text(\"",
            "bound(\"",
            "(table, \"",
            "(&mut table, \"",
        ] {
            asked.extend(text.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    asked
}

#[test]
fn every_key_that_the_language_asks_for_is_in_a_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asked = [asked_for(&root.join("src")), asked_for(&root.join("../inventory/src"))].concat();
    assert!(asked.len() > 40, "the sources are not where this test looks for them: {asked:?}");
    let schemas: String = File::ALL.iter().map(|file| file.schema(&[]).to_string()).collect();
    let missing: Vec<_> = asked.iter().filter(|key| !schemas.contains(&format!("\"{key}\":{{"))).collect();
    assert!(
        missing.is_empty(),
        "policies/src/schema/files.rs does not have {missing:?}: add them, with what they are for"
    );
}
