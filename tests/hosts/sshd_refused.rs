//! A value that sshd refuses never gets in place: what was there stays as it was, byte for byte, and sshd goes on all the
//! while.

use crate::comply::Repo;
use crate::life::{DEBIANS, told};
use fleet::Host;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The files of sshd with all that tells when they were touched, its process, and the socket it listens on; a reload
/// opens a new one.
const STATE: &str = "cd /etc/ssh/sshd_config.d && ls -A && stat -c '%n %i %s %a %u %g %y %z' * && sha256sum *
    systemctl show -p MainPID,ExecMainStartTimestampMonotonic,StateChangeTimestampMonotonic,NRestarts ssh
    ss -Hltne 'sport = :22' | grep -o 'ino:[0-9]*'
    ls -d /etc/ssh/sshd_config.d/.comply* /var/backups/comply/switch /etc/systemd/system/comply* 2>/dev/null || :";

/// Logs in again and again as long as `run` takes, and counts how often; every time has to succeed.
fn while_logging_in<T>(host: &Host, run: impl FnOnce() -> T) -> T {
    let (over, logins) = (AtomicBool::new(false), AtomicUsize::new(0));
    let ran = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let login = host.ssh("echo in");
                assert_eq!(login.stdout, "in\n", "a login meanwhile: {login:?}");
                logins.fetch_add(1, Ordering::SeqCst);
            }
        });
        let ran = run();
        over.store(true, Ordering::SeqCst);
        watcher.join().expect("every login succeeds");
        ran
    });
    assert!(logins.into_inner() > 0, "nobody tried to come in");
    ran
}

/// A host on which comply has set a keyword before, and the team another one.
fn host(image: fleet::Image) -> Host {
    let host = Host::start(image);
    host.sh_ok("echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/50-team.conf; reload_sshd");
    Repo::new().host(&host).policy("sshd: {MaxAuthTries: 5}").enforce().assert_code(0).assert_all("changed");
    host
}

/// The policy is refused in exactly these words, and nothing is touched.
fn assert_refused(host: &Host, policy: &str, id: &str, found: &str, why: &str) {
    let repo = Repo::new().host(host).policy(policy);
    assert_eq!(told(repo.audit().resource(id)), [found]);
    let before = host.sh_ok(STATE);
    let run = while_logging_in(host, || repo.enforce());
    run.assert_code(4);
    assert_eq!(told(run.resource(id)), [why], "{}", run.shown());
    assert_eq!(host.sh_ok(STATE), before, "{}", run.shown());
    // Whatever else looks at these files sees nothing new either.
    Repo::new().host(host).policy("sshd: {MaxAuthTries: 5, PasswordAuthentication: no}").audit().assert_code(0);
}

#[test]
fn a_value_that_is_wrong_anywhere_is_refused_in_the_words_of_sshd() {
    std::thread::scope(|scope| {
        for image in DEBIANS {
            scope.spawn(move || {
                assert_refused(
                    &host(image),
                    "sshd: {PermitRootLogin: maybe, MaxAuthTries: 5}",
                    "sshd/PermitRootLogin",
                    "value: without-password (the default) → a value that this sshd takes (unsupported option \"maybe\")",
                    "failed: sshd refuses this value: unsupported option \"maybe\"",
                );
            });
        }
    });
}

#[test]
fn a_value_that_is_wrong_only_together_with_the_rest_is_refused_before_it_is_in_place() {
    std::thread::scope(|scope| {
        for image in DEBIANS {
            scope.spawn(move || {
                assert_refused(
                    &host(image),
                    "sshd: {AuthenticationMethods: \"publickey,password\", MaxAuthTries: 5}",
                    "sshd/AuthenticationMethods",
                    "value: any (the default) → publickey,password",
                    "failed: could not set AuthenticationMethods in /etc/ssh/sshd_config.d/00-comply.conf and reload sshd: \
                     sshd -t refuses the configuration with this in it, so nothing was changed: \
                     Disabled method \"password\" in AuthenticationMethods list \"publickey,password\"; \
                     AuthenticationMethods cannot be satisfied by enabled authentication methods",
                );
            });
        }
    });
}
