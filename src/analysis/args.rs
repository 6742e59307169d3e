//! Calls: which entry of the registry a name means, and whether its arguments fit.

use crate::diag::Diagnostic;
use crate::model::{Call, Expr, ExprKind, FunctionKind, Ref, ResourceKind, Ty, Value};
use crate::registry::{self, Function, Param, Sig};
use crate::source::Span;
use crate::syntax::ast::{self, Arg};

use super::codes;
use super::context::{Context, Place, Want, at};
use super::expr::{broken, expect, lower, maybe_none, no_member, with_article};
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
    if let (Some(on), None, None, Some(first)) = (function.on, &base, resource, args.first())
        && first.name.is_none()
    {
        return not_on_resource(cx, function, name, on, args, span, place);
    }
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

/// `rows("leads")`: the resource was forgotten.
fn not_on_resource(
    cx: &mut Context<'_>,
    function: &'static Function,
    name: &ast::Name,
    on: ResourceKind,
    args: &[Arg],
    span: Span,
    place: &Place,
) -> Expr {
    let before = cx.diagnostics.len();
    let types: Vec<Ty> = args.iter().map(|arg| lower(cx, &arg.value, place).ty).collect();
    if cx.diagnostics.len() == before && types.first() != Some(&Ty::Error) {
        let message = format!("`{}` needs {} first", name.text, article(on.word()));
        let advice =
            format!("it is called like this: `{}`, or `{}.{}(…)`", function.signature(), on.word(), function.word());
        cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, at(name), message).advice(advice));
    }
    broken(span)
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
        Some(first) if choose_any(word, resource).is_some() || first.on.is_none() => {
            misplaced(name, choose_any(word, resource).unwrap_or(first), want)
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
            // A value that is called is used all the same.
            cx.note(word);
            let allowed = kinds(want, place).iter().flat_map(|kind| registry::names(*kind));
            let diagnostic =
                Diagnostic::new(&codes::UNKNOWN_FUNCTION, at(name), format!("there is no function `{word}`"));
            match nearest(word, allowed) {
                _ if cx.names.find(word).is_some() => {
                    diagnostic.advice(format!("`{word}` is a value: write it without parentheses"))
                }
                Some(near) => diagnostic.advice(format!("did you mean `{near}`?")),
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
        FunctionKind::Source => ("says where a secret comes from", "it stands in `secret name = …`"),
    };
    let wanted = match want {
        Want::Action => "an action",
        Want::Tool => "a migration tool",
        Want::Source => "one of `env(…)`, `file(…)` or `command(…)`",
        Want::Value if function.kind == FunctionKind::Probe => "a value that is known before",
        Want::Value => "a value",
    };
    Diagnostic::new(&codes::WRONG_PLACE, at(name), format!("`{word}` {is}, and here {wanted} is wanted"))
        .advice(belongs)
}

fn no_such_probe(cx: &mut Context<'_>, base: &Expr, name: &ast::Name, span: Span) -> Expr {
    let kind = resource_kind(&base.ty);
    let known: Vec<&str> = registry::all()
        .filter(|f| f.on == kind && f.kind == FunctionKind::Probe)
        .map(Function::word)
        .chain(
            kind.into_iter()
                .flat_map(registry::settings)
                .filter(|setting| readable(setting))
                .map(|setting| setting.key),
        )
        .collect();
    no_member(cx, base, name, span, &known)
}

/// Whether a setting is a value: not a tool, not an action.
fn readable(setting: &registry::Setting) -> bool {
    !matches!(setting.sig.yields(None), Ty::Tool | Ty::Action)
}

/// `db.revision`: a probe without parentheses, or a setting of the resource.
pub(super) fn of_resource(cx: &mut Context<'_>, base: Expr, name: &ast::Name, span: Span, place: &Place) -> Expr {
    let Ty::Resource(kind) = base.ty else { return broken(span) };
    if let Some(probe) = registry::find_on(FunctionKind::Probe, kind, &name.text) {
        if !probe.is_member() {
            let diagnostic =
                Diagnostic::new(&codes::BAD_ARGUMENTS, at(name), format!("`{}` needs arguments", name.text));
            cx.say(diagnostic.advice(format!("it is called like this: `{}`", probe.signature())));
            return broken(span);
        }
        return call(cx, name, Some(base), &[], span, place, Want::Value);
    }
    let Some(setting) = registry::setting_of(kind, &name.text) else { return no_such_probe(cx, &base, name, span) };
    let ty = setting.sig.yields(None);
    if !readable(setting) {
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
            None => {
                let diagnostic =
                    Diagnostic::new(&codes::BAD_ARGUMENTS, at(name), format!("`{}` takes no arguments", name.text));
                cx.say(diagnostic.advice(format!("it is called like this: `{}`", function.signature())));
            }
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
                let most = match function.params.len() {
                    0 => "no arguments".to_owned(),
                    1 => "one argument".to_owned(),
                    most => format!("at most {most} arguments"),
                };
                let message = format!("`{}` takes {most}", function.word());
                let advice = format!("it is called like this: `{}`", function.signature());
                cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, arg.value.loc.0, message).advice(advice));
            }
            lower(cx, &arg.value, place);
            continue;
        };
        if bound[index].is_some() {
            let message = format!("`{}` is given twice", function.params[index].name);
            cx.say(Diagnostic::new(&codes::BAD_ARGUMENTS, arg.value.loc.0, message).advice("keep one of them"));
        }
        let first = bound.first().and_then(Option::as_ref).map(|arg| arg.ty.clone());
        bound[index] = Some(argument(cx, &function.params[index], &arg.value, first.as_ref(), place));
    }
    // A parameter that was called by a wrong name has been spoken of.
    if args.iter().all(|arg| arg.name.as_ref().is_none_or(|name| function.param(&name.text).is_some())) {
        complete(cx, function, name, &bound);
    }
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
                Want::Source => ("the source of a secret", "for example `env(\"DATABASE_URL\")`"),
                Want::Value => ("a call", "`name(…)`"),
            };
            cx.say(
                Diagnostic::new(&codes::WRONG_PLACE, span, format!("this is a value, and here {what} is wanted"))
                    .advice(example),
            );
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
    if fits(param.sig, &expr.ty, first) || matches!(expr.ty, Ty::Json) {
        return;
    }
    if let Sig::Is(make) = param.sig {
        expect(cx, expr, &make(), &format!("`{}` takes", param.name));
        return;
    }
    if let Ty::Optional(of) = &expr.ty
        && fits(param.sig, of, first)
    {
        maybe_none(cx, expr);
        return;
    }
    let message = format!("`{}` takes {}, and this is {}", param.name, param.sig, with_article(&expr.ty));
    cx.say(Diagnostic::new(&codes::WRONG_TYPE, expr.span, message).label(expr.ty.to_string()));
}

/// Whether an argument fits. One of several types is JSON only for what is JSON already: nearly anything could become it.
fn fits(sig: Sig, given: &Ty, first: Option<&Ty>) -> bool {
    match sig {
        Sig::OneOf(sigs) => sigs.iter().any(|sig| match sig {
            Sig::Is(make) if matches!(make(), Ty::Json) => matches!(given, Ty::Json | Ty::Error),
            sig => fits(*sig, given, first),
        }),
        sig => sig.accepts(given, first),
    }
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
            let message =
                format!("`[…]` looks something up in a list, a map or json, and this is {}", with_article(other));
            cx.wrong(&codes::WRONG_TYPE, base.span, message);
            return broken(span);
        }
    };
    let secret = base.secret;
    Expr { kind: ExprKind::Index(Box::new(base), Box::new(index)), ty, secret, span }
}
