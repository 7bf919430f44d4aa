//! A page for each kind, made of the doc comments that are also its schema.

use crate::page;
use engine::AnyModule;
use policies::field::{self, Field};
use serde_json::Value;
use std::fmt::Write as _;

/// The page of a kind.
fn made(module: &dyn AnyModule) -> String {
    let (kind, section) = (module.kind(), module.section());
    let doc = module.doc();
    let doc = doc.strip_prefix("# ").and_then(|rest| rest.split_once('\n')).map_or(doc, |(_, rest)| rest).trim();
    let mut text = format!(
        "<!-- Made from the comments in modules/src/{kind}.rs and from modules/src/{kind}.md. Change those, then \
         UPDATE_DOCS=1 cargo test -p comply --test docs -->\n# `{section}`\n\n{doc}\n\n## Fields\n\n| field | takes | |\n\
         |---|---|---|\n"
    );
    for field in field::fields(module) {
        let mut meaning = field.description.replace('|', "\\|");
        if field.required {
            meaning += " *Must be written.*";
        }
        if field.is_set {
            meaning += " *A set: what several declarations say is put together.*";
        }
        let _ = writeln!(text, "| `{}` | {} | {meaning} |", field.name, takes(&field.schema));
    }
    text += "\nA field that is not written is neither audited nor touched, unless its line names a default.\n";
    if let Some(states) = module.states() {
        let first = states.first().copied().unwrap_or_default();
        let words: Vec<_> = states.iter().map(|state| format!("`NAME: {state}`")).collect();
        let _ = write!(text, "\nShort forms: {}; in a list, `[NAME]` means `{first}`.", words.join(", "));
    }
    if let Some(field) = module.short() {
        let _ = write!(text, "\nShort form: `NAME: VALUE` is `NAME: {{{field}: VALUE}}`.");
    }
    if let Some(why) = module.audit_only() {
        let _ = write!(text, "\nIt is never enforced: {why}.");
    }
    let _ = writeln!(
        text,
        "\nIts id, for `--only`, `requires` and waivers, is `{kind}/NAME`. It also takes \
         [the keys that every resource takes](../language.md#keys-of-every-resource)."
    );
    text
}

/// What may be written for a value, in words.
fn takes(schema: &Value) -> String {
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        return title.to_owned();
    }
    let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    if let Some(alternatives) = alternatives {
        let mut words: Vec<String> = alternatives.iter().filter(|one| one["type"] != "null").map(takes).collect();
        words.dedup();
        return words.join(" or ");
    }
    if let Some(word) = schema.get("const") {
        return format!("`{}`", word.as_str().unwrap_or_default());
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    match types.as_slice() {
        ["boolean"] => "`true` or `false`".to_owned(),
        ["integer"] => "a whole number".to_owned(),
        ["number"] => "a number".to_owned(),
        ["array"] => match takes(&schema["items"]).as_str() {
            "text" => "a list".to_owned(),
            items => format!("a list: {items}"),
        },
        ["object"] => "a mapping".to_owned(),
        [] => "anything".to_owned(),
        types if types.contains(&"array") => "text, or a list".to_owned(),
        // A name or a number, a mode: all are written as text.
        _ => "text".to_owned(),
    }
}

#[test]
fn the_page_of_every_kind_is_what_its_comments_say() {
    let stale: Vec<String> = modules::MODULES
        .iter()
        .filter_map(|module| page::keep(&format!("kinds/{}.md", module.kind()), &made(*module)).err())
        .collect();
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

/// The index's table of kinds: a sentence for each.
fn table() -> String {
    let mut text = "| section | what it keeps |\n|---|---|\n".to_owned();
    for module in modules::MODULES {
        let mut paragraphs = module.doc().split("\n\n").map(str::trim);
        let first = paragraphs.find(|text| !text.starts_with('#')).unwrap_or_default().replace('\n', " ");
        let sentence =
            first.split_once(". ").map_or(first.as_str(), |(sentence, _)| sentence).trim_end_matches(['.', ':']);
        let _ = writeln!(text, "| [`{}`](kinds/{}.md) | {sentence} |", module.section(), module.kind());
    }
    text
}

#[test]
fn the_index_has_every_kind() {
    let (begin, end) = ("<!-- kinds -->\n", "<!-- end of kinds -->");
    let index = page::read("README.md");
    let (before, rest) = index.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    page::keep("README.md", &format!("{before}{begin}{}{end}{after}", table())).unwrap();
}

#[test]
fn there_is_no_page_of_a_kind_that_is_gone() {
    for path in page::all().iter().filter_map(|path| path.strip_prefix("kinds/")) {
        let known = modules::MODULES.iter().any(|module| format!("{}.md", module.kind()) == path);
        assert!(known, "docs/kinds/{path} is of no kind: remove it");
    }
}

#[test]
fn every_field_says_what_it_is_and_every_default_can_be_found() {
    for module in modules::MODULES {
        for Field { name, description, .. } in field::fields(*module) {
            let place = format!("`{name}` of modules/src/{}.rs", module.kind());
            assert!(!description.is_empty(), "{place} has no doc comment: users read it");
            let field = field::fields(*module).into_iter().find(|field| field.name == name).unwrap();
            assert!(
                !description.contains("default") || field.default().is_some(),
                "{place}: write a default as \"(default: true)\" or \"`present` (the default)\"; it is read from there"
            );
        }
    }
}
