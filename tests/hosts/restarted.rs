//! A host that is restarted while a change is on trial: what nobody has confirmed is undone before anybody can come in,
//! what was confirmed stays.

use crate::comply::Repo;
use crate::guarded::{self, ONE_KEY, OTHER_KEY};
use crate::guarded_sshd::killed_when;
use crate::life::told;
use fleet::{Host, Image};
use std::time::{Duration, Instant};

/// Long enough that only a restart undoes it.
const OPS: &str = "user: ops, revert_after: 10m";

/// What a change on trial has touched, and what of the trial itself is on the host.
const STATE: &str = "set -- /home/ops/.ssh /home/ops/.ssh/* /etc/sudoers.d /etc/sudoers.d/* /etc/ssh/sshd_config.d/*
    stat -c '%A %U %G %n' \"$@\"; cat \"$@\" 2>/dev/null | sha256sum
    ls -A /home/ops/.ssh /etc/sudoers.d /etc/ssh/sshd_config.d
    ls /var/backups/comply/switch/armed /etc/systemd/system/comply* /etc/systemd/system/*/comply* 2>/dev/null || :";

/// A change that would lock `ops` out.
struct Change {
    image: Image,
    restart: fn(&mut Host),
    /// What is done on the host before.
    prepare: &'static str,
    policy: String,
    /// When it is in place.
    applied: &'static str,
}

fn changes(key: &str) -> [Change; 4] {
    let allow = "sshd: {AllowUsers: [nobody]}";
    [
        Change {
            image: Image::Bookworm,
            restart: Host::restart,
            prepare: ":",
            policy: allow.into(),
            applied: "test -e /etc/ssh/sshd_config.d/00-comply.conf",
        },
        Change {
            image: Image::Trixie,
            restart: Host::cut_power,
            prepare: "echo 'MaxAuthTries 3' >/etc/ssh/sshd_config.d/00-comply.conf; reload_sshd",
            policy: allow.into(),
            applied: "grep -q AllowUsers /etc/ssh/sshd_config.d/00-comply.conf",
        },
        // Kept and put back with the rights of the account.
        Change {
            image: Image::Trixie,
            restart: Host::restart,
            prepare: ONE_KEY,
            policy: format!("ssh_keys: {{ops: {{keys: [\"{key}\", \"{OTHER_KEY}\"]}}}}"),
            applied: "grep -q somebody@else /home/ops/.ssh/authorized_keys",
        },
        // The last rule counts, and this one asks for a password.
        Change {
            image: Image::Bookworm,
            restart: Host::cut_power,
            prepare: ":",
            policy: "sudoers: {zz-team: {users: [ops], commands: ALL}}".into(),
            applied: "test -e /etc/sudoers.d/zz-team",
        },
    ]
}

#[test]
fn what_nobody_has_confirmed_is_undone_when_the_host_starts_again() {
    let key = fleet::Fleet::get().public_key();
    std::thread::scope(|scope| {
        for Change { image, restart, prepare, policy, applied } in changes(&key) {
            scope.spawn(move || {
                let mut host = guarded::host(image);
                host.sh_ok(prepare);
                let before = host.sh_ok(STATE);
                killed_when(&Repo::new().host_with(&host, OPS).policy(&policy), &host, applied);
                restart(&mut host);
                assert_eq!(host.sh_ok(STATE), before, "{policy} on {image:?}");
                // As the same account, with the same rights.
                let next = Repo::new().host_with(&host, OPS).policy(&policy).audit();
                assert_eq!(next.code, 2, "{policy} on {image:?}: the next one comes in{}", next.shown());
                // And the next change is tried as ever.
                let fine = Repo::new().host_with(&host, OPS).policy("sshd: {MaxSessions: 7}");
                fine.enforce().assert_code(0).assert_all("changed");
            });
        }
    });
}

#[test]
fn what_was_confirmed_stays_when_the_host_starts_again() {
    for image in [Image::Bookworm, Image::Trixie] {
        let mut host = Host::start(image);
        let policy = "sshd: {MaxAuthTries: 3}";
        Repo::new().host(&host).policy(policy).enforce().assert_code(0).assert_all("changed");
        let units = host.sh_ok("ls /etc/systemd/system/comply* /etc/systemd/system/*/comply* 2>/dev/null || :");
        assert_eq!(units, "");
        host.restart();
        Repo::new().host(&host).policy(policy).audit().assert_code(0);
        assert_eq!(host.sh_ok("sshd -T | grep maxauthtries"), "maxauthtries 3\n");
    }
}

#[test]
fn a_comply_that_waits_for_the_host_sees_that_it_has_put_itself_back() {
    let host = Host::start(Image::Trixie);
    // Longer than the host takes to start. The address stays, and so does /run.
    let repo = Repo::new().host_with(&host, "revert_after: 45s").policy("sshd: {AllowUsers: [nobody]}");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| repo.enforce());
        host.sh_ok(
            "until grep -qs AllowUsers /etc/ssh/sshd_config.d/00-comply.conf; do sleep 0.05; done
            test -e /var/backups/comply/switch/armed",
        );
        // It takes shells with it, this one and the next.
        host.sh("systemctl soft-reboot");
        let limit = Instant::now() + Duration::from_secs(30);
        while !host.sh("test -e /var/backups/comply/switch/undone -a -s /run/comply/switch").success() {
            assert!(Instant::now() < limit, "it is undone before its time is up");
            std::thread::sleep(Duration::from_millis(100));
        }
        run.join().expect("it ends")
    });
    run.assert_code(4);
    let told = told(run.resource("sshd/AllowUsers")).join("");
    assert!(told.starts_with("reverted: ") && told.contains("put back as it was, and lets comply in again"), "{told}");
    assert_eq!(host.ssh("echo in").stdout, "in\n");
    host.sh_ok("! ls -d /etc/ssh/sshd_config.d/00-comply.conf /etc/systemd/system/comply* /var/backups/comply/switch");
}
