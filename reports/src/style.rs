//! How a text is to look: width, colour, characters.

use crate::escape;
use crate::resource::{Resource, Verdict};
use anstyle::{AnsiColor, Style as Ansi};
use engine::Severity;

/// How a text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns to fill.
    pub width: usize,
    /// With ANSI colours.
    pub color: bool,
    /// Nothing but ASCII.
    pub ascii: bool,
    /// Everything, whole: compliant resources too, long diffs and sets.
    pub verbose: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, color: false, ascii: false, verbose: false }
    }
}

/// What a piece of text means; colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known, or to be careful about.
    Doubt,
    /// Less important than the rest.
    Quiet,
    /// More important than the rest.
    Strong,
    /// As the rest.
    Plain,
}

impl Style {
    /// `text` in the colour of `tone`.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Doubt => AnsiColor::Yellow.on_default(),
            Tone::Quiet => Ansi::new().dimmed(),
            Tone::Strong => Ansi::new().bold(),
            Tone::Plain => Ansi::new(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Text of unknown origin, on one line and harmless.
    pub fn safe(&self, text: &str) -> String {
        escape::line(text, self.ascii)
    }

    /// The same, not longer than `most` characters.
    pub fn short(&self, text: &str, most: usize) -> String {
        escape::cut(&self.safe(text), most, self.ellipsis())
    }

    /// What stands for what was cut off.
    pub fn ellipsis(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }

    /// Between the parts of a line.
    pub fn dot(&self) -> &'static str {
        if self.ascii { " | " } else { " · " }
    }

    /// From what is to what should be.
    pub fn arrow(&self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// The mark of a verdict, and its tone.
    pub fn mark(&self, resource: &Resource) -> (&'static str, Tone) {
        match resource.verdict {
            Verdict::Compliant | Verdict::Kept | Verdict::Changed => (if self.ascii { "+" } else { "✓" }, Tone::Good),
            Verdict::Drift if resource.severity == Severity::Info => (self.cross(), Tone::Doubt),
            Verdict::Drift | Verdict::Failed | Verdict::Reverted => (self.cross(), Tone::Bad),
            Verdict::Blocked | Verdict::Unknown => ("?", Tone::Doubt),
            Verdict::Waived => ("~", Tone::Quiet),
            Verdict::Skipped => ("-", Tone::Quiet),
        }
    }

    fn cross(&self) -> &'static str {
        if self.ascii { "x" } else { "✗" }
    }
}
