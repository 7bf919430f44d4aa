//! sshd's configuration on real hosts: one file of ours, judged by what holds, `Match` blocks and the distribution's file left
//! alone.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told};
use fleet::{Host, Image};

pub const SSHD: Case = Case {
    kind: "sshd",
    policy: r#"
        sshd:
          PermitRootLogin: prohibit-password
          passwordauthentication: no
          LoginGraceTime: 2m
          ClientAliveInterval: {value: 5m, severity: minor}
          X11Forwarding: no
          MaxAuthTries: 4
          MaxSessions: 10
          AllowUsers: [root, "*@192.0.2.1", match]
          Ciphers: [aes256-gcm@openssh.com, aes256-ctr]
          Banner: /etc/issue.net
          LogLevel: VERBOSE
          StrictModes: yes
          DebianBanner: no
    "#,
    files: &[],
    broken: r#"
        useradd -m match
        cat >/etc/ssh/sshd_config.d/50-team.conf <<'end'
        MaxAuthTries 3
        Match User match
            X11Forwarding no
            PermitTTY no
end
        printf '\nMatch Address 192.0.2.0/24\n\tPermitTTY no\n' >>/etc/ssh/sshd_config
        sha256sum /etc/ssh/sshd_config /etc/ssh/sshd_config.d/50-team.conf >/root/sums
        reload_sshd
        systemctl show -p MainPID --value ssh >/root/pid
    "#,
    destroys: &[],
    found: &[
        ("sshd/PasswordAuthentication", &["value: yes (the default) → no"]),
        ("sshd/ClientAliveInterval", &["value: 0 (the default) → 300"]),
        ("sshd/X11Forwarding", &["value: yes (/etc/ssh/sshd_config line …) → no"]),
        ("sshd/MaxAuthTries", &["value: 3 (/etc/ssh/sshd_config.d/50-team.conf line 1) → 4"]),
        ("sshd/AllowUsers", &["value: not set (the default) → root *@192.0.2.1 match"]),
        ("sshd/Ciphers", &["value: …chacha20… (the default) → aes256-gcm@openssh.com,aes256-ctr"]),
        ("sshd/Banner", &["value: none (the default) → /etc/issue.net"]),
        ("sshd/DebianBanner", &["value: … (the default) → no"]),
    ],
    proof: r#"
        sha256sum -c /root/sums
        test "$(systemctl show -p MainPID --value ssh)" = "$(cat /root/pid)"
        test "$(stat -c '%a %U %G' /etc/ssh/sshd_config.d/00-comply.conf)" = '644 root root'
        test "$(sshd -T | grep -c -x -e 'maxauthtries 4' -e 'clientaliveinterval 300' -e 'banner /etc/issue.net')" = 3
        ! timeout 1 nc localhost 22 </dev/null | grep Debian
        test "$(sshd -T -C user=match,host=x,addr=203.0.113.1 | grep -x -e 'permittty no')"
        test "$(sshd -T -C user=root,host=x,addr=192.0.2.1 | grep -x -e 'permittty no')"
        test "$(sshd -T -C user=root,host=x,addr=203.0.113.1 | grep -x -e 'permittty yes')"
        test ! -e /run/comply/switch -a ! -e /var/backups/comply/switch
        ! ls -d /etc/ssh/sshd_config.d/.comply* 2>/dev/null
        ! systemctl list-units --all --no-legend 'comply-switch*' | grep .
    "#,
};

#[test]
fn a_match_block_that_sets_a_keyword_otherwise_is_named_and_not_rewritten() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok(
            "printf 'Match Group sftp\\n  PasswordAuthentication yes\\n  PermitRootLogin prohibit-password\\n' \
             >/etc/ssh/sshd_config.d/80-sftp.conf; reload_sshd",
        );
        let before = host.sh_ok("cat /etc/ssh/sshd_config.d/80-sftp.conf");
        let repo =
            Repo::new().host(&host).policy("sshd: {PasswordAuthentication: no, PermitRootLogin: without-password}");
        let audit = repo.audit();
        let exception = "match/Group sftp: /etc/ssh/sshd_config.d/80-sftp.conf line 2 says yes → as for everybody";
        assert_eq!(
            told(audit.resource("sshd/PasswordAuthentication")),
            ["value: yes (the default) → no", exception],
            "{}",
            audit.shown()
        );
        assert_eq!(audit.verdict("sshd/PermitRootLogin"), "compliant");
        let run = repo.enforce();
        run.assert_code(4);
        let resource = run.resource("sshd/PasswordAuthentication");
        let why = resource.reason.clone().unwrap_or_default();
        assert!(why.contains("80-sftp.conf line 2") && why.contains("waiver"), "{why}{}", run.shown());
        // What comply can do, it did.
        assert_eq!(told(repo.audit().resource("sshd/PasswordAuthentication")), [exception]);
        assert_eq!(host.sh_ok("cat /etc/ssh/sshd_config.d/80-sftp.conf"), before);
    }
}

#[test]
fn a_match_all_is_named_and_not_what_stands_outside_of_it() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok(
            "printf 'Match User nobody\\n  MaxSessions 3\\nMatch all\\n  AllowTcpForwarding local\\n  LogLevel DEBUG\\n' \
             >/etc/ssh/sshd_config.d/50-x.conf; reload_sshd",
        );
        let repo = Repo::new().host(&host).policy("sshd: {AllowTcpForwarding: no, LogLevel: DEBUG, MaxAuthTries: 4}");
        for _ in 0..2 {
            let found = told(repo.audit().resource("sshd/AllowTcpForwarding"));
            assert_eq!(found, ["match/all: /etc/ssh/sshd_config.d/50-x.conf line 4 says local → as for everybody"]);
            let run = repo.enforce();
            run.assert_code(4);
            let why = run.resource("sshd/AllowTcpForwarding").reason.clone().unwrap_or_default();
            assert!(why.contains("50-x.conf line 4 sets AllowTcpForwarding otherwise, for Match all"), "{why}");
        }
        let audit = repo.audit();
        assert_eq!([audit.verdict("sshd/LogLevel"), audit.verdict("sshd/MaxAuthTries")], ["compliant"; 2]);
    }
}

#[test]
fn a_match_by_port_or_address_of_the_server_is_judged_like_others() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok(
            "printf 'Match LocalPort 2222\\n  MaxAuthTries 9\\nMatch LocalAddress 192.0.2.1\\n  PermitTTY no\\n' \
             >/etc/ssh/sshd_config.d/50-x.conf; reload_sshd",
        );
        let repo = Repo::new().host(&host).policy("sshd: {MaxAuthTries: 4, MaxSessions: 5}");
        repo.enforce().assert_code(4);
        let audit = repo.audit();
        assert_eq!(
            told(audit.resource("sshd/MaxAuthTries")),
            ["match/LocalPort 2222: /etc/ssh/sshd_config.d/50-x.conf line 2 says 9 → as for everybody"],
            "{}",
            audit.shown()
        );
        assert_eq!(audit.verdict("sshd/MaxSessions"), "compliant");
        // What sshd does not take at all is told in its words.
        host.sh_ok("printf 'Match Colour red\\n  MaxAuthTries 9\\n' >/etc/ssh/sshd_config.d/50-x.conf");
        let why = told(repo.audit().resource("sshd/MaxAuthTries")).join("");
        assert!(why.starts_with("unknown: ") && why.contains("Colour"), "{why}");
    }
}

#[test]
fn a_drop_in_that_would_not_count_is_said_with_file_and_line() {
    let cases = [
        (
            "printf 'PermitRootLogin yes\\n' >/etc/ssh/sshd_config.d/00-a.conf",
            "PermitRootLogin: no",
            "/etc/ssh/sshd_config.d/00-a.conf line 1 sets it before",
        ),
        ("sed -i /^Include/d /etc/ssh/sshd_config", "X11Forwarding: no", "as the first line of /etc/ssh/sshd_config"),
        (
            "sed -i '/^Include/d; $a MaxAuthTries 3\\nInclude /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config",
            "MaxAuthTries: 4",
            "sets it before",
        ),
        ("printf 'AcceptEnv SECRET\\n' >/etc/ssh/sshd_config.d/70-env.conf", "AcceptEnv: [LANG]", "adds "),
        (
            "echo 'SSHD_OPTS=\"-o MaxSessions=7\"' >/etc/default/ssh; systemctl restart ssh",
            "MaxSessions: 8",
            "SSHD_OPTS in /etc/default/ssh",
        ),
        (
            "mkdir /etc/systemd/system/ssh.service.d
            printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D -o MaxSessions=7 $SSHD_OPTS\\n' >/etc/systemd/system/ssh.service.d/x.conf
            systemctl daemon-reload; systemctl restart ssh",
            "MaxSessions: 8",
            "ExecStart of ssh.service",
        ),
    ];
    for (broken, wanted, words) in cases {
        let host = Host::start(Image::Trixie);
        host.sh_ok(&format!("{broken}; reload_sshd"));
        let repo = Repo::new().host(&host).policy(&format!("sshd: {{{wanted}}}"));
        let run = repo.enforce();
        run.assert_code(4);
        let id = format!("sshd/{}", wanted.split(':').next().unwrap_or_default());
        let why = told(run.resource(&id)).join("");
        assert!(why.starts_with("failed: ") && why.contains(words), "{wanted}: {why}{}", run.shown());
        host.sh_ok("test ! -e /etc/ssh/sshd_config.d/00-comply.conf");
    }
}

#[test]
fn a_configuration_that_sshd_has_not_read_yet_is_drift_and_left_to_a_person() {
    for image in DEBIANS {
        let host = Host::start(image);
        host.sh_ok("echo 'X11Forwarding no' >/etc/ssh/sshd_config.d/10-team.conf");
        let repo = Repo::new().host(&host).policy("sshd: {X11Forwarding: no, MaxAuthTries: 6}");
        let audit = repo.audit();
        let told = told(audit.resource("sshd/X11Forwarding")).join("");
        assert!(
            told.starts_with("running: sshd has not read /etc/ssh/sshd_config.d/10-team.conf since it changed ("),
            "{told}{}",
            audit.shown()
        );
        assert_eq!(audit.verdict("sshd/MaxAuthTries"), "compliant");
        let run = repo.enforce();
        run.assert_code(4);
        assert!(run.text.contains("reload ssh yourself"), "{}", run.shown());
        host.sh_ok("reload_sshd");
        repo.audit().assert_code(0);
    }
}

#[test]
fn keywords_of_others_in_the_drop_in_stay() {
    let host = Host::start(Image::Bookworm);
    Repo::new().host(&host).policy("sshd: {MaxAuthTries: 3, MaxSessions: 5}").enforce().assert_code(0);
    // One is no longer named, the other one is held to audit.
    let repo = Repo::new().host(&host).policy("sshd: {MaxSessions: {value: 6, mode: audit}, LoginGraceTime: 20s}");
    repo.enforce().assert_code(2);
    let file = host.sh_ok("grep -v '^#' /etc/ssh/sshd_config.d/00-comply.conf");
    assert_eq!(file, "LoginGraceTime 20s\nMaxAuthTries 3\nMaxSessions 5\n");
}

#[test]
fn without_sshd_nobody_can_tell_until_its_package_is_there() {
    let host = Host::start(Image::Busybox);
    let settings = format!("connection: docker, address: {}, become: none", host.name());
    let run = Repo::new().host_at(host.name(), &settings).policy("sshd: {MaxAuthTries: 3}").audit();
    run.assert_code(3);
    assert_eq!(told(run.resource("sshd/MaxAuthTries")), ["unknown: there is no sshd on the host"]);
}
