//! The dialogue with sudo, against programs that stand in for every sudo one may meet.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use engine::link::{Job, Link, Standing};

use super::*;
use crate::link::Open;
use crate::process::Process;

const PASSWORD: &str = "tr0ub4dor&3 \\'\"";

/// Starts of every sudo here: options are read, and what it was given is written down.
const HEAD: &str = r#"#!/bin/sh
here=$(dirname "$0")
printf '%s\n' "$@" >>"$here/seen"
env >>"$here/seen"
ask= prompt=
while [ "$1" != -- ]; do
  case $1 in -n) ask=never ;; -S) ask=stdin ;; -p) prompt=$2; shift ;; esac
  shift
done
shift
"#;

/// A password is needed, and this is the way it is asked.
const NEEDED: &str = r#"[ "$ask" = never ] && { echo 'sudo: a password is required' >&2; exit 1; }
"#;

/// A way whose `sudo` is a script.
struct Faked(tempfile::TempDir);

impl Faked {
    fn new(sudo: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["sudo", "doas"] {
            let path = folder.path().join(name);
            fs::write(&path, format!("{HEAD}{sudo}")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }
}

impl Way for Faked {
    fn open(&mut self, words: &[String], _: Instant) -> Result<Box<dyn Channel>, Broken> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("PATH", format!("{}:/usr/bin:/bin", self.0.path().display()));
        Ok(Box::new(Process::start(&mut command).unwrap()))
    }

    fn is_root(&self) -> Option<bool> {
        Some(false)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }
}

struct Ran {
    ended: Result<Ended, Broken>,
    out: String,
    err: String,
    /// Arguments and environment of all that was started.
    seen: String,
}

fn link(sudo: &str, become_: Become, asker: Asker) -> (Open, std::path::PathBuf) {
    let way = Faked::new(sudo);
    let seen = way.0.path().join("seen");
    (Open::new(Box::new(way), Rights::new(become_, Some(false), "web1", Arc::new(asker))), seen)
}

fn given() -> Asker {
    Asker::with(|question| panic!("nobody should be asked: {question}")).with_become_password(Some(PASSWORD.into()))
}

fn run_with(link: &mut Open, stdin: Option<&[u8]>, limit: Duration) -> (Result<Ended, Broken>, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let script = b"echo \"ran in $HOME\"; cat; echo over >&2; exit 3";
    let job = Job { script, stdin, deadline: Instant::now() + limit };
    let ended = link.run(&job, &mut |stream, bytes| {
        if stream == Stream::Out {
            out.extend_from_slice(bytes)
        } else {
            err.extend_from_slice(bytes)
        }
        ControlFlow::Continue(())
    });
    (ended, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn run(sudo: &str, become_: Become, asker: Asker) -> Ran {
    let (mut link, seen) = link(sudo, become_, asker);
    let (ended, out, err) = run_with(&mut link, Some(b"input\n"), Duration::from_secs(5));
    let seen = fs::read_to_string(seen).unwrap_or_default();
    assert!(!seen.contains(PASSWORD) && !seen.contains("tr0ub4dor"), "the password was seen: {seen}");
    assert!(!out.contains("tr0ub4dor") && !err.contains("tr0ub4dor"), "the password came back: {out} {err}");
    Ran { ended, out, err, seen }
}

fn assert_ran(ran: &Ran) {
    assert_eq!(ran.ended, Ok(Ended::Status(3)), "{}", ran.err);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("ran in /root\ninput\n", "over\n"));
}

fn refused(ran: Ran) -> String {
    match ran.ended {
        Err(Broken::Become(why)) => why,
        other => panic!("{other:?} {} {}", ran.out, ran.err),
    }
}

#[test]
fn sudo_without_a_password_is_asked_for_none() {
    assert_ran(&run("exec \"$@\"", Become::Sudo, given()));
    assert_ran(&run("exec \"$@\"", Become::Default, Asker::with(|_| None)));
}

#[test]
fn doas_is_asked_for_no_password() {
    let ran = run("exec \"$@\"", Become::Doas, given());
    assert_ran(&ran);
    assert!(ran.seen.contains("-n\n--\n"), "{}", ran.seen);
    assert_eq!(
        refused(run("echo 'doas: Authentication required' >&2; exit 1", Become::Doas, given())),
        "doas: Authentication required; comply gives no password to doas, which wants a terminal for it: let this \
         account use it without one (`permit nopass` in doas.conf)"
    );
}

#[test]
fn a_password_answers_the_prompt_once() {
    let asking = format!(
        "{NEEDED}printf 'We trust you have received the lecture.\\n\\n%s' \"$prompt\" >&2\n\
         IFS= read -r answer; printf '%s' \"$answer\" >\"$here/answer\"; exec \"$@\""
    );
    let (mut link, seen) = link(&asking, Become::Sudo, given());
    for _ in 0..2 {
        let (ended, out, _) = run_with(&mut link, None, Duration::from_secs(5));
        assert_eq!((ended, out.as_str()), (Ok(Ended::Status(3)), "ran in /root\n"));
        assert_eq!(fs::read_to_string(seen.with_file_name("answer")).unwrap(), PASSWORD);
    }
    // Found out once: no second try without.
    assert_eq!(fs::read_to_string(seen).unwrap().lines().filter(|line| *line == "-n").count(), 1);
}

#[test]
fn the_prompt_of_sudo_rs_is_known() {
    let asking = format!("{NEEDED}printf '[sudo: %s] Password: ' \"$prompt\" >&2; IFS= read -r answer; exec \"$@\"");
    let ran = run(&asking, Become::Sudo, given());
    assert_eq!((ran.ended, ran.out.as_str()), (Ok(Ended::Status(3)), "ran in /root\ninput\n"));
}

#[test]
fn a_second_prompt_ends_the_attempt() {
    let asking = format!(
        "{NEEDED}while :; do printf '%s' \"$prompt\" >&2; IFS= read -r answer || exit 1; echo >>\"$here/tries\"; \
         echo 'Sorry, try again.' >&2; done"
    );
    let (mut link, seen) = link(&asking, Become::Sudo, given());
    let (ended, _, _) = run_with(&mut link, None, Duration::from_secs(5));
    assert_eq!(ended, Err(Broken::Become(String::from("sudo refused the password"))));
    assert_eq!(fs::read_to_string(seen.with_file_name("tries")).unwrap(), "\n");
}

#[test]
fn a_prompt_that_is_not_ours_gets_no_password() {
    for prompt in ["Password: ", "[sudo] password for ops: ", "Verification code: "] {
        let asking =
            format!("{NEEDED}printf '%s' '{prompt}' >&2; IFS= read -r answer; echo \"$answer\" >&2; exec \"$@\"");
        let (mut link, _) = link(&asking, Become::Sudo, given());
        let (ended, _, _) = run_with(&mut link, None, Duration::from_secs(1));
        let Err(Broken::Become(why)) = ended else { panic!("{ended:?}") };
        assert!(why.starts_with(&format!("sudo asks in words of its own, {prompt:?}")), "{why}");
    }
}

#[test]
fn our_word_within_other_text_is_no_prompt() {
    let asking = format!(
        "{NEEDED}printf 'usage: sudo -p %s -- ' \"$prompt\" >&2; IFS= read -r answer; echo \"$answer\" >&2; sleep 2"
    );
    let (mut link, _) = link(&asking, Become::Sudo, given());
    let (ended, _, _) = run_with(&mut link, None, Duration::from_secs(1));
    assert!(matches!(ended, Err(Broken::Become(_))), "{ended:?}");
}

#[test]
fn a_sudo_that_asks_nothing_after_all_gets_no_password() {
    assert_ran(&run(&format!("{NEEDED}exec \"$@\""), Become::Sudo, given()));
}

#[test]
fn a_password_that_sudo_asked_for_and_did_not_read_is_thrown_away() {
    let ran = run(&format!("{NEEDED}printf '%s' \"$prompt\" >&2; sleep 1; exec \"$@\""), Become::Sudo, given());
    assert_eq!((ran.ended, ran.out.as_str()), (Ok(Ended::Status(3)), "ran in /root\ninput\n"));
}

#[test]
fn a_sudo_that_says_nothing_ends_at_the_deadline() {
    for sudo in ["exec sleep 20", &format!("{NEEDED}exec sleep 20")] {
        let (mut link, _) = link(sudo, Become::Sudo, given());
        let (ended, _, _) = run_with(&mut link, None, Duration::from_millis(500));
        assert_eq!(ended, Err(Broken::Stalled));
    }
}

#[test]
fn what_sudo_says_is_the_reason() {
    let told = format!(
        "{NEEDED}printf '%s' \"$prompt\" >&2; IFS= read -r answer; echo 'ops is not in the sudoers file.' >&2; exit 1"
    );
    assert_eq!(refused(run(&told, Become::Sudo, given())), "sudo refused: ops is not in the sudoers file.");
    let told = "echo \"Sorry, user ops is not allowed to execute '$*' as root on web1.\" >&2; exit 1";
    assert_eq!(
        refused(run(told, Become::Sudo, given())),
        "Sorry, user ops is not allowed to execute a shell as root on web1."
    );
    let told = "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1";
    assert_eq!(refused(run(told, Become::Sudo, given())), "sudo: sorry, you must have a tty to run sudo");
    assert_eq!(refused(run("exit 1", Become::Sudo, given())), "sudo ended with status 1 and said nothing");
    let why = refused(run(&format!("{NEEDED}exit 1"), Become::Sudo, Asker::with(|_| None)));
    assert_eq!(
        why,
        "sudo: a password is required; give it with --ask-become-pass or COMPLY_BECOME_PASSWORD, name its secret in the \
         inventory (`become_secret`), or let this account use sudo without one"
    );
}

#[test]
fn a_missing_sudo_is_the_reason() {
    let (mut link, seen) = link("", Become::Sudo, given());
    fs::remove_file(seen.with_file_name("sudo")).unwrap();
    let path = seen.with_file_name("env");
    fs::write(&path, "#!/bin/sh\nshift; PATH=/nowhere; export PATH; exec /usr/bin/env \"$@\"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let (ended, _, _) = run_with(&mut link, None, Duration::from_secs(5));
    assert!(matches!(&ended, Err(Broken::Become(why)) if why == "there is no sudo on the host"), "{ended:?}");
}

#[test]
fn the_password_is_asked_before_the_first_script_and_once() {
    let asking = format!("{NEEDED}printf '%s' \"$prompt\" >&2; IFS= read -r answer; exec \"$@\"");
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let asker = Asker::with(move |question| {
        assert_eq!(question, "Password for sudo (asked for web1, used for all hosts): ");
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(900));
        Some(PASSWORD.into())
    })
    .asking_become(true);
    let (mut link, _) = link(&asking, Become::Sudo, asker);
    // Slower than the host may be.
    link.settle_rights(Duration::from_millis(800)).unwrap();
    let (ended, out, _) = run_with(&mut link, None, Duration::from_secs(5));
    assert_eq!((ended, out.as_str()), (Ok(Ended::Status(3)), "ran in /root\n"));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_password_with_a_line_break_is_none() {
    let asker = Asker::with(|_| None).with_become_password(Some(String::from("two\nlines")));
    assert!(refused(run(NEEDED, Become::Sudo, asker)).contains("a password is required"));
}

#[test]
fn rights_are_taken_where_they_are_missing() {
    let becomes = |become_, root| Rights::new(become_, root, "web1", Arc::new(Asker::with(|_| None))).becomes();
    assert!(becomes(Become::Default, Some(false)));
    assert!(!becomes(Become::Default, Some(true)));
    assert!(!becomes(Become::Default, None));
    assert!(becomes(Become::Sudo, None) && becomes(Become::Doas, Some(true)));
    assert!(!becomes(Become::None, Some(false)));
}
