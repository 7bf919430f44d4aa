//! Changes of the session's own account and keys go behind the switch.

use crate::comply::Repo;
use fleet::{Host, Image};

pub const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@else";

/// An account `ops` that the fleet's key opens, and that is root by sudo.
pub fn host(image: Image) -> Host {
    let host = Host::start(image);
    host.sh_ok(
        "useradd -m -s /bin/bash ops
        cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh
        echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops",
    );
    host
}

/// Enforces as `ops`.
fn enforce(host: &Host, policy: &str) -> crate::comply::Run {
    Repo::new().host_with(host, "user: ops, revert_after: 20s").policy(policy).enforce()
}

/// Everything that the switch puts back.
pub const GROUND: &str =
    "set -- /home/ops/.ssh /home/ops/.ssh/* /etc/sudoers.d/* /etc/passwd /etc/shadow /etc/group /etc/gshadow
    stat -c '%A %U %G %n' \"$@\"; cat \"$@\" 2>/dev/null | sha256sum; ls -A /home/ops/.ssh /etc/sudoers.d
    ls -d /etc/.comply* /var/backups/comply/switch /etc/systemd/system/comply-switch.service 2>/dev/null || :";

#[test]
fn keys_of_the_session_are_changed_behind_the_switch_and_stay_if_it_comes_in() {
    for image in [Image::Bookworm, Image::Trixie] {
        let host = host(image);
        host.sh_ok(&format!("echo '{OTHER_KEY}' >>/home/ops/.ssh/authorized_keys"));
        let own = host.fleet().public_key();
        let run = enforce(&host, &format!("ssh_keys: {{ops: {{keys: [\"{own}\"]}}}}"));
        run.assert_code(0).assert_all("changed");
        assert!(run.errors.contains("guarded, since it changes the keys of ops"), "{}", run.shown());
        assert_eq!(host.sh_ok("cat /home/ops/.ssh/authorized_keys").trim(), own);
        let left = host.sh_ok("ls -A /home/ops/.ssh; ls -A /run/comply; systemctl list-units --no-legend 'comply-*'");
        assert_eq!(left, "authorized_keys\nlock\n");
    }
}

#[test]
fn a_service_that_follows_a_guarded_file_is_restarted_after_it() {
    let host = Host::start(Image::Bookworm);
    let repo = Repo::new().host(&host).policy(
        "files: {/etc/ssh/sshd_config.d/50-few.conf: {content: \"MaxSessions 7\\n\"}}
services: {ssh: {running: true, restart_on: [file//etc/ssh/sshd_config.d/50-few.conf]}}",
    );
    let run = repo.enforce();
    run.assert_code(0).assert_all("changed");
    assert!(run.errors.contains("guarded, since it changes the SSH server"), "{}", run.shown());
    repo.enforce().assert_code(0).assert_all("kept");
}

/// From now on sshd lets `ops` in only as long as there is one key in the file.
pub const ONE_KEY: &str = r#"cat >/usr/local/bin/one-key <<'end'
#!/bin/sh
[ "$(wc -l <"$HOME/.ssh/authorized_keys")" = 1 ] && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
end
    chmod 755 /usr/local/bin/one-key
    printf 'Match User ops\n ForceCommand /usr/local/bin/one-key\n' >/etc/ssh/sshd_config.d/50-keys.conf
    reload_sshd"#;

#[test]
fn keys_with_which_sshd_lets_nobody_in_are_put_back() {
    let host = host(Image::Bookworm);
    host.sh_ok(ONE_KEY);
    let before = host.sh_ok(GROUND);
    let own = host.fleet().public_key();
    let run = enforce(&host, &format!("ssh_keys: {{ops: {{keys: [\"{own}\", \"{OTHER_KEY}\"]}}}}"));
    run.assert_code(4);
    assert_eq!(run.verdict("ssh_key/ops"), "reverted", "{}", run.shown());
    assert_eq!(host.sh_ok(GROUND), before);
}

#[test]
fn an_account_is_put_back_if_nobody_comes_in_as_it() {
    let host = host(Image::Trixie);
    // A shell that exists, and lets nobody do anything.
    host.sh_ok("printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/shell; chmod 755 /usr/local/bin/shell");
    let before = host.sh_ok(GROUND);
    let run = enforce(&host, "users: {ops: {shell: /usr/local/bin/shell}}");
    run.assert_code(4);
    assert_eq!(run.verdict("user/ops"), "reverted", "{}", run.shown());
    let why = run.resource("user/ops").reason.clone().unwrap_or_default();
    assert!(why.contains("lets comply in again"), "{why}");
    assert_eq!(host.sh_ok(GROUND), before);
}

#[test]
fn rights_are_put_back_if_they_do_not_come_any_more() {
    let host = host(Image::Bookworm);
    let before = host.sh_ok(GROUND);
    // The name is still in it, and visudo has nothing against it.
    let content = "ops ALL=(ALL) NOPASSWD: /bin/true\\n";
    let policy =
        format!("files: {{/etc/sudoers.d/ops: {{content: \"{content}\", mode: 0440, validate: \"visudo -cf {{}}\"}}}}");
    let run = enforce(&host, &policy);
    run.assert_code(4);
    assert_eq!(run.verdict("file//etc/sudoers.d/ops"), "reverted", "{}", run.shown());
    assert_eq!(host.sh_ok(GROUND), before);
}

#[test]
fn accounts_and_keys_of_others_are_changed_without_the_switch() {
    let host = host(Image::Bookworm);
    let policy = format!("users: {{alice: {{shell: /bin/bash}}}}\nssh_keys: {{alice: {{keys: [\"{OTHER_KEY}\"]}}}}");
    let run = enforce(&host, &policy);
    run.assert_code(0).assert_all("changed");
    assert!(!run.errors.contains("guarded"), "{}", run.shown());
}

#[test]
fn what_needs_a_guarded_change_comes_after_it_and_is_blocked_if_that_is_undone() {
    let host = host(Image::Trixie);
    host.sh_ok("printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/shell; chmod 755 /usr/local/bin/shell");
    let policy = "
        users: {ops: {shell: /usr/local/bin/shell}}
        files:
          /home/ops/after: {content: x, owner: ops, requires: [user/ops]}
          /etc/beside: {content: x}
    ";
    let run = enforce(&host, policy);
    run.assert_code(4);
    let verdicts = ["user/ops", "file//home/ops/after", "file//etc/beside"].map(|id| run.verdict(id));
    assert_eq!(verdicts, ["reverted", "blocked", "changed"], "{}", run.shown());
}

#[test]
fn files_without_which_nobody_logs_in_are_put_back() {
    let taken = [
        ("file//etc/passwd", "files: {/etc/passwd: absent}"),
        ("file//etc/shadow", "files: {/etc/shadow: {content: \"x\\n\"}}"),
        ("file//etc/nologin", "files: {/etc/nologin: {content: \"closed\\n\"}}"),
        ("file//etc/hosts.deny", "files: {/etc/hosts.deny: {content: \"sshd: ALL\\n\"}}"),
        ("file//etc/ssh/ssh_host_ed25519_key", "files: {/etc/ssh/ssh_host_ed25519_key: absent}"),
        // Where sshd looks for its keys besides.
        ("file//etc/ssh/keys/ops", "files: {/etc/ssh/keys/ops: {content: \"x\\n\"}}"),
        // Its home is not where most are.
        ("file//srv/ops/.bashrc", "files: {/srv/ops/.bashrc: {content: \"exit 1\\n\", owner: ops}}"),
        ("link//bin/sh", "links: {/bin/sh: absent}"),
    ];
    std::thread::scope(|scope| {
        for image in [Image::Bookworm, Image::Trixie] {
            scope.spawn(move || {
                let host = host(image);
                host.sh_ok(
                    "usermod -d /srv/ops -m ops && mkdir /etc/ssh/keys && mv /srv/ops/.ssh/authorized_keys /etc/ssh/keys/ops
                    echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/keys.conf
                    reload_sshd",
                );
                let state = "cat /etc/passwd /etc/shadow /etc/ssh/ssh_host_ed25519_key /etc/ssh/keys/ops | sha256sum
                    stat -c '%A %U %G %N' /bin/sh /etc/nologin /etc/hosts.deny /srv/ops/.* /etc/ssh/* /etc/ssh/keys/* 2>/dev/null || :";
                let before = host.sh_ok(state);
                for (id, policy) in taken {
                    let run = enforce(&host, policy);
                    run.assert_code(4);
                    assert_eq!(run.verdict(id), "reverted", "{policy} on {image:?}{}", run.shown());
                    assert_eq!(host.sh_ok(state), before, "{policy} on {image:?}");
                }
            });
        }
    });
}
