//! Files, directories and links.

use crate::comply::{Repo, Run};
use crate::life::{Case, DEBIANS, told};
use fleet::{Host, Image};

pub const FILE: Case = Case {
    kind: "file",
    policy: r#"
        directories: {/srv/new: present}
        users: [writer]
        files:
          /etc/motd: {content: "one\ntwo\nthree\n"}
          /srv/new/deep.conf: {content: "x=1\n", mode: 0640, owner: writer, group: adm}
          /srv/copied.bin: {source: files/copied.bin}
          /srv/rendered: {template: templates/rendered, mode: "0600"}
          /srv/was-link: {content: "mine\n"}
          /srv/was-dangling: {content: "mine\n"}
          /srv/was-fifo: {content: "mine\n", mode: 0644}
          /srv/was-socket: {content: "mine\n"}
          /srv/stray: {content: "mine\n", mode: 0644, owner: root, group: adm}
          /srv/numbered: {owner: 12345, group: 54321}
          /srv/mode-only: {mode: 4755}
          /srv/capable: {mode: 0750, owner: root, group: root}
          /srv/kept: {content: "kept\n"}
          /srv/removed: absent
          /srv/removed-link: absent
          /srv/removed-fifo: absent
          /srv/never: absent
          /srv/seed: {content: "first\n", seed: true}
          /srv/seed-again: {content: "first\n", seed: true, mode: 0600}
          /srv/checked: {content: "right\n", validate: "grep -qx right {}"}
          /srv/token: {content: "swordfish\n", secret: true}
          /srv/no-newline: {content: "end"}
          /srv/latin: {content: "plain\n"}
          /srv/empty: {content: ""}
          "/srv/od d/it's \"x\" $(id) \\.conf": {content: "odd\n"}
          /home/writer/.profile.d: {content: "theirs\n", owner: writer, group: writer}
    "#,
    files: &[
        ("files/copied.bin", "as it is: {{ no.variable }} {% if %}\r\n"),
        ("templates/rendered", "{% if host.name %}rendered{% endif %}\n"),
    ],
    broken: r#"
        useradd -m writer
        printf 'one\n2\nthree\n' >/etc/motd
        echo secret >/etc/target
        ln -s /etc/target /srv/was-link
        ln -s /nowhere /srv/was-dangling
        mkfifo /srv/was-fifo /srv/removed-fifo
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/srv/was-socket")'
        echo mine >/srv/stray
        chown 12345:54321 /srv/stray
        chmod 777 /srv/stray
        touch /srv/numbered /srv/mode-only /srv/removed
        cp /bin/true /srv/capable
        setcap cap_net_raw+ep /srv/capable
        ln -s /etc/target /srv/removed-link
        echo kept >/srv/kept
        chmod 600 /srv/kept
        echo grown >/srv/seed
        echo wrong >/srv/checked
        chmod 640 /srv/checked
        echo hunter2 >/srv/token
        echo end >/srv/no-newline
        printf 'caf\351\n' >/srv/latin
        echo full >/srv/empty
        mkdir '/srv/od d'
        echo ours >/home/writer/.profile.d
    "#,
    destroys: &[],
    found: &[
        ("directory//srv/new", &["state: absent → present"]),
        ("file//etc/motd", &["content:\n@@ -1,3 +1,3 @@\n one\n-2\n+two\n three\n"]),
        ("file//srv/new/deep.conf", &["state: absent → present"]),
        ("file//srv/copied.bin", &["state: absent → present"]),
        ("file//srv/rendered", &["state: absent → present"]),
        ("file//srv/was-link", &["state: a link → a file"]),
        ("file//srv/was-dangling", &["state: a link → a file"]),
        ("file//srv/was-fifo", &["state: a named pipe → a file"]),
        ("file//srv/was-socket", &["state: a socket → a file"]),
        ("file//srv/stray", &["mode: 0777 → 0644", "owner: 12345 → root", "group: 54321 → adm"]),
        ("file//srv/numbered", &["owner: root → 12345", "group: root → 54321"]),
        ("file//srv/mode-only", &["mode: 0644 → 4755"]),
        ("file//srv/capable", &["mode: 0755 → 0750"]),
        ("file//srv/removed", &["state: present → absent"]),
        ("file//srv/removed-link", &["state: a link → absent"]),
        ("file//srv/removed-fifo", &["state: a named pipe → absent"]),
        ("file//srv/seed-again", &["state: absent → present"]),
        ("file//srv/checked", &["content:\n@@ -1 +1 @@\n-wrong\n+right\n"]),
        ("file//srv/token", &["content (secret)"]),
        ("file//srv/no-newline", &["content:\n@@ -1 +1 @@\n-end\n+end\n\\ No newline at end of file\n"]),
        ("file//srv/latin", &["content (binary)"]),
        ("file//srv/empty", &["content:\n@@ -1 +0,0 @@\n-full\n"]),
        ("file//srv/od d/it's \"x\" $(id) \\.conf", &["state: absent → present"]),
        (
            "file//home/writer/.profile.d",
            &["content:\n@@ -1 +1 @@\n-ours\n+theirs\n", "owner: root → writer", "group: root → writer"],
        ),
    ],
    proof: r#"
        test "$(cat /etc/motd)" = "$(printf 'one\ntwo\nthree')"
        test "$(stat -c '%a %U %G' /srv/new/deep.conf)" = '640 writer adm'
        test "$(stat -c '%a %U %G' /srv/copied.bin)" = '644 root root'
        printf 'as it is: {{ no.variable }} {%% if %%}\r\n' | cmp - /srv/copied.bin
        test "$(stat -c %a /srv/rendered) $(cat /srv/rendered)" = '600 rendered'
        for name in was-link was-dangling was-fifo was-socket stray; do
            test "$(stat -c %F /srv/$name) $(cat /srv/$name)" = 'regular file mine'
        done
        test "$(cat /etc/target)" = secret
        test "$(stat -c '%a %U %G' /srv/stray)" = '644 root adm'
        test "$(stat -c '%u %g' /srv/numbered)" = '12345 54321'
        test "$(stat -c %a /srv/mode-only)" = 4755
        test "$(stat -c %a /srv/capable) $(getcap /srv/capable)" = '750 /srv/capable cap_net_raw=ep'
        test ! -e /srv/removed -a ! -L /srv/removed-link -a ! -e /srv/removed-fifo
        test "$(cat /srv/seed) $(cat /srv/seed-again)" = 'grown first'
        test "$(stat -c %a /srv/checked) $(cat /srv/checked)" = '640 right'
        test "$(cat /srv/token)" = swordfish
        printf end | cmp - /srv/no-newline
        test -f /srv/empty -a ! -s /srv/empty
        test "$(cat "/srv/od d/it's \"x\" \$(id) \\.conf")" = odd
        test "$(stat -c '%U %G' /home/writer/.profile.d)" = 'writer writer'
        # What was there before is kept for those who may see it.
        saved=$(echo /var/backups/comply/*)
        test "$(cat "$saved/srv/token") $(cat "$saved/srv/removed" | wc -c)" = 'hunter2 0'
        test "$(stat -c %a "$saved/srv/checked")" = 600
        ! find /srv /etc /home -name '.comply*' | grep .
    "#,
};

pub const DIRECTORY: Case = Case {
    kind: "directory",
    policy: r#"
        users: {owner: {create_home: false}}
        directories:
          /srv/a/b/c: {mode: 0750, owner: owner, group: adm}
          /srv/there: {mode: 2775, owner: owner, group: 54321}
          /srv/empty: absent
          /srv/full: absent
          /srv/never: absent
          /srv/listed: {exclusive: true}
          /srv/listed/sub: {exclusive: true}
          /srv/sticky: {mode: 1777}
          /srv/theirs/listed: {exclusive: true}
          /srv/theirs/old: absent
          /tmp/old: absent
        files:
          /srv/listed/kept.conf: {content: ""}
          /srv/listed/sub/deep.conf: {content: ""}
        links:
          /srv/listed/kept-link: {target: /nowhere}
    "#,
    files: &[],
    broken: r#"
        mkdir /srv/there /srv/empty /srv/full /srv/listed /srv/listed/sub /srv/listed/stray /srv/sticky
        chmod 777 /srv/there
        chown 12345 /srv/there
        touch /srv/full/a /srv/full/.b /srv/there/left-alone
        touch /srv/listed/kept.conf /srv/listed/.hidden "/srv/listed/od d" /srv/listed/stray/x /srv/listed/sub/y \
            /srv/listed/-rf
        ln -s /nowhere /srv/listed/kept-link
        ln -s /etc /srv/listed/link-away
        mkfifo /srv/listed/pipe
        mkdir -p /srv/theirs/listed /srv/theirs/old /tmp/old
        touch /srv/theirs/listed/stray /srv/theirs/old/file /tmp/old/file
        chown -R www-data /srv/theirs
    "#,
    destroys: &["directory//srv/full", "directory//srv/listed", "directory//srv/theirs/old", "directory//tmp/old"],
    found: &[
        ("user/owner", &["state: absent → present"]),
        ("directory//srv/a/b/c", &["state: absent → present"]),
        (
            "directory//srv/there",
            &["mode: 0777 → 2775", "owner: 12345 → owner (there is no such account yet)", "group: root → 54321"],
        ),
        ("directory//srv/empty", &["state: present → absent"]),
        ("directory//srv/full", &["state: present → absent"]),
        (
            "directory//srv/listed",
            &[
                "exclusive - -rf",
                "exclusive - .hidden",
                "exclusive - link-away",
                "exclusive - od d",
                "exclusive - pipe",
                "exclusive - stray",
            ],
        ),
        ("directory//srv/listed/sub", &["exclusive - y"]),
        ("file//srv/listed/sub/deep.conf", &["state: absent → present"]),
        ("directory//srv/sticky", &["mode: 0755 → 1777"]),
        ("directory//srv/theirs/listed", &["exclusive - stray"]),
        ("directory//srv/theirs/old", &["state: present → absent"]),
        ("directory//tmp/old", &["state: present → absent"]),
    ],
    proof: r#"
        test "$(stat -c '%a %U %G' /srv/a/b/c)" = '750 owner adm'
        test "$(stat -c '%a %U %G' /srv/a/b)" = '755 root root'
        test "$(stat -c '%a %U %g' /srv/there)" = '2775 owner 54321'
        test -e /srv/there/left-alone
        test ! -e /srv/empty -a ! -e /srv/full
        test "$(ls -A /srv/listed | xargs)" = 'kept-link kept.conf sub'
        test "$(ls -A /srv/listed/sub)" = deep.conf
        test -s /etc/passwd
        test "$(stat -c %a /srv/sticky)" = 1777
        test ! -e /srv/theirs/listed/stray -a -d /srv/theirs/listed -a ! -e /srv/theirs/old -a ! -e /tmp/old
    "#,
};

pub const LINK: Case = Case {
    kind: "link",
    policy: r#"
        directories: {/srv/new: present}
        links:
          /srv/right: {target: /etc/passwd}
          /srv/right-dangling: {target: /nowhere/at all}
          /srv/fresh: {target: right}
          /srv/new/fresh: {target: ../right}
          /srv/wrong: {target: /etc/passwd}
          /srv/was-file: {target: /etc/passwd}
          /srv/was-fifo: {target: -dash}
          /srv/to-directory: {target: /srv/new}
          /srv/removed: absent
          /srv/removed-dangling: absent
          /srv/never: absent
    "#,
    files: &[],
    broken: r#"
        ln -s /etc/passwd /srv/right
        ln -s '/nowhere/at all' /srv/right-dangling
        ln -s /etc/group /srv/wrong
        echo precious >/srv/was-file
        mkfifo /srv/was-fifo
        # A link to a directory must be replaced, not filled.
        ln -s /etc /srv/to-directory
        ln -s /etc /srv/removed
        ln -s /nowhere /srv/removed-dangling
    "#,
    destroys: &[],
    found: &[
        ("directory//srv/new", &["state: absent → present"]),
        ("link//srv/fresh", &["state: absent → present"]),
        ("link//srv/new/fresh", &["state: absent → present"]),
        ("link//srv/wrong", &["target: /etc/group → /etc/passwd"]),
        ("link//srv/was-file", &["state: a file → a link"]),
        ("link//srv/was-fifo", &["state: a named pipe → a link"]),
        ("link//srv/to-directory", &["target: /etc → /srv/new"]),
        ("link//srv/removed", &["state: present → absent"]),
        ("link//srv/removed-dangling", &["state: present → absent"]),
    ],
    proof: r#"
        test "$(readlink /srv/fresh)" = right
        test "$(readlink /srv/new/fresh)" = ../right
        test "$(readlink /srv/wrong)" = /etc/passwd
        test "$(readlink /srv/was-file)" = /etc/passwd
        test "$(readlink -- /srv/was-fifo)" = -dash
        test "$(readlink /srv/to-directory)" = /srv/new
        test ! -L /srv/removed -a ! -L /srv/removed-dangling -a -d /etc
        test "$(cat /var/backups/comply/*/srv/was-file)" = precious
        ! find /srv /etc -name '.comply*' | grep .
    "#,
};

#[test]
fn a_directory_in_the_way_is_never_thrown_away() {
    let host = Host::start(Image::Trixie);
    host.sh_ok(
        "mkdir /srv/file /srv/link /srv/real; touch /srv/file/precious /srv/link/precious
         ln -s /srv/real /srv/dir; echo precious >/srv/dir2; ln -s /srv/real /srv/gone; touch /srv/gone2",
    );
    let repo = Repo::new().host(&host).policy(
        "
        files: {/srv/file: {content: x}}
        links: {/srv/link: {target: x}, /srv/gone2: absent}
        directories: {/srv/dir: {mode: 0700}, /srv/dir2: present, /srv/gone: absent}
        ",
    );
    let before = host.snapshot();
    let run = repo.run(&["enforce", "--yes", "--allow-destroy=*"]);
    run.assert_code(4).assert_all("failed");
    for (id, reason) in [
        ("file//srv/file", "/srv/file is a directory; move it away yourself, nothing in it is thrown away here"),
        ("link//srv/link", "/srv/link is a directory; move it away yourself, nothing in it is thrown away here"),
        ("link//srv/gone2", "/srv/gone2 is a file, not a link; declare it under files: /srv/gone2: absent"),
        ("directory//srv/dir", "/srv/dir is a link; declare the directory it leads to, or declare it under links"),
        ("directory//srv/dir2", "/srv/dir2 is a file, not a directory; move it away yourself"),
        ("directory//srv/gone", "/srv/gone is a link; declare the directory it leads to, or declare it under links"),
    ] {
        assert_eq!(told(run.resource(id)), [format!("failed: {reason}")], "{}", run.shown());
    }
    assert_eq!(before.diff(&host.snapshot()), Vec::<String>::new());
}

#[test]
fn a_content_that_its_check_refuses_is_not_put_in_place() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok("echo old >/srv/checked");
        let repo = Repo::new().host(&host).policy(
            r#"
            files:
              /srv/checked: {content: "new\n", validate: "echo this is why >&2; grep -q old {}"}
              /srv/new: {content: "new\n", validate: "false {}"}
              /srv/other: {content: "new\n", validate: "test ! -e /srv/new && grep -q new {}"}
            "#,
        );
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("file//srv/checked")).join("");
        assert!(why.contains("this is why") && why.contains("its check refused it"), "{why}");
        assert_eq!(run.verdict("file//srv/other"), "changed", "{}", run.shown());
        assert_eq!(host.sh_ok("cat /srv/checked; ls -A /srv"), "old\nchecked\nother\nrepo\n");
    }
}

#[test]
fn a_file_without_its_directory_says_what_to_declare() {
    let host = Host::start(Image::Bookworm);
    let repo = Repo::new()
        .host(&host)
        .policy("files: {/srv/no/such/file: {content: x}, /srv/owned: {content: '', owner: nobody-here}}");
    assert_eq!(told(repo.audit().resource("file//srv/no/such/file")), ["state: absent → present"]);
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("file//srv/no/such/file")).join("");
    assert!(why.contains("the directory /srv/no/such does not exist; declare it under directories"), "{why}");
    let why = told(run.resource("file//srv/owned")).join("");
    assert!(why.contains("nobody-here"), "{why}");
    host.sh_ok("test ! -e /srv/owned && ! ls -A /srv | grep comply");
}

#[test]
fn a_directory_with_content_is_removed_only_where_it_is_allowed_by_name() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("mkdir -p /srv/full/sub /srv/listed/sub; touch /srv/full/a /srv/listed/file");
    let repo = Repo::new().host(&host).policy("directories: {/srv/full: absent, /srv/listed: {exclusive: true}}");
    let before = host.sh_ok("find /srv/full /srv/listed");
    let run = repo.enforce();
    run.assert_code(2).assert_all("drift");
    let held = run.resource("directory//srv/full").held.clone().unwrap_or_default();
    assert!(held.contains("--allow-destroy 'directory//srv/full'"), "{}", run.shown());
    assert_eq!(host.sh_ok("find /srv/full /srv/listed"), before);
    repo.run(&["enforce", "--yes", "--allow-destroy=directory/*"]).assert_code(0).assert_all("changed");
}

#[test]
fn a_mounted_directory_or_home_is_never_emptied() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(
            "mkdir -p '/srv/a disk' /srv/data; useradd -m zed; mkdir /home/zed/disk; touch /srv/data/precious
             mount -t tmpfs disk '/srv/a disk'; touch '/srv/a disk/precious'
             mount --bind /srv/data /home/zed/disk",
        );
        let repo = Repo::new()
            .host(&host)
            .policy("directories: {/srv/a disk: absent}\nusers: {zed: {state: absent, remove_home: true}}");
        let run = repo.run(&["enforce", "--yes", "--allow-destroy=*"]);
        run.assert_code(4).assert_all("failed");
        for (id, at) in [("directory//srv/a disk", "/srv/a disk"), ("user/zed", "/home/zed/disk")] {
            let why = told(run.resource(id)).join("");
            let wanted = format!("something is mounted at {at}, and would be emptied: unmount it first");
            assert!(why.contains(&wanted), "{}", run.shown());
        }
        host.sh_ok("getent shadow zed | grep -q '^zed:!'; test -e '/srv/a disk/precious' -a -e /srv/data/precious");
        host.sh_ok("umount '/srv/a disk' /home/zed/disk");
        repo.run(&["enforce", "--yes", "--allow-destroy=*"]).assert_code(0).assert_all("changed");
        host.sh_ok("test -e /srv/data/precious");
    }
}

#[test]
fn what_is_mounted_below_a_directory_is_never_emptied() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "mkdir -p '/srv/a/on disk' /srv/b/inside/bound /srv/data
        mount -t tmpfs none '/srv/a/on disk'; mount --bind /srv/data /srv/b/inside/bound
        echo precious | tee '/srv/a/on disk/file' >/srv/data/file",
    );
    let repo = Repo::new().host(&host).policy("directories: {/srv/a: {exclusive: true}, /srv/b: absent}");
    let run = repo.run(&["enforce", "--yes", "--allow-destroy=*"]);
    run.assert_code(4);
    for (id, at) in [("directory//srv/a", "/srv/a/on disk"), ("directory//srv/b", "/srv/b/inside/bound")] {
        let why = run.resource(id).reason.clone().unwrap_or_default();
        assert!(why.contains(&format!("something is mounted at {at}, and would be emptied")), "{why}{}", run.shown());
    }
    assert_eq!(host.sh_ok("cat '/srv/a/on disk/file' /srv/b/inside/bound/file"), "precious\nprecious\n");
    host.sh_ok("umount '/srv/a/on disk' /srv/b/inside/bound");
    repo.run(&["enforce", "--yes", "--allow-destroy=*"]).assert_code(0);
    assert_eq!(host.sh_ok("ls -A /srv/a; ls -d /srv/b 2>/dev/null || cat /srv/data/file"), "precious\n");
}

#[test]
fn what_other_kinds_declare_stays_in_an_exclusive_directory() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "mkdir -p /srv/home/stray /srv/users /srv/keys; touch /srv/keys/stray /etc/ssh/sshd_config.d/stray.conf /root/.ssh/stray /srv/keys/stray
         useradd -m -d /srv/users/bob bob; useradd carl",
    );
    // The one that lets the tests in.
    let key = host.sh_ok("cat /root/.ssh/authorized_keys");
    let repo = Repo::new().host(&host).policy(&format!(
        "
         directories:
           /etc/ssh/sshd_config.d: {{exclusive: true}}
           /root/.ssh: {{exclusive: true}}
           /srv/home: {{exclusive: true}}
           /srv/users: {{exclusive: true}}
           /srv/users/bob/.ssh: {{exclusive: true, owner: bob, mode: 0700}}
           /srv/keys: {{exclusive: true, owner: carl}}
         users: {{alice: {{home: /srv/home/alice}}, bob: {{shell: /bin/bash}}}}
         ssh_keys: {{root: {{keys: [{key:?}]}}, bob: {{keys: [{key:?}]}}, carl: {{keys: [{key:?}], path: /srv/keys/%u}}}}
         sshd: {{MaxAuthTries: 4, MaxSessions: 5}}"
    ));
    let stray = |run: &Run, path: &str| told(run.resource(&format!("directory/{path}")));
    let audit = repo.audit();
    assert_eq!(stray(&audit, "/srv/home"), ["exclusive - stray"]);
    assert_eq!(stray(&audit, "/root/.ssh"), ["exclusive - stray"]);
    assert_eq!(audit.verdict("directory//srv/users"), "compliant", "{}", audit.shown());
    repo.run(&["enforce", "--yes", "--allow-destroy=directory//srv/home"]).assert_code(0);
    repo.enforce().assert_code(0).assert_all("kept");
    assert_eq!(
        host.sh_ok(
            "cd /; ls -A /srv/home /srv/keys /srv/users /srv/users/bob/.ssh /root/.ssh /etc/ssh/sshd_config.d | xargs"
        ),
        "/etc/ssh/sshd_config.d: 00-comply.conf /root/.ssh: authorized_keys /srv/home: alice /srv/keys: carl /srv/users: bob \
         /srv/users/bob/.ssh: authorized_keys\n"
    );
}
