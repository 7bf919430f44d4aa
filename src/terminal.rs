//! What the terminal is and can, and how to write to it.

use crate::cli::Color;
use crate::interrupt;
use reports::{Style, escape};
use rustix::termios::{OptionalActions, Termios};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Standard output is a terminal.
pub fn is_stdout() -> bool {
    io::stdout().is_terminal()
}

/// Standard error is a terminal.
pub fn is_stderr() -> bool {
    io::stderr().is_terminal()
}

/// Somebody can be asked: the question goes to standard error, the answer comes from standard input.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// How text on standard output is to look.
pub fn stdout_style(color: Color, verbose: bool) -> Style {
    let width = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
    Style { verbose, ..style(color, is_stdout(), width.ok()) }
}

/// How text on standard error is to look.
pub fn stderr_style(color: Color) -> Style {
    let width = rustix::termios::tcgetwinsize(io::stderr()).map(|size| usize::from(size.ws_col));
    style(color, is_stderr(), width.ok())
}

fn style(color: Color, is_terminal: bool, width: Option<usize>) -> Style {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && !dumb && !set("NO_COLOR"),
    };
    Style {
        // A terminal that does not know its width says 0.
        width: width.filter(|&width| width > 0).map_or(Style::default().width, |width| width.clamp(60, 160)),
        color,
        ascii: is_terminal && (dumb || !is_utf8()),
        verbose: false,
    }
}

/// The locale's characters, as locale(7) finds them: the first of these that is set.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    let locale = locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_ascii_lowercase();
    locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8")
}

/// Writes `text` to standard output. Nobody reading any more is no error.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes `text` to standard error, and goes on if that fails: there is nowhere left to say so.
pub fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A path, harmless on a terminal.
pub fn path(path: &Path) -> String {
    escape::line(&path.display().to_string(), false)
}

static BEFORE: OnceLock<Termios> = OnceLock::new();

/// Remembers how the terminal is set, before anybody is asked for a password.
pub fn remember() {
    if let Ok(settings) = rustix::termios::tcgetattr(io::stdin()) {
        let _ = BEFORE.set(settings);
    }
}

/// Puts that back: a question for a password that was interrupted leaves the terminal without echo.
pub fn restore() {
    if let Some(settings) = BEFORE.get() {
        let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, settings);
    }
}

/// Asks a question that `y` or `yes` agrees to; anything else, the end of input and an interruption do not.
pub fn agrees(question: &str) -> bool {
    tell(question);
    let (sender, answer) = mpsc::channel();
    // On a thread of its own: a signal does not wake a read.
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        let _ = sender.send(read.is_ok() && matches!(line.trim().to_lowercase().as_str(), "y" | "yes"));
    });
    loop {
        match answer.recv_timeout(Duration::from_millis(50)) {
            Ok(agreed) => return agreed && !interrupt::happened(),
            Err(RecvTimeoutError::Timeout) if !interrupt::happened() => {}
            Err(_) => {
                tell("\n");
                return false;
            }
        }
    }
}
