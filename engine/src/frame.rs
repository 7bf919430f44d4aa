//! Reads a script's answers as they stream: any bytes, between marks of a nonce.

use crate::link::Stream;
use crate::query::Answer;

/// What is kept of one program's standard error, in bytes.
const ERR_LIMIT: usize = 64 << 10;
/// What is kept of what comes before the first mark, in bytes.
const NOISE_LIMIT: usize = 4 << 10;

/// More than this before the first mark, in bytes, and nobody reads on.
const NOISE_TAKEN: usize = 1 << 20;

/// The answers of one script so far.
pub(crate) struct Frames {
    out: Reader,
    err: Reader,
    limits: Vec<usize>,
}

/// One program's part of the answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its exit status; `None`: it has not ended.
    pub status: Option<i32>,
    /// Standard output, cut at each `item` mark; the first part is what came before any.
    pub parts: Vec<Vec<u8>>,
    /// Standard error.
    pub err: Vec<u8>,
}

impl Frame {
    /// The whole as one answer.
    pub fn answer(&self) -> Answer {
        Answer { status: self.status.unwrap_or(-1), out: self.parts.concat(), err: self.err.clone() }
    }
}

/// Whether more is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    /// The program that runs now printed more than its limit.
    TooLarge,
}

impl Frames {
    /// For a script with this nonce, whose programs may print so many bytes each.
    pub fn new(nonce: &str, limits: Vec<usize>) -> Self {
        let most = limits.iter().max().copied().unwrap_or(0);
        Self { out: Reader::new(nonce, most.saturating_add(1)), err: Reader::new(nonce, ERR_LIMIT), limits }
    }

    /// Takes in what came.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        match stream {
            Stream::Err => self.err.feed(bytes),
            Stream::Out => {
                self.out.feed(bytes);
                if !self.begun() && self.out.noise_seen > NOISE_TAKEN {
                    return Flow::TooLarge;
                }
                if let Some((index, frame)) = self.out.current() {
                    let size: usize = frame.parts.iter().map(Vec::len).sum();
                    if self.limits.get(index).is_some_and(|&limit| size > limit) {
                        return Flow::TooLarge;
                    }
                }
            }
        }
        Flow::More
    }

    /// The frame of program `index`, if it has begun.
    pub fn take(&mut self, index: usize) -> Option<Frame> {
        let mut frame = std::mem::take(self.out.frames.get_mut(index)?.as_mut()?);
        if let Some(Some(err)) = self.err.frames.get_mut(index) {
            frame.err = err.parts.concat();
        }
        Some(frame)
    }

    /// Which program has begun and not ended.
    pub fn running(&self) -> Option<usize> {
        self.out.current().map(|(index, _)| index)
    }

    /// Whether anything of the script ran at all.
    pub fn begun(&self) -> bool {
        !self.out.frames.is_empty()
    }

    /// The start of what was printed before the script spoke, or instead of it.
    pub fn noise(&self) -> String {
        let noise = if self.out.noise.trim_ascii().is_empty() { &self.err.noise } else { &self.out.noise };
        String::from_utf8_lossy(noise).trim().to_owned()
    }
}

/// One of the two streams.
struct Reader {
    nonce: Vec<u8>,
    /// What may be the beginning of a mark.
    pending: Vec<u8>,
    frames: Vec<Option<Frame>>,
    current: Option<usize>,
    noise: Vec<u8>,
    noise_seen: usize,
    keep: usize,
}

impl Reader {
    fn new(nonce: &str, keep: usize) -> Self {
        Self {
            nonce: nonce.into(),
            pending: Vec::new(),
            frames: Vec::new(),
            current: None,
            noise: Vec::new(),
            noise_seen: 0,
            keep,
        }
    }

    fn current(&self) -> Option<(usize, &Frame)> {
        let index = self.current?;
        Some((index, self.frames.get(index)?.as_ref()?))
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut buffer = std::mem::take(&mut self.pending);
        buffer.extend_from_slice(bytes);
        let mut rest = buffer.as_slice();
        while let Some(at) = find(rest, &self.nonce) {
            let mark = &rest[at + self.nonce.len()..];
            // A mark is at most `>` or `<`, eleven digits and `;`.
            let Some(end) = mark.iter().take(13).position(|&byte| byte == b';') else {
                if mark.len() < 13 {
                    self.content(&rest[..at]);
                    self.pending = rest[at..].to_vec();
                    return;
                }
                self.content(&rest[..at + self.nonce.len()]);
                rest = mark;
                continue;
            };
            self.content(&rest[..at]);
            self.mark(&mark[..end]);
            rest = &mark[end + 1..];
        }
        // Any tail may be the start of a nonce.
        let keep = (1..self.nonce.len().min(rest.len() + 1))
            .rev()
            .find(|&length| rest.ends_with(&self.nonce[..length]))
            .unwrap_or(0);
        self.content(&rest[..rest.len() - keep]);
        self.pending = rest[rest.len() - keep..].to_vec();
    }

    fn content(&mut self, bytes: &[u8]) {
        let keep = self.keep;
        let (target, limit) = match self.current.and_then(|index| self.frames.get_mut(index)) {
            Some(Some(frame)) => match frame.parts.last_mut() {
                Some(part) => (part, keep),
                None => return,
            },
            _ => {
                self.noise_seen += bytes.len();
                (&mut self.noise, NOISE_LIMIT)
            }
        };
        let room = limit.saturating_sub(target.len()).min(bytes.len());
        target.extend_from_slice(&bytes[..room]);
    }

    fn mark(&mut self, mark: &[u8]) {
        let number = || std::str::from_utf8(mark.get(1..)?).ok()?.parse::<i32>().ok();
        match (mark.first(), self.current) {
            (Some(b'<'), _) => {
                // Programs begin in order; a number far ahead is not one of ours.
                let Some(index) = number().and_then(|index| usize::try_from(index).ok()) else {
                    return;
                };
                if index > self.frames.len() + 100_000 {
                    return;
                }
                if self.frames.len() <= index {
                    self.frames.resize_with(index + 1, || None);
                }
                self.frames[index] = Some(Frame { parts: vec![Vec::new()], ..Frame::default() });
                self.current = Some(index);
            }
            (Some(b'>'), Some(index)) => {
                if let Some(Some(frame)) = self.frames.get_mut(index) {
                    frame.status = number();
                }
                self.current = None;
            }
            (Some(b'#'), Some(index)) => {
                if let Some(Some(frame)) = self.frames.get_mut(index) {
                    frame.parts.push(Vec::new());
                }
            }
            _ => {}
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONCE: &str = "0123456789abcdef0123456789abcdef";

    fn script(contents: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"Welcome to pad\n".to_vec();
        for (index, content) in contents.iter().enumerate() {
            bytes.extend(format!("{NONCE}<{index};").bytes());
            bytes.extend(content);
            bytes.extend(format!("{NONCE}>{};", index % 3).bytes());
        }
        bytes.extend(format!("{NONCE}.;").bytes());
        bytes
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_however_the_stream_is_cut(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
            cuts in prop::collection::vec(1usize..40, 1..20),
        ) {
            let bytes = script(&contents);
            let mut frames = Frames::new(NONCE, vec![1000; contents.len()]);
            let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let cut = cuts.next().copied().unwrap_or(1).min(rest.len());
                prop_assert_eq!(frames.feed(Stream::Out, &rest[..cut]), Flow::More);
                rest = &rest[cut..];
            }
            prop_assert_eq!(frames.noise(), "Welcome to pad");
            for (index, content) in contents.iter().enumerate() {
                let answer = frames.take(index).unwrap().answer();
                prop_assert_eq!(&answer.out, content);
                prop_assert_eq!(answer.status, (index % 3) as i32);
            }
        }

        #[test]
        fn garbage_never_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20), marks in any::<bool>()) {
            let mut frames = Frames::new(NONCE, vec![50]);
            for chunk in chunks {
                if marks {
                    frames.feed(Stream::Out, NONCE.as_bytes());
                }
                frames.feed(Stream::Out, &chunk);
                frames.feed(Stream::Err, &chunk);
            }
            let _ = frames.take(0);
        }
    }

    #[test]
    fn an_answer_past_its_limit_is_noticed_while_it_streams() {
        let mut frames = Frames::new(NONCE, vec![10]);
        frames.feed(Stream::Out, format!("{NONCE}<0;").as_bytes());
        assert_eq!(frames.feed(Stream::Out, b"0123456789"), Flow::More);
        assert_eq!(frames.feed(Stream::Out, b"x"), Flow::TooLarge);
        assert_eq!(frames.running(), Some(0));
    }

    #[test]
    fn items_cut_an_answer_into_parts() {
        let mut frames = Frames::new(NONCE, vec![100]);
        frames.feed(Stream::Out, format!("{NONCE}<0;{NONCE}#;one{NONCE}#;two{NONCE}>0;").as_bytes());
        let frame = frames.take(0).unwrap();
        assert_eq!(frame.parts, [b"".to_vec(), b"one".to_vec(), b"two".to_vec()]);
    }
}
