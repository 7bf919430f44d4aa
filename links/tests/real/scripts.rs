//! Running scripts through a link.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Job, Link, Stream};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Printed {
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

impl Printed {
    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }
}

/// Runs a script for at most ten seconds, with or without input of its own.
pub fn run(link: &mut dyn Link, script: &[u8], stdin: Option<&[u8]>) -> (Result<Ended, Broken>, Printed) {
    run_for(link, script, stdin, Duration::from_secs(20))
}

pub fn run_for(
    link: &mut dyn Link,
    script: &[u8],
    stdin: Option<&[u8]>,
    limit: Duration,
) -> (Result<Ended, Broken>, Printed) {
    let mut printed = Printed::default();
    let job = Job { script, stdin, deadline: Instant::now() + limit };
    let ended = link.run(&job, &mut |stream, bytes| {
        match stream {
            Stream::Out => printed.out.extend_from_slice(bytes),
            Stream::Err => printed.err.extend_from_slice(bytes),
        }
        ControlFlow::Continue(())
    });
    (ended, printed)
}

/// Runs a script that must end well, and returns what it printed.
pub fn say(link: &mut dyn Link, script: &str) -> String {
    let (ended, printed) = run(link, script.as_bytes(), None);
    assert_eq!(ended, Ok(Ended::Status(0)), "{}", String::from_utf8_lossy(&printed.err));
    printed.text()
}

/// What holds for a link of any kind.
pub fn behaves(link: &mut dyn Link) {
    assert_eq!(say(link, "printf 'one\\n'; exit 0"), "one\n");
    prints_and_ends(link);
    takes_input_of_its_own(link);
    interleaves(link);
    stops(link);
    stalls_and_goes_on(link);
}

fn prints_and_ends(link: &mut dyn Link) {
    let (ended, printed) = run(link, b"echo out; echo err >&2; exit 3", None);
    assert_eq!(ended, Ok(Ended::Status(3)));
    assert_eq!(printed, Printed { out: b"out\n".to_vec(), err: b"err\n".to_vec() });
    let environment = say(link, "env");
    let names: Vec<&str> = environment
        .lines()
        .filter_map(|line| line.split('=').next())
        .filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name))
        .collect();
    assert_eq!(names.len(), 3, "{environment}");
    assert!(environment.contains("LC_ALL=C\n"), "{environment}");
    assert!(
        environment.contains("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"),
        "{environment}"
    );
    assert!(environment.contains("HOME=/"), "{environment}");
}

fn takes_input_of_its_own(link: &mut dyn Link) {
    let input: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let (ended, printed) = run(link, b"# a comment with 'quotes\" and \\ and \xc3\xa9\xff\ncat; exit 4", Some(&input));
    assert_eq!(ended, Ok(Ended::Status(4)), "{}", String::from_utf8_lossy(&printed.err));
    assert_eq!(printed.out, input);
    let (ended, printed) = run(link, b"cat >&2", Some(b""));
    assert_eq!((ended, printed), (Ok(Ended::Status(0)), Printed::default()));
}

fn interleaves(link: &mut dyn Link) {
    let megabytes = 8;
    let (ended, printed) = run(link, b"head -c 8388608 /dev/zero >&2; echo done", None);
    assert_eq!(ended, Ok(Ended::Status(0)));
    assert_eq!((printed.out.as_slice(), printed.err.len()), (b"done\n".as_slice(), megabytes * 1024 * 1024));
    let input = vec![b'x'; 50_000_000];
    let (ended, printed) = run_for(link, b"cat", Some(&input), Duration::from_secs(120));
    assert_eq!(ended, Ok(Ended::Status(0)));
    assert!(printed.out == input, "{} bytes came back", printed.out.len());
    let mut script = b"true <<'END'\n".to_vec();
    script.extend(b"0123456789abcde\n".repeat(200_000));
    script.extend(b"END\nhead -c 3000000 /dev/zero\n");
    let (ended, printed) = run(link, &script, None);
    assert_eq!((ended, printed.out.len()), (Ok(Ended::Status(0)), 3_000_000));
    let (ended, _) = run(link, &[b"exit 5\n".to_vec(), vec![b'#'; 5_000_000]].concat(), None);
    assert_eq!(ended, Ok(Ended::Status(5)));
}

fn stops(link: &mut dyn Link) {
    let mut seen = 0;
    let job = Job {
        script: b"head -c 1073741824 /dev/zero",
        stdin: None,
        deadline: Instant::now() + Duration::from_secs(20),
    };
    let ended = link.run(&job, &mut |_, bytes| {
        seen += bytes.len();
        if seen > 4_000_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(ended, Ok(Ended::Stopped));
    assert!(seen < 5_000_000);
    assert_eq!(say(link, "echo still here"), "still here\n");
}

fn stalls_and_goes_on(link: &mut dyn Link) {
    for script in [
        "sleep 20",
        "while :; do echo .; sleep 0.05; done",
        "i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done",
        "exec sleep 20 >&- 2>&-",
    ] {
        let started = Instant::now();
        let (ended, _) = run_for(link, script.as_bytes(), None, Duration::from_millis(700));
        assert_eq!(ended, Err(Broken::Stalled), "{script}");
        let took = started.elapsed();
        assert!(took > Duration::from_millis(690) && took < Duration::from_secs(5), "{script}: {took:?}");
        assert_eq!(say(link, "echo still here"), "still here\n");
    }
    let started = Instant::now();
    let (ended, _) = run_for(link, b"sleep 20", Some(&vec![b'x'; 20_000_000]), Duration::from_millis(700));
    assert_eq!(ended, Err(Broken::Stalled));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(say(link, "echo still here"), "still here\n");
}
