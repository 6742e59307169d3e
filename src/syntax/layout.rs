//! Lays one piece (a head, an item of one line, a clause) out over one or more lines. No token is added or dropped, and a
//! line is broken only where the language lets it go on.

use std::collections::HashSet;

use unicode_width::UnicodeWidthStr;

use super::lex::{Kind, Token};
use super::text;

/// Columns that a line should not pass.
const WIDTH: usize = 120;

/// One line of output. A block text makes `text` hold line breaks of its own.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) indent: usize,
    pub(super) text: String,
    pub(super) comment: Option<String>,
    /// Byte of the `=` after the name that begins the line.
    pub(super) equals: Option<usize>,
    /// What may be aligned with what: lines of the same kind and the same depth.
    pub(super) kind: Option<String>,
}

/// What the tokens alone do not say.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Brackets that follow what they belong to without a blank, by where they begin.
    pub(super) postfix: HashSet<u32>,
    /// Operators before their only operand.
    pub(super) prefix: HashSet<u32>,
    /// The braces of `env` clauses, where an end of line parts entries.
    pub(super) env: HashSet<u32>,
}

/// A token with what stands before it.
struct Elem {
    token: Token,
    /// An end of line stood before it in the source.
    line_before: bool,
    /// Comments before it, each with whether it has a line of its own.
    comments: Vec<(bool, String)>,
    /// How many brackets it lies in, and the element that opens the innermost; a bracket lies outside of itself.
    depth: usize,
    group: Option<usize>,
}

pub(super) struct Piece<'s> {
    source: &'s str,
    marks: &'s Marks,
    elems: Vec<Elem>,
    /// Comments after the last element.
    tail: Vec<(bool, String)>,
    /// For an element that opens a bracket: whether its contents stand one a line.
    broken: Vec<bool>,
    /// Lines begin before `and`, `or` and `else`, or after commas, outside of brackets.
    at_words: bool,
    at_commas: bool,
}

impl<'s> Piece<'s> {
    pub(super) fn new(source: &'s str, marks: &'s Marks, tokens: &[Token]) -> Self {
        let mut piece = Self {
            source,
            marks,
            elems: Vec::new(),
            tail: Vec::new(),
            broken: Vec::new(),
            at_words: false,
            at_commas: false,
        };
        let mut open: Vec<usize> = Vec::new();
        let mut line_before = false;
        let mut comments = Vec::new();
        for token in tokens {
            match token.kind {
                Kind::Newline => {
                    line_before = true;
                    continue;
                }
                Kind::Comment => {
                    comments.push((line_before, token.text(source).trim_end().to_owned()));
                    continue;
                }
                Kind::Close => {
                    open.pop();
                }
                _ => {}
            }
            let at = piece.elems.len();
            let elem = Elem {
                token: *token,
                line_before: std::mem::take(&mut line_before),
                comments: std::mem::take(&mut comments),
                depth: open.len(),
                group: open.last().copied(),
            };
            piece.elems.push(elem);
            if token.kind == Kind::Open {
                open.push(at);
            }
        }
        piece.tail = comments;
        piece.broken = (0..piece.elems.len()).map(|at| piece.written_broken(at)).collect();
        piece.at_words = (1..piece.elems.len())
            .any(|at| piece.elems[at].depth == 0 && piece.elems[at].line_before && piece.is_joint(at));
        piece
    }

    fn word(&self, at: usize) -> &'s str {
        self.elems[at].token.text(self.source)
    }

    fn kind(&self, at: usize) -> Kind {
        self.elems[at].token.kind
    }

    fn is_joint(&self, at: usize) -> bool {
        self.kind(at) == Kind::Word && matches!(self.word(at), "and" | "or" | "else")
    }

    fn is_env(&self, at: usize) -> bool {
        self.marks.env.contains(&self.elems[at].token.span.start)
    }

    /// The element that closes the bracket which `at` opens.
    fn closing(&self, at: usize) -> usize {
        let inside = self.elems[at + 1..].iter().take_while(|elem| elem.depth > self.elems[at].depth).count();
        at + 1 + inside
    }

    /// Whether a bracket is written with a line break after it, or holds a comment, or, in an `env` clause, any line break.
    fn written_broken(&self, at: usize) -> bool {
        if self.kind(at) != Kind::Open || at + 1 >= self.elems.len() {
            return false;
        }
        let end = self.closing(at).min(self.elems.len() - 1);
        if end == at + 1 && self.elems[end].comments.is_empty() {
            return false;
        }
        let env = self.is_env(at);
        self.elems[at + 1].line_before
            || self.elems[at + 1..=end]
                .iter()
                .any(|elem| !elem.comments.is_empty() || (env && elem.group == Some(at) && elem.line_before))
    }

    /// Whether a line begins with the element `at`.
    fn breaks(&self, at: usize) -> bool {
        let elem = &self.elems[at];
        if at == 0 {
            return false;
        }
        if !elem.comments.is_empty() {
            return true;
        }
        let before = at - 1;
        if self.kind(before) == Kind::Open && self.broken[before] {
            return true;
        }
        if self.kind(at) == Kind::Close {
            return self.opener(at).is_some_and(|open| self.broken[open]);
        }
        let after_comma = self.kind(before) == Kind::Comma;
        match elem.group {
            Some(open) if self.broken[open] => {
                after_comma
                    || (self.is_paren(open) && self.is_logic(at))
                    || (self.is_env(open) && elem.line_before && !self.goes_on(before))
            }
            Some(_) => false,
            None => (self.at_words && self.is_joint(at)) || (self.at_commas && after_comma),
        }
    }

    /// Whether a bracket groups an expression, rather than arguments, items or entries.
    fn is_paren(&self, at: usize) -> bool {
        self.word(at) == "(" && !self.marks.postfix.contains(&self.elems[at].token.span.start)
    }

    fn is_logic(&self, at: usize) -> bool {
        self.kind(at) == Kind::Word && matches!(self.word(at), "and" | "or") && !self.is_key(at)
    }

    /// A label or a key of that name.
    fn is_key(&self, at: usize) -> bool {
        self.elems.get(at + 1).is_some_and(|next| next.token.kind == Kind::Colon)
            || (at > 0 && self.kind(at - 1) == Kind::Dot)
    }

    fn goes_on(&self, at: usize) -> bool {
        matches!(self.kind(at), Kind::Operator | Kind::Equals | Kind::Colon)
            || matches!(self.word(at), "and" | "or" | "in")
    }

    fn opener(&self, close: usize) -> Option<usize> {
        let depth = self.elems[close].depth;
        (0..close).rev().find(|at| self.elems[*at].depth == depth && self.kind(*at) == Kind::Open)
    }

    /// Whether a blank stands before the element `at` when it shares its line with the one before.
    fn blank_before(&self, at: usize) -> bool {
        let before = at - 1;
        let start = self.elems[at].token.span.start;
        match (self.kind(before), self.kind(at)) {
            (Kind::Open, Kind::Close) => false,
            (Kind::Open, _) => self.word(before) == "{",
            (_, Kind::Close) => self.word(at) == "}",
            (Kind::Dot | Kind::DotDot, _) => false,
            (_, Kind::Comma | Kind::Dot | Kind::DotDot | Kind::Colon | Kind::Mark) => false,
            (_, Kind::Open) if self.marks.postfix.contains(&start) => false,
            (Kind::Operator, _) => !self.marks.prefix.contains(&self.elems[before].token.span.start),
            _ => true,
        }
    }

    /// Lays the piece out at an indentation, breaking more and more until nothing is too wide or nothing can be broken.
    pub(super) fn lay_out(mut self, indent: usize) -> Vec<Line> {
        loop {
            let (lines, wide) = self.lines(indent);
            let Some((first, last)) = wide else { return lines };
            if !self.break_more(first, last) {
                return lines;
            }
        }
    }

    /// Breaks something among the elements of a line that is too wide.
    fn break_more(&mut self, first: usize, last: usize) -> bool {
        if !self.at_words && (first.max(1)..=last).any(|at| self.elems[at].depth == 0 && self.is_joint(at)) {
            self.at_words = true;
            return true;
        }
        let open = |at: &usize| self.kind(*at) == Kind::Open && !self.broken[*at] && self.closing(*at) > at + 1;
        let inside = |at: &usize| self.closing(*at) <= last || self.elems[*at].depth == 0;
        let groups = (first..=last).filter(open).filter(inside);
        let size = |at: &usize| {
            let end = self.closing(*at).min(self.elems.len() - 1);
            self.elems[end].token.span.end - self.elems[*at].token.span.start
        };
        let depth = |at: &usize| self.elems[*at].depth;
        let outermost = groups.clone().map(|at| depth(&at)).min();
        let widest = groups.filter(|at| Some(depth(at)) == outermost).max_by_key(size);
        if let Some(at) = widest {
            self.broken[at] = true;
            return true;
        }
        let commas = (first..last).any(|at| self.elems[at].depth == 0 && self.kind(at) == Kind::Comma);
        if commas && !self.at_commas {
            self.at_commas = true;
            return true;
        }
        false
    }

    /// The lines as broken now, and the first that is too wide, by its elements.
    fn lines(&self, indent: usize) -> (Vec<Line>, Option<(usize, usize)>) {
        let mut lines = vec![Line { indent, ..Line::default() }];
        let mut wide = None;
        let mut first = 0;
        for at in 0..self.elems.len() {
            if self.breaks(at) {
                let here = indent + 2 * self.levels(at);
                // What stands before a closing bracket belongs to what the bracket holds.
                let inside = here + 2 * usize::from(self.kind(at) == Kind::Close);
                self.comments(&self.elems[at].comments, inside, &mut lines);
                lines.push(Line { indent: here, ..Line::default() });
                first = at;
            }
            let line = lines.last_mut().expect("there is a line");
            if first != at && self.blank_before(at) {
                line.text.push(' ');
            }
            if self.kind(at) == Kind::Equals && line.equals.is_none() && self.elems[at].depth == 0 {
                line.equals = Some(line.text.len());
            }
            let written = self.written(at, line.indent);
            line.text.push_str(&written);
            if wide.is_none() && width_of(line) > WIDTH && at > first {
                wide = Some((first, self.last_of_line(at)));
            }
        }
        let here = indent + 2 * usize::from(self.elems.len() > 1);
        self.comments(&self.tail, here, &mut lines);
        (lines, wide)
    }

    fn last_of_line(&self, at: usize) -> usize {
        (at + 1..self.elems.len()).find(|next| self.breaks(*next)).unwrap_or(self.elems.len()) - 1
    }

    /// How far an element that begins a line is set in: once for each broken bracket around it, once for going on outside
    /// of brackets.
    fn levels(&self, at: usize) -> usize {
        let mut levels = 0;
        let mut outside = true;
        let mut group = self.elems[at].group;
        while let Some(open) = group {
            outside = false;
            levels += usize::from(self.broken[open]);
            group = self.elems[open].group;
        }
        let closes = self.kind(at) == Kind::Close;
        levels + usize::from((outside && !closes) || self.in_joint(at))
    }

    /// Whether a bracket around the element lies on a line that goes on from an earlier one.
    fn in_joint(&self, at: usize) -> bool {
        let mut outer = at;
        if self.kind(at) == Kind::Close {
            outer = self.opener(at).unwrap_or(at);
        }
        while let Some(open) = self.elems[outer].group {
            outer = open;
        }
        (outer != at) && (1..=outer).any(|at| self.elems[at].depth == 0 && self.breaks(at))
    }

    fn comments(&self, comments: &[(bool, String)], indent: usize, lines: &mut Vec<Line>) {
        for (own_line, comment) in comments {
            let line = lines.last_mut().expect("there is a line");
            if *own_line || line.comment.is_some() {
                lines.push(Line { indent, text: comment.clone(), ..Line::default() });
            } else {
                line.comment = Some(comment.clone());
            }
        }
    }

    /// A token as it is printed; the lines of a block text move with the line on which it begins.
    fn written(&self, at: usize, indent: usize) -> String {
        let token = &self.elems[at].token;
        let written = token.text(self.source);
        if token.kind != Kind::Text || !written.contains('\n') {
            return written.to_owned();
        }
        let start = token.span.start as usize;
        let line = &self.source[self.source[..start].rfind('\n').map_or(0, |newline| newline + 1)..start];
        let before = line.len() - line.trim_start_matches([' ', '\t', '\r']).len();
        let body = &written[3..written.len() - 3];
        format!("\"\"\"{}\"\"\"", shift(body, before, indent))
    }
}

/// Moves all lines of a block but the first from one indentation to another; their margin becomes spaces.
fn shift(body: &str, from: usize, to: usize) -> String {
    let margin = text::margin(body);
    let pad = " ".repeat((margin + to).saturating_sub(from));
    let last = body.split('\n').count() - 1;
    let mut out = String::with_capacity(body.len());
    for (number, line) in body.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if number == 0 {
            out.push_str(if line.trim().is_empty() { "" } else { line });
            continue;
        }
        out.push('\n');
        if number < last && line.trim_matches([' ', '\t']).is_empty() {
            continue;
        }
        out.push_str(&pad);
        out.push_str(&line[margin..]);
    }
    out
}

/// Columns that the widest part of a line takes, of those that can be broken: the inside of a block text counts nothing.
pub(super) fn width_of(line: &Line) -> usize {
    match (line.text.split_once('\n'), line.text.rsplit_once('\n')) {
        (Some((first, _)), Some((_, last))) => (line.indent + first.width()).max(last.width()),
        _ => line.indent + line.text.width(),
    }
}
