//! What is meant, and that nothing else is touched.

use crate::sandbox::Sandbox;

fn two_policies() -> Sandbox {
    let sandbox = Sandbox::local("x");
    let other = sandbox.path("other");
    sandbox.write(
        "policies/web.yml",
        &format!("hosts: [here]\ntags: [web]\nfiles:\n  {}: {{content: \"y\"}}\n", other.display()),
    );
    sandbox
}

#[test]
fn an_option_that_matches_nothing_ends_with_1_and_says_what_is_near() {
    let sandbox = two_policies();
    for (args, near) in [
        (["--limit", "her"], "here"),
        (["--except", "her"], "here"),
        (["--policy", "bsae"], "base"),
        (["--tag", "wbe"], "web"),
        (["--only", "user/*"], "`user/*` matches no resource"),
    ] {
        let ended = sandbox.comply(&["audit", args[0], args[1]]);
        assert_eq!(ended.code, 1, "{args:?}: {}", ended.out);
        assert!(ended.err.contains(near), "{args:?}: {}", ended.err);
    }
    let ended = sandbox.comply(&["audit", "--policy", "base", "--tag", "web"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("together"), "{}", ended.err);
}

#[test]
fn a_run_without_a_single_check_ends_with_1() {
    let sandbox = Sandbox::local("x");
    assert_eq!(sandbox.comply(&["audit", "--except", "here"]).code, 1);
    let skipped = Sandbox::new(&[
        ("inventory.yml", "hosts:\n  here: {connection: local, become: none, facts: {os: {id: none}}}\n"),
        ("policies/p.yml", "hosts: [here]\nwhen: os.id == \"plan9\"\nfiles: {/x: {content: y}}\n"),
    ]);
    let ended = skipped.comply(&["audit"]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.out.contains("nothing was checked"), "{}", ended.out);
}

#[test]
fn only_what_is_selected_is_reported_and_put_right() {
    let sandbox = two_policies();
    for selection in [["--policy", "web"], ["--tag", "web"], ["--only", "file/*/other"]] {
        let ended = sandbox.comply(&["audit", selection[0], selection[1]]);
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(ended.out.contains("0 of 1 check compliant"), "{}", ended.out);
        assert!(
            ended.out.contains(&format!("comply enforce {} {}", selection[0], reports_quote(selection[1]))),
            "{}",
            ended.out
        );
    }
    let ended = sandbox.comply(&["enforce", "--yes", "--tag", "web"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(sandbox.path("other").exists() && !sandbox.path("managed").exists());
}

fn reports_quote(word: &str) -> String {
    if word.contains('*') { format!("'{word}'") } else { word.to_owned() }
}

#[test]
fn a_unit_with_and_without_its_suffix_is_one_resource() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts:\n  here: {connection: local, become: none}\n"),
        ("policies/a.yml", "hosts: [here]\nservices: {cron: {running: true}}\n"),
        (
            "policies/b.yml",
            "hosts: [here]\nservices: {cron.service: {enabled: true}}\n\
             files: {/nowhere/x: {content: x, requires: [service/cron.service]}}\n",
        ),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("2 resources"), "{}", ended.out);
    let ended = sandbox.comply(&["explain", "here", "service/cron.service"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("running") && ended.out.contains("enabled"), "{}", ended.out);
    let ended = sandbox.comply(&["audit", "--only", "service/cron.service"]);
    assert!(ended.out.contains("of 1 check compliant"), "{}{}", ended.out, ended.err);
}
