//! Cuts a broken file into pieces, each a head with its brace, an item of one line or a clause, so that a mistake stays
//! in the piece that holds it.

use crate::diag::Diagnostic;
use crate::source::Span;

use super::lex::{Kind, Lexer, Token};
use super::{codes, words};

/// One piece: some tokens in a row.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) first: usize,
    /// One past the last.
    pub(super) end: usize,
    /// It ends with the brace that opens a block.
    pub(super) opens: bool,
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with a piece as can be seen from its brackets and quotes; each holds the index of a token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flaw {
    OpenText(usize),
    OpenBracket(usize),
    /// A bracket of one kind closed by one of another.
    Mismatch(usize, usize),
    Stray(usize),
}

impl Flaw {
    /// What to say about it.
    pub(super) fn found(self, cutter: &Cutter<'_>) -> Diagnostic {
        let span = |at: usize| cutter.tokens[at].span;
        match self {
            Self::OpenText(at) => {
                let word = cutter.word(at);
                let quotes = if word.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
                let start = span(at).start as usize;
                let open = word.find('"').unwrap_or(0) + quotes.len();
                Diagnostic::new(&codes::UNCLOSED_TEXT, Span::new(start, start + open), "this text is not closed")
                    .label("begins here")
                    .advice(format!("write {quotes} at its end"))
            }
            Self::OpenBracket(at) => {
                let open = cutter.word(at);
                Diagnostic::new(&codes::UNCLOSED_BRACKET, span(at), format!("this `{open}` is not closed"))
                    .label("opened here")
                    .advice(format!("write `{}` where it ends", closer(open)))
            }
            Self::Mismatch(open, close) => {
                let (opened, closed) = (cutter.word(open), cutter.word(close));
                Diagnostic::new(&codes::STRAY_CLOSER, span(close), format!("`{closed}` closes a `{opened}`"))
                    .related(span(open), "opened here")
                    .advice(format!("write `{}`", closer(opened)))
            }
            Self::Stray(at) => {
                let message = format!("this `{}` closes nothing", cutter.word(at));
                let advice = "take it away, or open the bracket before";
                Diagnostic::new(&codes::STRAY_CLOSER, span(at), message).advice(advice)
            }
        }
    }
}

fn closer(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

pub(super) struct Cutter<'s> {
    pub(super) text: &'s str,
    pub(super) tokens: Vec<Token>,
    /// The file is right: brackets can be believed, and no line is taken for a clause because it looks like one.
    trusting: bool,
}

/// The state of one cut.
struct Cut {
    piece: Piece,
    open: Vec<usize>,
    /// First token of the line that is being looked at, and whether a text was left open on it.
    line: usize,
    swallowed: bool,
}

/// What to do after a token.
enum Next {
    At(usize),
    /// The piece ends before this token.
    End(usize),
}

impl<'s> Cutter<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        Self { text, tokens: Lexer::new(text).collect(), trusting: false }
    }

    /// For a file that parsed without a complaint.
    pub(super) fn trusting(text: &'s str) -> Self {
        Self { trusting: true, ..Self::new(text) }
    }

    pub(super) fn word(&self, at: usize) -> &'s str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The next token that is neither a comment nor an end of line.
    pub(super) fn significant(&self, from: usize) -> usize {
        let skip = |token: &&Token| matches!(token.kind, Kind::Newline | Kind::Comment);
        from + self.tokens.iter().skip(from).take_while(skip).count()
    }

    fn significant_before(&self, at: usize) -> Option<usize> {
        self.tokens[..at].iter().rposition(|token| !matches!(token.kind, Kind::Newline | Kind::Comment))
    }

    /// Bytes between the start of its line and a token.
    pub(super) fn column(&self, at: usize) -> usize {
        let start = self.tokens.get(at).map_or(self.text.len(), |token| token.span.start as usize);
        start - self.text[..start].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Whether nothing stands before a token on its line.
    pub(super) fn leads_line(&self, at: usize) -> bool {
        at == 0 || self.kind(at - 1) == Some(Kind::Newline)
    }

    /// Opening less closing braces of the whole file.
    pub(super) fn balance(&self) -> isize {
        self.tokens
            .iter()
            .map(|token| match (token.kind, token.text(self.text)) {
                (Kind::Open, "{") => 1,
                (Kind::Close, "}") => -1,
                (Kind::OpenText, text) if text.trim_end().ends_with('{') => 1,
                _ => 0,
            })
            .sum()
    }

    /// Takes the piece that begins at a token.
    pub(super) fn piece(&self, first: usize) -> Piece {
        let piece = Piece { first, end: first, opens: false, flaw: None };
        let mut cut = Cut { piece, open: Vec::new(), line: first, swallowed: false };
        let mut at = first;
        while at < self.tokens.len() {
            match self.step(&mut cut, at) {
                Next::At(next) => at = next,
                Next::End(end) => {
                    cut.piece.end = end;
                    return cut.piece;
                }
            }
        }
        if let Some(open) = cut.open.last() {
            cut.piece.flaw.get_or_insert(Flaw::OpenBracket(*open));
        }
        cut.piece.end = self.tokens.len();
        cut.piece
    }

    fn step(&self, cut: &mut Cut, at: usize) -> Next {
        match self.tokens[at].kind {
            Kind::Newline => self.end_of_line(cut, at),
            Kind::Semicolon if cut.open.is_empty() => Next::End(at),
            Kind::Open if self.word(at) == "{" && cut.open.is_empty() && self.opens_block(cut.piece.first, at) => {
                cut.piece.opens = true;
                Next::End(at + 1)
            }
            Kind::Open => {
                cut.open.push(at);
                Next::At(at + 1)
            }
            Kind::Close => self.close(cut, at),
            Kind::OpenText => {
                cut.swallowed = true;
                cut.piece.flaw.get_or_insert(Flaw::OpenText(at));
                Next::At(at + 1)
            }
            _ => Next::At(at + 1),
        }
    }

    fn end_of_line(&self, cut: &mut Cut, at: usize) -> Next {
        let next = self.significant(at);
        if cut.swallowed {
            // The quotes took the rest of the line with them, closing brackets and all.
            cut.swallowed = false;
            let line = cut.line;
            cut.open.retain(|open| *open < line);
            if cut.open.is_empty() {
                return Next::End(at);
            }
        }
        if let Some(open) = cut.open.last() {
            if self.begins_clause(next, cut.piece.first) {
                cut.piece.flaw.get_or_insert(Flaw::OpenBracket(*open));
                return Next::End(at);
            }
        } else if !self.continues(cut.piece.first, at, next) {
            return Next::End(at);
        }
        cut.line = next;
        Next::At(next)
    }

    fn close(&self, cut: &mut Cut, at: usize) -> Next {
        let partner = match self.word(at) {
            ")" => "(",
            "]" => "[",
            _ => "{",
        };
        let Some(top) = cut.open.last().copied() else {
            if partner == "{" {
                return Next::End(at);
            }
            cut.piece.flaw.get_or_insert(Flaw::Stray(at));
            return Next::At(at + 1);
        };
        if self.word(top) == partner {
            cut.open.pop();
        } else if let Some(depth) = cut.open.iter().rposition(|open| self.word(*open) == partner) {
            cut.piece.flaw.get_or_insert(Flaw::OpenBracket(top));
            cut.open.truncate(depth);
        } else if partner == "{" {
            cut.piece.flaw.get_or_insert(Flaw::OpenBracket(top));
            return Next::End(at);
        } else {
            cut.piece.flaw.get_or_insert(Flaw::Mismatch(top, at));
            cut.open.pop();
        }
        Next::At(at + 1)
    }

    /// Whether a brace opens a block: after the head of an item, or of something that looks like one.
    fn opens_block(&self, first: usize, brace: usize) -> bool {
        let second = self.kind(first + 1);
        if matches!(second, Some(Kind::Equals | Kind::Dot | Kind::Colon)) {
            return false;
        }
        let word = self.word(first);
        if words::BLOCKS.contains(&word) || word == "plan" {
            return true;
        }
        let last_on_line = matches!(self.kind(brace + 1), None | Some(Kind::Newline | Kind::Comment));
        let named = matches!(second, Some(Kind::Word | Kind::Text));
        let clause = words::is_clause(word) || words::LINES.contains(&word);
        let plain = self.tokens[first..brace].iter().all(|token| !matches!(token.kind, Kind::Equals | Kind::Open));
        last_on_line && named && plain && !clause
    }

    /// Whether a piece goes on after the end of line at `at`, with the token `next`.
    fn continues(&self, first: usize, at: usize, next: usize) -> bool {
        if next >= self.tokens.len() {
            return false;
        }
        if matches!(self.word(next), "or" | "and" | "else" | "&&" | "||") {
            return true;
        }
        let Some(last) = self.significant_before(at).filter(|last| *last >= first) else { return false };
        let goes_on = match self.tokens[last].kind {
            Kind::Comma | Kind::Equals => true,
            Kind::Operator => !matches!(self.word(last), "->" | "=>" | "<-"),
            Kind::Word => last > first && matches!(self.word(last), "and" | "or" | "in"),
            _ => false,
        };
        goes_on && self.word(next) != "}" && !self.begins_clause(next, first)
    }

    /// Whether a line that begins with the token `at` must be a clause or an item of its own, although the piece that
    /// began at `first` is not at its end yet. In an expression no word is followed by another word or by a text.
    pub(super) fn begins_clause(&self, at: usize, first: usize) -> bool {
        let word = self.word(at);
        if self.trusting || self.kind(at) != Some(Kind::Word) {
            return false;
        }
        if self.begins_entry(at) && self.word(first) != "env" {
            return true;
        }
        let known = words::is_clause(word) || words::is_item(word) || words::foreign_clause(word).is_some();
        let after = self.word(at + 1);
        let outside = self.column(at) <= self.column(first);
        known
            && match self.kind(at + 1) {
                Some(Kind::Word) if after == "not" => self.word(at + 2) != "in",
                Some(Kind::Word) => !matches!(after, "and" | "or" | "in"),
                Some(Kind::Text | Kind::Number | Kind::OpenText) => true,
                Some(Kind::Open) => after == "{" || outside,
                None | Some(Kind::Newline) => outside && words::BARE.contains(&word),
                _ => false,
            }
    }

    /// Whether `name =` or `name.name =` stands at a token.
    pub(super) fn begins_entry(&self, at: usize) -> bool {
        let mut at = at;
        while self.kind(at) == Some(Kind::Word) {
            match self.kind(at + 1) {
                Some(Kind::Equals) => return true,
                Some(Kind::Dot) => at += 2,
                _ => return false,
            }
        }
        false
    }
}
