//! One stream of a child: masked, decoded, passed on as lines, with a bounded memory of what it said.

use std::collections::VecDeque;
use std::sync::Arc;

use super::mask::{MaskStream, Masker};
use super::world::{Sink, Stream};

/// A line that has not ended is passed on in parts of about this many bytes.
const LONGEST_PART: usize = 16 << 10;
/// So much of one stream is passed on; of what comes then only the end.
const MOST: usize = 8 << 20;
const MOST_LATE: usize = 64 << 10;
/// What a failure shows.
const TAIL_LINES: usize = 20;
const TAIL_LINE: usize = 2000;

/// Which part of a stream is kept, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All of it; more than this is not wanted at all.
    First(usize),
    /// The end of it.
    Last(usize),
}

/// Takes the bytes of one stream.
pub(crate) struct Listener {
    stream: Stream,
    sink: Arc<dyn Sink>,
    mask: MaskStream,
    /// Masked bytes whose line has not ended.
    open: Vec<u8>,
    passed: usize,
    late: String,
    dropped: usize,
    kept: String,
    keep: Keep,
    more: bool,
}

impl Listener {
    /// `keep`: what [`Listener::kept`] will return.
    pub(crate) fn new(stream: Stream, sink: Arc<dyn Sink>, masker: &Arc<Masker>, keep: Keep) -> Self {
        Self {
            stream,
            sink,
            mask: MaskStream::new(masker.clone()),
            open: Vec::new(),
            passed: 0,
            late: String::new(),
            dropped: 0,
            kept: String::new(),
            keep,
            more: false,
        }
    }

    /// The next bytes.
    pub(crate) fn hear(&mut self, bytes: &[u8], tail: &mut Tail) {
        self.mask.push(bytes, &mut self.open);
        let lines = self.open.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if lines > 0 {
            let rest = self.open.split_off(lines);
            let whole = std::mem::replace(&mut self.open, rest);
            self.say(&whole, tail);
        }
        if self.open.len() >= LONGEST_PART {
            self.flush(tail);
        }
    }

    /// Nothing has come for a moment: passes on what has no end of line yet (a prompt, dots of progress), but for a
    /// character or a secret that may only have begun.
    pub(crate) fn flush(&mut self, tail: &mut Tail) {
        let cut = self.open.len() - unfinished_character(&self.open);
        let rest = self.open.split_off(cut);
        let part = std::mem::replace(&mut self.open, rest);
        self.say(&part, tail);
    }

    /// The stream has ended.
    pub(crate) fn finish(&mut self, tail: &mut Tail) {
        self.mask.finish(&mut self.open);
        let part = std::mem::take(&mut self.open);
        self.say(&part, tail);
        if self.dropped > 0 {
            self.sink.output(self.stream, &format!("\n… {} bytes left out …\n", self.dropped));
        }
        if !self.late.is_empty() {
            self.sink.output(self.stream, &self.late);
        }
    }

    /// What was to be kept, masked, and whether there was more.
    pub(crate) fn kept(mut self) -> (String, bool) {
        if let Keep::Last(most) = self.keep {
            self.more |= keep_last(&mut self.kept, most) > 0;
        }
        (self.kept, self.more)
    }

    fn say(&mut self, part: &[u8], tail: &mut Tail) {
        if part.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(part);
        tail.hear(&text);
        self.keep(&text);
        if self.passed < MOST {
            self.passed += text.len();
            self.sink.output(self.stream, &text);
            return;
        }
        self.late.push_str(&text);
        if self.late.len() > 2 * MOST_LATE {
            self.dropped += keep_last(&mut self.late, MOST_LATE);
        }
    }

    fn keep(&mut self, text: &str) {
        match self.keep {
            Keep::First(most) => {
                let fits = floor(text, most.saturating_sub(self.kept.len()));
                self.kept.push_str(&text[..fits]);
                if fits < text.len() {
                    self.more = true;
                    self.keep = Keep::First(0);
                }
            }
            Keep::Last(most) => {
                self.kept.push_str(text);
                // Twice as much before it is cut: each byte is moved once on average.
                if self.kept.len() > 2 * most {
                    self.more |= keep_last(&mut self.kept, most) > 0;
                }
            }
        }
    }
}

/// Cuts a text to its last bytes; returns how many went.
fn keep_last(text: &mut String, most: usize) -> usize {
    let least = text.len().saturating_sub(most);
    let cut = (least..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.drain(..cut);
    cut
}

/// The last lines of both streams, as they came.
#[derive(Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// The last line has not ended.
    open: bool,
}

impl Tail {
    fn hear(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let ended = line.ends_with('\n');
            let line = line.trim_end_matches(['\n', '\r']);
            match self.lines.back_mut() {
                Some(last) if self.open => append(last, line),
                Some(_) | None => {
                    let mut fresh = String::new();
                    append(&mut fresh, line);
                    self.lines.push_back(fresh);
                }
            }
            self.open = !ended;
            if self.lines.len() > TAIL_LINES {
                self.lines.pop_front();
            }
        }
    }

    /// The lines, each ended by a newline but for the last.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

fn append(line: &mut String, part: &str) {
    let room = TAIL_LINE.saturating_sub(line.len());
    line.push_str(&part[..floor(part, room)]);
}

/// The largest index up to `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// How many bytes at the end are the beginning of a character.
fn unfinished_character(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    match std::str::from_utf8(&bytes[from..]) {
        Err(error) if error.error_len().is_none() => bytes.len() - from - error.valid_up_to(),
        Err(_) if bytes.len() > from => {
            // The window may have cut a character at its front: look at the lead byte alone.
            let lead = bytes[from..].iter().rposition(|byte| byte & 0xC0 == 0xC0);
            let needs = |byte: u8| {
                if byte >= 0xF0 {
                    4
                } else if byte >= 0xE0 {
                    3
                } else {
                    2
                }
            };
            lead.map_or(
                0,
                |at| if from + at + needs(bytes[from + at]) > bytes.len() { bytes.len() - from - at } else { 0 },
            )
        }
        Err(_) | Ok(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Sink for Heard {
        fn output(&self, _: Stream, masked: &str) {
            self.0.lock().unwrap().push(masked.to_owned());
        }
        fn spawned(&self, _: u32, _: u64) {}
    }

    fn listener(keep: Keep) -> (Listener, Arc<Heard>, Tail) {
        let heard = Arc::new(Heard::default());
        let masker = Arc::new(Masker::new([("s", "hunter22")]).unwrap());
        (Listener::new(Stream::Stdout, heard.clone(), &masker, keep), heard, Tail::default())
    }

    #[test]
    fn whole_lines_pass_and_parts_wait() {
        let (mut listener, heard, mut tail) = listener(Keep::First(100));
        listener.hear(b"one\ntwo\nthr", &mut tail);
        assert_eq!(*heard.0.lock().unwrap(), ["one\ntwo\n"]);
        listener.hear("ee 한".as_bytes()[..5].as_ref(), &mut tail);
        listener.flush(&mut tail);
        assert_eq!(heard.0.lock().unwrap()[1], "three ");
        listener.hear("한".as_bytes()[2..].as_ref(), &mut tail);
        listener.finish(&mut tail);
        assert_eq!(heard.0.lock().unwrap()[2], "한");
        assert_eq!(listener.kept(), ("one\ntwo\nthree 한".to_owned(), false));
        assert_eq!(tail.text(), "one\ntwo\nthree 한");
    }

    #[test]
    fn a_flush_never_shows_the_beginning_of_a_secret() {
        let (mut listener, heard, mut tail) = listener(Keep::First(100));
        listener.hear(b"password: hunt", &mut tail);
        listener.flush(&mut tail);
        listener.hear(b"er22!", &mut tail);
        listener.finish(&mut tail);
        assert_eq!(heard.0.lock().unwrap().concat(), "password: ***!");
    }

    #[test]
    fn endless_output_stays_small() {
        let (mut listener, heard, mut tail) = listener(Keep::First(10));
        for _ in 0..400 {
            listener.hear(&[b'x'; 64 << 10], &mut tail);
        }
        listener.hear(b"\nthe end\n", &mut tail);
        listener.finish(&mut tail);
        let heard = heard.0.lock().unwrap();
        let total: usize = heard.iter().map(String::len).sum();
        assert!(total < MOST + (1 << 20), "{total}");
        assert!(heard.last().unwrap().ends_with("the end\n"));
        assert!(tail.text().ends_with("the end") && tail.text().len() <= TAIL_LINES * (TAIL_LINE + 1));
        assert_eq!(listener.kept(), ("xxxxxxxxxx".to_owned(), true));
    }

    #[test]
    fn the_end_is_kept_when_asked() {
        let (mut listener, _, mut tail) = listener(Keep::Last(6));
        listener.hear("0123456789한글\n".as_bytes(), &mut tail);
        listener.finish(&mut tail);
        assert_eq!(listener.kept(), ("글\n".to_owned(), true));
    }
}
