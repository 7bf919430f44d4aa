//! `seeds DIR REPOSITORY…`: writes each repository, a directory, as one file of DIR for the fuzzer to begin with.

mod repository;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Large files only slow the fuzzer down.
const LARGEST: u64 = 8 << 10;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let Some(to) = arguments.next() else { return Err(io::Error::other("seeds DIR REPOSITORY…")) };
    for (number, root) in arguments.enumerate() {
        let mut files = BTreeMap::new();
        gather(&root, &root, &mut files)?;
        // What the seconds of a run begin with: nothing but itself is read back.
        let text = repository::write(&files);
        assert_eq!(repository::write(&repository::read(&text)), text, "{}", root.display());
        fs::write(to.join(format!("{number:03}")), text)?;
    }
    Ok(())
}

fn gather(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            gather(root, &entry.path(), files)?;
        } else if metadata.is_file() && metadata.len() <= LARGEST {
            let path = entry.path().strip_prefix(root).unwrap_or(&entry.path()).to_string_lossy().into_owned();
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}
