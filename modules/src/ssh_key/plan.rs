//! How the keys of an account are put right.

use super::{Judged, SshKey, key_of, label, lines};
use crate::facts::authorized_keys::{AuthorizedKeys, Content, WRITE_KEYS, Waypoint};
use engine::switch::{Ground, Guard};
use engine::writes::{Access, own};
use engine::{Danger, Drifted, Op, Planned};

/// The cluster file system of Proxmox, which has neither owners nor modes to set.
const CLUSTER: &str = "/etc/pve/";

/// Whether sshd lets this be on the way to the file.
pub(super) fn trusted(at: &Waypoint, seen: &AuthorizedKeys) -> bool {
    at.path.starts_with(CLUSTER) || ((at.uid == 0 || at.uid == seen.uid) && at.mode & 0o022 == 0)
}

pub(super) fn plan(drifted: &Drifted<'_, SshKey>) -> Vec<Planned> {
    let (id, seen) = (drifted.id, drifted.seen);
    let refuse = |why: String| vec![Planned::Refuse { serves: vec![id.clone()], why }];
    if seen.content == Content::NotAFile && seen.way.iter().any(|at| at.directory && at.path == seen.real) {
        return refuse(format!("{} is a directory; move it away yourself", seen.path));
    }
    let mut bad: Vec<_> = seen.way.iter().filter(|at| !trusted(at, seen)).collect();
    bad.sort_by_key(|at| at.path.len());
    if let Some(above) = bad.iter().find(|at| at.directory && !within(&at.path, &seen.home)) {
        return refuse(format!(
            "others than root and {} can write to {}, so sshd trusts nothing in it; declare it under directories",
            id.name, above.path
        ));
    }
    let written = write(drifted);
    if let Err(why) = &written {
        return refuse(why.clone());
    }
    let written = written.unwrap_or_default();
    // From the home down, and not the file itself if it is written anew.
    let mut ops: Vec<Planned> = bad
        .iter()
        .filter(|at| at.directory || written.is_none())
        .map(|at| {
            let owner = if at.uid == 0 || at.uid == seen.uid { String::new() } else { seen.uid.to_string() };
            let access = Access { mode: at.mode & !0o022, owner, group: String::new() };
            own(id.clone(), &at.path, &access, format!("make {} trusted by sshd", at.path)).into()
        })
        .collect();
    ops.extend(written.map(Planned::Do));
    ops
}

fn within(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !path.is_empty()
}

/// The operation that writes the file, if its content is to change; an error where nothing may be done.
fn write(drifted: &Drifted<'_, SshKey>) -> Result<Option<Op>, String> {
    let (id, spec, seen) = (drifted.id, drifted.spec, drifted.seen);
    let cluster = seen.real.starts_with(CLUSTER);
    let goes = |judged| match judged {
        Judged::Right => false,
        Judged::Banned => true,
        Judged::OtherRights | Judged::Unlisted => !cluster,
    };
    let (gone, kept): (Vec<_>, Vec<_>) = lines(seen).iter().partition(|line| goes(spec.judge(line)));
    let keys = || lines(seen).iter().filter_map(key_of);
    let new: Vec<_> = spec.wanted.iter().filter(|wanted| !keys().any(|key| key.same_rights(wanted))).collect();
    if gone.is_empty() && new.is_empty() && !matches!(seen.content, Content::NotAFile | Content::Unreadable) {
        return match lines(seen).iter().find(|line| spec.judge(line) != Judged::Right) {
            Some(line) => Err(format!(
                "{} belongs to the whole Proxmox cluster, so no key is taken out of it here; if {} must go, put it in `absent_keys`",
                seen.real,
                label(line)
            )),
            None => Ok(None),
        };
    }
    let mut content = Vec::new();
    for line in &kept {
        content.extend_from_slice(&line.raw);
        content.push(b'\n');
    }
    for key in &new {
        content.extend_from_slice(format!("{key}\n").as_bytes());
    }
    let left: Vec<String> = kept
        .iter()
        .filter_map(|line| key_of(line))
        .chain(new.iter().copied())
        .map(|key| key.fingerprint().to_owned())
        .collect();
    let removed: Vec<String> = gone
        .iter()
        .filter_map(|line| key_of(line))
        // One that comes back with other options may no longer open the account from everywhere.
        .filter(|key| !new.iter().any(|other| other.opens_like(key)))
        .filter(|key| !kept.iter().filter_map(|line| key_of(line)).any(|other| other.opens_like(key)))
        .map(|key| key.fingerprint().to_owned())
        .collect();
    let mode = mode(seen);
    let args = vec![id.name.clone(), seen.path.clone(), format!("{mode:04o}")];
    let mut op = Op::new(id.clone(), &WRITE_KEYS, args, says(new.len(), gone.len())).stdin(content);
    for key in
        gone.iter().filter_map(|line| key_of(line)).filter(|key| removed.iter().any(|gone| gone == key.fingerprint()))
    {
        op = op.hurts(format!("{} no longer opens {}", key.label(), id.name));
    }
    if !cluster {
        let ground = Ground::Keys(id.name.clone());
        let real = if seen.real.is_empty() { &seen.path } else { &seen.real };
        op = op.guarded(Guard { ground, paths: vec![real.clone()], after: None });
    }
    if !removed.is_empty() {
        op = op.endangers(Danger::Keys { account: id.name.clone(), removed, left });
    }
    Ok(Some(op))
}

/// The mode of the file: as it is, if sshd takes it so; a new one is for its account alone, or, out of the
/// home, where root owns it, for everybody to read.
fn mode(seen: &AuthorizedKeys) -> u32 {
    let file = seen.way.iter().find(|at| at.path == seen.real && !at.directory);
    match (file, seen.content == Content::Unreadable || seen.content == Content::NotAFile) {
        (Some(file), false) => file.mode & !0o022,
        _ if within(&seen.path, &seen.home) => 0o600,
        _ => 0o644,
    }
}

fn says(new: usize, gone: usize) -> String {
    let count = |number: usize| if number == 1 { "1 key".to_owned() } else { format!("{number} keys") };
    match (new, gone) {
        (0, 0) => "write the file anew".to_owned(),
        (new, 0) => format!("add {}", count(new)),
        (0, gone) => format!("remove {}", count(gone)),
        (new, gone) => format!("add {} and remove {}", count(new), count(gone)),
    }
}
