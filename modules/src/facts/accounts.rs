//! Local accounts and groups: /etc/passwd, /etc/group, /etc/shadow, and whether other sources know a name.

use engine::{Answer, Batch, Blind, Fact, Pending, Query};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// One line of /etc/passwd, passwd(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: String,
    /// Its password field is `x`: only then does /etc/shadow count, its expiry included.
    pub shadowed: bool,
    /// The user's number.
    pub uid: u32,
    /// The number of the primary group.
    pub gid: u32,
    /// The comment, or GECOS.
    pub comment: String,
    /// The home directory.
    pub home: String,
    /// The login shell; empty means /bin/sh.
    pub shell: String,
}

/// One line of /etc/group, group(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The number.
    pub gid: u32,
    /// The accounts it lists; those whose primary group it is are not among them as a rule.
    pub members: BTreeSet<String>,
    /// Accounts that groups of other names with the same number list, and the name of one: to the system they are in it.
    pub through: BTreeMap<String, String>,
}

/// What /etc/passwd and /etc/group say, and what other files say of accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The accounts, by name; of two lines with one name the first counts, as for the system.
    pub users: BTreeMap<String, Account>,
    /// The groups, by name; of several lines with one name the first counts, with the members of all.
    pub groups: BTreeMap<String, Group>,
    /// The tools of Debian's package `passwd` are there (useradd, usermod, groupadd…).
    pub tools: bool,
    /// Other sources than local files are asked for accounts (nsswitch.conf(5)): ldap, sss…
    pub remote_users: bool,
    /// The same for groups.
    pub remote_groups: bool,
    /// sshd may have been told where to look for keys (`AuthorizedKeysFile` of sshd_config(5)).
    pub key_paths: bool,
}

/// Reads all files in one go: another program for each would take longer than all that is done with them.
/// `/etc/nsswitch.conf` tells whether a name that is not in the first two can be known elsewhere; it may be missing, and so
/// may sshd's files.
pub static ACCOUNTS: Fact<Accounts> = Fact {
    query: Query::new(
        "accounts",
        "tools=\n\
         [ ! -x /usr/sbin/useradd ] || tools=tools:useradd\n\
         accounts || { status=$?; [ $status -le 2 ] || return $status; }\n\
         printf '%s\\n%s\\n' \"$tools\" \"$accounts\"",
    )
    .inline(),
    decode: |answer, _| {
        if answer.status > 2 {
            return Err(answer.blind());
        }
        let accounts = read_accounts(&String::from_utf8_lossy(&answer.out));
        if accounts.users.is_empty() {
            return Err(Blind::Failed("/etc/passwd cannot be read, or is empty".into()));
        }
        Ok(accounts)
    },
};

fn read_accounts(text: &str) -> Accounts {
    let mut all = Accounts::default();
    for line in text.lines() {
        let Some((file, line)) = line.split_once(':') else { continue };
        match file {
            "tools" => all.tools = true,
            "/etc/passwd" => {
                if let Some(account) = read_account(line) {
                    all.users.entry(account.name.clone()).or_insert(account);
                }
            }
            "/etc/group" => {
                // To the system an account is in a group if any of its lines lists it: initgroups(3) reads all of them.
                if let Some(group) = read_group(line) {
                    match all.groups.entry(group.name.clone()) {
                        Entry::Vacant(entry) => _ = entry.insert(group),
                        Entry::Occupied(first) => first.into_mut().members.extend(group.members),
                    }
                }
            }
            "/etc/nsswitch.conf" => match line.split_once(':') {
                Some(("passwd", sources)) => all.remote_users = beyond_files(sources),
                Some(("group", sources)) => all.remote_groups = beyond_files(sources),
                _ => {}
            },
            _ => all.key_paths |= may_tell_key_paths(line),
        }
    }
    through_others(&mut all.groups);
    all
}

/// Whether a line of sshd_config(5) tells where keys are, or which other files may.
fn may_tell_key_paths(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '"']).to_lowercase();
    line.starts_with("authorizedkeysfile")
        || (line.starts_with("include") && line.trim_end() != "include /etc/ssh/sshd_config.d/*.conf")
}

/// Fills in [`Group::through`].
fn through_others(groups: &mut BTreeMap<String, Group>) {
    let mut by_number: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for group in groups.values() {
        by_number.entry(group.gid).or_default().push(group.name.clone());
    }
    for names in by_number.into_values().filter(|names| names.len() > 1) {
        let listed: Vec<(String, String)> = names
            .iter()
            .filter_map(|name| groups.get(name))
            .flat_map(|group| group.members.iter().map(|member| (member.clone(), group.name.clone())))
            .collect();
        for name in &names {
            if let Some(group) = groups.get_mut(name) {
                let others = listed.iter().filter(|(member, other)| other != name && !group.members.contains(member));
                group.through = others.cloned().collect();
            }
        }
    }
}

fn read_account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let (name, password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (comment, home, shell) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Account {
        name: name.into(),
        shadowed: password == "x",
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: comment.into(),
        home: home.into(),
        shell: shell.into(),
    })
}

fn read_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let (name, _password, gid) = (fields.next()?, fields.next()?, fields.next()?);
    let members = fields.next()?.split(',').map(str::trim).filter(|member| !member.is_empty());
    let members = members.map(str::to_owned).collect();
    Some(Group { name: name.into(), gid: gid.parse().ok()?, members, through: BTreeMap::new() })
}

/// `systemd` counts as local: it knows root, nobody and what runs with `DynamicUser`.
fn beyond_files(sources: &str) -> bool {
    let sources = sources.split_once('#').map_or(sources, |(before, _)| before);
    sources
        .split_whitespace()
        .any(|source| !source.starts_with('[') && !["files", "compat", "systemd"].contains(&source))
}

impl Accounts {
    /// The group of this name, or, where `group` is a number that no group has as its name, of this number.
    pub fn group(&self, group: &str) -> Option<&Group> {
        self.groups.get(group).or_else(|| {
            let gid = group.parse::<u32>().ok()?;
            self.groups.values().find(|candidate| candidate.gid == gid)
        })
    }

    /// The name of the group with this number, or the number.
    pub fn group_name(&self, gid: u32) -> String {
        let named = self.groups.values().find(|group| group.gid == gid);
        named.map_or_else(|| gid.to_string(), |group| group.name.clone())
    }

    /// The names of the groups that list this account.
    pub fn groups_of(&self, user: &str) -> BTreeSet<String> {
        let listed = self.groups.values().filter(|group| group.members.contains(user));
        listed.map(|group| group.name.clone()).collect()
    }

    /// That accounts can be judged on this host at all.
    ///
    /// # Errors
    /// [`Blind::Unsupported`] where useradd and its like are missing: systems with only busybox keep accounts
    /// in their own way.
    pub fn supported(&self) -> Result<(), Blind> {
        if self.tools {
            return Ok(());
        }
        Err(Blind::Unsupported("no /usr/sbin/useradd here: accounts are managed with Debian's package `passwd`".into()))
    }
}

/// What /etc/shadow says of one account, shadow(5). Not `Debug` nor `Serialize`: it holds a password's hash.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shadow {
    /// The hash, perhaps with `!` before it.
    pub password: String,
    /// The day of the last change, counted from 1970-01-01; 0: must be changed at the next login.
    pub changed: Option<i64>,
    /// The first day on which the account is no longer of use, counted from 1970-01-01.
    pub expires: Option<i64>,
}

impl Shadow {
    /// Nobody can log in with a password.
    pub fn unusable(&self) -> bool {
        self.password.starts_with(['!', '*'])
    }

    /// The hash without what `usermod -L` puts before it.
    pub fn hash(&self) -> &str {
        self.password.trim_start_matches('!')
    }
}

/// Reads /etc/shadow; root only.
pub static SHADOW: Fact<BTreeMap<String, Shadow>> = Fact {
    query: Query::new("shadow", "cat /etc/shadow"),
    decode: |answer, _| {
        let text = String::from_utf8_lossy(&answer.ok()?.out);
        let mut all = BTreeMap::new();
        for (name, shadow) in text.lines().filter_map(read_shadow) {
            all.entry(name).or_insert(shadow);
        }
        Ok(all)
    },
};

fn read_shadow(line: &str) -> Option<(String, Shadow)> {
    let fields: Vec<&str> = line.split(':').collect();
    let day = |index: usize| fields.get(index).and_then(|day: &&str| day.parse().ok());
    let (name, password) = (fields.first()?, fields.get(1)?);
    Some((
        (*name).into(),
        Shadow { password: (*password).into(), changed: day(2), expires: day(7).filter(|day| *day >= 0) },
    ))
}

/// Whether the home of an account is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A directory.
    There,
    /// Nothing, or no directory.
    Missing,
    /// The account that is used on the host cannot look.
    Hidden,
}

/// Whether the home of the account `$1` is there, as /etc/passwd names it; [`Home::Missing`] too where there is
/// no such account. No program is started: one pass over the file with what the shell has built in.
pub static HOME: Fact<Home> = Fact {
    query: Query::new(
        "homes",
        "narrow \"$@\"\n\
         said=\n\
         for name do\n\
         \x20 account \"$name\" || continue\n\
         \x20 if [ -d \"$H\" ]; then found=there\n\
         \x20 elif [ -x \"${H%/*}/\" ] || ! [ -e \"${H%/*}/\" ]; then found=missing\n\
         \x20 else found=hidden; fi\n\
         \x20 said=$said$name:$found$nl\n\
         done\n\
         printf %s \"$said\"",
    )
    .inline()
    .batched(Batch::Split(by_first_field)),
    decode: |answer, _| {
        Ok(match answer.ok()?.text()?.split_once(':').map(|(_, found)| found.trim_end()) {
            Some("there") => Home::There,
            Some("hidden") => Home::Hidden,
            _ => Home::Missing,
        })
    },
};

/// Whether the login shell `$1` can be run. Shell builtins only.
pub static SHELL: Fact<bool> = Fact {
    query: Query::new(
        "shells",
        "said=\n\
         for path do if [ -f \"$path\" ] && [ -x \"$path\" ]; then said=$said$path:$nl; fi; done\n\
         printf %s \"$said\"",
    )
    .inline()
    .batched(Batch::Split(by_first_field)),
    decode: |answer, _| Ok(!answer.ok()?.out.is_empty()),
};

/// Whether any source that the system asks (ldap, sss…) knows the account `$1`.
pub static KNOWN_USER: Fact<bool> = Fact {
    query: Query::new("getent passwd", "getent passwd \"$@\"").batched(Batch::Split(by_first_field)).slow(),
    decode: known,
};

/// Whether any source that the system asks knows the group `$1`.
pub static KNOWN_GROUP: Fact<bool> = Fact {
    query: Query::new("getent group", "getent group \"$@\"").batched(Batch::Split(by_first_field)).slow(),
    decode: known,
};

fn known(answer: &Answer, _: &[String]) -> Result<bool, Blind> {
    match answer.status {
        // 2: some of those that were asked are not known. 127: no getent, so no such sources either.
        0 | 2 => Ok(!answer.out.is_empty()),
        127 => Ok(false),
        _ => Err(answer.blind()),
    }
}

/// Gives each probe the lines that begin with its argument and a colon.
pub(crate) fn by_first_field(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let lines_of = |name: &String| {
        let of_name = |line: &&[u8]| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":"));
        answer.out.split_inclusive(|byte| *byte == b'\n').filter(of_name).collect::<Vec<_>>().concat()
    };
    let part = |args: &&[String]| Answer { out: args.first().map(lines_of).unwrap_or_default(), ..answer.clone() };
    probes.iter().map(part).collect()
}

/// The refusal to judge what local files do not hold but another source does.
pub fn from_elsewhere(what: &str, name: &str) -> Pending {
    Pending::Blind(Blind::Unsupported(format!(
        "the {what} {name} comes from ldap or another directory: only local ones are managed"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(out: &[u8]) -> Answer {
        Answer { status: 0, out: out.to_vec(), err: Vec::new() }
    }

    const CAPTURE: &[u8] = b"tools:useradd\n\
        /etc/passwd:root:x:0:0:root:/root:/bin/bash\n\
        /etc/passwd:ppom:x:1000:1000:Pierre, \xe9t\xe9,,:/home/ppom:/usr/bin/zsh\n\
        /etc/passwd:root:x:1:1:a second root does not count:/:/bin/sh\n\
        /etc/passwd:+nis\n\
        /etc/passwd:\n\
        /etc/group:root:x:0:\n\
        /etc/group:ops:x:1500:ppom, alice\n\
        /etc/group:ppom:x:1000:\n\
        /etc/nsswitch.conf:# passwd: ldap\n\
        /etc/nsswitch.conf:passwd:         files systemd # ldap\n\
        /etc/nsswitch.conf:group:          files [NOTFOUND=return] ldap\n";

    #[test]
    fn accounts_are_read_and_odd_lines_skipped() {
        let all = (ACCOUNTS.decode)(&answer(CAPTURE), &[]).unwrap();
        assert_eq!(all.users.keys().collect::<Vec<_>>(), ["ppom", "root"]);
        assert_eq!(all.users["root"].uid, 0);
        assert_eq!(all.users["ppom"].comment, "Pierre, \u{fffd}t\u{fffd},,");
        assert_eq!(all.groups_of("ppom"), BTreeSet::from(["ops".to_owned()]));
        assert_eq!(all.group("1500").unwrap().name, "ops");
        assert_eq!((all.group_name(1000), all.group_name(7)), ("ppom".into(), "7".into()));
        assert!(all.tools && !all.remote_users && all.remote_groups);
    }

    #[test]
    fn whom_any_line_lists_is_in_a_group() {
        let capture = b"tools:useradd\n/etc/passwd:root::0:0:root:/root:/bin/bash\n/etc/group:dup:x:1779:alice\n\
            /etc/group:other:x:1779:zoe,alice\n/etc/group:dup:x:1779:eve,mallory\n/etc/group:third:x:1780:zoe\n";
        let all = (ACCOUNTS.decode)(&answer(capture), &[]).unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(all.groups["dup"].members, names(&["alice", "eve", "mallory"]));
        assert_eq!(all.groups["dup"].through, BTreeMap::from([("zoe".into(), "other".into())]));
        assert_eq!(all.groups["other"].through.keys().cloned().collect::<BTreeSet<_>>(), names(&["eve", "mallory"]));
        assert!(all.groups["third"].through.is_empty() && !all.users["root"].shadowed);
        assert_eq!(all.groups_of("eve"), names(&["dup"]));
    }

    #[test]
    fn an_unreadable_passwd_is_not_a_host_without_accounts() {
        let empty = Answer { status: 2, ..answer(b"tools:useradd\n") };
        assert!(matches!((ACCOUNTS.decode)(&empty, &[]), Err(Blind::Failed(_))));
        assert!(matches!((ACCOUNTS.decode)(&Answer { status: 127, ..answer(b"") }, &[]), Err(Blind::NoTool(_))));
    }

    #[test]
    fn shadow_is_read_with_its_empty_fields() {
        let capture = b"root:*:20378:0:99999:7:::\nalice:!$y$j9T$abc$def:20400:0:99999:7::1:\nbob:!:20400::::::\nold::0:0:99999:7::-1:\n";
        let all = (SHADOW.decode)(&answer(capture), &[]).unwrap();
        assert!(all["root"].unusable() && all["root"].expires.is_none());
        assert_eq!((all["alice"].hash(), all["alice"].expires), ("$y$j9T$abc$def", Some(1)));
        assert_eq!((all["old"].changed, all["old"].expires, all["old"].unusable()), (Some(0), None, false));
    }

    #[test]
    fn shadow_that_may_not_be_read_is_denied() {
        let denied = Answer { status: 1, out: vec![], err: b"cat: /etc/shadow: Permission denied\n".to_vec() };
        assert!(matches!((SHADOW.decode)(&denied, &[]), Err(Blind::Denied(_))));
    }

    #[test]
    fn each_probe_gets_the_lines_of_its_own_name() {
        let probes = [vec!["al".to_owned()], vec!["alice".to_owned()]];
        let probes: Vec<&[String]> = probes.iter().map(Vec::as_slice).collect();
        let parts = by_first_field(&answer(b"alice:there\nbob:missing\n"), &probes);
        assert_eq!((parts[0].out.as_slice(), parts[1].out.as_slice()), (&b""[..], &b"alice:there\n"[..]));
        assert_eq!((HOME.decode)(&parts[0], &[]), Ok(Home::Missing));
        assert_eq!((HOME.decode)(&parts[1], &[]), Ok(Home::There));
    }

    #[test]
    fn getent_tells_unknown_from_failed() {
        assert_eq!(known(&Answer { status: 2, ..answer(b"") }, &[]), Ok(false));
        assert_eq!(known(&answer(b"zoe:x:9000:9000::/home/zoe:/bin/sh\n"), &[]), Ok(true));
        assert_eq!(known(&Answer { status: 124, ..answer(b"") }, &[]), Err(Blind::TimedOut));
    }
}
