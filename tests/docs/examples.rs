//! The YAML of a page is a repository without mistakes: a block that begins with a comment `# PATH` is that file.

use crate::page::{self, blocks};
use std::fs;
use std::process::Command;

#[test]
fn the_files_of_every_page_are_a_repository_without_mistakes() {
    let mut checked = 0;
    for path in page::all().iter().filter(|path| !path.starts_with("kinds/") && *path != "tutorial.md") {
        let page = page::read(path);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("policies")).unwrap();
        fs::write(dir.path().join("inventory.yml"), "hosts: {web1: {address: 192.0.2.1}}\n").unwrap();
        let mut files = 0;
        for (word, text) in blocks(&page) {
            let name = text.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|_| word == "yaml");
            let Some(name) = name.filter(|name| name.ends_with(".yml") && !name.contains(' ')) else {
                assert_ne!(
                    word, "yaml",
                    "docs/{path}: a block of YAML begins with `# FILE`, so that it is checked:\n{text}"
                );
                continue;
            };
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
            files += 1;
        }
        if files == 0 {
            continue;
        }
        for (name, text) in [("templates/motd", "{{ host.name }}\n"), ("files/motd", "hello\n")] {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), text).unwrap();
        }
        let comply = assert_cmd::cargo::cargo_bin!("comply");
        let output = Command::new(comply).arg("check").current_dir(dir.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.is_empty(), "docs/{path}\n{told}");
        checked += files;
    }
    assert!(checked > 10, "the pages are not where this test looks for them");
}
