//! What a session stands on is not taken away: refused before anything is done, said why, and the host is reached as
//! before.

use crate::comply::{Repo, Run};
use fleet::{Host, Image};

const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@else";

/// An account `ops` that the fleet's key opens, and that is root by its group.
fn host() -> Host {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "groupadd admins && useradd -m -s /bin/bash -G admins ops
        cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh
        printf '%%admins ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/admins && chmod 440 /etc/sudoers.d/admins",
    );
    host
}

/// Enforces a policy that would lock `comply` out by this resource, which is refused in these words; all else is done.
#[track_caller]
fn assert_refused(host: &Host, settings: &str, policy: &str, id: &str, words: &[&str]) {
    for connection in ["ssh", "openssh"] {
        let settings = format!("connection: {connection}, {settings}");
        let before = host.sh_ok(GROUND);
        let run = enforce(host, &settings, policy);
        run.assert_code(4);
        let resource = run.resource(id);
        let reason = resource.reason.clone().unwrap_or_default();
        assert_eq!(resource.verdict.to_string(), "failed", "{policy}{}", run.shown());
        assert!(reason.starts_with("refused: "), "{policy}: {reason}");
        for word in words {
            assert!(reason.contains(word), "{policy}: no `{word}` in: {reason}");
        }
        assert_eq!(host.sh_ok(GROUND), before, "{policy}{}", run.shown());
        let again = repository(host, &settings, policy).audit();
        assert_eq!(again.code, 2, "the host is reached as before, {policy}{}", again.shown());
    }
}

/// All that a session may stand on.
const GROUND: &str = "cat /etc/passwd /etc/shadow /etc/group /etc/sudoers.d/*; ls -ld /home/ops
    cat /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys";

fn repository(host: &Host, settings: &str, policy: &str) -> Repo {
    Repo::new().host_with(host, settings).policy(policy)
}

/// Enforces it, and a file beside it.
fn enforce(host: &Host, settings: &str, policy: &str) -> Run {
    let beside = "hosts: [all]\nfiles: {/etc/beside: {content: \"done\\n\"}}\n";
    let repo = repository(host, settings, policy).file("policies/beside.yml", beside);
    let run = repo.run(&["enforce", "--yes", "--allow-destroy=*"]);
    let done = run.resource("file//etc/beside").verdict.to_string();
    assert!(["changed", "kept"].contains(&&*done), "{}", run.shown());
    run
}

const AS_OPS: &str = "user: ops";

#[test]
fn the_account_of_the_session_is_not_removed_locked_or_expired() {
    let host = host();
    let cases = [
        "users: {ops: absent}",
        "users: {ops: {state: absent, remove_home: true}}",
        "users: {ops: {locked: true}}",
        "users: {ops: {expires: 2020-01-01}}",
        "users: {ops: {shell: /usr/sbin/nologin}}",
        "users: {ops: {home: /home/elsewhere}}",
    ];
    for policy in cases {
        assert_refused(&host, AS_OPS, policy, "user/ops", &["logged in as ops", "somebody else"]);
    }
    // Whoever it is.
    let before = host.sh_ok(GROUND);
    let run = enforce(&host, AS_OPS, "users: {ops: {shell: /no/such/shell}}");
    let reason = run.resource("user/ops").reason.clone().unwrap_or_default();
    assert!(reason.starts_with("there is no /no/such/shell on this host, so sshd would let nobody in"), "{reason}");
    assert_eq!(host.sh_ok(GROUND), before, "{}", run.shown());
    assert_refused(&host, "user: root", "users: {root: {locked: true}}", "user/root", &["logged in as root"]);
    assert_refused(&host, AS_OPS, "users: {root: {locked: true}}", "user/root", &["root"]);
}

#[test]
fn the_key_of_the_session_is_not_removed_or_restricted() {
    let host = host();
    let own = host.fleet().public_key();
    for (settings, account) in [(AS_OPS, "ops"), ("user: root", "root")] {
        let id = format!("ssh_key/{account}");
        let cases = [
            format!("ssh_keys: {{{account}: {{keys: [\"{OTHER_KEY}\"]}}}}"),
            format!("ssh_keys: {{{account}: {{keys: []}}}}"),
            format!("ssh_keys: {{{account}: {{absent_keys: [\"{own}\"]}}}}"),
            format!("ssh_keys: {{{account}: {{keys: ['command=\"/bin/false\" {own}']}}}}"),
            format!("ssh_keys: {{{account}: {{keys: ['from=\"192.0.2.1\" {own}', \"{OTHER_KEY}\"]}}}}"),
        ];
        for policy in cases {
            assert_refused(&host, settings, &policy, &id, &["key"]);
        }
    }
}

#[test]
fn a_key_of_somebody_else_is_removed_from_the_account_of_the_session() {
    let host = host();
    let own = host.fleet().public_key();
    host.sh_ok(&format!("echo '{OTHER_KEY}' >>/home/ops/.ssh/authorized_keys"));
    let policy = format!("ssh_keys: {{ops: {{keys: [\"{own}\"]}}}}");
    let run = repository(&host, AS_OPS, &policy).enforce();
    run.assert_code(0).assert_all("changed");
    assert_eq!(host.sh_ok("wc -l </home/ops/.ssh/authorized_keys").trim(), "1");
}

#[test]
fn the_group_that_makes_the_session_root_is_not_taken_away() {
    let host = host();
    for (policy, id) in [
        ("groups: {admins: absent}", "group/admins"),
        ("groups: {admins: {members: []}}", "group/admins"),
        ("users: {ops: {groups: [], exclusive: true}}", "user/ops"),
    ] {
        assert_refused(&host, AS_OPS, policy, id, &["admins", "/etc/sudoers.d/admins"]);
    }
    host.sh_ok("groupadd plain && usermod -aG plain ops");
    // A group that opens nothing may go.
    let policy = "groups: {plain: absent}";
    repository(&host, AS_OPS, policy).enforce().assert_code(0).assert_all("changed");
}

#[test]
fn the_last_key_of_root_is_not_removed() {
    let host = host();
    let policy = "ssh_keys: {root: {keys: []}}";
    let settings = format!("connection: docker, address: {}, become: none", host.name());
    let inside = Repo::new().host_at(host.name(), &settings).policy(policy);
    let run = inside.enforce();
    run.assert_code(4);
    assert!(run.resource("ssh_key/root").reason.as_deref().unwrap_or_default().contains("last key"), "{}", run.shown());
    assert_eq!(host.sh_ok("wc -l </root/.ssh/authorized_keys").trim(), "1");
}

#[test]
fn the_file_that_makes_the_session_root_is_not_taken_away() {
    let host = host();
    let id = "file//etc/sudoers.d/admins";
    let check = "validate: \"visudo -cf {}\"";
    assert_refused(&host, AS_OPS, "files: {/etc/sudoers.d/admins: absent}", id, &["admins", "somebody else"]);
    let other = format!("files: {{/etc/sudoers.d/admins: {{content: \"%other ALL=(ALL) ALL\\n\", {check}}}}}");
    assert_refused(&host, AS_OPS, &other, id, &["admins", "somebody else"]);
    let unchecked = "files: {/etc/sudoers.d/admins: {content: \"%admins ALL=(ALL) NOPASSWD: ALL\\nmistake\\n\"}}";
    assert_refused(&host, AS_OPS, unchecked, id, &["validate: visudo -cf {}"]);
    let fine = format!(
        "files: {{/etc/sudoers.d/admins: {{content: \"%admins ALL=(ALL) NOPASSWD: ALL\\n%other ALL=(ALL) ALL\\n\", {check}}}}}"
    );
    repository(&host, AS_OPS, &fine).enforce().assert_code(0).assert_all("changed");
}

#[test]
fn the_rule_of_sudo_that_makes_the_session_root_is_not_taken_away() {
    let host = host();
    for rule in [
        "absent",
        "{users: ['%other'], commands: ALL, nopasswd: true}",
        "{users: ['%admins'], commands: [/usr/bin/id], nopasswd: true}",
        "{users: ['%admins'], run_as: www-data, commands: ALL, nopasswd: true}",
        // It would be asked for a password now.
        "{users: ['%admins'], commands: ALL}",
        "{content: \"%other ALL=(ALL) ALL\\n\"}",
    ] {
        let policy = format!("sudoers: {{admins: {rule}}}");
        assert_refused(
            &host,
            AS_OPS,
            &policy,
            "sudoers/admins",
            &["/etc/sudoers.d/admins says of admins", "somebody else"],
        );
    }
    let policy = "sudoers: {admins: {users: ['%admins', '%other'], run_as: ALL, commands: ALL, nopasswd: true}}";
    repository(&host, AS_OPS, policy).enforce().assert_code(0).assert_all("changed");
    repository(&host, AS_OPS, policy).enforce().assert_code(0).assert_all("kept");
}

#[test]
fn the_files_and_services_a_session_comes_in_by_are_not_taken_away() {
    let host = host();
    for (policy, id) in [
        ("files: {/home/ops/.ssh/authorized_keys: absent}", "file//home/ops/.ssh/authorized_keys"),
        ("files: {/home/ops/.ssh/authorized_keys: {content: \"\"}}", "file//home/ops/.ssh/authorized_keys"),
        ("files: {/home/ops/.ssh/authorized_keys: {owner: nobody}}", "file//home/ops/.ssh/authorized_keys"),
        ("links: {/home/ops/.ssh/authorized_keys: {target: /tmp/keys}}", "link//home/ops/.ssh/authorized_keys"),
        ("directories: {/home/ops: {mode: 0777}}", "directory//home/ops"),
        ("directories: {/home/ops/.ssh: absent}", "directory//home/ops/.ssh"),
        ("directories: {/home/ops: absent}", "directory//home/ops"),
        ("directories: {/etc/ssh: absent}", "directory//etc/ssh"),
        ("directories: {/etc/sudoers.d: absent}", "directory//etc/sudoers.d"),
        ("directories: {/home: {mode: 0750}}", "directory//home"),
        ("services: {ssh: {running: false}}", "service/ssh"),
        ("services: {ssh: {masked: true}}", "service/ssh"),
        ("services: {ssh: {enabled: false}}", "service/ssh"),
        ("packages: {openssh-server: absent}", "package/openssh-server"),
        ("packages: {sudo: absent}", "package/sudo"),
    ] {
        assert_refused(&host, AS_OPS, policy, id, &[]);
    }
}
