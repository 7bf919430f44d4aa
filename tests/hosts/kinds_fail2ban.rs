//! Jails of the real fail2ban, and people who are really banned.

use crate::comply::Repo;
use crate::life::{Case, lives, told, untouched};
use fleet::{Host, Image};

const PACKAGES: &str = "apt-get -q -y install fail2ban nftables python3-systemd >/dev/null 2>&1";

pub const FAIL2BAN: Case = Case {
    kind: "fail2ban",
    policy: r#"
        packages: [fail2ban, nftables, python3-systemd]
        fail2ban:
          DEFAULT: {banaction: nftables, ignoreip: [127.0.0.1/8, "::1"]}
          sshd: {maxretry: 4, findtime: 10m, bantime: 1h}
          recidive: {logpath: /var/log/fail2ban.log, bantime: 1w}
          team: {enabled: false}
    "#,
    files: &[],
    broken: r#"
        apt-get -q -y install fail2ban nftables python3-systemd >/dev/null 2>&1
        printf '%s\n' '[DEFAULT]' 'bantime = 5m' '[team]' 'enabled = true' 'filter = sshd' 'backend = systemd' \
            'banaction = nftables' >/etc/fail2ban/jail.local
        printf '%s\n' '# Written by somebody.' '[sshd]' 'enabled = true' 'backend = systemd' 'banaction = nftables' \
            'maxretry = 3' '[dropped]' 'enabled = false' >/etc/fail2ban/jail.d/zz-comply.local
        chmod 644 /etc/fail2ban/jail.d/zz-comply.local
        # It notes in its database that it has read of a login in the journal, ours too.
        printf '[Definition]\ndbfile = :memory:\n' >/etc/fail2ban/fail2ban.local
        systemctl restart fail2ban
        until fail2ban-client status team >/dev/null 2>&1; do sleep 0.2; done
        fail2ban-client set sshd findtime 77
    "#,
    destroys: &[],
    found: &[
        (
            "fail2ban/DEFAULT",
            &[
                "file:\n…+ignoreip = 127.0.0.1/8 ::1\n+banaction = nftables\n",
                "file: /etc/fail2ban/jail.d/zz-comply.local has mode 0644 and is of 0:0 → mode 0600 and root's",
                "file - [dropped], which no policy declares any more",
            ],
        ),
        ("fail2ban/sshd", &["file:\n…-maxretry = 3\n+maxretry = 4\n…", "findtime: 77 (running) → 600"]),
        ("fail2ban/recidive", &["file:\n…+[recidive]\n+enabled = true\n…", "state: not running → running"]),
        ("fail2ban/team", &["file:\n…+enabled = false\n", "state: running → not running"]),
    ],
    proof: r#"
        test "$(fail2ban-client get sshd maxretry)" = 4
        test "$(fail2ban-client get sshd findtime)" = 600
        test "$(fail2ban-client get sshd bantime)" = 3600
        test "$(fail2ban-client get sshd actions | tail -n 1)" = nftables
        test "$(fail2ban-client get recidive bantime)" = 604800
        ! fail2ban-client status team
        test "$(stat -c '%U %G %a' /etc/fail2ban/jail.d/zz-comply.local)" = 'root root 600'
        ! grep dropped /etc/fail2ban/jail.d/zz-comply.local
        grep -q 'bantime = 5m' /etc/fail2ban/jail.local
        systemctl is-active fail2ban
    "#,
};
lives!(fail2ban, FAIL2BAN);

/// Whether the host can be reached on its port for ssh.
fn reaches(from: &Host, to: &Host) -> bool {
    from.sh(&format!("nc -z -w 2 {} 22", to.address())).success()
}

/// The port is a number: these hosts have no /etc/services that could tell what `ssh` is.
fn repo(host: &Host, jail: &str) -> Repo {
    Repo::new().host(host).policy(&format!(
        "packages: [fail2ban, nftables, python3-systemd]\nfail2ban:\n  DEFAULT: {{banaction: nftables}}\n  sshd: {{{jail}}}\n"
    ))
}

#[test]
fn from_a_bare_host_to_bans_that_survive_changes_of_the_jail() {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Trixie, Image::Bookworm]);
    let [bookworm, trixie, attacker] = hosts.as_slice() else { panic!("three hosts") };
    for host in [bookworm, trixie] {
        // sshd of Debian 13 has penalties of its own, which would come first.
        host.sh_ok(
            "sshd -T | grep -q persourcepenalties && echo PerSourcePenalties no >/etc/ssh/sshd_config.d/p.conf && systemctl reload ssh || :",
        );
        repo(host, "port: 22, maxretry: 5, findtime: 10m, bantime: 1h").enforce().assert_code(0).assert_all("changed");
        let get = |what: &str| host.sh_ok(&format!("fail2ban-client get sshd {what}")).trim().to_owned();
        assert_eq!([get("maxretry"), get("findtime"), get("bantime")], ["5", "600", "3600"]);
        repo(host, "port: 22, maxretry: 5, findtime: 10m, bantime: 1h").enforce().assert_code(0).assert_all("kept");

        let login = format!(
            "for _ in 1 2 3 4 5 6; do
                 said=$(ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null nobody-here@{} true 2>&1)
                 case $said in *denied*) exit 0 ;; esac
                 sleep 1
             done
             echo \"$said\"; exit 1",
            host.address()
        );
        for _ in 0..4 {
            attacker.sh_ok(&login);
        }
        host.sh_ok("sleep 1");
        assert!(reaches(attacker, host), "four failures are not five");
        attacker.sh_ok(&login);
        host.sh_ok(
            "for _ in $(seq 100); do fail2ban-client get sshd banned | grep -q [0-9] && exit 0; sleep 0.1; done
             fail2ban-client status sshd; tail -n 30 /var/log/fail2ban.log; journalctl -u ssh -n 30 -o cat; exit 1",
        );
        let banned = get("banned");
        assert!(banned.contains(&attacker.address().to_string()), "{banned}");
        let closed = (0..50).any(|_| !reaches(attacker, host));
        assert!(closed, "a ban closes the door: {}", host.sh_ok("nft list ruleset; tail -n 30 /var/log/fail2ban.log"));

        let run = repo(host, "port: 22, maxretry: 7, findtime: 10m, bantime: 1h").enforce();
        run.assert_code(0);
        assert_eq!(run.verdict("fail2ban/sshd"), "changed");
        assert!(run.errors.contains("reload sshd, whose bans stay"), "{}", run.shown());
        assert_eq!(get("maxretry"), "7");
        assert!(get("banned") == banned && !reaches(attacker, host), "the ban is in force still");

        host.sh_ok("fail2ban-client set sshd maxretry 20; fail2ban-client set sshd addignoreip 198.51.100.7");
        let policy = repo(host, "port: 22, maxretry: 7, findtime: 10m, bantime: 1h");
        assert_eq!(
            told(policy.audit().resource("fail2ban/sshd")),
            ["maxretry: 20 (running) → 7", "ignoreip: 198.51.100.7 (running) → none"]
        );
        policy.enforce().assert_code(0);
        assert_eq!(get("maxretry"), "7");
        assert!(get("banned") == banned && !reaches(attacker, host), "the ban is in force still");
    }

    // Looking at a fail2ban that was stopped does not start it.
    bookworm.sh_ok("systemctl stop fail2ban");
    let policy = repo(bookworm, "port: 22, maxretry: 7, findtime: 10m, bantime: 1h");
    let (run, touched) = untouched(std::slice::from_ref(bookworm), || policy.audit());
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    assert_eq!(told(run.resource("fail2ban/sshd")), ["state: not running, nor is fail2ban itself → running"]);
    assert!(!bookworm.sh("systemctl is-active fail2ban").success());
    policy.enforce().assert_code(0);
    assert!(!reaches(attacker, bookworm), "fail2ban remembers its bans");
}

#[test]
fn what_fail2ban_cannot_use_is_refused_and_the_old_jail_runs_on() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(&format!("{PACKAGES}; true"));
    // As Debian 12 comes, without a log of sshd.
    let policy = |jail: &str| Repo::new().host(&host).policy(&format!("fail2ban: {{sshd: {{{jail}}}}}"));
    let audit = policy("backend: auto, banaction: nftables").audit();
    let found = told(audit.resource("fail2ban/sshd"));
    assert_eq!(
        found.last().map(String::as_str),
        Some(
            "state: not running: Have not found any log file for sshd jail; where the journal has the log, it needs `backend: systemd` → running"
        ),
        "{}",
        audit.shown()
    );
    let run = policy("backend: auto, banaction: nftables").enforce();
    run.assert_code(4);
    let why = told(run.resource("fail2ban/sshd")).join("");
    assert!(why.contains("nothing was changed: ") && why.contains("backend: systemd"), "{why}");

    policy("banaction: nftables").enforce().assert_code(0).assert_all("changed");
    let file =
        "cat /etc/fail2ban/jail.d/zz-comply.local; systemctl show -p MainPID fail2ban; fail2ban-client status sshd";
    let before = host.sh_ok(file);
    let run = policy("banaction: nftables, filter: no-such-filter").enforce();
    run.assert_code(4);
    let why = told(run.resource("fail2ban/sshd")).join("");
    assert!(why.contains("fail2ban cannot use it, so nothing was changed: "), "{why}");
    assert_eq!(host.sh_ok(file), before);

    // A file that is read later says otherwise.
    host.sh_ok("printf '[sshd]\\nmaxretry = 9\\n' >/etc/fail2ban/jail.d/zz-team.local; fail2ban-client reload");
    let policy = policy("banaction: nftables, maxretry: 3");
    policy.enforce();
    let run = policy.enforce();
    run.assert_code(4);
    let why = told(run.resource("fail2ban/sshd")).join("");
    assert!(why.contains("`maxretry` is set by zz-team.local in /etc/fail2ban/jail.d"), "{why}");
    let audit = policy.audit();
    assert_eq!(
        told(audit.resource("fail2ban/sshd")),
        ["maxretry: 9 (as loaded: zz-team.local is read after comply's file) → 3"],
        "{}",
        audit.shown()
    );
}

#[test]
fn without_root_nobody_may_ask_fail2ban() {
    let host = Host::start(Image::Trixie);
    host.sh_ok(&format!(
        "{PACKAGES}; useradd -m -s /bin/sh ops; cp -r /root/.ssh /home/ops/; chown -R ops: /home/ops/.ssh
         until fail2ban-client ping >/dev/null; do sleep 0.2; done"
    ));
    let run = Repo::new().host_with(&host, "user: ops, become: none").policy("fail2ban: {sshd: {maxretry: 5}}").audit();
    let why = told(run.resource("fail2ban/sshd")).join("");
    assert!(why.starts_with("unknown: not allowed to look: Permission denied: only root may ask fail2ban"), "{why}");
}
