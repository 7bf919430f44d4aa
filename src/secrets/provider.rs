//! How each provider is asked. What they say goes wrong is told without what they gave.

use super::program::{self, LARGEST};
use policies::Store;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// All that is kept under `name`; the error is a part of a sentence.
pub fn ask(store: &Store, name: &str, root: &Path) -> Result<String, String> {
    let bytes = match store {
        Store::Pass { store } => pass(name, store.as_deref().map(|store| directory(store, root)).transpose()?)?,
        Store::Env => return variable(name),
        Store::File { directory: folder } => file(&directory(folder, root)?, folder, name)?,
        Store::Command { command } => run(command, name, root)?,
    };
    String::from_utf8(bytes).map_err(|_| format!("`{name}` is no UTF-8 text"))
}

fn directory(written: &str, root: &Path) -> Result<PathBuf, String> {
    match written.strip_prefix("~/") {
        Some(rest) => {
            let home = std::env::home_dir().ok_or_else(|| "nobody knows where your home directory is".to_owned())?;
            Ok(home.join(rest))
        }
        None => Ok(root.join(written)),
    }
}

fn pass(name: &str, store: Option<PathBuf>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("pass");
    command.arg("show").arg(name);
    if let Some(store) = store {
        command.env("PASSWORD_STORE_DIR", store);
    }
    let done = program::run(&mut command, "pass")?;
    if !done.well {
        let missing = done.last_words.contains("is not in the password store");
        return Err(match missing {
            true => format!("pass has no `{name}`"),
            false => format!("pass cannot give `{name}`: {}", done.last_words),
        });
    }
    // Of a folder, pass shows the names in it.
    let mut lines = done.out.split(|&byte| byte == b'\n');
    let folder = lines.next() == Some(name.as_bytes()) && lines.next().is_some_and(|line| contains(line, "── "));
    if folder { Err(format!("`{name}` is a folder of pass, not an entry")) } else { Ok(done.out) }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn variable(name: &str) -> Result<String, String> {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable = format!("{}{}", links::SECRET_VARIABLES, name.chars().map(letter).collect::<String>());
    std::env::var(&variable).map_err(|error| match error {
        std::env::VarError::NotPresent => format!("{variable} is not set"),
        std::env::VarError::NotUnicode(_) => format!("{variable} is no UTF-8 text"),
    })
}

/// `shown` is the directory as the policy has it.
fn file(directory: &Path, shown: &str, name: &str) -> Result<Vec<u8>, String> {
    let shown = format!("{}/{name}", shown.trim_end_matches('/'));
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file {shown}"),
        _ => format!("{shown} cannot be read: {error}"),
    };
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    // A pipe would keep us waiting.
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(directory.join(name)).map_err(words)?;
    let metadata = file.metadata().map_err(words)?;
    if !metadata.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!("{shown} is open to other accounts of this machine; `chmod 600` it"));
    }
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me && metadata.uid() != 0 {
        return Err(format!("{shown} belongs to another account"));
    }
    read(file, &shown)
}

fn read(file: File, shown: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown} is larger than {} KiB", LARGEST >> 10));
    }
    Ok(bytes)
}

fn run(command: &[String], name: &str, root: &Path) -> Result<Vec<u8>, String> {
    let (program, arguments) = command.split_first().ok_or_else(|| "`command` names no program".to_owned())?;
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|word| word.replace("{}", name))).current_dir(root);
    let done = program::run(&mut command, program)?;
    if done.well { Ok(done.out) } else { Err(format!("{program} cannot give `{name}`: {}", done.last_words)) }
}
