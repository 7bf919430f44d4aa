//! `comply schema`: what it prints is a schema, and fits what `comply` reads and writes.

use crate::sandbox::Sandbox;
use jsonschema::Validator;
use serde_json::{Value, json};

fn schema(of: &str) -> Value {
    let ended = Sandbox::new(&[]).comply(&["schema", of]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{of}");
    serde_json::from_str(&ended.out).unwrap()
}

fn errors(schema: &Value, value: &Value) -> Vec<String> {
    Validator::new(schema).unwrap().iter_errors(value).map(|error| error.to_string()).collect()
}

#[test]
fn every_schema_is_one_and_needs_no_repository() {
    for what in ["project", "inventory", "policy", "technique", "waivers", "report", "explanation"] {
        let schema = schema(what);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        jsonschema::meta::validate(&schema).unwrap();
    }
}

#[test]
fn the_schema_of_a_policy_explains_its_fields() {
    let schema = schema("policy");
    let described =
        schema.pointer("/properties/users/anyOf/0/additionalProperties/anyOf/0/properties/shell/description");
    assert_eq!(described.unwrap(), "Its login shell, an absolute path.");
    assert_eq!(errors(&schema, &json!({ "hosts": ["all"], "packages": ["curl"] })), Vec::<String>::new());
    assert_ne!(errors(&schema, &json!({ "hosts": ["all"], "pakages": ["curl"] })), Vec::<String>::new());
}

#[test]
fn reports_of_every_command_are_as_the_schema_says() {
    let sandbox = Sandbox::local("x");
    let schema = schema("report");
    for command in [&["audit", "--format", "json"][..], &["enforce", "--yes", "--format", "json"]] {
        let report: Value = serde_json::from_str(&sandbox.comply(command).out).unwrap();
        assert_eq!(errors(&schema, &report), Vec::<String>::new(), "{command:?}");
        let broken = |pointer: &str| {
            let mut report = report.clone();
            *report.pointer_mut(pointer).unwrap() = json!({ "no": "such value" });
            errors(&schema, &report)
        };
        for place in ["/hosts/0/resources/0/verdict", "/hosts/0/resources/0/changes", "/totals/exit", "/run/started"] {
            assert_ne!(broken(place), Vec::<String>::new(), "{place}");
        }
    }
}
