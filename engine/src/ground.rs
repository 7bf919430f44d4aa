//! The files that a session comes in by.

use crate::command::Command;
use crate::guard::RELOAD_SSHD;
use crate::key_file::expanded;
use crate::link::Standing;
use crate::query::{Blind, Fact, Query};
use crate::switch::Ground;

/// Where the account of the session (1 argument) has its home and its keys.
pub(crate) static HOME: Fact<Home> = Fact {
    query: Query::new("home of the session", include_str!("script/home.sh")),
    decode: |answer, args| {
        let text = answer.text()?;
        let (homes, files) = text
            .split_once("\n.\n")
            .ok_or_else(|| Blind::Garbled("the home of the session was not shown as a whole".into()))?;
        let (uid, homes) = homes.split_once('\n').unwrap_or((homes, ""));
        let mut homes: Vec<String> = homes.lines().map(str::to_owned).collect();
        homes.dedup();
        let account = args.first().map_or("", String::as_str);
        let files = files.split_whitespace().filter(|file| *file != "none");
        let keys = files.flat_map(|file| homes.iter().map(|home| expanded(file, account, uid, home))).collect();
        Ok(Home { homes, keys })
    },
};

/// The home of an account, and its keys.
pub(crate) struct Home {
    /// As /etc/passwd has it and, where that is another one, as it really is.
    pub(crate) homes: Vec<String>,
    /// The files in which sshd looks for keys (`AuthorizedKeysFile` of sshd_config(5)).
    keys: Vec<String>,
}

/// Files that others than their own kinds may write, what they carry, and what makes them effective. After a `/` stands any
/// name, after a `*` any end of one.
static GROUND: [(&str, Ground, Option<&Command>); 21] = [
    ("/etc/ssh/sshd_config", Ground::Server, Some(&RELOAD_SSHD)),
    ("/etc/ssh/sshd_config.d/", Ground::Server, Some(&RELOAD_SSHD)),
    ("/etc/ssh/ssh_host_*", Ground::Server, Some(&RELOAD_SSHD)),
    ("/etc/pam.d/", Ground::Server, None),
    ("/etc/nsswitch.conf", Ground::Server, None),
    ("/etc/passwd", Ground::Server, None),
    ("/etc/shadow", Ground::Server, None),
    ("/etc/group", Ground::Server, None),
    ("/etc/security/", Ground::Server, None),
    ("/etc/nologin", Ground::Server, None),
    ("/etc/hosts.allow", Ground::Server, None),
    ("/etc/hosts.deny", Ground::Server, None),
    ("/etc/environment", Ground::Server, None),
    ("/etc/profile", Ground::Server, None),
    ("/etc/profile.d/", Ground::Server, None),
    ("/etc/bash.bashrc", Ground::Server, None),
    ("/bin/sh", Ground::Server, None),
    ("/usr/bin/sh", Ground::Server, None),
    ("/etc/sudoers", Ground::Rights, None),
    ("/etc/sudoers.d/", Ground::Rights, None),
    ("/etc/doas.conf", Ground::Rights, None),
];

/// Files in a home that a login reads before it does anything, by sshd(8), bash(1) and zsh(1).
const STARTUP: [&str; 10] = [
    ".ssh/rc",
    ".ssh/environment",
    ".pam_environment",
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".bashrc",
    ".zshenv",
    ".zprofile",
    ".zshrc",
];

/// What the file at `path` carries of sessions like this one, and what makes it effective.
pub(crate) fn at(path: &str, standing: &Standing, home: &Home) -> Option<(Ground, Option<&'static Command>)> {
    let known = GROUND.iter().find(|(ground, ..)| match (ground.strip_suffix('/'), ground.strip_suffix('*')) {
        (Some(directory), _) => path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory),
        (_, Some(beginning)) => path.starts_with(beginning),
        _ => path == *ground,
    });
    if let Some((_, ground, after)) = known {
        return Some((ground.clone(), *after));
    }
    let account = standing.account.as_ref()?;
    if home.keys.iter().any(|keys| keys == path) {
        return Some((Ground::Keys(account.clone()), None));
    }
    let below = home.homes.iter().find_map(|home| path.strip_prefix(home.as_str())?.strip_prefix('/'))?;
    STARTUP.contains(&below).then(|| (Ground::Account(account.clone()), None))
}

/// What sessions like this one stand on that is below a directory.
pub(crate) fn below<'a>(directory: &str, standing: &Standing, home: &'a Home) -> Option<&'a str> {
    let files = GROUND.iter().filter(|(_, ground, _)| ground.carries(standing)).map(|(path, ..)| *path);
    let keys = home.keys.iter().chain(&home.homes).map(String::as_str);
    files.chain(keys).find(|path| is_below(path, directory))
}

/// Whether an account that is not root would not get to its shell, its home or its name any more if nobody else could pass
/// this directory.
pub(crate) fn is_way(directory: &str, home: &Home) -> bool {
    let homes = home.homes.iter().map(String::as_str);
    ["/etc/passwd", "/usr/bin/sh", "/bin/sh"].into_iter().chain(homes).any(|path| is_below(path, directory))
}

fn is_below(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.starts_with('/'))
}
