//! The script and its framing, through every shell a host may have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]
#![expect(clippy::disallowed_types, reason = "the shells under test are processes; the crate itself runs none")]

use engine::event::Nobody;
use engine::link::{Broken, Ended, Job, Link, Standing, Stream};
use engine::query::{Batch, Probe, Query};
use engine::session::Session;
use engine::{Answer, Blind, Fact, Facts, Pending};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// A shell on this machine as a link: it is the host's `sh`.
struct Shell(&'static [&'static str]);

impl Shell {
    /// A `PATH` on which `sh` is this shell.
    fn path(&self) -> String {
        let folder = std::env::temp_dir().join(format!("comply-shells-{}", std::process::id())).join(self.0.join("-"));
        let sh = folder.join("sh");
        if !sh.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            // Another test may do the same at the same time.
            let _ = std::os::unix::fs::symlink(format!("/usr/bin/{}", self.0[0]), &sh);
        }
        format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
    }
}

impl Link for Shell {
    fn run(
        &mut self,
        job: &Job<'_>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Ended, Broken> {
        let mut child = Command::new(self.0[0])
            .args(&self.0[1..])
            .env("PATH", self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} is needed for this test: {error}", self.0[0]));
        let (sender, receiver) = mpsc::channel();
        let script = job.script.to_vec();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::spawn(move || stdin.write_all(&script));
        let pipes: [(Stream, Box<dyn Read + Send>); 2] = [
            (Stream::Out, Box::new(child.stdout.take().unwrap())),
            (Stream::Err, Box::new(child.stderr.take().unwrap())),
        ];
        for (stream, mut pipe) in pipes {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 65536];
                while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                    if sender.send((stream, buffer[..count].to_vec())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(job.deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, bytes)) => {
                    if output(stream, &bytes).is_break() {
                        child.kill().unwrap();
                        child.wait().unwrap();
                        return Ok(Ended::Stopped);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Err(Broken::Stalled);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Ok(Ended::Status(child.wait().unwrap().code().unwrap_or(-1)));
                }
            }
        }
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }
}

fn whole(answer: &Answer, _: &[String]) -> Result<Answer, Blind> {
    Ok(answer.clone())
}

static ECHO: Fact<Answer> =
    Fact { query: Query::new("echo", r#"printf '%s\n' "$@"; printf '%s' "$#" >&2; exit 7"#), decode: whole };
/// It takes no shell of its own, and leaves things about.
static INLINE: Fact<Answer> = Fact {
    query: Query::new(
        "echo inline",
        r#"printf '%s\n' "$@"; printf '%s' "$#" >&2; IFS=x among=x; set -f; cd /tmp; return 7"#,
    )
    .inline(),
    decode: whole,
};
static EACH: Fact<Answer> = Fact {
    query: Query::new("each", r#"for p do item; printf '%s' "$p"; done"#).batched(Batch::Marked),
    decode: whole,
};
static HANGS: Fact<Answer> = Fact { query: Query::new("hangs", "exec sleep 15"), decode: whole };
static FLOODS: Fact<Answer> = Fact { query: Query::new("floods", "yes").limit(1 << 20), decode: whole };
static DIES: Fact<Answer> = Fact { query: Query::new("kills its shell", "kill -KILL $$"), decode: whole };
static SLOW: Fact<Answer> = Fact { query: Query::new("slow", r#"printf '%s' "$1""#).slow(), decode: whole };

static FED: Fact<Answer> = Fact {
    query: Query::new("fed", r#"cat; printf '%s ' "$#" >&2; cat /proc/$$/cmdline /proc/$PPID/cmdline >&2"#)
        .slow()
        .fed(),
    decode: whole,
};

fn ask(shell: &'static [&'static str], questions: &[(&'static Fact<Answer>, &[&str])]) -> Vec<Result<Answer, Pending>> {
    let mut session = Session::open(Box::new(Shell(shell)), Duration::from_secs(2));
    let mut facts = Facts::default();
    let probes: BTreeSet<Probe> = questions
        .iter()
        .map(|(fact, args)| Probe { query: &fact.query, args: args.iter().map(|&arg| arg.to_owned()).collect() })
        .collect();
    session.ask(probes, &mut facts, "here", &Nobody).unwrap();
    questions.iter().map(|(fact, args)| facts.ask(fact, args).map(|answer| (*answer).clone())).collect()
}

fn nasty() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "'",
        "\"",
        "$(touch /tmp/comply-was-here)",
        "`id`",
        "-rf",
        "--",
        "{{",
        "\n",
        "\\",
        "\\\\n",
        "%s",
        "*",
        "~",
        "#",
        ";",
        "&",
        "|",
        ">",
        "é",
        " ",
        "\t",
        "\r",
        "$0",
        "${IFS}",
        "!!",
        "a",
    ]);
    prop_oneof![
        prop::collection::vec(words, 0..12).prop_map(|words| words.concat()),
        "[^\0]{0,40}",
        Just("x".repeat(4096))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_query_is_fed_arrives_as_it_is_and_stands_on_no_command_line(input in nasty()) {
        for shell in SHELLS {
            let fed = ask(shell, &[(&FED, &["one", &input])]).remove(0).unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&fed.out), input.as_str());
            let shown = String::from_utf8_lossy(&fed.err).into_owned();
            prop_assert!(shown.starts_with("1 ") && shown.contains("one"), "{}", shown);
            prop_assert!(input.len() < 4 || !shown.contains(&input), "{}", shown);
        }
    }

    #[test]
    fn any_argument_arrives_as_it_is_and_nothing_of_it_runs(args in prop::collection::vec(nasty(), 1..5)) {
        let given: Vec<&str> = args.iter().map(String::as_str).collect();
        for shell in SHELLS {
            let answers = ask(shell, &[(&ECHO, &given), (&INLINE, &given), (&SLOW, &given[..1])]);
            for echo in &answers[..2] {
                let echo = echo.as_ref().unwrap();
                prop_assert_eq!(String::from_utf8_lossy(&echo.out), format!("{}\n", given.join("\n")));
                let count = given.len().to_string();
                prop_assert_eq!((echo.status, String::from_utf8_lossy(&echo.err).into_owned()), (7, count));
            }
            prop_assert_eq!(&answers[2].as_ref().unwrap().out, given[0].as_bytes());
            prop_assert!(!std::path::Path::new("/tmp/comply-was-here").exists());
        }
    }

    #[test]
    fn each_probe_of_a_batch_gets_its_own_part(args in prop::collection::btree_set(nasty(), 1..8)) {
        for shell in SHELLS {
            let singles: Vec<[&str; 1]> = args.iter().map(|arg| [arg.as_str()]).collect();
            let questions: Vec<(&'static Fact<Answer>, &[&str])> = singles.iter().map(|arg| (&EACH, arg.as_slice())).collect();
            for (answer, arg) in ask(shell, &questions).into_iter().zip(&args) {
                prop_assert_eq!(&answer.unwrap().out, arg.as_bytes());
            }
        }
    }
}

#[test]
fn what_hangs_is_blind_and_the_rest_is_answered() {
    for shell in SHELLS {
        let answers = ask(shell, &[(&ECHO, &["a"]), (&HANGS, &[]), (&SLOW, &["z"])]);
        assert_eq!(answers[0].as_ref().unwrap().out, b"a\n");
        assert_eq!(answers[1], Err(Pending::Blind(Blind::TimedOut)));
        assert_eq!(answers[2].as_ref().unwrap().out, b"z");
    }
}

#[test]
fn a_program_with_a_mind_of_its_own_that_root_asks_cannot_write() {
    static TOUCH: Fact<Answer> = Fact { query: Query::new("touch", r#": >"$1""#).slow(), decode: whole };
    let file = std::env::temp_dir().join(format!("comply-write-{}", std::process::id()));
    for shell in SHELLS {
        let answers = ask(shell, &[(&TOUCH, &[file.to_str().unwrap()])]);
        let said = String::from_utf8_lossy(&answers[0].as_ref().unwrap().err).into_owned();
        assert!(said.contains("Read-only file system"), "{shell:?}; this test needs root: {said}");
        assert!(!file.exists());
    }
}

#[test]
fn what_floods_is_blind_and_the_rest_is_answered() {
    for shell in SHELLS {
        let answers = ask(shell, &[(&FLOODS, &[]), (&SLOW, &["z"])]);
        assert_eq!(answers[0], Err(Pending::Blind(Blind::TooLarge(1 << 20))));
        assert_eq!(answers[1].as_ref().unwrap().out, b"z");
    }
}

#[test]
fn a_question_that_kills_its_shell_takes_no_other_with_it() {
    for shell in SHELLS {
        let answers = ask(shell, &[(&ECHO, &["a"]), (&DIES, &[]), (&SLOW, &["z"])]);
        assert!(matches!(answers[1], Err(Pending::Blind(Blind::Failed(_)))), "{:?}", answers[1]);
        assert_eq!(answers[2].as_ref().unwrap().out, b"z");
    }
}

#[test]
fn what_a_program_without_a_shell_of_its_own_leaves_about_is_put_back() {
    const FOUND: &str = r#"printf '%s|%s|%s|%s' "$IFS" "$PWD" /et[c] "$among""#;
    static NEXT: Fact<Answer> = Fact { query: Query::new("next inline", FOUND).inline(), decode: whole };
    static OTHER: Fact<Answer> = Fact { query: Query::new("other", FOUND), decode: whole };
    for shell in SHELLS {
        let answers = ask(shell, &[(&INLINE, &["a"]), (&NEXT, &[]), (&INLINE, &["b"]), (&OTHER, &[])]);
        for found in [&answers[1], &answers[3]] {
            assert_eq!(String::from_utf8_lossy(&found.as_ref().unwrap().out), " \t\n|/|/etc|", "{shell:?}");
        }
    }
}

#[test]
fn a_name_with_a_nul_is_not_sent() {
    let answers = ask(SHELLS[0], &[(&ECHO, &["a\0b"]), (&SLOW, &["z"])]);
    assert!(matches!(answers[0], Err(Pending::Blind(Blind::Unsupported(_)))));
    assert_eq!(answers[1].as_ref().unwrap().out, b"z");
}

/// A shell whose script is cut short on its way.
struct Cut(Shell, usize);

impl Link for Cut {
    fn run(
        &mut self,
        job: &Job<'_>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Ended, Broken> {
        let end = self.1.min(job.script.len() - 2);
        self.0.run(&Job { script: &job.script[..end], ..*job }, output)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }
}

#[test]
fn a_script_that_is_cut_short_runs_not_at_all() {
    let file = std::env::temp_dir().join(format!("comply-cut-{}", std::process::id()));
    static TOUCH: Fact<Answer> = Fact { query: Query::new("touch", r#": >"$1""#), decode: whole };
    let arg = file.to_str().unwrap();
    for shell in SHELLS {
        for length in (1..6000).step_by(97) {
            let mut session = Session::open(Box::new(Cut(Shell(shell), length)), Duration::from_secs(2));
            let probe = Probe { query: &TOUCH.query, args: vec![arg.to_owned()] };
            let mut facts = Facts::default();
            session.ask([probe].into(), &mut facts, "here", &Nobody).unwrap();
            assert!(matches!(facts.ask(&TOUCH, &[arg]), Err(Pending::Blind(_))), "{length}");
            assert!(!file.exists(), "{shell:?} ran a script cut at {length}");
        }
    }
}

#[test]
fn a_shell_that_prints_something_else_is_said_to() {
    static NOLOGIN: &[&str] = &["sh", "-c", "echo This account is not available.; exit 1"];
    let answers = ask(NOLOGIN, &[(&ECHO, &["a"])]);
    let Err(Pending::Blind(Blind::Failed(why))) = &answers[0] else { panic!("{:?}", answers[0]) };
    assert_eq!(why, "the login shell printed: This account is not available.");
}
