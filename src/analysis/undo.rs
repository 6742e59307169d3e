//! The way back: whether there is one, whether what it needs is there, and where it ends.

use crate::diag::Diagnostic;
use crate::model::{Body, Check, Expr, ExprKind, Node, Plan, Policy, Ref, Step, Ty, Undo};
use crate::registry::{DefaultUndo, Effect};
use crate::source::Span;

use super::codes_flow;
use super::flow::{Act, Flow, bits};

/// What can be said of the undo of each step alone.
pub(super) fn each_step(plan: &Plan, found: &mut Vec<Diagnostic>) {
    for (index, node) in plan.nodes.iter().enumerate() {
        let Body::Step(step) = &node.body else { continue };
        found.extend(missing(node, step));
        own_outputs(node, index, step, found);
        too_early(node, index, step, found);
        wrong_backups(plan, step, found);
    }
}

/// Steps that say nothing of the way back.
pub(super) fn missing_in<'a>(nodes: impl Iterator<Item = &'a Node>, found: &mut Vec<Diagnostic>) {
    found.extend(nodes.filter_map(|node| match &node.body {
        Body::Step(step) => missing(node, step),
        Body::Gate(_) => None,
    }));
}

fn missing(node: &Node, step: &Step) -> Option<Diagnostic> {
    let action = step.action.as_ref()?;
    let entry = Act::of(action)?.entry;
    let silent =
        matches!(step.undo, Undo::Default) && entry.undo == DefaultUndo::MustSay && entry.effect != Effect::None;
    silent.then(|| {
        let message = format!("`{}` changes something, and does not say how it is taken back", node.name);
        Diagnostic::new(&codes_flow::NO_UNDO, action.span, message)
            .label(format!("`{}` has no way back of its own", entry.word()))
            .advice("add `undo …`, `undo nothing \"reason\"` or `irreversible \"reason\"`")
    })
}

/// An undo that needs what its own action yields, where the action may have failed half-way.
fn own_outputs(node: &Node, index: usize, step: &Step, found: &mut Vec<Diagnostic>) {
    if step.atomic {
        return;
    }
    let outputs = outputs(step);
    let say = |span: Span, name: &str, what: &str| {
        let message =
            format!("{what} needs `{}.{name}`, which does not exist when the step failed half-way", node.name);
        Diagnostic::new(&codes_flow::UNDO_NEEDS_OUTPUT, span, message)
    };
    if let Undo::Alternatives(all) = &step.undo {
        let needs: Vec<_> = all.iter().map(|one| own_use(&one.action, index, &outputs)).collect();
        if needs.iter().all(Option::is_some)
            && let Some(Some((span, name))) = needs.first()
        {
            let advice = "add an alternative that does without: `or by_hand(\"…\")`; or `remember` what it needs";
            found.push(say(*span, name, "this undo").advice(advice));
        }
    }
    let checks = step.verify_undo.iter().filter_map(|Check { expr, .. }| own_use(expr, index, &outputs));
    found.extend(checks.map(|(span, name)| {
        say(span, &name, "this check of the undo").advice("`remember` what it needs before the action")
    }));
}

/// What the action yields, used before or while it runs, or to tell whether it has run.
fn too_early(node: &Node, index: usize, step: &Step, found: &mut Vec<Diagnostic>) {
    let outputs = outputs(step);
    let before = node.when.iter().chain(node.requires.iter().map(|check| &check.expr));
    let before = before.chain(step.remember.iter().map(|remember| &remember.value));
    let with =
        step.action.iter().chain(&step.dir).chain(step.env.iter().map(|(_, value)| value)).chain(&step.done_when);
    found.extend(before.chain(with).filter_map(|expr| own_use(expr, index, &outputs)).map(|(span, name)| {
        let message = format!("`{}.{name}` does not exist yet: it is what the step itself yields", node.name);
        Diagnostic::new(&codes_flow::TOO_EARLY, span, message)
            .advice("use it in `verify`, or in a later step; a value from before the action is a `remember`")
    }));
}

/// Members of a step's record that exist only when its action has ended well.
fn outputs(step: &Step) -> Vec<String> {
    let entry = step.action.as_ref().and_then(Act::of).map(|act| act.entry);
    let mut names = vec!["ended".to_owned()];
    if let Some(Ty::Record(record)) = entry.map(|entry| entry.result.yields(None)) {
        names.extend(record.fields.iter().map(|(name, _)| name.clone()));
    }
    names
}

fn own_use(expr: &Expr, own: usize, outputs: &[String]) -> Option<(Span, String)> {
    let mut first = None;
    expr.walk(&mut |part| {
        if let ExprKind::Field(base, name) = &part.kind
            && first.is_none()
            && node_of(base) == Some(own)
            && outputs.contains(name)
        {
            first = Some((part.span, name.clone()));
        }
    });
    first
}

/// The node whose record this is: `s`, or `s["v"]` of a fan-out.
fn node_of(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Ref(Ref::Node(node)) => Some(*node),
        ExprKind::Index(base, _) => match base.kind {
            ExprKind::Ref(Ref::Node(node)) => Some(node),
            _ => None,
        },
        _ => None,
    }
}

/// `restore(a, from: backup_of_b.file)`
fn wrong_backups(plan: &Plan, step: &Step, found: &mut Vec<Diagnostic>) {
    let alternatives = match &step.undo {
        Undo::Alternatives(all) => all.as_slice(),
        Undo::NotNeeded | Undo::Default | Undo::Nothing(_) | Undo::Irreversible(_) => &[],
    };
    for act in step.action.iter().chain(alternatives.iter().map(|one| &one.action)).filter_map(Act::of) {
        if act.entry.name != "restore" {
            continue;
        }
        let (Some(from), Some(target)) = (act.arg("from"), act.on()) else { continue };
        let Some((backup, source)) = backup_behind(plan, from).filter(|(_, source)| *source != target) else {
            continue;
        };
        let name = |resource: usize| &plan.resources[resource].name;
        let message = format!("`{}` is restored from a backup of `{}`", name(target), name(source));
        found.push(
            Diagnostic::new(&codes_flow::WRONG_BACKUP, from.span, message)
                .related(backup.name_span, format!("makes a backup of `{}`", name(source)))
                .advice(format!("restore it from a `backup({}, …)`", name(target))),
        );
    }
}

/// The step whose backup this is, and the database it is of.
fn backup_behind<'a>(plan: &'a Plan, from: &Expr) -> Option<(&'a Node, usize)> {
    let ExprKind::Field(base, _) = &from.kind else { return None };
    let node = &plan.nodes[node_of(base)?];
    let Body::Step(step) = &node.body else { return None };
    let act = Act::of(step.action.as_ref()?)?;
    (act.entry.name == "backup").then(|| act.on().map(|database| (node, database)))?
}

/// A step that can fail after one that cannot be taken back, with no gate between: what was done would stay.
pub(super) fn points_of_no_return(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    let final_step = |node: &usize| flow.step(*node).is_some_and(|step| matches!(step.undo, Undo::Irreversible(_)));
    let final_steps: Vec<usize> = flow.order.iter().copied().filter(final_step).collect();
    let fallible: Vec<bool> = (0..flow.order.len()).map(|node| flow.step(node).is_some_and(fallible)).collect();
    for some in final_steps.chunks(64) {
        // Only the first fallible step after each is named: what follows it is the same finding.
        let marks = flow.marks(some, |node| fallible[node] || flow.gate(node).is_some());
        for at in flow.order.iter().copied().filter(|at| fallible[*at]) {
            let meets = |bit: &usize| flow.places[some[*bit]].meet(&flow.places[at]);
            if let Some(bit) = bits(marks[at].before & !marks[at].parted).find(meets) {
                found.push(no_return(flow.node(at), flow.node(some[bit])));
            }
        }
    }
}

/// Whether a failure of the step unwinds what lies before it, and nobody has said otherwise.
fn fallible(step: &Step) -> bool {
    let decided = match &step.on_failure {
        Some(Policy::Undo(_) | Policy::Ask { .. } | Policy::Stop) => true,
        Some(Policy::UndoAll) | None => false,
    };
    !step.optional && !step.always && !decided
}

fn no_return(node: &Node, before: &Node) -> Diagnostic {
    let message = format!("when `{}` fails, `{}` cannot be taken back any more", node.name, before.name);
    Diagnostic::new(&codes_flow::NO_RETURN, node.name_span, message)
        .label("may fail")
        .related(before.name_span, "irreversible")
        .advice(format!(
            "do it before `{}`, or put a gate between them, or say `on failure stop` or `on failure ask` here",
            before.name
        ))
}
