//! How the keys of an account are put right.

use super::{Judged, SshKey, key_of, label, lines};
use crate::facts::authorized_keys::{AuthorizedKeys, Content, Line, WRITE_KEYS, Waypoint};
use crate::public_key::PublicKey;
use engine::switch::{Ground, Guard};
use engine::writes::{Access, own};
use engine::{Danger, Drifted, Id, Op, Planned};

/// The cluster file system of Proxmox, which has neither owners nor modes to set.
const CLUSTER: &str = "/etc/pve/";

/// Whether sshd lets this be on the way to the file.
pub(super) fn trusted(at: &Waypoint, seen: &AuthorizedKeys) -> bool {
    at.path.starts_with(CLUSTER) || ((at.uid == 0 || at.uid == seen.uid) && at.mode & 0o022 == 0)
}

pub(super) fn plan(drifted: &Drifted<'_, SshKey>) -> Vec<Planned> {
    let (id, seen) = (drifted.id, &drifted.seen.file);
    let refuse = |why: String| vec![Planned::Refuse { serves: vec![id.clone()], why }];
    if let Some(elsewhere) = &drifted.seen.elsewhere {
        return refuse(format!(
            "sshd looks for keys of {} in {elsewhere}; set AuthorizedKeysFile under sshd, or name a file that it reads as `path`",
            id.name
        ));
    }
    let directory = seen.real == "/" || seen.way.iter().any(|at| at.directory && at.path == seen.real);
    if seen.content == Content::NotAFile && directory {
        let link = if seen.real == seen.path { "" } else { "a link to " };
        return refuse(format!("{} is {link}a directory; move it away yourself", seen.path));
    }
    let mut bad: Vec<_> = seen.way.iter().filter(|at| !trusted(at, seen)).collect();
    bad.sort_by_key(|at| at.path.len());
    if let Some(above) = bad.iter().find(|at| at.directory && !within(&at.path, &seen.home)) {
        return refuse(format!(
            "others than root and {} can write to {}, so sshd trusts nothing in it; declare it under directories",
            id.name, above.path
        ));
    }
    let main = Lines::of(drifted, seen, false);
    let others: Vec<_> =
        drifted.seen.others.iter().map(|other| Lines::of(drifted, &other.file, other.is_for_all)).collect();
    let new: Vec<&PublicKey> =
        drifted.spec.wanted.iter().filter(|wanted| !main.keys().any(|key| key.same_rights(wanted))).collect();
    let mut stays: Vec<&PublicKey> = main.kept().chain(new.iter().copied()).collect();
    for key in others.iter().flat_map(Lines::kept) {
        if !stays.iter().any(|other| other.same_rights(key)) {
            stays.push(key);
        }
    }
    let anew = matches!(seen.content, Content::NotAFile | Content::Unreadable);
    let written = (anew || !new.is_empty() || !main.gone.is_empty()).then(|| main.write(id, &new, &stays));
    let emptied = others.iter().filter(|other| !other.gone.is_empty()).map(|other| other.write(id, &[], &stays));
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
    // What opens the account is there before anything else goes.
    ops.extend(written.into_iter().chain(emptied).map(Planned::Do));
    if ops.is_empty() {
        return std::iter::once(&main).chain(&others).find_map(Lines::refusal).map(refuse).unwrap_or_default();
    }
    ops
}

fn within(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !path.is_empty()
}

/// The lines of one file.
struct Lines<'a> {
    seen: &'a AuthorizedKeys,
    kept: Vec<&'a Line>,
    gone: Vec<&'a Line>,
    /// It opens every account.
    is_for_all: bool,
    /// One that must go, and is not for this account alone to lose.
    left: Option<&'a Line>,
}

impl<'a> Lines<'a> {
    fn of(drifted: &Drifted<'a, SshKey>, seen: &'a AuthorizedKeys, is_for_all: bool) -> Self {
        let spec = drifted.spec;
        let cluster = seen.real.starts_with(CLUSTER);
        let goes = |judged| match judged {
            Judged::Right => false,
            _ if is_for_all => false,
            Judged::Banned => true,
            Judged::OtherRights | Judged::Unlisted => !cluster,
        };
        let (gone, kept): (Vec<_>, Vec<_>) = lines(seen).iter().partition(|line| goes(spec.judge(line)));
        let left = kept.iter().copied().find(|line| spec.judge(line) != Judged::Right);
        Self { seen, kept, gone, is_for_all, left }
    }

    fn keys(&self) -> impl Iterator<Item = &'a PublicKey> {
        lines(self.seen).iter().filter_map(key_of)
    }

    fn kept(&self) -> impl Iterator<Item = &'a PublicKey> {
        self.kept.iter().filter_map(|line| key_of(line))
    }

    fn refusal(&self) -> Option<String> {
        let line = self.left?;
        Some(if self.is_for_all {
            format!(
                "{} opens every account, so no key is taken out of it for one; take {} out yourself, or list it",
                self.seen.path,
                label(line)
            )
        } else {
            format!(
                "{} belongs to the whole Proxmox cluster, so no key is taken out of it here; if {} must go, put it in `absent_keys`",
                self.seen.real,
                label(line)
            )
        })
    }

    /// Writes the file without what must go, and with `new` keys; `stays` are the keys that open the account after all.
    fn write(&self, id: &Id, new: &[&PublicKey], stays: &[&PublicKey]) -> Op {
        let (account, seen, gone) = (&id.name, self.seen, &self.gone);
        let mut content = Vec::new();
        for line in &self.kept {
            content.extend_from_slice(&line.raw);
            content.push(b'\n');
        }
        for key in new {
            content.extend_from_slice(format!("{key}\n").as_bytes());
        }
        // One that comes back with other options may no longer open the account from everywhere.
        let gone_keys = || gone.iter().filter_map(|line| key_of(line));
        let removed: Vec<String> = gone_keys()
            .filter(|key| !stays.iter().any(|other| other.opens_like(key)))
            .map(|key| key.fingerprint().to_owned())
            .collect();
        let args = vec![account.clone(), seen.path.clone(), format!("{:04o}", mode(seen))];
        let mut op = Op::new(id.clone(), &WRITE_KEYS, args, says(new.len(), gone.len())).stdin(content);
        for key in gone_keys().filter(|key| removed.iter().any(|gone| gone == key.fingerprint())) {
            op = op.hurts(format!("{} no longer opens {account}", key.label()));
        }
        if !seen.real.starts_with(CLUSTER) {
            let ground = Ground::Keys(account.clone());
            let real = if seen.real.is_empty() { &seen.path } else { &seen.real };
            op = op.guarded(Guard { ground, paths: vec![real.clone()], after: None });
        }
        if !removed.is_empty() {
            let left = stays.iter().map(|key| key.fingerprint().to_owned()).collect();
            op = op.endangers(Danger::Keys { account: account.clone(), removed, left });
        }
        op
    }
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
