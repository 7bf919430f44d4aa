use super::{ACCOUNT, GID, Place, UID, everywhere};
use engine::Blind;
use modules::facts::authorized_keys::{AUTHORIZED_KEYS, AuthorizedKeys, Content, Means, WRITE_KEYS};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWKUStty8yLnKX5GuNTmV76JVAqZoMJwUpaXB8eV5N5 alice@desk";

fn look(place: &Place, account: &str, path: &str) -> Result<Option<AuthorizedKeys>, Blind> {
    place.ask(&AUTHORIZED_KEYS, &[&[account.to_owned(), path.to_owned()]]).pop().unwrap()
}

fn usual(place: &Place) -> AuthorizedKeys {
    look(place, ACCOUNT, ".ssh/authorized_keys").unwrap().unwrap()
}

fn with_keys(place: &Place, content: &str) {
    fs::create_dir_all(place.path("home/.ssh")).unwrap();
    fs::write(place.path("home/.ssh/authorized_keys"), content).unwrap();
    fs::set_permissions(place.path("home/.ssh"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(place.path("home/.ssh/authorized_keys"), Permissions::from_mode(0o600)).unwrap();
    place.give("home/.ssh");
    place.give("home/.ssh/authorized_keys");
}

fn put(place: &Place, account: &str, content: &str) -> Result<(), String> {
    let (home, mode) = if account == "root" { ("root", "0600") } else { ("home", "0600") };
    place.apply(&WRITE_KEYS, &[account, &place.text(&format!("{home}/.ssh/authorized_keys")), mode], content.as_bytes())
}

#[test]
fn keys_and_the_way_to_them_are_read_for_several_accounts_at_once() {
    everywhere(|place| {
        with_keys(place, &format!("# mine\n{KEY}\nnonsense"));
        let args = [["root", ".ssh/authorized_keys"], ["nobody-here", "x"], [ACCOUNT, ".ssh/authorized_keys"]];
        let args: Vec<_> = args.iter().map(|args| args.map(str::to_owned)).collect();
        let probes: Vec<&[String]> = args.iter().map(<[String; 2]>::as_slice).collect();
        let mut seen = place.ask(&AUTHORIZED_KEYS, &probes);
        let games = seen.pop().unwrap().unwrap().unwrap();
        assert_eq!(seen.pop().unwrap(), Ok(None));
        let root = seen.pop().unwrap().unwrap().unwrap();
        assert_eq!((root.uid, root.home_exists, root.content), (0, true, Content::Absent));
        assert_eq!((games.uid, games.home_exists, &games.home), (UID, true, &place.text("home")));
        let way: Vec<_> = games.way.iter().map(|at| (at.path.as_str(), at.mode, at.uid, at.directory)).collect();
        assert_eq!(
            way,
            [
                (&*place.text("home"), 0o755, UID, true),
                (&*place.text("home/.ssh/authorized_keys"), 0o600, UID, false),
                (&*place.text("home/.ssh"), 0o700, UID, true),
            ]
        );
        let Content::Lines(lines) = games.content else { panic!() };
        assert_eq!(lines.len(), 3);
        assert!(matches!(lines[0].means, Means::Nothing) && matches!(lines[2].means, Means::Unknown));
        assert!(matches!(&lines[1].means, Means::Key(key) if key.to_string() == KEY));
    });
}

#[test]
fn a_link_to_shadow_prints_nothing_of_it_and_writes_nothing_to_it() {
    everywhere(|place| {
        with_keys(place, "");
        let path = place.path("home/.ssh/authorized_keys");
        fs::remove_file(&path).unwrap();
        symlink(place.path("shadow"), &path).unwrap();
        place.give("home/.ssh/authorized_keys");
        assert_eq!(usual(place).content, Content::Unreadable);
        let args = [ACCOUNT.to_owned(), ".ssh/authorized_keys".to_owned()];
        let answer = place.run("", AUTHORIZED_KEYS.query.shell, &args, b"");
        for text in [&answer.out, &answer.err] {
            assert!(!String::from_utf8_lossy(text).contains("secret"));
        }
        put(place, ACCOUNT, KEY).unwrap_err();
        assert!(fs::read_to_string(place.path("shadow")).unwrap().starts_with("root:$y$secret"));
        assert!(!place.path("saved").join(place.text("shadow").trim_start_matches('/')).exists());
    });
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    everywhere(|place| {
        with_keys(place, "");
        let path = place.path("home/.ssh/authorized_keys");
        for make in ["mkfifo", "ln -s /dev/zero", "mkdir"] {
            fs::remove_file(&path).ok();
            place.run("", &format!("{make} '{}'", path.display()), &[], b"");
            place.give("home/.ssh/authorized_keys");
            assert_eq!(usual(place).content, Content::NotAFile, "{make}");
        }
    });
}

#[test]
fn a_directory_linked_elsewhere_gets_nothing() {
    everywhere(|place| {
        fs::create_dir(place.path("cron.d")).unwrap();
        symlink(place.path("cron.d"), place.path("home/.ssh")).unwrap();
        place.give("home/.ssh");
        put(place, ACCOUNT, KEY).unwrap_err();
        assert_eq!(fs::read_dir(place.path("cron.d")).unwrap().count(), 0);
    });
}

#[test]
fn a_new_file_belongs_to_its_account_and_a_link_is_kept() {
    everywhere(|place| {
        let state = |name: &str| {
            let metadata = fs::metadata(place.path(name)).unwrap();
            (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
        };
        put(place, ACCOUNT, KEY).unwrap();
        assert_eq!(state("home/.ssh"), (0o700, UID, GID));
        assert_eq!(state("home/.ssh/authorized_keys"), (0o600, UID, GID));
        put(place, "root", KEY).unwrap();
        assert_eq!(state("root/.ssh"), (0o700, 0, 0));
        assert_eq!(state("root/.ssh/authorized_keys"), (0o600, 0, 0));
        fs::rename(place.path("home/.ssh/authorized_keys"), place.path("home/keys")).unwrap();
        symlink("../keys", place.path("home/.ssh/authorized_keys")).unwrap();
        put(place, ACCOUNT, "# other\n").unwrap();
        assert!(fs::symlink_metadata(place.path("home/.ssh/authorized_keys")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(place.path("home/keys")).unwrap(), "# other\n");
        let seen = usual(place);
        assert_eq!(seen.real, place.text("home/keys"));
        assert_eq!(seen.way.len(), 2, "{:?}", seen.way);
    });
}

#[test]
fn a_line_break_in_a_link_disturbs_no_other_account() {
    everywhere(|place| {
        with_keys(place, KEY);
        let path = place.path("home/.ssh/authorized_keys");
        fs::create_dir(place.path("home/x \n41ff 5 60 ")).unwrap();
        fs::rename(&path, place.path("home/x \n41ff 5 60 /\n\nx")).unwrap();
        symlink("../x \n41ff 5 60 /\n\nx", &path).unwrap();
        let args = [[ACCOUNT, ".ssh/authorized_keys"], ["root", ".ssh/authorized_keys"]];
        let args: Vec<_> = args.iter().map(|args| args.map(str::to_owned)).collect();
        let probes: Vec<&[String]> = args.iter().map(<[String; 2]>::as_slice).collect();
        let root = place.ask(&AUTHORIZED_KEYS, &probes).pop().unwrap().unwrap().unwrap();
        assert!(root.home_exists && root.way.iter().all(|at| at.uid == 0), "{root:?}");
    });
}

#[test]
fn a_home_that_is_missing_is_said_to_be() {
    everywhere(|place| {
        fs::remove_dir(place.path("home")).unwrap();
        assert!(!usual(place).home_exists);
        // A home below a link is the one it leads to.
        fs::create_dir(place.path("elsewhere")).unwrap();
        symlink("elsewhere", place.path("home")).unwrap();
        assert_eq!(usual(place).home, place.text("elsewhere"));
    });
}

#[test]
fn files_out_of_the_home_are_roots() {
    everywhere(|place| {
        let file = place.text("root/games.keys");
        place.apply(&WRITE_KEYS, &[ACCOUNT, &file, "0644"], KEY.as_bytes()).unwrap();
        let seen = look(place, ACCOUNT, &file).unwrap().unwrap();
        assert!(matches!(&seen.content, Content::Lines(lines) if lines.len() == 1), "{seen:?}");
        assert_eq!(fs::metadata(&file).unwrap().uid(), 0);
        let error = place.apply(&WRITE_KEYS, &[ACCOUNT, &place.text("none/games"), "0644"], b"").unwrap_err();
        assert!(error.ends_with("does not exist; declare it under directories"), "{error}");
        fs::create_dir(place.path("stranger")).unwrap();
        std::os::unix::fs::chown(place.path("stranger"), Some(4242), Some(4242)).unwrap();
        let error = place.apply(&WRITE_KEYS, &[ACCOUNT, &place.text("stranger/games"), "0644"], b"").unwrap_err();
        assert!(error.contains("another account, number 4242"), "{error}");
        place.share("shared");
        let shared = place.text("shared");
        let error = place.apply(&WRITE_KEYS, &[ACCOUNT, &format!("{shared}/games"), "0644"], b"").unwrap_err();
        let told = format!("is below a directory that others than root can write: {shared}");
        assert!(error.ends_with(&told), "{error}");
        symlink(format!("{shared}/games"), place.path("root/led.keys")).unwrap();
        let error = place.apply(&WRITE_KEYS, &[ACCOUNT, &place.text("root/led.keys"), "0644"], b"").unwrap_err();
        assert!(error.ends_with(&told.replace("is below", "leads below")), "{error}");
    });
}

#[test]
fn in_the_clusters_file_system_a_file_is_written_in_place() {
    everywhere(|place| {
        fs::create_dir_all(place.path("pve/priv")).unwrap();
        fs::create_dir(place.path("root/.ssh")).unwrap();
        fs::write(place.path("pve/priv/authorized_keys"), "old\n").unwrap();
        symlink(place.path("pve/priv/authorized_keys"), place.path("root/.ssh/authorized_keys")).unwrap();
        let before = fs::metadata(place.path("pve/priv/authorized_keys")).unwrap();
        put(place, "root", KEY).unwrap();
        let after = fs::metadata(place.path("pve/priv/authorized_keys")).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
        assert_eq!(fs::read_to_string(place.path("pve/priv/authorized_keys")).unwrap(), KEY);
        assert!(fs::symlink_metadata(place.path("root/.ssh/authorized_keys")).unwrap().is_symlink());
    });
}
