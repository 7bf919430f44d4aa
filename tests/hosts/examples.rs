//! The examples run as they are.

use crate::comply::Repo;
use crate::life::DEBIANS;
use fleet::Host;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The directory of an example.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// Copies a directory with all that is in it.
pub fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A directory that everybody can read, with the program and a copy of an example.
fn for_everybody(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copied(&example(name), &dir.path().join("repo"));
    let program = Repo::new().command(&["audit"]).get_program().to_owned();
    fs::copy(program, dir.path().join("comply")).unwrap();
    dir
}

/// It audited, and could tell of everything.
fn assert_audited(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(2), "exit {code:?}\n{out}\n{err}");
    assert!(out.contains("1 host: ") && !out.contains("unknown"), "{out}\n{err}");
}

#[test]
fn the_quickstart_audits_this_machine_as_root_and_as_nobody() {
    let dir = for_everybody("quickstart");
    let audit = |mut command: Command| {
        let output = command.args(["audit", "-C", "repo"]).current_dir(dir.path()).env("HOME", "/nonexistent").output();
        assert_audited(&output.unwrap());
    };
    audit(Command::new(dir.path().join("comply")));
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
    nobody.arg(dir.path().join("comply"));
    audit(nobody);
}

#[test]
fn the_quickstart_audits_a_host_with_and_one_without_systemd_and_needs_no_network() {
    let dir = for_everybody("quickstart");
    let mut tar = Command::new("tar");
    let archive = tar.args(["-C", dir.path().to_str().unwrap(), "-c", "comply", "repo"]).output().unwrap().stdout;
    // A program runs where the C library is not older than the one it was built with.
    let hosts = Host::start_all(&DEBIANS);
    let mut tried = 0;
    for host in &hosts {
        host.write("/srv/example.tar", &archive);
        host.sh_ok("cd /srv && tar -xf example.tar");
        if !host.sh("/srv/comply --version").success() {
            continue;
        }
        tried += 1;
        for (what, wrapped) in [
            ("with systemd", "/srv/comply"),
            ("as nobody", "setpriv --reuid=65534 --regid=65534 --clear-groups /srv/comply"),
            ("without systemd", "unshare -m sh -c 'mount -t tmpfs none /run; exec \"$0\" \"$@\"' /srv/comply"),
            ("without a network", "unshare -n /srv/comply"),
        ] {
            let output = host.sh(&format!("cd /srv && HOME=/nonexistent {wrapped} audit -C repo"));
            assert!(output.status == 0 || output.status == 2, "{what}: {output:?}");
            assert!(output.stdout.contains("1 host: ") && !output.stdout.contains("unknown"), "{what}: {output:?}");
        }
    }
    assert!(tried > 0, "the program runs on none of the hosts");
}

#[test]
fn picasoft_is_a_repository_without_mistakes() {
    for name in ["picasoft", "quickstart"] {
        let program = Repo::new().command(&["audit"]).get_program().to_owned();
        let output = Command::new(program).args(["check", "-C"]).arg(example(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}
