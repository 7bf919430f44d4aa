//! A template that never ends, or eats all memory, ends the command with its name.

use crate::sandbox::Sandbox;
use std::time::{Duration, Instant};

fn endless(template: &str) -> String {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {vars: {many: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}}\n"),
        ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {template: templates/motd}}\n"),
        ("templates/motd", template),
    ]);
    let started = Instant::now();
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
    ended.err
}

#[test]
fn loops_in_loops_over_data_are_given_up() {
    let inner = "{% for n in many %}".repeat(16) + &"{% endfor %}".repeat(16);
    insta::assert_snapshot!(endless(&inner), @r"
    error[endless-template]: rendering this takes longer than 5 s
    --> templates/motd
     = help: the loops in it go too many rounds; nothing after it was looked at
    ");
}

#[test]
fn a_text_that_doubles_in_each_round_is_given_up() {
    let text = "{% set_global x = 'comply' %}{% for a in many %}{% for b in many %}{% set_global x = x ~ x %}{% endfor %}{% endfor %}";
    // By the clock or by the memory, whichever is first on this machine.
    let said = endless(text);
    assert!(said.starts_with("error[endless-template]: rendering this takes "), "{said}");
}
