//! Names of files in a directory of snippets that a program reads as a whole: /etc/sudoers.d, /etc/cron.d.

use engine::Problem;

/// Why `name` names no such file that `reader` would read: sudo and cron pass over a name with a `.` in it, one that ends
/// in `~`, and more (sudoers(5), "Including other files"; cron(8), "run-parts").
pub fn problem(name: &str, reader: &str) -> Option<Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.contains('.') || name.ends_with('~') {
        let better = name.trim_end_matches('~').replace('.', "-");
        let problem = Problem::name(format!("{reader} reads no file whose name has a `.` in it or ends in `~`"));
        return Some(if self::problem(&better, reader).is_none() {
            problem.hint(format!("call it `{better}`"))
        } else {
            problem
        });
    }
    let plain = !name.is_empty() && name.len() <= 200 && !name.starts_with('-') && name.chars().all(allowed);
    (!plain).then(|| Problem::name("the name of this file has only letters, digits, `_` and `-`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_passed_over_are_refused_with_a_better_one() {
        assert_eq!(problem("10-ops_team", "sudo"), None);
        let found = problem("ops.conf", "sudo").unwrap();
        assert_eq!(found.message, "sudo reads no file whose name has a `.` in it or ends in `~`");
        assert_eq!(found.hint.unwrap(), "call it `ops-conf`");
        assert_eq!(problem("ops~", "cron").unwrap().hint.unwrap(), "call it `ops`");
        let long = "x".repeat(201);
        for name in ["", "-x", "a b", "../x", "a/b", "é", "a\nb", "$(id)", "..", "~", &long] {
            assert!(problem(name, "cron").is_some(), "{name:?}");
        }
    }
}
