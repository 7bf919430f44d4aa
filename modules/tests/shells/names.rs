use super::{Place, SHELLS, access};
use engine::paths::{FILE, READ, STAT, TARGET, path_problem};
use engine::writes::{LINK, MKDIR, REMOVE, REMOVE_TREE};
use proptest::prelude::*;
use std::fs;

fn nasty_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "plain",
        " leading",
        "trailing ",
        "two  spaces",
        "'",
        "\"",
        "it's \"quoted\"",
        "$(touch pwned)",
        "`touch pwned`",
        "$HOME",
        "-rf",
        "--",
        "\\",
        "back\\slash",
        "a\\nb",
        "*",
        "?[x]",
        "~",
        "#",
        ";",
        "&",
        "|",
        "!",
        "{}",
        "{{ x }}",
        "é…",
        "=",
        "%n",
        "100%",
        "MARK#;",
        "81a4 0 0 0 0 0 x",
        ".",
        "-",
        "!x",
        ": No such file or directory",
    ]
    .map(str::to_owned)
    .to_vec();
    names.retain(|name| name != ".");
    names.push("x".repeat(255));
    names
}

fn round_trip(place: &Place, name: &str) {
    let path = place.text(&format!("root/{name}"));
    assert_eq!(path_problem(&path), None, "{name:?}");
    assert_eq!(place.ask_one(&STAT, &path), Ok(None), "{name:?}");
    assert_eq!(place.ask_one(&FILE, &path), Ok(None), "{name:?}");
    place.write(&path, &access(0o600, "root", "root"), name).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), name);
    assert_eq!(place.ask_one(&READ, &path).unwrap(), name.as_bytes());
    let file = place.ask_one(&FILE, &path).unwrap().unwrap();
    assert_eq!(file.stat.mode, 0o600);
    assert!(file.sha256.unwrap().is_ok(), "{name:?}");
    place.apply(&REMOVE, &[&path], b"").unwrap();
    place.apply(&LINK, &[&path, name], b"").unwrap();
    assert_eq!(place.ask_one(&TARGET, &path).unwrap().as_deref(), Some(name));
    place.apply(&REMOVE, &[&path], b"").unwrap();
    place.apply(&MKDIR, &[&path, "0700", "root", "root"], b"").unwrap();
    place.apply(&REMOVE_TREE, &[&path], b"").unwrap();
    assert_eq!(fs::read_dir(place.path("root")).unwrap().count(), 0, "{name:?} left something behind");
}

#[test]
fn nasty_names_are_names_and_nothing_else() {
    super::everywhere(|place| {
        for name in nasty_names() {
            round_trip(place, &name);
        }
        let names = nasty_names();
        for name in &names {
            fs::write(place.path("root").join(name), name).unwrap();
        }
        let paths: Vec<_> = names.iter().map(|name| place.text(&format!("root/{name}"))).collect();
        let absent: Vec<_> = names.iter().map(|name| place.text(&format!("home/{name}"))).collect();
        let mixed: Vec<_> = paths.iter().zip(&absent).flat_map(|(one, other)| [one.clone(), other.clone()]).collect();
        let probes: Vec<&[String]> = mixed.iter().map(std::slice::from_ref).collect();
        for (file, path) in place.ask(&FILE, &probes).into_iter().zip(&mixed) {
            assert_eq!(file.unwrap().is_some(), paths.contains(path), "{path}");
        }
    });
}

#[test]
fn a_path_of_four_kibibytes_is_a_path() {
    super::everywhere(|place| {
        let mut path = place.text("root");
        let copies = "deep".repeat(60);
        while path.len() + copies.len() + 120 < 4095 - place.text("saved").len() {
            path = format!("{path}/{copies}");
        }
        place.apply(&MKDIR, &[&path, "0755", "", ""], b"").unwrap();
        let file = format!("{path}/file");
        place.write(&file, &access(0o644, "", ""), "x").unwrap();
        assert_eq!(place.ask_one(&READ, &file).unwrap(), b"x");
        let top = place.text(&format!("root/{copies}"));
        place.apply(&REMOVE_TREE, &[&top], b"").unwrap();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_name_survives_every_shell(name in "[^/\\p{Cc}]{1,60}") {
        prop_assume!(name != "." && name != "..");
        for shell in SHELLS {
            round_trip(&Place::new(shell), &name);
        }
    }
}
