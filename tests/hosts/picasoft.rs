//! The machines of the association, as its example has them.

use crate::comply::{Repo, Run};
use crate::examples::{copied, example};
use fleet::{Host, Image};
use reports::Verdict;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The example with some of its machines for real: their names stay, their addresses change.
pub struct Picasoft {
    repo: Repo,
    keys: Keyring,
    limit: String,
}

impl Picasoft {
    /// These machines, by their names.
    pub fn on(hosts: &[(&str, &Host)]) -> Self {
        let repo = Repo::new();
        copied(&example("picasoft"), repo.path());
        let keys = Keyring::of(&repo.path().join("example-key.asc"));
        let names: Vec<&str> = hosts.iter().map(|(name, _)| *name).collect();
        let picasoft = Self { repo, keys, limit: format!("--limit={}", names.join(",")) };
        hosts.iter().fold(picasoft, |picasoft, (name, host)| picasoft.reached(name, host))
    }

    fn reached(self, name: &str, host: &Host) -> Self {
        let inventory = fs::read_to_string(self.repo.path().join("inventory.yml")).unwrap();
        let line = inventory.lines().find(|line| line.trim_start().starts_with(&format!("{name}: {{")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {inventory}"));
        let (before, after) = line.split_once("address: ").unwrap();
        let rest = after.find([',', '}']).map(|end| &after[end..]).unwrap();
        let address = format!(
            "{before}address: \"{}\", user: root, identity: \"{}\", known_hosts: \"{}\"{rest}",
            host.address(),
            host.fleet().key().display(),
            host.known_hosts_file().display()
        );
        self.edited("inventory.yml", line, &address)
    }

    /// The same with something else in one of its files.
    pub fn edited(mut self, path: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.repo.path().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}:\n{text}");
        self.repo = self.repo.file(path, text.replace(from, to));
        self
    }

    /// `comply ARGS` on these machines, by somebody who can open its secrets.
    pub fn run(&self, args: &[&str]) -> Run {
        let mut command = self.repo.command(&[args, &[self.limit.as_str()]].concat());
        command.env("GNUPGHOME", self.keys.0.path());
        self.repo.finish(command)
    }

    /// There is nothing to tell and nothing to do.
    pub fn assert_in_order(&self) {
        for (command, well) in [(&["audit"][..], Verdict::Compliant), (&["enforce", "--yes"], Verdict::Kept)] {
            let run = self.run(command);
            run.assert_code(0);
            for host in &run.report().hosts {
                for resource in &host.resources {
                    let wanted = match (host.name.as_str(), resource.id.as_str()) {
                        ("pica01", "ssh_key/chloe") => Verdict::Waived,
                        _ if resource.verdict == Verdict::Skipped => continue,
                        _ => well,
                    };
                    assert_eq!(resource.verdict, wanted, "{}: {resource:?}{}", host.name, run.shown());
                }
            }
        }
    }
}

#[test]
fn picasoft_converges_on_real_hosts() {
    let hosts = Host::start_all(&[Image::Bookworm, Image::Trixie]);
    hosts[0].sh_ok("useradd -m antoine");
    for host in &hosts {
        host.sh_ok("groupadd ops && useradd -r -m -g ops mirror");
        host.sh_ok(
            r"printf 'Match User mirror\n\tForceCommand internal-sftp\n\tPermitTTY no\n' >>/etc/ssh/sshd_config",
        );
        host.sh_ok("reload_sshd");
    }
    let picasoft = Picasoft::on(&[("hv1", &hosts[0]), ("pica02", &hosts[1])]);
    picasoft.run(&["audit"]).assert_code(2);
    picasoft.run(&["enforce", "--yes"]).assert_code(0);
    picasoft.assert_in_order();
    hosts[0].sh_ok("! getent passwd antoine; id -nG alice | grep -w ops; test -s /home/chloe/.ssh/authorized_keys");
    hosts[1].sh_ok(
        "systemctl is-active memcached; grep -q Picasoft /etc/motd; getent shadow rescue | grep -qF ':$6$examplesalt$'",
    );
    for host in &hosts {
        // The blocks that were there still work, and sshd does what the policy says beside them.
        let mirror = host.sh_ok("sshd -T -C user=mirror,host=x,addr=192.0.2.1");
        for line in ["forcecommand internal-sftp", "permittty no", "passwordauthentication no", "allowgroups ops"] {
            assert!(mirror.lines().any(|said| said == line), "{line}: {mirror}");
        }
        assert!(!host.sh_ok("sshd -T -C user=alice,host=x,addr=192.0.2.1").contains("internal-sftp"));
        assert_eq!(host.sh_ok("fail2ban-client get sshd maxretry"), "5\n");
    }
}

/// A directory with one key in it, for gpg. Its agent ends with it.
struct Keyring(tempfile::TempDir);

impl Keyring {
    fn of(key: &Path) -> Self {
        // Short: the path of the agent's socket is in it.
        let keyring = Self(
            tempfile::Builder::new()
                .prefix("gpg")
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in("/tmp")
                .unwrap(),
        );
        let mut gpg = Command::new("gpg");
        let done = gpg.args(["--batch", "--quiet", "--import"]).arg(key).env("GNUPGHOME", keyring.0.path()).status();
        assert!(done.unwrap().success(), "tests/run installs gnupg and pass");
        keyring
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).status();
    }
}
