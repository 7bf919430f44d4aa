//! The state that the benchmark is about: what every host has, as a policy repository and as the lists of the floor.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use fleet::Host;

const USERS: usize = 10;
const FILES: usize = 20;

/// Thirty packages that the image has.
const PACKAGES: [&str; 30] = [
    "acl",
    "adduser",
    "bc",
    "bsdextrautils",
    "bzip2",
    "ca-certificates",
    "colordiff",
    "cpio",
    "cron",
    "curl",
    "dc",
    "diffutils",
    "file",
    "htop",
    "iproute2",
    "jq",
    "less",
    "logrotate",
    "lsof",
    "nano",
    "ncdu",
    "openssh-server",
    "procps",
    "psmisc",
    "rsync",
    "socat",
    "strace",
    "sudo",
    "tree",
    "unzip",
];

/// Units, the files that configure them, and what these say.
const SERVICES: [(&str, &str, &str); 3] = [
    ("cron", "/etc/default/cron", "# Written by the benchmark.\nEXTRA_OPTS=\"\"\n"),
    ("ssh", "/etc/ssh/sshd_config.d/50-bench.conf", "LoginGraceTime 60\nMaxAuthTries 4\n"),
    ("systemd-journald", "/etc/systemd/journald.conf.d/bench.conf", "[Journal]\nSystemMaxUse=64M\n"),
];

/// Which of [`SERVICES`] can be enabled; systemd's own is `static`.
const ENABLED: [&str; 2] = ["cron", "ssh"];

/// A user, its keys, thirty packages, a directory and its files, the folder of a configuration, three of these and
/// their services.
pub const RESOURCES: usize = 2 * USERS + PACKAGES.len() + 1 + FILES + 1 + 2 * SERVICES.len();

/// Writes the policy repository for `hosts` into `dir`.
pub fn write_repository(dir: &Path, hosts: &[Host]) -> io::Result<()> {
    fs::create_dir_all(dir.join("policies"))?;
    fs::create_dir_all(dir.join("files"))?;
    let mut members = String::new();
    for user in users() {
        writeln!(members, "    {user}: {{keys: [\"{} {user}@laptop\", \"{} {user}@desk\"]}}", key(dir)?, key(dir)?)
            .map_err(io::Error::other)?;
    }
    fs::write(dir.join("comply.yml"), format!("name: bench\nvars:\n  members:\n{members}"))?;
    fs::write(dir.join("inventory.yml"), inventory(hosts))?;
    fs::write(dir.join("policies/access.yml"), ACCESS)?;
    fs::write(dir.join("policies/content.yml"), content())?;
    for index in 0..FILES {
        fs::write(dir.join(format!("files/{index:02}.conf")), text(index))?;
    }
    Ok(())
}

const ACCESS: &str = r#"hosts: [all]
users:
  members: {for_each: members, name: "{{ key }}", shell: /bin/bash, groups: [users], comment: "{{ key }} of the team"}
ssh_keys:
  members: {for_each: members, name: "{{ key }}", keys: "{{ value.keys }}"}
"#;

fn inventory(hosts: &[Host]) -> String {
    let host = |host: &Host| {
        format!(
            "  {}: {{address: \"{}\", user: root, identity: \"{}\", known_hosts: \"{}\"}}\n",
            host.name(),
            host.address(),
            host.fleet().key().display(),
            host.known_hosts_file().display()
        )
    };
    format!("hosts:\n{}", hosts.iter().map(host).collect::<String>())
}

fn content() -> String {
    let files: String = (0..FILES)
        .map(|index| {
            format!("  {}: {{source: files/{index:02}.conf, mode: \"0640\", owner: root, group: adm}}\n", file(index))
        })
        .collect();
    let configurations: String = SERVICES
        .iter()
        .map(|(_, path, text)| format!("  {path}: {{content: {text:?}, mode: \"0644\", owner: root, group: root}}\n"))
        .collect();
    let services: String = SERVICES
        .iter()
        .map(|(unit, path, _)| {
            let enabled = if ENABLED.contains(unit) { "enabled: true, " } else { "" };
            format!("  {unit}: {{running: true, {enabled}restart_on: [file/{path}]}}\n")
        })
        .collect();
    format!(
        "hosts: [all]\npackages: [{}]\ndirectories:\n  /etc/bench: {{mode: \"0755\", owner: root, group: root}}\n  \
         /etc/systemd/journald.conf.d: {{mode: \"0755\"}}\nfiles:\n{files}{configurations}services:\n{services}",
        PACKAGES.join(", ")
    )
}

fn users() -> impl Iterator<Item = String> {
    (0..USERS).map(|index| format!("member{index:02}"))
}

fn file(index: usize) -> String {
    format!("/etc/bench/{index:02}.conf")
}

/// Two kilobytes or so, as configuration files are.
fn text(index: usize) -> String {
    (0..40).map(|line| format!("# file {index}, line {line}\nsetting{line} = value {index}\n")).collect()
}

/// A new public key, without comment.
fn key(dir: &Path) -> io::Result<String> {
    let path = dir.join("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&path).status()?;
    if !made.success() {
        return Err(io::Error::other(format!("ssh-keygen: {made}")));
    }
    let public = dir.join("key.pub");
    let key = fs::read_to_string(&public)?.trim().to_owned();
    fs::remove_file(path)?;
    fs::remove_file(public)?;
    Ok(key)
}

/// The script of the floor, with the lists it needs.
pub fn floor_script() -> String {
    let contents: Vec<_> = (0..FILES).map(file).chain(SERVICES.map(|(_, path, _)| path.to_owned())).collect();
    let units = SERVICES.map(|(unit, _, _)| format!("{unit}.service"));
    format!(
        "users='{}'\npackages='{}'\ncontents='{contents}'\npaths=\"$contents /etc/bench /etc/systemd/journald.conf.d\"\n\
         units='{}'\n{}",
        users().collect::<Vec<_>>().join(" "),
        PACKAGES.join(" "),
        units.join(" "),
        include_str!("floor.sh"),
        contents = contents.join(" "),
    )
}

/// Lines that the floor prints on a host in the state: one that prints fewer has not read everything.
pub fn floor_lines(printed: &str) -> Result<(), String> {
    let count = |needle: &str| printed.lines().filter(|line| line.contains(needle)).count();
    let found = [
        ("packages", count(" ii "), PACKAGES.len()),
        ("hashes", count("  /etc/"), FILES + SERVICES.len()),
        ("keys", count("authorized_keys:ssh-ed25519 "), 2 * USERS),
        ("units", count("ActiveState=active"), SERVICES.len()),
        ("end", count("floor: done"), 1),
    ];
    match found.iter().find(|(_, is, should)| is != should) {
        Some((what, is, should)) => Err(format!("the floor read {is} {what} instead of {should}:\n{printed}")),
        None => Ok(()),
    }
}
