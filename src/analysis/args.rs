//! Calls: which entry of the registry a name means, and whether its arguments fit.

use crate::diag::Diagnostic;
use crate::model::{BinaryOp, Call, Expr, ExprKind, FunctionKind, Ref, ResourceKind, Ty, Value};
use crate::registry::{self, Function, Param, Sig};
use crate::source::Span;
use crate::syntax::ast::{self, Arg};

use super::codes;
use super::context::{Context, Place, Want, at};
use super::expr::{broken, expect, lower, no_member, with_article};
use super::names::nearest;

/// `name(args)`, or `base.name(args)` with the base as first argument.
pub(super) fn call(
    cx: &mut Context<'_>,
    name: &ast::Name,
    base: Option<Expr>,
    args: &[Arg],
    span: Span,
    place: &Place,
    want: Want,
) -> Expr {
    let resource = match &base {
        Some(base) => resource_kind(&base.ty),
        None => args.first().filter(|arg| arg.name.is_none()).and_then(|arg| peek_resource(cx, &arg.value)),
    };
    let Some(function) = choose(&name.text, resource, want, place) else {
        return unknown_function(cx, name, resource, base.as_ref(), span, place, want);
    };
    let bound = bind(cx, function, name, base, args, place);
    let first = bound.first().and_then(Option::as_ref).map(|arg| arg.ty.clone());
    let ty = match (want, function.kind) {
        (Want::Action, FunctionKind::Action) => Ty::Action,
        _ => function.result.yields(first.as_ref()),
    };
    // What probes and actions yield is masked instead of tainted.
    let tainted = matches!(function.kind, FunctionKind::Pure | FunctionKind::Tool);
    let secret = tainted && bound.iter().flatten().any(|arg| arg.secret);
    let call = Call { function: function.name, kind: function.kind, args: bound, name_span: at(name) };
    Expr { kind: ExprKind::Call(Box::new(call)), ty, secret, span }
}

/// `base.name(args)`: a call with the base first, unless the base has such a member.
pub(super) fn method(
    cx: &mut Context<'_>,
    base: &ast::Expr,
    name: &ast::Name,
    args: &[Arg],
    span: Span,
    place: &Place,
    want: Want,
) -> Expr {
    let base = lower(cx, base, place);
    if matches!(base.ty, Ty::Error) {
        // Its arguments are looked at all the same: names in them count as used, mistakes in them are said.
        args.iter().for_each(|arg| drop(lower(cx, &arg.value, place)));
        return broken(span);
    }
    if let Ty::Record(record) = &base.ty
        && record.field(&name.text).is_some()
    {
        let message = format!("`{}` is a member and not a function", name.text);
        cx.say(Diagnostic::new(&codes::WRONG_PLACE, at(name), message).advice("leave the parentheses away"));
        return broken(span);
    }
    call(cx, name, Some(base), args, span, place, want)
}

fn resource_kind(ty: &Ty) -> Option<ResourceKind> {
    match ty {
        Ty::Resource(kind) => Some(*kind),
        _ => None,
    }
}

/// The kind of resource that a bare name is, without using it up.
fn peek_resource(cx: &Context<'_>, expr: &ast::Expr) -> Option<ResourceKind> {
    let ast::ExprKind::Name(name) = &expr.kind else { return None };
    match cx.names.find(name) {
        Some((Ref::Resource(index), _)) => Some(cx.resources[index].kind),
        _ => None,
    }
}

/// Which kinds of function may stand at a place, best first.
fn kinds(want: Want, place: &Place) -> &'static [FunctionKind] {
    match (want, place.probes) {
        (Want::Action, _) => &[FunctionKind::Action],
        (Want::Tool, _) => &[FunctionKind::Tool],
        (Want::Source, _) => &[FunctionKind::Source],
        (Want::Value, true) => &[FunctionKind::Pure, FunctionKind::Probe],
        (Want::Value, false) => &[FunctionKind::Pure],
    }
}

fn choose(word: &str, resource: Option<ResourceKind>, want: Want, place: &Place) -> Option<&'static Function> {
    kinds(want, place).iter().find_map(|kind| entry(*kind, word, resource))
}

/// The entry for a kind of resource comes before one that takes anything.
fn entry(kind: FunctionKind, word: &str, resource: Option<ResourceKind>) -> Option<&'static Function> {
    let special = resource.and_then(|resource| registry::find_on(kind, resource, word));
    special.or_else(|| registry::find(kind, word).filter(|f| f.on.is_none() || resource.is_none() || f.on == resource))
}

fn unknown_function(
    cx: &mut Context<'_>,
    name: &ast::Name,
    resource: Option<ResourceKind>,
    base: Option<&Expr>,
    span: Span,
    place: &Place,
    want: Want,
) -> Expr {
    let word = name.text.as_str();
    let elsewhere = registry::all().find(|function| function.word() == word);
    let diagnostic = match elsewhere {
        Some(function) if choose_any(word, resource).is_some() || function.on.is_none() => {
            misplaced(name, function, want)
        }
        Some(function) => {
            let on = function.on.map_or("value", ResourceKind::word);
            Diagnostic::new(&codes::UNKNOWN_FUNCTION, at(name), format!("`{word}` is a function of {}", article(on)))
                .advice(format!("call it on one: `name.{word}(…)`, where `name` is {}", article(on)))
        }
        None => {
            if let Some(base) = base
                && resource.is_some()
            {
                return no_such_probe(cx, base, name, span);
            }
            let allowed = kinds(want, place).iter().flat_map(|kind| registry::names(*kind));
            let diagnostic =
                Diagnostic::new(&codes::UNKNOWN_FUNCTION, at(name), format!("there is no function `{word}`"));
            match nearest(word, allowed) {
                Some(near) => diagnostic.advice(format!("did you mean `{near}`?")),
                None if cx.names.find(word).is_some() => {
                    diagnostic.advice(format!("`{word}` is a value: write it without parentheses"))
                }
                None => diagnostic.advice("`plan explain` lists the functions"),
            }
        }
    };
    cx.say(diagnostic);
    broken(span)
}

fn choose_any(word: &str, resource: Option<ResourceKind>) -> Option<&'static Function> {
    let all = [FunctionKind::Pure, FunctionKind::Probe, FunctionKind::Action, FunctionKind::Tool, FunctionKind::Source];
    all.into_iter().find_map(|kind| entry(kind, word, resource))
}

fn article(word: &str) -> String {
    format!("a {word}")
}

/// A function that exists and may not stand here.
fn misplaced(name: &ast::Name, function: &Function, want: Want) -> Diagnostic {
    let word = &name.text;
    let (is, belongs) = match function.kind {
        FunctionKind::Pure => ("computes and does nothing", "use it inside an expression"),
        FunctionKind::Probe => {
            ("reads the world", "probes stand in `require`, `verify`, `when`, `remember` and `done when`")
        }
        FunctionKind::Action => ("changes the world", "actions stand after `do` and `undo`"),
        FunctionKind::Tool => ("makes a migration tool", "it stands in `migrations = …` of a database"),
        FunctionKind::Source => ("is where a secret comes from", "it stands in `secret name = …`"),
    };
    let wanted = match want {
        Want::Action => "an action",
        Want::Tool => "a migration tool",
        Want::Source => "`env(…)`, `file(…)` or `command(…)`",
        Want::Value => "a value that is known here",
    };
    Diagnostic::new(&codes::WRONG_PLACE, at(name), format!("`{word}` {is}; here stands {wanted}")).advice(belongs)
}

fn no_such_probe(cx: &mut Context<'_>, base: &Expr, name: &ast::Name, span: Span) -> Expr {
    let kind = resource_kind(&base.ty);
    let known: Vec<&str> = registry::all()
        .filter(|f| f.on == kind && f.kind == FunctionKind::Probe)
        .map(Function::word)
        .chain(kind.into_iter().flat_map(registry::settings).map(|setting| setting.key))
        .collect();
    no_member(cx, base, name, span, &known)
}

/// `db.revision`: a probe without parentheses, or a setting of the resource.
pub(super) fn of_resource(cx: &mut Context<'_>, base: Expr, name: &ast::Name, span: Span, place: &Place) -> Expr {
    let Ty::Resource(kind) = base.ty else { return broken(span) };
    if let Some(probe) = registry::find_on(FunctionKind::Probe, kind, &name.text) {
        if !probe.is_member() {
            let message = format!("`{}` needs arguments: `{}`", name.text, probe.signature());
            cx.wrong(&codes::BAD_ARGUMENTS, at(name), message);
            return broken(span);
        }
        return call(cx, name, Some(base), &[], span, place, Want::Value);
    }
    let Some(setting) = registry::setting_of(kind, &name.text) else { return no_such_probe(cx, &base, name, span) };
    let ty = setting.sig.yields(None);
    if matches!(ty, Ty::Tool | Ty::Action) {
        return no_such_probe(cx, &base, name, span);
    }
    let secret = match base.kind {
        ExprKind::Ref(Ref::Resource(index)) => cx.resources[index].secret.contains(setting.key),
        _ => false,
    };
    Expr { kind: ExprKind::Field(Box::new(base), name.text.clone()), ty, secret, span }
}

/// The arguments in the order of the signature.
fn bind(
    cx: &mut Context<'_>,
    function: &'static Function,
    name: &ast::Name,
    base: Option<Expr>,
    args: &[Arg],
    place: &Place,
) -> Vec<Option<Expr>> {
    let mut bound: Vec<Option<Expr>> = vec![None; function.params.len()];
    let mut next = 0;
    if let Some(base) = base {
        match function.params.first() {
            Some(param) => {
                check(cx, &base, param, None);
                bound[0] = Some(base);
                next = 1;
            }
            None => cx.wrong(&codes::BAD_ARGUMENTS, at(name), format!("`{}` takes no arguments", name.text)),
        }
    }
    for arg in args {
        let index = match &arg.name {
            Some(wanted) => named(cx, function, wanted),
            None => {
                // Positional arguments fill the next free place.
                while bound.get(next).is_some_and(Option::is_some) {
                    next += 1;
                }
                (next < function.params.len()).then_some(next)
            }
        };
        let Some(index) = index else {
            if arg.name.is_none() {
                let message = format!("too many arguments: `{}`", function.signature());
                cx.wrong(&codes::BAD_ARGUMENTS, arg.value.loc.0, message);
            }
            lower(cx, &arg.value, place);
            continue;
        };
        if bound[index].is_some() {
            let message = format!("`{}` is given twice", function.params[index].name);
            cx.wrong(&codes::BAD_ARGUMENTS, arg.value.loc.0, message);
        }
        let first = bound.first().and_then(Option::as_ref).map(|arg| arg.ty.clone());
        bound[index] = Some(argument(cx, &function.params[index], &arg.value, first.as_ref(), place));
    }
    complete(cx, function, name, &bound);
    bound
}

fn named(cx: &mut Context<'_>, function: &'static Function, wanted: &ast::Name) -> Option<usize> {
    if let Some((index, _)) = function.param(&wanted.text) {
        return Some(index);
    }
    let message = format!("`{}` has no parameter `{}`", function.word(), wanted.text);
    let near = nearest(&wanted.text, function.params.iter().map(|param| param.name));
    cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, at(wanted), message).advice(match near {
        Some(near) => format!("did you mean `{near}:`?"),
        None => format!("it is called like this: `{}`", function.signature()),
    }));
    None
}

fn complete(cx: &mut Context<'_>, function: &'static Function, name: &ast::Name, bound: &[Option<Expr>]) {
    let missing: Vec<String> = function
        .params
        .iter()
        .zip(bound)
        .filter(|(param, arg)| param.required && arg.is_none())
        .map(|(param, _)| format!("`{}`", param.name))
        .collect();
    let given = |wanted: &&str| function.param(wanted).is_some_and(|(index, _)| bound[index].is_some());
    let chosen = function.one_of.iter().filter(|wanted| given(wanted)).count();
    let message = match (missing.is_empty(), function.one_of.is_empty() || chosen == 1) {
        (false, _) => format!("`{}` needs {}", function.word(), missing.join(" and ")),
        (true, false) => format!("`{}` takes exactly one of `{}`", function.word(), function.one_of.join("`, `")),
        (true, true) => return,
    };
    let advice = format!("it is called like this: `{}`", function.signature());
    cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, at(name), message).advice(advice));
}

fn argument(cx: &mut Context<'_>, param: &'static Param, value: &ast::Expr, first: Option<&Ty>, place: &Place) -> Expr {
    if !param.words.is_empty()
        && let Some(words) = words(cx, param, value)
    {
        return words;
    }
    let expr = match param.sig {
        Sig::Action => as_call(cx, value, place, Want::Action),
        Sig::Is(make) if matches!(make(), Ty::Tool) => as_call(cx, value, place, Want::Tool),
        _ => lower(cx, value, place),
    };
    check(cx, &expr, param, first);
    expr
}

/// An expression that has to be a call of a certain kind.
pub(super) fn as_call(cx: &mut Context<'_>, value: &ast::Expr, place: &Place, want: Want) -> Expr {
    let span = value.loc.0;
    match &value.kind {
        ast::ExprKind::Call { func, args } => call(cx, func, None, args, span, place, want),
        ast::ExprKind::Method { base, name, args } => method(cx, base, name, args, span, place, want),
        ast::ExprKind::Paren(inner) => as_call(cx, inner, place, want),
        ast::ExprKind::Error => broken(span),
        _ => {
            let (what, example) = match want {
                Want::Action => ("an action", "for example `run(\"make deploy\")`"),
                Want::Tool => ("a migration tool", "for example `alembic(\"backend\")`"),
                Want::Source => ("where the secret comes from", "for example `env(\"DATABASE_URL\")`"),
                Want::Value => ("a call", "`name(…)`"),
            };
            cx.say(Diagnostic::new(&codes::WRONG_PLACE, span, format!("here stands {what}")).advice(example));
            broken(span)
        }
    }
}

/// `[data_loss, unknown]` where a parameter takes words.
fn words(cx: &mut Context<'_>, param: &'static Param, value: &ast::Expr) -> Option<Expr> {
    let span = value.loc.0;
    match &value.kind {
        ast::ExprKind::Name(word) => {
            if !param.words.contains(&word.as_str()) {
                let message = format!("`{}` does not take `{word}`", param.name);
                let advice = match nearest(word, param.words.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it takes: {}", param.words.join(", ")),
                };
                cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, span, message).advice(advice));
            }
            let kind = ExprKind::Const(Value::String(word.clone()));
            Some(Expr { kind, ty: Ty::String, secret: false, span })
        }
        ast::ExprKind::List(items) => {
            let items: Option<Vec<Expr>> = items.iter().map(|item| words(cx, param, item)).collect();
            Some(Expr { kind: ExprKind::List(items?), ty: Ty::list(Ty::String), secret: false, span })
        }
        _ => None,
    }
}

fn check(cx: &mut Context<'_>, expr: &Expr, param: &Param, first: Option<&Ty>) {
    if param.sig.accepts(&expr.ty, first) || matches!(expr.ty, Ty::Json) {
        return;
    }
    if let Sig::Is(make) = param.sig {
        expect(cx, expr, &make(), &format!("`{}` takes", param.name));
        return;
    }
    let message = format!("`{}` takes {}, and this is {}", param.name, param.sig, with_article(&expr.ty));
    cx.say(Diagnostic::new(&codes::WRONG_TYPE, expr.span, message).label(expr.ty.to_string()));
}

/// `base[index]`
pub(super) fn index(cx: &mut Context<'_>, base: &ast::Expr, index: &ast::Expr, span: Span, place: &Place) -> Expr {
    let base = lower(cx, base, place);
    let index = lower(cx, index, place);
    let ty = match &base.ty {
        Ty::Error => return broken(span),
        Ty::Json => Ty::Json,
        Ty::Map(of) => {
            expect(cx, &index, &Ty::String, "a map is looked up by");
            of.as_ref().clone()
        }
        // `s["v"]` of a fan-out takes an item, `list[0]` a position.
        Ty::List(of) if matches!(base.kind, ExprKind::Ref(Ref::Node(_))) => of.as_ref().clone(),
        Ty::List(of) => {
            expect(cx, &index, &Ty::Int, "a list is looked up by");
            of.as_ref().clone()
        }
        other => {
            let message = format!("{} cannot be looked up in", with_article(other));
            cx.wrong(&codes::WRONG_TYPE, base.span, message);
            return broken(span);
        }
    };
    let secret = base.secret;
    Expr { kind: ExprKind::Index(Box::new(base), Box::new(index)), ty, secret, span }
}

/// The type of `left op right`; says so when the two don't go together.
pub(super) fn operator(cx: &mut Context<'_>, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr) -> Ty {
    match op {
        BinaryOp::And | BinaryOp::Or => {
            let word = if op == BinaryOp::And { "`and` joins" } else { "`or` joins" };
            expect(cx, left, &Ty::Bool, word);
            expect(cx, right, &Ty::Bool, word);
            Ty::Bool
        }
        BinaryOp::Eq | BinaryOp::Ne => compared(cx, op_span, left, right, comparable(&left.ty, &right.ty)),
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            compared(cx, op_span, left, right, ordered(&left.ty, &right.ty))
        }
        BinaryOp::In | BinaryOp::NotIn => compared(cx, op_span, left, right, contained(&left.ty, &right.ty)),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => arithmetic(op, &left.ty, &right.ty).unwrap_or_else(|| {
            let sign = match op {
                BinaryOp::Add => "+",
                BinaryOp::Sub => "-",
                _ => "*",
            };
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

fn compared(cx: &mut Context<'_>, op_span: Span, left: &Expr, right: &Expr, fits: bool) -> Ty {
    if !fits {
        let message = format!("{} and {} cannot be compared so", with_article(&left.ty), with_article(&right.ty));
        cx.say(
            Diagnostic::new(&codes::WRONG_TYPE, op_span, message)
                .related(left.span, left.ty.to_string())
                .related(right.span, right.ty.to_string()),
        );
    }
    Ty::Bool
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
