//! "Did you mean".

/// The name among `known` that is nearest to `written`, if one is near.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let small = written.to_lowercase();
    let limit = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.len() < 256 && written.len() < 256)
        .map(|name| (strsim::damerau_levenshtein(&small, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit || near_by_shape(&small, &name.to_lowercase()))
        .min()
        .map(|(_, name)| name)
}

/// `user` for `users`, `max-retry` for `maxretry`.
fn near_by_shape(written: &str, name: &str) -> bool {
    let bare = |text: &str| text.replace(['-', '_', ' '], "");
    let (written, name) = (bare(written), bare(name));
    written.len() >= 3 && (name.starts_with(&written) || (name.len() >= 3 && written.starts_with(&name)))
}

/// `did you mean `x`?`, or what there is if the list is short, or nothing.
pub fn hint<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = nearest(written, known.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    if known.is_empty() || known.len() > 24 {
        return None;
    }
    Some(format!("known here: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["shell", "groups", "group", "uid", "PermitRootLogin"];
        assert_eq!(nearest("shel", known), Some("shell"));
        assert_eq!(nearest("gruop", known), Some("group"));
        assert_eq!(nearest("permitrootlogin", known), Some("PermitRootLogin"));
        assert_eq!(nearest("permit_root_login", known), Some("PermitRootLogin"));
        assert_eq!(nearest("user", ["users"]), Some("users"));
    }

    #[test]
    fn what_is_far_from_everything_gets_the_list_if_that_is_short() {
        assert_eq!(nearest("nonsense", ["shell", "uid"]), None);
        assert_eq!(hint("nonsense", ["shell", "uid"]), Some("known here: shell, uid".into()));
        let many: Vec<String> = (0..30).map(|n| format!("a-long-name-{n}")).collect();
        assert_eq!(hint("nonsense", many.iter().map(String::as_str)), None);
        assert_eq!(hint("nonsense", []), None);
    }
}
