//! Keys in files that sshd has been told to read, beside the usual ones or in their place.

use crate::comply::Repo;
use crate::life::{DEBIANS, told};
use fleet::{Fleet, Host};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWKUStty8yLnKX5GuNTmV76JVAqZoMJwUpaXB8eV5N5";
const FINGERPRINT: &str = "SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y";

/// Whether somebody with the key of the tests becomes alice.
fn opens_alice(host: &Host) -> bool {
    let run = Repo::new().host_with(host, "user: alice, become: none").policy("files: {/etc/none: absent}").audit();
    match run.code {
        0 => true,
        3 => false,
        _ => panic!("{}", run.shown()),
    }
}

fn alice(key: &str) -> String {
    format!("ssh_keys: {{alice: {{keys: [\"{key}\"]}}}}")
}

#[test]
fn a_key_in_any_file_that_sshd_reads_is_seen_and_taken_out() {
    let ours = Fleet::get().public_key();
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(&format!(
            "useradd -m alice && mkdir /etc/ssh/keys && echo '{ours}' >/etc/ssh/keys/alice
            install -d -m 700 -o alice -g alice /home/alice/.ssh
            echo '{KEY}' >/home/alice/.ssh/authorized_keys && chown alice: /home/alice/.ssh/authorized_keys
            echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/team.conf
            reload_sshd"
        ));
        assert!(opens_alice(&host));
        let repo = Repo::new().host(&host).policy(&alice(KEY));
        let run = repo.audit();
        run.assert_code(2);
        let found = told(run.resource("ssh_key/alice")).join("\n");
        assert!(found.starts_with("keys - SHA256:") && found.ends_with(", in /etc/ssh/keys/alice"), "{}", run.shown());
        repo.enforce().assert_code(0).assert_all("changed");
        assert!(!opens_alice(&host), "the key is taken out");
        repo.audit().assert_code(0);
        assert_eq!(
            host.sh_ok("cat /etc/ssh/keys/alice; cut -d' ' -f1,2 /home/alice/.ssh/authorized_keys"),
            format!("{KEY}\n")
        );
    }
}

#[test]
fn keys_that_open_every_account_are_told_and_left_to_people() {
    let ours = Fleet::get().public_key();
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(&format!(
            "useradd -m alice && echo '{ours}' >/etc/ssh/everybody
            echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/everybody' >/etc/ssh/sshd_config.d/team.conf
            reload_sshd"
        ));
        assert!(opens_alice(&host));
        let repo = Repo::new().host(&host).policy("ssh_keys: {alice: {keys: []}}");
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("ssh_key/alice")).join("");
        assert!(
            why.contains("/etc/ssh/everybody opens every account, so no key is taken out of it"),
            "{}",
            run.shown()
        );
        assert_eq!(host.sh_ok("cat /etc/ssh/everybody"), format!("{ours}\n"));
        // As a key of alice's it may be there.
        Repo::new().host(&host).policy(&alice(&ours).replace("]}", "], exclusive: false}")).enforce().assert_code(0);
    }
}

#[test]
fn keys_where_sshd_does_not_look_are_drift_for_whom_it_concerns() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(
            "useradd -m alice && useradd -m bob
            printf 'Match user alice\\n\\tAuthorizedKeysFile /etc/ssh/keys/%%u\\n' >/etc/ssh/sshd_config.d/team.conf
            mkdir /etc/ssh/keys && reload_sshd",
        );
        let both = format!("ssh_keys: {{alice: {{keys: [\"{KEY}\"]}}, bob: {{keys: [\"{KEY}\"]}}}}");
        let run = Repo::new().host(&host).policy(&both).enforce();
        run.assert_code(4);
        assert_eq!(run.verdict("ssh_key/bob"), "changed", "{}", run.shown());
        let why = told(run.resource("ssh_key/alice")).join("");
        assert!(why.contains("sshd looks for keys of alice in /etc/ssh/keys/alice; set AuthorizedKeysFile"), "{why}");
        host.sh_ok("test ! -e /home/alice/.ssh && grep -q ssh-ed25519 /home/bob/.ssh/authorized_keys");

        let run = Repo::new().host(&host).policy(&both).audit();
        run.assert_code(2);
        assert_eq!(
            told(run.resource("ssh_key/alice")),
            [
                "path: sshd looks in /etc/ssh/keys/alice → in /home/alice/.ssh/authorized_keys".into(),
                format!("keys + {FINGERPRINT}"),
            ]
        );
        // Where sshd looks, they open the account.
        let ours = Fleet::get().public_key();
        let there = alice(&ours).replace("]}", "], path: /etc/ssh/keys/%u}");
        Repo::new().host(&host).policy(&there).enforce().assert_code(0).assert_all("changed");
        assert!(opens_alice(&host));
    }
}

#[test]
fn the_file_and_the_option_that_names_it_come_in_one_go() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok("useradd -m alice");
        let ours = Fleet::get().public_key();
        let policy = format!(
            "directories: {{/etc/ssh/keys: {{mode: \"0755\"}}}}
ssh_keys:
  alice: {{keys: [\"{ours}\"], path: /etc/ssh/keys/%u}}
  root: {{keys: [\"{ours}\"], path: /etc/ssh/keys/%u}}
sshd: {{AuthorizedKeysFile: /etc/ssh/keys/%u}}"
        );
        let repo = Repo::new().host(&host).policy(&policy);
        repo.enforce().assert_code(0).assert_all("changed");
        repo.audit().assert_code(0);
        assert!(opens_alice(&host));
    }
}

#[test]
fn a_configuration_that_sshd_cannot_read_leaves_the_keys_unknown() {
    let host = Host::start(DEBIANS[0]);
    host.sh_ok("printf 'AuthorizedKeysFile /etc/ssh/keys/%%u\\nNonsense yes\\n' >/etc/ssh/sshd_config.d/team.conf");
    let run = Repo::new()
        .host(&host)
        .policy("ssh_keys: {root: {absent_keys: [\"SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y\"]}}")
        .audit();
    run.assert_code(3);
    let why = run.resource("ssh_key/root").reason.clone().unwrap_or_default();
    assert!(why.contains("sshd does not say where it looks for keys: /etc/ssh/sshd_config.d/team.conf"), "{why}");
}
