//! Types of expressions: names resolved, methods turned into calls, optional values followed through comparisons with `none`.

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::model::{BinaryOp, Expr, ExprKind, Piece, Ref, Template, Ty, Value};
use crate::registry;
use crate::source::Span;
use crate::syntax::ast::{self, Part, Text};

use super::codes;
use super::context::{Context, Place, Want, at};
use super::names;

/// An expression that was wrong and has been reported.
pub(super) fn broken(span: Span) -> Expr {
    Expr { kind: ExprKind::Const(Value::None), ty: Ty::Error, secret: false, span }
}

fn constant(value: Value, ty: Ty, span: Span) -> Expr {
    Expr { kind: ExprKind::Const(value), ty, secret: false, span }
}

/// Types one expression.
pub(super) fn lower(cx: &mut Context<'_>, given: &ast::Expr, place: &Place) -> Expr {
    let span = given.loc.0;
    match &given.kind {
        ast::ExprKind::Text(text) => lower_text(cx, text, place),
        ast::ExprKind::Regex(pattern) => regex(cx, pattern, span),
        ast::ExprKind::Int(n) => constant(Value::Int(*n), Ty::Int, span),
        ast::ExprKind::Float(n) => constant(Value::Float(*n), Ty::Float, span),
        ast::ExprKind::Bool(b) => constant(Value::Bool(*b), Ty::Bool, span),
        ast::ExprKind::None => constant(Value::None, Ty::None, span),
        ast::ExprKind::Duration { millis, .. } => constant(Value::Duration(*millis), Ty::Duration, span),
        ast::ExprKind::Size { bytes, .. } => constant(Value::Size(*bytes), Ty::Size, span),
        ast::ExprKind::List(items) => list(cx, items, span, place),
        ast::ExprKind::Map(entries) => map(cx, entries, span, place),
        ast::ExprKind::Name(name) => bare_name(cx, name, span, place),
        ast::ExprKind::Field { base, name } => field(cx, base, name, span, place),
        ast::ExprKind::Index { base, index } => super::args::index(cx, base, index, span, place),
        ast::ExprKind::Call { func, args } => super::args::call(cx, func, None, args, span, place, Want::Value),
        ast::ExprKind::Method { base, name, args } => {
            super::args::method(cx, base, name, args, span, place, Want::Value)
        }
        ast::ExprKind::Not(inner) => {
            let inner = lower(cx, inner, place);
            expect(cx, &inner, &Ty::Bool, "`not` takes");
            let secret = inner.secret;
            Expr { kind: ExprKind::Not(Box::new(inner)), ty: Ty::Bool, secret, span }
        }
        ast::ExprKind::Neg(inner) => negated(cx, inner, span, place),
        ast::ExprKind::Binary { op, op_loc, left, right } => binary(cx, *op, op_loc.0, (left, right), span, place),
        ast::ExprKind::Paren(inner) => lower(cx, inner, place),
        ast::ExprKind::Error => broken(span),
    }
}

/// Says so when an expression is not of the type that is wanted.
pub(super) fn expect(cx: &mut Context<'_>, expr: &Expr, wanted: &Ty, what: &str) -> bool {
    if wanted.accepts(&expr.ty) || (matches!(expr.ty, Ty::Json) && wanted.is_scalar()) {
        return true;
    }
    if let Ty::Optional(of) = &expr.ty
        && wanted.accepts(of)
    {
        maybe_none(cx, expr);
        return false;
    }
    let message = format!("{what} {}, and this is {}", with_article(wanted), with_article(&expr.ty));
    let mut diagnostic = Diagnostic::new(&codes::WRONG_TYPE, expr.span, message).label(expr.ty.to_string());
    if let Some(advice) = conversion(wanted, &expr.ty) {
        diagnostic = diagnostic.advice(advice);
    }
    cx.say(diagnostic);
    false
}

fn conversion(wanted: &Ty, given: &Ty) -> Option<String> {
    match (wanted, given) {
        (Ty::Bool, Ty::String) => Some("compare it with something: `… == \"…\"`".into()),
        (Ty::Bool, Ty::Int) => Some("compare it with something: `… == 0`".into()),
        (Ty::Bool, Ty::Record(record)) => {
            let members: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
            Some(format!("use one of its members: {}", members.join(", ")))
        }
        (Ty::String, given) if given.is_scalar() => Some("put it into a text: `\"{{name}}\"`".into()),
        (Ty::String, Ty::List(_)) => Some("make one text of it: `….join(\", \")`".into()),
        (Ty::Duration, Ty::Int) => Some("give it a unit: `30s`, `10m`".into()),
        (Ty::Size, Ty::Int) => Some("give it a unit: `10MiB`".into()),
        (Ty::Regex, Ty::String) => Some("write it between slashes: `/…/`".into()),
        (Ty::List(_), _) => Some("write a list: `[…]`".into()),
        _ => None,
    }
}

/// A type with its article.
pub(super) fn with_article(ty: &Ty) -> String {
    let text = ty.to_string();
    match text.chars().next() {
        _ if text.starts_with("list(step ") => {
            format!("the fan-out `{}`", text.trim_start_matches("list(step ").trim_end_matches(')'))
        }
        _ if matches!(ty, Ty::Record(_)) && (text.starts_with("step ") || text.starts_with("gate ")) => {
            match text.split_once(' ') {
                Some((kind, name)) => format!("the {kind} `{name}`"),
                None => text,
            }
        }
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {text}"),
        _ if matches!(ty, Ty::None) => "none".into(),
        _ => format!("a {text}"),
    }
}

pub(super) fn maybe_none(cx: &mut Context<'_>, expr: &Expr) {
    cx.say(
        Diagnostic::new(&codes::MAYBE_NONE, expr.span, "this may be `none`")
            .label(expr.ty.to_string())
            .advice("compare it first: `x != none and …`, or in a `when x != none`"),
    );
}

fn regex(cx: &mut Context<'_>, pattern: &str, span: Span) -> Expr {
    if let Err(error) = regex::Regex::new(pattern) {
        let text = error.to_string();
        let last = match error {
            regex::Error::CompiledTooBig(_) => "it is too large",
            _ => text.lines().last().unwrap_or(&text).trim_start_matches("error: ").trim_end_matches('.'),
        };
        cx.say(
            Diagnostic::new(&codes::BAD_REGEX, span, format!("this regular expression cannot be read: {last}"))
                .advice("look-around and back references do not exist here; `\\` takes a special character as it is"),
        );
    }
    constant(Value::Regex(pattern.to_owned()), Ty::Regex, span)
}

fn list(cx: &mut Context<'_>, items: &[ast::Expr], span: Span, place: &Place) -> Expr {
    let items: Vec<Expr> = items.iter().map(|item| lower(cx, item, place)).collect();
    let maps = items.iter().all(|item| matches!(item.ty, Ty::Map(_)));
    let element = match maps && differ(items.iter()) {
        true => Ty::Json,
        false => common(cx, items.iter(), "the items of a list"),
    };
    let secret = items.iter().any(|item| item.secret);
    Expr { kind: ExprKind::List(items), ty: Ty::list(element), secret, span }
}

fn map(cx: &mut Context<'_>, entries: &[(ast::MapKey, ast::Expr)], span: Span, place: &Place) -> Expr {
    let mut lowered: Vec<(String, Expr)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if lowered.iter().any(|(earlier, _)| *earlier == key.text) {
            cx.wrong(&codes::NAME_TWICE, key.loc.0, format!("the key `{}` stands twice in this map", key.text));
        }
        lowered.push((key.text.clone(), lower(cx, value, place)));
    }
    let element = match differ(lowered.iter().map(|(_, value)| value)) {
        true => Ty::Json,
        false => common(cx, lowered.iter().map(|(_, value)| value), "the values of a map"),
    };
    let secret = lowered.iter().any(|(_, value)| value.secret);
    Expr { kind: ExprKind::Map(lowered), ty: Ty::map(element), secret, span }
}

/// Whether these are of several types, all of which JSON can hold. A map of different things is JSON, `{ name: "x",
/// count: 3 }`, and so are different maps in a list; anything else that differs in a list is taken for a mistake.
fn differ<'e>(items: impl Iterator<Item = &'e Expr> + Clone) -> bool {
    let Some(first) = items.clone().next() else { return false };
    let same = items.clone().all(|item| first.ty.accepts(&item.ty) || item.ty.accepts(&first.ty));
    !same && items.clone().all(|item| Ty::Json.accepts(&item.ty))
}

/// The type that all items have; the first one that differs is reported.
fn common<'e>(cx: &mut Context<'_>, items: impl Iterator<Item = &'e Expr>, what: &str) -> Ty {
    let mut found = Ty::Error;
    for item in items {
        match &found {
            Ty::Error => found = item.ty.clone(),
            ty if ty.accepts(&item.ty) => {}
            ty if item.ty.accepts(ty) => found = item.ty.clone(),
            ty => {
                let message = format!(
                    "{what} are of one type: this is {}, and one before it {}",
                    with_article(&item.ty),
                    with_article(ty)
                );
                cx.wrong(&codes::WRONG_TYPE, item.span, message);
                return Ty::Error;
            }
        }
    }
    found
}

fn bare_name(cx: &mut Context<'_>, name: &str, span: Span, place: &Place) -> Expr {
    let Some((what, own)) = cx.resolve(name, span, place) else { return broken(span) };
    let (ty, secret) = match own {
        Some(ty) => (ty, false),
        None => of_ref(cx, what, place),
    };
    let expr = Expr { kind: ExprKind::Ref(what), ty, secret, span };
    narrowed(expr, place)
}

/// The type of what a name stands for, and whether it is secret.
fn of_ref(cx: &mut Context<'_>, what: Ref, place: &Place) -> (Ty, bool) {
    match what {
        Ref::Param(index) => (cx.params[index].clone(), false),
        Ref::Secret(_) => (Ty::String, true),
        Ref::Let(index) => cx.lets[index].clone().unwrap_or((Ty::Error, false)),
        Ref::Resource(index) => (Ty::Resource(cx.resources[index].kind), false),
        Ref::Node(index) => (node_type(cx, index, place), false),
        Ref::Remembered(_) | Ref::Item => (Ty::Error, false),
        Ref::Plan | Ref::Run | Ref::Env => (registry::builtin(what).unwrap_or(Ty::Error), false),
    }
}

/// The record of a node; a list of them when it is a fan-out seen from outside.
fn node_type(cx: &Context<'_>, index: usize, place: &Place) -> Ty {
    let facts = &cx.nodes[index];
    let mut fields: Vec<(&str, Ty)> = facts.outputs.iter().map(|(name, ty)| (name.as_str(), ty.clone())).collect();
    let more = facts.remembered.iter().map(|(name, ty)| (name.as_str(), ty.clone()));
    let builtin = if facts.gate { registry::gate_members() } else { registry::step_members() };
    for (name, ty) in more.chain(builtin) {
        if !fields.iter().any(|(known, _)| *known == name) {
            fields.push((name, ty));
        }
    }
    let kind = if facts.gate { "gate" } else { "step" };
    let record = Ty::record(&format!("{kind} {}", facts.name), &fields);
    if facts.fan_out && place.node != Some(index) { Ty::list(record) } else { record }
}

fn field(cx: &mut Context<'_>, base: &ast::Expr, name: &ast::Name, span: Span, place: &Place) -> Expr {
    let base = lower(cx, base, place);
    member(cx, base, name, span, place)
}

/// `base.name`: a member, or a probe that needs nothing but its resource.
pub(super) fn member(cx: &mut Context<'_>, base: Expr, name: &ast::Name, span: Span, place: &Place) -> Expr {
    let ty = match &base.ty {
        Ty::Error => return broken(span),
        Ty::Json => Ty::Json,
        Ty::Map(of) => of.as_ref().clone(),
        Ty::Record(record) => match record.field(&name.text) {
            Some(ty) => ty.clone(),
            None => {
                let known: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
                return no_member(cx, &base, name, span, &known);
            }
        },
        // `s.out` of a fan-out is a list.
        Ty::List(of) => match of.as_ref() {
            Ty::Record(record) => match record.field(&name.text) {
                Some(ty) => Ty::list(ty.clone()),
                None => {
                    let known: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
                    return no_member(cx, &base, name, span, &known);
                }
            },
            _ => return no_member(cx, &base, name, span, &[]),
        },
        Ty::Resource(_) => return super::args::of_resource(cx, base, name, span, place),
        Ty::Optional(_) => {
            maybe_none(cx, &base);
            return broken(span);
        }
        Ty::String | Ty::Int | Ty::Float | Ty::Bool | Ty::Duration | Ty::Size | Ty::Time => {
            return no_member(cx, &base, name, span, &[]);
        }
        Ty::Regex | Ty::None | Ty::Tool | Ty::Action => return no_member(cx, &base, name, span, &[]),
    };
    let secret = base.secret;
    narrowed(Expr { kind: ExprKind::Field(Box::new(base), name.text.clone()), ty, secret, span }, place)
}

pub(super) fn no_member(cx: &mut Context<'_>, base: &Expr, name: &ast::Name, span: Span, known: &[&str]) -> Expr {
    let whose = match base.kind {
        ExprKind::Ref(Ref::Plan) => "`plan`".to_owned(),
        ExprKind::Ref(Ref::Run) => "`run`".to_owned(),
        ExprKind::Ref(Ref::Env) => "`env`".to_owned(),
        _ => with_article(&base.ty),
    };
    let message = format!("{whose} has no member `{}`", name.text);
    let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_MEMBER, at(name), message);
    let callable = registry::all().any(|f| f.word() == name.text && f.on.is_none() && !f.params.is_empty());
    diagnostic = match (names::nearest(&name.text, known.iter().copied()), callable) {
        (Some(near), _) => diagnostic.advice(format!("did you mean `{near}`?")),
        (None, true) => diagnostic.advice(format!("`{0}` is a function: call it, `.{0}(…)`", name.text)),
        (None, false) if !known.is_empty() => diagnostic.advice(format!("it has: {}", known.join(", "))),
        (None, false) => diagnostic.advice(format!("{} has no members at all", with_article(&base.ty))),
    };
    cx.say(diagnostic);
    broken(span)
}

fn negated(cx: &mut Context<'_>, inner: &ast::Expr, span: Span, place: &Place) -> Expr {
    let inner = lower(cx, inner, place);
    let ty = match &inner.ty {
        Ty::Int | Ty::Float | Ty::Error => inner.ty.clone(),
        other => {
            let message = format!("`-` takes a number, and this is {}", with_article(other));
            let diagnostic = Diagnostic::new(&codes::WRONG_TYPE, inner.span, message).label(other.to_string());
            cx.say(match other {
                Ty::Duration | Ty::Size => diagnostic.advice("take it away from another one: `a - b`"),
                _ => diagnostic,
            });
            Ty::Error
        }
    };
    let secret = inner.secret;
    Expr { kind: ExprKind::Neg(Box::new(inner)), ty, secret, span }
}

fn binary(
    cx: &mut Context<'_>,
    op: BinaryOp,
    op_span: Span,
    (left, right): (&ast::Expr, &ast::Expr),
    span: Span,
    place: &Place,
) -> Expr {
    let left = lower(cx, left, place);
    let right = match op {
        // What the left side makes certain holds on the right: `x != none and x > 3`.
        BinaryOp::And => lower(cx, right, &with_certain(place, &left, true)),
        BinaryOp::Or => lower(cx, right, &with_certain(place, &left, false)),
        _ => lower(cx, right, place),
    };
    let ty = super::operators::operator(cx, op, op_span, &left, &right);
    let secret = left.secret || right.secret;
    Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, secret, span }
}

/// A place in which what an expression being `truth` makes certain is known.
pub(super) fn with_certain(place: &Place, expr: &Expr, truth: bool) -> Place {
    let mut place = place.clone();
    certain_from(expr, truth, &mut place.certain);
    place
}

fn certain_from(expr: &Expr, truth: bool, certain: &mut std::collections::BTreeSet<String>) {
    match &expr.kind {
        ExprKind::Binary { op, left, right } => {
            let is_none = |e: &Expr| matches!(e.kind, ExprKind::Const(Value::None)) && matches!(e.ty, Ty::None);
            match (op, truth) {
                (BinaryOp::And, true) | (BinaryOp::Or, false) => {
                    certain_from(left, truth, certain);
                    certain_from(right, truth, certain);
                }
                (BinaryOp::Ne, true) | (BinaryOp::Eq, false) => {
                    if is_none(right) {
                        certain.extend(path(left));
                    }
                    if is_none(left) {
                        certain.extend(path(right));
                    }
                }
                _ => {}
            }
        }
        ExprKind::Not(inner) => certain_from(inner, !truth, certain),
        _ => {}
    }
}

/// A name with its members as a text: what can be compared with `none` once and then used.
fn path(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ref(what) => Some(format!("{what:?}")),
        ExprKind::Field(base, name) => Some(format!("{}.{name}", path(base)?)),
        _ => None,
    }
}

fn narrowed(mut expr: Expr, place: &Place) -> Expr {
    if let Ty::Optional(of) = &expr.ty
        && path(&expr).is_some_and(|path| place.certain.contains(&path))
    {
        expr.ty = of.as_ref().clone();
    }
    expr
}

/// Types a text; its parts must print as one word each.
pub(super) fn lower_text(cx: &mut Context<'_>, text: &Text, place: &Place) -> Expr {
    let span = text.loc.0;
    if let Some(whole) = text.literal() {
        return constant(Value::String(whole), Ty::String, span);
    }
    let mut secret = false;
    let parts = text
        .parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => Piece::Literal(text.clone()),
            Part::Path { names, raw, loc } => {
                let expr = part_value(cx, names, loc.0, place);
                secret |= expr.secret;
                Piece::Value { expr, raw: *raw }
            }
        })
        .collect();
    Expr { kind: ExprKind::Template(Arc::new(Template { parts })), ty: Ty::String, secret, span }
}

fn part_value(cx: &mut Context<'_>, path: &[ast::Name], span: Span, place: &Place) -> Expr {
    let Some((first, rest)) = path.split_first() else { return broken(span) };
    let mut expr = bare_name(cx, &first.text, at(first), place);
    for name in rest {
        let reached = expr.span.to(at(name));
        expr = member(cx, expr, name, reached, place);
    }
    match &expr.ty {
        ty if ty.is_scalar() => {}
        Ty::Json => {}
        Ty::Optional(_) => maybe_none(cx, &expr),
        ty => {
            let message = format!("{} cannot stand in a text", with_article(ty));
            let advice = match ty {
                Ty::List(_) => "make one word of it first: `let joined = list.join(\", \")`",
                Ty::Record(_) => "use one of its members",
                _ => "only texts, numbers, times and the like print as one word",
            };
            cx.say(Diagnostic::new(&codes::NOT_PRINTABLE, expr.span, message).label(ty.to_string()).advice(advice));
        }
    }
    expr
}
