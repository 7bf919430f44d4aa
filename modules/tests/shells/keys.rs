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
fn many_files_of_all_sizes_are_read_whole_with_and_without_gnu_tar() {
    everywhere(|place| {
        let args = [[ACCOUNT, ".ssh/authorized_keys"], ["root", ".ssh/authorized_keys"], [ACCOUNT, ".ssh/more"]];
        let args: Vec<_> = args.iter().map(|args| args.map(str::to_owned)).collect();
        let probes: Vec<&[String]> = args.iter().map(<[String; 2]>::as_slice).collect();
        fs::create_dir(place.path("root/.ssh")).unwrap();
        place.put_ahead("tar", "echo 'tar: unrecognized option' >&2\nexit 1");
        let no_tar = place.ahead();
        for size in [0, 1, 511, 512, 513, 99_999, 100_000, 262_144, 262_145] {
            let line = format!("#{}\0\n", "x".repeat(509));
            let content = &line.repeat(size / 512 + 1)[..size];
            with_keys(place, content);
            fs::write(place.path("root/.ssh/authorized_keys"), format!("# root's\n{content}")).unwrap();
            // Another name of the same file.
            fs::remove_file(place.path("home/.ssh/more")).ok();
            fs::hard_link(place.path("home/.ssh/authorized_keys"), place.path("home/.ssh/more")).unwrap();
            for before in ["", &no_tar] {
                let seen = place.ask_after(before, &AUTHORIZED_KEYS, &probes);
                let read = |index: usize| {
                    let keys = seen[index].as_ref().ok()?.as_ref().unwrap();
                    let Content::Lines(lines) = &keys.content else { panic!("{keys:?}") };
                    Some(lines.iter().map(|line| [&line.raw[..], b"\n"].concat()).collect::<Vec<_>>().concat())
                };
                let expected = Some(content.strip_suffix('\n').unwrap_or(content).as_bytes());
                let expected = expected
                    .filter(|_| size <= 262_144)
                    .map(|content| if size == 0 { vec![] } else { [content, b"\n"].concat() });
                assert_eq!(read(0), expected, "{size}");
                assert_eq!(read(2), expected, "{size}");
                assert_eq!(read(1).is_some(), size < 262_100, "{size}");
            }
        }
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
fn a_name_that_ends_in_a_line_break_is_not_taken_for_another() {
    everywhere(|place| {
        with_keys(place, KEY);
        let path = place.path("home/.ssh/authorized_keys");
        fs::rename(&path, place.path("home/keys")).unwrap();
        fs::write(place.path("home/keys\n"), "evil").unwrap();
        place.give("home/keys\n");
        symlink("../keys\n", &path).unwrap();
        let why = "more than 40 directories are on its way, or a line break";
        let seen = look(place, ACCOUNT, ".ssh/authorized_keys");
        assert_eq!(seen, Err(Blind::Failed(why.into())));
        let error = put(place, ACCOUNT, "# new").unwrap_err();
        assert!(error.ends_with("is a link to a name with a line break"), "{error}");
        assert_eq!(fs::read_to_string(place.path("home/keys")).unwrap(), KEY);
    });
}

#[test]
fn a_file_whose_name_ends_in_a_mark_is_looked_at_like_any_other() {
    everywhere(|place| {
        with_keys(place, KEY);
        for name in ["keys-", "keys?"] {
            fs::rename(place.path("home/.ssh/authorized_keys"), place.path("home/.ssh").join(name)).unwrap();
            let seen = look(place, ACCOUNT, &format!(".ssh/{name}")).unwrap().unwrap();
            let way: Vec<_> = seen.way.iter().map(|at| at.path.as_str()).collect();
            let file = place.text(&format!("home/.ssh/{name}"));
            assert_eq!(way, [&*place.text("home"), &*file, &*place.text("home/.ssh")]);
            fs::rename(file, place.path("home/.ssh/authorized_keys")).unwrap();
        }
    });
}

#[test]
fn a_home_inside_anothers_disturbs_no_other_account() {
    everywhere(|place| {
        let odd = "home/x /\n41ed 6 4096 ";
        fs::create_dir_all(place.path(&format!("{odd}/q/.ssh"))).unwrap();
        symlink(place.path(&format!("{odd}/q")), place.path("home/inner")).unwrap();
        let passwd = fs::read_to_string(place.path("passwd")).unwrap();
        let inner = format!("man:x:6:12::{}:/bin/sh\n", place.text("home/inner"));
        fs::write(place.path("passwd"), passwd + &inner).unwrap();
        fs::create_dir_all(place.path("root/.ssh")).unwrap();
        let asked = ["man", "root", ACCOUNT].map(|account| [account.to_owned(), ".ssh/authorized_keys".to_owned()]);
        let probes: Vec<&[String]> = asked.iter().map(<[String; 2]>::as_slice).collect();
        let seen = place.ask(&AUTHORIZED_KEYS, &probes);
        let ways: Vec<Vec<String>> =
            seen.into_iter().map(|keys| keys.unwrap().unwrap().way.into_iter().map(|at| at.path).collect()).collect();
        assert_eq!(ways[1], [place.text("root"), place.text("root/.ssh")]);
        assert_eq!(ways[2], [place.text("home")]);
    });
}

/// What the account `games`, root and another, odd account are answered, all asked at once.
fn among_others(place: &Place, odd: &str) -> Vec<Result<Option<AuthorizedKeys>, Blind>> {
    let passwd = fs::read_to_string(place.path("passwd")).unwrap();
    let after = format!("{passwd}man:x:6:12::{}:/bin/sh\n{odd}", place.text("root"));
    fs::write(place.path("passwd"), after).unwrap();
    let name = odd.split(':').next().unwrap();
    let asked = [ACCOUNT, name, "man", "root"].map(|account| [account.to_owned(), ".ssh/authorized_keys".to_owned()]);
    let probes: Vec<&[String]> = asked.iter().map(<[String; 2]>::as_slice).collect();
    let started = std::time::Instant::now();
    let seen = place.ask(&AUTHORIZED_KEYS, &probes);
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
    seen
}

#[test]
fn a_link_to_the_top_disturbs_no_other_account() {
    everywhere(|place| {
        with_keys(place, "");
        fs::remove_file(place.path("home/.ssh/authorized_keys")).unwrap();
        symlink("/", place.path("home/.ssh/authorized_keys")).unwrap();
        place.give("home/.ssh/authorized_keys");
        let seen: Vec<_> = among_others(place, "").into_iter().map(|keys| keys.unwrap()).collect();
        assert_eq!(seen[0].as_ref().unwrap().content, Content::NotAFile);
        for other in &seen[2..] {
            let other = other.as_ref().unwrap();
            let way: Vec<_> = other.way.iter().map(|at| at.path.as_str()).collect();
            assert_eq!(
                (other.home_exists, &way[..], &other.content),
                (true, &[&*place.text("root")][..], &Content::Absent)
            );
        }
    });
}

#[test]
fn odd_lines_about_accounts_keep_nobody_waiting() {
    everywhere(|place| {
        with_keys(place, KEY);
        for odd in
            ["rel:x:7:7::nowhere:/bin/sh\n", "short:x\n", "text:x:one:two::/:/bin/sh\n", "bare:x:7:7::/:/bin/sh\n"]
        {
            let before = fs::read_to_string(place.path("passwd")).unwrap();
            let seen = among_others(place, odd);
            assert!(matches!(&seen[0], Ok(Some(keys)) if matches!(keys.content, Content::Lines(_))), "{odd} {seen:?}");
            assert!(
                matches!(&seen[1], Ok(None | Some(AuthorizedKeys { content: Content::Absent, .. }))),
                "{odd} {seen:?}"
            );
            assert!(seen[2..].iter().all(|keys| matches!(keys, Ok(Some(keys)) if keys.home_exists)), "{odd} {seen:?}");
            fs::write(place.path("passwd"), before).unwrap();
        }
    });
}

#[test]
fn a_link_far_down_keeps_no_other_account_waiting() {
    everywhere(|place| {
        with_keys(place, KEY);
        let path = place.path("home/.ssh/authorized_keys");
        let far = "d/".repeat(700);
        fs::create_dir_all(place.path("home").join(&far)).unwrap();
        fs::rename(&path, place.path("home").join(&far).join("keys")).unwrap();
        symlink(format!("../{far}keys"), &path).unwrap();
        let args = [[ACCOUNT, ".ssh/authorized_keys"], ["root", ".ssh/authorized_keys"]];
        let args: Vec<_> = args.iter().map(|args| args.map(str::to_owned)).collect();
        let probes: Vec<&[String]> = args.iter().map(<[String; 2]>::as_slice).collect();
        let started = std::time::Instant::now();
        let seen = place.ask(&AUTHORIZED_KEYS, &probes);
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
        assert!(matches!(&seen[0], Err(Blind::Failed(why)) if why.starts_with("more than 40")), "{seen:?}");
        assert!(matches!(&seen[1], Ok(Some(keys)) if keys.home_exists), "{seen:?}");
    });
}

#[test]
fn hundreds_of_accounts_are_looked_at_in_one_go() {
    everywhere(|place| {
        let many = 300;
        let mut passwd = fs::read_to_string(place.path("passwd")).unwrap();
        for number in 0..many {
            let home = place.text(&format!("homes/{number}"));
            fs::create_dir_all(format!("{home}/.ssh")).unwrap();
            fs::write(format!("{home}/.ssh/authorized_keys"), format!("# {number}\n")).unwrap();
            for path in [home.clone(), format!("{home}/.ssh"), format!("{home}/.ssh/authorized_keys")] {
                std::os::unix::fs::chown(path, Some(3000 + number), Some(3000)).unwrap();
            }
            passwd += &format!("u{number}:x:{}:3000::{home}:/bin/sh\n", 3000 + number);
        }
        fs::write(place.path("passwd"), passwd).unwrap();
        let args: Vec<_> = (0..many).map(|n| [format!("u{n}"), ".ssh/authorized_keys".to_owned()]).collect();
        let probes: Vec<&[String]> = args.iter().map(<[String; 2]>::as_slice).collect();
        for (number, seen) in place.ask(&AUTHORIZED_KEYS, &probes).into_iter().enumerate() {
            let Content::Lines(lines) = seen.unwrap().unwrap().content else { panic!("{number}") };
            assert_eq!(lines[0].raw, format!("# {number}").into_bytes());
        }
    });
}

/// What root may not enter, as on NFS, its account may.
#[test]
fn a_file_that_root_may_not_see_is_not_called_absent() {
    // Without the right to look everywhere.
    const ROOT_AT_NFS: &[&str] = &["setpriv", "--bounding-set=-dac_override,-dac_read_search", "dash"];
    let place = &Place::new(ROOT_AT_NFS);
    with_keys(place, KEY);
    let Content::Lines(lines) = usual(place).content else { panic!() };
    assert_eq!(lines[0].raw, KEY.as_bytes());
    fs::remove_file(place.path("home/.ssh/authorized_keys")).unwrap();
    assert_eq!(usual(place).content, Content::Absent);
    fs::remove_dir(place.path("home/.ssh")).unwrap();
    assert_eq!(usual(place).content, Content::Absent);
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
