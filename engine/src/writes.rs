//! What may be done to paths: the commands that kinds share. Each saves a copy first, and reaches below another
//! account's directory only with that account's rights.

use crate::command::{Command, Op};
use crate::id::Id;

/// Who owns a path and how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits: `0o644`.
    pub mode: u32,
    /// Name or number. Empty: what it is, or whoever makes it.
    pub owner: String,
    /// Name or number. Empty: what it is, or the group of whoever makes it.
    pub group: String,
}

/// Replaces a file at once: temporary file beside it with its final owner and mode, content, check, sync, rename.
/// Arguments: path, mode, owner, group, the check (a command with `{}`; may be empty).
pub static WRITE: Command = Command { name: "write file", shell: include_str!("script/write.sh") };

/// Changes owner and mode. Arguments: path, mode, owner, group.
pub static OWN: Command = Command { name: "set owner and mode", shell: include_str!("script/own.sh") };

/// Makes a directory, and its parents (0755, of whoever makes them). Arguments: path, mode, owner, group.
pub static MKDIR: Command = Command { name: "make directory", shell: include_str!("script/mkdir.sh") };

/// Points a link somewhere, at once; a file in its place is saved and replaced. Arguments: path, target.
pub static LINK: Command = Command { name: "make link", shell: include_str!("script/link.sh") };

/// Removes what is not a directory. Argument: path.
pub static REMOVE: Command = Command {
    name: "remove file",
    shell: r#"whose "$1"
save "$1"
reach "$1" '' ''
as rm -f -- "$p""#,
};

/// Removes an empty directory. Argument: path.
pub static REMOVE_DIRECTORY: Command = Command {
    name: "remove directory",
    shell: r#"[ -d "$1" ] || [ -L "$1" ] || exit 0
reach "$1" '' ''
as rmdir -- "$p""#,
};

/// Removes a directory with all that is in it, unless something is mounted there (proc_pid_mountinfo(5)): what is on another
/// file system, or elsewhere on this one, is not the directory's own. Argument: path.
pub static REMOVE_TREE: Command = Command {
    name: "remove directory and content",
    shell: r#"[ ! -L "$1" ] || die "$1 is a link"
reach "$1" '' ''
spare "$p"
as rm -rf --one-file-system -- "$p""#,
};

/// Writes `content` to `path`; `validate` is a command of the policy with `{}` for the file to check.
pub fn write(
    id: Id,
    path: &str,
    content: Vec<u8>,
    access: &Access,
    validate: Option<&str>,
    says: impl Into<String>,
) -> Op {
    let mut args = with_access(path, access);
    args.push(validate.unwrap_or_default().to_owned());
    Op::new(id, &WRITE, args, says).stdin(content)
}

/// Changes owner and mode of `path`.
pub fn own(id: Id, path: &str, access: &Access, says: impl Into<String>) -> Op {
    Op::new(id, &OWN, with_access(path, access), says)
}

/// Makes the directory `path`.
pub fn mkdir(id: Id, path: &str, access: &Access, says: impl Into<String>) -> Op {
    Op::new(id, &MKDIR, with_access(path, access), says)
}

fn with_access(path: &str, access: &Access) -> Vec<String> {
    vec![path.to_owned(), format!("{:04o}", access.mode), access.owner.clone(), access.group.clone()]
}
