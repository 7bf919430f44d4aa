//! A change of sshd that would lock everybody out is undone by the host, with nobody's help.

use crate::comply::{Repo, Run, program};
use crate::life::told;
use fleet::{Host, Image};
use std::process::Stdio;
use std::time::{Duration, Instant};

const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-comply.conf";

/// Every change after which nobody comes in any more, though `sshd -t` takes it.
const CHANGES: [(&str, &str); 4] = [
    ("sshd/Port", "sshd: {Port: 2222}"),
    ("sshd/AllowUsers", "sshd: {AllowUsers: [nobody]}"),
    ("sshd/PubkeyAuthentication", "sshd: {PubkeyAuthentication: no}"),
    // Right in every letter, but no address of this host: sshd ends when it is reloaded.
    ("sshd/ListenAddress", "sshd: {ListenAddress: 192.0.2.99}"),
];

fn repository(host: &Host, settings: &str, policy: &str) -> Repo {
    Repo::new().host_with(host, settings).policy(policy)
}

/// The change was undone, and what was there before is there again.
#[track_caller]
fn assert_undone(host: &Host, run: &Run, id: &str) {
    run.assert_code(4);
    let resource = run.resource(id);
    let why = resource.reason.clone().unwrap_or_default();
    assert_eq!(resource.verdict.to_string(), "reverted", "{}", run.shown());
    assert!(why.contains("the host was put back as it was, and lets comply in again"), "{why}{}", run.shown());
    assert_as_before(host, run);
}

#[track_caller]
fn assert_as_before(host: &Host, run: &Run) {
    let left = host.sh(&format!(
        "set -x; test ! -e {DROP_IN} && systemctl is-active ssh && test ! -e /run/comply/switch/armed && \
         ! ls -d /etc/ssh/sshd_config.d/.comply* && ss -Hltn 'sport = :22' | grep -q ."
    ));
    assert!(left.success(), "{left:?}{}", run.shown());
    let login = host.ssh("echo in");
    assert_eq!(login.stdout, "in\n", "{login:?}");
}

#[test]
fn what_locks_out_is_undone_and_said_why() {
    for image in [Image::Bookworm, Image::Trixie] {
        std::thread::scope(|scope| {
            for (id, policy) in CHANGES {
                scope.spawn(move || {
                    let host = Host::start(image);
                    let run = repository(&host, "", policy).enforce();
                    assert_undone(&host, &run, id);
                    let next = repository(&host, "", policy).audit();
                    assert_eq!(next.code, 2, "the next connection works{}", next.shown());
                });
            }
        });
    }
}

#[test]
fn with_the_program_ssh_a_new_connection_is_a_new_one() {
    let host = Host::start(Image::Bookworm);
    let run = repository(&host, "connection: openssh", "sshd: {AllowUsers: [nobody]}").enforce();
    assert_undone(&host, &run, "sshd/AllowUsers");
}

#[test]
fn an_account_that_becomes_root_is_watched_like_root() {
    let host = Host::start(Image::Trixie);
    host.sh_ok(
        "useradd -m -s /bin/bash ops && cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh
        echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops",
    );
    let run = repository(&host, "user: ops", "sshd: {AllowUsers: [root]}").enforce();
    assert_undone(&host, &run, "sshd/AllowUsers");
    repository(&host, "user: ops", "sshd: {AllowUsers: [root, ops]}").enforce().assert_code(0).assert_all("changed");
}

#[test]
fn a_killed_comply_leaves_a_host_that_undoes_the_change_by_itself() {
    let all = |image| CHANGES.map(|(id, policy)| (image, id, policy, true));
    // As on a host without systemd, at last.
    let without = [(Image::Trixie, CHANGES[1].0, CHANGES[1].1, false)];
    let cases = [all(Image::Bookworm).as_slice(), &all(Image::Trixie), &without].concat();
    std::thread::scope(|scope| {
        for (image, id, policy, by_systemd) in cases {
            scope.spawn(move || {
                let host = Host::start(image);
                if !by_systemd {
                    host.sh_ok("printf '#!/bin/sh\nexit 1\n' >/usr/local/sbin/systemd-run; chmod +x /usr/local/sbin/systemd-run");
                }
                killed_and_undone(&host, id, policy);
            });
        }
    });
}

fn killed_and_undone(host: &Host, id: &str, policy: &str) {
    killed_after_applying(&repository(host, "revert_after: 15s", policy), host);
    let limit = Instant::now() + Duration::from_secs(90);
    // An sshd that ended is seen at once, and comply may have begun to undo it.
    if id != "sshd/ListenAddress" {
        host.sh_ok(&format!("test -e {DROP_IN} && test -e /run/comply/switch/armed"));
        let login = host.ssh("true");
        assert!(!login.success(), "{id}: it is locked out now, or this shows nothing");
    }
    let undone = format!(
        "cd /run/comply/switch 2>/dev/null || cd /
        test ! -e {DROP_IN} -a ! -e armed -a ! -e undoing && systemctl is-active ssh"
    );
    while !host.sh(&undone).success() {
        assert!(Instant::now() < limit, "{id} on {:?}: not undone within 90 s", host.image());
        std::thread::sleep(Duration::from_millis(200));
    }
    let login = host.ssh("echo in");
    assert_eq!(login.stdout, "in\n", "{id}: {login:?}");
}

/// Starts `comply` and kills it once sshd runs with what it wrote.
fn killed_after_applying(repo: &Repo, host: &Host) {
    let mut command = repo.command(&["enforce", "--yes"]);
    assert!(program().is_file());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("comply");
    // The switch is armed first, the file comes next, sshd is reloaded last.
    let reloaded = host.sh(&format!(
        "tries=0
        until test -e {DROP_IN} && test -e /run/comply/switch/armed && \
            {{ ! systemctl is-active -q ssh || journalctl -q -u ssh -o cat --since=-20s | grep -q SIGHUP; }}; do
            tries=$((tries + 1)); test $tries -lt 200 || exit 1; sleep 0.05
        done"
    ));
    child.kill().expect("a process to kill");
    let ended = child.wait().expect("its end");
    assert!(
        reloaded.success() && ended.code().is_none(),
        "it was never applied, or comply was faster: {ended:?} {reloaded:?}"
    );
    std::thread::sleep(Duration::from_millis(500));
}

#[test]
fn one_host_goes_first_and_the_others_are_spared_what_locked_it_out() {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Trixie, Image::Bookworm]);
    let repo = hosts
        .iter()
        .fold(Repo::new(), Repo::host)
        .policy("sshd: {AllowUsers: [nobody]}\nfiles: {/etc/beside: {content: x}}");
    let run = repo.run(&["enforce", "--yes", "--max-failures=9"]);
    run.assert_code(4);
    let verdict = |host: &Host, id: &str| run.resource_on(host.name(), id).verdict.to_string();
    let mut verdicts: Vec<_> = hosts.iter().map(|host| verdict(host, "sshd/AllowUsers")).collect();
    verdicts.sort();
    assert_eq!(verdicts, ["drift", "drift", "reverted"], "{}", run.shown());
    for host in &hosts {
        assert_eq!(verdict(host, "file//etc/beside"), "changed", "the rest goes on{}", run.shown());
        assert_as_before(host, &run);
        let spared = run.resource_on(host.name(), "sshd/AllowUsers");
        if spared.verdict == reports::Verdict::Drift {
            let held = spared.held.clone().unwrap_or_default();
            assert!(held.contains("went first and was put back"), "{held}");
        }
    }
}

#[test]
fn the_plan_says_what_is_guarded_and_what_that_means() {
    let host = Host::start(Image::Bookworm);
    let run = repository(&host, "", "sshd: {MaxAuthTries: 3}\nfiles: {/etc/beside: {content: x}}").enforce();
    run.assert_code(0).assert_all("changed");
    assert!(run.errors.contains("guarded, since it changes the SSH server: comply logs in anew"), "{}", run.shown());
    assert_eq!(run.errors.matches("(guarded)").count(), 1, "{}", run.shown());
}

#[test]
fn where_nobody_comes_in_by_ssh_nothing_is_guarded() {
    let host = Host::start(Image::Bookworm);
    let settings = format!("connection: docker, address: {}, become: none", host.name());
    let run = Repo::new().host_at(host.name(), &settings).policy("sshd: {AllowUsers: [nobody]}").enforce();
    run.assert_code(0).assert_all("changed");
    assert!(!run.errors.contains("guarded"), "{}", run.shown());
}

#[test]
fn a_file_of_sshd_that_a_policy_brings_is_guarded_too() {
    let host = Host::start(Image::Trixie);
    let policy = "files: {/etc/ssh/sshd_config.d/20-team.conf: {content: \"DenyUsers root\\n\"}}";
    let run = repository(&host, "", policy).enforce();
    assert_undone(&host, &run, "file//etc/ssh/sshd_config.d/20-team.conf");
    let told = told(repository(&host, "", policy).audit().resource("file//etc/ssh/sshd_config.d/20-team.conf"));
    assert_eq!(told, ["state: absent → present"]);
}
