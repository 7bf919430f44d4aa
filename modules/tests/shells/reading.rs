use super::{Place, UID, everywhere};
use engine::Blind;
use engine::paths::{FILE, FileKind, LIST, READ, STAT, TARGET};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

fn stat(place: &Place, paths: &[String]) -> Vec<Result<Option<FileKind>, Blind>> {
    let probes: Vec<&[String]> = paths.iter().map(std::slice::from_ref).collect();
    place.ask(&STAT, &probes).into_iter().map(|stat| stat.map(|stat| stat.map(|stat| stat.kind))).collect()
}

#[test]
fn every_type_of_file_is_told_apart_and_absence_too() {
    everywhere(|place| {
        fs::write(place.path("file"), "x").unwrap();
        symlink("/dev/zero", place.path("zero")).unwrap();
        symlink("nowhere", place.path("dangling")).unwrap();
        place.run("", &format!("mkfifo '{}'", place.text("pipe")), &[], b"");
        let names = ["file", "none", "zero", "dangling", "pipe", "home", "file/below", "none/below"];
        let mut paths: Vec<_> = names.iter().map(|name| place.text(name)).collect();
        paths.push("/dev/null".into());
        let Ok::<Vec<_>, Blind>(kinds) = stat(place, &paths).into_iter().collect() else { panic!() };
        use FileKind::*;
        let expected =
            [Some(Regular), None, Some(Link), Some(Link), Some(Fifo), Some(Directory), None, None, Some(Device)];
        assert_eq!(kinds, expected);
        for path in &paths {
            // None of them is opened unless it is a regular file: a pipe or /dev/zero would never end.
            place.ask_one(&FILE, path).unwrap();
            assert_eq!(place.ask_one(&READ, path).is_ok(), path.ends_with("/file"), "{path}");
        }
        assert_eq!(place.ask_one(&TARGET, &place.text("dangling")), Ok(Some("nowhere".into())));
        assert_eq!(place.ask_one(&TARGET, &place.text("file")), Ok(None));
    });
}

#[test]
fn files_in_many_directories_of_roots_are_looked_at_by_two_programs() {
    everywhere(|place| {
        for name in ["stat", "sha256sum"] {
            place.put_ahead(name, &format!("echo {name} >>{}\nexec /usr/bin/{name} \"$@\"", place.text("ran")));
        }
        let paths: Vec<_> = (0..20).map(|number| place.text(&format!("root/{number}/{number}/file"))).collect();
        for path in &paths {
            fs::create_dir_all(path.strip_suffix("/file").unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let probes: Vec<&[String]> = paths.iter().map(std::slice::from_ref).collect();
        let seen = place.ask_after(&place.ahead(), &FILE, &probes);
        assert!(seen.into_iter().all(|file| file.unwrap().unwrap().sha256.unwrap().is_ok()));
        assert_eq!(fs::read_to_string(place.path("ran")).unwrap(), "stat\nsha256sum\n");
    });
}

#[test]
fn a_path_that_others_can_lead_astray_is_not_walked_by_root() {
    everywhere(|place| {
        let whose = |path: &str| {
            let answer = place.run("", r#"whose "$1"; printf %s "$W""#, &[place.text(path)], b"");
            String::from_utf8(answer.out).unwrap()
        };
        // More links than the system follows, of which somebody could take one away.
        place.share("shared");
        for number in 0..45 {
            symlink(place.path(&format!("shared/l{}", number + 1)), place.path(&format!("shared/l{number}"))).unwrap();
        }
        assert_eq!(whose("shared/l0/file"), "65534");
        // Where an access list lets somebody write, the group's bits show its mask.
        fs::create_dir(place.path("listed")).unwrap();
        fs::set_permissions(place.path("listed"), Permissions::from_mode(0o775)).unwrap();
        assert_eq!(whose("listed/file"), "65534");
        assert_eq!(whose("root/file"), "");
    });
}

/// More than stat(1) keeps before it prints: what it says and what it complains of must not break each other's lines.
#[test]
fn files_that_are_there_and_files_that_are_not_are_told_apart_among_hundreds() {
    everywhere(|place| {
        place.put_ahead("stat", "exec busybox stat \"$@\"");
        let paths: Vec<_> = (0..300).map(|number| place.text(&format!("{number}-{}", "long".repeat(40)))).collect();
        for path in paths.iter().step_by(3) {
            fs::write(path, "").unwrap();
        }
        let probes: Vec<&[String]> = paths.iter().map(std::slice::from_ref).collect();
        for stat in [String::new(), place.ahead()] {
            for (number, seen) in place.ask_after(&stat, &STAT, &probes).into_iter().enumerate() {
                assert_eq!(seen.map(|stat| stat.is_some()), Ok(number % 3 == 0), "{number} {stat}");
            }
            let hashed = place.ask_after(&stat, &FILE, &probes).into_iter().filter_map(|file| file.unwrap()?.sha256);
            assert_eq!(hashed.filter(Result::is_ok).count(), 100, "{stat}");
        }
    });
}

#[test]
fn what_cannot_be_looked_at_is_not_absent() {
    everywhere(|place| {
        symlink(place.path("loop"), place.path("loop")).unwrap();
        let kinds = stat(place, &[place.text("loop/below"), place.text("none")]);
        assert!(matches!(&kinds[0], Err(Blind::Failed(why)) if why.contains("Too many levels")), "{kinds:?}");
        assert_eq!(kinds[1], Ok(None));
    });
}

#[test]
fn an_account_that_is_not_root_is_told_that_it_may_not_look() {
    everywhere(|place| {
        fs::create_dir(place.path("closed")).unwrap();
        fs::set_permissions(place.path("closed"), Permissions::from_mode(0o700)).unwrap();
        fs::write(place.path("question"), format!("{}\n{}", super::PRELUDE, STAT.query.shell)).unwrap();
        let program =
            format!("setpriv --reuid {UID} --clear-groups -- sh {} {}", place.text("question"), place.text("closed/x"));
        let answer = place.run("", &program, &[], b"");
        let engine::Batch::Split(split) = STAT.query.batch else { panic!() };
        let path = [place.text("closed/x")];
        let part = split(&answer, &[&path]).pop().unwrap();
        assert!(matches!((STAT.decode)(&part, &path), Err(Blind::Denied(_))), "{answer:?}");
    });
}

#[test]
fn a_file_is_hashed_as_sha256sum_does_even_when_it_is_empty() {
    everywhere(|place| {
        fs::write(place.path("empty"), "").unwrap();
        let file = place.ask_one(&FILE, &place.text("empty")).unwrap().unwrap();
        assert_eq!(file.sha256.unwrap().unwrap(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let huge = fs::File::create(place.path("huge")).unwrap();
        huge.set_len(20 << 30).unwrap();
        let file = place.ask_one(&FILE, &place.text("huge")).unwrap().unwrap();
        assert!(matches!(file.sha256, Some(Err(Blind::TooLarge(_)))));
        assert!(matches!(place.ask_one(&READ, &place.text("huge")), Err(Blind::TooLarge(_))));
    });
}

#[test]
fn links_of_another_account_lead_no_further_than_its_own_rights() {
    everywhere(|place| {
        symlink(place.dir.path(), place.path("home/way")).unwrap();
        place.give("home/way");
        let path = place.text("home/way/shadow");
        assert!(matches!(place.ask_one(&READ, &path), Err(Blind::Failed(_) | Blind::Denied(_))));
        let file = place.ask_one(&FILE, &path).unwrap().unwrap();
        assert!(matches!(file.sha256, Some(Err(Blind::Denied(_)))), "{file:?}");
        // Nor where root has made a link to a directory of that account, and the next link is not root's.
        symlink(place.path("home/way"), place.path("short")).unwrap();
        assert!(place.ask_one(&READ, &place.text("short/shadow")).is_err());
        fs::create_dir(place.path("private")).unwrap();
        fs::write(place.path("private/name"), "").unwrap();
        fs::set_permissions(place.path("private"), Permissions::from_mode(0o700)).unwrap();
        assert!(place.ask_one(&LIST, &place.text("home/way/private")).is_err());
    });
}

#[test]
fn a_file_of_root_in_the_directory_of_another_account_is_read() {
    everywhere(|place| {
        fs::write(place.path("home/token"), "secret").unwrap();
        fs::set_permissions(place.path("home/token"), Permissions::from_mode(0o600)).unwrap();
        let path = place.text("home/token");
        assert_eq!(place.ask_one(&READ, &path).unwrap(), b"secret");
        let file = place.ask_one(&FILE, &path).unwrap().unwrap();
        assert!(file.sha256.unwrap().unwrap().starts_with("2bb80d53"));
        // With a second name, it may be another file than it seems.
        fs::hard_link(place.path("home/token"), place.path("other")).unwrap();
        assert!(place.ask_one(&READ, &path).is_err());
    });
}

#[test]
fn a_directory_is_listed_whatever_the_names_in_it() {
    everywhere(|place| {
        let names = ["plain", "two\nlines", " spaces ", "-rf", "$(true)", "'\"\\", "…"];
        for name in names {
            fs::write(place.path("root").join(name), "").unwrap();
        }
        let mut expected: Vec<_> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        expected.sort_unstable();
        assert_eq!(place.ask_one(&LIST, &place.text("root")), Ok(Some(expected)));
        assert_eq!(place.ask_one(&LIST, &place.text("home")), Ok(Some(vec![])));
        assert_eq!(place.ask_one(&LIST, &place.text("none")), Ok(None));
        assert_eq!(place.ask_one(&LIST, &place.text("passwd")), Ok(None));
    });
}
