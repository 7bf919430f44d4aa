//! The form of such a file, sources.list(5), "DEB822-STYLE FORMAT".

use super::Spec;
use std::collections::BTreeMap;

/// The file; the key stands in it, so that both change at once.
pub(super) fn text(spec: &Spec, key: Option<&str>) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text += &format!("{name}: {value}\n");
    field("Types", &spec.types.as_ref().map_or("deb".into(), |types| types.join(" ")));
    let lists = [
        ("URIs", &spec.uris),
        ("Suites", &spec.suites),
        ("Components", &spec.components),
        ("Architectures", &spec.architectures),
    ];
    for (name, words) in lists {
        if let Some(words) = words.as_ref().filter(|words| !words.is_empty()) {
            field(name, &words.join(" "));
        }
    }
    if let Some(trusted) = spec.trusted {
        field("Trusted", if trusted { "yes" } else { "no" });
    }
    if let Some(path) = &spec.signed_by {
        field("Signed-By", path);
    }
    if let Some(key) = key {
        text += "Signed-By:\n";
        for line in key.lines().map(str::trim_end) {
            text += &format!(" {}\n", if line.is_empty() { "." } else { line });
        }
    }
    text
}

/// Paragraphs of fields, names in lower case; `None`: it is not in this form.
type Paragraphs = Vec<BTreeMap<String, Vec<String>>>;

fn read(text: &str) -> Option<Paragraphs> {
    let mut all = vec![BTreeMap::<String, Vec<String>>::new()];
    let mut current: Option<String> = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let paragraph = all.last_mut()?;
        if line.trim().is_empty() {
            current = None;
            all.push(BTreeMap::new());
        } else if line.starts_with([' ', '\t']) {
            paragraph.get_mut(current.as_ref()?)?.extend(words(line));
        } else {
            let (name, value) = line.split_once(':')?;
            let name = name.trim_end().to_ascii_lowercase();
            if paragraph.insert(name.clone(), words(value).collect()).is_some() {
                return None;
            }
            current = Some(name);
        }
    }
    all.retain(|paragraph| !paragraph.is_empty());
    for paragraph in &mut all {
        // Notes of tools, and what is so anyway.
        paragraph.retain(|name, value| !(name.starts_with("x-") || name == "enabled" && is_yes(value)));
    }
    Some(all)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_ascii_whitespace().map(str::to_owned)
}

fn is_yes(value: &[String]) -> bool {
    matches!(value, [word] if ["yes", "true", "with", "on", "enable"].contains(&word.as_str()))
}

/// Whether a file of the host means the same: the order of fields, comments and spaces do not count.
pub(super) fn same(host: &str, wanted: &str) -> bool {
    read(host).is_some_and(|host| Some(host) == read(wanted))
}
