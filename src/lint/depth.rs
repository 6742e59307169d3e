//! A bound on how deep a statement's tree can become, read from its tokens, so that no parser is led into a stack overflow.

use std::ops::Range;

use squawk_lexer::{TokenKind, tokenize};

/// The deepest tree that is parsed. The thread of [`super::lint`] has stack for several times that.
const DEEPEST: usize = 5_000;

/// Statements of `text` that are nested deeper than can be read safely, as byte ranges up to and with their `;`.
pub(super) fn too_deep(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut scan = Scan::default();
    let (mut start, mut at) = (0, 0);
    for token in tokenize(text) {
        let end = at + token.len as usize;
        let word = text.get(at..end).unwrap_or("");
        scan.token(token.kind, word);
        if matches!(token.kind, TokenKind::Literal { .. }) && word.len() > DEEPEST {
            scan.body(word);
        }
        if token.kind == TokenKind::Semi {
            if scan.deepest > DEEPEST {
                found.push(start..end);
            }
            scan = Scan { blocks: scan.blocks, ..Scan::default() };
            start = end;
        }
        at = end;
    }
    if scan.deepest > DEEPEST {
        found.push(start..text.len());
    }
    found
}

/// Counts the tokens that can be ancestors of the one just read: on each level of brackets, those since the last comma.
#[derive(Default)]
struct Scan {
    deepest: usize,
    sum: usize,
    levels: Vec<usize>,
    /// Blocks that a `;` doesn't close.
    blocks: usize,
}

impl Scan {
    fn token(&mut self, kind: TokenKind, word: &str) {
        match kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof => return,
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenCurly => self.levels.push(0),
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseCurly => {
                self.sum -= self.levels.pop().unwrap_or(0);
            }
            TokenKind::Comma => self.sum -= self.levels.last_mut().map_or(0, std::mem::take),
            TokenKind::Ident => self.word(word),
            _ => {}
        }
        match self.levels.last_mut() {
            Some(level) => *level += 1,
            None => self.levels.push(1),
        }
        self.sum += 1;
        self.deepest = self.deepest.max(self.sum + self.blocks);
    }

    fn word(&mut self, word: &str) {
        let is = |words: &[&str]| words.iter().any(|w| word.eq_ignore_ascii_case(w));
        if is(&["begin", "if", "loop", "case"]) {
            self.blocks += 1;
        } else if is(&["end", "commit"]) {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }

    /// A long string may be the body of a function, which the parser reads too.
    fn body(&mut self, literal: &str) {
        let open = match literal.strip_prefix('$').and_then(|rest| rest.find('$')) {
            Some(end) => end + 2,
            None => literal.find('\'').map_or(0, |quote| quote + 1),
        };
        let mut scan = Scan::default();
        let mut at = open;
        for token in tokenize(literal.get(open..).unwrap_or("")) {
            let end = at + token.len as usize;
            scan.token(token.kind, literal.get(at..end).unwrap_or(""));
            at = end;
            if token.kind == TokenKind::Semi {
                scan = Scan { blocks: scan.blocks, deepest: scan.deepest, ..Scan::default() };
            }
        }
        self.deepest = self.deepest.max(scan.deepest);
    }
}
