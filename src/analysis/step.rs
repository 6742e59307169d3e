//! Steps: the action, what proves it, what takes it back.

use crate::diag::Diagnostic;
use crate::model::{
    Alternative, Check, Expr, ExprKind, FunctionKind, Ref, Remember, ResourceKind, Retry, Step, Ty, Undo,
};
use crate::registry::{self, DefaultUndo, Effect, Function, RetryClass};
use crate::source::Span;
use crate::syntax::ast::{self, Clause, ClauseKind, NodeDecl};

use super::args::as_call;
use super::clauses::{self, positive, reason};
use super::codes;
use super::context::{Context, Place, Want, at};
use super::expr::{expect, lower};
use super::node::probing;

/// The place of a step with its remembered values in sight.
pub(super) fn with_remembered(cx: &Context<'_>, decl: &NodeDecl, index: usize, place: &Place) -> Place {
    let mut place = probing(place);
    let names = decl.clauses.iter().filter_map(|clause| match &clause.kind {
        ClauseKind::Remember { name, .. } => Some(name),
        _ => None,
    });
    for (position, name) in names.enumerate() {
        let known = cx.nodes[index].remembered.iter().find(|(remembered, _)| *remembered == name.text);
        let ty = known.map_or(Ty::Error, |(_, ty)| ty.clone());
        place.own.insert(name.text.clone(), (Ref::Remembered(position), ty));
    }
    place
}

/// Types what a step remembers, so that its record is known before others use it.
pub(super) fn remembered(cx: &mut Context<'_>, decl: &NodeDecl, index: usize, place: &Place) -> Vec<Remember> {
    let mut place = probing(place);
    let mut found: Vec<Remember> = Vec::new();
    for clause in &decl.clauses {
        let ClauseKind::Remember { name, value } = &clause.kind else { continue };
        let value = lower(cx, value, &place);
        let taken = cx.names.find(&name.text).map(|(_, span)| span);
        let twice = found.iter().find(|earlier| earlier.name == name.text).map(|earlier| earlier.span);
        if let Some(earlier) = taken.or(twice) {
            let diagnostic = Diagnostic::new(&codes::NAME_TWICE, at(name), format!("`{}` is taken", name.text));
            cx.say(diagnostic.related(earlier, "first declared here"));
        }
        place.own.insert(name.text.clone(), (Ref::Remembered(found.len()), value.ty.clone()));
        found.push(Remember { name: name.text.clone(), value, span: clause.loc.0 });
    }
    debug_assert!(index < cx.nodes.len());
    found
}

/// Types a step, but for what all nodes share.
pub(super) fn lower_step(cx: &mut Context<'_>, decl: &NodeDecl, index: usize, outer: &Place) -> Step {
    let place = with_remembered(cx, decl, index, outer);
    let action = decl.clauses.iter().find_map(|clause| match &clause.kind {
        ClauseKind::Do(expr) => Some((as_call(cx, expr, &pure(&place), Want::Action), clause)),
        _ => None,
    });
    let entry = action.as_ref().and_then(|(action, _)| entry_of(action));
    let mut step = empty(entry);
    step.action = action.as_ref().map(|(action, _)| action.clone());
    step.remember = std::mem::take(&mut cx.nodes[index].lowered);
    for clause in &decl.clauses {
        simple(cx, clause, &mut step, &place);
    }
    undo(cx, decl, &mut step, entry, &place);
    consistent(cx, decl, &step, action.is_some());
    step
}

fn pure(place: &Place) -> Place {
    Place { probes: false, ..place.clone() }
}

/// The registry's entry of an action.
pub(super) fn entry_of(action: &Expr) -> Option<&'static Function> {
    match &action.kind {
        ExprKind::Call(call) => registry::find(FunctionKind::Action, call.function),
        _ => None,
    }
}

fn empty(entry: Option<&'static Function>) -> Step {
    Step {
        remember: Vec::new(),
        action: None,
        verifies: Vec::new(),
        undo: Undo::NotNeeded,
        verify_undo: Vec::new(),
        done_when: None,
        idempotent: entry.is_some_and(|entry| entry.retry == RetryClass::Idempotent),
        atomic: entry.is_some_and(|entry| entry.retry == RetryClass::Atomic),
        retry: None,
        timeout: None,
        on_host: None,
        env: Vec::new(),
        dir: None,
        optional: false,
        always: false,
        on_failure: None,
        unattended: None,
        backup_of: Vec::new(),
    }
}

/// The clauses that stand for themselves.
fn simple(cx: &mut Context<'_>, clause: &Clause, step: &mut Step, place: &Place) {
    let checked = |cx: &mut Context<'_>, check: &ast::Check, otherwise: &Option<ast::Text>| -> Check {
        clauses::check(cx, check, otherwise.as_ref(), place)
    };
    match &clause.kind {
        ClauseKind::Verify { check, otherwise } => step.verifies.push(checked(cx, check, otherwise)),
        ClauseKind::VerifyUndo { check, otherwise } => step.verify_undo.push(checked(cx, check, otherwise)),
        ClauseKind::DoneWhen(expr) => {
            let expr = lower(cx, expr, place);
            expect(cx, &expr, &Ty::Bool, "`done when` is");
            step.done_when = Some(expr);
        }
        ClauseKind::Idempotent => step.idempotent = true,
        ClauseKind::Atomic => step.atomic = true,
        ClauseKind::Retry { times, backoff } => {
            let times = positive(cx, times, &Ty::Int, "`retry` takes", place);
            let backoff = backoff.as_ref().map(|(from, to)| {
                let time = |cx: &mut Context<'_>, expr| positive(cx, expr, &Ty::Duration, "`backoff` takes", place);
                (time(cx, from), time(cx, to))
            });
            step.retry = Some(Retry { times, backoff });
        }
        ClauseKind::Timeout(after) => step.timeout = Some(positive(cx, after, &Ty::Duration, "`timeout` takes", place)),
        ClauseKind::On(name) => step.on_host = resource(cx, name, ResourceKind::Host),
        ClauseKind::BackupOf(name) => step.backup_of.extend(resource(cx, name, ResourceKind::Database)),
        ClauseKind::Env(map) => step.env = variables(cx, map, place),
        ClauseKind::In(dir) => {
            let dir = lower(cx, dir, &pure(place));
            expect(cx, &dir, &Ty::String, "`in` takes");
            step.dir = Some(dir);
        }
        ClauseKind::Optional => step.optional = true,
        ClauseKind::Always => step.always = true,
        ClauseKind::OnFailure(policy) => step.on_failure = Some(clauses::policy(cx, policy, place.node)),
        ClauseKind::Unattended(text) => step.unattended = Some(reason(cx, text)),
        _ => {}
    }
}

fn resource(cx: &mut Context<'_>, name: &ast::Name, kind: ResourceKind) -> Option<usize> {
    let (what, _) = cx.resolve(&name.text, at(name), &Place { nodes: true, ..Place::default() })?;
    match what {
        Ref::Resource(index) if cx.resources[index].kind == kind => Some(index),
        _ => {
            let message = format!("`{}` is not a {}", name.text, kind.word());
            cx.wrong(&codes::WRONG_PLACE, at(name), message);
            None
        }
    }
}

fn variables(cx: &mut Context<'_>, map: &ast::Expr, place: &Place) -> Vec<(String, Expr)> {
    let lowered = lower(cx, map, &pure(place));
    let ExprKind::Map(entries) = lowered.kind else {
        if lowered.ty != Ty::Error {
            cx.wrong(&codes::WRONG_TYPE, map.loc.0, "`env` takes names with values: `env { KEY = \"value\" }`");
        }
        return Vec::new();
    };
    for (name, value) in &entries {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if !plain || name.is_empty() {
            let message = format!("`{name}` cannot be the name of an environment variable");
            cx.wrong(&codes::WRONG_TYPE, value.span, message);
        }
        if !value.ty.is_scalar() && value.ty != Ty::Json {
            let message =
                format!("an environment variable is one word, and this is {}", super::expr::with_article(&value.ty));
            cx.wrong(&codes::WRONG_TYPE, value.span, message);
        }
    }
    entries
}

/// `undo …`, `undo nothing`, `irreversible`, or what the registry says.
fn undo(cx: &mut Context<'_>, decl: &NodeDecl, step: &mut Step, entry: Option<&'static Function>, place: &Place) {
    let mut first: Option<Span> = None;
    let mut undo = None;
    for clause in &decl.clauses {
        let given = match &clause.kind {
            ClauseKind::Undo(all) => Undo::Alternatives(all.iter().map(|one| alternative(cx, one, place)).collect()),
            ClauseKind::UndoNothing(text) => Undo::Nothing(reason(cx, text)),
            ClauseKind::Irreversible(text) => Undo::Irreversible(reason(cx, text)),
            _ => continue,
        };
        match first {
            Some(first) => {
                let diagnostic =
                    Diagnostic::new(&codes::UNDO_CONFLICT, clause.word.0, "a step has one way back, or none");
                cx.say(diagnostic.related(first, "already said here").advice("keep one of them"));
            }
            None => {
                first = Some(clause.word.0);
                undo = Some(given);
            }
        }
    }
    let effect = entry.is_some_and(|entry| entry.effect != Effect::None);
    step.undo = match (undo, entry) {
        (Some(undo), _) => undo,
        (None, Some(entry)) if effect => match entry.undo {
            // `MustSay` is found and reported by the analysis of undos.
            DefaultUndo::MustSay | DefaultUndo::By(_) | DefaultUndo::Itself => Undo::Default,
            DefaultUndo::Nothing => Undo::Nothing(String::new()),
        },
        (None, _) => Undo::NotNeeded,
    };
}

fn alternative(cx: &mut Context<'_>, given: &ast::Alternative, place: &Place) -> Alternative {
    let action = as_call(cx, &given.action, &pure(place), Want::Action);
    Alternative { ask: given.ask, action, span: given.loc.0 }
}

/// What must hold between the clauses of a step.
fn consistent(cx: &mut Context<'_>, decl: &NodeDecl, step: &Step, acts: bool) {
    for clause in &decl.clauses {
        let needs_action = match &clause.kind {
            ClauseKind::Timeout(_) => "timeout",
            ClauseKind::Retry { .. } => "retry",
            ClauseKind::DoneWhen(_) => "done when",
            ClauseKind::Undo(_) => "undo",
            ClauseKind::UndoNothing(_) => "undo nothing",
            ClauseKind::Irreversible(_) => "irreversible",
            ClauseKind::Idempotent => "idempotent",
            ClauseKind::Atomic => "atomic",
            ClauseKind::On(_) => "on",
            ClauseKind::VerifyUndo { .. } => "verify undo",
            ClauseKind::Unattended(_) => "unattended",
            ClauseKind::BackupOf(_) => "backup_of",
            _ => continue,
        };
        if !acts {
            let message = format!("`{needs_action}` says something about an action, and this step has none");
            let diagnostic = Diagnostic::new(&codes::NEEDS_ACTION, clause.word.0, message);
            cx.say(diagnostic.advice("add a `do`, or take the clause away"));
        }
    }
    let word =
        |wanted: fn(&ClauseKind) -> bool| decl.clauses.iter().find(|clause| wanted(&clause.kind)).map(|c| c.word.0);
    let undone = matches!(step.undo, Undo::Alternatives(_) | Undo::Default);
    if let (true, false, Some(span)) = (acts, undone, word(|kind| matches!(kind, ClauseKind::VerifyUndo { .. }))) {
        cx.wrong(&codes::UNDO_CONFLICT, span, "there is no undo here that could be verified");
    }
    let safe = step.idempotent || step.atomic;
    if let (true, false, Some(span)) = (acts, safe, word(|kind| matches!(kind, ClauseKind::Retry { .. }))) {
        let message = "only what is `idempotent` or `atomic` may be tried again by itself";
        let advice = "say `idempotent` if running it twice is harmless, `atomic` if a failure leaves nothing behind";
        cx.say(Diagnostic::new(&codes::NOT_RETRYABLE, span, message).advice(advice));
    }
    let harmless = !acts || step.atomic || matches!(step.undo, Undo::NotNeeded | Undo::Nothing(_));
    if let (false, Some(span)) = (harmless, word(|kind| matches!(kind, ClauseKind::Optional))) {
        let message = "a step that may leave half an effect behind cannot be optional";
        let advice = "only steps without effect, `atomic` ones, or those with `undo nothing \"…\"` can";
        cx.say(Diagnostic::new(&codes::NOT_OPTIONAL, span, message).advice(advice));
    }
    if !acts && step.verifies.is_empty() && !decl.clauses.iter().any(|c| does_something(&c.kind)) {
        let message = format!("the step `{}` does and checks nothing", decl.name.text);
        cx.say(
            Diagnostic::new(&codes::EMPTY_STEP, at(&decl.name), message)
                .advice("give it a `do`, a `require` or a `verify`"),
        );
    }
}

fn does_something(kind: &ClauseKind) -> bool {
    matches!(
        kind,
        ClauseKind::Require { .. } | ClauseKind::Remember { .. } | ClauseKind::Verify { .. } | ClauseKind::Do(_)
    )
}
