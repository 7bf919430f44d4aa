//! Secrets from every provider, each for real, on this machine.

use crate::sandbox::{Ended, Sandbox, turn};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Whatever a shell, YAML, JSON or a diff could stumble over.
const SECRET: &str = "Kr0kodil$(id)'\"\\ {{x}} é";

/// A repository whose one file holds the secret `picasoft/db`, or `names`, one a line.
fn sandbox(secrets: &str, names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new(&[("inventory.yml", "hosts:\n  here: {connection: local, become: none}\n")]);
    sandbox.write("comply.yml", &format!("secrets: {secrets}\n"));
    let calls: String = names.iter().map(|name| format!("{{{{ secret({name}) }}}}\n")).collect();
    sandbox.write("templates/t", &calls);
    let file = sandbox.path("managed");
    sandbox.write(
        "policies/base.yml",
        &format!("hosts: [here]\nfiles:\n  {}: {{template: templates/t, mode: 0600}}\n", file.display()),
    );
    sandbox
}

/// Runs comply.
fn run(sandbox: &Sandbox, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let _turn = turn(args);
    let mut command = sandbox.std_command();
    let output = command.args(args).envs(env.iter().copied()).stdin(Stdio::null()).output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The file comes to `wanted`, for owner's eyes only, and nothing tells what is in it.
fn assert_written(sandbox: &Sandbox, env: &[(&str, &str)], wanted: &str) {
    let check = run(sandbox, &["check"], env);
    assert_eq!(check.code, 0, "{}", check.err);
    let audit = run(sandbox, &["audit", "-vvv"], env);
    assert_eq!(audit.code, 2, "{}{}", audit.out, audit.err);
    let ended = run(sandbox, &["enforce", "--yes", "-vvv", "--format", "text", "--format", "json=report.json"], env);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(sandbox.read("managed"), wanted);
    assert_eq!(fs::metadata(sandbox.path("managed")).unwrap().permissions().mode() & 0o7777, 0o600);
    for text in [&audit.out, &audit.err, &ended.out, &ended.err, &sandbox.read("report.json")] {
        assert!(!text.contains("Kr0kodil"), "{text}");
    }
    assert_eq!(run(sandbox, &["audit"], env).code, 0);
}

/// What audit says of the file's secret.
fn why_not(sandbox: &Sandbox, env: &[(&str, &str)]) -> String {
    fs::write(sandbox.path("managed"), "old\n").unwrap();
    fs::set_permissions(sandbox.path("managed"), fs::Permissions::from_mode(0o600)).unwrap();
    let ended = run(sandbox, &["audit", "--format", "json"], env);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let resource = &report["hosts"][0]["resources"][0];
    assert_eq!(resource["verdict"], "unknown");
    resource["reason"].as_str().unwrap().to_owned()
}

#[test]
fn the_environment_gives_secrets() {
    let sandbox = sandbox("{provider: env, prefix: picasoft/}", &["'db'", "'db', field='user'", "'a-b.c'"]);
    let env = [
        ("COMPLY_SECRET_PICASOFT_DB", SECRET),
        ("COMPLY_SECRET_PICASOFT_DB_USER", "mattermost"),
        ("COMPLY_SECRET_PICASOFT_A_B_C", "more"),
    ];
    assert_written(&sandbox, &env, &format!("{SECRET}\nmattermost\nmore\n"));
    let why = why_not(&sandbox, &env[1..]);
    assert_eq!(why, "content: no secret `db`: COMPLY_SECRET_PICASOFT_DB is not set");
}

#[test]
fn files_that_only_their_owner_reads_give_secrets() {
    let sandbox = sandbox("{provider: file, directory: secrets}", &["'db/root'", "'db/app', field='user'"]);
    let write = |name: &str, text: &str, mode: u32| {
        sandbox.write(name, text);
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    write("secrets/db/root", &format!("{SECRET}\nsecond line\n"), 0o600);
    write("secrets/db/app", "xxxx\nuser: mattermost\n", 0o400);
    assert_written(&sandbox, &[], &format!("{SECRET}\nsecond line\nmattermost\n"));
    write("secrets/db/root", SECRET, 0o640);
    let why = "content: no secret `db/root`: secrets/db/root is open to other accounts of this machine; `chmod 600` it";
    assert_eq!(why_not(&sandbox, &[]), why);
    fs::remove_file(sandbox.path("secrets/db/root")).unwrap();
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db/root`: there is no file secrets/db/root");
    Command::new("mkfifo").args(["-m", "600"]).arg(sandbox.path("secrets/db/root")).status().unwrap();
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db/root`: secrets/db/root is not a regular file");
    fs::remove_file(sandbox.path("secrets/db/root")).unwrap();
    write("secrets/db/root", "", 0o600);
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db/root`: it is empty");
    write("secrets/db/root", &"x".repeat(70_000), 0o600);
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db/root`: secrets/db/root is larger than 64 KiB");
    write("secrets/db/root", "x\n", 0o600);
    write("secrets/db/app", "xxxx\n", 0o600);
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db/app:user`: `db/app` has no line `user: …`");
}

#[test]
fn a_program_gives_secrets_and_is_run_once_for_each_without_a_shell() {
    let sandbox = sandbox(
        "{provider: command, command: [./give, \"of {};$(touch pwned)\", \"{}\"]}",
        &["'db'", "'db', field='user'"],
    );
    let give = |script: &str| {
        sandbox.write("give", &format!("#!/bin/sh\necho \"$1\" >>asked\n{script}\n"));
        fs::set_permissions(sandbox.path("give"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    give("cat kept");
    sandbox.write("kept", &format!("{SECRET}\nuser: mattermost\n"));
    assert_written(&sandbox, &[], &format!("{SECRET}\nuser: mattermost\nmattermost\n"));
    fs::remove_file(sandbox.path("asked")).unwrap();
    run(&sandbox, &["audit"], &[]);
    assert_eq!(sandbox.read("asked"), "of db;$(touch pwned)\n");
    assert!(!sandbox.path("pwned").exists());
    give("echo 'warning: x' >&2; echo 'the vault is sealed' >&2; exit 2");
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db`: ./give cannot give `db`: the vault is sealed");
    give("yes");
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db`: ./give printed more than 64 KiB");
    give("printf '\\377\\376'");
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db`: `db` is no UTF-8 text");
    give("tr '\\0' '\\n' </proc/self/environ | grep COMPLY_ || echo none; echo user: x");
    let env = [("COMPLY_BECOME_PASSWORD", "hunter2"), ("COMPLY_SECRET_X", "hunter2")];
    assert_eq!(run(&sandbox, &["enforce", "--yes"], &env).code, 0);
    assert_eq!(sandbox.read("managed"), "none\nuser: x\nx\n");
    fs::remove_file(sandbox.path("give")).unwrap();
    assert_eq!(why_not(&sandbox, &[]), "content: no secret `db`: the program ./give is not installed here");
}

#[test]
fn pass_gives_secrets_with_a_real_key() {
    let sandbox = sandbox("{provider: pass, prefix: picasoft/, store: store}", &["'db'", "'db', field='user'"]);
    // Short: the socket of gpg-agent is in it.
    let home = tempfile::Builder::new()
        .prefix("gpg")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .unwrap();
    let gnupg = home.path().to_str().unwrap().to_owned();
    let store = sandbox.path("store").to_str().unwrap().to_owned();
    let env = [("GNUPGHOME", gnupg.as_str())];
    let tool = |program: &str, args: &[&str], input: &str| {
        let mut command = Command::new(program);
        command.args(args).env("GNUPGHOME", &gnupg).env("PASSWORD_STORE_DIR", &store);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{program} {args:?}");
    };
    let key = ["--batch", "--passphrase", "", "--quick-gen-key", "test@example.org", "future-default"];
    tool("gpg", &key, "");
    tool("pass", &["init", "test@example.org"], "");
    tool("pass", &["insert", "-m", "picasoft/db"], &format!("{SECRET}\nuser: mattermost\n"));
    assert_written(&sandbox, &env, &format!("{SECRET}\nmattermost\n"));
    // Folders are no secrets.
    tool("pass", &["mv", "picasoft/db", "picasoft/db/app"], "");
    assert_eq!(why_not(&sandbox, &env), "content: no secret `db`: `picasoft/db` is a folder of pass, not an entry");
    tool("pass", &["mv", "picasoft/db/app", "picasoft/other"], "");
    assert_eq!(why_not(&sandbox, &env), "content: no secret `db`: pass has no `picasoft/db`");
    tool("pass", &["mv", "picasoft/other", "picasoft/db"], "");
    let without_key = why_not(&sandbox, &[("GNUPGHOME", sandbox.root().to_str().unwrap())]);
    assert!(without_key.starts_with("content: no secret `db`: pass cannot give `picasoft/db`: gpg: "), "{without_key}");
    Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", &gnupg).status().unwrap();
}

#[test]
fn nothing_is_fetched_for_what_is_not_selected_nor_by_check_and_graph() {
    let sandbox = sandbox("{provider: command, command: [touch, \"called-{}\"]}", &["'db'"]);
    let file = sandbox.path("other");
    sandbox.write("policies/other.yml", &format!("hosts: [here]\nfiles:\n  {}: {{content: x}}\n", file.display()));
    for args in [
        &["check"][..],
        &["graph", "here"],
        &["audit", "--policy", "other"],
        &["enforce", "--yes", "--policy", "other"],
    ] {
        let ended = run(&sandbox, args, &[]);
        assert!([0, 2].contains(&ended.code), "{args:?} {}", ended.err);
        assert!(!sandbox.path("called-db").exists(), "{args:?}");
    }
    run(&sandbox, &["audit"], &[]);
    assert!(sandbox.path("called-db").exists());
}

#[test]
fn a_variable_of_the_command_line_that_is_nobodys_business_is_not_repeated() {
    let sandbox = Sandbox::local("{{ db_password }} {{ word }}");
    let args = ["audit", "--var", "db_password=Kr0kodil", "--var", "word=shown", "--format", "text"];
    let args = [&args[..], &["--format", "json=report.json"]].concat();
    let ended = sandbox.comply(&args);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.out.contains("next: comply enforce") && ended.out.contains("word=shown"), "{}", ended.out);
    let next = ended.out.lines().find(|line| line.starts_with("next:")).unwrap();
    let report = sandbox.read("report.json");
    let selection = report.split("\"selection\"").nth(1).and_then(|rest| rest.split("\"interrupted\"").next()).unwrap();
    assert!(!next.contains("Kr0kodil") && !selection.contains("Kr0kodil"), "{next}{selection}");
    assert!(selection.contains("db_password=[hidden]"), "{selection}");
}
