//! Where the readers put what they find, and how they turn a place in a piece of text into one in the file.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::ast::{Loc, Name};
use super::codes;
use super::rules::Rule;

pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

/// Words that can't name anything: each has a meaning of its own inside expressions or checks.
pub(super) const RESERVED: [&str; 15] = [
    "plan", "run", "env", "and", "or", "not", "in", "for", "within", "every", "misses", "else", "true", "false", "none",
];

/// Findings, and where the text that is being read begins in the file.
#[derive(Debug, Default)]
pub(super) struct Sink {
    /// Byte offset of the text given to pest.
    pub(super) base: usize,
    pub(super) found: Vec<Diagnostic>,
}

impl Sink {
    /// The place of a pair in the file. Rules swallow the blanks after their last child; the place does not.
    pub(super) fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        let text = span.as_str().trim_end_matches([' ', '\t', '\r']);
        let start = self.base + span.start();
        Span::new(start, start + text.len())
    }

    pub(super) fn loc(&self, pair: &Pair<'_>) -> Loc {
        Loc(self.span(pair))
    }

    /// Notes a finding with what to do about it.
    pub(super) fn report(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.found.push(Diagnostic::new(code, span, message).advice(advice));
    }

    /// A name that somebody gives or refers to by its bare word.
    pub(super) fn name(&mut self, pair: &Pair<'_>) -> Name {
        let text = pair.as_str();
        if RESERVED.contains(&text) {
            self.reserved(text, self.span(pair));
        }
        Name { text: text.to_owned(), loc: self.loc(pair) }
    }

    pub(super) fn reserved(&mut self, word: &str, span: Span) {
        let message = format!("`{word}` is a word of the language and cannot be a name");
        let advice = format!("choose another name, such as `{word}_it` or `the_{word}`");
        self.found.push(Diagnostic::new(&codes::RESERVED_WORD, span, message).label("reserved").advice(advice));
    }
}
