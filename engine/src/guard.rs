//! Refuses, before anything is done, what would take away the ground a session stands on.

use crate::command::{Danger, Op};
use crate::facts::{Facts, Pending};
use crate::link::Standing;
use crate::query::{Answer, Blind, Fact, Query};

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

/// Why `op` must not be done in a session that stands on `standing`; `None`: it may.
pub fn refusal(op: &Op, standing: &Standing, facts: &Facts) -> Result<Option<String>, Pending> {
    for danger in &op.endangers {
        let why = match danger {
            Danger::Account(account) => account_refusal(account, standing),
            Danger::Keys { account, removed, left } => keys_refusal(account, removed, left, standing),
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

fn keys_refusal(account: &str, removed: &[String], left: &[String], standing: &Standing) -> Option<String> {
    let ours = standing.account.as_deref() == Some(account);
    match &standing.key {
        Some(key) if ours && removed.contains(key) => {
            return Some(format!(
                "refused: this session was opened with the key {key}; list it, or log in with another one"
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
