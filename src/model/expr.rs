//! Checked expressions: names resolved, methods turned into calls, arguments in the order of the signature.

use std::sync::Arc;

use crate::source::Span;

use super::{BinaryOp, Ty, Value};

/// An expression with its type and place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Ty,
    /// A secret may be in its value.
    pub secret: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Const(Value),
    /// A text with parts to fill in.
    Template(Arc<Template>),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    Ref(Ref),
    /// A member of a record, a map or a JSON value. `Field(Ref(Node(i)), "out")` is a step's output.
    Field(Box<Expr>, String),
    /// `s["v"]`, `list[0]`, `map["key"]`
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Call>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
}

/// A call of a registry entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Name of the registry entry; with `kind` it is unique.
    pub function: &'static str,
    pub kind: FunctionKind,
    /// One for each parameter of the signature, in its order; `None` where an optional one was left out.
    pub args: Vec<Option<Expr>>,
    /// Where the name stands.
    pub name_span: Span,
}

/// The kinds of function: where each may stand, and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FunctionKind {
    /// Computes.
    Pure,
    /// Reads the world.
    Probe,
    /// Changes the world.
    Action,
    /// Makes a migration tool: `alembic("backend")`.
    Tool,
    /// Where a secret comes from: `env`, `file`, `command`.
    Source,
}

/// What a bare name stands for; indexes into the lists of [`Plan`](super::Plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ref {
    Param(usize),
    Secret(usize),
    Let(usize),
    Resource(usize),
    /// Another step or gate (a record of its outputs; a list of them when it is a fan-out), or the own one.
    Node(usize),
    /// A `remember` of the own step, by its index there.
    Remembered(usize),
    /// The variable of the own step's `for x in list`.
    Item,
    /// `plan`: `name`, `title`, `digest`
    Plan,
    /// `run`: `id`, `summary`, `status`, `started`, `by`
    Run,
    /// `env`: `name`
    Env,
}

/// A text with `{{ path }}` parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub parts: Vec<Piece>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Literal(String),
    /// The value of a path; `raw` when written with three braces.
    Value {
        expr: Expr,
        raw: bool,
    },
}

impl Expr {
    /// Calls `visit` for this expression and everything below it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Const(_) | ExprKind::Ref(_) => {}
            ExprKind::Template(template) => {
                for piece in &template.parts {
                    match piece {
                        Piece::Literal(_) => {}
                        Piece::Value { expr, .. } => expr.walk(visit),
                    }
                }
            }
            ExprKind::List(items) => items.iter().for_each(|item| item.walk(visit)),
            ExprKind::Map(entries) => entries.iter().for_each(|(_, value)| value.walk(visit)),
            ExprKind::Field(base, _) | ExprKind::Not(base) | ExprKind::Neg(base) => base.walk(visit),
            ExprKind::Index(base, index) => {
                base.walk(visit);
                index.walk(visit);
            }
            ExprKind::Call(call) => call.args.iter().flatten().for_each(|arg| arg.walk(visit)),
            ExprKind::Binary { left, right, .. } => {
                left.walk(visit);
                right.walk(visit);
            }
        }
    }
}
