//! One enforcing run per host at a time, and what is left when one ends before its time.

use crate::comply::{Repo, Run};
use crate::watched;
use fleet::{Host, Image};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// A file whose check takes this many seconds: the run is in the middle of a change meanwhile.
fn slow(host: &Host, seconds: u32, content: &str) -> Repo {
    Repo::new().host(host).policy(&format!(
        "files: {{/etc/slow: {{content: \"{content}\\n\", validate: \"touch /run/slow; sleep {seconds}; test -s {{}}\"}}}}"
    ))
}

/// Waits until that check runs.
fn wait_for_slow(host: &Host) {
    host.sh_ok("for i in $(seq 600); do [ ! -e /run/slow ] || exit 0; sleep 0.05; done; exit 1");
    host.sh_ok("rm /run/slow");
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill");
    assert!(status.success());
}

fn reason<'a>(run: &'a Run, id: &str) -> &'a str {
    run.resource(id).reason.as_deref().unwrap_or_default()
}

#[test]
fn of_two_runs_at_once_one_wins_and_the_other_names_it() {
    let host = Host::start(Image::Bookworm);
    let (first, second) = (slow(&host, 8, "first"), slow(&host, 0, "second"));
    let mut command = first.command(&["enforce", "--yes"]);
    command.env("USER", "alice");
    let (won, lost) = thread::scope(|scope| {
        let won = scope.spawn(|| watched::finish(&first, command, |_| ()).run);
        wait_for_slow(&host);
        let lost = second.enforce();
        // Looking is not in the way of anybody.
        second.audit().assert_code(2);
        (won.join().expect("it ended"), lost)
    });
    won.assert_code(0).assert_all("changed");
    lost.assert_code(4).assert_all("failed");
    let why = reason(&lost, "file//etc/slow");
    assert!(why.contains("another comply enforce is changing this host") && why.contains("alice@"), "{}", lost.shown());
    assert!(lost.took < Duration::from_secs(8), "it did not wait{}", lost.shown());
    assert_eq!(host.sh_ok("cat /etc/slow"), "first\n");
    // And then it may.
    second.enforce().assert_code(0);
    assert_eq!(host.sh_ok("cat /etc/slow"), "second\n");
}

#[test]
fn a_killed_run_blocks_nobody_for_longer_than_about_a_minute() {
    let host = Host::start(Image::Trixie);
    let repo = slow(&host, 3, "first");
    let run = watched::finish(&repo, repo.command(&["enforce", "--yes"]), |pid| {
        wait_for_slow(&host);
        signal(pid, "KILL");
    });
    assert_eq!(run.run.code, -1);
    let next = slow(&host, 0, "second");
    let refused = next.enforce();
    refused.assert_code(4).assert_all("failed");
    assert!(reason(&refused, "file//etc/slow").contains("another comply enforce"), "{}", refused.shown());
    // What was begun on the host is ended there.
    host.sh_ok("for i in $(seq 200); do flock -n /run/comply/lock true && exit 0; sleep 0.05; done; exit 1");
    assert_eq!(host.sh_ok("cat /etc/slow"), "first\n");
    let left: i64 =
        host.sh_ok("echo $(($(cut -d' ' -f2 /run/comply/lease) - $(date +%s)))").trim().parse().expect("seconds");
    assert!((1..=60).contains(&left), "{left} seconds left");
    // The clock of the host that far ahead.
    host.write("/usr/local/sbin/date", format!("#!/bin/sh\nexec /bin/date -d '+{left} seconds' \"$@\"\n"));
    host.sh_ok("chmod 755 /usr/local/sbin/date");
    next.enforce().assert_code(0).assert_all("changed");
    assert_eq!(host.sh_ok("cat /etc/slow; ls /run/comply"), "second\nlock\n");
}

#[test]
fn what_is_replaced_is_saved_first_for_root_alone() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "echo secret >/etc/replaced; chmod 644 /etc/replaced; echo gone >/etc/removed; echo link >/etc/to-link
        useradd -m alice; echo own >/home/alice/own; chown alice: /home/alice/own; chmod 600 /home/alice/own",
    );
    let run = Repo::new()
        .host(&host)
        .policy(
            "
             files:
               /etc/replaced: {content: \"new\\n\", mode: 0644}
               /etc/removed: absent
               /home/alice/own: {content: \"new\\n\"}
             links: {/etc/to-link: {target: /etc/replaced}}",
        )
        .enforce();
    run.assert_code(0).assert_all("changed");
    let saved = format!("/var/backups/comply/{}", run.report().run.id);
    for (path, content) in
        [("/etc/replaced", "secret"), ("/etc/removed", "gone"), ("/etc/to-link", "link"), ("/home/alice/own", "own")]
    {
        assert_eq!(
            host.sh_ok(&format!("cat {saved}{path}; stat -c '%a %U' {saved}{path}")),
            format!("{content}\n600 root\n")
        );
    }
    assert_eq!(host.sh_ok("find /var/backups/comply -type d ! -perm 0700; find /var/backups/comply ! -user root"), "");
}

/// Reads a file of the host over and over, and says what else it ever was than one of two contents.
const READER: &str = r#"
import os, sys
contents = [bytes(letter, "ascii") * 3000000 + b"\n" for letter in "ab"]
bad = set()
while not os.path.exists("/run/reader-end"):
    try:
        content = open("/etc/atomic", "rb").read()
        if content not in contents:
            bad.add(f"{len(content)} bytes of {sorted(set(content))}")
    except OSError as error:
        bad.add(str(error))
print("\n".join(sorted(bad)))
"#;

#[test]
fn a_run_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let host = Host::start(Image::Bookworm);
    let content = |letter: &str| letter.repeat(3_000_000) + "\n";
    host.write("/etc/atomic", content("a"));
    host.write("/run/reader.py", READER);
    let repo = Repo::new().host(&host).policy(
        "
         files:
           /etc/atomic: {source: files/atomic, mode: 0644}
           /etc/small-1: {source: files/small}
           /etc/small-2: {source: files/small}
         directories: {/srv/new: present}
         links: {/etc/atomic-link: {target: /etc/atomic}}",
    );
    let found = thread::scope(|scope| {
        let reader = scope.spawn(|| host.sh_ok("python3 /run/reader.py"));
        for round in 0..14_u64 {
            let letter = if round % 2 == 0 { "b" } else { "a" };
            let repo = repo.path();
            std::fs::create_dir_all(repo.join("files")).expect("a directory");
            std::fs::write(repo.join("files/atomic"), content(letter)).expect("a file");
            std::fs::write(repo.join("files/small"), format!("{round}\n")).expect("a file");
            kill_once(&host, repo, Duration::from_millis(80 + 35 * round), round % 3 == 0);
        }
        host.sh_ok("touch /run/reader-end");
        reader.join().expect("the reader ended")
    });
    assert_eq!(found.trim(), "");
    host.sh_ok(FREE);
    let repo = repo.file("files/small", "the last one\n");
    repo.enforce().assert_code(0);
    repo.audit().assert_code(0).assert_all("compliant");
    let left = host.sh_ok("find / -xdev -name '.comply*' 2>/dev/null; true");
    assert!(left.lines().count() <= 14, "{left}");
}

#[test]
fn content_that_is_cut_off_on_its_way_is_not_put_in_place() {
    let host = Host::start(Image::Trixie);
    host.sh_ok("echo old >/etc/large");
    for connection in ["ssh", "openssh"] {
        let repo = Repo::new()
            .host_with(&host, &format!("connection: {connection}"))
            .policy("files: {/etc/large: {source: files/large}}")
            .file("files/large", "x".repeat(60 << 20));
        let run = watched::finish(&repo, repo.command(&["enforce", "--yes"]), |pid| {
            host.sh_ok("for i in $(seq 1000); do [ ! -s /etc/.comply.* ] || exit 0; sleep 0.01; done; exit 1");
            signal(pid, "KILL");
        })
        .run;
        assert_eq!(run.code, -1, "it was too fast{}", run.shown());
        host.sh_ok(FREE);
        assert_eq!(host.sh_ok("head -c 100 /etc/large; ls -A /etc | grep -F .comply; true"), "old\n");
    }
}

/// Waits for what was begun on the host, and lets the lease run out.
const FREE: &str = "if [ -e /run/comply/lock ]; then flock -w 30 /run/comply/lock true; fi; rm -f /run/comply/lease";

/// Kills the shells that sshd started.
const KILL_SESSIONS: &str = r#"for pid in $(pgrep -x sh); do
    parent=$pid
    while [ "${parent:-0}" -gt 1 ]; do
        case $(cat /proc/$parent/comm) in sshd*) kill -KILL $pid; break ;; esac
        parent=$(awk '/^PPid/ { print $2 }' /proc/$parent/status)
    done
done
true"#;

/// Begins to enforce and kills it after a while; `both`: what it began on the host too.
fn kill_once(host: &Host, repo: &std::path::Path, after: Duration, both: bool) {
    host.sh_ok(FREE);
    let mut command = Command::new(crate::comply::program());
    command.args(["enforce", "--yes", "-C"]).arg(repo).env("HOME", repo).env_remove("SSH_AUTH_SOCK");
    let devnull = std::process::Stdio::null;
    let mut child = command.stdin(devnull()).stdout(devnull()).stderr(devnull()).spawn().expect("comply starts");
    thread::sleep(after);
    let _ = child.kill();
    if both {
        host.sh(KILL_SESSIONS);
    }
    child.wait().expect("its end");
}

#[test]
fn an_interrupted_audit_tells_what_it_knows_of_real_hosts() {
    let (good, hangs) = (Host::start(Image::Bookworm), Host::start(Image::Bookworm));
    good.write("/etc/comply-sound", "sound\n");
    hangs.write("/usr/local/sbin/stat", "#!/bin/sh\nexec sleep 1000\n");
    hangs.sh_ok("chmod 755 /usr/local/sbin/stat");
    let repo = Repo::new().host_as("good", &good, "").host_as("hangs", &hangs, "").policy(crate::neighbour::POLICY);
    let begun = Instant::now();
    let run = watched::finish(&repo, repo.command(&["audit", "-v"]), |pid| {
        hangs.sh_ok("for i in $(seq 600); do ! pgrep -f 'sleep 1000' || exit 0; sleep 0.05; done; exit 1");
        // The other one is done by then.
        thread::sleep(Duration::from_secs(5));
        signal(pid, "INT");
    })
    .run;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    run.assert_code(130);
    assert!(run.report().run.interrupted);
    assert!(run.host("good").resources.iter().all(|resource| resource.verdict.to_string() == "compliant"));
    assert!(run.host("hangs").resources.iter().all(|resource| resource.verdict.to_string() == "unknown"));
    assert_eq!(run.host("hangs").status, reports::Status::Interrupted);
}

#[test]
fn an_interrupted_enforce_ends_what_it_began_on_the_host_and_says_so() {
    let host = Host::start(Image::Trixie);
    let repo = slow(&host, 4, "first");
    let run = watched::finish(&repo, repo.command(&["enforce", "--yes"]), |pid| {
        wait_for_slow(&host);
        signal(pid, "INT");
    })
    .run;
    run.assert_code(130);
    assert!(run.took < Duration::from_secs(30), "{:?}", run.took);
    host.sh_ok(FREE);
    assert_eq!(host.sh_ok("cat /etc/slow; ls -A /etc | grep comply; true"), "first\n");
    repo.enforce().assert_code(0).assert_all("kept");
}

#[test]
fn a_second_interruption_ends_at_once() {
    let host = Host::start(Image::Bookworm);
    let repo = slow(&host, 20, "first");
    let run = watched::finish(&repo, repo.command(&["enforce", "--yes"]), |pid| {
        wait_for_slow(&host);
        signal(pid, "TERM");
        thread::sleep(Duration::from_millis(20));
        let _ = Command::new("kill").args(["-INT", &pid.to_string()]).status();
    })
    .run;
    assert_eq!(run.code, 130, "{}", run.shown());
    assert!(run.took < Duration::from_secs(15), "{:?}", run.took);
}
