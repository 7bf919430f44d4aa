//! The switch's own programs, in every shell a host may have: what is kept is put back, or not any more once it is confirmed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the shells under test are processes")]

use engine::switch::{ARM, CONFIRM, RESTORE, UNDO};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// A directory that stands for a host, without systemd.
struct Ground {
    shell: &'static [&'static str],
    root: PathBuf,
}

impl Ground {
    fn new(shell: &'static [&'static str], name: &str) -> Self {
        // Below a directory that others can write, root does nothing with its own rights; below /run, it does.
        let name = format!("comply-switch-{}-{name}-{}", std::process::id(), shell[0]);
        let places = [PathBuf::from("/run"), std::env::temp_dir()];
        let root = places.map(|place| place.join(&name)).into_iter().find(|root| fs::create_dir(root).is_ok()).unwrap();
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::create_dir_all(root.join("lib")).unwrap();
        fs::create_dir_all(root.join("units")).unwrap();
        // As if systemd did not answer.
        fs::write(root.join("bin/systemd-run"), "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(root.join("bin/systemd-run"), fs::Permissions::from_mode(0o755)).unwrap();
        let ground = Self { shell, root };
        fs::write(ground.path("kept"), "before\n").unwrap();
        fs::set_permissions(ground.path("kept"), fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("kept", ground.path("link")).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let script = format!(
            "set -u 2>/dev/null; set +u\nnonce=x L={0}/lib S={0}/saved/test U={0}/units run=test\n{1}\n{2}\n{program}",
            self.root.display(),
            include_str!("../src/script/prelude.sh"),
            include_str!("../src/script/enforce.sh"),
        );
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).args(["-c", &script, "sh"]).args(args).env("PATH", path);
        command.output().unwrap_or_else(|error| panic!("{:?} is needed for this test: {error}", self.shell))
    }

    /// Arms it for `seconds`, over a file, a link and a file that is not there.
    #[track_caller]
    fn arm(&self, seconds: &str) {
        let paths = ["kept", "link", "new"].map(|name| self.path(name).display().to_string());
        let after = format!(": >{}", self.path("effective").display());
        let armed = self.run(ARM.shell, &[seconds, RESTORE, &after, &paths[0], &paths[1], &paths[2]]);
        assert!(armed.status.success(), "{:?}: {armed:?}", self.shell);
        assert_eq!(self.units().len(), 2, "{:?}", self.shell);
    }

    fn change(&self) {
        fs::write(self.path("kept"), "after\n").unwrap();
        fs::set_permissions(self.path("kept"), fs::Permissions::from_mode(0o666)).unwrap();
        fs::remove_file(self.path("link")).unwrap();
        fs::write(self.path("link"), "no link any more\n").unwrap();
        fs::write(self.path("new"), "new\n").unwrap();
    }

    #[track_caller]
    fn assert_as_before(&self) {
        assert_eq!(fs::read_to_string(self.path("kept")).unwrap(), "before\n", "{:?}", self.shell);
        assert_eq!(fs::metadata(self.path("kept")).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_link(self.path("link")).unwrap(), Path::new("kept"));
        assert!(!self.path("new").exists());
        assert!(self.path("effective").exists());
        self.assert_clean();
    }

    /// Nothing kept is left beside the files, and nothing happens at the next start of the host.
    #[track_caller]
    fn assert_clean(&self) {
        assert!(self.units().is_empty(), "{:?}: {:?}", self.shell, self.units());
        let names = fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".comply")).collect();
        assert!(left.is_empty(), "{:?}: {left:?}", self.shell);
    }

    /// What is to be done when the host starts.
    fn units(&self) -> Vec<PathBuf> {
        let unit = self.path("units/comply-switch.service");
        let link = self.path("units/multi-user.target.wants/comply-switch.service");
        [unit, link].into_iter().filter(|path| fs::symlink_metadata(path).is_ok()).collect()
    }

    /// What waits to restore.
    fn waiting(&self) -> bool {
        let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        String::from_utf8_lossy(&list.stdout).contains(&*self.path("saved/switch/restore").to_string_lossy())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn what_nobody_confirms_is_put_back_in_time() {
    for shell in SHELLS {
        let ground = Ground::new(shell, "time");
        ground.arm("2");
        ground.change();
        let limit = Instant::now() + Duration::from_secs(20);
        while !ground.path("saved/switch/undone").exists() {
            assert!(Instant::now() < limit, "{shell:?}: it was not put back");
            std::thread::sleep(Duration::from_millis(50));
        }
        ground.assert_as_before();
        let late = ground.run(CONFIRM.shell, &[]);
        assert!(String::from_utf8_lossy(&late.stderr).contains("it came too late"), "{late:?}");
    }
}

#[test]
fn what_is_confirmed_stays_and_nothing_waits_any_more() {
    for shell in SHELLS {
        let ground = Ground::new(shell, "confirmed");
        ground.arm("600");
        ground.change();
        assert!(ground.waiting(), "{shell:?}");
        let confirmed = ground.run(CONFIRM.shell, &[]);
        assert!(confirmed.status.success(), "{shell:?}: {confirmed:?}");
        assert_eq!(fs::read_to_string(ground.path("kept")).unwrap(), "after\n");
        ground.assert_clean();
        assert!(!ground.path("lib/switch").exists() && !ground.path("saved/switch").exists());
        std::thread::sleep(Duration::from_millis(200));
        assert!(!ground.waiting(), "{shell:?}");
    }
}

#[test]
fn what_is_undone_at_once_is_as_before_and_nothing_waits_any_more() {
    for shell in SHELLS {
        let ground = Ground::new(shell, "undone");
        ground.arm("600");
        ground.change();
        let undone = ground.run(UNDO.shell, &["after"]);
        assert!(undone.status.success(), "{shell:?}: {undone:?}");
        ground.assert_as_before();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!ground.waiting(), "{shell:?}");
        // And once more does no harm.
        assert!(ground.run(UNDO.shell, &["after"]).status.success());
    }
}

#[test]
fn what_waits_for_an_answer_is_not_armed_over() {
    for shell in SHELLS {
        let ground = Ground::new(shell, "twice");
        ground.arm("600");
        let again = ground.run(ARM.shell, &["600", RESTORE, "", &ground.path("kept").display().to_string()]);
        assert!(!again.status.success());
        assert!(String::from_utf8_lossy(&again.stderr).contains("neither confirmed nor undone"), "{again:?}");
        assert!(ground.run(UNDO.shell, &[""]).status.success());
    }
}

#[test]
fn after_a_restart_what_the_unit_starts_puts_back_what_was_touched() {
    for shell in SHELLS {
        let ground = Ground::new(shell, "restart");
        ground.arm("600");
        let untouched = fs::symlink_metadata(ground.path("link")).unwrap().ino();
        fs::write(ground.path("kept"), "after\n").unwrap();
        fs::write(ground.path("new"), "new\n").unwrap();
        let unit = fs::read_to_string(ground.path("units/comply-switch.service")).unwrap();
        let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let start = || {
            let ended = Command::new(shell[0]).args(&shell[1..]).args(["-c", started]).output().unwrap();
            assert!(ended.status.success(), "{shell:?}: {ended:?}");
        };
        // As long as somebody waits, it was no restart.
        start();
        assert!(ground.path("saved/switch/armed").exists(), "{shell:?}");
        let pid = fs::read_to_string(ground.path("lib/switch")).unwrap();
        assert!(
            Command::new("kill").args(["-s", "KILL", "--", &format!("-{}", pid.trim())]).status().unwrap().success()
        );
        let gone = Instant::now() + Duration::from_secs(5);
        while ground.waiting() {
            assert!(Instant::now() < gone, "{shell:?}: it is still waiting");
        }
        // One that was cut short: the first file is back already.
        fs::rename(ground.path("saved/switch/armed"), ground.path("saved/switch/undoing")).unwrap();
        fs::rename(ground.path(".comply-switch.1/kept"), ground.path("kept")).unwrap();
        start();
        // sshd is not there yet: it needs not be told.
        assert!(!ground.path("effective").exists());
        fs::write(ground.path("effective"), "").unwrap();
        ground.assert_as_before();
        assert_eq!(fs::symlink_metadata(ground.path("link")).unwrap().ino(), untouched, "{shell:?}");
        // Whoever armed it and lives still sees that it was undone.
        assert!(ground.run(UNDO.shell, &[""]).status.success());
        assert!(!ground.path("saved/switch").exists() && !ground.waiting(), "{shell:?}");
    }
}
