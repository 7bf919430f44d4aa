//! Where something was written.

use crate::hide;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A text with a name that people know it by: a file of the repository, or an option of the command line.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    starts: Vec<usize>,
    /// What no message shows.
    hidden: Mutex<Vec<Range<usize>>>,
}

impl SourceFile {
    /// The text of `path`, which is shown as it is given: relative to the repository's root.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Arc::new(Self { path: path.into(), text, starts, hidden: Mutex::default() })
    }

    /// What people know it by.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All of it, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A line (from 1) as a message may show it: with what looks like a secret, or was hidden, covered.
    pub fn shown_line(&self, line: usize) -> String {
        let range = self.line_range(line);
        let mut text = hide::line(self.text.get(range.clone()).unwrap_or(""));
        for hidden in self.hidden.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let (start, end) = (hidden.start.max(range.start), hidden.end.min(range.end));
            if start < end {
                hide::cover(&mut text, start - range.start, end - start);
            }
        }
        text
    }

    /// The line, from 1, that holds the byte `at`.
    pub fn line_at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// The bytes of a line (from 1), without its end; empty when there is no such line.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let Some(start) = line.checked_sub(1).and_then(|index| self.starts.get(index).copied()) else {
            return self.text.len()..self.text.len();
        };
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        let kept = self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']).len();
        start..start + kept
    }
}

/// A piece of a [`SourceFile`]: what a message points at.
#[derive(Clone)]
pub struct Place {
    file: Arc<SourceFile>,
    start: usize,
    end: usize,
}

impl Place {
    /// The bytes `range` of `file`, brought into its bounds.
    pub fn new(file: &Arc<SourceFile>, range: Range<usize>) -> Self {
        let text = &file.text;
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Self { file: file.clone(), start, end }
    }

    /// All of a file, for what cannot be said of one line.
    pub fn whole(file: &Arc<SourceFile>) -> Self {
        Self { file: file.clone(), start: 0, end: 0 }
    }

    /// The file's name, relative to the repository's root.
    pub fn path(&self) -> &str {
        &self.file.path
    }

    /// The file itself.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// The line of its first byte, from 1.
    pub fn line(&self) -> usize {
        self.file.line_at(self.start)
    }

    /// The column of its first character, from 1.
    pub fn column(&self) -> usize {
        let line = self.file.line_range(self.line());
        self.file.text.get(line.start..self.start).map_or(1, |before| before.chars().count() + 1)
    }

    /// Its bytes in the file.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Lets no message show what is written there.
    pub fn hide(&self) {
        self.file.hidden.lock().unwrap_or_else(PoisonError::into_inner).push(self.range());
    }

    /// Whether no message may show what is written there.
    pub fn is_hidden(&self) -> bool {
        let hidden = self.file.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.iter().any(|hidden| hidden.start < self.end && self.start < hidden.end)
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        self.file.text.get(self.start..self.end).unwrap_or("")
    }

    /// Whether `inner` lies in this place.
    pub fn holds(&self, inner: &Self) -> bool {
        Arc::ptr_eq(&self.file, &inner.file) && self.start <= inner.start && inner.end <= self.end
    }

    fn key(&self) -> (&str, usize, usize) {
        (&self.file.path, self.start, self.end)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Place {}
impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// `policies/web.yml:12`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.path, self.line())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.path, self.line(), self.column())
    }
}
