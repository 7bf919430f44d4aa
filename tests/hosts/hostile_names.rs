//! Names and values that a shell, a terminal or a tool could take for something else: refused by `comply check`,
//! or carried to the host as they are. Never run.

use crate::comply::Repo;
use crate::watched;
use fleet::{Host, Image};
use std::fmt::Write;
use std::fs;

/// Made by whatever is run that should only be carried.
const CANARY: &str = "/var/tmp/canary";

/// Words that mean something somewhere.
fn hostile() -> Vec<String> {
    let mut words: Vec<String> = [
        "it's \"quoted\"",
        "$(touch /var/tmp/canary)",
        "`touch /var/tmp/canary`",
        "'; touch /var/tmp/canary; '",
        "\"; touch /var/tmp/canary; \"",
        "'\"'\"'$(touch /var/tmp/canary)",
        "a\ntouch /var/tmp/canary\nb",
        "; touch /var/tmp/canary #",
        "| touch /var/tmp/canary",
        "-rf",
        "--help",
        "--",
        "-x $(touch /var/tmp/canary)",
        "{{ host.name }}{{",
        "{{ '{{' }} text }}",
        "{% raw %}{# x #}",
        "nul\0nul",
        "back\\slash\\",
        "tab\tbell\u{7}escape\u{1b}[2J",
        "\u{202e}desrever\u{feff}",
        "*",
        "?[a-z]",
        "~root",
        "%s%n%x",
        "!!$HOME${IFS}",
        "a:b,c",
        " space ",
        "é€😀",
    ]
    .map(str::to_owned)
    .into();
    words.push("x".repeat(4096));
    words.push(format!("{}$(touch {CANARY})", "y".repeat(200)));
    words
}

/// As YAML writes any text.
fn yaml(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// Where a hostile word can stand: a name for the place, and the declaration that has it there. The number makes names
/// unlike each other.
type Place = (&'static str, fn(&str, usize) -> String);

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

const PLACES: &[Place] = &[
    ("file name", |word, _| file(&format!("/odd/{word}"), "content: \"x\\n\"")),
    ("file below name", |word, _| file(&format!("/odd/{word}/file"), "content: \"x\\n\"")),
    ("file content", |word, n| file(&format!("/odd/content{n}"), &format!("content: {}", yaml(word)))),
    ("file owner", |word, n| file(&format!("/odd/owner{n}"), &format!("content: x, owner: {}", yaml(word)))),
    ("file group", |word, n| file(&format!("/odd/group{n}"), &format!("content: x, group: {}", yaml(word)))),
    ("file source", |word, n| file(&format!("/odd/source{n}"), &format!("source: {}", yaml(word)))),
    ("file mode", |word, n| file(&format!("/odd/mode{n}"), &format!("content: x, mode: {}", yaml(word)))),
    ("directory name", |word, _| of("directories", &format!("/odd/d{word}"), "state: present")),
    ("directory owner", |word, n| of("directories", &format!("/odd/owned{n}"), &format!("owner: {}", yaml(word)))),
    ("link name", |word, _| of("links", &format!("/odd/l{word}"), "target: /tmp")),
    ("link target", |word, n| of("links", &format!("/odd/link{n}"), &format!("target: {}", yaml(word)))),
    ("user name", |word, _| of("users", word, "state: present")),
    ("user comment", |word, n| of("users", &format!("comment{n}"), &format!("comment: {}", yaml(word)))),
    ("user shell", |word, n| of("users", &format!("shell{n}"), &format!("shell: {}", yaml(&format!("/{word}"))))),
    ("user home", |word, n| of("users", &format!("home{n}"), &format!("home: {}", yaml(&format!("/odd/h{word}"))))),
    ("user group", |word, n| of("users", &format!("primary{n}"), &format!("group: {}", yaml(word)))),
    ("user groups", |word, n| of("users", &format!("groups{n}"), &format!("groups: [{}]", yaml(word)))),
    ("user password", |word, n| {
        of("users", &format!("password{n}"), &format!("password: {}", yaml(&format!("$6$salt${word}"))))
    }),
    ("group name", |word, _| of("groups", word, "state: present")),
    ("group members", |word, n| of("groups", &format!("members{n}"), &format!("members: [{}]", yaml(word)))),
    ("package name", |word, _| of("packages", word, "state: present")),
    ("package version", |word, _| of("packages", "bash", &format!("version: {}", yaml(word)))),
    ("service name", |word, _| of("services", word, "running: false")),
    ("sudoers name", |word, _| of("sudoers", word, "users: [root], commands: ALL")),
    ("sudoers users", |word, n| {
        of("sudoers", &format!("users{n}"), &format!("users: [{}], commands: ALL", yaml(word)))
    }),
    ("sudoers run_as", |word, n| {
        of("sudoers", &format!("as{n}"), &format!("users: [root], run_as: {}, commands: ALL", yaml(word)))
    }),
    ("sudoers commands", |word, n| {
        let command = yaml(&format!("/bin/echo {word}"));
        of("sudoers", &format!("commands{n}"), &format!("users: [root], commands: [{command}]"))
    }),
    ("cron name", |word, _| of("cron", word, "schedule: 0 0 29 2 *, command: 'true'")),
    // A day that is not today: what is written here is meant to be run, some day.
    ("cron command", |word, n| {
        of("cron", &format!("command{n}"), &format!("schedule: 0 0 29 2 *, command: {}", yaml(word)))
    }),
    ("cron user", |word, n| {
        of("cron", &format!("user{n}"), &format!("schedule: 0 0 29 2 *, command: x, user: {}", yaml(word)))
    }),
    ("cron schedule", |word, n| of("cron", &format!("schedule{n}"), &format!("command: x, schedule: {}", yaml(word)))),
    ("cron env", |word, n| {
        let env = format!("env: {{NOTE: {}}}", yaml(word));
        of("cron", &format!("env{n}"), &format!("schedule: 0 0 29 2 *, command: x, {env}"))
    }),
    ("apt name", |word, _| of("apt_repositories", word, "uris: file:/odd, suites: ./, trusted: true")),
    ("apt uris", |word, n| {
        let uris = yaml(&format!("file:/odd/{word}"));
        of("apt_repositories", &format!("uri{n}"), &format!("uris: {uris}, suites: ./, trusted: true"))
    }),
    ("apt suites", |word, n| {
        let fields = format!("uris: file:/odd, suites: {}, components: x, trusted: true", yaml(word));
        of("apt_repositories", &format!("suite{n}"), &fields)
    }),
    ("key comment", |word, _| of("ssh_keys", "keyed", &format!("keys: [{}]", yaml(&format!("{KEY} {word}"))))),
    ("key options", |word, _| {
        let line = format!("command=\"{}\" {KEY} me", word.replace('"', "\\\""));
        of("ssh_keys", "keyed", &format!("keys: [{}]", yaml(&line)))
    }),
    ("key itself", |word, _| of("ssh_keys", "keyed", &format!("keys: [{}]", yaml(&format!("ssh-ed25519 {word}"))))),
    ("key path", |word, n| {
        of("ssh_keys", "keyed", &format!("path: {}, keys: [\"{KEY} {n}\"]", yaml(&format!("/odd/k{word}"))))
    }),
    ("key account", |word, _| of("ssh_keys", word, &format!("keys: [\"{KEY}\"]"))),
];

fn file(path: &str, fields: &str) -> String {
    of("files", path, fields)
}

fn of(section: &str, name: &str, fields: &str) -> String {
    format!("{section}: {{label: {{name: {}, {fields}}}}}\n", yaml(name))
}

fn repository(host: &Host) -> Repo {
    Repo::new().host(host)
}

#[test]
fn hostile_words_are_refused_with_a_place_or_carried_as_they_are() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("mkdir /odd && useradd -m keyed");
    for (place, declare) in PLACES {
        let declared: Vec<_> = hostile().iter().enumerate().map(|(n, word)| declare(word, n)).collect();
        // Where many words are for one resource, each has its turn.
        let alone = *place == "package version" || (place.starts_with("key ") && *place != "key account");
        for declared in declared.chunks(if alone { 1 } else { declared.len() }) {
            let repo = repository(&host).policy("directories: {/odd: present}");
            if accept(&repo, place, declared) > 0 {
                apply(&host, &repo, place);
            }
        }
    }
    assert_carried(&host);
    // Neither sudo nor cron finds a mistake in what was accepted; cron says so in its log.
    host.sh_ok("visudo -c && systemctl restart cron && sleep 1 && journalctl --sync");
    let said = host.sh_ok("journalctl -u cron -o cat | grep -v -e STARTUP -e INFO -e systemd -e -ed || :");
    assert!(!said.to_lowercase().contains("error") && !said.contains("bad "), "{said}");
}

/// Declares all that `comply check` accepts, and returns how many that are. It may say no, but in words and with the place.
#[track_caller]
fn accept(repo: &Repo, place: &str, declared: &[String]) -> usize {
    let file = |n: &usize| format!("policies/word{n}.yml");
    let mut accepted: Vec<_> = (0..declared.len()).collect();
    for n in &accepted {
        let text = format!("hosts: [all]\n{}", declared[*n]);
        fs::write(repo.path().join(file(n)), text).expect("a file of the repository");
    }
    loop {
        let check = repo.check();
        assert!([0, 1].contains(&check.code), "{place}{}", check.shown());
        assert!(!check.errors.contains("panicked"), "{place}{}", check.shown());
        let controls = check.errors.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(controls, None, "{place}{}", check.shown());
        if check.code == 0 {
            println!("{place}: of {} words, accepted are {accepted:?}", declared.len());
            return accepted.len();
        }
        println!("{place}: {}", check.errors);
        let before = accepted.len();
        accepted.retain(|n| {
            let refused = check.errors.contains(&format!("--> {}:2:", file(n)));
            if refused {
                fs::remove_file(repo.path().join(file(n))).expect("a file of the repository");
            }
            !refused
        });
        assert!(accepted.len() < before, "{place}: no place of a declaration{}", check.shown());
    }
}

/// Audits and enforces: nothing that was carried is run, and the terminal is left alone.
#[track_caller]
fn apply(host: &Host, repo: &Repo, place: &str) {
    for command in [&["audit", "-v"][..], &["enforce", "--yes", "-v"]] {
        let run = watched::run(repo, command).run;
        assert!([0, 2, 3, 4, 5].contains(&run.code), "{place}{}", run.shown());
        let controls = run.text.chars().chain(run.errors.chars()).find(|c| c.is_control() && *c != '\n');
        assert_eq!(controls, None, "{place} {:?}", run.shown());
        assert_eq!(host.sh_ok(&format!("ls -d {CANARY} 2>/dev/null; true")), "", "{place}{}", run.shown());
        for resource in run.report().hosts.iter().flat_map(|host| &host.resources) {
            let reason = resource.reason.as_deref().unwrap_or_default();
            assert!(
                !reason.contains("mistake in comply") && !reason.contains("syntax error"),
                "{place}{}",
                run.shown()
            );
        }
    }
}

/// What is on the host now, read there by something that knows nothing of shells.
const LOOK: &str = r#"
import json, os, pwd
files, links = {}, {}
for at, dirs, names in os.walk("/odd"):
    for name in names + dirs:
        path = os.path.join(at, name)
        if os.path.islink(path):
            links[path] = os.readlink(path)
        elif os.path.isfile(path):
            files[path] = open(path, newline="").read()
        else:
            files[path] = None
comments = {user.pw_name: user.pw_gecos for user in pwd.getpwall()}
print(json.dumps({"files": files, "links": links, "comments": comments}))
"#;

/// Words that were accepted arrived as they are; of each sort there are some.
fn assert_carried(host: &Host) {
    host.write("/run/look.py", LOOK);
    let seen: serde_json::Value = serde_json::from_str(&host.sh_ok("python3 /run/look.py")).expect("JSON");
    let mut carried = [0; 5];
    for (n, word) in hostile().iter().enumerate() {
        // What a template makes of it.
        let word = if word.starts_with("{{ '{{' }}") { "{{ text }}" } else { word };
        let arrived = [
            (&seen["files"][format!("/odd/{word}")], "x\n"),
            (&seen["files"][format!("/odd/content{n}")], word),
            (&seen["links"][format!("/odd/link{n}")], word),
            (&seen["links"][format!("/odd/l{word}")], "/tmp"),
            (&seen["comments"][format!("comment{n}")], word),
        ];
        for ((there, wanted), count) in arrived.into_iter().zip(&mut carried) {
            if let Some(there) = there.as_str() {
                assert!(there == wanted, "{there:?} is not {wanted:?}");
                *count += 1;
            }
        }
    }
    assert!(carried.iter().all(|count| *count > 10), "{carried:?}");
}

#[test]
fn any_bytes_of_a_source_file_arrive_as_they_are() {
    let host = Host::start(Image::Trixie);
    let all: Vec<u8> = (0..=255).collect();
    let contents: Vec<(String, Vec<u8>)> = vec![
        ("bytes".into(), all.clone()),
        ("large".into(), all.repeat(2000)),
        ("invalid".into(), b"\xff\xfe caf\xe9\n".to_vec()),
        ("empty".into(), Vec::new()),
        ("percent".into(), b"%s%n\\n\\0\n".to_vec()),
        ("dashes".into(), b"-n -e\n".to_vec()),
        ("unended".into(), b"no newline".to_vec()),
        ("newlines".into(), b"\n\n\n".to_vec()),
        ("end".into(), b"EOF\n}\nexit 1\n".to_vec()),
        ("inline".into(), b"x".repeat(64 << 10)),
        ("beyond".into(), b"'".repeat((64 << 10) + 1)),
    ];
    let mut policy = String::from("files:\n");
    let mut repo = repository(&host);
    for (name, bytes) in &contents {
        repo = repo.file(&format!("files/{name}"), bytes);
        writeln!(policy, "  /etc/odd-{name}: {{source: files/{name}}}").expect("memory");
    }
    let repo = repo.policy(&policy);
    repo.enforce().assert_code(0).assert_all("changed");
    for (name, bytes) in &contents {
        let there = host.sh_ok(&format!("od -An -v -tx1 /etc/odd-{name} | tr -d ' \\n'"));
        let wanted: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(there == wanted, "{name}");
    }
    repo.audit().assert_code(0).assert_all("compliant");
}

#[test]
fn a_repository_that_is_not_utf8_is_an_error_with_a_place() {
    let host = Host::start(Image::Bookworm);
    let repo =
        repository(&host).file("policies/policy.yml", b"hosts: [all]\nfiles: {/etc/x: {content: \"caf\xe9\"}}\n");
    let check = repo.check();
    check.assert_code(1);
    assert!(check.errors.contains("policies/policy.yml"), "{}", check.shown());
    assert!(check.errors.to_lowercase().contains("utf-8"), "{}", check.shown());
}

#[test]
fn what_a_host_has_in_its_files_reaches_the_report_without_harm() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        r#"mkdir /odd && cd /odd
        printf 'a\033[2Jb\007\r\n\342\200\256c\n' >controls
        printf '\377\376 caf\351\n' >invalid
        ln -s "$(printf 'to\nnew\033line')" link
        ln -s "$(printf 'to\377')" broken
        mkdir dir && cd dir
        touch "$(printf 'new\nline')" "$(printf 'inv\377alid')" "$(printf 'esc\033[2J')" -- '-rf' '$(touch /var/tmp/canary)' '{{ x }}'
        useradd -m mallory && install -d -o mallory -m 700 /home/mallory/.ssh
        printf 'command="$(touch /var/tmp/canary)" ssh-ed25519 \033[2J\377\n# \007\nssh-rsa AAAA\n\000\000\n' >/home/mallory/.ssh/authorized_keys
        chown mallory: /home/mallory/.ssh/authorized_keys
        printf 'weird:x:4242:4242:\033[2J\377`touch /var/tmp/canary`:/odd/home:/bin/sh\n' >>/etc/passwd"#,
    );
    let repo = repository(&host).policy(&format!(
        "
         files:
           /odd/controls: {{content: \"x\\n\"}}
           /odd/invalid: {{content: \"x\\n\"}}
         links: {{/odd/link: {{target: x}}, /odd/broken: {{target: x}}}}
         directories: {{/odd/dir: {{exclusive: true}}}}
         users: {{weird: {{comment: plain, create_home: false}}}}
         ssh_keys: {{mallory: {{keys: [\"{KEY}\"]}}}}"
    ));
    for command in [&["audit", "-v"][..], &["enforce", "--yes", "-v"], &["audit", "-v"]] {
        let run = repo.run(command);
        assert!([0, 2, 4, 5].contains(&run.code), "{}", run.shown());
        let controls = run.text.chars().chain(run.errors.chars()).find(|c| c.is_control() && *c != '\n');
        assert_eq!(controls, None, "{:?}", run.shown());
    }
    assert_eq!(host.sh_ok(&format!("ls -d {CANARY} 2>/dev/null; true")), "");
}
