//! A program that prints a secret: for so long and so much, and no longer.

use crate::interrupt;
use std::io::{ErrorKind, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The largest secret, in bytes.
pub const LARGEST: u64 = 64 << 10;
/// How long a program may take: somebody may have to type a passphrase.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked after.
const GLANCE: Duration = Duration::from_millis(5);

/// What a program did.
pub struct Done {
    /// It ended with status 0.
    pub well: bool,
    /// What it printed.
    pub out: Vec<u8>,
    /// The last line that it wrote to standard error, or how it ended.
    pub last_words: String,
}

/// Runs `command`, which people know as `name`, with nothing on its standard input.
///
/// # Errors
/// It could not be started, did not end, or printed too much: a part of a sentence.
pub fn run(command: &mut Command, name: &str) -> Result<Done, String> {
    let command = links::without_secrets(command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(
        |error| match error.kind() {
            ErrorKind::NotFound => format!("the program {name} is not installed here"),
            _ => format!("{name} cannot be started: {error}"),
        },
    )?;
    let (out, err) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < PATIENCE && !interrupt::happened() => std::thread::sleep(GLANCE),
            other => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(match other {
                    Err(error) => format!("{name} cannot be waited for: {error}"),
                    Ok(_) if interrupt::happened() => "interrupted".to_owned(),
                    Ok(_) => format!("{name} did not answer within {} s", PATIENCE.as_secs()),
                });
            }
        }
    };
    let (out, err) = (all(out, name)?, all(err, name).unwrap_or_default());
    let said = String::from_utf8_lossy(&err);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    Ok(Done { well: status.success(), out, last_words: last.map_or_else(|| status.to_string(), str::to_owned) })
}

/// Reads on a thread of its own, so that neither pipe is ever full.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error counts; what is missing shows.
        let _ = pipe.take(LARGEST + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// What was read. A program that left another one behind, with the pipe open, is not waited for.
fn all(pipe: Option<Receiver<Vec<u8>>>, name: &str) -> Result<Vec<u8>, String> {
    let bytes = pipe.and_then(|pipe| pipe.recv_timeout(Duration::from_secs(5)).ok());
    match bytes {
        Some(bytes) if bytes.len() as u64 > LARGEST => Err(format!("{name} printed more than {} KiB", LARGEST >> 10)),
        Some(bytes) => Ok(bytes),
        None => Err(format!("{name} ended and left its output open")),
    }
}
