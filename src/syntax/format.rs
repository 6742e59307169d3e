//! Lays a whole file out anew, from its tokens: what is not changed on purpose cannot be lost.

use unicode_width::UnicodeWidthStr;

use super::layout::{Line, Marks, Piece};
use super::lex::Kind;
use super::pieces::Cutter;
use super::rules::Rule;
use super::sink::Pair;

/// Notes what only the parsed file says about brackets and operators.
pub(super) fn marks(file: Pair<'_>) -> Marks {
    let mut marks = Marks::default();
    for pair in file.into_inner().flatten() {
        let start = u32::try_from(pair.as_span().start()).unwrap_or(u32::MAX);
        match pair.as_rule() {
            Rule::args | Rule::index => {
                marks.postfix.insert(start);
            }
            // `list(string)`: the bracket follows the name.
            Rule::type_expr => {
                let name = pair.as_str().find('(').map(|at| start + u32::try_from(at).unwrap_or(0));
                marks.postfix.extend(name);
            }
            Rule::prefix if pair.as_str() == "-" => {
                marks.prefix.insert(start);
            }
            Rule::env_map => {
                marks.env.insert(start);
            }
            _ => {}
        }
    }
    marks
}

/// Lays out a file that parsed without a complaint.
pub(super) fn file(text: &str, marks: &Marks) -> String {
    let mut layout = Layout { cutter: Cutter::trusting(text), marks, at: 0, depth: 0, lines: Vec::new(), fresh: true };
    layout.run();
    align(&mut layout.lines);
    print(&layout.lines)
}

struct Layout<'s> {
    cutter: Cutter<'s>,
    marks: &'s Marks,
    at: usize,
    depth: usize,
    lines: Vec<Line>,
    /// Nothing stands in this block yet: a blank line here would be of no use.
    fresh: bool,
}

impl Layout<'_> {
    fn run(&mut self) {
        while self.at < self.cutter.tokens.len() {
            match self.cutter.kind(self.at) {
                Some(Kind::Newline) => {
                    self.at += 1;
                    self.blank_line();
                }
                Some(Kind::Comment) => self.comment(),
                Some(Kind::Close) => self.close(),
                Some(_) => self.piece(),
                None => {}
            }
        }
        while self.lines.last().is_some_and(|line| line.text.is_empty()) {
            self.lines.pop();
        }
    }

    /// Keeps one blank line where some stood between two things.
    fn blank_line(&mut self) {
        let blank = self.cutter.kind(self.at) == Some(Kind::Newline);
        let already = self.lines.last().is_none_or(|line| line.text.is_empty());
        if blank && !self.fresh && !already {
            self.lines.push(Line::default());
        }
    }

    fn comment(&mut self) {
        let text = self.cutter.word(self.at).trim_end().to_owned();
        let trails = self.at > 0 && self.cutter.kind(self.at - 1) != Some(Kind::Newline);
        self.at += 1;
        match self.lines.last_mut() {
            Some(line) if trails && line.comment.is_none() && !line.text.is_empty() => line.comment = Some(text),
            _ => {
                self.lines.push(Line { indent: 2 * self.depth, text, ..Line::default() });
                self.fresh = false;
            }
        }
    }

    fn close(&mut self) {
        while self.lines.last().is_some_and(|line| line.text.is_empty()) {
            self.lines.pop();
        }
        self.depth = self.depth.saturating_sub(1);
        self.lines.push(Line { indent: 2 * self.depth, text: "}".to_owned(), ..Line::default() });
        self.at += 1;
        self.fresh = false;
    }

    fn piece(&mut self) {
        let cut = self.cutter.piece(self.at);
        let tokens = &self.cutter.tokens[cut.first..cut.end];
        let mut lines = Piece::new(self.cutter.text, self.marks, tokens).lay_out(2 * self.depth);
        let word = self.cutter.word(cut.first);
        let entry = self.cutter.begins_entry(cut.first);
        let kind = if entry {
            "=".to_owned()
        } else if matches!(word, "let" | "secret") {
            word.to_owned()
        } else {
            String::new()
        };
        if let Some(first) = lines.first_mut().filter(|_| !kind.is_empty() && !cut.opens) {
            first.kind = Some(kind);
        }
        self.lines.append(&mut lines);
        self.at = cut.end.max(self.at + 1);
        self.depth += usize::from(cut.opens);
        self.fresh = cut.opens;
    }
}

/// Lines up the `=` of neighbours, then the comments behind neighbours.
fn align(lines: &mut [Line]) {
    let mut first = 0;
    while first < lines.len() {
        let like =
            |line: &Line| line.kind.is_some() && line.kind == lines[first].kind && line.indent == lines[first].indent;
        let run = lines[first..].iter().take_while(|line| like(line)).count();
        let column = |line: &Line| line.equals.map_or(0, |at| line.text[..at].width());
        let widest = lines[first..first + run].iter().map(column).max().unwrap_or(0);
        for line in &mut lines[first..first + run] {
            let pad = widest - column(line);
            if let Some(at) = line.equals {
                line.text.insert_str(at, &" ".repeat(pad));
            }
        }
        first += run.max(1);
    }
    let mut first = 0;
    while first < lines.len() {
        let run = lines[first..].iter().take_while(|line| line.comment.is_some()).count();
        let column = |line: &Line| {
            let last = line.text.rsplit_once('\n').map_or(line.indent + line.text.width(), |(_, last)| last.width());
            last + 2
        };
        let widest = lines[first..first + run].iter().map(column).max().unwrap_or(0);
        for line in &mut lines[first..first + run] {
            let pad = widest - column(line) + 2;
            let comment = line.comment.take().unwrap_or_default();
            line.text.push_str(&" ".repeat(pad));
            line.text.push_str(&comment);
        }
        first += run.max(1);
    }
}

fn print(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        if !line.text.is_empty() {
            out.push_str(&" ".repeat(line.indent));
            out.push_str(&line.text);
        }
        out.push('\n');
    }
    out
}
