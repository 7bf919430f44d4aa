//! Where systemd listens in place of sshd (`ssh.socket`), sshd's own `Port` and `ListenAddress` do nothing.

use crate::comply::Repo;
use crate::life::{DEBIANS, told};
use fleet::{Host, Image};

/// sshd is started by systemd when somebody comes.
fn host(image: Image) -> Host {
    let host = Host::start(image);
    host.sh_ok("systemctl disable -q --now ssh.service && systemctl enable -q --now ssh.socket");
    let units = host.sh("systemctl is-active ssh.socket ssh.service").stdout;
    assert_eq!(units, "active\ninactive\n");
    host
}

fn repo(host: &Host, policy: &str) -> Repo {
    Repo::new().host(host).policy(policy)
}

#[test]
fn a_port_is_that_of_the_socket_and_left_to_a_person() {
    std::thread::scope(|scope| {
        for image in DEBIANS {
            scope.spawn(move || {
                let host = host(image);
                let policy = "sshd: {Port: [2222, 2223], MaxAuthTries: 6}";
                let audit = repo(&host, policy).audit();
                assert_eq!(told(audit.resource("sshd/Port")), ["value: 22 (ssh.socket) → 2222 2223"]);
                let run = repo(&host, policy).enforce();
                run.assert_code(4);
                assert_eq!(
                    told(run.resource("sshd/Port")),
                    ["failed: systemd listens in place of sshd here, and goes by ListenStream of ssh.socket; in `systemctl edit \
                      ssh.socket` write `[Socket]`, `ListenStream=`, `ListenStream=2222` and `ListenStream=2223`, a line each, \
                      then run `systemctl stop ssh.service && systemctl restart ssh.socket`, and keep this session open until you have come in anew"],
                );
                host.sh_ok("test ! -e /etc/ssh/sshd_config.d/00-comply.conf && systemctl is-active ssh.socket");

                // As it says.
                host.sh_ok(
                    "mkdir /etc/systemd/system/ssh.socket.d
                    printf '%s\\n' '[Socket]' 'ListenStream=' ListenStream=2222 ListenStream=2223 \
                        >/etc/systemd/system/ssh.socket.d/override.conf
                    systemctl daemon-reload
                    systemctl stop ssh.service && systemctl restart ssh.socket && systemctl is-active ssh.socket",
                );
                // For known_hosts(5) another port is another server.
                let known = host.dir().join("known");
                let line = host.known_hosts();
                let key = line.split_once(' ').expect("a key").1;
                std::fs::write(&known, format!("[{}]:2222 {key}\n", host.address())).expect("known hosts");
                let settings = format!("port: 2222, known_hosts: \"{}\"", known.display());
                let there = |policy: &str| Repo::new().host_with(&host, &settings).policy(policy);
                there(policy).audit().assert_code(0).assert_all("compliant");
                let again = there("sshd: {Port: 22}").audit();
                assert_eq!(told(again.resource("sshd/Port")), ["value: 2222 2223 (ssh.socket) → 22"]);
            });
        }
    });
}

#[test]
fn an_address_is_that_of_the_socket_too() {
    let host = host(Image::Bookworm);
    let run = repo(&host, "sshd: {ListenAddress: 192.0.2.99}").enforce();
    run.assert_code(4);
    let told = told(run.resource("sshd/ListenAddress")).join("");
    assert!(told.contains("`ListenStream=` and `ListenStream=192.0.2.99:22`, a line each"), "{told}");
    host.sh_ok("test ! -e /etc/ssh/sshd_config.d/00-comply.conf");
    let audit = repo(&host, "sshd: {ListenAddress: \"[::]:22\"}").audit();
    audit.assert_code(0);
}

#[test]
fn all_else_is_set_and_tried_as_ever() {
    std::thread::scope(|scope| {
        for image in DEBIANS {
            scope.spawn(move || {
                let host = host(image);
                repo(&host, "sshd: {MaxAuthTries: 3}").enforce().assert_code(0).assert_all("changed");
                repo(&host, "sshd: {MaxAuthTries: 3}").enforce().assert_code(0).assert_all("kept");
                assert_eq!(host.sh_ok("sshd -T | grep maxauthtries"), "maxauthtries 3\n");
                let run = repo(&host, "sshd: {MaxAuthTries: 3, AllowUsers: [nobody]}").enforce();
                run.assert_code(4);
                assert_eq!(run.verdict("sshd/AllowUsers"), "reverted", "{}", run.shown());
                assert_eq!(host.ssh("echo in").stdout, "in\n");
                repo(&host, "sshd: {MaxAuthTries: 3}").audit().assert_code(0);
            });
        }
    });
}
