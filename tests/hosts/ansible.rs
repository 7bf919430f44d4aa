//! What Ansible makes of a host, `comply` calls compliant, and the other way round. `ansible/policy.yml` and
//! `ansible/playbook.yml` describe one state, in every kind of resource that both have.

use crate::comply::Repo;
use fleet::{Host, Image};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::{Command, Stdio};

const POLICY: &str = include_str!("ansible/policy.yml");
const PLAYBOOK: &str = include_str!("ansible/playbook.yml");
const BARE: &str = include_str!("ansible/bare.sh");
const BANNER: &str = include_str!("ansible/templates/banner");
const ODD: &[u8] = include_bytes!("ansible/files/odd.bin");

/// What policy and playbook remove for good.
const DESTROYED: [&str; 2] = ["user/antoine", "package/ed"];

#[test]
fn ansible_changes_nothing_after_enforce() {
    let hosts = hosts();
    let repo = repository(&hosts);
    let before = repo.audit();
    assert!([2, 5].contains(&before.code), "the hosts are bare{}", before.shown());
    let allowed: Vec<_> = DESTROYED.iter().map(|id| format!("--allow-destroy={id}")).collect();
    let command: Vec<_> = ["enforce", "--yes"].into_iter().chain(allowed.iter().map(String::as_str)).collect();
    repo.run(&command).assert_code(0);
    repo.run(&command).assert_code(0).assert_all("kept");

    let said = play(&repo, &hosts, &["--check", "--diff"]);
    for host in &hosts {
        let recap = recap(&said, host);
        assert_eq!((number(recap, "changed"), number(recap, "failed")), (0, 0), "{said}");
        assert!(number(recap, "ok") > 20, "{said}");
    }
}

#[test]
fn audit_finds_no_drift_after_ansible() {
    let hosts = hosts();
    let repo = repository(&hosts);
    let said = play(&repo, &hosts, &[]);
    for host in &hosts {
        let recap = recap(&said, host);
        assert!(number(recap, "changed") > 20 && number(recap, "failed") == 0, "{said}");
    }
    repo.audit().assert_code(0).assert_all("compliant");
}

/// A kind that is added has to be added here too, or to the list of those that Ansible does not have.
#[test]
fn every_kind_is_compared_with_ansible() {
    // Ansible has `deb822_repository`, but only for hosts with python3-debian, and Compose in a collection of its own.
    const NOT_IN_ANSIBLE: [&str; 5] = ["unmanaged", "apt_repositories", "fail2ban", "sshd", "compose"];
    let sections: BTreeSet<_> = POLICY.lines().filter_map(|line| line.strip_suffix(':')).collect();
    let missing: Vec<_> = modules::MODULES
        .iter()
        .map(|module| module.section())
        .filter(|section| !sections.contains(section) && !NOT_IN_ANSIBLE.contains(section))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

fn hosts() -> Vec<Host> {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Trixie]);
    for host in &hosts {
        host.sh_ok(BARE);
    }
    hosts
}

/// The policy and, in the same directory, the playbook, which read the same files.
fn repository(hosts: &[Host]) -> Repo {
    let mut inventory = String::new();
    for host in hosts {
        writeln!(
            inventory,
            "{} ansible_host={} ansible_user=root ansible_python_interpreter=/usr/bin/python3 \
             ansible_ssh_private_key_file={} ansible_ssh_common_args='-F none -o UserKnownHostsFile={} \
             -o GlobalKnownHostsFile=none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes'",
            host.name(),
            host.address(),
            host.fleet().key().display(),
            host.known_hosts_file().display(),
        )
        .expect("memory");
    }
    hosts
        .iter()
        .fold(Repo::new(), |repo, host| repo.host(host))
        .file("comply.yml", "name: agreement\nvars: {team: [alice, deploy]}\n")
        .file("policies/agreement.yml", POLICY)
        .file("templates/banner", BANNER)
        .file("files/odd.bin", ODD)
        .file("playbook.yml", PLAYBOOK)
        .file("hosts.ini", inventory)
}

/// Runs the playbook, which has to end well, and returns what it said.
fn play(repo: &Repo, hosts: &[Host], options: &[&str]) -> String {
    let program = std::env::var_os("COMPLY_ANSIBLE")
        .expect("COMPLY_ANSIBLE names ansible-playbook; tests/run sets it to what tests/fleet/ansible prints");
    // Sockets have short paths, and a temporary directory may not.
    let sockets = tempfile::Builder::new().prefix("ansible").tempdir_in("/tmp").expect("a temporary directory");
    let output = Command::new(&program)
        .args(["-i", "hosts.ini", "playbook.yml"])
        .args(options)
        .current_dir(repo.path())
        .env("HOME", repo.path())
        .env("ANSIBLE_HOME", repo.path().join("ansible"))
        .env("ANSIBLE_SSH_CONTROL_PATH_DIR", sockets.path())
        .env("ANSIBLE_PIPELINING", "true")
        .env("ANSIBLE_NOCOLOR", "true")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = format!("{out}\n{err}");
    assert!(output.status.success(), "{said}");
    assert!(hosts.iter().all(|host| number(recap(&said, host), "unreachable") == 0), "{said}");
    said
}

/// The line of the recap about a host.
fn recap<'a>(said: &'a str, host: &Host) -> &'a str {
    let (_, recap) = said.split_once("PLAY RECAP").unwrap_or_else(|| panic!("no recap:\n{said}"));
    let line = recap.lines().find(|line| line.split_whitespace().next() == Some(host.name()));
    line.unwrap_or_else(|| panic!("nothing about {}:\n{said}", host.name()))
}

/// `number("… changed=3 …", "changed")` is 3.
fn number(recap: &str, key: &str) -> u32 {
    let values = recap.split_whitespace().filter_map(|word| word.split_once('='));
    let value = values.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse().ok());
    value.unwrap_or_else(|| panic!("no {key} in {recap}"))
}
