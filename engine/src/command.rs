//! What may be done to a host. Like a query, a command is a constant: a fixed shell program with positional
//! parameters. An operation is a command with its arguments, as data.

use crate::id::Id;
use crate::switch::Guard;
use std::fmt;

/// A fixed shell program that changes a host.
///
/// `shell` runs in a subshell, its arguments as `$1`, `$2`…, [`Op::stdin`] on standard input, with
/// the functions of the prelude (`engine/src/script/prelude.sh` and `enforce.sh`). It must be idempotent where it can, and end
/// with a status other than 0, and a last line on standard error that a person understands, when it failed.
#[derive(Debug)]
pub struct Command {
    /// What a reader knows it by, unique: `useradd`, `write file`.
    pub name: &'static str,
    /// The program.
    pub shell: &'static str,
}

/// One change to make.
#[derive(Clone)]
pub struct Op {
    /// The resources it serves; if one of them has already failed in this level, it is not run.
    pub serves: Vec<Id>,
    /// What is run.
    pub command: &'static Command,
    /// Its arguments. They are visible in the host's process list only if the command puts them on the
    /// command line of a program: secrets go through `stdin`.
    pub args: Vec<String>,
    /// What it reads on standard input, any bytes.
    pub stdin: Vec<u8>,
    /// What it does, for the plan: "create the account". A fragment without secrets.
    pub says: String,
    /// Whom it will hurt, first in the plan: "restarts docker.service", "removes the package nginx".
    pub hurts: Vec<String>,
    /// What it destroys for good (a home, a package's configuration): needs a person, or `--allow-destroy`.
    pub destroys: Option<String>,
    /// What it takes away that a session may stand on.
    pub endangers: Vec<Danger>,
    /// It may take away what sessions stand on in a way that nobody can tell beforehand: how it is undone. The engine
    /// puts aside what this session does not stand on (see [`crate::guard`]).
    pub guard: Option<Guard>,
}

/// Neither its arguments nor its input: they may be secret.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op").field("serves", &self.serves).field("command", &self.command.name).finish_non_exhaustive()
    }
}

impl Op {
    /// An operation that hurts nobody; see the fields.
    pub fn new(serves: Id, command: &'static Command, args: Vec<String>, says: impl Into<String>) -> Self {
        Self {
            serves: vec![serves],
            command,
            args,
            stdin: Vec::new(),
            says: says.into(),
            hurts: Vec::new(),
            destroys: None,
            endangers: Vec::new(),
            guard: None,
        }
    }

    /// With `bytes` on standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Which hurts, in these words.
    pub fn hurts(mut self, whom: impl Into<String>) -> Self {
        self.hurts.push(whom.into());
        self
    }

    /// Which destroys this.
    pub fn destroys(mut self, what: impl Into<String>) -> Self {
        self.destroys = Some(what.into());
        self
    }

    /// Which the host undoes by itself unless a new session comes in after it.
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Which takes this away.
    pub fn endangers(mut self, danger: Danger) -> Self {
        self.endangers.push(danger);
        self
    }
}

/// Something a session, or the next one, may stand on. [`crate::guard`] refuses an operation that takes away
/// what this session stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Danger {
    /// The account is removed, locked, expired, renamed or loses its login shell.
    Account(String),
    /// The account gets this login shell.
    Shell {
        /// Whose shell.
        account: String,
        /// The new one, a path.
        shell: String,
    },
    /// The account leaves this group, or the group goes away (`account: None`: for everybody).
    Group {
        /// Who leaves it.
        account: Option<String>,
        /// The group.
        group: String,
    },
    /// These keys no longer open the account, or not from everywhere and for everything.
    Keys {
        /// Whose `authorized_keys`.
        account: String,
        /// What goes or is narrowed, as `SHA256:…` fingerprints.
        removed: Vec<String>,
        /// What stays or comes, as `SHA256:…` fingerprints.
        left: Vec<String>,
    },
    /// The systemd unit is stopped, or will not start again.
    Unit(String),
    /// The package is removed.
    Package(String),
    /// This file of sudo is written anew, and gives rights only as it says then.
    Rights {
        /// The file.
        path: String,
        /// Who may still do everything as root, groups without `%`; `None`: whom the new content names.
        left: Option<Vec<String>>,
    },
}

/// What a module answers when it is asked how to put things right.
#[derive(Clone, Debug)]
pub enum Planned {
    /// Do this.
    Do(Op),
    /// This must not, or cannot, be done; the resources fail with the reason and nothing is run for them.
    Refuse {
        /// Which resources.
        serves: Vec<Id>,
        /// Why, and what a person can do: a sentence.
        why: String,
    },
}

impl From<Op> for Planned {
    fn from(op: Op) -> Self {
        Self::Do(op)
    }
}
