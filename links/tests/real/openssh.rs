use std::fs;
use std::time::{Duration, Instant};

use engine::link::{Broken, Ended, Step, Unreachable};
use links::{Connection, SshTarget, Target, connector};

use crate::scripts::{behaves, run, say};
use crate::server::{Server, keygen, kill, nobody, target, whoami};

fn over(server: &Server) -> Target {
    target(Connection::OpenSsh(server.ssh_target()))
}

fn refusal(target: Target) -> Unreachable {
    connector(target, nobody()).connect().err().expect("it should not have opened")
}

#[test]
fn the_program_ssh_is_a_link_like_any_other() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    behaves(link.as_mut());
    assert_eq!(link.standing().account, Some(whoami()));
    assert_eq!(link.standing().key, None);
}

#[test]
fn one_connection_serves_all_scripts_and_ends_with_the_link() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    for _ in 0..3 {
        say(link.as_mut(), "echo x");
    }
    assert_eq!(server.log().matches("Accepted publickey").count(), 1, "{}", server.log());
    drop(link);
    let limit = Instant::now() + Duration::from_secs(5);
    while !server.sessions().is_empty() {
        assert!(Instant::now() < limit, "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_script_may_end_with_the_status_that_ssh_uses_for_itself() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    let (ended, _) = run(link.as_mut(), b"exit 255", None);
    assert_eq!(ended, Ok(Ended::Status(255)));
    assert_eq!(say(link.as_mut(), "echo on"), "on\n");
}

#[test]
fn a_connection_that_breaks_is_reported() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    let sessions = server.sessions();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        sessions.into_iter().for_each(kill);
    });
    let (ended, _) = run(link.as_mut(), b"sleep 30", None);
    killer.join().unwrap();
    assert!(matches!(ended, Err(Broken::Closed(_))), "{ended:?}");
    let (ended, _) = run(link.as_mut(), b"echo again", None);
    assert!(matches!(ended, Err(Broken::Closed(_))), "{ended:?}");
}

#[test]
fn every_step_that_fails_is_told_apart() {
    let server = Server::start();
    let there = SshTarget { address: String::from("no-such-host.invalid"), ..SshTarget::default() };
    assert_eq!(refusal(target(Connection::OpenSsh(there))).step, Step::Resolve);

    let mut closed = server.ssh_target();
    closed.port = Some(crate::server::free_port());
    assert_eq!(refusal(target(Connection::OpenSsh(closed))).step, Step::Connect);

    keygen(&server.path("stranger"), "ed25519", "");
    let mut stranger = server.ssh_target();
    stranger.identity = Some(server.path("stranger"));
    let why = refusal(target(Connection::OpenSsh(stranger)));
    assert_eq!(why.step, Step::Authenticate, "{}", why.why);

    fs::write(server.path("known_hosts"), "").unwrap();
    let why = refusal(over(&server));
    assert_eq!(why.step, Step::HostKey, "{}", why.why);
    assert!(why.why.contains("No ED25519 host key is known"), "{}", why.why);

    let other = fs::read_to_string(server.path("stranger.pub")).unwrap();
    fs::write(server.path("known_hosts"), format!("[127.0.0.1]:{} {other}", server.port)).unwrap();
    let why = refusal(over(&server));
    assert_eq!(why.step, Step::HostKey);
    assert!(why.why.starts_with("changed: it now shows SHA256:"), "{}", why.why);
}

#[test]
fn a_server_that_says_nothing_ends_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let there = SshTarget {
        address: String::from("127.0.0.1"),
        port: Some(listener.local_addr().unwrap().port()),
        ..SshTarget::default()
    };
    let started = Instant::now();
    let why = refusal(Target { timeout: Duration::from_millis(800), ..target(Connection::OpenSsh(there)) });
    assert_eq!(why.step, Step::Connect, "{}", why.why);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn output_goes_on_to_the_end() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    let (ended, printed) = run(link.as_mut(), b"head -c 3000000 /dev/zero; exit 7", None);
    assert_eq!((ended, printed.out.len()), (Ok(Ended::Status(7)), 3_000_000));
}
