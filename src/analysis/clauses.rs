//! What holds for every clause: where it may stand, how often, and the parts that several of them share.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};

use crate::diag::Diagnostic;
use crate::model::{Check, Expr, ExprKind, Over, Policy, Ref, Ty, Value};
use crate::source::Span;
use crate::syntax::ast::{self, Clause, ClauseKind, NodeKind, Text};

use super::codes;
use super::context::{Context, Place, at};
use super::expr::{expect, lower, lower_text};

/// A clause that may not stand where it does.
pub(super) fn misplaced(cx: &mut Context<'_>, clause: &Clause, wher: &str) {
    let (word, belongs) = word(&clause.kind);
    let message = format!("`{word}` cannot stand in {wher}");
    cx.say(
        Diagnostic::new(&codes::MISPLACED_CLAUSE, clause.word.0, message).advice(format!("it belongs in {belongs}")),
    );
}

/// Whether a clause may stand in a step or a gate.
pub(super) fn belongs(kind: NodeKind, clause: &ClauseKind) -> bool {
    let belongs = word(clause).1;
    match kind {
        NodeKind::Step => belongs.contains("step"),
        NodeKind::Gate => belongs.contains("gate"),
    }
}

/// The words of a clause, and where it belongs.
fn word(clause: &ClauseKind) -> (&'static str, &'static str) {
    const BOTH: &str = "a step or a gate";
    const STEP: &str = "a step";
    const GATE: &str = "a gate";
    match clause {
        ClauseKind::After(_) => ("after", BOTH),
        ClauseKind::OnlyIn(_) => ("only in", BOTH),
        ClauseKind::When(_) => ("when", BOTH),
        ClauseKind::Require { .. } => ("require", BOTH),
        ClauseKind::Allow { .. } => ("allow", "a step, a gate or the plan"),
        ClauseKind::Remember { .. } => ("remember", STEP),
        ClauseKind::Do(_) => ("do", "a step or a hook"),
        ClauseKind::Verify { .. } => ("verify", STEP),
        ClauseKind::VerifyUndo { .. } => ("verify undo", STEP),
        ClauseKind::Undo(_) => ("undo", STEP),
        ClauseKind::UndoNothing(_) => ("undo nothing", STEP),
        ClauseKind::Irreversible(_) => ("irreversible", STEP),
        ClauseKind::DoneWhen(_) => ("done when", STEP),
        ClauseKind::Idempotent => ("idempotent", STEP),
        ClauseKind::Atomic => ("atomic", STEP),
        ClauseKind::Retry { .. } => ("retry", STEP),
        ClauseKind::Timeout(_) => ("timeout", STEP),
        ClauseKind::On(_) => ("on", STEP),
        ClauseKind::Env(_) => ("env", STEP),
        ClauseKind::In(_) => ("in", STEP),
        ClauseKind::Optional => ("optional", STEP),
        ClauseKind::Always => ("always", STEP),
        ClauseKind::OnFailure(_) => ("on failure", "a step, a gate or an environment"),
        ClauseKind::Unattended(_) => ("unattended", STEP),
        ClauseKind::BackupOf(_) => ("backup_of", STEP),
        ClauseKind::Show(_) => ("show", GATE),
        ClauseKind::Window(_) => ("window", "a gate or an environment"),
        ClauseKind::Checklist(_) => ("checklist", GATE),
        ClauseKind::Approve(_) => ("approve", GATE),
        ClauseKind::Expires(_) => ("expires", GATE),
        ClauseKind::Rehearsed(_) => ("rehearsed", "an environment"),
    }
}

/// Clauses that may stand several times.
fn many(clause: &ClauseKind) -> bool {
    matches!(
        clause,
        ClauseKind::After(_)
            | ClauseKind::Require { .. }
            | ClauseKind::Remember { .. }
            | ClauseKind::Verify { .. }
            | ClauseKind::VerifyUndo { .. }
            | ClauseKind::Allow { .. }
            | ClauseKind::BackupOf(_)
    )
}

/// Says so when a clause that stands once stands again.
pub(super) fn repeated(cx: &mut Context<'_>, clauses: &[Clause]) {
    let mut seen: HashMap<Discriminant<ClauseKind>, Span> = HashMap::new();
    for clause in clauses.iter().filter(|clause| !many(&clause.kind)) {
        if let Some(first) = seen.get(&discriminant(&clause.kind)) {
            let word = word(&clause.kind).0;
            cx.say(
                Diagnostic::new(&codes::REPEATED_CLAUSE, clause.word.0, format!("`{word}` stands twice"))
                    .related(*first, "first here")
                    .advice(match clause.kind {
                        ClauseKind::Do(_) => "a step has one effect: make a second step `after` this one",
                        ClauseKind::Undo(_) => "join them: `undo a() or b()`",
                        ClauseKind::When(_) => "join them with `and`",
                        _ => "keep one of them",
                    }),
            );
        } else {
            seen.insert(discriminant(&clause.kind), clause.word.0);
        }
    }
}

/// A text that must stand as it is: a reason, a name.
pub(super) fn reason(cx: &mut Context<'_>, text: &Text) -> String {
    let whole = text.literal();
    match &whole {
        Some(whole) if whole.trim().is_empty() => {
            let diagnostic = Diagnostic::new(&codes::EMPTY_REASON, text.loc.0, "a reason is missing");
            cx.say(diagnostic.advice("say it to whoever reads the report: `\"…\"`"));
        }
        Some(_) => {}
        None => cx.wrong(&codes::NOT_PRINTABLE, text.loc.0, "a reason is written out, without `{{ }}`"),
    }
    whole.unwrap_or_default()
}

/// A constant or pure expression of a number-like type that must be above zero.
pub(super) fn positive(cx: &mut Context<'_>, given: &ast::Expr, ty: &Ty, what: &str, place: &Place) -> Expr {
    let pure = Place { probes: false, nodes: false, ..place.clone() };
    let expr = lower(cx, given, &pure);
    if expect(cx, &expr, ty, what)
        && matches!(&expr.kind, ExprKind::Const(Value::Duration(0) | Value::Int(0)))
        && *ty == Ty::Duration
    {
        let diagnostic = Diagnostic::new(&codes::BAD_NUMBER, expr.span, format!("{what} more than no time at all"));
        cx.say(diagnostic.advice("for example `30s`"));
    }
    if let ExprKind::Neg(_) = expr.kind {
        cx.wrong(&codes::BAD_NUMBER, expr.span, format!("{what} a number that is not negative"));
    }
    expr
}

/// Types a check.
pub(super) fn check(cx: &mut Context<'_>, given: &ast::Check, otherwise: Option<&Text>, place: &Place) -> Check {
    let expr = lower(cx, &given.expr, place);
    expect(cx, &expr, &Ty::Bool, "a check is");
    let time = |cx: &mut Context<'_>, expr: &ast::Expr, what: &str| positive(cx, expr, &Ty::Duration, what, place);
    let over = match &given.over {
        None => Over::Once,
        Some(ast::Over::Within { span, every }) => Over::Within {
            span: time(cx, span, "`within` takes"),
            every: every.as_ref().map(|every| time(cx, every, "`every` takes")),
        },
        Some(ast::Over::For { span, every, misses }) => Over::For {
            span: time(cx, span, "`for` takes"),
            every: every.as_ref().map(|every| time(cx, every, "`every` takes")),
            misses: misses.as_ref().map(|misses| positive(cx, misses, &Ty::Int, "`misses` takes", place)),
        },
    };
    let pure = Place { probes: false, ..place.clone() };
    let otherwise = otherwise.map(|text| lower_text(cx, text, &pure));
    Check { expr, over, otherwise, span: given.loc.0 }
}

/// Types a failure policy. `own`: the node that has it; `None` for an environment's.
pub(super) fn policy(cx: &mut Context<'_>, given: &ast::Policy, own: Option<usize>) -> Policy {
    match given {
        ast::Policy::UndoAll => Policy::UndoAll,
        ast::Policy::Stop => Policy::Stop,
        ast::Policy::Ask { then_undo_after } => {
            let place = Place::default();
            let what = "`then undo after` takes";
            let after = then_undo_after.as_ref().map(|after| positive(cx, after, &Ty::Duration, what, &place));
            Policy::Ask { then_undo_after: after }
        }
        ast::Policy::Undo(names) => Policy::Undo(names.iter().filter_map(|name| undone(cx, name, own)).collect()),
    }
}

fn undone(cx: &mut Context<'_>, name: &ast::Name, own: Option<usize>) -> Option<usize> {
    let (what, _) = cx.resolve(&name.text, at(name), &Place { nodes: true, ..Place::default() })?;
    let Ref::Node(node) = what else {
        let message = format!("`{}` is {}, not a step", name.text, super::names::word(what));
        cx.wrong(&codes::BAD_POLICY, at(name), message);
        return None;
    };
    let problem = match (cx.nodes[node].gate, own) {
        (true, _) => Some("a gate has no effect that could be undone"),
        (false, None) => Some("an environment's policy is for every step: write `undo all`, `ask` or `stop`"),
        (false, Some(_)) => None,
    };
    match problem {
        Some(problem) => {
            cx.wrong(&codes::BAD_POLICY, at(name), problem);
            None
        }
        None => Some(node),
    }
}
