//! What may be asked of a host. A query is a constant: a fixed shell program whose only holes are its
//! positional parameters, and a decoder for what it prints. Nothing here can become a [`crate::Command`].

use std::fmt;

/// A fixed, read-only shell program.
///
/// `shell` runs in a subshell of its own (unless [`Query::inline`]), standard input closed, `LC_ALL=C`, a fixed `PATH`, and the
/// probe's arguments as `$1`, `$2`…; it must be valid in dash, bash and busybox ash, and must not change
/// the host in any state its services may be in. The prelude offers it the functions of `script/prelude.sh`.
#[derive(Debug)]
pub struct Query {
    /// What a reader knows it by, unique: `accounts`, `units`.
    pub name: &'static str,
    /// The program.
    pub shell: &'static str,
    /// How the probes of this query share one run of the program.
    pub batch: Batch,
    /// It may hang (it waits for a daemon, it may touch another file system) or starts a program with a mind of its
    /// own (apt): asked after all others, under `timeout`, in an `sh` without the prelude's functions, and, where root
    /// and the kernel allow it, in a private view of the host's file systems in which nothing can be written.
    pub slow: bool,
    /// It runs in the script's own shell, as a function: without a copy of that shell, which costs more than most questions. So
    /// it ends by `return` and never by `exit`, and finds variables as others left them. `IFS`, `set -f` and the directory
    /// are put back after it.
    pub inline: bool,
    /// The last argument of a probe is none: it goes to the program's standard input, so that it stands on no command
    /// line of the host and in no message. For what may hold secrets; not to be batched.
    pub fed: bool,
    /// The most bytes one run may print; more is [`Blind::TooLarge`].
    pub limit: usize,
}

impl Query {
    /// Most queries: one run for each probe, quick, up to 4 MiB.
    pub const fn new(name: &'static str, shell: &'static str) -> Self {
        Self { name, shell, batch: Batch::No, slow: false, inline: false, fed: false, limit: 4 << 20 }
    }

    /// Its probes share one run; see [`Batch`].
    pub const fn batched(mut self, batch: Batch) -> Self {
        self.batch = batch;
        self
    }

    /// It may hang; see [`Query::slow`].
    pub const fn slow(mut self) -> Self {
        assert!(!self.inline, "what may hang has a shell of its own");
        self.slow = true;
        self
    }

    /// It needs no shell of its own; see [`Query::inline`].
    pub const fn inline(mut self) -> Self {
        assert!(!self.slow && !self.fed, "what may hang, or is fed, has a shell of its own");
        self.inline = true;
        self
    }

    /// Its last argument is its standard input; see [`Query::fed`].
    pub const fn fed(mut self) -> Self {
        assert!(!self.inline, "what is fed has a shell of its own");
        self.fed = true;
        self
    }

    /// Bound one run's output to `limit` bytes.
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// How several probes of one query are asked in one run of its program, with all their arguments one after
/// the other (each probe of a batched query has the same number of them).
#[derive(Clone, Copy, Debug)]
pub enum Batch {
    /// They are not: one run each.
    No,
    /// The program calls the prelude's `item` before it prints each probe's part, in order.
    Marked,
    /// As `Marked`; but what it prints before the first part is for several of them. This function gets that, and gives
    /// each answer its share.
    Shared(fn(&[u8], &mut [Answer])),
    /// The output of the run is cut apart by this function: it gets the run's answer and each probe's
    /// arguments, and returns one answer for each probe, in order.
    Split(fn(&Answer, &[&[String]]) -> Vec<Answer>),
}

/// One question: a query with its arguments.
#[derive(Clone)]
pub struct Probe {
    /// What is asked.
    pub query: &'static Query,
    /// Of what.
    pub args: Vec<String>,
}

impl Probe {
    fn key(&self) -> (&'static str, &[String]) {
        (self.query.name, &self.args)
    }

    /// Its arguments, and what its program reads on standard input.
    pub(crate) fn split(&self) -> (&[String], Option<&str>) {
        match self.args.split_last() {
            Some((input, args)) if self.query.fed => (args, Some(input)),
            _ => (&self.args, None),
        }
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Probe {}
impl PartialOrd for Probe {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Probe {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (args, input) = self.split();
        write!(f, "{}{args:?}", self.query.name)?;
        input.map_or(Ok(()), |input| write!(f, " < {} bytes", input.len()))
    }
}

/// What one run of a program printed, as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its exit status.
    pub status: i32,
    /// Standard output, any bytes.
    pub out: Vec<u8>,
    /// Standard error, cut at 4 KiB.
    pub err: Vec<u8>,
}

impl Answer {
    /// Standard output as text, or [`Blind::Garbled`].
    pub fn text(&self) -> Result<&str, Blind> {
        std::str::from_utf8(&self.out).map_err(|_| Blind::Garbled("the answer is not UTF-8".into()))
    }

    /// `self` if the status is 0, else why the host could not tell: the first line of standard error.
    pub fn ok(&self) -> Result<&Self, Blind> {
        if self.status == 0 { Ok(self) } else { Err(self.blind()) }
    }

    /// Why a program that failed could not tell, from its status and its last words.
    pub fn blind(&self) -> Blind {
        let said = String::from_utf8_lossy(&self.err);
        let line = said.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
        match self.status {
            124 | 137 => Blind::TimedOut,
            127 => Blind::NoTool(missing_tool(line).to_owned()),
            _ if line.contains("ermission denied") => Blind::Denied(line.to_owned()),
            status => Blind::Failed(if line.is_empty() { format!("exit status {status}") } else { line.to_owned() }),
        }
    }
}

/// The tool in a shell's complaint: `sh: 112: stat: not found` (dash), `sh: line 1: stat: command not found` (bash),
/// `sh: stat: not found` (busybox). Another complaint is returned whole.
fn missing_tool(line: &str) -> &str {
    let subject = line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found"));
    subject.and_then(|subject| subject.rsplit(": ").next()).unwrap_or(line)
}

/// Why a host cannot tell. Never the same as "absent", never compliant. Texts that come from the host are
/// raw here; whoever prints them escapes and bounds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blind {
    /// A tool that is needed is not on the host.
    NoTool(String),
    /// The account that is used there may not look.
    Denied(String),
    /// It did not answer in time.
    TimedOut,
    /// It answered more than is taken (the limit in bytes).
    TooLarge(usize),
    /// It answered something that cannot be read.
    Garbled(String),
    /// The tool itself failed: its words.
    Failed(String),
    /// The kind does not work on this system, or not for this object: why.
    Unsupported(String),
    /// The connection or its rights went away before the answer: how.
    Cut(String),
    /// Something it rests on is not there yet (an account that does not exist); with a drifted resource
    /// before it the verdict is `blocked`.
    NotYet(String),
}

impl fmt::Display for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTool(why) if why.is_empty() => write!(f, "a tool is missing on the host"),
            Self::NoTool(why) => write!(f, "a tool is missing on the host: {why}"),
            Self::Denied(why) => write!(f, "not allowed to look: {why}"),
            Self::TimedOut => write!(f, "no answer in time"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::Garbled(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Failed(why) | Self::Unsupported(why) | Self::Cut(why) | Self::NotYet(why) => f.write_str(why),
        }
    }
}

/// A query together with the decoder of its answer: what a module asks for.
pub struct Fact<T: 'static> {
    /// The question.
    pub query: Query,
    /// Its reading. Gets the probe's own answer (already cut out of its batch) and arguments.
    pub decode: fn(&Answer, &[String]) -> Result<T, Blind>,
}
