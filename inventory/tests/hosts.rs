//! Hosts, groups and patterns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use inventory::{Become, Connection, Inventory};
use source::{Node, render, yaml};
use std::time::Duration;

fn inventory(texts: &[&str]) -> Inventory {
    let mut diagnostics = Vec::new();
    let documents: Vec<Node> =
        texts.iter().map(|text| yaml::parse("inventory.yml", text.as_bytes()).0.unwrap()).collect();
    let inventory = inventory::load(&documents, &mut diagnostics);
    assert_eq!(render(&diagnostics, false), "");
    inventory
}

fn fleet() -> Inventory {
    inventory(&[
        "defaults: {port: 2222, user: ops}\nhosts:\n  pica01: {address: 192.0.2.57, groups: [services]}\n  pica02: {groups: [services]}\n  \
         monitoring: {port: 22, become: doas, jump: bastion, timeout: 10s, revert_after: 5m, known_hosts: ci/known_hosts}\n  here: {connection: local}\n\
         groups:\n  services: {}\n  docker: {hosts: [\"pica*\", monitoring]}\n  prod: {groups: [services, docker]}\n  me: {hosts: [here]}\n",
    ])
}

fn chosen(limit: &[&str], except: &[&str]) -> Result<Vec<String>, String> {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    match fleet().select(&owned(limit), &owned(except)) {
        Ok(hosts) => Ok(hosts.iter().map(|host| host.name.clone()).collect()),
        Err(diagnostics) => Err(render(&diagnostics, false)),
    }
}

#[test]
fn settings_come_from_the_host_or_the_defaults() {
    let fleet = fleet();
    let monitoring = &fleet.host("monitoring").unwrap().settings;
    assert_eq!((monitoring.port, monitoring.user.as_deref()), (Some(22), Some("ops")));
    assert_eq!(monitoring.become_root, Some(Become::Doas));
    assert_eq!(monitoring.timeout, Some(Duration::from_secs(10)));
    assert_eq!(monitoring.revert_after, Some(Duration::from_secs(300)));
    assert_eq!(
        (monitoring.jump.as_deref(), monitoring.known_hosts.as_deref()),
        (Some("bastion"), Some("ci/known_hosts"))
    );
    let pica01 = &fleet.host("pica01").unwrap().settings;
    assert_eq!((pica01.port, pica01.address.as_deref()), (Some(2222), Some("192.0.2.57")));
    assert_eq!(pica01.connection, Connection::Ssh);
}

#[test]
fn a_host_is_in_the_groups_that_contain_its_groups() {
    let fleet = fleet();
    assert_eq!(fleet.host("pica01").unwrap().groups, ["docker", "prod", "services"]);
    assert_eq!(fleet.host("monitoring").unwrap().groups, ["docker", "prod"]);
    assert_eq!(fleet.host("here").unwrap().groups, ["me"]);
}

#[test]
fn patterns_are_names_globs_groups_and_all() {
    assert_eq!(chosen(&["pica0?"], &[]).unwrap(), ["pica01", "pica02"]);
    assert_eq!(chosen(&["services", "monitoring"], &["pica02"]).unwrap(), ["pica01", "monitoring"]);
    assert_eq!(chosen(&["prod"], &["docker"]).unwrap(), Vec::<String>::new());
    assert_eq!(chosen(&["all"], &[]).unwrap(), ["pica01", "pica02", "monitoring"]);
}

#[test]
fn this_machine_is_only_meant_by_its_name_or_its_group() {
    assert_eq!(chosen(&["*"], &[]).unwrap().len(), 3);
    assert_eq!(chosen(&["here"], &[]).unwrap(), ["here"]);
    assert_eq!(chosen(&["me"], &[]).unwrap(), ["here"]);
    assert_eq!(chosen(&[], &[]).unwrap().len(), 4);
}

#[test]
fn a_limit_that_matches_nothing_is_explained() {
    insta::assert_snapshot!(chosen(&["pica1", "pica01"], &["web*"]).unwrap_err(), @r"
    error[unknown-host]: there is no host or group `pica1`
    --> --limit pica1
     = help: did you mean `pica01`?

    error[unknown-host]: `web*` matches no host
    --> --except web*
    ");
}

#[test]
fn an_inventory_may_be_in_several_files() {
    let both = inventory(&["hosts: {one: {groups: [web]}}\n", "groups: {web: {vars: {port: 80}}}\nhosts: {two: {}}\n"]);
    assert_eq!(both.hosts().len(), 2);
    let port = &both.host("one").unwrap().vars["port"];
    assert_eq!((port.value.as_str(), port.group.as_deref()), (Some("80"), Some("web")));
}

#[test]
fn groups_that_agree_on_a_variable_do_not_clash() {
    let same = inventory(&["hosts: {one: {groups: [a, b]}}\ngroups: {a: {vars: {x: [1]}}, b: {vars: {x: [1]}}}\n"]);
    assert_eq!(same.host("one").unwrap().vars["x"].value.as_list().unwrap().len(), 1);
}
