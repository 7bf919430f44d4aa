//! Where packages come from.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told};
use fleet::Host;
use std::path::Path;
use std::process::Command;

/// A directory of packages, `directory NAME`, with the package NAME-tool in it.
macro_rules! directory {
    () => {
        r#"
        directory() {
            mkdir -p /run/build/DEBIAN "/srv/$1" && cd "/srv/$1"
            printf 'Package: %s-tool\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' "$1" \
                >/run/build/DEBIAN/control
            dpkg-deb -b /run/build tool.deb >/dev/null
            { dpkg-deb -f tool.deb; echo Filename: ./tool.deb; echo Size: $(stat -c %s tool.deb)
              echo SHA256: $(sha256sum tool.deb | cut -c1-64); } >Packages
        }
        "#
    };
}

pub const APT_REPOSITORY: Case = Case {
    kind: "apt_repository",
    policy: r#"
        apt_repositories:
          team: {uris: "file:/srv/team", suites: ./, trusted: true}
          edited: {uris: "file:/srv/edited", suites: ./, trusted: true}
          open: {uris: "file:/srv/open", suites: ./, trusted: true}
          by-hand: {uris: "file:/srv/hand", suites: ./, trusted: true, architectures: [amd64, all]}
          old: absent
          never: absent
        packages: [team-tool, edited-tool]
    "#,
    files: &[],
    broken: concat!(
        directory!(),
        r#"
        for name in team edited open hand old; do directory $name; done
        cd /etc/apt/sources.list.d
        source() { printf 'Types: deb\nURIs: file:/srv/%s\nSuites: ./\nTrusted: yes\n' "$2" >"$1.sources"; }
        source edited elsewhere
        source open open
        source old old
        chmod 666 open.sources
        printf '# By hand.\nTrusted: yes\nTypes: deb\nuris: file:/srv/hand\nSuites:\n ./\nArchitectures: amd64 all\n' \
            >by-hand.sources
        "#
    ),
    destroys: &[],
    found: &[
        ("apt_repository/team", &["state: absent → present"]),
        (
            "apt_repository/edited",
            &[
                "content:\n@@ -1,4 +1,4 @@\n Types: deb\n-URIs: file:/srv/elsewhere\n+URIs: file:/srv/edited\n Suites: ./\n Trusted: yes\n",
            ],
        ),
        ("apt_repository/open", &["mode: 0666 → 0644"]),
        ("apt_repository/old", &["state: present → absent"]),
        ("package/team-tool", &["state: absent → present"]),
        ("package/edited-tool", &["state: absent → present"]),
    ],
    proof: r#"
        apt-get indextargets | grep -q 'Repo-URI: file:/srv/team/'
        apt-cache policy team-tool | grep -q 'file:/srv/team'
        test -z "$(apt-cache policy old-tool | grep /srv/old)"
        dpkg -s team-tool edited-tool >/dev/null
        test "$(stat -c '%U %G %a' /etc/apt/sources.list.d/team.sources)" = 'root root 644'
        test ! -e /etc/apt/sources.list.d/old.sources
    "#,
};

/// A maker of signatures, on this machine.
struct Signer {
    dir: tempfile::TempDir,
}

impl Signer {
    fn new() -> Self {
        let signer = Self { dir: tempfile::Builder::new().prefix("sign").tempdir_in("/tmp").expect("a directory") };
        signer.run("apt-ftparchive packages . >Packages && apt-ftparchive release . >Release");
        for name in ["old", "new"] {
            let make = "gpg -q --batch --passphrase '' --quick-gen-key";
            signer.run(&format!(
                "{make} {name}@example.org ed25519 sign never && gpg --armor --export {name}@example.org >{name}.asc"
            ));
        }
        signer
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, script: &str) {
        let mut command = Command::new("sh");
        command.args(["-euc", script]).current_dir(self.path()).env("GNUPGHOME", self.path());
        let output = command.output().expect("sh");
        assert!(output.status.success(), "{script}: {output:?}");
    }

    fn key(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(format!("{name}.asc"))).expect("a key")
    }

    /// Signs what the host offers in /srv/signed, with this key.
    fn sign(&self, host: &Host, name: &str) {
        std::fs::write(self.path().join("Packages"), host.sh_ok("cat /srv/signed/Packages")).expect("a file");
        self.run(&format!(
            "rm -f Release InRelease; apt-ftparchive release . >Release; gpg -q --batch -u {name}@example.org -o InRelease --clearsign Release"
        ));
        host.write("/srv/signed/InRelease", std::fs::read(self.path().join("InRelease")).expect("a file"));
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        self.run("gpgconf --kill gpg-agent || :");
    }
}

#[test]
fn a_signed_repository_brings_its_package_and_its_key_is_replaced() {
    let signer = Signer::new();
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(concat!("set -eu\n", directory!(), "directory signed; rm -f /srv/signed/Release"));
        signer.sign(&host, "old");
        let repo = |key: &str| {
            Repo::new().host(&host).file("keys/team.asc", signer.key(key)).policy(
                r#"
                apt_repositories: {team: {uris: "file:/srv/signed", suites: ./, key: keys/team.asc}}
                packages: [signed-tool]
                "#,
            )
        };
        repo("old").enforce().assert_code(0).assert_all("changed");
        host.sh_ok("dpkg -s signed-tool");
        repo("old").enforce().assert_code(0).assert_all("kept");

        // The repository is still signed with the old key: what worked stays.
        let file = "cat /etc/apt/sources.list.d/team.sources";
        let before = host.sh_ok(file);
        let run = repo("new").enforce();
        run.assert_code(4);
        let why = told(run.resource("apt_repository/team")).join("");
        assert!(why.contains("apt cannot use it, so nothing was changed: "), "{why}");
        assert_eq!(host.sh_ok(file), before);
        host.sh_ok("apt-get -q --error-on=any update");

        signer.sign(&host, "new");
        assert!(!host.sh("apt-get -q --error-on=any update").success(), "the old key does not fit any more");
        repo("new").enforce().assert_code(0);
        host.sh_ok("apt-get -q --error-on=any update");
        repo("new").audit().assert_code(0).assert_all("compliant");

        // Another file says another key for the same place: apt would not work at all.
        host.sh_ok("mkdir -p /etc/apt/keyrings");
        host.write("/etc/apt/keyrings/other.asc", signer.key("new"));
        let second = repo("new").policy(
            "apt_repositories: {second: {uris: \"file:/srv/signed\", suites: ./, signed_by: /etc/apt/keyrings/other.asc}}",
        );
        let run = second.enforce();
        run.assert_code(4);
        let why = told(run.resource("apt_repository/second")).join("");
        assert!(
            why.contains("with it apt could not read its sources, so it was undone: E: Conflicting values"),
            "{why}"
        );
        host.sh_ok("apt-get -q --error-on=any update; test ! -e /etc/apt/sources.list.d/second.sources");
    }
}
