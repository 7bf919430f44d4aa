//! What the name of an account or a group may be.

use engine::Problem;

/// Why `name` is no name that an account or group can have, if so: useradd(8) on Debian refuses it, or it
/// cannot be told from a number or an option.
pub fn problem(name: &str) -> Option<Problem> {
    let why = if name.is_empty() {
        "a name cannot be empty"
    } else if name.len() > 32 {
        "a name has at most 32 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        "a name begins with a letter or `_`"
    } else if !name.trim_end_matches('$').chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        || name.ends_with("$$")
    {
        "a name has only letters, digits, `_`, `-` and `.`"
    } else {
        return None;
    };
    Some(Problem::name(why))
}

/// Why `name` names no group: neither a name nor a number.
pub fn group_problem(field: &'static str, name: &str) -> Option<Problem> {
    if name.parse::<u32>().is_ok() {
        return None;
    }
    problem(name).map(|found| Problem::field(field, format!("`{name}`: {}", found.message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_debian_takes_are_taken() {
        for name in ["ppom", "_apt", "www-data", "host$", "Jean.Paul", "a"] {
            assert_eq!(problem(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_could_be_options_numbers_or_fields_are_refused() {
        let long = "x".repeat(33);
        for name in
            ["", "-r", "+nis", "1000", "a:b", "a,b", "a b", "a\n", "é", "a$b", "a$$", "../x", "$(id)", "*", &long]
        {
            assert!(problem(name).is_some(), "{name:?}");
        }
        assert_eq!(group_problem("group", "1000"), None);
        assert!(group_problem("group", "10:00").is_some());
    }
}
