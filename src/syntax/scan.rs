//! What is looked at before pest: limits, control characters, comments. One pass, no recursion.

use crate::diag::Diagnostic;
use crate::source::Span;

use super::lex::{Kind, Lexer};
use super::{Limits, Trivia, codes};

/// What the pass found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) trivia: Trivia,
    pub(super) found: Vec<Diagnostic>,
    /// Nothing of the file can be read.
    pub(super) hopeless: bool,
    /// Brackets lie too deep for pest to read the file in one go.
    pub(super) too_deep: bool,
}

pub(super) fn scan(text: &str, limits: &Limits) -> Scan {
    let mut scan = Scan::default();
    if let Some(found) = not_worth_reading(text, limits) {
        scan.found.push(found);
        scan.hopeless = true;
        return scan;
    }
    let mut depth = 0_usize;
    let mut anything = false;
    for token in Lexer::new(text) {
        match token.kind {
            Kind::Comment => {
                scan.trivia.comments.push(token.span);
                continue;
            }
            Kind::Newline => continue,
            Kind::Open => {
                depth += 1;
                scan.too_deep |= depth > limits.nesting;
            }
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Text if token.span.len() > limits.text => scan.found.push(too_long(token.span, limits)),
            _ => {}
        }
        anything = true;
    }
    if !anything {
        scan.found.push(
            Diagnostic::new(&codes::EMPTY_FILE, Span::new(0, 0), "this file holds no plan")
                .advice("begin with `plan name \"title\" {` and end with `}`"),
        );
        scan.hopeless = true;
    }
    scan
}

fn not_worth_reading(text: &str, limits: &Limits) -> Option<Diagnostic> {
    if text.len() > limits.file {
        let message = format!("this file has {} bytes, and the limit is {}", text.len(), limits.file);
        let advice = "move long texts into files of their own, write steps that repeat with `for`, or raise the limit";
        return Some(Diagnostic::new(&codes::FILE_TOO_LARGE, Span::new(0, 0), message).advice(advice));
    }
    let control = |b: u8| b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r') || b == 0x7f;
    let at = text.bytes().position(control)?;
    let message = format!("this is not a text file: it holds the control character {:#04x}", text.as_bytes()[at]);
    let advice = "give a plan file in UTF-8; a control character in a text is written as an escape: \\u{1B}";
    Some(Diagnostic::new(&codes::NOT_TEXT, Span::new(at, at + 1), message).advice(advice))
}

fn too_long(span: Span, limits: &Limits) -> Diagnostic {
    let message = format!("this text has {} bytes, and the limit is {}", span.len(), limits.text);
    Diagnostic::new(&codes::TEXT_TOO_LONG, Span { end: span.start + 1, ..span }, message)
        .label("begins here")
        .advice("move it into a file of its own and name the file")
}
