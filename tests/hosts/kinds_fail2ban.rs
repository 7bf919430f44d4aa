//! Jails of the real fail2ban, and people who are really banned.

use crate::comply::Repo;
use crate::life::{Case, told, untouched};
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
        fail2ban-client set sshd addjournalmatch _SYSTEMD_UNIT=other.service
        fail2ban-client set sshd delfailregex 0
        fail2ban-client set sshd addignoreregex 'from 192\.0\.2\.'
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
        (
            "fail2ban/sshd",
            &[
                "file:\n…-maxretry = 3\n+maxretry = 4\n…",
                "findtime: 77 (running) → 600",
                "failregex: …",
                "ignoreregex: 1 pattern (running) → 0 patterns",
                "journalmatch: …_SYSTEMD_UNIT=other.service… (running) → …",
            ],
        ),
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

/// Whether the host can be reached on its port for ssh.
fn reaches(from: &Host, to: &Host) -> bool {
    from.sh(&format!("nc -z -w 2 {} 22", to.address())).success()
}

/// fail2ban notes a ban, also one that it remembers, and then has the firewall put it in force.
fn closes_to(from: &Host, to: &Host) -> bool {
    (0..50).any(|_| !reaches(from, to))
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
            "sshd -T | grep -q persourcepenalties && echo PerSourcePenalties no >/etc/ssh/sshd_config.d/p.conf && systemctl restart ssh || :",
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
        // Of what a process says that ends at once, the journal does not always know the unit: fail2ban does not see it.
        let caught = (0..5).any(|_| {
            attacker.sh_ok(&login);
            host.sh("for _ in $(seq 30); do fail2ban-client get sshd banned | grep -q [0-9] && exit 0; sleep 0.1; done; exit 1").success()
        });
        let logs = "fail2ban-client status sshd; tail -n 30 /var/log/fail2ban.log; journalctl -u ssh -n 30 -o cat";
        assert!(caught, "{}", host.sh_ok(logs));
        let banned = get("banned");
        assert!(banned.contains(&attacker.address().to_string()), "{banned}");
        assert!(
            closes_to(attacker, host),
            "a ban closes the door: {}",
            host.sh_ok("nft list ruleset; tail -n 30 /var/log/fail2ban.log")
        );

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
            ["maxretry: 20 (running) → 7", "ignoreip - 198.51.100.7 (running)"]
        );
        policy.enforce().assert_code(0);
        assert_eq!(get("maxretry"), "7");
        assert!(get("banned") == banned && !reaches(attacker, host), "the ban is in force still");

        // Without an action nobody is banned any more, and a reload does not bring it back.
        host.sh_ok("fail2ban-client set sshd delaction nftables");
        assert_eq!(told(policy.audit().resource("fail2ban/sshd")), ["action: none (running) → nftables"]);
        let run = policy.enforce();
        run.assert_code(0);
        assert!(run.errors.contains("restart sshd, whose bans stay"), "{}", run.shown());
        assert!(get("actions").ends_with("nftables") && get("banned") == banned && closes_to(attacker, host));
    }

    // Looking at a fail2ban that was stopped does not start it.
    bookworm.sh_ok("systemctl stop fail2ban");
    let policy = repo(bookworm, "port: 22, maxretry: 7, findtime: 10m, bantime: 1h");
    let (run, touched) = untouched(std::slice::from_ref(bookworm), || policy.audit());
    assert_eq!(touched, Vec::<String>::new(), "{}", run.shown());
    assert_eq!(told(run.resource("fail2ban/sshd")), ["state: not running, nor is fail2ban itself → running"]);
    assert!(!bookworm.sh("systemctl is-active fail2ban").success());
    policy.enforce().assert_code(0);
    assert!(closes_to(attacker, bookworm), "fail2ban remembers its bans");
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

const MANY: &str = r#"
    packages: [fail2ban, nftables, python3-systemd]
    fail2ban:
      DEFAULT: {banaction: nftables, bantime: 1h}
      sshd: {port: 22, maxretry: 5, findtime: 600s, ignoreip: ["::1"], options: {usedns: "no", mode: aggressive}}
      my:
        filter: sshd
        backend: systemd
        action: "nftables[name=my, port=22]"
        options:
          ignoreself: "true"
          ignorecommand: /bin/false
          maxlines: "10"
          logencoding: utf-8
          datepattern: "%%Y-%%m-%%d"
          bantime.increment: "true"
          bantime.factor: "2"
          bantime.maxtime: 5w
      files: {filter: sshd, backend: polling, logpath: /var/log/dpkg.log, port: 22}
"#;

#[test]
fn what_a_file_says_that_is_read_later_is_found_whatever_the_key() {
    for image in [Image::Bookworm, Image::Trixie] {
        let host = Host::start(image);
        let repo = Repo::new().host(&host).policy(MANY);
        repo.enforce().assert_code(0);
        repo.audit().assert_code(0).assert_all("compliant");
        // What means the same is no difference, nor is what the policy does not speak of.
        host.sh_ok(
            "printf '%s\\n' '[DEFAULT]' 'bantime = 60m' '[sshd]' 'findtime = 10m' 'enabled = yes' 'bantime = 2h' \
             >/etc/fail2ban/jail.d/zzz.local; fail2ban-client reload",
        );
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok(
            "printf '%s\\n' '[DEFAULT]' 'bantime = 5m' '[sshd]' 'port = 9999' 'mode = normal' 'usedns = yes' 'ignoreip = 192.0.2.0/24' \
                 '[my]' 'action = nftables[name=x, port=9]' 'ignorecommand =' '[files]' 'enabled = false' 'filter = dovecot' \
                 'logpath = /var/log/apt/history.log' >/etc/fail2ban/jail.d/zzz.local
             systemctl restart fail2ban; until fail2ban-client status my >/dev/null 2>&1; do sleep 0.2; done",
        );
        let by = "(as loaded: zzz.local is read after comply's file)";
        let audit = repo.audit();
        let found = |name: &str| told(audit.resource(&format!("fail2ban/{name}"))).join("\n").replace(by, "BY");
        assert_eq!(found("DEFAULT"), "bantime: 300 BY → 3600", "{}", audit.shown());
        assert_eq!(
            found("sshd"),
            "port: 9999 BY → 22\nignoreip + ::1 BY\nignoreip - 192.0.2.0/24 BY\noptions/mode: normal BY → aggressive\nusedns: yes BY → no"
        );
        assert_eq!(
            found("my"),
            "action: nftables[name=x, port=9] BY → nftables[name=my, port=22]\noptions/ignorecommand: none BY → /bin/false"
        );
        assert_eq!(
            found("files"),
            "enabled: false BY → true\nfilter: dovecot BY → sshd\nlogpath: /var/log/apt/history.log BY → /var/log/dpkg.log\nstate: not running → running"
        );
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("fail2ban/my")).join("");
        assert!(why.contains("`action` is set by zzz.local"), "{why}");
    }
}

#[test]
fn what_somebody_set_on_the_running_server_is_found_and_put_right_whatever_the_key() {
    for image in [Image::Bookworm, Image::Trixie] {
        let host = Host::start(image);
        let repo = Repo::new().host(&host).policy(MANY);
        repo.enforce().assert_code(0);
        host.sh_ok(
            "set -e
             change() { fail2ban-client set \"$@\" >/dev/null; }
             change my ignorecommand /bin/true; change my ignoreself false; change my maxlines 50; change my logencoding ascii
             change my datepattern %d; change my bantime.increment false; change my bantime.factor 3; change my bantime.maxtime 1w
             change my action nftables port 23
             # Of these no file speaks.
             change sshd ignoreself false; change sshd bantime.formula 'ban.Time * 2'; change sshd ignorecache 'key=\"<ip>\"'
             # As many as before.
             change sshd addfailregex 'from <HOST>'; change sshd delfailregex 0; change sshd prefregex '^x <F-CONTENT>.+</F-CONTENT>$'
             change files dellogpath /var/log/dpkg.log",
        );
        let audit = repo.audit();
        let found = |name: &str| told(audit.resource(&format!("fail2ban/{name}"))).join("\n").replace(" (running)", "");
        assert_eq!(
            found("my"),
            "options/maxlines: 50 → 10\noptions/logencoding: ascii → utf-8\n\
             options/datepattern: %d → %Y-%m-%d\noptions/ignoreself: false → true\n\
             options/ignorecommand: /bin/true → /bin/false\n\
             options/bantime.increment: false → true\noptions/bantime.factor: 3 → 2\n\
             options/bantime.maxtime: 604800 → 3024000\nport/nftables: 23 → 22",
            "{}",
            audit.shown()
        );
        let sshd = found("sshd");
        for words in [
            "options/ignoreself: false → true",
            "options/ignorecache: ['<ip>', 100, 300] → none",
            "options/bantime.formula: ban.Time * 2 → none",
            "options/prefregex: ^x (?P<content>.+)$ → ",
            "failregex: from ",
        ] {
            assert!(sshd.contains(words), "{words}\n{sshd}");
        }
        assert_eq!(found("files"), "logpath: none → /var/log/dpkg.log");
        assert_eq!(audit.verdict("fail2ban/DEFAULT"), "compliant");
        repo.enforce().assert_code(0);
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok("test \"$(fail2ban-client get my ignorecommand)\" = /bin/false");
    }
}

#[test]
fn while_fail2ban_cannot_read_its_files_no_jail_is_as_it_should_be() {
    for image in [Image::Bookworm, Image::Trixie] {
        let host = Host::start(image);
        let repo = Repo::new().host(&host).policy(MANY);
        repo.enforce().assert_code(0);
        host.sh_ok(
            "fail2ban-client set sshd maxretry 42; printf '[sshd]\\nkaputt\\n' >/etc/fail2ban/jail.d/aa.local; ! fail2ban-client -t",
        );
        let audit = repo.audit();
        audit.assert_code(2);
        let why = "fail2ban cannot read its files: Source contains parsing errors: '/etc/fail2ban/jail.d/aa.local'";
        for jail in ["DEFAULT", "sshd", "my", "files"] {
            let found = told(audit.resource(&format!("fail2ban/{jail}")));
            assert_eq!(found, [format!("loaded: {why} → as the files say")], "{}", audit.shown());
        }
        let run = repo.enforce();
        run.assert_code(4);
        let refused = told(run.resource("fail2ban/sshd")).join("");
        assert!(refused.contains(why) && refused.contains("put that right by hand"), "{refused}");

        // What is wrong with one jail is said of that one; what is wrong in comply's own file, comply puts right.
        host.sh_ok("rm /etc/fail2ban/jail.d/aa.local; mv /etc/fail2ban/filter.d/dovecot.conf /root");
        host.sh_ok("printf '[my]\\nfilter = dovecot\\n' >/etc/fail2ban/jail.d/zzz.local");
        let found = told(repo.audit().resource("fail2ban/my")).join("\n");
        assert!(found.contains("loaded: fail2ban cannot load it: Unable to read the filter 'dovecot'"), "{found}");
        host.sh_ok("rm /etc/fail2ban/jail.d/zzz.local; echo kaputt >>/etc/fail2ban/jail.d/zz-comply.local");
        repo.audit().assert_code(2);
        repo.enforce().assert_code(0);
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok("test \"$(fail2ban-client get sshd maxretry)\" = 5");
    }
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
