//! Hosts that misbehave: a verdict with the reason, in time, and the host beside them is judged as ever.

use crate::comply::{Repo, Run};
use crate::neighbour::{assert_unaffected, beside, healthy};
use crate::watched;
use fleet::{Host, Image};
use reports::Status;
use std::time::Duration;

/// How long a host may take over one script in these tests.
const TIMEOUT: &str = "--timeout=8s";

/// A sick host gets this much for the connection, a script, and the script's repetition, on a busy machine.
const IN_TIME: Duration = Duration::from_secs(30);

/// Much less than a flood, much more than comply needs.
const MEMORY: u64 = 200 << 20;

/// Gives root a login shell that is this script instead.
fn with_shell(script: &str) -> Host {
    let host = Host::start(Image::Bookworm);
    set_shell(&host, script);
    host
}

fn set_shell(host: &Host, script: &str) {
    host.write("/usr/local/bin/sick", format!("#!/bin/sh\n{script}\n"));
    host.sh_ok("chmod 755 /usr/local/bin/sick && usermod -s /usr/local/bin/sick root");
}

/// Puts a program of this name before the real one; it may run that one as `real`.
fn with_program(name: &str, script: &str) -> Host {
    let host = Host::start(Image::Bookworm);
    let path = format!("/usr/local/sbin/{name}");
    host.write(&path, format!("#!/bin/sh\nreal() {{ PATH=/usr/bin:/bin {name} \"$@\"; }}\n{script}\n"));
    host.sh_ok(&format!("chmod 755 {path}"));
    host
}

/// Kills or stops the sshd that serves this script's connection, with the signal of that name.
fn to_own_sshd(signal: &str) -> String {
    format!(
        "pid=$$ top=
while [ \"$pid\" -gt 1 ]; do
	case $(cat /proc/$pid/comm) in sshd*) top=\"$pid $top\" ;; esac
	pid=$(awk '/^PPid/ {{ print $2 }}' /proc/$pid/status)
done
# The first one listens for others.
set -- $top
shift
kill -{signal} \"$@\""
    )
}

/// Audits a sick host beside a healthy one.
#[track_caller]
fn audit(sick: &Host, settings: &str) -> Run {
    let healthy = healthy();
    let repo = beside(&healthy).host_as("sick", sick, settings);
    let watched = watched::run(&repo, &["audit", TIMEOUT]);
    let run = watched.run;
    assert_unaffected(&run);
    assert!(run.took < IN_TIME, "it took {:?}{}", run.took, run.shown());
    assert!(watched.memory < MEMORY, "{} bytes of memory{}", watched.memory, run.shown());
    assert_no_controls(&run);
    run
}

/// What comes from a host moves no cursor and rings no bell.
#[track_caller]
fn assert_no_controls(run: &Run) {
    let bad = run.text.chars().chain(run.errors.chars()).find(|c| c.is_control() && *c != '\n');
    assert_eq!(bad, None, "{:?}", run.shown());
}

/// Nothing could be told of the sick host, and every check says why in these words.
#[track_caller]
fn assert_unknown(run: &Run, words: &str) {
    run.assert_code(3);
    for resource in &run.host("sick").resources {
        let reason = resource.reason.as_deref().unwrap_or_default();
        assert_eq!(resource.verdict.to_string(), "unknown", "{}{}", resource.id, run.shown());
        assert!(reason.contains(words), "{}: {reason}{}", resource.id, run.shown());
    }
}

/// The sick host was not reached, at this step and for this reason.
#[track_caller]
fn assert_unreachable(run: &Run, name: &str, at: &str, words: &[&str]) {
    assert!([3, 5].contains(&run.code), "{}", run.shown());
    let Status::Unreachable { step, why } = &run.host(name).status else { panic!("reached{}", run.shown()) };
    assert_eq!(step, at, "{name}: {why}");
    for word in words {
        assert!(why.contains(word), "{name}: no `{word}` in: {why}");
    }
    assert!(run.host(name).resources.iter().all(|resource| resource.verdict.to_string() == "unknown"));
}

#[test]
fn a_login_shell_that_prints_garbage_is_quoted_and_harms_no_terminal() {
    let sick = with_shell("head -c 100000 /dev/urandom; printf '\\033[2J\\007\\r'");
    assert_unknown(&audit(&sick, ""), "the login shell printed");
}

#[test]
fn garbage_in_place_of_sudo_is_no_answer_either() {
    let sick = with_shell("head -c 100000 /dev/urandom");
    sick.sh_ok(OPS);
    sick.sh_ok("usermod -s /usr/local/bin/sick ops");
    let run = audit(&sick, "user: ops, become: sudo");
    assert_unreachable(&run, "sick", "become", &["sudo"]);
}

#[test]
fn banners_of_shell_profile_and_server_are_overlooked() {
    let sick = Host::start(Image::Trixie);
    sick.write("/etc/comply-sound", "sound\n");
    sick.sh_ok(
        r#"usermod -s /bin/bash root
        printf 'echo "Welcome to the machine"; echo oops >&2; stty sane\n' | tee /root/.bashrc /etc/profile.d/zz.sh /root/.ssh/rc
        printf 'Keep out\n\033[2J' >/etc/issue.net
        printf '#!/bin/sh\necho "You are being watched"\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n' >/usr/local/bin/watch
        chmod 755 /usr/local/bin/watch
        printf 'Banner /etc/issue.net\nForceCommand /usr/local/bin/watch\nPermitUserEnvironment yes\n' >/etc/ssh/sshd_config.d/00-sick.conf
        reload_sshd"#,
    );
    for settings in ["", "connection: openssh"] {
        audit(&sick, settings).assert_code(0).assert_all("compliant");
    }
}

#[test]
fn a_login_shell_that_hangs_is_left_in_time() {
    assert_unknown(&audit(&with_shell("exec sleep 1000"), ""), "no answer in time");
}

#[test]
fn a_login_shell_that_is_not_there_or_lets_nobody_in_is_named() {
    let sick = Host::start(Image::Bookworm);
    sick.sh_ok("usermod -s /usr/sbin/nologin root");
    let run = audit(&sick, "");
    assert_unknown(&run, "This account is currently not available");
}

#[test]
fn a_host_that_is_frozen_is_left_in_time() {
    let sick = Host::start(Image::Bookworm);
    sick.pause();
    assert_unreachable(&audit(&sick, ""), "sick", "connect", &["no answer in time"]);
    assert_unreachable(&audit(&sick, "connection: openssh"), "sick", "connect", &["timed out"]);
    sick.unpause();
}

#[test]
fn a_server_that_stops_in_the_middle_is_left_in_time() {
    let sick = with_program("stat", &format!("{}\nsleep 1000", to_own_sshd("STOP")));
    let run = audit(&sick, "");
    assert_eq!(run.code, 3, "{}", run.shown());
    assert_eq!(run.resource_on("sick", "file//etc/comply-sound").verdict.to_string(), "unknown", "{}", run.shown());
}

#[test]
fn a_connection_that_is_closed_in_the_middle_says_so() {
    for settings in ["", "connection: openssh"] {
        let sick = with_program("stat", &format!("{}\nsleep 1000", to_own_sshd("KILL")));
        let run = audit(&sick, settings);
        assert_eq!(run.code, 3, "{}", run.shown());
        let file = run.resource_on("sick", "file//etc/comply-sound");
        assert_eq!(file.verdict.to_string(), "unknown", "{}", run.shown());
        assert!(file.reason.as_deref().unwrap_or_default().contains("the connection broke"), "{}", run.shown());
    }
}

#[test]
fn one_byte_a_second_for_ever_is_no_answer() {
    assert_unknown(&audit(&with_shell("while :; do printf .; sleep 1; done"), ""), "no answer in time");
    assert_unknown(
        &audit(&with_shell("while :; do printf . >&2; sleep 1; done"), "connection: openssh"),
        "no answer in time",
    );
}

#[test]
fn a_gibibyte_of_answer_is_not_taken_in() {
    let flood = "head -c 1073741824 /dev/zero";
    for (script, settings) in [
        (flood.to_owned(), ""),
        (flood.to_owned(), "connection: openssh"),
        (format!("{flood} >&2"), ""),
        (format!("{flood} & {flood} >&2"), ""),
    ] {
        let run = audit(&with_shell(&script), settings);
        assert_unknown(&run, "");
    }
}

#[test]
fn a_program_that_floods_hides_only_its_own_answer() {
    let sick = with_program("stat", "exec yes 'a flood'");
    sick.write("/etc/comply-sound", "sound\n");
    let run = audit(&sick, "");
    assert_eq!(run.resource_on("sick", "file//etc/comply-sound").verdict.to_string(), "unknown");
    assert_eq!(run.resource_on("sick", "user/root").verdict.to_string(), "compliant", "{}", run.shown());
    assert_eq!(run.resource_on("sick", "package/bash").verdict.to_string(), "compliant", "{}", run.shown());
}

#[test]
fn a_program_that_hangs_hides_only_its_own_answer() {
    let sick = with_program("dpkg-query", "exec sleep 1000");
    sick.write("/etc/comply-sound", "sound\n");
    let run = audit(&sick, "");
    let package = run.resource_on("sick", "package/bash");
    assert_eq!(package.reason.as_deref(), Some("no answer in time"), "{}", run.shown());
    assert_eq!(run.resource_on("sick", "file//etc/comply-sound").verdict.to_string(), "compliant", "{}", run.shown());
    assert_eq!(run.resource_on("sick", "user/root").verdict.to_string(), "compliant", "{}", run.shown());
}

/// An account `ops` that the fleet's key opens.
const OPS: &str = "useradd -m -s /bin/bash ops && cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh";

#[test]
fn an_account_that_may_not_use_sudo_is_told_so() {
    let sick = Host::start(Image::Bookworm);
    sick.sh_ok(OPS);
    let run = audit(&sick, "user: ops");
    assert_unreachable(&run, "sick", "become", &["sudo", "password"]);
    sick.sh_ok("printf 'ops ALL=(ALL) NOPASSWD: /bin/true\\n' >/etc/sudoers.d/ops");
    assert_unreachable(&audit(&sick, "user: ops"), "sick", "become", &["sudo", "password"]);
    sick.sh_ok("mv /usr/bin/sudo /usr/bin/sudo.gone");
    assert_unreachable(&audit(&sick, "user: ops"), "sick", "become", &["sudo"]);
}

#[test]
fn without_stat_files_are_unknown_and_all_else_is_judged() {
    let sick = Host::start(Image::Bookworm);
    sick.sh_ok("mv /usr/bin/stat /usr/bin/stat.gone");
    let run = audit(&sick, "");
    let file = run.resource_on("sick", "file//etc/comply-sound");
    assert_eq!(file.verdict.to_string(), "unknown", "{}", run.shown());
    assert!(file.reason.as_deref().unwrap_or_default().contains("stat"), "{}", run.shown());
    assert_eq!(run.resource_on("sick", "user/root").verdict.to_string(), "compliant", "{}", run.shown());
    assert_eq!(run.resource_on("sick", "package/bash").verdict.to_string(), "compliant", "{}", run.shown());
}

#[test]
fn each_way_not_to_reach_a_host_is_told_apart() {
    let healthy = healthy();
    let sick = Host::start(Image::Bookworm);
    let other = std::fs::read_to_string(healthy.known_hosts_file()).expect("its line");
    let key = other.trim().split_once(' ').expect("names and a key").1;
    // Answers to this machine lead nowhere: the host swallows what it is sent.
    let black = Host::start(Image::Bookworm);
    black.sh_ok(
        "for net in $(ip -o -4 route show scope link | cut -d' ' -f1); do ip route replace blackhole $net; done",
    );
    let names = ["refused", "black", "nameless", "stranger", "changed", "keyless"];
    for connection in ["ssh", "openssh"] {
        let at =
            |address: &str, rest: &str| format!("connection: {connection}, address: \"{address}\", user: root, {rest}");
        let known = format!("known_hosts: \"{}\"", sick.known_hosts_file().display());
        let key_file = format!("identity: \"{}\"", sick.fleet().key().display());
        let address = sick.address().to_string();
        let repo = beside(&healthy)
            .file("empty", "")
            .file("changed", format!("{address} {key}\n"))
            .file("keys/none", "")
            .host_at("refused", &at(&address, &format!("port: 2, {known}, {key_file}")))
            .host_at("black", &at(&black.address().to_string(), &format!("{known}, {key_file}, timeout: 3s")))
            .host_at("nameless", &at("no-such-host.invalid", &format!("{known}, {key_file}")))
            .host_at("stranger", &at(&address, &format!("known_hosts: empty, {key_file}")))
            .host_at("changed", &at(&address, &format!("known_hosts: changed, {key_file}")))
            .host_at("keyless", &at(&address, &known));
        let run = watched::run(&repo, &["audit"]).run;
        assert_unaffected(&run);
        assert_no_controls(&run);
        run.assert_code(3);
        assert!(run.took < IN_TIME, "{:?}{}", run.took, run.shown());
        assert_unreachable(&run, "refused", "connect", &["refused"]);
        assert_unreachable(
            &run,
            "black",
            "connect",
            &[if connection == "ssh" { "no answer in time" } else { "timed out" }],
        );
        assert_unreachable(&run, "nameless", "resolve", &["no-such-host.invalid"]);
        assert_unreachable(&run, "stranger", "host key", &["ssh-keyscan"]);
        assert_unreachable(&run, "changed", "host key", &["changed"]);
        assert_unreachable(&run, "keyless", "authenticate", &["root"]);
        for name in names {
            assert!(run.text.contains(&format!("{name} ")), "{}", run.shown());
        }
    }
}

/// Files below a small file system, and what it says when something is written there.
fn enforce_on(host: &Host, mount: &str) -> (Repo, Run) {
    host.sh_ok(mount);
    let repo = Repo::new().host(host).policy(
        "
        files:
          /small/file: {content: \"new\\n\"}
          /etc/elsewhere: {content: \"new\\n\"}
        ",
    );
    let run = watched::run(&repo, &["enforce", "--yes"]).run;
    run.assert_code(4);
    assert_eq!(run.verdict("file//small/file"), "failed");
    assert_eq!(run.verdict("file//etc/elsewhere"), "changed", "{}", run.shown());
    assert_eq!(host.sh_ok("cat /small/file"), "old\n");
    assert_eq!(host.sh_ok("ls -A /small | grep -v -e file -e filler; true"), "", "nothing is left behind");
    (repo, run)
}

fn reason<'a>(run: &'a Run, id: &str) -> &'a str {
    run.resource(id).reason.as_deref().unwrap_or_default()
}

#[test]
fn a_full_disk_fails_the_file_that_is_on_it_and_keeps_its_old_content() {
    let host = Host::start(Image::Bookworm);
    let (repo, run) = enforce_on(
        &host,
        "mkdir /small && mount -t tmpfs -o size=64k tmpfs /small && echo old >/small/file
        cat /dev/zero >/small/filler 2>/dev/null; true",
    );
    assert!(reason(&run, "file//small/file").contains("No space left on device"), "{}", run.shown());
    host.sh_ok("rm /small/filler");
    repo.enforce().assert_code(0);
}

#[test]
fn a_disk_too_full_for_the_saved_copy_leaves_the_file_alone() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "mkdir -p /var/backups/comply && mount -t tmpfs -o size=64k tmpfs /var/backups/comply
        cat /dev/zero >/var/backups/comply/filler 2>/dev/null; echo old >/etc/elsewhere; true",
    );
    let run = Repo::new().host(&host).policy("files: {/etc/elsewhere: {content: \"new\\n\"}}").enforce();
    run.assert_code(4).assert_all("failed");
    assert!(reason(&run, "file//etc/elsewhere").contains("could not save a copy"), "{}", run.shown());
    assert_eq!(host.sh_ok("cat /etc/elsewhere"), "old\n");
}

#[test]
fn without_room_for_the_lock_nothing_is_changed() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("mkdir /run/comply && mount -t tmpfs -o ro tmpfs /run/comply && echo old >/etc/elsewhere");
    let run = Repo::new().host(&host).policy("files: {/etc/elsewhere: {content: \"new\\n\"}}").enforce();
    run.assert_code(4).assert_all("failed");
    assert!(reason(&run, "file//etc/elsewhere").contains("/run/comply"), "{}", run.shown());
    assert_eq!(host.sh_ok("cat /etc/elsewhere"), "old\n");
}

#[test]
fn a_read_only_file_system_fails_the_file_that_is_on_it() {
    let host = Host::start(Image::Bookworm);
    let (repo, run) = enforce_on(
        &host,
        "mkdir /small && mount -t tmpfs tmpfs /small && echo old >/small/file && mount -o remount,ro /small",
    );
    assert!(reason(&run, "file//small/file").contains("Read-only file system"), "{}", run.shown());
    host.sh_ok("mount -o remount,rw /small");
    repo.enforce().assert_code(0);
}
