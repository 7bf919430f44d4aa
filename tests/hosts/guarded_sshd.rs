//! A change of sshd that would lock everybody out is undone by the host, with nobody's help.

use crate::comply::{Repo, Run, program};
use crate::life::{DEBIANS, told};
use fleet::{Host, Image};
use std::process::Stdio;
use std::time::{Duration, Instant};

const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-comply.conf";

/// A change after which nobody comes in any more, though `sshd -t` takes it.
#[derive(Clone, Copy)]
struct Change {
    id: &'static str,
    policy: &'static str,
    images: &'static [Image],
}

const NOT_OURS: &str = "sshd: {ListenAddress: 192.0.2.99}";

/// One for each way in which sshd comes to let nobody in.
const CHANGES: [Change; 8] = [
    Change { id: "sshd/Port", policy: "sshd: {Port: 2222}", images: &DEBIANS },
    Change { id: "sshd/AllowUsers", policy: "sshd: {AllowUsers: [nobody]}", images: &DEBIANS },
    Change { id: "sshd/PubkeyAuthentication", policy: "sshd: {PubkeyAuthentication: no}", images: &DEBIANS },
    // Right in every letter, but no address of this host: sshd ends when it is reloaded.
    Change { id: "sshd/ListenAddress", policy: NOT_OURS, images: &DEBIANS },
    // One of this host's, but nobody else comes in by it.
    Change { id: "sshd/ListenAddress", policy: "sshd: {ListenAddress: 127.0.0.1}", images: &[Image::Bookworm] },
    // Mistakes that sshd comes upon only when somebody logs in: there is no %z.
    Change {
        id: "sshd/AuthorizedKeysFile",
        policy: "sshd: {AuthorizedKeysFile: \"%z/.ssh/authorized_keys\"}",
        images: &DEBIANS,
    },
    Change {
        id: "file//etc/ssh/sshd_config.d/20-team.conf",
        policy: "files: {/etc/ssh/sshd_config.d/20-team.conf: {content: \"Match User root\\n\\tChrootDirectory %z\\n\"}}",
        images: &[Image::Bookworm],
    },
    // Without that file sshd takes no key at all.
    Change { id: "sshd/RevokedKeys", policy: "sshd: {RevokedKeys: /etc/ssh/none}", images: &[Image::Trixie] },
];

/// Lives through every change, each on a host of its own, those of one Debian at once.
fn with_each_change(live: impl Fn(Change, Host) + Sync) {
    for image in DEBIANS {
        std::thread::scope(|scope| {
            for change in CHANGES.into_iter().filter(|change| change.images.contains(&image)) {
                let live = &live;
                scope.spawn(move || live(change, Host::start(image)));
            }
        });
    }
}

/// The file that changes for a resource.
fn file(id: &str) -> &str {
    id.strip_prefix("file/").unwrap_or(DROP_IN)
}

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
    assert_as_before(host, run, file(id));
}

#[track_caller]
fn assert_as_before(host: &Host, run: &Run, file: &str) {
    let left = host.sh(&format!(
        "set -x; test ! -e {file} && systemctl is-active ssh && test ! -e /var/backups/comply/switch/armed && \
         ! ls -d /etc/ssh/sshd_config.d/.comply* && ss -Hltn 'sport = :22' | grep -q ."
    ));
    assert!(left.success(), "{left:?}{}", run.shown());
    let login = host.ssh("echo in");
    assert_eq!(login.stdout, "in\n", "{login:?}");
}

#[test]
fn what_locks_out_is_undone_and_said_why() {
    with_each_change(|Change { id, policy, .. }, host| {
        let run = repository(&host, "", policy).enforce();
        assert_undone(&host, &run, id);
        let next = repository(&host, "", policy).audit();
        assert_eq!(next.code, 2, "the next connection works{}", next.shown());
    });
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
    with_each_change(|change, host| killed_and_undone(&host, change));
}

#[test]
fn without_systemd_it_is_undone_as_well() {
    let host = Host::start(Image::Trixie);
    host.sh_ok("printf '#!/bin/sh\nexit 1\n' >/usr/local/sbin/systemd-run; chmod +x /usr/local/sbin/systemd-run");
    killed_and_undone(&host, CHANGES[1]);
}

fn killed_and_undone(host: &Host, Change { id, policy, .. }: Change) {
    let file = file(id);
    killed_after_applying(&repository(host, "revert_after: 30s", policy), host, file);
    let limit = Instant::now() + Duration::from_secs(90);
    // An sshd that ended is seen at once, and comply may have begun to undo it.
    if policy != NOT_OURS {
        host.sh_ok(&format!("test -e {file} && test -e /var/backups/comply/switch/armed"));
        let login = host.ssh("true");
        assert!(!login.success(), "{policy}: it is locked out now, or this shows nothing");
    }
    let undone = format!(
        "cd /var/backups/comply/switch 2>/dev/null || cd /
        test ! -e {file} -a ! -e armed -a ! -e undoing && systemctl is-active ssh"
    );
    while !host.sh(&undone).success() {
        assert!(Instant::now() < limit, "{policy} on {:?}: not undone within 90 s", host.image());
        std::thread::sleep(Duration::from_millis(200));
    }
    let login = host.ssh("echo in");
    assert_eq!(login.stdout, "in\n", "{policy}: {login:?}");
    assert!(Instant::now() < limit, "{policy} on {:?}: nobody came in within 90 s", host.image());
}

/// Starts `comply` and kills it once sshd runs with what it wrote.
fn killed_after_applying(repo: &Repo, host: &Host, file: &str) {
    // The switch is armed first, the file comes next, sshd is reloaded last. On a busy host the journal may not know of
    // which unit a line is.
    let reloaded = "! systemctl is-active -q ssh || journalctl -q -o cat | grep -q '^Received SIGHUP; restarting'";
    killed_when(repo, host, &format!("test -e {file} && {{ {reloaded}; }}"));
    std::thread::sleep(Duration::from_millis(500));
}

/// Starts `comply` and kills it as soon as this holds on the host, and the switch is armed.
pub fn killed_when(repo: &Repo, host: &Host, applied: &str) {
    let mut command = repo.command(&["enforce", "--yes"]);
    assert!(program().is_file());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("comply");
    let done = host.sh(&format!(
        "end=$(($(date +%s) + 60))
        until test -e /var/backups/comply/switch/armed && {applied}; do
            test $(date +%s) -lt $end || exit 1; sleep 0.05
        done"
    ));
    child.kill().expect("a process to kill");
    let ended = child.wait().expect("its end");
    assert!(done.success() && ended.code().is_none(), "it was never applied, or comply was faster: {ended:?} {done:?}");
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
        assert_as_before(host, &run, DROP_IN);
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
    let id = "file//etc/ssh/sshd_config.d/20-team.conf";
    let host = Host::start(Image::Trixie);
    // The second one sshd does not even read; it goes on with what it read before, until somebody restarts it.
    for (content, why) in [("DenyUsers root", "nobody comes in any more"), ("Nonsense yes", "sshd was not reloaded")] {
        let policy = format!("files: {{/etc/ssh/sshd_config.d/20-team.conf: {{content: \"{content}\\n\"}}}}");
        let run = repository(&host, "", &policy).enforce();
        assert_undone(&host, &run, id);
        let told = told(run.resource(id)).join("");
        assert!(told.contains(why), "{told}");
        host.sh_ok("sshd -t");
        assert_eq!(self::told(repository(&host, "", &policy).audit().resource(id)), ["state: absent → present"]);
    }
}
