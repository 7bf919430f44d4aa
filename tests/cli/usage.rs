//! Wrong use ends with 1, which drift never does.

use crate::sandbox::Sandbox;

#[test]
fn wrong_usage_ends_with_1() {
    let sandbox = Sandbox::local("x");
    for args in [
        &[][..],
        &["frobnicate"],
        &["audit", "--frobnicate"],
        &["audit", "--forks", "0"],
        &["audit", "--forks", "many"],
        &["audit", "--timeout", "soon"],
        &["audit", "--format", "xml"],
        &["audit", "--format", "json="],
        &["audit", "--var", "novalue"],
        &["enforce", "--yes", "--max-failures", "0"],
        &["graph"],
        &["completions", "tcsh"],
    ] {
        let ended = sandbox.comply(args);
        assert_eq!(ended.code, 1, "{args:?}: {}", ended.err);
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{args:?}");
    }
}

#[test]
fn help_and_version_end_with_0_and_help_has_the_exit_codes() {
    let sandbox = Sandbox::new(&[]);
    let help = sandbox.comply(&["--help"]);
    assert_eq!(help.code, 0);
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130 "] {
        assert!(help.out.lines().any(|line| line.trim_start().starts_with(code)), "{code}: {}", help.out);
    }
    assert_eq!(sandbox.comply(&["--version"]).code, 0);
}

#[test]
fn enforce_without_a_terminal_refuses_and_says_what_to_do() {
    let sandbox = Sandbox::local("x");
    let ended = sandbox.comply(&["enforce"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("--yes"), "{}", ended.err);
    assert!(!sandbox.path("managed").exists());
}

#[test]
fn a_directory_without_a_repository_is_an_error_that_names_what_is_missing() {
    let sandbox = Sandbox::new(&[("empty/file", "")]);
    let ended = sandbox.comply(&["check", "-C", "empty"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("inventory.yml"), "{}", ended.err);
    assert_eq!(sandbox.comply(&["audit", "-C", "nowhere"]).code, 1);
}

#[test]
fn the_repository_is_found_from_a_directory_below_it() {
    let sandbox = Sandbox::local("x");
    sandbox.write("files/deep/x", "");
    let output = sandbox.std_command().arg("check").current_dir(sandbox.path("files/deep")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
