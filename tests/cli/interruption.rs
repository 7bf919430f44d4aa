//! Ctrl-C: what is known is reported.

use crate::sandbox::Sandbox;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn an_interrupted_audit_reports_what_it_knows_and_ends_with_130() {
    // A server that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let sandbox = Sandbox::local("x");
    sandbox.write(
        "inventory.yml",
        &format!(
            "hosts:\n  here: {{connection: local, become: none}}\n  \
             silent: {{address: 127.0.0.1, port: {port}, timeout: 50s, known_hosts: known}}\n"
        ),
    );
    sandbox.write("known", "");
    sandbox.write("policies/p.yml", "hosts: [silent]\nfiles: {/x: {content: y}}\n");
    let mut child = sandbox.std_command().arg("audit").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _connection = silent.accept().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(status.code(), Some(130), "{out}");
    assert!(out.contains("interrupted before it was done") && out.contains("exit 130"), "{out}");
    assert!(out.contains("1 drift"), "{out}");
}
