//! Rights by sudo and doas. A password goes to sudo's own prompt and nowhere else, whatever sudo is configured to do.

use crate::comply::{Repo, Run};
use crate::neighbour;
use crate::watched;
use fleet::{Host, Image};
use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Found wherever it leaks to.
pub const PASSWORD: &str = "Kr0kodil$tr\u{e4}ne'\"`x";

/// An account that the fleet's key opens and that has [`PASSWORD`], and what holds on the host.
pub fn host(image: Image) -> Host {
    let host = Host::start(image);
    host.write("/etc/comply-sound", "sound\n");
    host.sh_ok("useradd -m -s /bin/bash ops && cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh");
    // By its hash, so that no file has it before.
    let hash = Command::new("openssl").args(["passwd", "-6", "-salt", "pepper", PASSWORD]).output().expect("openssl");
    let hash = String::from_utf8(hash.stdout).expect("a hash");
    host.write("/run/hash", format!("ops:{hash}"));
    host.sh_ok("chpasswd -e </run/hash && rm /run/hash && touch /run/begun");
    host
}

pub fn sudoers(host: &Host, lines: &str) {
    host.write("/etc/sudoers.d/ops", format!("ops ALL=(ALL:ALL) ALL\n{lines}\n"));
    host.sh_ok("chmod 440 /etc/sudoers.d/ops && visudo -cq && rm -rf /run/sudo/ts");
}

fn repository(host: &Host, settings: &str) -> Repo {
    Repo::new().host_with(host, &format!("user: ops, {settings}")).policy(neighbour::POLICY)
}

/// Looks at every process of a host for the password, in its command line and in its environment, and at every file
/// that is newer than the account. Neither has the password in it.
const WATCH: &str = r#"
import glob, os, sys, time
secret = bytes(b ^ 1 for b in bytes.fromhex(sys.argv[1]))
found = set()
while not os.path.exists("/run/watch-end"):
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            text = open(path, "rb").read()
            if secret in text:
                found.add(path.split("/")[-1] + " of " + open(os.path.dirname(path) + "/comm").read().strip())
        except OSError:
            pass
begun = os.stat("/run/begun").st_mtime
for top in ["/"]:
    for at, dirs, files in os.walk(top):
        dirs[:] = [d for d in dirs if os.path.join(at, d) not in ("/proc", "/sys", "/dev")]
        for path in (os.path.join(at, name) for name in files):
            try:
                stat = os.lstat(path)
                if stat.st_mode & 0o170000 == 0o100000 and stat.st_mtime >= begun and stat.st_size < 1 << 28:
                    if secret in open(path, "rb").read():
                        found.add(path)
            except OSError:
                pass
print("\n".join(sorted(found)))
"#;

/// Runs comply with the password in its environment, and demands that it is nowhere else afterwards.
fn run(host: &Host, settings: &str, password: &str) -> Run {
    run_with(host, repository(host, settings), &["audit", "-v", "--timeout=30s"], password)
}

fn run_with(host: &Host, repo: Repo, args: &[&str], password: &str) -> Run {
    let mut command = repo.command(args);
    command.env("COMPLY_BECOME_PASSWORD", password);
    let (run, found) = hunted(host, &repo, command, password);
    assert_eq!(found, "", "the password is on the host{}", run.shown());
    assert_unseen(&run, password);
    run
}

/// Runs a command of `repo` and returns where on the host `secret` was meanwhile, or is: processes and files. What
/// comply starts here does not have it.
pub fn hunted(host: &Host, repo: &Repo, command: Command, secret: &str) -> (Run, String) {
    let masked: String = secret.bytes().map(|byte| format!("{:02x}", byte ^ 1)).collect();
    host.write("/run/watch.py", WATCH);
    host.sh_ok("rm -f /run/watch-end");
    let children = Mutex::new(Vec::new());
    let (run, found) = thread::scope(|scope| {
        let watch = scope.spawn(|| host.sh_ok(&format!("python3 /run/watch.py {masked}")));
        // Until it watches.
        thread::sleep(Duration::from_millis(500));
        let run = watched::finish(repo, command, |pid| watch_children(pid, secret, &children)).run;
        host.sh_ok("touch /run/watch-end");
        (run, watch.join().expect("the watcher ended"))
    });
    assert_eq!(children.into_inner().expect("whole"), Vec::<String>::new(), "it is handed on");
    (run, found.trim().to_owned())
}

/// Notes which of the processes that comply starts have the password.
fn watch_children(pid: u32, password: &str, found: &Mutex<Vec<String>>) {
    while let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) {
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace() {
                for file in ["cmdline", "environ"] {
                    // Between fork and exec it is comply itself, and has its name.
                    let comm = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                    let bytes = fs::read(format!("/proc/{child}/{file}")).unwrap_or_default();
                    if comm.trim() != "comply" && !comm.starts_with("host ") && contains(&bytes, password.as_bytes()) {
                        found.lock().expect("whole").push(format!("{file} of {}", comm.trim()));
                    }
                }
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[track_caller]
pub fn assert_unseen(run: &Run, password: &str) {
    let report = serde_json::to_string(run.report()).expect("a report");
    for text in [&report, &run.text, &run.errors] {
        assert!(!text.contains(password), "the password is shown{}", run.shown());
    }
}

/// Not reached for want of rights, for a reason that has these words.
#[track_caller]
fn assert_refused(run: &Run, words: &str) {
    run.assert_code(3);
    let [host] = run.report().hosts.as_slice() else { panic!("not one host") };
    match &host.status {
        reports::Status::Unreachable { step, why } if step == "become" => {
            assert!(why.contains(words), "no `{words}` in: {why}")
        }
        status => panic!("{status:?}{}", run.shown()),
    }
}

#[test]
fn sudo_asks_and_is_answered_whatever_else_it_prints() {
    for (image, connection) in [(Image::Bookworm, "ssh"), (Image::Trixie, "openssh")] {
        let host = host(image);
        for lines in [
            "",
            "Defaults lecture=always",
            "Defaults insults, pwfeedback",
            "Defaults log_input, log_output, !compress_io",
            "Defaults use_pty, log_input, !compress_io, iolog_flush",
            "Defaults timestamp_timeout=0",
            "Defaults syslog_goodpri=debug, logfile=/var/log/sudo.log",
            "Defaults env_keep += \"COMPLY_BECOME_PASSWORD\"",
        ] {
            sudoers(&host, lines);
            let run = run(&host, &format!("connection: {connection}"), PASSWORD);
            assert_eq!(run.code, 0, "{lines}{}", run.shown());
        }
    }
}

#[test]
fn a_sudo_that_wants_no_password_gets_none() {
    let host = host(Image::Bookworm);
    sudoers(&host, "ops ALL=(ALL:ALL) NOPASSWD: ALL");
    run(&host, "", PASSWORD).assert_code(0);
    // Somebody has just given it.
    sudoers(&host, "Defaults timestamp_type=global");
    host.write("/run/answer", format!("{PASSWORD}\n"));
    host.sh_ok("su ops -c 'sudo -S true' </run/answer && rm /run/answer");
    run(&host, "", PASSWORD).assert_code(0);
}

#[test]
fn a_prompt_of_the_host_s_own_gives_way_to_the_one_that_was_chosen() {
    let host = host(Image::Bookworm);
    sudoers(&host, "Defaults passprompt_override, passprompt=\"Passwort bitte: \"");
    run(&host, "", PASSWORD).assert_code(0).assert_all("compliant");
    sudoers(&host, "Defaults passprompt=\"Passwort bitte: \"");
    run(&host, "", PASSWORD).assert_code(0).assert_all("compliant");
}

#[test]
fn a_sudo_that_wants_a_terminal_says_so() {
    let host = host(Image::Bookworm);
    sudoers(&host, "Defaults requiretty");
    assert_refused(&run(&host, "", PASSWORD), "tty");
}

#[test]
fn a_wrong_password_is_given_once() {
    let host = host(Image::Trixie);
    sudoers(&host, "Defaults insults");
    assert_refused(&run(&host, "", "Wr0ngPassw0rd"), "refused the password");
    let tries = host.sh_ok("journalctl -q --no-pager _COMM=sudo | grep -c 'authentication failure'; true");
    assert_eq!(tries.trim(), "1");
}

#[test]
fn an_account_that_sudo_does_not_know_is_told_so() {
    let host = host(Image::Bookworm);
    assert_refused(&run(&host, "", PASSWORD), "sudoers");
}

#[test]
fn a_host_without_sudo_gets_no_password() {
    let host = host(Image::Bookworm);
    host.sh_ok("mv /usr/bin/sudo /usr/bin/sudo.gone");
    assert_refused(&run(&host, "", PASSWORD), "there is no sudo on the host");
}

#[test]
fn without_a_password_the_answer_says_what_to_do() {
    let host = host(Image::Bookworm);
    sudoers(&host, "");
    let run = repository(&host, "").audit();
    assert_refused(&run, "a password is required");
    assert!(run.text.contains("--ask-become-pass"), "{}", run.shown());
}

#[test]
fn a_program_in_place_of_sudo_that_asks_nothing_gets_no_password() {
    let host = host(Image::Bookworm);
    host.write(
        "/usr/local/bin/sudo",
        r#"#!/bin/bash
case $1 in -n) echo 'sudo: a password is required' >&2; exit 1 ;; esac
while [ "$1" != -- ]; do shift; done
shift
exec "$@" < <(tee /var/tmp/stolen)
"#,
    );
    host.sh_ok("chmod 755 /usr/local/bin/sudo");
    let run = run(&host, "", PASSWORD);
    assert_ne!(run.code, 1, "{}", run.shown());
    assert!(host.sh_ok("wc -c </var/tmp/stolen").trim() != "0", "the script was sent");
}

#[test]
fn a_program_in_place_of_sudo_that_asks_in_vain_gets_no_password() {
    let host = host(Image::Bookworm);
    host.write(
        "/usr/local/bin/sudo",
        "#!/bin/sh\ncase $1 in -n) echo 'sudo: a password is required' >&2; exit 1 ;; esac\n\
         printf 'Your password, quickly: ' >&2\ncat >/var/tmp/stolen\n",
    );
    host.sh_ok("chmod 755 /usr/local/bin/sudo");
    assert_refused(&run(&host, "", PASSWORD), "Your password, quickly");
}

#[test]
fn enforce_with_a_password_changes_what_it_should() {
    let host = host(Image::Trixie);
    sudoers(&host, "Defaults timestamp_timeout=0, log_input, !compress_io");
    let policy = format!("files: {{/etc/by-sudo: {{content: {}}}}}", serde_json::json!("x\n".repeat(50_000)));
    let repo = Repo::new().host_with(&host, "user: ops").policy(&policy);
    run_with(&host, repo, &["enforce", "--yes"], PASSWORD).assert_code(0).assert_all("changed");
    assert_eq!(host.sh_ok("stat -c '%U %s' /etc/by-sudo"), "root 100000\n");
}

/// Runs a command on a terminal of its own, types `answer` once `question` is asked, and returns all that was shown.
fn on_a_terminal(mut command: Command, question: &str, answer: &str) -> (String, i32) {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))).collect();
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    command = script;
    let mut child = command.spawn().expect("script(1)");
    let (mut input, mut output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut asked = false;
    loop {
        let count = output.read(&mut buffer).expect("its output");
        if count == 0 {
            break;
        }
        shown.extend_from_slice(&buffer[..count]);
        if !asked && contains(&shown, question.as_bytes()) {
            asked = true;
            thread::sleep(Duration::from_millis(200));
            input.write_all(answer.as_bytes()).expect("it reads");
        }
    }
    let status = child.wait().expect("its end");
    (String::from_utf8_lossy(&shown).into_owned(), status.code().unwrap_or(-1))
}

#[test]
fn a_password_is_asked_once_for_all_hosts_and_not_shown_as_it_is_typed() {
    let hosts = [host(Image::Bookworm), host(Image::Trixie)];
    let mut repo = Repo::new().policy(neighbour::POLICY);
    for host in &hosts {
        sudoers(host, "Defaults lecture=always");
        repo = repo.host_with(host, "user: ops");
    }
    let (shown, code) =
        on_a_terminal(repo.command(&["audit", "-v", "-K"]), "Password for sudo", &format!("{PASSWORD}\n"));
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert_eq!(shown.matches("Password for sudo").count(), 1, "{shown}");
}

#[test]
fn doas_without_a_password_works_and_with_one_is_refused_in_words() {
    let host = host(Image::Bookworm);
    host.write("/etc/doas.conf", "permit nopass ops as root\n");
    host.sh_ok("chmod 400 /etc/doas.conf");
    run(&host, "become: doas", PASSWORD).assert_code(0).assert_all("compliant");
    host.write("/etc/doas.conf", "permit ops as root\n");
    assert_refused(&run(&host, "become: doas", PASSWORD), "nopass");
    host.write("/etc/doas.conf", "permit nopass root\n");
    assert_refused(&run(&host, "become: doas", PASSWORD), "doas");
}
