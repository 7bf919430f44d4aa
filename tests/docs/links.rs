//! Links between pages lead to pages and headings that are there.

use crate::page::{self, docs, root};
use std::fs;
use std::path::Path;

/// What stands between `](` and `)` in a text, code left out.
fn links(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// A heading as it is linked to.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn wrong(page: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
    let Ok(text) = fs::read_to_string(&target) else { return !target.is_dir() };
    heading.is_some_and(|wanted| !text.lines().any(|line| line.starts_with('#') && anchor(line) == wanted))
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages: Vec<_> = page::all().into_iter().map(|path| docs().join(path)).collect();
    pages.extend(["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(|path| root().join(path)));
    let mut dead = Vec::new();
    for path in &pages {
        for link in links(&fs::read_to_string(path).unwrap()) {
            if !link.starts_with("http") && wrong(path, &link) {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_is_in_the_index() {
    let index = links(&page::read("README.md"));
    for path in page::all().iter().filter(|path| *path != "README.md") {
        assert!(index.contains(path), "docs/README.md does not link to {path}");
    }
}
