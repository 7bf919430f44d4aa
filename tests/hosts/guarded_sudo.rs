//! Rules of sudo that take away by what comply is root: refused where that can be read from them, else tried and undone.

use crate::comply::Repo;
use crate::guarded::{GROUND, host};
use crate::guarded_sshd::killed_when;
use crate::life::{DEBIANS, told};
use fleet::{Host, Image, Output};
use std::process::Command;
use std::time::{Duration, Instant};

const OPS: &str = "user: ops, revert_after: 15s";

/// Rules that name the account of the session, or all, and what sudo says then; it goes by the last one that fits.
const RULES: [(Image, &str, &str); 4] = [
    // A password, which nobody is there to type.
    (Image::Bookworm, "{users: [ops], commands: ALL}", "sudo: a password is required"),
    (Image::Trixie, "{users: [ALL], run_as: ALL, commands: [ALL]}", "sudo: a password is required"),
    (Image::Bookworm, "{content: \"ops ALL=(ALL) NOPASSWD: !ALL\\n\"}", "Sorry, user ops is not allowed to execute"),
    // A terminal, which there is none.
    (Image::Trixie, "{content: \"Defaults requiretty\\n\"}", "sudo: sorry, you must have a tty to run sudo"),
];

/// Comes in as `ops`, with nothing of comply's, and becomes root.
fn becomes_root(host: &Host) -> Output {
    let mut ssh = Command::new("ssh");
    let ended =
        ssh.arg("-F").arg(host.ssh_config()).args(["-l", "ops", host.name(), "sudo -n id -u"]).output().unwrap();
    Output {
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        status: ended.status.code().unwrap_or(-1),
    }
}

#[track_caller]
fn assert_becomes_root(host: &Host) {
    let login = becomes_root(host);
    assert_eq!(login.stdout, "0\n", "{login:?}");
}

#[test]
fn a_rule_that_ends_the_rights_of_the_session_is_undone() {
    std::thread::scope(|scope| {
        for (image, rule, why) in RULES {
            scope.spawn(move || {
                let host = host(image);
                let before = host.sh_ok(GROUND);
                let repo = Repo::new().host_with(&host, OPS).policy(&format!("sudoers: {{zz-team: {rule}}}"));
                let run = repo.enforce();
                run.assert_code(4);
                assert!(run.errors.contains("guarded, since it changes how comply becomes root"), "{}", run.shown());
                let told = told(run.resource("sudoers/zz-team")).join("");
                assert!(told.starts_with(&format!("reverted: nobody comes in any more: {why}")), "{rule}: {told}");
                assert!(told.contains("the host was put back as it was, and lets comply in again"), "{rule}: {told}");
                assert_eq!(host.sh_ok(GROUND), before, "{rule}{}", run.shown());
                assert_becomes_root(&host);
            });
        }
    });
}

#[test]
fn a_killed_comply_leaves_rights_that_come_back_by_themselves() {
    std::thread::scope(|scope| {
        for image in DEBIANS {
            scope.spawn(move || {
                let host = host(image);
                let repo =
                    Repo::new().host_with(&host, OPS).policy("sudoers: {zz-team: {users: [ops], commands: ALL}}");
                killed_when(&repo, &host, "test -e /etc/sudoers.d/zz-team");
                let limit = Instant::now() + Duration::from_secs(90);
                let login = becomes_root(&host);
                assert!(login.stderr.contains("password is required"), "it is taken away now: {login:?}");
                while !becomes_root(&host).success() {
                    assert!(Instant::now() < limit, "nobody becomes root within 90 s");
                    std::thread::sleep(Duration::from_secs(1));
                }
                host.sh_ok("test ! -e /etc/sudoers.d/zz-team");
            });
        }
    });
}

#[test]
fn a_rule_that_says_it_takes_the_rights_away_is_refused() {
    let host = host(Image::Trixie);
    let before = host.sh_ok(GROUND);
    for rule in ["absent", "{users: [ops], commands: ALL}", "{users: [alice], commands: ALL, nopasswd: true}"] {
        let run = Repo::new().host_with(&host, OPS).policy(&format!("sudoers: {{ops: {rule}}}")).enforce();
        run.assert_code(4);
        assert_eq!(
            told(run.resource("sudoers/ops")),
            ["failed: refused: this session is logged in as ops and is root by what /etc/sudoers.d/ops says of ops; \
              log in as somebody else to do this"],
            "{rule}"
        );
        assert_eq!(host.sh_ok(GROUND), before, "{rule}{}", run.shown());
        assert_becomes_root(&host);
    }
}

#[test]
fn a_rule_that_leaves_the_rights_of_the_session_stays() {
    for image in DEBIANS {
        let host = host(image);
        let policy = "sudoers: {zz-team: {users: [ops, ALL], run_as: ALL, commands: ALL, nopasswd: true}}";
        let repo = Repo::new().host_with(&host, OPS).policy(policy);
        repo.enforce().assert_code(0).assert_all("changed");
        repo.enforce().assert_code(0).assert_all("kept");
        assert_becomes_root(&host);
    }
}
