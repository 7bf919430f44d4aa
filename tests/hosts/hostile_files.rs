//! Paths that are not what a policy takes them for, by mistake or on purpose.

use crate::comply::{Repo, Run};
use crate::watched;
use fleet::{Host, Image};
use std::time::Duration;

/// No path takes longer to judge, on a busy machine.
const IN_TIME: Duration = Duration::from_secs(20);

/// Much less than any of the large ones.
const MEMORY: u64 = 200 << 20;

#[track_caller]
fn watch(repo: &Repo, args: &[&str]) -> Run {
    let watched = watched::run(repo, args);
    assert!(watched.run.took < IN_TIME, "it took {:?}{}", watched.run.took, watched.run.shown());
    assert!(watched.memory < MEMORY, "{} bytes of memory{}", watched.memory, watched.run.shown());
    watched.run
}

/// What stands where the policy wants a file.
const ODDITIES: &str = r#"
    mkdir -p /odd && cd /odd
    mkfifo fifo
    mknod zero c 1 5
    mkdir directory && touch directory/content
    ln -s /dev/zero to-zero
    ln -s /odd/loop loop
    truncate -s 20G large
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/odd/socket")'
"#;

const AS_FILES: &str = "
    files:
      /odd/fifo: {content: \"x\\n\"}
      /odd/zero: {content: \"x\\n\"}
      /odd/directory: {content: \"x\\n\"}
      /odd/to-zero: {content: \"x\\n\"}
      /odd/loop: {content: \"x\\n\"}
      /odd/large: {content: \"x\\n\"}
      /odd/socket: {content: \"x\\n\"}
      /odd/to-zero/below: {content: \"x\\n\"}
      /odd/plain: {content: \"x\\n\"}
";

#[test]
fn what_is_no_regular_file_is_seen_and_never_opened() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(ODDITIES);
    let run = watch(&Repo::new().host(&host).policy(AS_FILES), &["audit", "--timeout=10s"]);
    run.assert_code(2);
    for (path, noun) in [
        ("fifo", "a named pipe"),
        ("zero", "a device"),
        ("directory", "a directory"),
        ("to-zero", "a link"),
        ("loop", "a link"),
        ("socket", "a socket"),
        ("large", "21474836480 bytes"),
        ("plain", "absent"),
    ] {
        let id = format!("file//odd/{path}");
        assert_eq!(run.verdict(&id), "drift", "{id}{}", run.shown());
        assert!(format!("{:?}", run.resource(&id).changes).contains(noun), "{id}{}", run.shown());
    }
    assert!(["drift", "blocked"].contains(&&*run.verdict("file//odd/to-zero/below")), "{}", run.shown());
}

#[test]
fn enforce_replaces_odd_files_and_refuses_what_it_would_lose() {
    let host = Host::start(Image::Trixie);
    host.sh_ok(ODDITIES);
    let repo = Repo::new().host(&host).policy(AS_FILES);
    let run = watch(&repo, &["enforce", "--yes"]);
    run.assert_code(4);
    for path in ["fifo", "zero", "to-zero", "loop", "socket", "plain"] {
        assert_eq!(run.verdict(&format!("file//odd/{path}")), "changed", "{path}{}", run.shown());
        assert_eq!(host.sh_ok(&format!("stat -c '%F' /odd/{path}; cat /odd/{path}")), "regular file\nx\n", "{path}");
    }
    for (path, words) in [("directory", "is a directory"), ("large", "too large to save a copy")] {
        let resource = run.resource(&format!("file//odd/{path}"));
        assert_eq!(resource.verdict.to_string(), "failed", "{}", run.shown());
        assert!(resource.reason.as_deref().unwrap_or_default().contains(words), "{resource:?}");
    }
    assert_eq!(host.sh_ok("ls /odd/directory"), "content\n");
    assert_eq!(host.sh_ok("stat -c %s /odd/large"), "21474836480\n");
    assert_eq!(host.sh_ok("stat -c '%F %t %T' /dev/zero"), "character special file 1 5\n");
}

#[test]
fn directories_links_and_keys_meet_odd_files_too() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(ODDITIES);
    host.sh_ok("for name in fifo zero big dir; do useradd -m -s /bin/sh $name; install -d -o $name -m 700 /home/$name/.ssh; done
        mkfifo /home/fifo/.ssh/authorized_keys
        ln -s /dev/zero /home/zero/.ssh/authorized_keys
        truncate -s 20G /home/big/.ssh/authorized_keys && chown big: /home/big/.ssh/authorized_keys
        mkdir /home/dir/.ssh/authorized_keys");
    let key = host.fleet().public_key();
    let accounts: String =
        ["fifo", "zero", "big", "dir"].map(|name| format!("  {name}: {{keys: [\"{key}\"]}}\n")).concat();
    let repo = Repo::new().host(&host).policy(&format!(
        "directories:\n  /odd/fifo: present\n  /odd/to-zero: present\n  /odd/large: present\n  /odd/loop: {{mode: 0700}}\n\
         links:\n  /odd/directory: {{target: /tmp}}\n  /odd/zero: {{target: /tmp}}\nssh_keys:\n{accounts}"
    ));
    let run = watch(&repo, &["audit", "--timeout=10s"]);
    assert!([2, 5].contains(&run.code), "{}", run.shown());
    let run = watch(&repo, &["enforce", "--yes"]);
    run.assert_code(4);
    for id in
        ["directory//odd/fifo", "directory//odd/to-zero", "directory//odd/large", "link//odd/directory", "ssh_key/dir"]
    {
        assert_eq!(run.verdict(id), "failed", "{id}{}", run.shown());
    }
    assert_eq!(host.sh_ok("stat -c '%F %t %T %a' /dev/zero"), "character special file 1 5 666\n");
    assert_eq!(host.sh_ok("stat -c '%F' /odd/fifo /odd/directory"), "fifo\ndirectory\n");
}

/// Parts of /etc/shadow that no report may hold.
const SHADOW: &str = "S3cr3tHashOfSomebody";

#[track_caller]
fn assert_no_shadow(run: &Run) {
    let report = serde_json::to_string(run.report()).expect("a report");
    for (what, text) in [("report", &report), ("text", &run.text), ("errors", &run.errors)] {
        assert!(!text.contains(SHADOW), "/etc/shadow is in the {what}{}", run.shown());
        assert!(!text.contains("daemon:*:"), "/etc/shadow is in the {what}{}", run.shown());
    }
}

/// An account with a home of its own, and a password that would be found.
fn host_with_account(image: Image) -> Host {
    let host = Host::start(image);
    host.sh_ok(&format!(
        "useradd -m -s /bin/bash mallory && usermod -p '$6$salt${SHADOW}' mallory && install -d -o mallory -m 700 /home/mallory/.ssh"
    ));
    host
}

fn keys(host: &Host, more: &str) -> Repo {
    let key = host.fleet().public_key();
    Repo::new().host(host).policy(&format!("ssh_keys: {{mallory: {{keys: [\"{key}\"]}}}}\n{more}"))
}

#[test]
fn authorized_keys_linked_to_shadow_shows_nothing_of_it() {
    for way in ["-s", ""] {
        let host = host_with_account(Image::Bookworm);
        // A hard link is what a kernel without protected_hardlinks lets an account make.
        host.sh_ok(&format!("ln {way} /etc/shadow /home/mallory/.ssh/authorized_keys"));
        let before = host.sh_ok("cat /etc/shadow; stat -c '%a %U %G' /etc/shadow");
        let repo = keys(&host, "");
        for args in [&["audit", "-v"][..], &["enforce", "--yes", "-v"], &["audit", "-v"]] {
            assert_no_shadow(&watch(&repo, args));
        }
        assert_eq!(host.sh_ok("cat /etc/shadow; stat -c '%a %U %G' /etc/shadow"), before, "link {way}");
    }
}

#[test]
fn a_managed_file_linked_to_shadow_shows_nothing_of_it() {
    for way in ["-s", ""] {
        let host = host_with_account(Image::Bookworm);
        host.sh_ok(&format!(
            "ln {way} /etc/shadow /home/mallory/.profile-of-mine
            ln -s /etc /home/mallory/sub; chown -h mallory: /home/mallory/sub"
        ));
        let before = host.sh_ok("cat /etc/shadow; stat -c '%a %U %G' /etc/shadow");
        let repo = Repo::new().host(&host).policy(
            "
             files:
               /home/mallory/.profile-of-mine: {content: \"x\\n\", owner: mallory, mode: 0644}
               /home/mallory/sub/shadow: {content: \"x\\n\", owner: mallory, mode: 0644}
               /home/mallory/sub/comply-was-here: {content: \"x\\n\", owner: mallory}
               /home/mallory/sub/too: {content: \"x\\n\"}
             directories:
               /home/mallory/sub/new: {owner: mallory}
               /home/mallory/sub/apt: {owner: mallory}
             links: {/home/mallory/sub/link: {target: /tmp}}",
        );
        for args in [&["audit", "-v"][..], &["enforce", "--yes", "-v"], &["audit", "-v"]] {
            assert_no_shadow(&watch(&repo, args));
        }
        assert_eq!(host.sh_ok("cat /etc/shadow; stat -c '%a %U %G' /etc/shadow"), before, "link {way}");
        assert_eq!(host.sh_ok("ls -d /etc/comply-was-here /etc/too /etc/new /etc/link 2>/dev/null; true"), "");
        assert_eq!(host.sh_ok("stat -c %U /etc/apt"), "root\n");
    }
}

#[test]
fn a_key_directory_linked_to_the_schedules_of_cron_gets_nothing_written() {
    let host = host_with_account(Image::Bookworm);
    host.sh_ok(
        "rmdir /home/mallory/.ssh && ln -s /etc/cron.d /home/mallory/.ssh && chown -h mallory: /home/mallory/.ssh",
    );
    let before = host.sh_ok("ls -lan /etc/cron.d; stat -c '%a %U %G' /etc/cron.d");
    let run = watch(&keys(&host, ""), &["enforce", "--yes"]);
    assert_eq!(run.verdict("ssh_key/mallory"), "failed", "{}", run.shown());
    assert_eq!(host.sh_ok("ls -lan /etc/cron.d; stat -c '%a %U %G' /etc/cron.d"), before);
}

/// Exchanges a directory for a link and back, as fast as it can, until it is told to stop.
const SWAP: &str = r#"
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
AT, EXCHANGE = -100, 2
while not os.path.exists("/tmp/stop"):
    libc.renameat2(AT, b"dir", AT, b"bait", EXCHANGE)
"#;

#[test]
fn an_account_that_exchanges_directories_for_links_gains_nothing() {
    let host = host_with_account(Image::Bookworm);
    host.write("/usr/local/bin/swap.py", SWAP);
    host.sh_ok(
        "cd /home/mallory && mkdir dir && ln -s /etc bait && rm -r .ssh && ln -s dir .ssh
        echo mine | tee dir/shadow dir/authorized_keys dir/sudoers >/dev/null && chown -hR mallory: . && chown -h mallory: dir bait .ssh
        setsid setpriv --reuid mallory --regid mallory --init-groups python3 /usr/local/bin/swap.py /home/mallory >/dev/null 2>&1 &",
    );
    let before = host.sh_ok("ls -lan /etc; cat /etc/shadow; stat -c '%a %U %G' /etc /etc/shadow");
    let key = host.fleet().public_key();
    for round in 0..6 {
        let repo = Repo::new().host(&host).policy(&format!(
            "
             files:
               /home/mallory/dir/shadow: {{content: \"round {round}\\n\", owner: mallory, mode: 0640}}
               /home/mallory/dir/passwd: {{content: \"round {round}\\n\", owner: root, group: root, mode: 0666}}
               /home/mallory/dir/comply-{round}: {{content: \"x\\n\", owner: mallory}}
               /home/mallory/dir/sudoers: {{owner: mallory, mode: 0666}}
             directories:
               /home/mallory/dir/apt: {{owner: mallory, mode: 0777}}
             links: {{/home/mallory/dir/link: {{target: /tmp}}}}
             ssh_keys: {{mallory: {{keys: [\"{key}\"]}}}}"
        ));
        assert_no_shadow(&watch(&repo, &["audit", "-v"]));
        assert_no_shadow(&watch(&repo, &["enforce", "--yes", "-v"]));
    }
    host.sh_ok("touch /tmp/stop");
    assert_eq!(host.sh_ok("ls -lan /etc; cat /etc/shadow; stat -c '%a %U %G' /etc /etc/shadow"), before);
}

#[test]
fn a_directory_that_a_group_can_write_leads_nowhere_either() {
    let host = host_with_account(Image::Trixie);
    host.write("/usr/local/bin/swap.py", SWAP);
    host.sh_ok(
        "groupadd web && usermod -aG web mallory && mkdir /srv/www && chown root:web /srv/www && chmod 2775 /srv/www
        cd /srv/www && echo mine >dir && ln -s /etc/shadow bait && ln -s /etc sub && chown -h mallory: dir bait sub
        setsid setpriv --reuid mallory --regid mallory --init-groups python3 /usr/local/bin/swap.py /srv/www >/dev/null 2>&1 &",
    );
    let before = host.sh_ok("ls -lan /etc; cat /etc/shadow; stat -c '%a %U %G' /etc /etc/shadow");
    for round in 0..12 {
        let repo = Repo::new().host(&host).policy(&format!(
            "
            files:
              /srv/www/dir: {{content: \"round {round}\\n\", mode: 0666}}
              /srv/www/sub/shadow: {{content: \"round {round}\\n\"}}
              /srv/www/sub/comply-was-here: {{content: \"x\\n\"}}
            "
        ));
        assert_no_shadow(&watch(&repo, &["audit", "-v"]));
        if round % 4 == 3 {
            assert_no_shadow(&watch(&repo, &["enforce", "--yes", "-v"]));
        }
    }
    host.sh_ok("touch /tmp/stop");
    assert_eq!(host.sh_ok("ls -lan /etc; cat /etc/shadow; stat -c '%a %U %G' /etc /etc/shadow"), before);
}

#[test]
fn a_file_that_turns_into_a_pipe_now_and_then_holds_nobody_up_for_long() {
    let host = host_with_account(Image::Bookworm);
    host.write("/usr/local/bin/swap.py", SWAP);
    host.sh_ok(
        "cd /home/mallory && echo mine >dir && mkfifo bait && chown mallory: dir bait && echo right >/etc/beside
        setsid setpriv --reuid mallory --regid mallory --init-groups python3 /usr/local/bin/swap.py /home/mallory >/dev/null 2>&1 &",
    );
    let repo = Repo::new().host(&host).policy(
        "
        files:
          /home/mallory/dir: {content: \"x\\n\", owner: mallory}
          /etc/beside: {content: \"right\\n\"}
        ",
    );
    for _ in 0..3 {
        let run = watched::run(&repo, &["audit", "--timeout=50s"]).run;
        assert_eq!(run.verdict("file//etc/beside"), "compliant", "{}", run.shown());
    }
    // It may well succeed, and then there is nothing left to exchange.
    let run = watched::run(&repo, &["enforce", "--yes"]).run;
    assert_eq!(run.verdict("file//etc/beside"), "kept", "{}", run.shown());
    host.sh_ok("touch /tmp/stop");
}

#[test]
fn the_policy_repository_leads_nowhere_else() {
    let host = Host::start(Image::Bookworm);
    let repo = Repo::new().host(&host).policy("files: {/etc/x: {source: files/secret}}");
    std::fs::create_dir(repo.path().join("files")).unwrap();
    std::os::unix::fs::symlink("/etc/shadow", repo.path().join("files/secret")).unwrap();
    let run = repo.run(&["audit"]);
    run.assert_code(1);
    assert!(run.errors.contains("files/secret"), "{}", run.shown());
}
