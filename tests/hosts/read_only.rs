//! Looking changes nothing: every query there is, about what is there, what is not, what runs, what is stopped and
//! what only a socket would start.

use crate::comply::{Repo, Run};
use crate::ldap::with_directory;
use crate::life::{DEBIANS, DOCKERS, told, untouched};
use engine::Query;
use fleet::{Host, Image};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The queries that only planning asks: by name, and with a part of their program.
const ASKED_BY_PLANNING: &[(&str, &str)] = &[
    ("apt simulation", "apt-get -s "),
    ("doors of a group", "/etc/doas.conf"),
    ("home of the session", "readlink -f -- \"$H\""),
    ("names of the session in a file", "id -Gn -- \"$1\""),
];

/// The queries that are asked only where there is a container engine, by name.
const ASKED_OF_ENGINES: [&str; 2] = ["compose project", "compose preview"];

/// Every other one: those of `audit`.
fn asked_by_audit() -> impl Iterator<Item = &'static Query> {
    let engine = [
        &engine::identity::IDENTITY.query,
        &engine::paths::STAT.query,
        &engine::paths::FILE.query,
        &engine::paths::READ.query,
        &engine::paths::TARGET.query,
        &engine::paths::LIST.query,
    ];
    let modules = modules::programs::QUERIES.iter().copied();
    let by_planning = |query: &&Query| ASKED_BY_PLANNING.iter().any(|(name, _)| *name == query.name);
    engine.into_iter().chain(modules).filter(move |query| !by_planning(query))
}

const POLICY: &str = r#"
    when: os.id == "debian"
    packages:
      curl: present
      hello: present
      sl: absent
      bc: {version: ">= 99"}
      ed: latest
      jq: latest
      tinyproxy: absent
    users:
      root: {locked: false, expires: never}
      alice: {groups: [adm], shell: /bin/bash, locked: true}
      newcomer: present
      remote: present
    groups:
      crew: {members: [alice, newcomer]}
      former: absent
      remotes: present
    ssh_keys:
      alice: {keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvVFuSWZ/NyRjZO0PxdWw/dgVcNUASbgMGSOivVprSc]}
      bob: {absent_keys: ['SHA256:7fgGvxebQlMH6AlNfVTp7rHLSnDzEavSoKldZZcnaKw']}
      newcomer: {keys_of: [alice]}
    files:
      /etc/motd: {content: "Welcome.\n"}
      /etc/hostname: {mode: 0644, owner: remote, group: remotes}
      /etc/fifo: {content: "x"}
      /home/alice/profile: {content: "x", owner: alice}
      /home/alice/link: {content: "x"}
      /etc/none: {content: "x"}
      /etc/sudoers.d/old: absent
    directories:
      /etc/cron.d: {exclusive: true}
      /srv/none: present
      /srv/full: absent
    apt_repositories:
      team: {uris: "https://packages.invalid/debian", suites: ./, trusted: true}
    sudoers:
      ops: {users: [ops], commands: ALL}
      broken: {users: [ops], commands: ALL}
      none: {users: [ops], commands: ALL}
    cron:
      e2scrub_all: {schedule: "@daily", command: "true"}
      none: {schedule: "@daily", user: remote, command: "true"}
    fail2ban: {sshd: {maxretry: 5}, recidive: {logpath: /none}}
    unmanaged: [users, ssh_keys, sudoers, cron]
    sshd:
      PermitRootLogin: no
      X11Forwarding: yes
      MaxSessions: nonsense
    links:
      /etc/localtime: {target: /usr/share/zoneinfo/UTC}
      /etc/os-release: {target: /elsewhere}
      /etc/no-link: {target: x}
    services:
      ssh: {running: true, enabled: true, restart_on: [file//etc/motd, package/curl]}
      stopped: {running: true, restart_on: [package/hello]}
      failed: {running: true}
      edited: {running: true}
      masked: {running: true, masked: false}
      listening.socket: {running: true}
      listening: {running: false}
      listening-elsewhere: {running: true}
      none: {running: true, enabled: true}
      weekly.timer: {enabled: true}
"#;

const HOST: &str = r#"set -eu
    useradd -m alice
    useradd -m bob
    groupadd crew
    groupadd former
    usermod -aG former,crew root
    mkdir -m 700 /home/alice/.ssh /srv/full
    ln -s /etc/shadow /home/alice/.ssh/authorized_keys
    ln -s /etc/shadow /home/alice/link
    chown -hR alice: /home/alice
    touch /srv/full/x
    mkfifo /etc/fifo
    useradd -m -s /bin/sh ops
    mkdir -m 700 /home/ops/.ssh
    cp /root/.ssh/authorized_keys /home/ops/.ssh/
    chown -R ops: /home/ops/.ssh
    echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/keys.conf
    echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops
    echo '# nothing' >/etc/sudoers.d/old
    echo 'mistake' >/etc/sudoers.d/broken
    unit() {
        printf '%s\n' '[Service]' 'ExecStart=/bin/sleep infinity' '[Install]' 'WantedBy=multi-user.target' \
            >"/etc/systemd/system/$1.service"
    }
    for name in stopped failed edited listening listening-elsewhere weekly; do unit $name; done
    sed -i 's/sleep.*/false/' /etc/systemd/system/failed.service
    for name in listening:7777 listening-elsewhere:7778; do
        printf '%s\n' '[Socket]' "ListenStream=127.0.0.1:${name#*:}" '[Install]' 'WantedBy=sockets.target' \
            >/etc/systemd/system/${name%:*}.socket
    done
    printf '%s\n' '[Timer]' 'OnCalendar=weekly' '[Install]' 'WantedBy=timers.target' >/etc/systemd/system/weekly.timer
    unit masked
    mv /etc/systemd/system/masked.service /usr/lib/systemd/system/
    systemctl daemon-reload
    systemctl mask -q masked
    systemctl start listening.socket listening-elsewhere.socket edited
    systemctl start failed 2>/dev/null || :
    apt-get -q update
    apt-get -q -y install fail2ban python3-systemd >/dev/null 2>&1
    systemctl stop fail2ban
    # After the last package, which makes systemd read its files again.
    sleep 1.1
    unit edited
    printf 'Match User alice\n\tX11Forwarding no\n' >/etc/ssh/sshd_config.d/zz.conf
    reload_sshd
"#;

/// From now on a host keeps a copy of every script that it is sent, in a place that no snapshot looks at.
const RECORD: &str = r#"set -eu
    : >/run/systemd/comply-scripts
    chmod 666 /run/systemd/comply-scripts
    cat >/usr/local/bin/record <<'.'
#!/bin/sh
tee -a /run/systemd/comply-scripts | eval "$SSH_ORIGINAL_COMMAND"
.
    chmod 755 /usr/local/bin/record
    echo 'ForceCommand /usr/local/bin/record' >/etc/ssh/sshd_config.d/record.conf
    reload_sshd
"#;

fn hosts() -> Vec<Host> {
    let hosts = Host::start_all(&DEBIANS);
    for host in &hosts {
        with_directory(host);
        host.sh_ok(HOST);
        host.sh_ok(RECORD);
    }
    hosts
}

/// Those of the queries that a host was not asked, so that they are not proved to be harmless.
fn not_asked<'a>(host: &Host, queries: impl Iterator<Item = &'a Query>) -> Vec<&'a str> {
    // What may hang, and what is asked in mounts of its own, is an argument in quotes, or both.
    let once = host.sh_ok("cat /run/systemd/comply-scripts").replace(r"'\''", "'");
    let scripts = [once.replace(r"'\''", "'"), once];
    let asked = |query: &Query| scripts.iter().any(|scripts| scripts.contains(query.shell.trim_end()));
    queries.filter(|query| !asked(query)).map(|query| query.name).collect()
}

fn repository(hosts: &[Host], settings: &str) -> Repo {
    hosts.iter().fold(Repo::new(), |repo, host| repo.host_with(host, settings)).policy(POLICY)
}

/// No service was woken, and nothing of a file that may not be read was told.
fn assert_asleep(host: &Host, run: &Run) {
    for (unit, state) in
        [("listening", "inactive"), ("listening-elsewhere", "inactive"), ("listening.socket", "active")]
    {
        assert_eq!(host.sh(&format!("systemctl is-active {unit}")).stdout.trim(), state, "{unit}");
        let accepted =
            host.sh_ok("systemctl show -p NAccepted --value listening.socket listening-elsewhere.socket | xargs");
        assert_eq!(accepted.trim(), "0 0");
    }
    let secret = host.sh_ok("grep ^root: /etc/shadow | cut -d: -f1-3");
    assert!(!run.text.contains(secret.trim()), "{}", run.shown());
}

#[test]
fn every_query_of_audit_is_asked_and_none_changes_a_file_or_a_process() {
    let hosts = hosts();
    let repo = repository(&hosts, "");
    let (run, touched) = untouched(&hosts, || repo.audit());
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    // `unknown` are the account and the group of the directory.
    run.assert_code(5);
    for host in &hosts {
        assert_asleep(host, &run);
        let of_host = asked_by_audit().filter(|query| !ASKED_OF_ENGINES.contains(&query.name));
        assert_eq!(not_asked(host, of_host), Vec::<&str>::new());
        for (id, told) in [
            ("service/listening-elsewhere", "running: inactive → active"),
            ("service/edited", "daemon_reload: the unit file has changed since systemd read it → read again"),
            ("file//etc/fifo", "state: a named pipe → a file"),
        ] {
            assert_eq!(self::told(run.resource_on(host.name(), id)), [told], "{}", run.shown());
        }
        let verdict = run.resource_on(host.name(), "service/listening.socket").verdict;
        assert_eq!(verdict, reports::Verdict::Compliant, "{}", run.shown());
    }
}

#[test]
fn what_is_asked_of_an_engine_changes_nothing_either() {
    let hosts = Host::start_all(&DOCKERS);
    hosts.iter().for_each(|host| {
        host.sh_ok(RECORD);
    });
    let repo = hosts.iter().fold(Repo::new(), |repo, host| repo.host(host));
    let repo = repo
        .file("stacks/pad/compose.yml", "services: {it: {image: \"base:1\"}}\n")
        .policy("compose: {pad: {source: stacks/pad, path: /srv/pad}}");
    let (run, touched) = untouched(&hosts, || repo.audit());
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    run.assert_code(2);
    for host in &hosts {
        let of_engines = asked_by_audit().filter(|query| ASKED_OF_ENGINES.contains(&query.name));
        assert_eq!(not_asked(host, of_engines), Vec::<&str>::new(), "{}", run.shown());
    }
}

#[test]
fn a_plan_that_is_declined_changed_no_file_and_no_process() {
    let hosts = hosts();
    for settings in ["", "user: ops, become: sudo"] {
        let repo = repository(&hosts, settings);
        let (run, touched) = untouched(&hosts, || decline(&repo));
        assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
        run.assert_code(5);
        assert!(run.text.contains("Apply to 2 hosts? [y/N]"), "{}", run.shown());
        for host in &hosts {
            assert_asleep(host, &run);
            let held = run.resource_on(host.name(), "package/hello").held.clone();
            assert_eq!(held.as_deref(), Some("the plan was declined"), "{}", run.shown());
        }
    }
    for host in &hosts {
        let scripts = host.sh_ok("cat /run/systemd/comply-scripts");
        let missing: Vec<_> = ASKED_BY_PLANNING.iter().filter(|(_, part)| !scripts.contains(part)).collect();
        assert!(missing.is_empty(), "not asked, so not proved to be harmless: {missing:?}");
    }
}

/// `comply enforce` on a terminal, where it asks, and is told no.
fn decline(repo: &Repo) -> Run {
    let enforce = repo.command(&["enforce"]);
    let words: Vec<_> = std::iter::once(enforce.get_program())
        .chain(enforce.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")))
        .collect();
    let mut script = Command::new("script");
    script.args(["-qec", &words.join(" "), "/dev/null"]);
    script.envs(enforce.get_envs().filter_map(|(key, value)| Some((key, value?))));
    script.env_remove("SSH_AUTH_SOCK").env("TERM", "xterm");
    let no = repo.path().join("no");
    fs::write(&no, "n\n").unwrap();
    script.stdin(Stdio::from(fs::File::open(&no).unwrap()));
    repo.finish(script)
}

#[test]
fn looking_through_sudo_and_without_rights_changes_nothing_either() {
    let hosts = hosts();
    for (settings, may) in [("user: ops, become: sudo", true), ("user: ops, become: none", false)] {
        let repo = repository(&hosts, settings);
        let (run, touched) = untouched(&hosts, || repo.audit());
        assert_eq!(touched, Vec::<String>::new(), "{settings}{}", run.shown());
        run.assert_code(5);
        for host in &hosts {
            assert_asleep(host, &run);
            // Who may not look at something says so.
            let alice = told(run.resource_on(host.name(), "ssh_key/alice")).join("\n");
            let user = told(run.resource_on(host.name(), "user/alice")).join("\n");
            assert_eq!(may, !alice.starts_with("unknown"), "{alice}{}", run.shown());
            assert_eq!(may, !user.starts_with("unknown"), "{user}{}", run.shown());
        }
    }
}

#[test]
fn there_is_no_query_that_these_tests_do_not_know() {
    let known: BTreeSet<_> = asked_by_audit().map(|query| query.name.to_owned()).collect();
    let planning: BTreeSet<_> = ASKED_BY_PLANNING.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut written = BTreeSet::new();
    for folder in ["engine/src", "modules/src"] {
        names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut written);
    }
    assert_eq!(written, &known | &planning, "add it to the lists above, and make POLICY ask it");
}

/// The names in `Query::new("NAME", …)`, outside of tests, of the sources below a directory.
fn names(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let calls = text.split("Query::new(").skip(1);
            found.extend(
                calls.filter_map(|call| Some(call.trim_start().strip_prefix('"')?.split('"').next()?.to_owned())),
            );
        }
    }
}

#[test]
fn on_a_system_that_a_kind_does_not_know_it_is_unknown_and_the_others_work() {
    let host = Host::start(Image::Busybox);
    let repo =
        Repo::new().file("inventory.yml", format!("hosts:\n  {}: {{connection: docker}}\n", host.name())).policy(
            r#"
            packages: [curl]
            services: {ssh: {running: true}}
            users: {root: {uid: 0}}
            groups: {root: {gid: 0}}
            directories: {/srv/data: {mode: 0750, owner: nobody, group: nogroup}}
            files:
              /srv/data/it's a file: {content: "one\ntwo\n", mode: 0600, owner: nobody, group: 1234}
              /srv/stale: {content: "new\n"}
              /srv/gone: absent
            links: {/srv/here: {target: data}, /srv/wrong: {target: data}}
            "#,
        );
    host.sh_ok("mkdir /srv; echo old >/srv/stale; touch /srv/gone; ln -s /etc /srv/wrong");
    let hosts = [host];
    let (run, touched) = untouched(&hosts, || after_timeouts(repo.audit()));
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    run.assert_code(5);
    let unknown = [
        ("package/curl", "unknown: no dpkg here: packages are managed on Debian and its relatives"),
        ("service/ssh", "unknown: no systemd here: services are managed with systemd only"),
        ("user/root", "unknown: no /usr/sbin/useradd here: accounts are managed with Debian's package `passwd`"),
        ("group/root", "unknown: no /usr/sbin/useradd here: accounts are managed with Debian's package `passwd`"),
    ];
    for (id, why) in unknown {
        assert_eq!(told(run.resource(id)), [why], "{}", run.shown());
    }
    assert_eq!(told(run.resource("file//srv/stale")), ["content:\n@@ -1 +1 @@\n-old\n+new\n"]);
    assert_eq!(told(run.resource("link//srv/wrong")), ["target: /etc → data"]);

    // Two runs could meet: without a lock nothing is changed.
    let (run, touched) = untouched(&hosts, || after_timeouts(repo.enforce()));
    run.assert_code(4);
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    let why = told(run.resource("file//srv/stale")).join("");
    assert!(why.contains("there is no flock on the host (package util-linux), so two runs could meet"), "{why}");

    with_flock(&hosts[0]);
    let run = after_timeouts(repo.enforce());
    run.assert_code(3);
    for resource in &run.report().hosts[0].resources {
        let wanted = if unknown.iter().any(|(id, _)| *id == resource.id) { "unknown" } else { "changed" };
        assert_eq!(resource.verdict.to_string(), wanted, "{resource:#?}{}", run.shown());
    }
    let [host] = &hosts;
    host.sh_ok(
        r#"set -eux
        test "$(stat -c '%U %G %a' /srv/data)" = 'nobody nogroup 750'
        test "$(stat -c '%U %g %a' "/srv/data/it's a file")" = 'nobody 1234 600'
        test "$(cat /srv/stale)" = new
        test ! -e /srv/gone
        test "$(readlink /srv/here) $(readlink /srv/wrong)" = 'data data'"#,
    );
    let (again, touched) = untouched(&hosts, || after_timeouts(repo.enforce()));
    again.assert_code(3);
    assert_eq!(touched, Vec::<String>::new(), "{}", again.shown());
    repo.run(&["audit", "--only=file/*", "--only=link/*", "--only=directory/*"]).assert_code(0).assert_all("compliant");
}

/// Gives a host of busybox alone, as Debian builds it, the one tool that it lacks: from a Debian host, with the
/// libraries it needs.
fn with_flock(host: &Host) {
    let debian = Host::start(Image::Bookworm);
    let files = debian.sh_ok("f=$(command -v flock); echo $f; ldd $f | grep -o '/[^ ]*'");
    for file in files.lines() {
        let bytes = debian.sh_ok(&format!("base64 -w0 $(readlink -f {file})"));
        host.sh_ok(&format!("mkdir -p {}", file.rsplit_once('/').unwrap().0));
        host.write("/tmp/base64", bytes);
        host.sh_ok(&format!("base64 -d /tmp/base64 >{file}; chmod 755 {file}; rm /tmp/base64"));
    }
    host.sh_ok("flock -h");
}

/// Busybox's `timeout` leaves a process behind that notices within a second that there is nothing left to end.
fn after_timeouts(run: Run) -> Run {
    std::thread::sleep(std::time::Duration::from_millis(1500));
    run
}
