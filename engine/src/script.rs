//! One round trip: many programs in one text for `sh`.
//!
//! Everything stands in one `{ … }` group, so that a script cut short on its way runs not at all. Each program
//! runs in a subshell or a function; its output, raw, stands between marks that begin with a nonce. The nonce is a shell
//! variable: no other account of the host sees it, neither in a process list nor in an environment.

use crate::command::Op;
use crate::id::Id;
use crate::query::{Batch, Probe, Query};
use std::collections::{BTreeMap, BTreeSet};

/// Arguments of one run of a program stay below this, well under the 128 KiB that Linux takes as one argument
/// list's smallest bound (`getconf ARG_MAX` is 2 MiB with the usual stack, less with a small one).
const ARGS_LIMIT: usize = 64 << 10;

/// What an operation may read from the script itself; more, or bytes that a script cannot hold, goes raw on
/// a script of its own.
const INLINE_LIMIT: usize = 64 << 10;

/// One run of one query, for one or several probes.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub query: &'static Query,
    pub probes: Vec<Probe>,
}

/// Puts probes together into calls: quick ones first, what may hang last.
pub(crate) fn calls(probes: BTreeSet<Probe>) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut size = 0;
    for probe in probes {
        let length: usize = probe.args.iter().map(|arg| arg.len() + 1).sum();
        match calls.last_mut() {
            Some(call)
                if !matches!(call.query.batch, Batch::No)
                    && call.query.name == probe.query.name
                    && size + length <= ARGS_LIMIT =>
            {
                size += length;
                call.probes.push(probe);
            }
            _ => {
                size = length;
                calls.push(Call { query: probe.query, probes: vec![probe] });
            }
        }
    }
    calls.sort_by_key(|call| call.query.slow);
    calls
}

/// A new nonce: 128 random bits in hex.
pub(crate) fn nonce() -> String {
    let mut bytes = [0; 16];
    // Without randomness a host could forge marks in the content of a file; there is nothing to fall back to.
    #[expect(clippy::expect_used, reason = "the system's source of randomness does not fail on Linux")]
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The script that asks `calls`.
pub(crate) fn asking(nonce: &str, calls: &[Call]) -> Vec<u8> {
    let mut script = Vec::with_capacity(8 << 10);
    open(&mut script, nonce);
    if calls.iter().any(|call| call.query.shell.contains("account")) {
        // Once for all: programs in subshells could not keep them.
        push(&mut script, "accounts\n");
    }
    if calls.iter().any(|call| call.query.slow) {
        push(&mut script, include_str!("script/apart.sh"));
    }
    for (index, call) in calls.iter().enumerate() {
        let args = call.probes.iter().flat_map(|probe| probe.split().0);
        push(&mut script, &format!("{} {index}\n", if index == 0 { "begin" } else { "next" }));
        if let Some((_, Some(input))) = call.probes.first().map(Probe::split) {
            push(&mut script, "printf %s ");
            quote(&mut script, input.as_bytes());
            push(&mut script, " | ");
        }
        if call.query.slow {
            push(&mut script, "apart ");
            quote(&mut script, call.query.shell.as_bytes());
            quote_all(&mut script, args);
            push(&mut script, "\n");
        } else if call.query.inline {
            push(&mut script, &format!("asked() {{\n{}\n}}\nasked", call.query.shell.trim_end()));
            quote_all(&mut script, args);
            push(&mut script, "\n");
        } else {
            push(&mut script, "(\nset --");
            quote_all(&mut script, args);
            push(&mut script, &format!("\n{}\n)\n", call.query.shell.trim_end()));
        }
    }
    push(&mut script, "end\n");
    close(&mut script, true);
    script
}

/// Who changes a host, and where it keeps what it needs for that.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Names the run, in letters, digits, `-` and `:`; the directory of saved copies is named after it.
    pub run: String,
    /// Who, for another administrator who meets the lock: `ppom@laptop`.
    pub who: String,
}

/// Whether an operation needs a script of its own, with its input raw on standard input.
pub(crate) fn needs_own_script(op: &Op) -> bool {
    op.stdin.len() > INLINE_LIMIT || op.stdin.contains(&0)
}

/// The script that applies `ops` in order, under the host's lock. Mark 0 is the lock, mark N+1 is operation
/// N. What serves a resource that has failed is left out. `raw`: the one operation reads the script's own standard input.
pub(crate) fn applying(nonce: &str, consent: &Consent, ops: &[&Op], raw: bool) -> Vec<u8> {
    let mut script = Vec::with_capacity(16 << 10);
    open(&mut script, nonce);
    push(&mut script, "trap '' HUP PIPE\n");
    push(&mut script, include_str!("script/enforce.sh"));
    for (name, value) in [("run", &consent.run), ("who", &consent.who)] {
        push(&mut script, &format!("{name}="));
        quote(&mut script, value.as_bytes());
        push(&mut script, "\n");
    }
    push(&mut script, include_str!("script/lock.sh"));
    let mut flags: BTreeMap<&Id, usize> = BTreeMap::new();
    for op in ops {
        for id in &op.serves {
            let next = flags.len();
            flags.entry(id).or_insert(next);
        }
    }
    for (index, op) in ops.iter().enumerate() {
        let flags: Vec<_> = op.serves.iter().filter_map(|id| flags.get(id)).collect();
        let failed: String = flags.iter().map(|flag| format!("$failed{flag}")).collect();
        push(&mut script, &format!("if [ -z \"{failed}\" ]; then\nbegin {}\n", index + 1));
        if !raw && !op.stdin.is_empty() {
            push(&mut script, "printf %s ");
            quote(&mut script, &op.stdin);
            push(&mut script, " | ");
        }
        push(&mut script, &format!("(\ninput={}\nset --", op.stdin.len()));
        quote_all(&mut script, &op.args);
        push(&mut script, &format!("\n{}\n) 9>&-\nend || {{\n", op.command.shell.trim_end()));
        for flag in &flags {
            push(&mut script, &format!("failed{flag}=1\n"));
        }
        push(&mut script, ":\n}\nfi\n");
    }
    push(&mut script, "lease\n");
    close(&mut script, !raw);
    script
}

/// The script that gives the host's lock back.
pub(crate) fn releasing(nonce: &str, consent: &Consent) -> Vec<u8> {
    let mut script = applying(nonce, consent, &[], false);
    // The lease is written last; without it the lock is free.
    let end = script.windows(6).rposition(|window| window == b"lease\n").unwrap_or(script.len());
    script.splice(end..end + 6, b"release\n".iter().copied());
    script
}

fn open(script: &mut Vec<u8>, nonce: &str) {
    push(script, &format!("{{\nnonce={nonce}\numask 022\n"));
    push(script, include_str!("script/frame.sh"));
    push(script, include_str!("script/prelude.sh"));
}

fn close(script: &mut Vec<u8>, without_input: bool) {
    push(script, "finish\nexit 0\n}");
    push(script, if without_input { " </dev/null\n" } else { "\n" });
}

fn push(script: &mut Vec<u8>, text: &str) {
    script.extend_from_slice(text.as_bytes());
}

fn quote_all<'a>(script: &mut Vec<u8>, args: impl IntoIterator<Item = &'a String>) {
    for arg in args {
        script.push(b' ');
        quote(script, arg.as_bytes());
    }
}

/// One word of the shell that stands for exactly these bytes. NUL cannot stand in a script or an argument list
/// and has been refused before.
fn quote(script: &mut Vec<u8>, bytes: &[u8]) {
    script.push(b'\'');
    for &byte in bytes {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            _ => script.push(byte),
        }
    }
    script.push(b'\'');
}
