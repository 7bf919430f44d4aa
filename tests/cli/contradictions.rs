//! What is right by itself and wrong together: every place is shown.

use crate::sandbox::Sandbox;

fn check(policies: &[(&str, &str)]) -> String {
    let mut files = vec![("inventory.yml", "hosts: {one: {}}\n")];
    files.extend(policies);
    let ended = Sandbox::new(&files).comply(&["check"]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    ended.err
}

#[test]
fn an_account_that_goes_is_held_against_everything_that_names_it() {
    insta::assert_snapshot!(check(&[
        ("policies/former.yml", "hosts: [all]\nusers: {antoine: absent}\n"),
        (
            "policies/access.yml",
            "hosts: [all]\ngroups: {ops: {members: [antoine]}}\nssh_keys: {antoine: {absent_keys: [SHA256:V3oQ]}}\n\
             files: {/srv/x: {content: x, owner: antoine}}\n",
        ),
    ]), @"");
}

#[test]
fn one_path_is_one_thing() {
    insta::assert_snapshot!(check(&[
        ("policies/a.yml", "hosts: [all]\nfiles: {/srv/x: {content: x}, /srv/y: absent, /srv/z: absent}\n"),
        ("policies/b.yml", "hosts: [all]\ndirectories: {/srv/x: {mode: 0755}}\nlinks: {/srv/y: {target: /srv/x}}\n"),
    ]), @"");
}

#[test]
fn who_is_put_into_a_group_is_one_of_its_members() {
    insta::assert_snapshot!(check(&[
        ("policies/a.yml", "hosts: [all]\ngroups: {ops: {members: [alice]}, dev: present, ppom: {members: []}}\n"),
        ("policies/b.yml", "hosts: [all]\nusers: {alice: {groups: [ops]}, ppom: {group: ppom, groups: [dev, ops]}}\n"),
    ]), @"");
}

#[test]
fn what_only_the_host_can_tell_contradicts_nothing_yet() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {}}\n"),
        (
            "policies/a.yml",
            "hosts: [all]\nusers: {ppom: {state: absent, when: os.version < 12}}\n\
             ssh_keys: {ppom: {absent_keys: [SHA256:V3oQ], when: os.version >= 12}}\n\
             files: {/srv/x: {content: x, when: os.version < 12}}\n\
             directories: {/srv/x: {mode: 0755, when: os.version >= 12}}\n",
        ),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}
