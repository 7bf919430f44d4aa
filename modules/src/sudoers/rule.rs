//! A rule of sudo: what may be written of it, and how sudoers(5) has it.

use super::Spec;
use crate::account_name;
use engine::{Anchor, Problem};

/// What is wrong with the fields that make rules.
pub(super) fn problems(spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (field, words) in [("users", &spec.users), ("commands", &spec.commands)] {
        if words.as_ref().is_none_or(crate::words::Words::is_empty) {
            problems.push(
                Problem::field(field, format!("a rule needs `{field}`"))
                    .hint("or write the whole file as `content`, in the language of sudoers(5)"),
            );
        }
    }
    let users = spec.users.iter().flatten();
    problems.extend(users.filter_map(|user| who(user).err().map(|why| Problem::field("users", why))));
    problems.extend(spec.run_as.iter().filter_map(|run_as| run_as_problem(run_as)));
    problems.extend(spec.commands.iter().flatten().filter_map(|command| command_problem(command)));
    problems
}

/// An account or a group, or everybody.
enum Who<'a> {
    Account(&'a str),
    Group(&'a str),
    All,
}

fn who(name: &str) -> Result<Who<'_>, String> {
    let plain = name.strip_prefix('%').unwrap_or(name);
    if let Some(found) = account_name::problem(plain).filter(|_| name != "ALL") {
        return Err(format!("`{}` is no account, `%group` or `ALL`: {}", name.escape_debug(), found.message));
    }
    Ok(match name {
        "ALL" => Who::All,
        _ if name.starts_with('%') => Who::Group(plain),
        _ => Who::Account(plain),
    })
}

/// The names before and after the `:` of `run_as`.
fn run_as(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (users, groups) = text.split_once(':').unwrap_or((text, ""));
    (split(users), split(groups))
}

fn split(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn run_as_problem(text: &str) -> Option<Problem> {
    let (users, groups) = run_as(text);
    if users.is_empty() && groups.is_empty() {
        return Some(
            Problem::field("run_as", "it names nobody")
                .hint("such as `root`, `www-data` or `ALL:ALL`; leave it out for root"),
        );
    }
    let users = users.into_iter().map(who);
    let groups = groups.into_iter().map(|name| match who(name) {
        Ok(Who::Group(_)) => Err(format!("`{name}` is already a group after the `:`: leave the `%` out")),
        other => other,
    });
    users.chain(groups).find_map(Result::err).map(|why| Problem::field("run_as", why))
}

fn command_problem(command: &str) -> Option<Problem> {
    let wrong = |why: String| Some(Problem::field("commands", why));
    if command == "ALL" {
        return None;
    }
    let path = command.strip_prefix("sudoedit ").unwrap_or(command);
    if command.starts_with('!') {
        return wrong(format!(
            "`{command}`: what is forbidden by `!` can be run by another name; list what is allowed"
        ));
    }
    if !path.starts_with('/') {
        let first = path.split(' ').next().unwrap_or_default();
        return Some(
            Problem::field("commands", format!("`{first}` is neither an absolute path nor `ALL`"))
                .hint("write where the program is, such as `/usr/bin/systemctl restart nginx`"),
        );
    }
    if command.contains(|c: char| c.is_control()) || command.contains("  ") || command.trim() != command {
        return wrong(format!("`{}`: words stand apart by one space each, in one line", command.escape_debug()));
    }
    if command.contains('\\') {
        return wrong(format!("`{command}`: sudo compares no backslash with itself; write such a rule as `content`"));
    }
    if command.split(' ').any(|word| word.starts_with('^')) {
        return wrong(format!(
            "`{command}`: a word that begins with `^` is a regular expression; write those as `content`"
        ));
    }
    let quoted = command.matches('"').count();
    if quoted > 0 && !(quoted == 2 && command.ends_with(" \"\"")) {
        return Some(
            Problem::field(
                "commands",
                format!("`{command}`: sudo takes quotes as they are, so they would have to be typed"),
            )
            .hint("leave them out; `\"\"` alone after the path stands for no arguments"),
        );
    }
    if command.len() > 4000 {
        return wrong("a command is longer than 4000 bytes".into());
    }
    None
}

/// The accounts and groups that the rules speak of.
pub(super) fn names(spec: &Spec) -> impl Iterator<Item = Anchor> {
    let users = spec.users.iter().flatten().map(String::as_str);
    let (run_users, run_groups) = spec.run_as.as_deref().map(run_as).unwrap_or_default();
    let groups = run_groups.into_iter().filter(|name| *name != "ALL").map(|name| Anchor::Group(name.to_owned()));
    let anchor = |name| match who(name) {
        Ok(Who::Account(name)) => Some(Anchor::User(name.to_owned())),
        Ok(Who::Group(name)) => Some(Anchor::Group(name.to_owned())),
        _ => None,
    };
    users.chain(run_users).filter_map(anchor).chain(groups).collect::<Vec<_>>().into_iter()
}

/// Who may do everything as root.
pub(super) fn masters(spec: &Spec) -> Vec<String> {
    let as_root = match spec.run_as.as_deref().map(run_as) {
        None => true,
        Some((users, _)) => users.iter().any(|user| ["ALL", "root"].contains(user)),
    };
    let all = as_root && spec.noexec != Some(true) && spec.commands.iter().flatten().any(|command| command == "ALL");
    let users = spec.users.iter().flatten().filter(|_| all);
    users.map(|user| user.trim_start_matches('%').to_owned()).collect()
}

/// The file: one line for each of the users, as Ansible's `sudoers` writes them too.
pub(super) fn text(spec: &Spec) -> String {
    let run_as = spec.run_as.as_deref().map(|text| {
        let (users, groups) = run_as(text);
        let quoted = |names: Vec<&str>| names.into_iter().map(quoted).collect::<Vec<_>>().join(",");
        let groups = if groups.is_empty() { String::new() } else { format!(":{}", quoted(groups)) };
        format!("({}{groups})", quoted(users))
    });
    let tags = [("NOEXEC:", spec.noexec), ("NOPASSWD:", spec.nopasswd), ("SETENV:", spec.setenv)];
    let tags: String = tags.into_iter().filter(|(_, on)| *on == Some(true)).map(|(tag, _)| tag).collect();
    let commands = spec.commands.iter().flatten().map(|command| escaped(command)).collect::<Vec<_>>().join(", ");
    let line = |user: &String| format!("{} ALL={}{tags} {commands}\n", quoted(user), run_as.as_deref().unwrap_or(""));
    spec.users.iter().flatten().map(line).collect()
}

/// A name that sudo could take for an alias or a word of its own stands in quotes.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_' || c == '%');
    if plain || name == "ALL" { name.to_owned() } else { format!("\"{name}\"") }
}

/// A command as sudoers(5) has it; patterns stay patterns.
fn escaped(command: &str) -> String {
    let mut text = String::new();
    for c in command.chars() {
        if ",:=#".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Whether a file of the host means what `wanted` means: comments and empty lines do not count. Where lines are continued,
/// which may hide where a comment ends, only the very same text is the same.
pub(super) fn same(host: &str, wanted: &str) -> bool {
    let counts = |line: &&str| {
        let comment = line.strip_prefix('#').is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !rest.starts_with("include")
        });
        !comment && !line.is_empty()
    };
    let continued = |text: &str| text.lines().any(|line| line.ends_with('\\'));
    host == wanted || (!continued(host) && host.split('\n').filter(counts).eq(wanted.split('\n').filter(counts)))
}
