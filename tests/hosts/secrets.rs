//! Secrets on real hosts: put in place, found changed, missing, and as sudo's password.

use crate::r#become::{self as become_, PASSWORD};
use crate::comply::{Repo, Run};
use crate::life::DEBIANS;
use fleet::{Host, Image};
use reports::Difference;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Of `openssl passwd -6 -salt pepper hunter2`.
const HASH: &str = "$6$pepper$ePGE85BK.5hgDC9xjk5IsZWW/LL4ikoHyi1kVEhfeskTqkns4O/TRGjTD.C2lWc3o2xXljWtfUIGgS5F2WmBx1";
const PASSPHRASE: &str = "cOrrect 'h0rse' $(battery) \"staple\"";

fn repository(hosts: &[&Host]) -> Repo {
    let repo = Repo::new().file("comply.yml", "secrets: {provider: env}\n");
    let repo = hosts.iter().fold(repo, |repo, host| repo.host(host));
    repo.file("templates/app", "user = app\npassword = {{ secret('app/db') }}\nport = 5432\n").policy(
        r#"
        users:
          app: {password: "{{ secret('app/hash') }}"}
        files:
          /etc/app.conf: {template: templates/app}
          /etc/app.key: {content: "{{ secret('app/db') }}", mode: 0640, owner: app}
          /etc/plain: {content: "plain\n"}
        "#,
    )
}

fn run(repo: &Repo, args: &[&str], secrets: &[(&str, &str)]) -> Run {
    let mut command = repo.command(args);
    command.envs(secrets.iter().copied());
    let run = repo.finish(command);
    for (_, secret) in secrets {
        become_::assert_unseen(&run, secret);
    }
    run
}

const BOTH: [(&str, &str); 2] = [("COMPLY_SECRET_APP_DB", PASSPHRASE), ("COMPLY_SECRET_APP_HASH", HASH)];

/// What differs in a field, in words.
fn told(run: &Run, host: &Host, id: &str) -> Vec<String> {
    let changes = &run.resource_on(host.name(), id).changes;
    let told = changes.iter().map(|change| match &change.difference {
        Difference::Value { is, should } => format!("{}: {is} → {should}", change.field),
        Difference::Hidden { hidden } => format!("{}: {hidden}", change.field),
        Difference::Unknown { unknown } => format!("{} unknown: {unknown}", change.field),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn files_and_passwords_get_their_secrets_and_nothing_tells_them() {
    let hosts = Host::start_all(&DEBIANS);
    let repo = repository(&hosts.iter().collect::<Vec<_>>());
    run(&repo, &["audit", "-vvv"], &BOTH).assert_code(2);
    run(&repo, &["enforce", "--yes", "-vvv"], &BOTH).assert_code(0).assert_all("changed");
    for host in &hosts {
        assert_eq!(host.sh_ok("cat /etc/app.conf"), format!("user = app\npassword = {PASSPHRASE}\nport = 5432\n"));
        assert_eq!(host.sh_ok("stat -c '%a %U' /etc/app.conf; cat /etc/app.key"), format!("600 root\n{PASSPHRASE}"));
        assert_eq!(host.sh_ok("getent shadow app | cut -d: -f2").trim(), HASH);
    }
    run(&repo, &["enforce", "--yes"], &BOTH).assert_code(0).assert_all("kept");
    for host in &hosts {
        host.sh_ok("sed -i 's/^password.*/password = guessed/; $a more' /etc/app.conf && chmod 644 /etc/app.conf");
        host.sh_ok("usermod -p '$6$a$b' app");
    }
    let before = run(&repo, &["audit", "-vvv"], &BOTH);
    before.assert_code(2);
    for host in &hosts {
        let mode = "mode: 0644 → 0640, since it holds a secret";
        assert_eq!(told(&before, host, "file//etc/app.conf"), ["content: secret; lines 2, 4", mode]);
        assert_eq!(told(&before, host, "user/app"), ["password: secret"]);
        assert_eq!(before.resource_on(host.name(), "file//etc/app.key").verdict.to_string(), "compliant");
    }
    assert!(!before.text.contains("guessed"), "{}", before.text);
    run(&repo, &["enforce", "--yes", "-vvv"], &BOTH).assert_code(0);
    for host in &hosts {
        assert_eq!(host.sh_ok("stat -c %a /etc/app.conf; grep -c battery /etc/app.conf"), "640\n1\n");
        // What was replaced is kept, for root alone.
        let copies = host.sh_ok("find /var/backups/comply -name app.conf -exec stat -c %a {} +");
        assert_eq!(copies, "600\n");
        assert_eq!(host.sh_ok("find /var/backups/comply -type d -perm /077 | wc -l"), "0\n");
    }
    run(&repo, &["audit"], &BOTH).assert_code(0).assert_all("compliant");
}

#[test]
fn what_lacks_its_secret_is_unknown_and_left_alone_and_the_rest_is_judged() {
    let host = Host::start(Image::Bookworm);
    let repo = repository(&[&host]);
    run(&repo, &["enforce", "--yes"], &BOTH).assert_code(0);
    let one = [("COMPLY_SECRET_APP_HASH", HASH)];
    let why = "no secret `app/db`: COMPLY_SECRET_APP_DB is not set";
    let audit = run(&repo, &["audit"], &one);
    audit.assert_code(3);
    assert_eq!(audit.verdict("file//etc/app.conf"), "unknown");
    assert_eq!(audit.resource("file//etc/app.key").reason.as_deref(), Some(format!("content: {why}").as_str()));
    assert_eq!(audit.verdict("user/app"), "compliant");
    host.sh_ok("chmod 600 /etc/app.key; echo x >>/etc/app.conf; rm /etc/plain");
    let audit = run(&repo, &["audit"], &one);
    audit.assert_code(5);
    assert_eq!(
        told(&audit, &host, "file//etc/app.key"),
        ["mode: 0600 → 0640".to_owned(), format!("content unknown: {why}")]
    );
    assert_eq!(audit.verdict("file//etc/app.conf"), "unknown");
    let enforce = run(&repo, &["enforce", "--yes"], &one);
    enforce.assert_code(5);
    assert_eq!(enforce.verdict("file//etc/plain"), "changed");
    let key = enforce.resource("file//etc/app.key");
    assert_eq!((key.verdict.to_string(), key.held.clone()), ("drift".to_owned(), Some(format!("content: {why}"))));
    assert_eq!(host.sh_ok("stat -c %a /etc/app.key; tail -n 1 /etc/app.conf"), "600\nx\n");
    // A new file is not made half.
    host.sh_ok("rm /etc/app.conf");
    run(&repo, &["enforce", "--yes"], &one).assert_code(5);
    host.sh_ok("! test -e /etc/app.conf");
}

#[test]
fn a_secret_that_is_no_hash_is_never_set_as_a_password() {
    let host = Host::start(Image::Trixie);
    let repo = repository(&[&host]);
    let wrong = [("COMPLY_SECRET_APP_DB", PASSPHRASE), ("COMPLY_SECRET_APP_HASH", "hunter2hunter2")];
    let run = run(&repo, &["enforce", "--yes", "-vvv"], &wrong);
    let user = run.resource("user/app");
    let held = user.held.clone().unwrap_or_default();
    assert!(held.contains("its secret does not fit: `password` is a crypt hash"), "{held}{}", run.shown());
    host.sh_ok("! getent passwd app");
}

#[test]
fn sudo_gets_its_password_from_a_secret() {
    for (image, connection) in [(Image::Bookworm, "ssh"), (Image::Trixie, "openssh")] {
        let host = become_::host(image);
        become_::sudoers(&host, "");
        let repo = Repo::new()
            .file("comply.yml", "secrets: {provider: file, directory: secrets, prefix: sudo/}\n")
            .host_with(&host, &format!("user: ops, connection: {connection}, become_secret: \"{}\"", host.name()))
            .policy(crate::neighbour::POLICY)
            .file(&format!("secrets/sudo/{}", host.name()), format!("{PASSWORD}\n"));
        let kept = repo.path().join("secrets/sudo").join(host.name());
        let open = |mode| fs::set_permissions(&kept, fs::Permissions::from_mode(mode)).unwrap();
        open(0o600);
        let (run, found) = become_::hunted(&host, &repo, repo.command(&["audit", "-vvv", "--timeout=30s"]), PASSWORD);
        become_::assert_unseen(&run, PASSWORD);
        assert_eq!((run.code, found.as_str()), (0, ""), "{}", run.shown());
        open(0o644);
        let refused = repo.audit();
        refused.assert_code(3);
        assert!(refused.text.contains("`chmod 600` it"), "{}", refused.shown());
    }
}
