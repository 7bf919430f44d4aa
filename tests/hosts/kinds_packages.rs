//! Packages.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told};
use fleet::{Host, Image};

pub const PACKAGE: Case = Case {
    kind: "package",
    policy: r#"
        packages:
          hello: present
          sl: absent
          ed: {state: absent, purge: true}
          never-heard-of: absent
          comply-demo: {version: "1.0", hold: true}
          comply-demo-extra: {version: 1.*}
          bc: {hold: false}
          dc: {hold: true}
          jq: {version: ">= 1.5"}
          memcached: {hold: true}
          tinyproxy: {state: absent, purge: true}
          at: present
          curl: present
          wget: latest
    "#,
    files: &[],
    broken: r#"
        apt-get -q update
        install() { DEBIAN_FRONTEND=noninteractive apt-get -q -y install "$@"; }
        install sl comply-demo=2.0 memcached tinyproxy
        echo 'port = 7001 # ours' >/etc/comply-demo.conf
        apt-mark hold bc
        # Its configuration stays.
        apt-get -q -y remove memcached tinyproxy
        # The half of an installation.
        dpkg --unpack /srv/repo/hello_*.deb
    "#,
    destroys: &["package/ed", "package/tinyproxy"],
    found: &[
        ("package/hello", &["state: unpacked → present"]),
        ("package/sl", &["state: present → absent"]),
        ("package/ed", &["state: present → absent"]),
        ("package/comply-demo", &["version: 2.0 → 1.0", "hold: false → true"]),
        ("package/comply-demo-extra", &["state: absent → present"]),
        ("package/bc", &["hold: true → false"]),
        ("package/dc", &["hold: false → true"]),
        ("package/memcached", &["state: absent → present"]),
        ("package/tinyproxy", &["purge: its configuration is left → nothing is left"]),
        ("package/at", &["state: absent → present"]),
    ],
    proof: r#"
        state() { dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$1" 2>/dev/null || :; }
        case $(state hello) in 'ii '*) ;; *) exit 1 ;; esac
        case $(state sl) in ii*) exit 1 ;; esac
        case $(state ed) in '' | un*) ;; *) exit 1 ;; esac
        test "$(state comply-demo)" = 'hi 1.0'
        test "$(cat /usr/share/comply-demo/version)" = 1.0
        grep -q ours /etc/comply-demo.conf
        test "$(state comply-demo-extra)" = 'ii 1.0'
        case $(state memcached) in 'hi '*) ;; *) exit 1 ;; esac
        case $(state tinyproxy) in '' | un*) ;; *) exit 1 ;; esac
        case $(state at) in 'ii '*) ;; *) exit 1 ;; esac
        test "$(apt-mark showhold | sort | xargs)" = 'comply-demo dc memcached'
        test -z "$(dpkg --audit)"
    "#,
};

#[test]
fn a_transaction_that_would_remove_what_no_policy_declares_is_refused_with_the_names() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok("apt-get -q -y install comply-demo comply-demo-extra");
        let repo = Repo::new().host(&host).policy("packages: [comply-demo-rival, hello]");
        let installed = host.sh_ok("dpkg-query -W");
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("package/comply-demo-rival")).join("");
        for word in ["remove comply-demo", "remove comply-demo-extra", "which no policy declares; nothing was done"] {
            assert!(why.contains(word), "{why}");
        }
        assert_eq!(host.sh_ok("dpkg-query -W"), installed);

        let repo = repo.policy(
            "packages: {comply-demo-rival: present, hello: present, comply-demo: absent, comply-demo-extra: absent}",
        );
        repo.enforce().assert_code(0);
        repo.audit().assert_code(0).assert_all("compliant");
    }
}

#[test]
fn what_may_not_be_purged_is_left_alone_and_keeps_nobody_from_changing() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok("apt-get -q -y install memcached tinyproxy comply-demo=1.0; apt-mark hold tinyproxy");
        let policy = "packages: {sl: present, dc: {hold: true}, comply-demo: {version: '2.0', hold: true}, \
                      no-such-package: {hold: true}, memcached: {state: absent, purge: true}, ed: {state: absent, purge: true}}";
        let repo = Repo::new().host(&host).policy(policy);
        let run = repo.run(&["enforce", "--yes", "--allow-destroy=package/ed"]);
        run.assert_code(4);
        for changed in ["package/sl", "package/dc", "package/comply-demo", "package/ed"] {
            assert_eq!(run.verdict(changed), "changed", "{changed}{}", run.shown());
        }
        let left = run.resource("package/memcached");
        assert_eq!(told(left), ["state: present → absent"], "{}", run.shown());
        let why = left.held.clone().unwrap_or_default();
        assert!(why.contains("destroys the configuration and data of memcached for good"), "{}", run.shown());
        let why = told(run.resource("package/no-such-package")).join("");
        assert!(why.contains("have no no-such-package: check the name"), "{}", run.shown());
        assert!(run.errors.contains("remove ed\n"), "{}{}", run.errors, run.shown());
        host.sh_ok("dpkg -s memcached sl | grep -c '^Status: install ok installed' | grep -qx 2");
    }
}

#[test]
fn what_apt_does_not_have_is_said_and_the_rest_is_installed() {
    let host = Host::start(Image::Trixie);
    let repo = Repo::new().host(&host).policy(
        r#"
        packages:
          no-such-package: present
          hello: {version: "99"}
          sl: present
          comply-demo: {version: ">= 3"}
        "#,
    );
    let run = repo.enforce();
    run.assert_code(4);
    let why = "no no-such-package, no comply-demo >= 3 (the newest is 2.0): check the name, or add the repository that has it";
    for id in ["package/no-such-package", "package/hello", "package/comply-demo"] {
        let told = told(run.resource(id)).join("");
        assert!(told.starts_with("failed") && told.contains(why), "{id}: {told}{}", run.shown());
    }
    assert_eq!(run.verdict("package/sl"), "changed", "{}", run.shown());

    let run = repo.policy("packages: {hello: {version: '99'}}").enforce();
    let told = told(run.resource("package/hello")).join("");
    assert!(told.contains("Version '99' for 'hello' was not found"), "{told}");
}

#[test]
fn a_held_package_is_changed_only_where_the_policy_speaks_of_the_hold() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("apt-get -q -y install comply-demo=1.0 && apt-mark hold comply-demo");
    let repo = Repo::new().host(&host).policy("packages: {comply-demo: {version: '2.0'}}");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("package/comply-demo")).join("");
    assert!(why.contains("it is held on the host: say `hold: false`"), "{why}");

    repo.policy("packages: {comply-demo: {version: '2.0', hold: true}}").enforce().assert_code(0).assert_all("changed");
    assert_eq!(host.sh_ok("dpkg-query -W -f '${db:Status-Abbrev}${Version}' comply-demo"), "hi 2.0");
}

#[test]
fn latest_is_what_apt_would_install_and_unknown_where_its_lists_are_old() {
    let hosts = Host::start_all(&DEBIANS);
    for host in &hosts {
        host.sh_ok("apt-get -q update; apt-get -q -y install comply-demo=1.0");
    }
    let repo =
        hosts.iter().fold(Repo::new(), Repo::host).policy("packages: {comply-demo: latest, comply-demo-extra: latest}");
    let run = repo.audit();
    run.assert_code(2);
    for host in &hosts {
        assert_eq!(told(run.resource_on(host.name(), "package/comply-demo")), ["version: 1.0 → 2.0, the latest"]);
    }
    repo.enforce().assert_code(0).assert_all("changed");
    repo.audit().assert_code(0).assert_all("compliant");

    for host in &hosts {
        host.sh_ok(
            "touch -d '5 days ago' /var/lib/apt/lists /var/lib/apt/lists/* /var/lib/apt/periodic/* 2>/dev/null || :",
        );
    }
    let run = repo.audit();
    run.assert_code(3).assert_all("unknown");
    for host in &hosts {
        let why = told(run.resource_on(host.name(), "package/comply-demo")).join("");
        assert!(why.contains("apt's lists are 5 days old"), "{why}");
        host.sh_ok("rm -r /var/lib/apt/lists/*");
    }
    let run = repo.audit();
    run.assert_code(3);
    let why = told(run.resource_on(hosts[0].name(), "package/comply-demo")).join("");
    assert!(why.contains("apt's lists are missing"), "{why}");
}

#[test]
fn another_run_of_apt_is_waited_for() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("apt-get -q -y install sl");
    // What dpkg does while it works: a lock on the whole file.
    host.sh_ok(
        "cat >/run/hold.py <<'.'
import fcntl, time
files = [open(name, 'w') for name in ('/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock')]
for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
open('/run/held', 'w')
time.sleep(4)
.
         setsid python3 /run/hold.py >/dev/null 2>&1 &
         until test -e /run/held; do sleep 0.1; done",
    );
    let repo = Repo::new().host(&host).policy("packages: [hello]");
    repo.enforce().assert_code(0).assert_all("changed");
}

#[test]
fn a_package_whose_own_script_fails_is_failed_with_the_reason() {
    let host = Host::start(Image::Trixie);
    host.sh_ok(
        "mkdir -p /run/broken/DEBIAN && cd /run/broken
         printf 'Package: broken\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' >DEBIAN/control
         printf '#!/bin/sh\necho the disk is on fire >&2\nexit 1\n' >DEBIAN/postinst; chmod 755 DEBIAN/postinst
         dpkg-deb -b . /srv/repo/broken.deb && cd /srv/repo
         { dpkg-deb -f broken.deb; echo Filename: ./broken.deb; echo Size: $(stat -c %s broken.deb)
           echo SHA256: $(sha256sum broken.deb | cut -c1-64); echo; } >>Packages
         grep -q broken Packages && apt-get -q update",
    );
    let repo = Repo::new().host(&host).policy("packages: [broken]\nservices: {cron: {running: true}}");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("package/broken")).join("");
    assert!(
        why.contains("post-installation script") && why.contains("half done: broken (dpkg --configure -a)"),
        "{why}"
    );
    assert_eq!(told(repo.audit().resource("package/broken")), ["state: half-configured → present"]);
}
