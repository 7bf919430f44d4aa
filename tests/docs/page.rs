//! Pages of the documentation, and how they are kept up to date.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the pages.
pub fn docs() -> PathBuf {
    root().join("docs")
}

/// The directory of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page, by its path below `docs`.
pub fn read(path: &str) -> String {
    fs::read_to_string(docs().join(path)).unwrap_or_default()
}

/// The page is `wanted`, or becomes it with `UPDATE_DOCS=1`. Returns what to do if it is not.
pub fn keep(path: &str, wanted: &str) -> Result<(), String> {
    if read(path) == wanted {
        return Ok(());
    }
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return Err(format!("docs/{path} is stale: UPDATE_DOCS=1 cargo test -p comply --test docs"));
    }
    fs::write(docs().join(path), wanted).unwrap();
    Ok(())
}

/// Every page, by its path below `docs`.
pub fn all() -> Vec<String> {
    let mut pages = Vec::new();
    for dir in ["", "kinds/"] {
        for entry in fs::read_dir(docs().join(dir)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                pages.push(format!("{dir}{name}"));
            }
        }
    }
    pages.sort();
    pages
}

/// The blocks between fences of a page: the word behind the opening fence, and the text.
pub fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(word)) => open = Some((word, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}
