use std::time::{Duration, Instant};
use std::{fs, thread};

use engine::link::{Broken, Ended, Standing};
use links::{Become, Connection, connector};

use crate::scripts::{behaves, run, run_for, say};
use crate::server::{nobody, target};

fn open() -> Box<dyn engine::link::Link> {
    connector(target(Connection::Local), nobody()).connect().unwrap()
}

#[test]
fn this_machine_is_a_link_like_any_other() {
    behaves(open().as_mut());
}

#[test]
fn this_machine_needs_no_rights_unless_told() {
    let mut here = target(Connection::Local);
    here.become_ = Become::Default;
    let link = connector(here, nobody()).connect().unwrap();
    assert_eq!(link.standing(), Standing::default());
}

#[test]
fn a_script_killed_by_a_signal_is_reported_as_that() {
    let (ended, _) = run(open().as_mut(), b"kill -KILL $$", None);
    assert_eq!(ended, Ok(Ended::Signal(String::from("KILL"))));
}

#[test]
fn a_stalled_script_leaves_no_process() {
    let mut link = open();
    let (ended, printed) =
        run_for(link.as_mut(), b"echo $$; sleep 1000 & echo $!; wait", None, Duration::from_millis(500));
    assert_eq!(ended, Err(Broken::Stalled));
    for pid in printed.text().lines() {
        let limit = Instant::now() + Duration::from_secs(5);
        // Dead, and perhaps not yet collected by its new parent.
        while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|state| !state.contains(") Z ")) {
            assert!(Instant::now() < limit, "{pid} lives");
            thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(say(link.as_mut(), "echo on"), "on\n");
}
