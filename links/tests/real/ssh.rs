use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, iter};

use engine::link::{Broken, Ended, Job, Link, Step, Unreachable};
use links::{Asker, Connection, SshTarget, Target, connector};

use crate::scripts::{behaves, run, run_for, say};
use crate::server::{Server, fingerprint, keygen, kill, nobody, target, whoami};

fn open(target: Target) -> Box<dyn Link> {
    try_open(target).unwrap_or_else(|why| panic!("{why:?}"))
}

fn try_open(target: Target) -> Result<Box<dyn Link>, Unreachable> {
    connector(target, nobody()).connect()
}

fn refusal(target: Target) -> Unreachable {
    match try_open(target) {
        Ok(_) => panic!("it should not have opened"),
        Err(why) => why,
    }
}

fn changed(server: &Server, change: impl FnOnce(&mut SshTarget)) -> Target {
    let mut there = server.ssh_target();
    change(&mut there);
    target(Connection::Ssh(there))
}

#[test]
fn ssh_in_this_process_is_a_link_like_any_other() {
    let server = Server::start();
    let mut link = open(server.target());
    behaves(link.as_mut());
    assert_eq!(link.standing().account, Some(whoami()));
    assert_eq!(link.standing().key, Some(fingerprint(&server.path("id"))));
    assert!(!link.standing().becomes);
}

#[test]
fn a_script_killed_by_a_signal_is_reported_as_that() {
    let server = Server::start();
    let (ended, _) = run(open(server.target()).as_mut(), b"kill -KILL $$", None);
    assert_eq!(ended, Ok(Ended::Signal(String::from("KILL"))));
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_a_script_is_reported() {
    let server = Server::start();
    let mut link = open(server.target());
    let job = Job { script: b"echo begun; sleep 20", stdin: None, deadline: Instant::now() + Duration::from_secs(20) };
    let ended = link.run(&job, &mut |_, bytes| {
        assert_eq!(bytes, b"begun\n");
        server.sessions().into_iter().for_each(kill);
        ControlFlow::Continue(())
    });
    assert!(matches!(&ended, Err(Broken::Closed(why)) if why.starts_with("the connection broke")), "{ended:?}");
    let (ended, _) = run(link.as_mut(), b"echo again", None);
    assert!(matches!(ended, Err(Broken::Closed(_))), "{ended:?}");
}

#[test]
fn a_link_that_is_dropped_leaves_no_session() {
    let server = Server::start();
    let mut link = open(server.target());
    let _ = run_for(link.as_mut(), b"while :; do echo x; done", None, Duration::from_millis(300));
    assert_eq!(server.sessions().len(), 1);
    let started = Instant::now();
    drop(link);
    assert!(started.elapsed() < Duration::from_secs(5));
    let limit = Instant::now() + Duration::from_secs(5);
    while !server.sessions().is_empty() {
        assert!(Instant::now() < limit, "{}", server.log());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_idle_link_survives_a_server_that_asks_whether_it_lives() {
    let server = Server::with("ClientAliveInterval 3\nClientAliveCountMax 2");
    let mut link = open(server.target());
    assert_eq!(say(link.as_mut(), "echo before"), "before\n");
    thread::sleep(Duration::from_secs(13));
    assert_eq!(say(link.as_mut(), "echo after"), "after\n", "{}", server.log());
}

#[test]
fn a_server_that_allows_one_channel_at_a_time_is_enough() {
    let server = Server::with("MaxSessions 1");
    let mut link = open(server.target());
    assert_eq!(say(link.as_mut(), "echo one"), "one\n");
    assert_eq!(say(link.as_mut(), "echo two"), "two\n");
}

// Reaching the server.

#[test]
fn a_name_without_address_ends_at_resolve() {
    let there = SshTarget { address: String::from("no-such-host.invalid"), ..SshTarget::default() };
    let why = refusal(target(Connection::Ssh(there)));
    assert_eq!(why.step, Step::Resolve);
    assert!(why.why.starts_with("no address for no-such-host.invalid: "), "{}", why.why);
}

#[test]
fn names_that_could_be_options_or_commands_are_refused() {
    for address in ["-oProxyCommand=touch /tmp/x", "", "a b", "a\nb", "a;b", "$(x)", "a`b`"] {
        for connection in [Connection::Ssh, Connection::OpenSsh] {
            let there = SshTarget { address: String::from(address), ..SshTarget::default() };
            let why = refusal(target(connection(there)));
            assert_eq!((why.step, why.why), (Step::Resolve, format!("{address:?} cannot be a host's address")));
        }
    }
}

#[test]
fn a_closed_port_ends_at_connect() {
    let server = Server::start();
    let port = crate::server::free_port();
    let why = refusal(changed(&server, |there| there.port = Some(port)));
    assert_eq!(why, Unreachable { step: Step::Connect, why: format!("127.0.0.1:{port}: connection refused") });
}

/// A server that does this with every connection.
fn stranger(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, serve) = (Arc::clone(&count), Arc::new(serve));
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    (port, count)
}

fn at(port: u16, timeout: Duration) -> Target {
    let there = SshTarget { address: String::from("127.0.0.1"), port: Some(port), ..SshTarget::default() };
    Target { timeout, ..target(Connection::Ssh(there)) }
}

#[test]
fn servers_that_say_nothing_or_go_on_for_ever_end_in_time() {
    let silent: fn(TcpStream) = |_stream| thread::sleep(Duration::from_secs(30));
    let trickling: fn(TcpStream) = |mut stream| {
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let banner_only: fn(TcpStream) = |mut stream| {
        stream.write_all(b"SSH-2.0-slow\r\n").unwrap();
        thread::sleep(Duration::from_secs(30));
    };
    let flooding: fn(TcpStream) = |mut stream| while stream.write_all(&[b'y'; 65536]).is_ok() {};
    for serve in [silent, trickling, banner_only, flooding] {
        let (port, _) = stranger(serve);
        let started = Instant::now();
        let why = refusal(at(port, Duration::from_millis(800)));
        assert_eq!(why.step, Step::Connect, "{why:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?} {why:?}", started.elapsed());
    }
}

#[test]
fn a_server_that_hangs_up_is_tried_again_a_few_times() {
    let (port, count) = stranger(drop);
    let why = refusal(at(port, Duration::from_secs(20)));
    assert_eq!(why.step, Step::Connect);
    assert!(why.why.starts_with("the server closed the connection before the key exchange"), "{}", why.why);
    assert_eq!(count.load(Ordering::SeqCst), 5);
}

#[test]
fn a_crowd_at_the_door_gets_in() {
    // At this level each refusal is a line of the log.
    let server = Server::with("MaxStartups 3:100:3\nLogLevel VERBOSE");
    let refusals = || server.log().matches("past MaxStartups").count();
    let limit = Instant::now() + Duration::from_secs(20);
    let mut crowd = Vec::new();
    // Whoever asked whether the server is up may still be in the way for a moment.
    while crowd.len() < 3 {
        assert!(Instant::now() < limit, "no crowd gathers: {}", server.log());
        crowd.extend(knock(server.port));
    }
    assert!(knock(server.port).is_none(), "the door is open: {}", server.log());
    let before = refusals();
    thread::scope(|scope| {
        let late = scope.spawn(|| say(open(server.target()).as_mut(), "echo in"));
        while refusals() == before {
            assert!(!late.is_finished(), "it was let in past the crowd: {}", server.log());
            thread::sleep(Duration::from_millis(5));
        }
        drop(crowd);
        assert_eq!(late.join().unwrap(), "in\n");
    });
}

/// A connection that the server has greeted and that waits at its door, or nothing if it was turned away.
fn knock(port: u16) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut greeting = [0; 4];
    match stream.read_exact(&mut greeting) {
        Ok(()) if greeting == *b"SSH-" => Some(stream),
        _ => None,
    }
}

// The host's key.

#[test]
fn an_unknown_key_is_refused_with_what_to_do() {
    let server = Server::start();
    fs::write(server.path("known_hosts"), "# nothing here\nother.example ssh-ed25519 AAAA\n").unwrap();
    let why = refusal(server.target());
    assert_eq!(why.step, Step::HostKey);
    let (port, file) = (server.port, server.path("known_hosts").display().to_string());
    let print = fingerprint(&server.path("host_ed25519"));
    assert_eq!(
        why.why,
        format!(
            "unknown: no line for [127.0.0.1]:{port} in {file}; its ed25519 key is {print}; compare it with the host's \
             own, then add it with: ssh-keyscan -t ed25519 -p {port} 127.0.0.1 >> {file}"
        )
    );
}

#[test]
fn a_changed_key_is_refused_with_file_and_line() {
    let server = Server::start();
    keygen(&server.path("other"), "ed25519", "");
    let other = fs::read_to_string(server.path("other.pub")).unwrap();
    fs::write(server.path("known_hosts"), format!("\n# a host\n[127.0.0.1]:{} {other}", server.port)).unwrap();
    let why = refusal(server.target());
    assert_eq!(why.step, Step::HostKey);
    let old = fingerprint(&server.path("other"));
    let new = fingerprint(&server.path("host_ed25519"));
    let start = format!(
        "changed: {} line 3 has another ed25519 key for [127.0.0.1]:{} ({old}), it now shows {new}.",
        server.path("known_hosts").display(),
        server.port
    );
    assert!(why.why.starts_with(&start), "{}", why.why);
}

#[test]
fn a_host_with_several_keys_is_known_by_any_of_them() {
    let server = Server::with("HostKey {p}/host_ed25519\nHostKey {p}/host_ecdsa\nHostKey {p}/host_rsa");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        server.write_known_hosts(&[kind]);
        assert_eq!(say(open(server.target()).as_mut(), "echo in"), "in\n", "{kind}");
    }
}

#[test]
fn a_known_key_that_the_host_does_not_offer_is_not_called_changed() {
    let server = Server::start();
    server.write_known_hosts(&["rsa"]);
    let why = refusal(server.target());
    assert!(why.why.starts_with("unknown: ") && why.why.contains("line 1 knows its rsa key"), "{}", why.why);
}

#[test]
fn names_among_known_hosts_may_be_hashed_or_patterns_or_without_port() {
    let server = Server::start();
    let file = server.path("known_hosts");
    let hashed = std::process::Command::new("ssh-keygen").arg("-qHf").arg(&file).status().unwrap();
    assert!(hashed.success() && fs::read_to_string(&file).unwrap().starts_with("|1|"));
    assert_eq!(say(open(server.target()).as_mut(), "echo in"), "in\n");
    let key = server.host_key("ed25519");
    for names in ["127.0.0.1", "web,[127.0.0.?]:*", "10.0.0.1,127.0.0.1"] {
        fs::write(&file, format!("{names} {key} a comment\n")).unwrap();
        assert_eq!(say(open(server.target()).as_mut(), "echo in"), "in\n", "{names}");
    }
    fs::write(&file, format!("!127.0.0.1,![127.0.0.1]:*,* {key}\n")).unwrap();
    assert_eq!(refusal(server.target()).step, Step::HostKey);
}

#[test]
fn revoked_keys_and_lines_for_certificates_are_understood() {
    let server = Server::start();
    let key = server.host_key("ed25519");
    let name = format!("[127.0.0.1]:{}", server.port);
    fs::write(server.path("known_hosts"), format!("{name} {key}\n@revoked * {key}\n")).unwrap();
    let why = refusal(server.target()).why;
    assert!(why.starts_with("revoked: ") && why.contains("known_hosts line 2 says"), "{why}");
    fs::write(server.path("known_hosts"), format!("@cert-authority * {}\n", server.host_key("rsa"))).unwrap();
    let why = refusal(server.target()).why;
    assert!(why.starts_with("unknown: ") && why.contains("for those use `connection: openssh`"), "{why}");
    fs::write(server.path("known_hosts"), format!("@cert-authority * {}\n{name} {key}\n", server.host_key("rsa")))
        .unwrap();
    assert_eq!(say(open(server.target()).as_mut(), "echo in"), "in\n");
}

// The account.

#[test]
fn every_usual_type_of_key_opens_the_account() {
    let server = Server::start();
    for (kind, format) in
        [("ed25519", None), ("ecdsa", None), ("rsa", None), ("rsa", Some("PEM")), ("ecdsa", Some("PEM"))]
    {
        let name = format!("key_{kind}_{}", format.unwrap_or("OpenSSH"));
        keygen(&server.path(&name), kind, "");
        if let Some(format) = format {
            let mut convert = std::process::Command::new("ssh-keygen");
            convert.args(["-q", "-p", "-N", "", "-m", format, "-f"]).arg(server.path(&name));
            assert!(
                convert
                    .stdin(std::process::Stdio::null())
                    .stdout(std::process::Stdio::null())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        fs::copy(server.path(&format!("{name}.pub")), server.path("authorized_keys")).unwrap();
        let link = open(changed(&server, |there| there.identity = Some(server.path(&name))));
        assert_eq!(link.standing().key, Some(fingerprint(&server.path(&name))), "{name}");
    }
}

#[test]
fn a_refused_account_lists_what_was_tried() {
    let server = Server::start();
    keygen(&server.path("stranger"), "ed25519", "");
    let file = server.path("stranger");
    let why = refusal(changed(&server, |there| there.identity = Some(file.clone())));
    assert_eq!(why.step, Step::Authenticate);
    let start = format!("no key opens the account {}: {} was refused", whoami(), file.display());
    assert!(why.why.starts_with(&start), "{}", why.why);
    let missing = server.path("missing");
    let why = refusal(changed(&server, |there| there.identity = Some(missing.clone())));
    assert!(why.why.contains(&format!("{} is not there", missing.display())), "{}", why.why);
    fs::write(&missing, "no key at all").unwrap();
    let why = refusal(changed(&server, |there| there.identity = Some(missing.clone())));
    assert!(why.why.contains(&format!("{} is not a private key", missing.display())), "{}", why.why);
}

#[test]
fn a_passphrase_is_asked_once_for_all_hosts() {
    let server = Server::start();
    keygen(&server.path("locked"), "ed25519", "open sesame");
    fs::copy(server.path("locked.pub"), server.path("authorized_keys")).unwrap();
    let there = || changed(&server, |there| there.identity = Some(server.path("locked")));
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let asker = Arc::new(Asker::with(move |question| {
        assert!(question.starts_with("Passphrase for ") && question.ends_with("/locked: "), "{question}");
        counted.fetch_add(1, Ordering::SeqCst);
        Some(String::from("open sesame"))
    }));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let link = connector(there(), Arc::clone(&asker)).connect().unwrap();
                assert_eq!(link.standing().key, Some(fingerprint(&server.path("locked"))));
            });
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let wrong = Arc::new(Asker::with(|_| Some(String::from("guess"))));
    let why = connector(there(), wrong).connect().err().unwrap();
    assert!(why.why.contains("/locked does not open with that passphrase"), "{}", why.why);
    let absent = Arc::new(Asker::with(|_| None));
    let why = connector(there(), absent).connect().err().unwrap();
    assert!(why.why.contains("/locked needs a passphrase, and there is no terminal to ask on"), "{}", why.why);
}

// Through others.

#[test]
fn hosts_behind_a_bastion_share_one_connection_to_it() {
    let (bastion, inner) = (Server::start(), Server::start());
    let both: String =
        [&bastion, &inner].iter().map(|server| fs::read_to_string(server.path("known_hosts")).unwrap()).collect();
    fs::write(inner.path("known_hosts"), both).unwrap();
    fs::copy(inner.path("authorized_keys"), bastion.path("authorized_keys")).unwrap();
    let there = || changed(&inner, |there| there.jump = Some(format!("{}@127.0.0.1:{}", whoami(), bastion.port)));
    thread::scope(|scope| {
        let links: Vec<_> = iter::repeat_with(|| scope.spawn(|| open(there()))).take(12).collect();
        let mut links: Vec<_> = links.into_iter().map(|link| link.join().unwrap()).collect();
        assert_eq!(bastion.sessions().len(), 1, "{}", bastion.log());
        assert_eq!(inner.sessions().len(), 12);
        for link in &mut links {
            assert_eq!(say(link.as_mut(), "echo through"), "through\n");
        }
    });
    behaves(open(there()).as_mut());
    let limit = Instant::now() + Duration::from_secs(5);
    while !bastion.sessions().is_empty() || !inner.sessions().is_empty() {
        assert!(Instant::now() < limit, "{} {}", bastion.log(), inner.log());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_bastion_that_cannot_be_used_is_named() {
    let (bastion, inner) = (Server::start(), Server::start());
    let jump = format!("{}@127.0.0.1:{}", whoami(), bastion.port);
    let why = refusal(changed(&inner, |there| there.jump = Some(jump.clone())));
    assert_eq!(why.step, Step::HostKey);
    assert!(why.why.starts_with(&format!("the bastion {jump}: ")), "{}", why.why);
    let both: String =
        [&bastion, &inner].iter().map(|server| fs::read_to_string(server.path("known_hosts")).unwrap()).collect();
    fs::write(inner.path("known_hosts"), both).unwrap();
    let why = refusal(changed(&inner, |there| there.jump = Some(jump.clone())));
    assert_eq!(why.step, Step::Authenticate, "{}", why.why);
    fs::copy(inner.path("authorized_keys"), bastion.path("authorized_keys")).unwrap();
    let closed = crate::server::free_port();
    let why = refusal(changed(&inner, |there| {
        there.jump = Some(jump.clone());
        there.port = Some(closed);
    }));
    assert_eq!(why.step, Step::Connect, "{}", why.why);
}

// What a server can do to a script.

#[test]
fn what_a_login_shell_prints_comes_with_the_rest() {
    let server = Server::with("ForceCommand echo 'Welcome!'; eval \"$SSH_ORIGINAL_COMMAND\"");
    assert_eq!(say(open(server.target()).as_mut(), "echo mine"), "Welcome!\nmine\n");
}

#[test]
fn a_server_that_runs_no_program_is_reported() {
    let server = Server::start();
    let shell = server.path("nothing");
    fs::write(&shell, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::with(&format!("ForceCommand {}", shell.display()));
    let (ended, _) = run(open(server.target()).as_mut(), b"echo x", None);
    assert_eq!(ended, Ok(Ended::Status(1)));
}
