//! A secret planted wherever one can stand shows in nothing that comply tells, and in no process of either side.

use crate::r#become as become_;
use crate::comply::{Repo, Run, program};
use fleet::{Host, Image};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// In every secret of these tests; in nothing else.
const NEEDLE: &str = "Pl4ntedS3cret";
/// What Base64 makes of it, whatever is before it.
const ENCODED: [&str; 3] = ["UGw0bnRlZFMzY3Jld", "BsNG50ZWRTM2NyZX", "QbDRudGVkUzNjcmV0"];

/// Made once, before any test watches the processes of this machine: one of them shows it meanwhile.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let hash = Command::new("openssl").args(["passwd", "-6", "-salt", NEEDLE, NEEDLE]).output().unwrap().stdout;
    String::from_utf8(hash).unwrap()
});

/// Secrets in a file's content and template, in the middle of a text, as a password, as sudo's password, in a check that
/// shows the file it checks, in a program that the file makes, in what the host has instead.
fn repository(host: &Host) -> Repo {
    let repo = Repo::new()
        .file("comply.yml", "secrets: {provider: file, directory: kept}\nvars: {db_password: Pl4ntedS3cret}\n")
        .host_with(host, "user: ops, become_secret: sudo")
        .file("templates/app", "{% set x = secret('long') %}{{ x }}\nurl=postgres://u:{{ secret('short') }}@db/x\n")
        .policy(
            r#"
            users:
              member: {password: "{{ secret('hash') }}"}
              wrong: {password: "{{ secret('short') }}"}
            files:
              /etc/content: {content: "a {{ secret('short') }} b\n"}
              /etc/template: {template: templates/app}
              /etc/refused: {content: "{{ secret('long') }}", validate: "cat {}; base64 -w0 {}; false"}
              /etc/also: {content: "{{ secret('short', field='Pl') }}", mode: 0600}
              /etc/mine: {content: "Pl4ntedS3cret, in the policy\n", secret: true}
              /etc/other: {content: "no secret of ours\n"}
              /etc/gone/x: {content: "{{ secret('short') }}"}
            "#,
        );
    let long = format!("-----BEGIN {NEEDLE} KEY-----\nline {NEEDLE} $(id) '\"\n-----END {NEEDLE} KEY-----\n");
    let kept = [
        ("short", format!("{NEEDLE}'\"$x é")),
        ("long", long),
        ("hash", HASH.clone()),
        ("sudo", format!("{}\n", become_::PASSWORD)),
    ];
    let repo = kept.iter().fold(repo, |repo, (name, text)| repo.file(&format!("kept/{name}"), text));
    for (name, _) in &kept {
        fs::set_permissions(repo.path().join("kept").join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    repo
}

#[track_caller]
fn assert_clean(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for needle in [NEEDLE, become_::PASSWORD].iter().chain(&ENCODED) {
        assert!(!text.contains(needle), "{needle} shows in {what}:\n{text}");
    }
}

/// Runs comply and looks at all that it prints and writes.
fn clean(repo: &Repo, args: &[&str]) {
    let output = Command::new(program())
        .args(args)
        .current_dir(repo.path())
        .env("HOME", repo.path())
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_clean(&format!("{args:?}"), &[output.stdout, output.stderr].concat());
}

/// Looks at every process of this machine until `over`.
fn watch_here(over: &AtomicBool) -> Vec<String> {
    let mut found = Vec::new();
    while !over.load(Ordering::SeqCst) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
                if bytes.windows(NEEDLE.len()).any(|window| window == NEEDLE.as_bytes()) {
                    let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                    found.push(format!("{file} of {}", name.trim()));
                }
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
    found
}

/// Runs a command with every process of both sides in view.
fn watched(host: &Host, repo: &Repo, args: &[&str]) -> (Run, String) {
    let over = AtomicBool::new(false);
    let (run, found, here) = thread::scope(|scope| {
        let here = scope.spawn(|| watch_here(&over));
        let mut command = repo.command(args);
        command.arg(format!("--format=junit={}", repo.path().join("report.xml").display()));
        let (run, found) = become_::hunted(host, repo, command, NEEDLE);
        over.store(true, Ordering::SeqCst);
        (run, found, here.join().unwrap())
    });
    assert_eq!(here, Vec::<String>::new(), "a process of this machine shows it");
    assert_clean("text", run.text.as_bytes());
    assert_clean("errors", run.errors.as_bytes());
    for report in ["report.json", "report.xml"] {
        assert_clean(report, &fs::read(repo.path().join(report)).unwrap());
    }
    (run, found)
}

#[test]
fn a_planted_secret_shows_nowhere() {
    let host = become_::host(Image::Bookworm);
    become_::sudoers(&host, "");
    let repo = repository(&host);
    for args in [
        &["check"][..],
        &["graph", host.name()],
        &["graph", host.name(), "--as", "dot"],
        &["explain", host.name()],
        &["explain", host.name(), "file//etc/content"],
        &["explain", host.name(), "file//etc/mine"],
        &["explain", host.name(), "user/member"],
        &["schema"],
    ] {
        clean(&repo, args);
    }
    // What stands on the host instead, and in a file of which a difference is shown.
    host.sh_ok("echo old >/etc/content; echo old >/etc/refused; mkdir -p /run/begun.d");
    host.write("/etc/other", format!("password={NEEDLE}'\"$x é\n"));
    let (audit, found) = watched(&host, &repo, &["audit", "-vvv"]);
    audit.assert_code(5);
    assert_eq!(found, "/etc/other", "{}", audit.shown());
    assert!(audit.text.contains("-password=[secret]"), "{}", audit.shown());
    let (enforce, found) = watched(&host, &repo, &["enforce", "--yes", "-vvv"]);
    enforce.assert_code(4);
    let mut found: Vec<&str> = found.lines().filter(|path| !path.starts_with("/var/backups/comply/")).collect();
    // The hash is in the files of accounts, as it must be.
    found.retain(|path| !path.starts_with("/etc/shadow"));
    assert_eq!(found, ["/etc/content", "/etc/mine", "/etc/template"], "{}", enforce.shown());
    let refused = enforce.resource("file//etc/refused").reason.clone().unwrap();
    assert!(refused.contains("[secret]"), "{refused}");
    assert_eq!(host.sh_ok("find /var/backups/comply -type f -perm /077 | wc -l"), "0\n");
}

#[test]
fn mistakes_in_lines_with_secrets_do_not_show_them() {
    let host = become_::host(Image::Bookworm);
    let repo = repository(&host);
    for (policy, words) in [
        ("users: {x: {password: Pl4ntedS3cret, uid: y}}", "uid"),
        ("users: {x: {password: Pl4ntedS3cret, pasword: y}}", "pasword"),
        ("users: {x: {password: Pl4ntedS3cret}}", "crypt hash"),
        ("files: {/etc/x: {secret: true, content: Pl4ntedS3cret, mdoe: 1}}", "mdoe"),
        (
            "files:\n  /etc/x: {secret: true, content: Pl4ntedS3cret}\n  y: {name: /etc/x, secret: true, content: other}",
            "two values",
        ),
        ("users: {x: {password: \"Pl4ntedS3cret}}", ""),
    ] {
        let repo = repo.path();
        fs::write(repo.join("policies/policy.yml"), format!("hosts: [all]\n{policy}\n")).unwrap();
        let output = Command::new(program()).args(["check", "-C"]).arg(repo).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words), "{text}");
        assert_clean(policy, text.as_bytes());
    }
}
