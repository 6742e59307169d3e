//! Steps and gates: their clauses, and what must hold between them.

use std::collections::HashMap;

use crate::diag::Diagnostic;
use crate::model::{Allow, Approve, Body, Dep, DepKind, Each, Expr, ExprKind, Gate, Node, Ref, Ty, Undo, Value};
use crate::source::Span;
use crate::syntax::ast::{self, Clause, ClauseKind, NodeDecl, NodeKind};

use super::clauses::{self, positive, reason};
use super::codes;
use super::context::{Context, Place, at, uses};
use super::expr::{expect, lower, lower_text, with_article, with_certain};
use super::window;

/// Types a step or gate.
pub(super) fn lower_node(cx: &mut Context<'_>, decl: &NodeDecl, index: usize, environments: &[String]) -> Node {
    let mut place = Place { node: Some(index), nodes: true, ..Place::default() };
    let each = decl.each.as_ref().map(|(var, list)| fan_out(cx, var, list, &mut place));
    let when = clause(decl, |kind| matches!(kind, ClauseKind::When(_))).and_then(|clause| match &clause.kind {
        ClauseKind::When(expr) => {
            let expr = lower(cx, expr, &probing(&place));
            expect(cx, &expr, &Ty::Bool, "`when` is");
            place = with_certain(&place, &expr, true);
            Some(expr)
        }
        _ => None,
    });
    let title = decl.title.as_ref().map(|text| lower_text(cx, text, &Place { nodes: false, ..place.clone() }));
    let mut node = Node {
        name: decl.name.text.clone(),
        name_span: at(&decl.name),
        title,
        each,
        deps: Vec::new(),
        only_in: Vec::new(),
        when,
        requires: Vec::new(),
        allows: Vec::new(),
        body: Body::Gate(Box::new(Gate {
            show: Vec::new(),
            window: None,
            checklist: None,
            approve: None,
            expires: None,
        })),
        span: decl.loc.0,
    };
    clauses::repeated(cx, &decl.clauses);
    common(cx, decl, &mut node, index, &place, environments);
    node.body = match decl.kind {
        NodeKind::Step => Body::Step(Box::new(super::step::lower_step(cx, decl, index, &place))),
        NodeKind::Gate => Body::Gate(Box::new(gate(cx, decl, &place))),
    };
    infer(&mut node, index);
    node
}

fn clause(decl: &NodeDecl, wanted: impl Fn(&ClauseKind) -> bool) -> Option<&Clause> {
    decl.clauses.iter().find(|clause| wanted(&clause.kind))
}

/// The same place, where probes may be called.
pub(super) fn probing(place: &Place) -> Place {
    Place { probes: true, ..place.clone() }
}

fn fan_out(cx: &mut Context<'_>, var: &ast::Name, list: &ast::Expr, place: &mut Place) -> Each {
    let list = lower(cx, list, &Place::default());
    let item = match &list.ty {
        Ty::List(of) if of.is_scalar() => of.as_ref().clone(),
        Ty::Error => Ty::Error,
        other => {
            let message = format!(
                "a fan-out goes over a list of texts, numbers or the like, and this is {}",
                with_article(other)
            );
            cx.say(
                Diagnostic::new(&codes::BAD_FAN_OUT, list.span, message)
                    .advice("for example `for region in [\"eu\", \"us\"]`"),
            );
            Ty::Error
        }
    };
    if list.secret {
        cx.wrong(&codes::BAD_FAN_OUT, list.span, "the items name the steps of the run, so they cannot be secret");
    }
    if let Some((_, earlier)) = cx.names.find(&var.text) {
        let message = format!("`{}` is taken", var.text);
        cx.say(Diagnostic::new(&codes::NAME_TWICE, at(var), message).related(earlier, "first declared here"));
    }
    place.own.insert(var.text.clone(), (Ref::Item, item.clone()));
    Each { var: var.text.clone(), list, item }
}

/// The clauses that steps and gates share.
fn common(
    cx: &mut Context<'_>,
    decl: &NodeDecl,
    node: &mut Node,
    index: usize,
    place: &Place,
    environments: &[String],
) {
    for clause in &decl.clauses {
        match &clause.kind {
            ClauseKind::After(names) => node.deps.extend(names.iter().filter_map(|name| after(cx, name, index))),
            ClauseKind::OnlyIn(names) => node.only_in.extend(names.iter().map(|name| {
                if !environments.contains(&name.text) {
                    unknown_environment(cx, name, environments);
                }
                name.text.clone()
            })),
            ClauseKind::Require { check, otherwise } => {
                node.requires.push(clauses::check(
                    cx,
                    check,
                    otherwise.as_ref(),
                    &super::step::with_remembered(cx, decl, index, place),
                ));
            }
            ClauseKind::Allow { lint, reason: text } => node.allows.extend(allow(cx, lint, text, clause.loc.0)),
            kind if !clauses::belongs(decl.kind, kind) => {
                clauses::misplaced(cx, clause, if decl.kind == NodeKind::Step { "a step" } else { "a gate" });
            }
            _ => {}
        }
    }
}

fn after(cx: &mut Context<'_>, name: &ast::Name, index: usize) -> Option<Dep> {
    let span = at(name);
    let (what, _) = cx.resolve(&name.text, span, &Place { nodes: true, ..Place::default() })?;
    match what {
        Ref::Node(node) if node == index => {
            cx.wrong(&codes::SELF_REFERENCE, span, format!("`{}` cannot come after itself", name.text));
            None
        }
        Ref::Node(node) => Some(Dep { node, why: DepKind::After, span }),
        other => {
            let message = format!("`{}` is {}, not a step or gate", name.text, super::names::word(other));
            cx.wrong(&codes::WRONG_PLACE, span, message);
            None
        }
    }
}

fn unknown_environment(cx: &mut Context<'_>, name: &ast::Name, environments: &[String]) {
    let near = super::names::nearest(&name.text, environments.iter().map(String::as_str));
    let diagnostic =
        Diagnostic::new(&codes::UNKNOWN_ENVIRONMENT, at(name), format!("there is no environment `{}`", name.text));
    cx.say(diagnostic.advice(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: `environment {} {{ … }}`", name.text),
    }));
}

/// `allow lint "reason"`
pub(super) fn allow(cx: &mut Context<'_>, lint: &ast::Name, text: &ast::Text, span: Span) -> Option<Allow> {
    let lints: Vec<&str> = super::lint_names().collect();
    let reason = reason(cx, text);
    if lints.contains(&lint.text.as_str()) {
        return Some(Allow { lint: lint.text.clone(), reason, span });
    }
    let diagnostic = Diagnostic::new(&codes::UNKNOWN_LINT, at(lint), format!("there is no lint `{}`", lint.text));
    cx.say(diagnostic.advice(match super::names::nearest(&lint.text, lints.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`plan explain` lists the lints; errors cannot be allowed".into(),
    }));
    None
}

fn gate(cx: &mut Context<'_>, decl: &NodeDecl, place: &Place) -> Gate {
    let mut gate = Gate { show: Vec::new(), window: None, checklist: None, approve: None, expires: None };
    let mut holds = false;
    for clause in &decl.clauses {
        match &clause.kind {
            ClauseKind::Show(items) => gate.show = items.iter().map(|item| lower(cx, item, place)).collect(),
            ClauseKind::Window(given) => gate.window = window::lower(cx, given, clause.loc.0),
            ClauseKind::Checklist(items) => {
                let items = lower(cx, items, &Place { nodes: false, ..place.clone() });
                expect(cx, &items, &Ty::list(Ty::String), "a checklist is");
                gate.checklist = Some(items);
            }
            ClauseKind::Approve(given) => gate.approve = Some(approve(cx, given, place)),
            ClauseKind::Expires(after) => {
                gate.expires = Some(positive(cx, after, &Ty::Duration, "`expires` takes", place))
            }
            _ => {}
        }
        holds |= matches!(
            clause.kind,
            ClauseKind::Window(_) | ClauseKind::Checklist(_) | ClauseKind::Approve(_) | ClauseKind::Require { .. }
        );
    }
    if !holds {
        let diagnostic =
            Diagnostic::new(&codes::EMPTY_GATE, at(&decl.name), format!("nothing holds the gate `{}`", decl.name.text));
        cx.say(diagnostic.advice("give it `approve 1 of [\"…\"]`, a `checklist`, a `window` or a `require`"));
    }
    gate
}

fn approve(cx: &mut Context<'_>, given: &ast::Approve, place: &Place) -> Approve {
    let pure = Place { nodes: false, ..place.clone() };
    let count = positive(cx, &given.count, &Ty::Int, "`approve` takes", &pure);
    let of = lower(cx, &given.of, &pure);
    expect(cx, &of, &Ty::list(Ty::String), "those who may approve are");
    if let (ExprKind::Const(Value::Int(count)), ExprKind::List(names)) = (&count.kind, &of.kind) {
        let names = names.len();
        let enough = usize::try_from(*count).is_ok_and(|count| count <= names);
        if *count == 0 || (!enough && given.escalate.is_none()) {
            let message = format!("{count} of {names} people cannot approve");
            cx.wrong(&codes::BAD_APPROVAL, given.count.loc.0, message);
        }
    }
    let escalate = given.escalate.as_ref().map(|(names, after)| {
        let names = lower(cx, names, &pure);
        expect(cx, &names, &Ty::list(Ty::String), "those to escalate to are");
        (names, positive(cx, after, &Ty::Duration, "`after` takes", &pure))
    });
    Approve { count, of, not_author: given.not_author, escalate }
}

/// Adds the edges that come from using what other nodes yield, and keeps one edge a node.
fn infer(node: &mut Node, index: usize) {
    let mut found = std::mem::take(&mut node.deps);
    visit(node, &mut |expr| uses(expr, index, &mut found));
    let mut edges: HashMap<usize, usize> = HashMap::new();
    for dep in found {
        match edges.get(&dep.node) {
            // Using is the stronger reason: without the output the step cannot run.
            Some(at) if dep.why == DepKind::Uses => {
                let kept: &mut Dep = &mut node.deps[*at];
                kept.why = DepKind::Uses;
            }
            Some(_) => {}
            None => {
                edges.insert(dep.node, node.deps.len());
                node.deps.push(dep);
            }
        }
    }
}

/// Calls `look` for every expression of a node.
fn visit(node: &Node, look: &mut impl FnMut(&Expr)) {
    node.title.iter().chain(&node.when).for_each(&mut *look);
    let check = |check: &crate::model::Check, look: &mut dyn FnMut(&Expr)| {
        look(&check.expr);
        if let Some(otherwise) = &check.otherwise {
            look(otherwise);
        }
    };
    node.requires.iter().for_each(|c| check(c, look));
    match &node.body {
        Body::Gate(gate) => gate.show.iter().for_each(&mut *look),
        Body::Step(step) => {
            step.remember.iter().for_each(|r| look(&r.value));
            step.action.iter().chain(&step.done_when).chain(&step.dir).for_each(&mut *look);
            step.env.iter().for_each(|(_, value)| look(value));
            step.verifies.iter().chain(&step.verify_undo).for_each(|c| check(c, look));
            if let Undo::Alternatives(all) = &step.undo {
                all.iter().for_each(|alternative| look(&alternative.action));
            }
        }
    }
}
