//! Operators: which types go together, and what to do about those that do not.

use crate::diag::Diagnostic;
use crate::model::{BinaryOp, Expr, Ty};
use crate::source::Span;

use super::codes;
use super::context::Context;
use super::expr::{expect, maybe_none, with_article};

/// The type of `left op right`; says so when the two don't go together.
pub(super) fn operator(cx: &mut Context<'_>, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr) -> Ty {
    match op {
        BinaryOp::And | BinaryOp::Or => {
            let word = if op == BinaryOp::And { "`and` joins" } else { "`or` joins" };
            expect(cx, left, &Ty::Bool, word);
            expect(cx, right, &Ty::Bool, word);
            Ty::Bool
        }
        BinaryOp::Eq | BinaryOp::Ne => compared(cx, op, op_span, left, right, comparable),
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => compared(cx, op, op_span, left, right, ordered),
        BinaryOp::In | BinaryOp::NotIn => compared(cx, op, op_span, left, right, contained),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => arithmetic(op, &left.ty, &right.ty).unwrap_or_else(|| {
            if optional(cx, left, right, |left, right| arithmetic(op, left, right).is_some()) {
                return Ty::Error;
            }
            let sign = sign(op);
            let message =
                format!("`{sign}` does not go with {} and {}", with_article(&left.ty), with_article(&right.ty));
            let mut diagnostic = Diagnostic::new(&codes::WRONG_TYPE, op_span, message)
                .related(left.span, left.ty.to_string())
                .related(right.span, right.ty.to_string());
            if op == BinaryOp::Add && (left.ty == Ty::String || right.ty == Ty::String) {
                diagnostic = diagnostic.advice("put both into a text: `\"{{a}}{{b}}\"`");
            }
            cx.say(diagnostic);
            Ty::Error
        }),
    }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
    }
}

/// Whether nothing but a possible `none` keeps two sides apart, which is reported.
fn optional(cx: &mut Context<'_>, left: &Expr, right: &Expr, fits: impl Fn(&Ty, &Ty) -> bool) -> bool {
    let bare = |ty: &Ty| match ty {
        Ty::Optional(of) => of.as_ref().clone(),
        ty => ty.clone(),
    };
    let found = [left, right].into_iter().find(|side| matches!(side.ty, Ty::Optional(_)));
    match found {
        Some(side) if fits(&bare(&left.ty), &bare(&right.ty)) => {
            maybe_none(cx, side);
            true
        }
        _ => false,
    }
}

fn compared(
    cx: &mut Context<'_>,
    op: BinaryOp,
    op_span: Span,
    left: &Expr,
    right: &Expr,
    fits: fn(&Ty, &Ty) -> bool,
) -> Ty {
    if !fits(&left.ty, &right.ty) && !optional(cx, left, right, fits) {
        let message =
            format!("`{}` does not go with {} and {}", sign(op), with_article(&left.ty), with_article(&right.ty));
        let diagnostic = Diagnostic::new(&codes::WRONG_TYPE, op_span, message)
            .related(left.span, left.ty.to_string())
            .related(right.span, right.ty.to_string());
        cx.say(match apart(op, &left.ty, &right.ty).or_else(|| apart(op, &right.ty, &left.ty)) {
            Some(advice) => diagnostic.advice(advice),
            None => diagnostic,
        });
    }
    Ty::Bool
}

/// What to do about two sides that don't go together.
fn apart(op: BinaryOp, one: &Ty, other: &Ty) -> Option<&'static str> {
    if matches!(op, BinaryOp::In | BinaryOp::NotIn) {
        return Some("on the right stands a list, a map or a text, on the left what it may hold");
    }
    match (one, other) {
        (Ty::Duration, Ty::Int) => Some("give the number a unit: `30s`, `10m`"),
        (Ty::Size, Ty::Int) => Some("give the number a unit: `10MiB`"),
        (Ty::Bool, Ty::String) => Some("compare it with `true` or `false`, without quotes"),
        (Ty::Int | Ty::Float, Ty::String) => {
            Some("write the number without quotes, or make a number of the text: `int(…)`")
        }
        (Ty::Resource(_), _) => Some("compare one of its members: `name.member`"),
        (Ty::Record(_), _) => Some("compare one of its members: `value.member`"),
        (Ty::Regex, Ty::String) => Some("use `text.matches(/…/)`"),
        (Ty::None, _) => Some("only a value of a type with `?` can be `none`"),
        (_, _) => None,
    }
}

fn comparable(left: &Ty, right: &Ty) -> bool {
    let nothing = |ty: &Ty| matches!(ty, Ty::Resource(_) | Ty::Tool | Ty::Action | Ty::Regex);
    match (left, right) {
        (Ty::Error, _) | (_, Ty::Error) => true,
        (Ty::None, Ty::Optional(_) | Ty::Json | Ty::None) | (Ty::Optional(_) | Ty::Json, Ty::None) => true,
        (Ty::Optional(left), right) => comparable(left, right),
        (left, Ty::Optional(right)) => comparable(left, right),
        (left, right) => !nothing(left) && !nothing(right) && (left.accepts(right) || right.accepts(left)),
    }
}

fn ordered(left: &Ty, right: &Ty) -> bool {
    let number = |ty: &Ty| matches!(ty, Ty::Int | Ty::Float);
    match (left, right) {
        (Ty::Error, _) | (_, Ty::Error) => true,
        (Ty::Json, other) | (other, Ty::Json) => other.is_scalar() || matches!(other, Ty::Json),
        (left, right) if number(left) && number(right) => true,
        (left, right) => left == right && matches!(left, Ty::String | Ty::Duration | Ty::Size | Ty::Time),
    }
}

fn contained(left: &Ty, right: &Ty) -> bool {
    match (left, right) {
        (Ty::Error, _) | (_, Ty::Error) | (_, Ty::Json) => true,
        (left, Ty::List(of)) => comparable(left, of),
        (left, Ty::Map(_) | Ty::String) => matches!(left, Ty::String | Ty::Json),
        _ => false,
    }
}

fn arithmetic(op: BinaryOp, left: &Ty, right: &Ty) -> Option<Ty> {
    use BinaryOp::{Add, Mul, Sub};
    Some(match (op, left, right) {
        (_, Ty::Error, _) | (_, _, Ty::Error) => Ty::Error,
        (Add | Sub | Mul, Ty::Int, Ty::Int) => Ty::Int,
        (Add | Sub | Mul, Ty::Int | Ty::Float, Ty::Int | Ty::Float) => Ty::Float,
        (Add | Sub, Ty::Duration, Ty::Duration) => Ty::Duration,
        (Add | Sub, Ty::Size, Ty::Size) => Ty::Size,
        (Mul, Ty::Duration, Ty::Int) | (Mul, Ty::Int, Ty::Duration) => Ty::Duration,
        (Mul, Ty::Size, Ty::Int) | (Mul, Ty::Int, Ty::Size) => Ty::Size,
        (Add, Ty::Time, Ty::Duration) | (Sub, Ty::Time, Ty::Duration) | (Add, Ty::Duration, Ty::Time) => Ty::Time,
        (Sub, Ty::Time, Ty::Time) => Ty::Duration,
        (Add, Ty::String, Ty::String) => Ty::String,
        (Add, Ty::List(left), Ty::List(right)) if left.accepts(right) => Ty::List(left.clone()),
        (Add, Ty::List(left), Ty::List(right)) if right.accepts(left) => Ty::List(right.clone()),
        _ => return None,
    })
}
