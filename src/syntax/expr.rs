//! Puts a flat row of operands and operators into order.
//!
//! No recursion over operators: two stacks, so that a chain of any length costs the same for each of its links. What the
//! tree may be deep is limited all the same, since whoever walks or drops it recurses.

use crate::diag::Diagnostic;
use crate::source::Span;

use super::ast::{Arg, BinaryOp, Expr, ExprKind, Loc, MapKey, Name, Text, TextStyle};
use super::number::{self, BadNumber};
use super::read::Reader;
use super::rules::Rule;
use super::sink::{Pair, RESERVED};
use super::text::CONTEXTS;
use super::{codes, foreign};

/// An expression and how many levels its tree has.
pub(super) type Tall = (Expr, usize);

#[derive(Clone, Copy)]
enum Op {
    Not,
    Neg,
    Binary(BinaryOp),
}

impl Op {
    /// How tightly it binds; a greater one goes first.
    fn level(self) -> u8 {
        match self {
            Self::Binary(BinaryOp::Or) => 1,
            Self::Binary(BinaryOp::And) => 2,
            Self::Not => 3,
            Self::Binary(
                BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::In
                | BinaryOp::NotIn,
            ) => COMPARISON,
            Self::Binary(BinaryOp::Add | BinaryOp::Sub) => 5,
            Self::Binary(BinaryOp::Mul) => 6,
            Self::Neg => 7,
        }
    }
}

const COMPARISON: u8 = 4;

/// What is read so far of one row.
#[derive(Default)]
struct Row {
    operands: Vec<Tall>,
    operators: Vec<(Op, Span)>,
    /// One complaint about chains is enough for a row.
    chained: bool,
}

impl Reader<'_> {
    /// Reads an `expr`, a `wide` or a `term`.
    pub(super) fn expr(&mut self, pair: Pair<'_>) -> Expr {
        self.tall(pair).0
    }

    fn tall(&mut self, pair: Pair<'_>) -> Tall {
        let whole = self.sink.span(&pair);
        let mut row = Row::default();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::nl => {}
                Rule::prefix => self.prefix(&mut row, &pair),
                Rule::operator | Rule::logic => self.infix(&mut row, &pair),
                Rule::field | Rule::index | Rule::args => {
                    let base = row.operands.pop().expect("the grammar puts an operand before each postfix");
                    let grown = self.postfix(base, pair);
                    row.operands.push(grown);
                }
                _ => {
                    let operand = self.primary(pair);
                    row.operands.push(operand);
                }
            }
        }
        while let Some((op, span)) = row.operators.pop() {
            self.reduce(&mut row.operands, op, span);
        }
        row.operands.pop().unwrap_or((Expr { kind: ExprKind::Error, loc: Loc(whole) }, 0))
    }

    fn prefix(&mut self, row: &mut Row, pair: &Pair<'_>) {
        let span = self.sink.span(pair);
        let op = match pair.as_str() {
            "-" => Op::Neg,
            "not" => Op::Not,
            seen => {
                foreign::operator(&mut self.sink, seen, span);
                Op::Not
            }
        };
        let before = row.operators.last().map(|(op, _)| op.level());
        if matches!(op, Op::Not) && before.is_some_and(|level| level > op.level()) {
            self.sink.report(
                &codes::LOOSE_NOT,
                span,
                "`not` binds more loosely than the operator before it",
                "put parentheses around it: `a == (not b)`",
            );
        }
        row.operators.push((op, span));
    }

    fn infix(&mut self, row: &mut Row, pair: &Pair<'_>) {
        let span = self.sink.span(pair);
        let op = Op::Binary(self.binary(pair.as_str(), span));
        let level = op.level();
        while let Some(&(top, top_span)) = row.operators.last() {
            if top.level() < level {
                break;
            }
            row.operators.pop();
            self.reduce(&mut row.operands, top, top_span);
            if top.level() == COMPARISON && level == COMPARISON {
                if !std::mem::replace(&mut row.chained, true) {
                    self.chained(span, top_span);
                }
                // Read as `a < b and … < c`: the types of a chain are nothing to complain of as well.
                row.operators.push((Op::Binary(BinaryOp::And), span));
                row.operands.push((Expr { kind: ExprKind::Error, loc: Loc(span) }, 0));
                break;
            }
        }
        row.operators.push((op, span));
    }

    fn chained(&mut self, span: Span, first: Span) {
        self.sink.found.push(
            Diagnostic::new(&codes::CHAINED_COMPARISON, span, "comparisons do not chain")
                .label("the second comparison")
                .related(first, "the first")
                .advice(
                    "write `a < b and b < c`; to compare with the outcome of a comparison, put that one in parentheses",
                ),
        );
    }

    fn binary(&mut self, seen: &str, span: Span) -> BinaryOp {
        match seen {
            "or" => BinaryOp::Or,
            "and" => BinaryOp::And,
            "==" => BinaryOp::Eq,
            "!=" => BinaryOp::Ne,
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "in" => BinaryOp::In,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Sub,
            "*" => BinaryOp::Mul,
            _ if seen.starts_with("not") => BinaryOp::NotIn,
            _ => foreign::operator(&mut self.sink, seen, span).expect("the grammar has no other infix operator"),
        }
    }

    fn reduce(&mut self, operands: &mut Vec<Tall>, op: Op, span: Span) {
        let (right, height) = operands.pop().expect("the grammar puts an operand after each operator");
        let reduced = match op {
            Op::Not => {
                let whole = span.to(right.loc.0);
                self.limited(ExprKind::Not(Box::new(right)), whole, height + 1)
            }
            Op::Neg => {
                let whole = span.to(right.loc.0);
                self.limited(ExprKind::Neg(Box::new(right)), whole, height + 1)
            }
            Op::Binary(op) => {
                let (left, left_height) = operands.pop().expect("the grammar puts an operand before each operator");
                let whole = left.loc.0.to(right.loc.0);
                let height = left_height.max(height) + 1;
                let kind = ExprKind::Binary { op, op_loc: Loc(span), left: Box::new(left), right: Box::new(right) };
                self.limited(kind, whole, height)
            }
        };
        operands.push(reduced);
    }

    /// Refuses a tree that is too deep, once for a clause: what is too deep is thrown away and counts nothing.
    fn limited(&mut self, kind: ExprKind, whole: Span, height: usize) -> Tall {
        if height <= self.limits.depth {
            return (Expr { kind, loc: Loc(whole) }, height);
        }
        if self.too_deep != Some(self.clause) {
            self.too_deep = Some(self.clause);
            self.sink.report(
                &codes::EXPRESSION_TOO_DEEP,
                whole,
                format!("this expression has more than {} levels", self.limits.depth),
                "give parts of it a name with `let`, or use a list and one of the list functions",
            );
        }
        (Expr { kind: ExprKind::Error, loc: Loc(whole) }, 0)
    }

    fn postfix(&mut self, base: Tall, pair: Pair<'_>) -> Tall {
        let (base, height) = base;
        let whole = base.loc.0.to(self.sink.span(&pair));
        let rule = pair.as_rule();
        let mut inner = pair.into_inner().filter(|pair| pair.as_rule() != Rule::nl);
        match rule {
            Rule::field => {
                let name = self.any_name(&inner.next().expect("a field has a name"));
                self.limited(ExprKind::Field { base: Box::new(base), name }, whole, height + 1)
            }
            Rule::index => {
                let (index, index_height) = self.tall(inner.next().expect("an index has an expression"));
                let kind = ExprKind::Index { base: Box::new(base), index: Box::new(index) };
                self.limited(kind, whole, height.max(index_height) + 1)
            }
            _ => {
                let (args, args_height) = self.args(inner);
                let height = height.max(args_height) + 1;
                match self.call(base, args, whole) {
                    Some(kind) => self.limited(kind, whole, height),
                    None => (Expr { kind: ExprKind::Error, loc: Loc(whole) }, 0),
                }
            }
        }
    }

    /// What `base(args)` is: a call of a function or of a method.
    fn call(&mut self, base: Expr, args: Vec<Arg>, whole: Span) -> Option<ExprKind> {
        match base.kind {
            ExprKind::Name(text) => Some(ExprKind::Call { func: Name { text, loc: base.loc }, args }),
            ExprKind::Field { base, name } => Some(ExprKind::Method { base, name, args }),
            ExprKind::Error => None,
            _ => {
                self.sink.report(
                    &codes::NOT_CALLABLE,
                    whole,
                    "only a function's name can be called",
                    "write `name(…)` or `value.name(…)`",
                );
                None
            }
        }
    }

    fn args<'i>(&mut self, pairs: impl Iterator<Item = Pair<'i>>) -> (Vec<Arg>, usize) {
        let mut height = 0;
        let mut args = Vec::new();
        for pair in pairs {
            let mut name = None;
            for part in pair.into_inner() {
                match part.as_rule() {
                    Rule::label => {
                        let label = part.into_inner().next().expect("a label has a name");
                        name = Some(self.any_name(&label));
                    }
                    Rule::wide => {
                        let (value, tall) = self.tall(part);
                        height = height.max(tall);
                        args.push(Arg { name: name.take(), value });
                    }
                    _ => {}
                }
            }
        }
        (args, height)
    }

    /// A name after a dot or before a colon, where every word may stand.
    pub(super) fn any_name(&self, pair: &Pair<'_>) -> Name {
        Name { text: pair.as_str().to_owned(), loc: self.sink.loc(pair) }
    }

    fn primary(&mut self, pair: Pair<'_>) -> Tall {
        let loc = self.sink.loc(&pair);
        let kind = match pair.as_rule() {
            Rule::name => self.value_name(&pair),
            Rule::text => ExprKind::Text(self.text(&pair)),
            Rule::number => self.number(&pair),
            Rule::regex => {
                let written = pair.as_str();
                ExprKind::Regex(written[1..written.len() - 1].replace("\\/", "/"))
            }
            Rule::quote_text => self.quote_text(&pair),
            Rule::paren => {
                let inner = pair.into_inner().find(|pair| pair.as_rule() == Rule::wide);
                let (inner, height) = self.tall(inner.expect("parentheses hold an expression"));
                return self.limited(ExprKind::Paren(Box::new(inner)), loc.0, height + 1);
            }
            Rule::list => {
                let items = pair.into_inner().filter(|pair| pair.as_rule() == Rule::wide);
                let items: Vec<Tall> = items.map(|item| self.tall(item)).collect();
                let height = items.iter().map(|(_, height)| *height).max().unwrap_or(0);
                let items = items.into_iter().map(|(item, _)| item).collect();
                return self.limited(ExprKind::List(items), loc.0, height + 1);
            }
            Rule::map => return self.map(pair),
            other => unreachable!("the grammar has no operand `{other:?}`"),
        };
        (Expr { kind, loc }, 1)
    }

    /// A map, or the braces of an `env` clause.
    pub(super) fn map(&mut self, pair: Pair<'_>) -> Tall {
        let loc = self.sink.loc(&pair);
        let mut height = 0;
        let mut entries = Vec::new();
        for entry in pair.into_inner().filter(|pair| pair.as_rule() != Rule::nl) {
            let mut parts = entry.into_inner().filter(|pair| pair.as_rule() != Rule::nl);
            let key = self.map_key(parts.next().expect("an entry of a map has a key"));
            let (value, tall) = self.tall(parts.next().expect("an entry of a map has a value"));
            height = height.max(tall);
            entries.push((key, value));
        }
        self.limited(ExprKind::Map(entries), loc.0, height + 1)
    }

    fn map_key(&mut self, pair: Pair<'_>) -> MapKey {
        let loc = self.sink.loc(&pair);
        let key = pair.into_inner().next().expect("a key is a name or a text");
        if key.as_rule() == Rule::name {
            return MapKey { text: key.as_str().to_owned(), quoted: false, loc };
        }
        let text = self.text(&key);
        let literal = text.literal().unwrap_or_else(|| {
            self.sink.report(
                &codes::BAD_TEMPLATE,
                loc.0,
                "the key of a map cannot hold a value in braces",
                "write a fixed text as the key",
            );
            String::new()
        });
        MapKey { text: literal, quoted: true, loc }
    }

    fn value_name(&mut self, pair: &Pair<'_>) -> ExprKind {
        let text = pair.as_str();
        match text {
            "true" => return ExprKind::Bool(true),
            "false" => return ExprKind::Bool(false),
            "none" => return ExprKind::None,
            _ => {}
        }
        let span = self.sink.span(pair);
        if let Some(kind) = foreign::value(&mut self.sink, text, span) {
            return kind;
        }
        if RESERVED.contains(&text) && !CONTEXTS.contains(&text) {
            self.sink.reserved(text, span);
            return ExprKind::Error;
        }
        ExprKind::Name(text.to_owned())
    }

    /// Reads a text literal.
    pub(super) fn text(&mut self, pair: &Pair<'_>) -> Text {
        let start = self.sink.span(pair).start as usize;
        super::text::read(&mut self.sink, pair.as_str(), start)
    }

    fn quote_text(&mut self, pair: &Pair<'_>) -> ExprKind {
        let written = pair.as_str();
        let inner = &written[1..written.len() - 1];
        self.sink.report(
            &codes::FOREIGN_QUOTES,
            self.sink.span(pair),
            "texts stand in double quotes",
            format!("write \"{inner}\""),
        );
        let parts = vec![super::ast::Part::Literal(inner.to_owned())];
        ExprKind::Text(Text { style: TextStyle::Plain, parts, written: written.to_owned(), loc: self.sink.loc(pair) })
    }

    fn number(&mut self, pair: &Pair<'_>) -> ExprKind {
        let written = pair.as_str();
        let why = match number::read(written) {
            Ok(kind) => return kind,
            Err(why) => why,
        };
        let units =
            "durations are written 500ms, 90s, 10m, 2h, 7d or 1h30m, sizes 10MiB (B, kB, MB, GB, KiB, MiB, GiB)";
        let (code, message, advice) = match why {
            BadNumber::Unit(unit) if unit.is_empty() => {
                (&codes::BAD_NUMBER, format!("the last part of `{written}` has no unit"), units.to_owned())
            }
            BadNumber::Unit(unit) => (
                &codes::BAD_NUMBER,
                format!("`{unit}` in `{written}` is not a unit"),
                foreign::unit_advice(&unit, units),
            ),
            BadNumber::Fraction => (
                &codes::BAD_NUMBER,
                format!("`{written}` mixes a dot with a unit or an exponent"),
                "write a smaller unit, as in 1h30m or 1536MiB, or a float with digits on both sides of the dot"
                    .to_owned(),
            ),
            BadNumber::Underscore => {
                let plain: String = written.chars().filter(|c| *c != '_').collect();
                (&codes::BAD_NUMBER, format!("`{written}` holds `_`"), format!("write {plain}"))
            }
            BadNumber::Order => (
                &codes::BAD_NUMBER,
                format!("the units of `{written}` are out of order"),
                "write each unit once, the greatest first: 1h30m".to_owned(),
            ),
            BadNumber::TooLarge => (
                &codes::NUMBER_TOO_LARGE,
                format!("`{written}` is too large"),
                "the greatest number is 9223372036854775807, in milliseconds for durations and bytes for sizes"
                    .to_owned(),
            ),
        };
        self.sink.report(code, self.sink.span(pair), message, advice);
        ExprKind::Error
    }
}
