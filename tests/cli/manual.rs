//! Completions and the manual page come from the definitions of the command line.

use crate::sandbox::Sandbox;
use std::collections::BTreeSet;

fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.starts_with("--") && word.len() > 3).map(str::to_owned).collect()
}

#[test]
fn every_option_of_every_command_is_in_the_manual_page_and_in_completions() {
    let sandbox = Sandbox::new(&[]);
    let page = sandbox.comply(&["man"]);
    assert_eq!(page.code, 0);
    let page = page.out.replace("\\-", "-");
    let completions = sandbox.comply(&["completions", "bash"]).out;
    for command in ["check", "audit", "enforce", "graph", "explain"] {
        let help = sandbox.comply(&[command, "--help"]).out;
        let options = options(&help);
        assert!(options.contains("--directory"), "{help}");
        for option in options {
            assert!(page.contains(&option), "{option} of {command} is not in the manual page");
            assert!(completions.contains(&option), "{option} of {command} is not completed");
        }
    }
    assert!(page.contains("EXIT STATUS"));
}

#[test]
fn there_are_completions_for_every_usual_shell() {
    let sandbox = Sandbox::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = sandbox.comply(&["completions", shell]);
        assert_eq!(ended.code, 0);
        assert!(ended.out.contains("enforce"), "{shell}");
    }
}
