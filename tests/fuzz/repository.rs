//! A whole repository as one text, so that a fuzzer can change it: each file after a line `=== PATH`.

use std::collections::BTreeMap;

const SIGN: &str = "=== ";

/// The files in such a text; whatever stands before the first line of that sort is the inventory.
pub fn read(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut path = "inventory.yml".to_owned();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(SIGN.as_bytes()) {
            Some(name) => path = String::from_utf8_lossy(name).trim_end().to_owned(),
            None => files.entry(path.clone()).or_default().extend_from_slice(line),
        }
    }
    files
}

/// Such a text.
pub fn write(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut text = Vec::new();
    for (path, bytes) in files {
        text.extend_from_slice(format!("{SIGN}{path}\n").as_bytes());
        text.extend_from_slice(bytes);
        if !bytes.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    text
}
