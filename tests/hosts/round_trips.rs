//! What the kinds with services of their own cost in round trips, once all is as it should be.

use crate::comply::{Repo, Run};
use crate::kinds_compose::engine;
use crate::life::{COUNTED, DOCKERS, sessions};
use fleet::Host;
use std::collections::BTreeMap;

/// What every host has.
const ORDINARY: &str = r#"
groups: {crew: {members: [alice, bob]}}
users:
  alice: {groups: [adm], shell: /bin/bash}
  bob: {shell: /bin/sh}
  former: absent
ssh_keys:
  alice: {keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvVFuSWZ/NyRjZO0PxdWw/dgVcNUASbgMGSOivVprSc]}
sudoers: {crew: {users: ['%crew'], commands: [/usr/bin/id], nopasswd: true}}
packages: {curl: present, tinyproxy: absent}
files:
  /etc/motd: {content: "Welcome.\n"}
  /home/alice/.profile: {content: "umask 027\n", owner: alice}
directories: {/srv/data: {mode: 0750, group: crew}}
links: {/etc/localtime: {target: /usr/share/zoneinfo/UTC}}
services: {cron: {running: true, enabled: true, restart_on: [file//etc/motd]}}
cron: {tidy: {schedule: "@daily", command: "true"}}
unmanaged: [sudoers, cron]
"#;

const JAILS: &str = r#"
packages: [fail2ban, nftables, python3-systemd]
fail2ban:
  DEFAULT: {banaction: nftables, ignoreip: [127.0.0.1/8, "::1"]}
  sshd: {maxretry: 4, findtime: 10m, bantime: 1h}
  recidive: {logpath: /var/log/fail2ban.log, bantime: 1w}
  slow: {filter: sshd, backend: systemd, maxretry: 20, findtime: 1d}
  fast: {filter: sshd, backend: systemd, maxretry: 2, findtime: 10s}
"#;

const KEYWORDS: &str = r#"
sshd:
  AllowAgentForwarding: no
  AllowStreamLocalForwarding: no
  AllowTcpForwarding: local
  AllowUsers: [root, alice]
  Banner: /etc/issue.net
  Ciphers: [aes256-gcm@openssh.com, aes256-ctr]
  ClientAliveCountMax: 4
  ClientAliveInterval: 5m
  Compression: no
  HostbasedUsesNameFromPacketOnly: no
  ExposeAuthInfo: yes
  FingerprintHash: md5
  GatewayPorts: no
  HostbasedAuthentication: no
  IgnoreRhosts: yes
  IgnoreUserKnownHosts: yes
  KbdInteractiveAuthentication: no
  KexAlgorithms: [curve25519-sha256, diffie-hellman-group16-sha512]
  LogLevel: VERBOSE
  LoginGraceTime: 1m
  MaxAuthTries: 4
  MaxSessions: 20
  MaxStartups: "20:30:60"
  PasswordAuthentication: no
  PermitEmptyPasswords: no
  PermitRootLogin: prohibit-password
  PermitTTY: yes
  PermitTunnel: no
  PermitUserEnvironment: no
  PermitUserRC: no
  PrintLastLog: no
  PrintMotd: no
  PubkeyAuthentication: yes
  RekeyLimit: 1G 1h
  RequiredRSASize: 3072
  StrictModes: yes
  SyslogFacility: AUTH
  TCPKeepAlive: yes
  UseDNS: no
  UsePAM: yes
  VersionAddendum: none
  X11DisplayOffset: 11
  X11Forwarding: no
  X11UseLocalhost: yes
"#;

const STACKS: &str = r#"
services: {docker: {running: true}}
compose:
  one: {source: stacks/one, path: /srv/one, env: {TOKEN: secret}}
  two: {source: stacks/two, path: /srv/two}
  three: {source: stacks/three, path: /srv/three}
"#;

const STACK: &str = r#"
services:
  web: &sleeps
    image: base:1
    command: [sleep, "100000"]
    stop_grace_period: 1s
    init: true
    environment: {TOKEN: "${TOKEN:-none}"}
    healthcheck: {test: [CMD, busybox, "true"], interval: 1s, timeout: 5s, retries: 5}
  worker: {<<: *sleeps, volumes: ["rows:/rows", "./conf:/conf:ro"], depends_on: [web]}
volumes: {rows: {}}
"#;

/// The ordinary rest, and what comes on top of it.
fn repo(hosts: &[Host], more: &[&str]) -> Repo {
    let repo = hosts.iter().fold(Repo::new(), Repo::host).policy(ORDINARY);
    let repo = ["one", "two", "three"].iter().fold(repo, |repo, name| {
        let stack = format!("stacks/{name}");
        repo.file(&format!("{stack}/compose.yml"), STACK).file(&format!("{stack}/conf/a.conf"), "a\n")
    });
    more.iter().enumerate().fold(repo, |repo, (number, policy)| {
        repo.file(&format!("policies/more-{number}.yml"), format!("hosts: [all]\n{policy}"))
    })
}

/// What a run did, and how many scripts each host was sent meanwhile, as its own sshd counts them.
fn counted(hosts: &[Host], run: impl FnOnce() -> Run) -> (Run, BTreeMap<String, usize>) {
    let before: Vec<_> = hosts.iter().map(sessions).collect();
    let run = run();
    let counts = hosts.iter().zip(before).map(|(host, before)| (host.name().to_owned(), sessions(host) - before));
    (run, counts.collect())
}

#[test]
fn stacks_jails_and_keywords_add_at_most_two_round_trips_to_an_audit() {
    let hosts = Host::start_all(&DOCKERS);
    std::thread::scope(|scope| {
        for host in &hosts {
            scope.spawn(|| {
                host.sh_ok(&format!("set -eu\n{COUNTED}\n{}\nimage base:1", engine!()));
                // The same in other words: only sshd itself can tell, when it is asked once more.
                host.sh_ok(
                    "printf 'Match User nobody\\n\\tPermitRootLogin without-password\\n' >>/etc/ssh/sshd_config
                    reload_sshd",
                );
                let before = sessions(host);
                for _ in 0..3 {
                    host.ssh("true");
                }
                assert_eq!(sessions(host) - before, 3, "every script is counted");
            });
        }
    });
    let all = repo(&hosts, &[JAILS, KEYWORDS, STACKS]);
    let (enforced, changing) = counted(&hosts, || all.enforce());
    enforced.assert_code(0);

    let (plain, ordinary) = counted(&hosts, || repo(&hosts, &[]).audit());
    let (full, with_services) = counted(&hosts, || all.audit());
    plain.assert_code(0).assert_all("compliant");
    full.assert_code(0).assert_all("compliant");
    for host in &hosts {
        let of = |kind: &str| {
            full.host(host.name()).resources.iter().filter(|known| known.id.starts_with(&format!("{kind}/"))).count()
        };
        let what = (of("compose"), of("fail2ban") - 1, of("sshd"));
        assert!(what.0 >= 3 && what.1 >= 4 && what.2 >= 40, "stacks, jails, keywords: {what:?}");
        let (few, many) = (ordinary[host.name()], with_services[host.name()]);
        assert!(few >= 1 && many <= few + 2, "{:?}: {few} round trips without, {many} with", host.image());
        // A run with more of them would be seen.
        assert!(changing[host.name()] > few + 2, "{changing:?}");
    }
}
