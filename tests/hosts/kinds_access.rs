//! What people and jobs may do: sudo and cron.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told, untouched};
use fleet::{Host, Image};

pub const SUDOERS: Case = Case {
    kind: "sudoers",
    policy: r#"
        packages: [sudo]
        groups: {ops: present}
        users: {deploy: present, member: {groups: [ops]}}
        sudoers:
          ops: {users: ["%ops"], run_as: "ALL:ALL", commands: ALL, nopasswd: true}
          deploy:
            users: [deploy]
            commands: ["/usr/bin/env a=b,c:d#e", "/usr/bin/id \"\"", /usr/bin/cat /srv/*.log]
            nopasswd: true
          as-member: {users: deploy, run_as: member, commands: [/usr/bin/whoami], nopasswd: true}
          broken: {users: [deploy], commands: [/usr/bin/true], nopasswd: true}
          readable: {users: [deploy], commands: [/usr/bin/true]}
          linked: {users: [deploy], commands: [/usr/bin/true]}
          commented: {users: [deploy], commands: [/usr/bin/true]}
          hardening: {content: "Defaults !lecture\n"}
          gone: absent
          never: absent
    "#,
    files: &[],
    broken: r#"
        groupadd ops
        useradd -m deploy
        useradd -m -G ops member
        cd /etc/sudoers.d
        echo 'deploy ALL=(ALL NOPASSWD: /usr/bin/true' >broken
        printf 'deploy ALL= /usr/bin/true\n' >readable
        printf '# Somebody wrote this.\n\ndeploy ALL= /usr/bin/true\n' >commented
        echo '%ops ALL=(ALL) ALL' >gone
        echo 'deploy ALL=(ALL) ALL' >/srv/elsewhere
        ln -s /srv/elsewhere linked
        chmod 440 broken commented gone
        chown daemon readable
    "#,
    destroys: &[],
    found: &[
        ("sudoers/ops", &["state: absent → present"]),
        ("sudoers/deploy", &["state: absent → present"]),
        ("sudoers/as-member", &["state: absent → present"]),
        (
            "sudoers/broken",
            &["content:\n@@ -1 +1 @@\n-deploy ALL=(ALL NOPASSWD: /usr/bin/true\n+deploy ALL=NOPASSWD: /usr/bin/true\n"],
        ),
        ("sudoers/readable", &["mode: 0644 → 0440", "owner: number 1 → root"]),
        ("sudoers/linked", &["state: a link → a file"]),
        ("sudoers/hardening", &["state: absent → present"]),
        ("sudoers/gone", &["state: present → absent"]),
    ],
    proof: r#"
        visudo -c
        cd /
        # deploy may do just this, and member everything.
        may() { su deploy -s /bin/sh -c 'exec sudo -n "$0" "$@"' -- "$@"; }
        touch /srv/one.log
        may /usr/bin/env 'a=b,c:d#e'
        may /usr/bin/id
        may /usr/bin/cat /srv/one.log
        ! may /usr/bin/id -u
        ! may /usr/bin/env 'a=b,c:d#e' true
        ! may /usr/bin/cat /etc/shadow
        test "$(may -u member /usr/bin/whoami)" = member
        ! may /usr/bin/whoami
        test "$(su member -s /bin/sh -c 'sudo -n -u deploy -g adm /usr/bin/id -un')" = deploy
        test "$(su member -s /bin/sh -c 'sudo -n /usr/bin/id -u')" = 0
        test "$(stat -c '%U %G %a %F' /etc/sudoers.d/* | grep -v README | sort -u)" = 'root root 440 regular file'
        test ! -e /etc/sudoers.d/gone
        grep -q ALL /srv/elsewhere
        ls -A /etc/sudoers.d | grep comply && exit 1 || :
    "#,
};

pub const CRON: Case = Case {
    kind: "cron",
    policy: r#"
        packages: [cron]
        users: {backup: {system: true}}
        cron:
          dump:
            schedule: "30 4 * * mon-fri"
            user: backup
            command: date +%F >/tmp/x; echo 'a # b'
            env: {MAILTO: "", NOTE: "it's = fine"}
          reboot: {schedule: "@reboot", command: "true"}
          changed: {schedule: "@daily", command: "true"}
          unended: {schedule: "@daily", command: "true"}
          open: {schedule: "@daily", command: "true"}
          copied: {schedule: "@daily", command: "true"}
          by-ansible: {schedule: "*/5 0-6,22 1 jan,jul 0", command: "true"}
          gone: absent
          never: absent
    "#,
    files: &[],
    broken: r#"
        cd /etc/cron.d
        echo '@daily root false' >changed
        printf '@daily root true' >unended
        echo '@daily root true' >open
        chmod 666 open
        echo '@daily root true' >copied
        ln copied /srv/by-a-backup
        printf '#Ansible: five\n*/5 0-6,22 1 jan,jul 0 root true\n' >by-ansible
        echo '* * * * * root true' >gone
    "#,
    destroys: &[],
    found: &[
        ("cron/dump", &["state: absent → present"]),
        ("cron/reboot", &["state: absent → present"]),
        ("cron/changed", &["content:\n@@ -1 +1 @@\n-@daily root false\n+@daily root true\n"]),
        ("cron/unended", &["content:…"]),
        ("cron/open", &["mode: 0666 → 0644"]),
        ("cron/copied", &["state: present under 2 names, so cron does not read it → present"]),
        ("cron/gone", &["state: present → absent"]),
    ],
    proof: r#"
        test "$(stat -c '%U %G %a' /etc/cron.d/dump)" = 'root root 644'
        test ! -e /etc/cron.d/gone
        # What cron itself makes of it: it complains of what it cannot read, in its log; of what was broken it may have.
        cursor=$(journalctl -q -n 0 --show-cursor | sed 's/^-- cursor: //')
        systemctl restart cron
        sleep 1
        journalctl --sync
        test "$(stat -c %h /etc/cron.d/copied /srv/by-a-backup | xargs)" = '1 1'
        said=$(journalctl -q -u cron -o cat --after-cursor="$cursor")
        test -n "$said"
        ! echo "$said" | grep -i -e error -e 'missing newline' -e 'bad '
    "#,
};

#[test]
fn a_rule_that_breaks_sudo_as_a_whole_is_undone_and_the_old_one_stays() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok(
            "cd /etc/sudoers.d; echo 'User_Alias TEAM = root' >first; echo 'Defaults !lecture' >second; chmod 440 *",
        );
        let before = host.sh_ok("cd /etc/sudoers.d; ls -lA --time-style=full-iso; cat *");
        let repo = Repo::new().host(&host).policy(
            r#"
            sudoers:
              second: {content: "User_Alias TEAM = nobody\n"}
              third: {content: "User_Alias TEAM = nobody\n"}
              bad: {content: "Defaults use_pty\nmistake here\n"}
              fine: {content: "Defaults use_pty\n"}
            "#,
        );
        let run = repo.enforce();
        run.assert_code(4);
        for (id, words) in [
            ("sudoers/second", "with it sudo's configuration as a whole has a mistake, so it was undone: "),
            ("sudoers/third", "with it sudo's configuration as a whole has a mistake, so it was undone: "),
            ("sudoers/bad", "its check refused it: visudo -cf {}"),
        ] {
            let why = told(run.resource(id)).join("");
            assert!(why.starts_with("failed: ") && why.contains(words), "{why}{}", run.shown());
        }
        assert_eq!(run.verdict("sudoers/fine"), "changed", "{}", run.shown());
        host.sh_ok("visudo -c && rm /etc/sudoers.d/fine");
        assert_eq!(host.sh_ok("cd /etc/sudoers.d; ls -lA --time-style=full-iso | sed 1d; cat *"), {
            before.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
        });
    }
}

#[test]
fn files_that_break_sudo_together_are_put_right_together() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("cd /etc/sudoers.d; for name in a b c; do echo mistake $name >$name; chmod 440 $name; done");
    let repo = Repo::new().host(&host).policy(
        r#"
        sudoers:
          a: {users: [root], commands: ALL}
          b: {users: [root], commands: ALL}
        "#,
    );
    // What somebody else broke is theirs to mend.
    repo.enforce().assert_code(0).assert_all("changed");
    assert!(!host.sh("visudo -c").success());
    host.sh_ok("rm /etc/sudoers.d/c; visudo -c");
}

#[test]
fn what_the_policy_takes_away_is_an_error_where_it_is_named() {
    let host = Host::start(Image::Bookworm);
    for (policy, words) in [
        ("users: {zoe: absent}\nsudoers: {zoe: {users: [zoe], commands: ALL}}", "sudoers/zoe needs user/zoe"),
        ("groups: {ops: absent}\nsudoers: {ops: {users: ['%ops'], commands: ALL}}", "sudoers/ops needs group/ops"),
        ("packages: {sudo: absent}\nsudoers: {ops: {users: [root], commands: ALL}}", "sudoers/ops needs package/sudo"),
        ("users: {zoe: absent}\ncron: {zoe: {schedule: '@daily', user: zoe, command: x}}", "cron/zoe needs user/zoe"),
    ] {
        let check = Repo::new().host(&host).policy(policy).check();
        check.assert_code(1);
        assert!(check.errors.contains(words), "{}", check.shown());
    }
}

#[test]
fn a_job_without_cron_or_account_is_drift_that_says_what_to_do() {
    let host = Host::start(Image::Trixie);
    host.sh_ok("dpkg --purge cron >/dev/null 2>&1; mkdir -p /etc/cron.d");
    let repo = Repo::new().host(&host).policy("cron: {dump: {schedule: '@daily', user: zoe, command: dump}}");
    assert_eq!(
        told(repo.audit().resource("cron/dump")),
        [
            "state: absent → present",
            "user: there is no account zoe → zoe",
            "command: nothing here runs jobs: cron is not installed → run by cron"
        ]
    );
    let run = repo.enforce();
    run.assert_code(4);
    assert_eq!(
        told(run.resource("cron/dump")),
        ["failed: cron is not on this host, so nothing would run the job: declare `packages: [cron]`"]
    );
    assert_eq!(host.sh_ok("ls /etc/cron.d | grep dump || :"), "");
}

#[test]
fn a_job_runs_as_it_is_written() {
    let host = Host::start(Image::Bookworm);
    let repo = Repo::new().host(&host).policy(
        r#"
        cron:
          proof:
            schedule: "@reboot"
            command: printf '%s|%s|%s' "$NOTE" 'a\b' "$(date +%Y)" >/run/proof
            env: {NOTE: "it's 100% = # fine"}
        "#,
    );
    repo.enforce().assert_code(0).assert_all("changed");
    // Jobs for the boot run once: when cron starts and this is not there yet.
    let said = host.sh_ok(
        "rm -f /run/crond.reboot /var/run/crond.reboot; systemctl restart cron
         for _ in $(seq 50); do test -s /run/proof && break; sleep 0.1; done; cat /run/proof",
    );
    let year = host.sh_ok("date +%Y");
    assert_eq!(said, format!("it's 100% = # fine|a\\b|{}", year.trim()));
}

#[test]
fn without_root_what_cannot_be_seen_is_unknown() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "useradd -m -s /bin/sh ops; cp -r /root/.ssh /home/ops/; chown -R ops: /home/ops/.ssh
         echo 'root ALL=(ALL) ALL' >/etc/sudoers.d/all; chmod 440 /etc/sudoers.d/all",
    );
    let policy = "sudoers: {all: {users: [root], commands: ALL}}";
    let run = Repo::new().host_with(&host, "user: ops, become: none").policy(policy).audit();
    let why = told(run.resource("sudoers/all")).join("");
    assert!(why.starts_with("unknown: not allowed to look"), "{why}{}", run.shown());
}

#[test]
fn what_nobody_declares_is_reported_and_never_removed() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok(
            r#"set -eu
            for name in ann eve svc-pad; do useradd -m $name; done
            useradd -r -d /srv/robot -m robot
            for name in ann eve robot; do
                home=$(getent passwd $name | cut -d: -f6)
                mkdir -m 700 "$home/.ssh"
                cp /root/.ssh/authorized_keys "$home/.ssh/"
                chown -R $name: "$home/.ssh"
            done
            : >/home/svc-pad/.ssh-no
            echo 'eve ALL=(ALL) ALL' >/etc/sudoers.d/eve
            echo 'ann ALL=(ALL) ALL' >/etc/sudoers.d/ann
            cp /etc/sudoers.d/eve /etc/sudoers.d/old.bak
            chmod 440 /etc/sudoers.d/*
            echo '@daily root true' >/etc/cron.d/hand-made
            echo '@daily root true' >/etc/cron.d/by-file
            useradd -m -s /bin/sh ops
            cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh"#,
        );
        let policy = r#"
            users: {ann: present, ops: present, gone: absent}
            ssh_keys: {ann: {exclusive: false}, ops: {exclusive: false}}
            sudoers: {ann: {content: "ann ALL=(ALL) ALL\n"}}
            files: {/etc/cron.d/by-file: {content: "@daily root true\n"}}
            unmanaged:
              users: {except: ["svc-*"]}
              ssh_keys: {except: [root]}
              sudoers: {}
              cron: {except: [e2scrub_all]}
            "#;
        let found = [
            ("unmanaged/users", vec!["undeclared - eve (number 1001)"]),
            (
                "unmanaged/ssh_keys",
                vec![
                    "undeclared - /home/eve/.ssh/authorized_keys of eve",
                    "undeclared - /srv/robot/.ssh/authorized_keys of robot",
                ],
            ),
            ("unmanaged/sudoers", vec!["undeclared - /etc/sudoers.d/eve"]),
            ("unmanaged/cron", vec!["undeclared - /etc/cron.d/hand-made"]),
        ];
        let hosts = [host];
        let repo = Repo::new().host(&hosts[0]).policy(policy);
        let (audit, touched) = untouched(&hosts, || repo.audit());
        audit.assert_code(2);
        assert_eq!(touched, Vec::<String>::new());
        let (enforce, touched) = untouched(&hosts, || repo.enforce());
        assert_eq!(touched, Vec::<String>::new());
        enforce.assert_code(2);
        for (id, lines) in &found {
            assert_eq!(told(audit.resource(id)), *lines, "{}", audit.shown());
            assert_eq!(told(enforce.resource(id)), *lines, "{}", enforce.shown());
            let held = enforce.resource(id).held.clone().unwrap_or_default();
            assert!(held.starts_with("what nobody declares is only reported: "), "{held}");
        }
        assert!(audit.text.contains("2 things are there that no policy declares"), "{}", audit.shown());

        let run = Repo::new().host_with(&hosts[0], "user: ops, become: none").policy(policy).audit();
        let why = told(run.resource("unmanaged/ssh_keys")).join("");
        assert!(why.starts_with("unknown: not allowed to look: /root"), "{why}{}", run.shown());
        assert_eq!(told(run.resource("unmanaged/users")), found[0].1, "{}", run.shown());
    }
}
