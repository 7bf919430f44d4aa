//! What may be done to paths: the commands that kinds share. Each saves a copy first, and reaches below another
//! account's directory only with that account's rights.

use crate::command::{Command, Op};
use crate::id::Id;

/// Who owns a path and how it may be used. All three are always given, so that nothing depends on a umask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits: `0o644`.
    pub mode: u32,
    /// Name or number.
    pub owner: String,
    /// Name or number.
    pub group: String,
}

/// Replaces a file at once: temporary file beside it with its final owner and mode, content, check, sync, rename.
/// Arguments: path, mode, owner, group, the check (a command with `{}`; may be empty), `follow` to write
/// through a link with the account's own rights (may be empty), and an account whose rights to use whatever
/// the directories' owners are (may be empty).
pub static WRITE: Command = Command {
    name: "write file",
    shell: include_str!("script/write.sh"),
};

/// Changes owner and mode. Arguments: path, mode, owner, group.
pub static OWN: Command = Command {
    name: "set owner and mode",
    shell: r#"whose "$1"
[ ! -L "$1" ] || die "$1 is a link"
as chown -h -- "$3:$4" "$1" && as chmod -- "$2" "$1""#,
};

/// Makes a directory and its parents. Arguments: path, mode, owner, group.
pub static MKDIR: Command = Command {
    name: "make directory",
    shell: r#"whose "$1"
as mkdir -p -- "$1" && as chown -h -- "$3:$4" "$1" && as chmod -- "$2" "$1""#,
};

/// Points a link somewhere, at once. Arguments: path, target.
pub static LINK: Command = Command {
    name: "make link",
    shell: r#"whose "$1"
save "$1"
[ -L "$1" ] || [ ! -d "$1" ] || die "$1 is a directory"
t=${1%/*}/.comply.$run
as ln -sfn -- "$2" "$t" && { as mv -fT -- "$t" "$1" || { as rm -f -- "$t"; die "could not put the link in place"; }; }"#,
};

/// Removes what is not a directory. Argument: path.
pub static REMOVE: Command = Command {
    name: "remove file",
    shell: r#"whose "$1"
save "$1"
as rm -f -- "$1""#,
};

/// Removes an empty directory. Argument: path.
pub static REMOVE_DIRECTORY: Command = Command {
    name: "remove directory",
    shell: r#"whose "$1"
as rmdir -- "$1""#,
};

/// Removes a directory with all that is in it, on its own file system. Argument: path.
pub static REMOVE_TREE: Command = Command {
    name: "remove directory and content",
    shell: r#"whose "$1"
[ ! -L "$1" ] || die "$1 is a link"
as rm -rf --one-file-system -- "$1""#,
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
    args.extend([String::new(), String::new()]);
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
    vec![
        path.to_owned(),
        format!("{:04o}", access.mode),
        access.owner.clone(),
        access.group.clone(),
    ]
}
