//! The test hosts are what the other tests take them for.

use std::net::TcpStream;
use std::time::Duration;

use crate::life::DEBIANS;
use fleet::{Host, Image};

#[test]
fn debian_boots_and_lets_root_in() {
    for host in Host::start_all(&DEBIANS) {
        assert_eq!(host.sh_ok("systemctl is-system-running").trim(), "running");
        let version = host.sh_ok(". /etc/os-release; echo $VERSION_ID");
        assert_eq!(version.trim(), if host.image() == Image::Bookworm { "12" } else { "13" });

        let login = host.ssh("id -un; hostname; python3 -c 'print(1)'");
        assert_eq!(login.stdout, format!("root\n{}\n1\n", host.name()), "{login:?}");
        assert_eq!(host.ssh("exit 7").status, 7);
    }
}

#[test]
fn each_host_has_keys_and_an_identity_of_its_own() {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Bookworm]);
    let keys: Vec<String> =
        hosts.iter().map(|host| host.sh_ok("cat /etc/ssh/ssh_host_*.pub /etc/machine-id")).collect();
    assert_ne!(keys[0], keys[1]);
    let known = hosts[0].known_hosts();
    assert!(keys[0].contains(known.split(' ').nth(2).unwrap()), "{known}");
}

#[test]
fn a_reloaded_sshd_answers_at_once_and_goes_by_its_new_configuration() {
    for host in Host::start_all(&DEBIANS) {
        for tries in 1..=5 {
            host.sh_ok(&format!("echo MaxAuthTries {tries} >/etc/ssh/sshd_config.d/00-tries.conf; reload_sshd"));
            assert_eq!(host.ssh("exit 7").status, 7, "reload {tries}");
        }
    }
}

#[test]
fn packages_install_without_a_network() {
    for host in Host::start_all(&DEBIANS) {
        let count = host.sh_ok("dpkg-query -W -f '${Package}\\n' | wc -l");
        assert!(count.trim().parse::<u32>().unwrap() > 100, "{count}");

        host.sh_ok("apt-get install -y comply-demo=1.0");
        host.sh_ok("getent passwd comply-demo; systemctl is-enabled comply-demo");
        host.sh_ok("test \"$(ps -o user:20= -C sleep)\" = comply-demo");
        host.sh_ok("apt-get install -y comply-demo=1.1 && systemctl is-active comply-demo");
        host.sh_ok("apt-get install -y comply-demo-extra && dpkg -s comply-demo-extra");
        assert_eq!(host.sh_ok("cat /usr/share/comply-demo/version"), "1.1\n");
        host.sh_ok("apt-get install -y comply-demo-rival && ! dpkg -L comply-demo-extra");
        host.sh_ok("! systemctl is-active comply-demo");

        host.sh_ok("DEBIAN_FRONTEND=noninteractive apt-get install -y hello sl memcached nginx tinyproxy");
        host.sh_ok("systemctl is-active memcached nginx tinyproxy && getent passwd memcache");
        assert_eq!(host.sh_ok("systemctl is-system-running").trim(), "running");
    }
}

#[test]
fn a_snapshot_shows_every_change_and_no_other() {
    for host in Host::start_all(&Image::ALL) {
        let before = host.snapshot();
        assert!(before.paths().count() > 100 && before.commands().count() >= 1, "{before:?}");

        // Looking, from inside and through a login, changes nothing.
        host.sh_ok("cat /etc/passwd; ls -la /root; grep -r root /etc >/dev/null; true");
        if host.image() != Image::Busybox {
            let login = host.ssh("systemctl status; dpkg -l; sudo -n true");
            assert!(login.success(), "{login:?}");
        }
        assert_eq!(before.diff(&host.snapshot()), Vec::<String>::new());

        for (change, trace) in [
            ("touch /etc/passwd", "/etc/passwd: mtime"),
            ("chmod 600 /etc/group", "/etc/group: mode 644 → 600"),
            ("cp -p /etc/shadow /root/s; cat /root/s >/etc/shadow", "/etc/shadow: mtime"),
            ("touch -r /bin/busybox /bin/busybox", "/bin/busybox: ctime"),
            ("touch /tmp/x; rm /tmp/x", "/tmp: mtime"),
            ("ln -s here /var/link", "/var/link: added, link 777"),
            ("rm /var/link", "/var/link: removed"),
            ("sleep 1000 >/dev/null 2>&1 &", "started: sleep 1000"),
        ] {
            let before = host.snapshot();
            host.sh_ok(change);
            let diff = before.diff(&host.snapshot());
            assert!(diff.iter().any(|line| line.contains(trace)), "{change}: {diff:#?}");
        }
    }
}

#[test]
fn files_arrive_as_they_were_sent() {
    for host in Host::start_all(&Image::ALL) {
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        host.write("/tmp/with space", &bytes);
        assert_eq!(host.sh_ok("wc -c <'/tmp/with space'").trim(), "300000");
        let output = host.sh("echo out; echo err >&2; cat; exit 3");
        assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.status), ("out\n", "err\n", 3));
    }
}

/// Tools replace these by renaming a new file over them.
#[test]
fn the_files_of_the_engine_are_files() {
    let host = Host::start(Image::Trixie);
    for file in ["hosts", "hostname", "resolv.conf"] {
        host.sh_ok(&format!("cp /etc/{file} /etc/new && mv /etc/new /etc/{file}"));
    }
    host.sh_ok("getent hosts $(hostname)");
}

#[test]
fn a_network_can_be_cut_and_restored() {
    let host = Host::start(Image::Bookworm);
    let reachable = || {
        let address = (host.address(), 22).into();
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
    };
    host.disconnect();
    assert!(!reachable());
    host.reconnect();
    host.wait_for_ssh();
    assert!(host.ssh("true").success());

    host.pause();
    assert!(reachable(), "the kernel answers for a frozen process");
    host.unpause();
    assert!(host.ssh("true").success());
}

#[test]
fn busybox_is_all_there_is() {
    let host = Host::start(Image::Busybox);
    host.sh_ok("test \"$(readlink /bin/sh)\" = /bin/busybox; id root");
    assert_eq!(
        host.sh_ok("for tool in systemctl dpkg-query sshd; do type $tool; done; true").matches("not found").count(),
        3
    );
}

#[test]
fn a_host_goes_with_its_value() {
    let host = Host::start(Image::Busybox);
    let (name, dir) = (host.name().to_owned(), host.dir().to_owned());
    drop(host);
    let listed = std::process::Command::new("docker").args(["ps", "-aqf", &format!("name={name}")]).output().unwrap();
    assert!(listed.stdout.is_empty() && !dir.exists());
}
