//! How accounts are put right: one usermod for all that /etc/passwd and the groups hold.

use super::{Present, Spec, User, is_hash};
use crate::date::End;
use crate::facts::accounts::Home;
use engine::switch::{Ground, Guard};
use engine::{Command, Danger, Drifted, Op, Planned};

// With a group of the account's own name on the host, useradd wants to be told to use it.
static ADD: Command = Command {
    name: "useradd",
    shell: "name=$1 group=$2; shift 2\n\
            if [ -z \"$group\" ] && getent group \"$name\" >/dev/null; then group=$name; fi\n\
            useradd ${group:+-g \"$group\"} \"$@\" -- \"$name\"",
};

static MODIFY: Command = Command { name: "usermod", shell: "name=$1; shift\nusermod \"$@\" -- \"$name\"" };

/// Reads `name:hash` on standard input: a hash is never on a command line.
static PASSWORD: Command = Command { name: "chpasswd", shell: "chpasswd -e" };

/// usermod would first write the new home to /etc/passwd and only then find that it cannot move the old one there.
static MAKE_WAY: Command = Command {
    name: "make way for a home",
    shell: "[ ! -e \"$1\" ] && [ ! -L \"$1\" ] || die \"$1 is there already; move it away yourself, or leave out \\`move_home\\`\"\n\
            mkdir -p -- \"${1%/*}/\"",
};

static MAKE_HOME: Command = Command {
    name: "make home",
    shell: "account \"$1\" || die \"there is no account $1 in /etc/passwd\"\n\
            [ -d \"$H\" ] && exit 0\n\
            umask 022\n\
            mkdir -p -- \"${H%/*}/\" && mkdir -m 0700 -- \"$H\" || exit 1\n\
            if [ -d /etc/skel ]; then cp -a /etc/skel/. \"$H/\" || exit 1; fi\n\
            chown -Rh \"$U:$G\" \"$H\" && chmod 0700 \"$H\"",
};

/// Says why something stays as it is.
pub(crate) static LEAVE: Command = Command { name: "leave to a person", shell: "die \"$1\"" };

/// `$2` is empty, or says that the home goes, too. Whatever comes after the lock, nobody gets in any more.
static REMOVE: Command = Command { name: "userdel", shell: include_str!("remove.sh") };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&ADD, &MODIFY, &PASSWORD, &MAKE_WAY, &MAKE_HOME, &LEAVE, &REMOVE];

/// What puts one account right.
pub(super) fn plan(drift: &Drifted<'_, User>) -> Vec<Planned> {
    match (&drift.seen.present, drift.spec.is_absent()) {
        (None, _) if !drift.seen.has_shell => {
            vec![Planned::Refuse { serves: vec![drift.id.clone()], why: no_shell(drift.spec) }]
        }
        (None, _) => create(drift),
        (Some(seen), true) => vec![remove(drift, seen).into()],
        (Some(seen), false) => modify(drift, seen),
    }
}

fn strings(args: &[&str]) -> impl Iterator<Item = String> {
    args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>().into_iter()
}

fn joined<'a>(names: impl IntoIterator<Item = &'a String>, by: &str) -> String {
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(by)
}

fn create(drift: &Drifted<'_, User>) -> Vec<Planned> {
    let (id, spec) = (drift.id, drift.spec);
    let mut args = vec![id.name.clone(), spec.group.clone().unwrap_or_default()];
    args.extend(spec.uid.iter().flat_map(|uid| ["-u".into(), uid.to_string()]));
    if let Some(groups) = spec.groups.as_ref().filter(|groups| !groups.is_empty()) {
        args.extend(strings(&["-G", &joined(groups, ",")]));
    }
    for (flag, value) in [("-s", &spec.shell), ("-d", &spec.home), ("-c", &spec.comment)] {
        args.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    if let Some(End::On(date)) = spec.expires {
        args.extend(strings(&["-e", &date.to_string()]));
    }
    args.extend(strings(&[if spec.wants_home() { "-m" } else { "-M" }]));
    if spec.system == Some(true) {
        args.extend(strings(&["-r"]));
    }
    let mut ops = vec![Op::new(id.clone(), &ADD, args, "create the account").into()];
    ops.extend(spec.password.as_ref().map(|hash| set_password(drift, hash, spec.locked == Some(true))));
    if spec.locked == Some(true) {
        let args = strings(&[&id.name, "-L", "-e", "1"]).collect();
        ops.push(Op::new(id.clone(), &MODIFY, args, "lock the account").into());
    }
    ops
}

fn remove(drift: &Drifted<'_, User>, seen: &Present) -> Op {
    let name = drift.id.name.clone();
    let danger = Danger::Account(name.clone());
    let with_home = drift.spec.remove_home == Some(true);
    let args = vec![name, if with_home { "home".into() } else { String::new() }];
    let op = Op::new(drift.id.clone(), &REMOVE, args, "lock the account, then remove it").endangers(danger);
    if with_home {
        op.destroys(format!("the home {} and the mail of {}", seen.account.home, drift.id.name))
    } else {
        op
    }
}

fn modify(drift: &Drifted<'_, User>, seen: &Present) -> Vec<Planned> {
    let (id, spec) = (drift.id, drift.spec);
    let changed = |field: &str| drift.changes.iter().any(|change| change.field == field);
    let mut usermod = Usermod { op: Op::new(id.clone(), &MODIFY, vec![id.name.clone()], ""), says: Vec::new() };
    let set = |field: &str| changed(field) && (field != "shell" || drift.seen.has_shell);
    usermod.identity(spec, seen, &set);
    if changed("groups") {
        usermod.groups(spec, seen);
    }
    usermod.access(spec, seen, &changed);

    let mut ops = usermod.planned();
    if let Some(hash) = spec.password.as_ref().filter(|_| changed("password")) {
        let stays_locked = spec.locked == Some(true) || (spec.locked.is_none() && seen.password_is_locked());
        ops.push(set_password(drift, hash, stays_locked));
    }
    let moved = changed("home") && spec.move_home == Some(true) && seen.home != Home::Missing;
    if let (true, Some(home)) = (moved, &spec.home) {
        ops.insert(0, Op::new(id.clone(), &MAKE_WAY, vec![home.clone()], format!("make way for {home}")).into());
    }
    if changed("create_home") || (changed("home") && spec.wants_home() && !moved) {
        ops.push(Op::new(id.clone(), &MAKE_HOME, vec![id.name.clone()], "make its home").into());
    }
    match left_to_a_person(drift, seen, &changed) {
        Some((_, why)) if ops.is_empty() => ops.push(Planned::Refuse { serves: vec![id.clone()], why }),
        // The rest is put right all the same.
        Some((what, why)) => ops.push(Op::new(id.clone(), &LEAVE, vec![why], what).into()),
        None => {}
    }
    ops
}

/// What differs and only a person can put right, and why.
fn left_to_a_person(
    drift: &Drifted<'_, User>,
    seen: &Present,
    changed: &impl Fn(&str) -> bool,
) -> Option<(&'static str, String)> {
    if !seen.account.shadowed && ["password", "password_age", "locked", "expires"].into_iter().any(changed) {
        let why = "the password field of its line in /etc/passwd is not `x`, so nothing in /etc/shadow counts, no lock and no \
                   expiry: run pwconv, which moves all passwords to /etc/shadow, and enforce again";
        return Some(("make /etc/shadow count", why.into()));
    }
    if changed("shell") && !drift.seen.has_shell {
        return Some(("set its shell", no_shell(drift.spec)));
    }
    if changed("system") {
        let why = "its number says otherwise, and a new one would leave its files behind; write the `uid` it must have";
        return Some(("make it another kind of account", why.into()));
    }
    let why = "only its owner can choose a new password (passwd), or the policy can bring another `password`";
    (changed("password_age") && !changed("password")).then(|| ("renew its password", why.into()))
}

fn no_shell(spec: &Spec) -> String {
    let shell = spec.shell.as_deref().unwrap_or_default();
    format!("there is no {shell} on this host, so sshd would let nobody in: declare the package that brings it")
}

fn set_password(drift: &Drifted<'_, User>, hash: &str, locked: bool) -> Planned {
    if !is_hash(hash) {
        return Planned::Refuse { serves: vec![drift.id.clone()], why: "its `password` is no crypt hash".into() };
    }
    let lock = if locked && hash.starts_with('$') { "!" } else { "" };
    let line = format!("{}:{lock}{hash}\n", drift.id.name);
    Op::new(drift.id.clone(), &PASSWORD, Vec::new(), "set the password").stdin(line).into()
}

/// One usermod in the making.
struct Usermod {
    op: Op,
    says: Vec<String>,
}

impl Usermod {
    fn set(&mut self, args: &[&str], says: String) {
        self.op.args.extend(strings(args));
        self.says.push(says);
    }

    fn endangers(&mut self, danger: Danger) {
        self.op.endangers.push(danger);
    }

    fn identity(&mut self, spec: &Spec, seen: &Present, changed: &impl Fn(&str) -> bool) {
        let name = seen.account.name.clone();
        if let Some(uid) = spec.uid.filter(|_| changed("uid")) {
            self.set(&["-u", &uid.to_string()], format!("change its number to {uid}"));
            self.op.hurts.push(format!("files of {name} outside its home keep the old number {}", seen.account.uid));
        }
        if let Some(group) = spec.group.as_ref().filter(|_| changed("group")) {
            self.set(&["-g", group], format!("set the primary group {group}"));
            self.endangers(Danger::Group { account: Some(name.clone()), group: seen.primary.clone() });
        }
        if let Some(shell) = spec.shell.as_ref().filter(|_| changed("shell")) {
            self.set(&["-s", shell], format!("set the shell {shell}"));
            self.endangers(Danger::Shell { account: name.clone(), shell: shell.clone() });
        }
        if let Some(home) = spec.home.as_ref().filter(|_| changed("home")) {
            if spec.move_home == Some(true) {
                self.set(&["-d", home, "-m"], format!("move the home to {home}"));
            } else {
                self.set(&["-d", home], format!("set the home {home}"));
                // Its keys stay behind.
                self.endangers(Danger::Account(name));
            }
        }
        if let Some(comment) = spec.comment.as_ref().filter(|_| changed("comment")) {
            self.set(&["-c", comment], "set the comment".into());
        }
    }

    fn groups(&mut self, spec: &Spec, seen: &Present) {
        let wanted = spec.groups.iter().flatten();
        let added = joined(&seen.missing_groups, ", ");
        if spec.exclusive != Some(true) || seen.other_groups.is_empty() {
            self.set(&["-a", "-G", &joined(&seen.missing_groups, ",")], format!("add it to {added}"));
            return;
        }
        let left = joined(&seen.other_groups, ", ");
        let says = if added.is_empty() {
            format!("take it out of {left}")
        } else {
            format!("add it to {added}, take it out of {left}")
        };
        self.set(&["-G", &joined(wanted, ",")], says);
        for group in &seen.other_groups {
            self.endangers(Danger::Group { account: Some(seen.account.name.clone()), group: group.clone() });
        }
    }

    fn access(&mut self, spec: &Spec, seen: &Present, changed: &impl Fn(&str) -> bool) {
        let name = seen.account.name.clone();
        match spec.locked.filter(|_| changed("locked")) {
            Some(true) => {
                self.set(&["-L", "-e", "1"], "lock the account".into());
                self.endangers(Danger::Account(name));
            }
            Some(false) => {
                // A new password comes without the lock.
                let unlock = if seen.password_is_locked() && !changed("password") { &["-U"][..] } else { &[] };
                let revive = if seen.expired() && spec.expires.is_none() { &["-e", ""][..] } else { &[] };
                if !(unlock.is_empty() && revive.is_empty()) {
                    self.set(&[unlock, revive].concat(), "unlock the account".into());
                }
            }
            None => {}
        }
        match spec.expires.filter(|_| changed("expires")) {
            Some(End::On(date)) => {
                self.set(&["-e", &date.to_string()], format!("let it expire on {date}"));
                if date.days() <= seen.today {
                    self.endangers(Danger::Account(seen.account.name.clone()));
                }
            }
            Some(End::Never) => self.set(&["-e", ""], "let it never expire".into()),
            None => {}
        }
    }

    fn planned(mut self) -> Vec<Planned> {
        if self.says.is_empty() {
            return Vec::new();
        }
        self.op.says = self.says.join(", ");
        // A home that was moved cannot be put back by putting back a line; nor does usermod move one that is in use.
        if !self.op.args.iter().any(|arg| arg == "-m") {
            let name = self.op.args.first().cloned().unwrap_or_default();
            let paths = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"].map(str::to_owned).to_vec();
            self.op.guard = Some(Guard { ground: Ground::Account(name), paths, after: None });
        }
        vec![self.op.into()]
    }
}
