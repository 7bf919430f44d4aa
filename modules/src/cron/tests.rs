use super::*;
use crate::captured::{Host, mistakes, spec, story};
use engine::paths::{READ, STAT};
use serde_json::json;

const PATH: &str = "/etc/cron.d/dump";
const ACCOUNTS_OF_HOST: &str = "/etc/passwd:root:x:0:0:root:/root:/bin/bash\n/etc/passwd:backup:x:34:34::/:/bin/sh\n";
const LINE: &str = "30 4 * * mon backup dump >/x-$(date +\\%F)\n";

fn fields() -> serde_json::Value {
    json!({"schedule": "30 4 * * mon", "user": "backup", "command": "dump >/x-$(date +%F)"})
}

fn host(daemon: bool) -> Host {
    let stat = |path| if daemon && path == "/usr/sbin/cron" { "81ed 0 0 1 1 " } else { "" };
    let host = Host::default().says(&ACCOUNTS, &[], ACCOUNTS_OF_HOST).says(&HARD_LINKS, &[PATH], format!("{PATH}:1\n"));
    DAEMONS.into_iter().fold(host, |host, path| host.says(&STAT, &[path], stat(path)))
}

/// A file of root's, 0644, with this content.
fn with(content: &str) -> Host {
    host(true).says(&STAT, &[PATH], format!("81a4 0 0 {} 1 ", content.len())).says(
        &READ,
        &[PATH],
        format!("{content}="),
    )
}

/// There is no such file.
fn absent(host: Host) -> Host {
    host.says(&STAT, &[PATH], "").says(&READ, &[PATH], "it is not a regular file!")
}

fn tell(fields: serde_json::Value, host: &Host) -> String {
    story(&Cron, "dump", &spec(&Cron, "dump", fields), host).unwrap().join("\n")
}

#[test]
fn a_missing_job_is_written_with_its_environment() {
    let fields =
        json!({"schedule": "@daily", "command": "true", "env": {"MAILTO": "", "SAID": "\"so\"", "A": "b # c=d"}});
    insta::assert_snapshot!(tell(fields, &absent(host(true))), @r#"
    state: absent -> present
    create /etc/cron.d/dump: write file ["/etc/cron.d/dump", "0644", "root", "root", ""] <A="b # c=d"
    MAILTO=""
    SAID='"so"'
    @daily root true
    >
    "#);
}

#[test]
fn another_line_is_drift_and_comments_are_not() {
    assert_eq!(tell(fields(), &with(LINE)), "");
    assert_eq!(tell(fields(), &with(&format!("#Ansible: dump\n\n{LINE}"))), "");
    insta::assert_snapshot!(tell(fields(), &with("30 4 * * mon root dump\n")), @r#"
    content:
    @@ -1 +1 @@
    -30 4 * * mon root dump
    +30 4 * * mon backup dump >/x-$(date +\%F)

    write /etc/cron.d/dump: write file ["/etc/cron.d/dump", "0644", "root", "root", ""] <30 4 * * mon backup dump >/x-$(date +\%F)
    >
    "#);
    assert!(tell(fields(), &with(LINE.trim_end())).starts_with("content:"), "cron reads no last line without an end");
    assert!(tell(fields(), &with(&format!("{LINE}* * * * * root other\n"))).starts_with("content:"));
}

#[test]
fn a_job_that_nothing_would_run_is_drift_and_says_what_to_do() {
    insta::assert_snapshot!(tell(fields(), &absent(host(false))), @r#"
    state: absent -> present
    command: nothing here runs jobs: cron is not installed -> run by cron
    refused: cron is not on this host, so nothing would run the job: declare `packages: [cron]`
    "#);
    let nobody = json!({"schedule": "@daily", "user": "zoe", "command": "true"});
    insta::assert_snapshot!(tell(nobody, &absent(host(true))), @r#"
    state: absent -> present
    user: there is no account zoe -> zoe
    refused: there is no account zoe, and cron reads no file with a job for one: declare it under users
    "#);
    assert_eq!(tell(json!({"state": "absent"}), &absent(Host::default())), "");
}

#[test]
fn mistakes_have_a_way_out() {
    let told = |fields: serde_json::Value| mistakes(&Cron, "dump", fields).join("\n");
    let job = |field: &str, value: serde_json::Value| {
        let mut fields = fields();
        fields[field] = value;
        told(fields)
    };
    insta::assert_snapshot!([
        job("command", "".into()),
        job("command", "date +\\%F".into()),
        job("command", "a\nb".into()),
        job("command", " a".into()),
        job("command", "%".repeat(500).into()),
        job("user", "a b".into()),
        job("user", "root\n* * * * * root x".into()),
        job("schedule", "* * * *".into()),
        job("schedule", "* * * * *\n* * * * * root".into()),
        job("env", json!({"A B": "c", "USER": "x", "OK": "a\nb", "Q": "'\"", "S": "x "})),
        told(json!({"state": "absent", "command": "x"})),
    ].join("\n"), @r#"
    dump command: the command is empty
    dump command: `\%` would reach the shell as it is (write `%`: the backslash that cron needs is added for you)
    dump command: a command is one line without control characters (put a longer one in a script, under `files`, and run that)
    dump command: there is space before or after the command
    dump command: it is longer than 998 bytes, and cron would not read the file (put it in a script, under `files`, and run that)
    dump user: `a b`: a name has only letters, digits, `_`, `-` and `.`
    dump user: `root\n* * * * * root x`: a name has only letters, digits, `_`, `-` and `.`
    dump: has 4 fields and needs five (minute, hour, day of the month, month, day of the week), such as `0 5 * * mon`, or a word such as `@daily`
    dump: has 11 fields and needs five (minute, hour, day of the month, month, day of the week), such as `0 5 * * mon`, or a word such as `@daily`
    dump env: `A B` is no name of a variable: letters, digits and `_`
    dump env: the value of `OK` is not one line, or has control characters in it
    dump env: the value of `Q` has both kinds of quotes in it, which cron cannot read
    dump env: the value of `S` has space at an end, which cron drops
    dump env: cron sets `USER` itself, to the account that runs the job
    dump command: `command` means nothing for a job that must be absent
    "#);
}
