//! Refuses, before anything is done, what would take away the ground a session stands on; and decides what is done
//! behind the switch, since nobody can tell beforehand what it takes away.

use crate::command::{Command, Danger, Op};
use crate::facts::{Facts, Pending};
use crate::ground;
use crate::link::Standing;
use crate::query::{Answer, Blind, Fact, Query};
use crate::switch::Guard;
use crate::writes;

/// Where a group (1 argument) opens a door: the files of sudo, doas and sshd that name it, and its line in
/// group(5).
static DOORS: Fact<Doors> = Fact {
    query: Query::new(
        "doors of a group",
        r#"grep -lFws -- "$1" /etc/sudoers /etc/sudoers.d/* /etc/doas.conf /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* | head -n 1
printf '\n'
grep -- "^$1:" /etc/group
:"#,
    ),
    decode,
};

struct Doors {
    /// The first file that names the group.
    file: Option<String>,
    members: Vec<String>,
}

fn decode(answer: &Answer, _: &[String]) -> Result<Doors, Blind> {
    let text = answer.text()?;
    let (file, line) = text.split_once("\n\n").or_else(|| text.split_once('\n')).unwrap_or((text, ""));
    let members = line.trim().rsplit(':').next().unwrap_or("");
    Ok(Doors {
        file: Some(file.trim().to_owned()).filter(|file| !file.is_empty()),
        members: members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect(),
    })
}

/// Which names of an account (1st argument) and its groups a file (2nd argument) speaks of.
static NAMED: Fact<Vec<String>> = Fact {
    query: Query::new(
        "names of the session in a file",
        r#"[ -f "$2" ] || exit 0
for name in "$1" $(id -Gn -- "$1"); do
	if grep -qFw -- "$name" "$2"; then printf '%s\n' "$name"; fi
done"#,
    ),
    decode: |answer, _| Ok(answer.text()?.lines().map(str::to_owned).collect()),
};

/// Lets sshd read its configuration anew, and waits until it has: before that it still lets in whom it let in before. One
/// that does not run is started.
pub static RELOAD_SSHD: Command = Command { name: "reload sshd", shell: include_str!("script/reload_sshd.sh") };

/// How `op` is undone if nobody comes in after it; `None`: sessions like this one do not stand on what it changes.
pub fn guard(op: &Op, standing: &Standing, facts: &Facts) -> Result<Option<Guard>, Pending> {
    let guard = match &op.guard {
        Some(guard) => Some(guard.clone()),
        None => path_guard(op, standing, facts)?,
    };
    Ok(guard.filter(|guard| guard.ground.carries(standing)))
}

/// The same for an operation on any path.
fn path_guard(op: &Op, standing: &Standing, facts: &Facts) -> Result<Option<Guard>, Pending> {
    let commands = [&writes::WRITE, &writes::OWN, &writes::REMOVE, &writes::LINK];
    let (Some(login), Some(path)) = (&standing.account, op.args.first()) else { return Ok(None) };
    if !commands.iter().any(|command| std::ptr::eq(op.command, *command)) {
        return Ok(None);
    }
    let home = facts.ask(&ground::HOME, &[login])?;
    let on = ground::at(path, standing, &home);
    Ok(on.map(|(ground, after)| Guard { ground, paths: vec![path.clone()], after }))
}

/// Why `op` must not be done in a session that stands on `standing`; `None`: it may.
pub fn refusal(op: &Op, standing: &Standing, facts: &Facts) -> Result<Option<String>, Pending> {
    if let Some(why) = path_refusal(op, standing, facts)? {
        return Ok(Some(why));
    }
    for danger in &op.endangers {
        let why = match danger {
            Danger::Account(account) => account_refusal(account, standing),
            Danger::Shell { account, shell } => shell_refusal(account, shell, standing),
            Danger::Unit(unit) => unit_refusal(unit, standing),
            Danger::Package(package) => package_refusal(package, standing),
            Danger::Keys { account, removed, left } => keys_refusal(account, removed, left, standing),
            Danger::Rights { path, left } => sudo_refusal(op, path, left.as_deref(), standing, facts)?,
            Danger::Group { account, group } => group_refusal(account.as_deref(), group, standing, facts)?,
        };
        if why.is_some() {
            return Ok(why);
        }
    }
    Ok(None)
}

fn account_refusal(account: &str, standing: &Standing) -> Option<String> {
    if standing.account.as_deref() == Some(account) {
        return Some(format!(
            "refused: this session is logged in as {account}, and the next one could not be; log in as somebody else to do this"
        ));
    }
    (account == "root").then(|| "refused: it would take root's account away".to_owned())
}

/// Kinds set no shell that is not on the host; of those that are, these let nobody in.
fn shell_refusal(account: &str, shell: &str, standing: &Standing) -> Option<String> {
    let lets_nobody_in = ["nologin", "false", "true"].contains(&shell.rsplit('/').next().unwrap_or_default());
    account_refusal(account, standing).filter(|_| lets_nobody_in)
}

/// sshd's own unit, under the names it has had.
fn unit_refusal(unit: &str, standing: &Standing) -> Option<String> {
    let name = unit.trim_end_matches(".service");
    (standing.account.is_some() && ["ssh", "sshd", "ssh.socket", "sshd.socket"].contains(&name)).then(|| {
        format!("refused: this session came in by {unit}, and the next one could not; do this at the host's console")
    })
}

fn package_refusal(package: &str, standing: &Standing) -> Option<String> {
    let ground: &[&str] = match (&standing.account, standing.becomes) {
        (None, _) => &[],
        (Some(_), false) => &["openssh-server"],
        (Some(_), true) => &["openssh-server", "sudo", "sudo-ldap", "opendoas"],
    };
    // `openssh-server:amd64`
    let name = package.split(':').next().unwrap_or(package);
    ground.contains(&name).then(|| {
        format!("refused: this session came in by {name}, and the next one could not; do this at the host's console")
    })
}

/// What would be done to the file that holds the session's key, or to a directory on the way to it.
fn path_refusal(op: &Op, standing: &Standing, facts: &Facts) -> Result<Option<String>, Pending> {
    let is = |command: &Command| std::ptr::eq(op.command, command);
    let removes = [&writes::REMOVE, &writes::REMOVE_DIRECTORY, &writes::REMOVE_TREE, &writes::LINK].into_iter().any(is);
    let owns = [&writes::OWN, &writes::MKDIR].into_iter().any(is);
    let (Some(login), Some(path)) = (standing.account.as_deref(), op.args.first()) else { return Ok(None) };
    if !(removes || owns || is(&writes::WRITE)) {
        return Ok(None);
    }
    if let Some(why) = rights_refusal(op, path, login, standing, facts)? {
        return Ok(Some(why));
    }
    let at_home = facts.ask(&ground::HOME, &[login])?;
    if removes && let Some(inside) = ground::below(path, standing, &at_home) {
        return Ok(Some(format!(
            "refused: without {inside} in it the next session could not come in; do this at the host's console"
        )));
    }
    let mode = op.args.get(1).and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0);
    if owns && login != "root" && mode & 0o001 == 0 && ground::is_way(path, &at_home) {
        return Ok(Some(format!(
            "refused: this session is logged in as {login}, who could not pass {path} any more; let everybody pass it (mode 0755 or 0711)"
        )));
    }
    let Some((home, keys)) =
        at_home.homes.iter().map(|home| (home, format!("{home}/.ssh/authorized_keys"))).find(|(_, keys)| {
            keys.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    else {
        return Ok(None);
    };
    if removes {
        return Ok(Some(format!(
            "refused: this session is logged in as {login} by a key in {keys}, and the next one could not be; log in as somebody else to do this"
        )));
    }
    if is(&writes::WRITE) {
        return Ok(Some(format!(
            "refused: this session is logged in as {login} by a key in {keys}; declare the keys under ssh_keys, where it can be seen that this one stays"
        )));
    }
    let owner = op.args.get(2).map_or("", String::as_str);
    let foreign = !["", "0", "root", login].contains(&owner) && owner.parse::<u32>().is_err();
    Ok((path.starts_with(home.as_str()) && (mode & 0o022 != 0 || foreign)).then(|| {
        format!("refused: sshd would no longer trust {keys}, and this session is logged in as {login} by a key in it; nobody but {login} and root may own {path} or write to it")
    }))
}

/// What would be done to the file by which the session gets its rights.
fn rights_refusal(
    op: &Op,
    path: &str,
    login: &str,
    standing: &Standing,
    facts: &Facts,
) -> Result<Option<String>, Pending> {
    let is_door =
        path.starts_with("/etc/sudoers.d/") || ["/etc/sudoers", "/etc/sudoers.d", "/etc/doas.conf"].contains(&path);
    if !standing.becomes
        || !is_door
        || std::ptr::eq(op.command, &writes::OWN)
        || std::ptr::eq(op.command, &writes::MKDIR)
    {
        return Ok(None);
    }
    let written = std::ptr::eq(op.command, &writes::WRITE);
    let named = facts.ask(&NAMED, &[login, path])?;
    let lost = named.iter().find(|name| !written || memchr::memmem::find(&op.stdin, name.as_bytes()).is_none());
    if let Some(name) = lost {
        return Ok(Some(lost_rights(login, path, name)));
    }
    let checked = op.args.get(4).is_some_and(|check| check.contains("visudo"));
    Ok((written && !checked && path.starts_with("/etc/sudoers")).then(|| {
        format!("refused: a mistake in {path} would end all rights by sudo, those of this session too; add `validate: visudo -cf {{}}`")
    }))
}

/// What a file of sudo that is written anew would no longer say of the session's account or its groups.
fn sudo_refusal(
    op: &Op,
    path: &str,
    left: Option<&[String]>,
    standing: &Standing,
    facts: &Facts,
) -> Result<Option<String>, Pending> {
    let Some(login) = standing.account.as_deref().filter(|_| standing.becomes) else { return Ok(None) };
    let named = facts.ask(&NAMED, &[login, path])?;
    let stays = |name: &str| match left {
        Some(left) => left.iter().any(|other| other == name || other == "ALL"),
        None => memchr::memmem::find(&op.stdin, name.as_bytes()).is_some(),
    };
    Ok(named.iter().find(|name| !stays(name)).map(|name| lost_rights(login, path, name)))
}

fn lost_rights(login: &str, path: &str, name: &str) -> String {
    format!(
        "refused: this session is logged in as {login} and is root by what {path} says of {name}; log in as somebody else to do this"
    )
}

fn keys_refusal(account: &str, removed: &[String], left: &[String], standing: &Standing) -> Option<String> {
    let ours = standing.account.as_deref() == Some(account);
    match &standing.key {
        Some(key) if ours && removed.contains(key) => {
            return Some(format!(
                "refused: this session was opened with the key {key}, which would no longer open {account}, or not for everything; list it as it is, or log in with another one"
            ));
        }
        None if ours && !removed.is_empty() => {
            return Some(format!(
                "refused: it removes keys of {account}, as whom this session is logged in, and with `connection: openssh` comply cannot tell which key opened it; use `connection: ssh`"
            ));
        }
        _ => {}
    }
    // Whoever came in with a key and became root can still do so.
    let another_way = standing.account.as_deref().is_some_and(|login| login != account);
    (account == "root" && left.is_empty() && !removed.is_empty() && !another_way)
        .then(|| "refused: it would remove the last key that opens root's account".to_owned())
}

fn group_refusal(
    account: Option<&str>,
    group: &str,
    standing: &Standing,
    facts: &Facts,
) -> Result<Option<String>, Pending> {
    let Some(login) = standing.account.as_deref().filter(|login| account.is_none_or(|account| account == *login))
    else {
        return Ok(None);
    };
    let doors = facts.ask(&DOORS, &[group])?;
    let member = account.is_some() || doors.members.iter().any(|member| member == login);
    Ok(doors.file.as_ref().filter(|_| member).map(|file| {
        format!("refused: this session is logged in as {login}, a member of {group}, and {file} speaks of that group; log in as somebody else to do this")
    }))
}
