//! What depends on what a host is, before anybody asked it: it is there, it can be chosen, and nothing false is said of it.

use crate::sandbox::Sandbox;

/// Two policies on this machine under two names; all that one of them has depends on what it is.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&[
        (
            "inventory.yml",
            "hosts:\n  here: {connection: local, become: none}\n  there: {connection: local, become: none}\n",
        ),
        ("waivers.yml", "[]\n"),
        ("policies/sure.yml", "hosts: [there]\nfiles: {/etc/passwd: {owner: root}}\n"),
    ]);
    sandbox.write(
        "policies/open.yml",
        &format!(
            "hosts: [here]\ntags: [open]\nfiles:\n  {}: {{content: \"{{{{ hostname }}}}\\n\", mode: 0644}}\n",
            sandbox.path("open").display()
        ),
    );
    sandbox
}

#[test]
fn a_host_of_which_nothing_is_certain_yet_is_visited_and_reported() {
    let sandbox = sandbox();
    let id = format!("file/{}", sandbox.path("open").display());
    let only = format!("--only={id}");
    for (args, all) in [
        (&["audit"][..], "1 of 2 checks compliant"),
        (&["audit", "--limit", "here"], "0 of 1 check compliant"),
        (&["audit", "--policy", "open"], "0 of 1 check compliant"),
        (&["audit", "--tag", "open"], "0 of 1 check compliant"),
        (&["audit", &only], "0 of 1 check compliant"),
    ] {
        let ended = sandbox.comply(args);
        assert_eq!(ended.code, 2, "{args:?}: {}{}", ended.out, ended.err);
        assert!(ended.out.contains(all) && ended.out.contains(&id), "{args:?}: {}", ended.out);
    }
    assert_eq!(sandbox.comply(&["enforce", "--yes", &only]).code, 0);
    assert_eq!(sandbox.comply(&["audit"]).code, 0);
}

#[test]
fn a_host_of_which_not_even_the_names_are_known_is_visited_and_reported() {
    let sandbox = sandbox();
    let path = sandbox.path("open");
    for policy in [
        format!("files: {{named: {{name: \"{}-{{{{ hostname }}}}\", content: x}}}}", path.display()),
        format!("files: {{each: {{for_each: os, name: \"{}-{{{{ value }}}}\", content: x}}}}", path.display()),
    ] {
        sandbox.write("policies/open.yml", &format!("hosts: [here]\ntags: [open]\n{policy}\n"));
        let check = sandbox.comply(&["check"]);
        assert_eq!((check.code, check.out.contains("no policy speaks of")), (0, false), "{}{}", check.out, check.err);
        for args in [&["audit"][..], &["audit", "--tag", "open"], &["audit", "--only", "file/*/open-*"]] {
            let ended = sandbox.comply(args);
            assert_eq!(ended.code, 2, "{args:?}: {}{}", ended.out, ended.err);
            assert!(ended.out.contains("/open-"), "{args:?}: {}", ended.out);
        }
        let graph = sandbox.comply(&["graph", "here"]);
        assert!(graph.out.contains("more may come in: a name or a list depends on what the host is"), "{}", graph.out);
        let ended = sandbox.comply(&["audit", "--only", "file/nowhere"]);
        assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    }
}

#[test]
fn nothing_false_is_said_of_it_offline() {
    let sandbox = sandbox();
    let id = format!("file/{}", sandbox.path("open").display());
    sandbox.write(
        "waivers.yml",
        &format!("- {{resource: \"{id}\", hosts: [here], reason: old, owner: me, until: 2999-01-01}}\n"),
    );
    let check = sandbox.comply(&["check"]);
    assert_eq!((check.code, check.err.as_str()), (0, ""));
    assert!(check.out.contains("2 resources: no mistakes\non 1 host some of it depends"), "{}", check.out);
    let explained = sandbox.comply(&["explain", "here", &id]);
    assert_eq!(explained.code, 0, "{}", explained.err);
    for words in
        ["only the host can tell", "content  ?        policies/open.yml:4, only the host can tell", "waiver", "0644"]
    {
        assert!(explained.out.contains(words), "{words}: {}", explained.out);
    }
    let graph = sandbox.comply(&["graph", "here"]).out;
    assert!(graph.contains(&format!("what it is to be, only the host can tell: {id}")), "{graph}");
}

#[test]
fn what_the_inventory_says_that_a_host_is_is_not_believed_once_the_host_can_be_asked() {
    let sandbox = sandbox();
    let facts = "{os: {id: plan9, version: \"4\"}, hostname: elsewhere}";
    sandbox.write("inventory.yml", &format!("hosts:\n  here: {{connection: local, become: none, facts: {facts}}}\n  there: {{connection: local, become: none}}\n"));
    let open = sandbox.path("open").display().to_string();
    sandbox.write(
        "policies/open.yml",
        &format!("hosts: [here]\nfiles:\n  {open}: {{content: x, when: os.id != \"plan9\"}}\n  {open}-9: {{content: x, when: os.id == \"plan9\"}}\n"),
    );
    let graph = sandbox.comply(&["graph", "here"]).out;
    assert!(graph.contains("open-9\n1 resource skipped"), "{graph}");
    let ended = sandbox.comply(&["audit"]);
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("here    1 drift · 1 skipped"), "{}", ended.out);
    assert_eq!(sandbox.comply(&["enforce", "--yes"]).code, 0);
    assert!(sandbox.path("open").exists() && !sandbox.path("open-9").exists());
}

#[test]
fn what_is_certain_of_it_is_compared_offline() {
    let sandbox = sandbox();
    let again = format!("hosts: [here]\nfiles:\n  {}: {{mode: 0600}}\n", sandbox.path("open").display());
    sandbox.write("policies/other.yml", &again);
    let check = sandbox.comply(&["check"]);
    assert_eq!(check.code, 1, "{}", check.out);
    assert!(check.err.contains("error[conflict]: `mode` of file/"), "{}", check.err);
}
