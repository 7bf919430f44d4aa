//! `docs/messages.md` has every message, with an example that `comply` really prints.

use crate::page::{self, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every Rust file of the project that can make a message, without its tests.
fn sources() -> Vec<String> {
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> =
        ["src", "source/src", "inventory/src", "policies/src"].iter().map(|dir| root().join(dir)).collect();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(path).unwrap();
                texts.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
            }
        }
    }
    texts
}

/// The literal that follows each `before` in a text as one argument of several.
fn literals<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let after = text.split(before).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    let literals = after.filter_map(|rest| rest.split_once('"'));
    literals.filter(|(_, rest)| rest.trim_start().starts_with(',')).map(|(literal, _)| literal).collect()
}

/// The codes that the sources have: what is handed to a constructor of messages, and what looks like a code and comes
/// first among arguments.
fn codes() -> BTreeSet<String> {
    let is_code = |word: &&str| {
        word.contains('-')
            && word.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            })
    };
    let mut codes = BTreeSet::new();
    for text in sources() {
        for before in ["Diagnostic::error(", "Diagnostic::warning("] {
            codes.extend(literals(&text, before).into_iter().map(str::to_owned));
        }
        codes.extend(literals(&text, "(").into_iter().filter(is_code).map(str::to_owned));
    }
    codes
}

/// The page's sections: code and text.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let sections = page.split("\n### ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap()).map(|(code, text)| (code.trim(), text)).collect()
}

/// Where the mistakes are that have a snapshot, made with kinds that only the tests of the language know.
const MISTAKES: &str = "policies/tests/mistakes";

/// What `comply` prints of the code about a mistake's directory: one of those that have a snapshot, or of our own.
fn printed(code: &str, name: &str) -> Result<String, String> {
    let dirs = [root().join("tests/docs/mistakes").join(name), root().join(MISTAKES).join(name)];
    let dir = dirs.iter().find(|dir| dir.is_dir()).ok_or_else(|| format!("there is no mistake `{name}`"))?;
    let all = run(dir);
    let blocks = all.split("\n\n");
    let found = blocks.map(|block| block.trim_start_matches('\n')).find(|block| block.contains(&format!("[{code}]")));
    found.map(|block| block.trim_end().to_owned()).ok_or_else(|| format!("`{name}` does not print `{code}`"))
}

/// Runs `comply check`, or what the file `args` says, in a directory.
fn run(dir: &Path) -> String {
    let args = fs::read_to_string(dir.join("args")).unwrap_or_else(|_| "check -C .".to_owned());
    let output = Command::new(assert_cmd::cargo::cargo_bin!("comply"))
        .args(args.split_whitespace())
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let mistakes = i32::from(said.contains("error["));
    assert_eq!(output.status.code(), Some(mistakes), "{}", dir.display());
    said
}

/// What the tests of the language say of a mistake, with kinds made for them, `comply` says with the real ones; but where
/// the mistake is one of a kind.
#[test]
fn comply_tells_the_mistakes_of_the_language_as_their_tests_have_them() {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("comply: "));
        lines.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(root().join(MISTAKES)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Ok(snapshot) = fs::read_to_string(root().join(MISTAKES).join(format!("said/{name}.snap"))) else {
            continue;
        };
        let said = snapshot.splitn(3, "---\n").nth(2).unwrap();
        if lines(said) != lines(&run(&root().join(MISTAKES).join(&name))) {
            others.insert(name);
        }
    }
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    insta::assert_snapshot!(others.join("\n"), @r"
    every_element_and_every_field
    file_mode
    missing_field
    mistake_that_only_a_module_can_see
    password_in_the_line_of_a_mistake
    passwords_in_other_shapes
    short_form_of_a_kind_without_state
    technique_like_a_policy
    technique_mistakes_inside
    unknown_keys_of_a_resource_are_all_reported
    waiver_mistakes
    ");
}

#[test]
fn every_code_has_its_section_and_every_section_its_code() {
    let page = page::read("messages.md");
    let told: BTreeSet<String> = sections(&page).into_iter().map(|(code, _)| code.to_owned()).collect();
    assert_eq!(told.len(), sections(&page).len(), "a code has two sections");
    let missing: Vec<_> = codes().difference(&told).cloned().collect();
    assert!(
        missing.is_empty(),
        "docs/messages.md has no section for {missing:?}: add `### CODE`, what it means, `<!-- example: NAME -->` with a \
         directory of policies/tests/mistakes or tests/docs/mistakes, an empty ```text block and `*What to do:*`; then UPDATE_DOCS=1 cargo test \
         -p comply --test docs"
    );
    let sources = sources();
    let known = |code: &str| sources.iter().any(|text| text.contains(&format!("\"{code}\"")));
    let gone: Vec<_> = told.iter().filter(|code| !known(code)).collect();
    assert!(gone.is_empty(), "docs/messages.md has sections for codes that are gone: {gone:?}");
}

#[test]
fn every_example_is_what_comply_prints() {
    let page = page::read("messages.md");
    let mut wanted = page.clone();
    for (code, text) in sections(&page) {
        let name = text.split("<!-- example: ").nth(1).and_then(|rest| rest.split(" -->").next());
        let name =
            name.unwrap_or_else(|| panic!("{code} has no example: `<!-- example: NAME -->` and a ```text block"));
        let printed = printed(code, name).unwrap_or_else(|error| panic!("docs/messages.md, {code}: {error}"));
        assert!(text.contains("*What to do:*"), "docs/messages.md, {code}: say what to do");
        let (before, rest) = text.split_once("```text\n").unwrap_or_else(|| panic!("{code} has no ```text block"));
        let (_, after) = rest.split_once("```").unwrap();
        wanted = wanted.replace(text, &format!("{before}```text\n{printed}\n```{after}"));
    }
    page::keep("messages.md", &wanted).unwrap();
}

#[test]
fn every_mistake_of_our_own_is_an_example() {
    let page = page::read("messages.md");
    for entry in fs::read_dir(root().join("tests/docs/mistakes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("<!-- example: {name} -->")), "tests/docs/mistakes/{name} is not used");
    }
}
