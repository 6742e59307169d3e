//! String literals: escapes, `{{ path }}` parts, dedented blocks.

use crate::source::Span;

use super::ast::{Loc, Name, Part, Text, TextStyle};
use super::codes;
use super::sink::{RESERVED, Sink};

/// Names that lead a path although no other thing may be called so: `plan.title`, `run.summary`, `env.name`.
pub(super) const CONTEXTS: [&str; 3] = ["plan", "run", "env"];

/// Reads a whole literal, quotes and all, that begins at byte `start` of the file.
pub(super) fn read(sink: &mut Sink, written: &str, start: usize) -> Text {
    let loc = Loc(Span::new(start, start + written.len()));
    if let Some(body) = written.strip_prefix("r\"").and_then(|rest| rest.strip_suffix('"')) {
        let parts = if body.is_empty() { Vec::new() } else { vec![Part::Literal(body.to_owned())] };
        return Text { style: TextStyle::Raw, parts, written: written.to_owned(), loc };
    }
    let block = written.strip_prefix("\"\"\"").and_then(|rest| rest.strip_suffix("\"\"\""));
    let mut parts = Parts { sink, parts: Vec::new(), literal: String::new() };
    let (style, written) = match block {
        Some(body) => {
            let lines = dedent(body, start + 3);
            for (number, (at, line)) in lines.iter().enumerate() {
                if number > 0 {
                    parts.literal.push('\n');
                }
                parts.line(line, *at);
            }
            (TextStyle::Block, plain_block(&lines))
        }
        None => {
            parts.line(&written[1..written.len() - 1], start + 1);
            (TextStyle::Plain, written.to_owned())
        }
    };
    Text { style, parts: parts.finish(), written, loc }
}

/// The lines of a block as the text has them, each with where it begins in the file. The line breaks next to the quotes
/// don't count, the white space that begins all lines is cut off, and lines of nothing but white space are empty. The
/// line of the closing quotes takes part when the quotes stand alone on it, so that they can say where the margin is.
pub(super) fn dedent(body: &str, start: usize) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut at = start;
    for line in body.split('\n') {
        lines.push((at, line.strip_suffix('\r').unwrap_or(line)));
        at += line.len() + 1;
    }
    if lines.len() == 1 {
        return lines;
    }
    let margin = margin(body);
    let last = lines.len() - 1;
    if is_blank(lines[last].1) {
        lines.pop();
    }
    let opening = if is_blank(lines[0].1) { Some(lines.remove(0)) } else { None };
    let first = usize::from(opening.is_none());
    for (at, line) in lines.iter_mut().skip(first) {
        let cut = if is_blank(line) { line.len() } else { margin };
        *at += cut;
        *line = &line[cut..];
    }
    lines
}

/// Bytes of white space that all lines of a block but the first begin with.
pub(super) fn margin(body: &str) -> usize {
    let lines: Vec<&str> = body.split('\n').skip(1).collect();
    let mut common: Option<&str> = None;
    for (number, line) in lines.iter().enumerate() {
        let closing = number + 1 == lines.len();
        if is_blank(line) && !closing {
            continue;
        }
        let blank = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        common = Some(common.map_or(blank, |seen| shared_prefix(seen, blank)));
    }
    common.map_or(0, str::len)
}

fn shared_prefix<'a>(left: &'a str, right: &str) -> &'a str {
    let same = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    &left[..same]
}

fn is_blank(line: &str) -> bool {
    line.trim_matches([' ', '\t', '\r']).is_empty()
}

/// A block without its margin: what two blocks that say the same have in common.
fn plain_block(lines: &[(usize, &str)]) -> String {
    let lines: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
    format!("\"\"\"\n{}\n\"\"\"", lines.join("\n"))
}

/// Collects the parts of one literal.
struct Parts<'a> {
    sink: &'a mut Sink,
    parts: Vec<Part>,
    literal: String,
}

impl Parts<'_> {
    fn finish(mut self) -> Vec<Part> {
        self.flush();
        self.parts
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(Part::Literal(std::mem::take(&mut self.literal)));
        }
    }

    /// Reads one line of text that begins at byte `at` of the file.
    fn line(&mut self, line: &str, at: usize) {
        let mut rest = line;
        while let Some(next) = rest.find(['\\', '{']) {
            self.literal.push_str(&rest[..next]);
            let here = at + (line.len() - rest.len()) + next;
            let tail = &rest[next..];
            let used = match tail.as_bytes() {
                [b'\\', ..] => self.escape(tail, here),
                [_, b'{', ..] => self.template(tail, here),
                _ => {
                    self.literal.push('{');
                    1
                }
            };
            rest = &tail[used..];
        }
        self.literal.push_str(rest);
    }

    /// Reads an escape at the start of `tail`; returns its length.
    fn escape(&mut self, tail: &str, here: usize) -> usize {
        let Some(letter) = tail[1..].chars().next() else {
            // Only a block has a line end inside: a backslash does not join lines.
            self.bad_escape(tail, here);
            return tail.len();
        };
        let read = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '"' | '\\' | '{' => letter,
            'u' => return self.unicode(tail, here),
            _ => {
                let len = 1 + letter.len_utf8();
                self.bad_escape(&tail[..len], here);
                return len;
            }
        };
        self.literal.push(read);
        2
    }

    fn unicode(&mut self, tail: &str, here: usize) -> usize {
        let digits = tail[2..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
        let Some(digits) = digits.filter(|digits| digits.len() <= 6) else {
            self.bad_escape(&tail[..2], here);
            return 2;
        };
        let len = digits.len() + 4;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(digits, 16).ok().filter(|_| hex).and_then(char::from_u32) {
            Some(letter) => self.literal.push(letter),
            None => self.bad_escape(&tail[..len], here),
        }
        len
    }

    fn bad_escape(&mut self, seen: &str, here: usize) {
        self.sink.report(
            &codes::BAD_ESCAPE,
            Span::new(here, here + seen.len()),
            format!("`{seen}` is not an escape"),
            "known are \\n \\t \\r \\\" \\\\ \\{ and \\u{1F600}; write \\\\ for a backslash, or r\"…\" for a text without escapes",
        );
    }

    /// Reads `{{ path }}` or `{{{ path }}}` at the start of `tail`; returns its length.
    fn template(&mut self, tail: &str, here: usize) -> usize {
        let raw = tail.starts_with("{{{");
        let (open, close) = if raw { (3, "}}}") } else { (2, "}}") };
        let Some(end) = tail[open..].find(close) else {
            self.sink.report(
                &codes::BAD_TEMPLATE,
                Span::new(here, here + open),
                format!("`{}` opens a value in the text, and no `{close}` closes it on this line", &tail[..open]),
                format!("close it with `{close}`, or write `\\{{{{` for the braces themselves"),
            );
            return open;
        };
        let len = open + end + close.len();
        let inner = &tail[open..open + end];
        let span = Span::new(here, here + len);
        match path(inner, here + open) {
            Some(names) => {
                self.first_name(&names[0]);
                self.flush();
                self.parts.push(Part::Path { names, raw, loc: Loc(span) });
            }
            None => self.bad_path(inner.trim(), span),
        }
        len
    }

    fn first_name(&mut self, name: &Name) {
        if RESERVED.contains(&name.text.as_str()) && !CONTEXTS.contains(&name.text.as_str()) {
            self.sink.reserved(&name.text, name.loc.0);
        }
    }

    fn bad_path(&mut self, inner: &str, span: Span) {
        let (what, advice) = match inner.as_bytes().first() {
            None => ("nothing stands between the braces".to_owned(), "name a value: {{ app.head }}"),
            Some(b'#' | b'/' | b'^' | b'>' | b'!' | b'&' | b'~' | b'@' | b'*') => (
                format!("`{{{{{inner}}}}}` is a block, a partial or another instruction: only values stand in braces"),
                "work the value out before, with `let` or `remember`, and name it here",
            ),
            Some(_) => (
                format!("`{inner}` is not the name of a value"),
                "only dotted names stand in braces, as in {{ app.head }}; work anything else out before, with `let` or `remember`",
            ),
        };
        self.sink.report(&codes::BAD_TEMPLATE, span, what, advice);
    }
}

/// Dotted names, with blanks around the whole; `None` when it is anything else.
fn path(inner: &str, at: usize) -> Option<Vec<Name>> {
    let trimmed = inner.trim_matches([' ', '\t']);
    let mut at = at + (inner.len() - inner.trim_start_matches([' ', '\t']).len());
    let mut names = Vec::new();
    for text in trimmed.split('.') {
        if !is_name(text) {
            return None;
        }
        names.push(Name { text: text.to_owned(), loc: Loc(Span::new(at, at + text.len())) });
        at += text.len() + 1;
    }
    Some(names)
}

/// Whether the grammar would take it as one name.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next().is_some_and(|c| c == '_' || pest::unicode::XID_START(c));
    first && letters.all(|c| c == '_' || pest::unicode::XID_CONTINUE(c))
}
