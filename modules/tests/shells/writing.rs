use super::{GID, Place, UID, access, everywhere};
use engine::writes::{LINK, MKDIR, OWN, REMOVE, REMOVE_DIRECTORY, REMOVE_TREE, WRITE};
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};

fn state(place: &Place, name: &str) -> (u32, u32, u32) {
    let metadata = fs::symlink_metadata(place.path(name)).unwrap();
    (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
}

/// No temporary file is left behind.
fn tidy(place: &Place, name: &str) {
    let left: Vec<_> = fs::read_dir(place.path(name)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".comply")), "{left:?}");
}

#[test]
fn a_file_is_written_with_its_owner_and_mode_and_the_old_one_is_saved() {
    everywhere(|place| {
        let path = place.text("root/file");
        place.write(&path, &access(0o640, "games", "60"), "new\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(state(place, "root/file"), (0o640, UID, GID));
        place.write(&path, &access(0o4755, "", ""), "newer\n").unwrap();
        assert_eq!(state(place, "root/file"), (0o4755, 0, 0));
        let saved = place.path("saved").join(path.trim_start_matches('/'));
        assert_eq!(fs::read_to_string(saved).unwrap(), "new\n");
        assert_eq!(fs::metadata(place.path("saved")).unwrap().mode() & 0o077, 0);
        tidy(place, "root");
    });
}

#[test]
fn what_is_no_file_is_replaced_but_a_directory_is_not() {
    everywhere(|place| {
        symlink(place.path("shadow"), place.path("root/link")).unwrap();
        place.run("", &format!("mkfifo '{}'", place.text("root/pipe")), &[], b"");
        for name in ["link", "pipe"] {
            let name = format!("root/{name}");
            place.write(&place.text(&name), &access(0o600, "", ""), "x").unwrap();
            let kind = fs::symlink_metadata(place.path(&name)).unwrap().file_type();
            assert!(kind.is_file() && !kind.is_fifo(), "{name}");
        }
        assert!(fs::read_to_string(place.path("shadow")).unwrap().contains("secret"));
        let error = place.write(&place.text("home"), &access(0o600, "", ""), "x").unwrap_err();
        assert!(error.ends_with("is a directory"), "{error}");
        let error = place.write(&place.text("none/x"), &access(0o600, "", ""), "x").unwrap_err();
        assert!(error.ends_with("does not exist; declare it under directories"), "{error}");
    });
}

#[test]
fn a_file_that_its_check_refuses_changes_nothing() {
    everywhere(|place| {
        let path = place.text("root/it's \"a\" $(name)");
        fs::write(&path, "old").unwrap();
        let check = "grep -q good {} && test -s {}";
        let error = place.apply(&WRITE, &[&path, "0600", "", "", check], b"bad").unwrap_err();
        assert_eq!(error, "its check refused it: grep -q good {} && test -s {}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        tidy(place, "root");
        place.apply(&WRITE, &[&path, "0600", "", "", check], b"good").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "good");
    });
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    everywhere(|place| {
        let mount = format!("mount -t tmpfs -o size=64k none '{}'", place.text("root"));
        assert_eq!(place.run("", &mount, &[], b"").status, 0, "these tests mount a tmpfs");
        fs::write(place.path("root/file"), "old").unwrap();
        let error = place.write(&place.text("root/file"), &access(0o644, "", ""), &"x".repeat(1 << 20)).unwrap_err();
        let old = fs::read_to_string(place.path("root/file"));
        tidy(place, "root");
        let read_only = format!("mount -o remount,ro '{}'", place.text("root"));
        assert_eq!(place.run("", &read_only, &[], b"").status, 0);
        let refused = place.write(&place.text("root/file"), &access(0o644, "", ""), "x");
        place.run("", &format!("umount '{}'", place.text("root")), &[], b"");
        assert!(error.contains("No space left on device"), "{error}");
        assert_eq!(old.unwrap(), "old");
        assert!(refused.unwrap_err().contains("Read-only file system"));
    });
}

#[test]
fn a_link_of_another_account_leads_no_write_out_of_its_rights() {
    everywhere(|place| {
        fs::create_dir(place.path("cron.d")).unwrap();
        symlink(place.path("cron.d"), place.path("home/.ssh")).unwrap();
        place.give("home/.ssh");
        for owner in ["", "games", "root"] {
            let path = place.text("home/.ssh/evil");
            place.write(&path, &access(0o644, owner, ""), "* * * * * root evil").unwrap_err();
            let path = place.text("home/.ssh/new");
            place.apply(&MKDIR, &[&path, "0755", owner, ""], b"").unwrap_err();
        }
        place.apply(&LINK, &[&place.text("home/.ssh/evil"), "/"], b"").unwrap_err();
        fs::write(place.path("cron.d/job"), "").unwrap();
        place.apply(&REMOVE, &[&place.text("home/.ssh/job")], b"").unwrap_err();
        place.apply(&OWN, &[&place.text("home/.ssh/job"), "0666", "games", ""], b"").unwrap_err();
        assert_eq!(fs::read_dir(place.path("cron.d")).unwrap().count(), 1);
        assert_eq!(state(place, "cron.d/job"), (0o644, 0, 0));
    });
}

#[test]
fn root_puts_a_file_of_its_own_into_the_directory_of_another_account() {
    everywhere(|place| {
        let path = place.text("home/token");
        place.write(&path, &access(0o640, "root", "games"), "secret").unwrap();
        assert_eq!(state(place, "home/token"), (0o640, 0, GID));
        place.write(&path, &access(0o600, "root", "root"), "newer").unwrap();
        assert_eq!((state(place, "home/token"), fs::read_to_string(&path).unwrap()), ((0o600, 0, 0), "newer".into()));
        place.apply(&OWN, &[&path, "0400", "games", "games"], b"").unwrap();
        assert_eq!(state(place, "home/token"), (0o400, UID, GID));
        place.apply(&OWN, &[&path, "0444", "root", ""], b"").unwrap();
        assert_eq!(state(place, "home/token"), (0o444, 0, GID));
        tidy(place, "home");
        // A link in its place is the other account's, and is not followed.
        fs::remove_file(&path).unwrap();
        symlink(place.path("shadow"), &path).unwrap();
        place.give("home/token");
        place.apply(&OWN, &[&path, "0666", "games", ""], b"").unwrap_err();
        place.apply(&OWN, &[&path, "0666", "root", ""], b"").unwrap_err();
        assert_eq!(state(place, "shadow"), (0o600, 0, 0));
        place.write(&path, &access(0o600, "root", ""), "mine").unwrap();
        assert!(fs::read_to_string(place.path("shadow")).unwrap().contains("secret"));
        assert_eq!(state(place, "home/token").1, 0);
    });
}

#[test]
fn root_is_not_led_astray_where_everybody_can_write() {
    everywhere(|place| {
        place.share("shared");
        fs::create_dir(place.path("cron.d")).unwrap();
        fs::write(place.path("cron.d/job"), "").unwrap();
        symlink(place.path("cron.d"), place.path("shared/link")).unwrap();
        place.give("shared/link");
        place.write(&place.text("shared/link/evil"), &access(0o644, "root", ""), "x").unwrap_err();
        place.apply(&MKDIR, &[&place.text("shared/link/new"), "0755", "root", ""], b"").unwrap_err();
        place.apply(&OWN, &[&place.text("shared/link/job"), "0666", "games", ""], b"").unwrap_err();
        place.apply(&REMOVE, &[&place.text("shared/link/job")], b"").unwrap_err();
        assert_eq!(fs::read_dir(place.path("cron.d")).unwrap().count(), 1);
        assert_eq!(state(place, "cron.d/job"), (0o644, 0, 0));
        // What is root's own there stays in root's hands.
        place.write(&place.text("shared/file"), &access(0o640, "root", "games"), "mine").unwrap();
        place.apply(&OWN, &[&place.text("shared/file"), "0600", "root", ""], b"").unwrap();
        assert_eq!(state(place, "shared/file"), (0o600, 0, GID));
        place.apply(&MKDIR, &[&place.text("shared/a/b"), "0700", "root", "root"], b"").unwrap();
        assert_eq!(state(place, "shared/a/b"), (0o700, 0, 0));
        tidy(place, "shared");
    });
}

#[test]
fn a_file_of_root_in_a_directory_that_hands_on_its_group_keeps_that_group() {
    everywhere(|place| {
        chown(place.path("root"), None, Some(GID)).unwrap();
        fs::set_permissions(place.path("root"), Permissions::from_mode(0o2755)).unwrap();
        place.write(&place.text("root/file"), &access(0o640, "root", ""), "x").unwrap();
        assert_eq!(state(place, "root/file"), (0o640, 0, GID));
    });
}

#[test]
fn an_account_keeps_what_is_written_in_its_own_directory() {
    everywhere(|place| {
        place.write(&place.text("home/.profile"), &access(0o644, "", ""), "x").unwrap();
        assert_eq!(state(place, "home/.profile"), (0o644, UID, GID));
        place.write(&place.text("home/.profile"), &access(0o600, "games", "games"), "y").unwrap();
        place.apply(&MKDIR, &[&place.text("home/a/b"), "0700", "games", ""], b"").unwrap();
        assert_eq!(state(place, "home/a"), (0o755, UID, GID));
        assert_eq!(state(place, "home/a/b"), (0o700, UID, GID));
        place.apply(&MKDIR, &[&place.text("home/a/root"), "2750", "root", "games"], b"").unwrap();
        assert_eq!(state(place, "home/a/root"), (0o2750, 0, GID));
        place.apply(&MKDIR, &[&place.text("home/a/root"), "0700", "games", "games"], b"").unwrap();
        assert_eq!(state(place, "home/a/root"), (0o700, UID, GID));
        place.apply(&REMOVE_TREE, &[&place.text("home/a")], b"").unwrap();
        place.apply(&REMOVE, &[&place.text("home/.profile")], b"").unwrap();
        assert_eq!(fs::read_dir(place.path("home")).unwrap().count(), 0);
    });
}

#[test]
fn a_directory_is_made_owned_and_removed() {
    everywhere(|place| {
        let path = place.text("root/one/two");
        place.apply(&MKDIR, &[&path, "1777", "games", "games"], b"").unwrap();
        assert_eq!(state(place, "root/one/two"), (0o1777, UID, GID));
        assert_eq!(state(place, "root/one"), (0o755, 0, 0));
        place.apply(&MKDIR, &[&path, "0750", "root", ""], b"").unwrap();
        assert_eq!(state(place, "root/one/two"), (0o750, 0, GID));
        place.apply(&REMOVE_DIRECTORY, &[&place.text("root/one")], b"").unwrap_err();
        place.apply(&REMOVE_DIRECTORY, &[&path], b"").unwrap();
        place.apply(&REMOVE_DIRECTORY, &[&path], b"").unwrap();
        symlink(place.path("home"), place.path("root/link")).unwrap();
        for command in [&MKDIR, &OWN] {
            let error = place.apply(command, &[&place.text("root/link"), "0777", "root", ""], b"").unwrap_err();
            assert!(error.contains("is a link"), "{error}");
        }
        place.apply(&REMOVE_TREE, &[&place.text("root/link")], b"").unwrap_err();
        assert_eq!(state(place, "home"), (0o755, UID, GID));
    });
}

#[test]
fn a_link_is_made_and_turned_and_takes_the_place_of_a_file() {
    everywhere(|place| {
        let path = place.text("root/link");
        for target in ["nowhere", "/etc", "-n", "$(id) '\"\\ "] {
            place.apply(&LINK, &[&path, target], b"").unwrap();
            assert_eq!(fs::read_link(&path).unwrap().to_str(), Some(target));
        }
        fs::write(place.path("root/file"), "old").unwrap();
        place.apply(&LINK, &[&place.text("root/file"), "link"], b"").unwrap();
        let saved = place.path("saved").join(place.text("root/file").trim_start_matches('/'));
        assert_eq!(fs::read_to_string(saved).unwrap(), "old");
        let error = place.apply(&LINK, &[&place.text("home"), "x"], b"").unwrap_err();
        assert!(error.contains("is a directory"), "{error}");
        tidy(place, "root");
    });
}

#[test]
fn a_copy_is_saved_before_or_nothing_is_done() {
    everywhere(|place| {
        let path = place.text("root/huge");
        fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        let error = place.write(&path, &access(0o600, "", ""), "x").unwrap_err();
        assert!(error.contains("too large to save a copy of"), "{error}");
        fs::write(place.path("root/file"), "old").unwrap();
        fs::write(place.path("saved"), "in the way").unwrap();
        let error = place.write(&place.text("root/file"), &access(0o600, "", ""), "x").unwrap_err();
        assert!(error.contains("could not save a copy of"), "{error}");
        assert_eq!(fs::read_to_string(place.path("root/file")).unwrap(), "old");
        fs::set_permissions(place.path("root"), Permissions::from_mode(0o700)).unwrap();
    });
}
