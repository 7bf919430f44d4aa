//! A section of a file of fail2ban: what may be written of it, and how jail.conf(5) has it.

use super::Spec;
use engine::Problem;
use std::collections::BTreeMap;

/// The jail whose log Debian keeps in the journal, and in no file where rsyslog is missing.
const IN_JOURNAL: &str = "sshd";

/// Options of fail2ban.conf(5), which do nothing in a jail.
const OF_THE_SERVER: [&str; 10] = [
    "allowipv6",
    "dbfile",
    "dbmaxmatches",
    "dbpurgeage",
    "loglevel",
    "logtarget",
    "pidfile",
    "socket",
    "stacksize",
    "syslogsocket",
];

/// What a policy says of a jail by fields of their own.
pub(super) const FIELDS: [&str; 11] = [
    "enabled",
    "port",
    "filter",
    "logpath",
    "backend",
    "maxretry",
    "findtime",
    "bantime",
    "ignoreip",
    "banaction",
    "action",
];

/// What the readers of the file keep for themselves.
const RESERVED: [&str; 2] = ["__name__", "before"];

/// The section, with its heading.
pub(super) fn text(name: &str, spec: &Spec) -> String {
    let mut text = format!("[{name}]\n");
    let mut line = |key: &str, value: &str| text += &format!("{key} = {}\n", value.trim_end().replace('\n', "\n    "));
    if name != super::DEFAULT {
        line("enabled", if spec.is_enabled() { "true" } else { "false" });
    }
    let join = |words: &Option<crate::words::Words>, between: &str| words.as_ref().map(|words| words.join(between));
    let fields = [
        ("port", spec.port.clone()),
        ("filter", spec.filter.clone()),
        ("logpath", join(&spec.logpath, "\n")),
        ("backend", backend(name, spec).map(str::to_owned)),
        ("maxretry", spec.maxretry.map(|number| number.to_string())),
        ("findtime", spec.findtime.map(|time| time.to_string())),
        ("bantime", spec.bantime.map(|time| time.to_string())),
        ("ignoreip", join(&spec.ignoreip, " ")),
        ("banaction", spec.banaction.clone()),
        ("action", spec.action.clone()),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            line(key, &value);
        }
    }
    for (key, value) in spec.options.iter().flatten() {
        line(key, value);
    }
    text
}

/// The backend that is written: for sshd the journal, unless the policy says where else to look.
fn backend<'a>(name: &str, spec: &'a Spec) -> Option<&'a str> {
    let journal = name == IN_JOURNAL && spec.is_enabled() && spec.logpath.is_none();
    spec.backend.as_deref().or(journal.then_some("systemd"))
}

/// The sections of a file, each with its heading, by name; what stands before the first is nobody's.
pub(super) fn read(file: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in file.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']')) {
            current = Some(name.to_owned());
        } else if line.trim().is_empty() {
            continue;
        }
        if let Some(name) = &current {
            let section = sections.entry(name.clone()).or_default();
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// The whole file of these sections; `DEFAULT` comes first.
pub(super) fn file(sections: &BTreeMap<String, String>) -> String {
    let default = sections.get(super::DEFAULT);
    let others = sections.iter().filter(|(name, _)| *name != super::DEFAULT).map(|(_, text)| text);
    let mut text = String::from("# Written by comply: a change made here does not last.\n");
    for section in default.into_iter().chain(others) {
        text.push('\n');
        text.push_str(section);
    }
    text
}

pub(super) fn problems(name: &str, spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let letters = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let plain = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 26 && name.chars().all(letters);
    if !plain || ["INCLUDES", "Definition", "Init"].contains(&name) {
        problems.push(
            Problem::name("this is no name of a jail: letters, digits, `_`, `.` and `-`, 26 at most")
                .hint("the defaults of all jails are called `DEFAULT`"),
        );
    }
    if name == super::DEFAULT && spec.enabled.is_some() {
        let problem = Problem::field("enabled", "this would switch every jail there is on, or off");
        problems.push(problem.hint("say it of each jail"));
    }
    let words = |words: &Option<crate::words::Words>| words.as_ref().map(|words| words.join(" "));
    let texts = [
        ("port", spec.port.clone()),
        ("filter", spec.filter.clone()),
        ("logpath", words(&spec.logpath)),
        ("backend", spec.backend.clone()),
        ("ignoreip", words(&spec.ignoreip)),
        ("banaction", spec.banaction.clone()),
        ("action", spec.action.clone()),
    ];
    for (field, text) in texts {
        let why = text.as_deref().and_then(|text| value_problem(text, field == "action"));
        problems.extend(why.map(|why| Problem::field(field, why)));
    }
    for (field, words) in [("logpath", &spec.logpath), ("ignoreip", &spec.ignoreip)] {
        let odd = words.iter().flatten().find(|word| word.is_empty() || word.contains(char::is_whitespace));
        problems.extend(odd.map(|word| Problem::field(field, format!("`{}` is not one word", word.escape_debug()))));
    }
    if spec.maxretry == Some(0) {
        problems.push(Problem::field("maxretry", "nobody would ever get in").hint("1 bans at the first failure"));
    }
    for (key, value) in spec.options.iter().flatten() {
        let name = key.as_str();
        if FIELDS.contains(&name) || RESERVED.contains(&name) {
            problems.push(Problem::field("options", format!("`{name}` has a field of its own, or means nothing here")));
        } else if OF_THE_SERVER.contains(&name) {
            let problem = format!("`{name}` is an option of fail2ban.conf, and does nothing in a jail");
            problems.push(
                Problem::field("options", problem).hint("write it under `files` to /etc/fail2ban/fail2ban.local"),
            );
        } else if name.is_empty() || !name.chars().all(letters) {
            problems.push(Problem::field("options", format!("`{}` is no name of an option", name.escape_debug())));
        }
        let why = value_problem(value, true).map(|why| format!("`{}`: {why}", name.escape_debug()));
        problems.extend(why.map(|why| Problem::field("options", why)));
    }
    problems
}

/// What configparser would not take as one value.
fn value_problem(value: &str, lines: bool) -> Option<String> {
    if value.trim().is_empty() {
        return Some("it is empty".into());
    }
    if value.contains(|c: char| c.is_control() && !(lines && c == '\n')) {
        return Some("it has control characters in it, or more than one line".into());
    }
    let starts_odd = value.lines().any(|line| line.trim_start().starts_with(['#', ';', '[']) || line.trim().is_empty());
    if starts_odd || value.contains(" ;") || value.contains(" #") {
        return Some("fail2ban would take a part of it for a comment or a heading".into());
    }
    None
}
