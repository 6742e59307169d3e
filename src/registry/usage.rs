//! Which names a run can come across: nodes that are `only in` other environments need no secrets and no resources.

use std::collections::BTreeSet;

use crate::model::{
    Body, Call, Check, Environment, Expr, ExprKind, Gate, Node, Over, OverrideTarget, Plan, Policy, Ref, Step, Undo,
};
use crate::source::Span;

/// Whether a node is left out in this environment.
pub fn is_excluded(node: &Node, environment: Option<&str>) -> bool {
    !node.only_in.is_empty() && !node.only_in.iter().any(|name| Some(name.as_str()) == environment)
}

/// What the nodes, hooks and policies of a run refer to, directly and through lets, parameters and settings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub secrets: BTreeSet<usize>,
    pub resources: BTreeSet<usize>,
    lets: BTreeSet<usize>,
    params: BTreeSet<usize>,
}

/// Walks everything that can be evaluated in this environment.
pub(super) fn usage(plan: &Plan, environment: Option<&Environment>) -> Usage {
    let mut usage = Usage::default();
    let mut found: Vec<Ref> = Vec::new();
    let mut visit = |expr: &Expr| found.extend(names(expr));
    let name = environment.map(|environment| environment.name.as_str());
    let mut hosts = Vec::new();
    for node in plan.nodes.iter().filter(|node| !is_excluded(node, name)) {
        node_exprs(node, &mut visit);
        if let Body::Step(step) = &node.body {
            hosts.extend(step.on_host.map(Ref::Resource));
        }
    }
    plan.hooks.iter().flat_map(|hook| &hook.actions).for_each(&mut visit);
    if let Some(environment) = environment {
        environment.on_failure.iter().for_each(|policy| policy_exprs(policy, &mut visit));
    }
    found.extend(hosts);
    while let Some(name) = found.pop() {
        found.extend(usage.follow(plan, environment, name));
    }
    usage
}

impl Usage {
    /// Notes a name, and yields what it leads to when it is new.
    fn follow(&mut self, plan: &Plan, environment: Option<&Environment>, name: Ref) -> Vec<Ref> {
        match name {
            Ref::Secret(index) => {
                self.secrets.insert(index);
                Vec::new()
            }
            Ref::Let(index) if self.lets.insert(index) => names(&plan.lets[index].value),
            Ref::Param(index) if self.params.insert(index) => {
                param_expr(plan, environment, index).map(names).unwrap_or_default()
            }
            Ref::Resource(index) if self.resources.insert(index) => {
                settings(plan, environment, index).into_iter().flat_map(|(_, expr)| names(expr)).collect()
            }
            Ref::Let(_)
            | Ref::Param(_)
            | Ref::Resource(_)
            | Ref::Node(_)
            | Ref::Remembered(_)
            | Ref::Item
            | Ref::Plan
            | Ref::Run
            | Ref::Env => Vec::new(),
        }
    }
}

/// What a parameter is when nobody gives it: the environment's word, else its default.
pub(super) fn param_expr<'a>(plan: &'a Plan, environment: Option<&'a Environment>, index: usize) -> Option<&'a Expr> {
    let overrides = environment.map(|environment| environment.overrides.as_slice()).unwrap_or_default();
    let own = overrides.iter().rev().find(|entry| entry.target == OverrideTarget::Param(index));
    own.map(|entry| &entry.value).or(plan.params[index].default.as_ref())
}

/// The settings of a resource in an environment.
pub(super) fn settings<'a>(
    plan: &'a Plan,
    environment: Option<&'a Environment>,
    index: usize,
) -> Vec<(&'a str, &'a Expr)> {
    let mut settings: Vec<(&str, &Expr)> =
        plan.resources[index].settings.iter().map(|(key, value)| (key.as_str(), value)).collect();
    for entry in environment.map(|environment| environment.overrides.as_slice()).unwrap_or_default() {
        let OverrideTarget::Setting { resource, key } = &entry.target else { continue };
        if *resource == index {
            settings.retain(|(known, _)| known != key);
            settings.push((key, &entry.value));
        }
    }
    settings
}

/// The names in an expression.
pub(super) fn names(expr: &Expr) -> Vec<Ref> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if let ExprKind::Ref(name) = &part.kind {
            found.push(*name);
        }
    });
    found
}

/// What a run in this environment would use of functions and clauses that this version cannot carry out: its name, and where
/// it stands.
pub fn unreal(plan: &Plan, environment: Option<&str>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let mut visit = |expr: &Expr| {
        expr.walk(&mut |part| {
            if let ExprKind::Call(call) = &part.kind
                && super::find(call.kind, call.function).is_some_and(|function| !function.real)
            {
                found.push((format!("{}(…)", call.function), call.name_span));
            }
        });
    };
    let nodes = || plan.nodes.iter().filter(|node| !is_excluded(node, environment));
    nodes().for_each(|node| node_exprs(node, &mut visit));
    plan.hooks.iter().flat_map(|hook| &hook.actions).for_each(&mut visit);
    let hosts = nodes().filter(|node| matches!(&node.body, Body::Step(step) if step.on_host.is_some()));
    found.extend(hosts.map(|node| ("on HOST".to_owned(), node.span)));
    let chosen = plan.environments.iter().find(|each| Some(each.name.as_str()) == environment);
    found.extend(chosen.filter(|each| each.rehearsed.is_some()).map(|each| ("rehearsed within".to_owned(), each.span)));
    found.sort_by_key(|(_, span)| span.start);
    found
}

/// Every call of a node that a run in this environment can come to.
pub fn calls_of(node: &Node) -> Vec<&Call> {
    let mut found = Vec::new();
    node_exprs(node, &mut |expr| {
        // A walk borrows for as long as the node lives.
        expr.walk(&mut |part| {
            if let ExprKind::Call(call) = &part.kind {
                found.push(call.as_ref());
            }
        });
    });
    found
}

/// Every expression of a node, whole.
fn node_exprs<'a>(node: &'a Node, visit: &mut impl FnMut(&'a Expr)) {
    node.title.iter().for_each(&mut *visit);
    node.each.iter().for_each(|each| visit(&each.list));
    node.when.iter().for_each(&mut *visit);
    node.requires.iter().for_each(|check| check_exprs(check, visit));
    match &node.body {
        Body::Step(step) => step_exprs(step, visit),
        Body::Gate(gate) => gate_exprs(gate, visit),
    }
}

fn step_exprs<'a>(step: &'a Step, visit: &mut impl FnMut(&'a Expr)) {
    step.remember.iter().for_each(|remember| visit(&remember.value));
    step.action.iter().for_each(&mut *visit);
    step.verifies.iter().chain(&step.verify_undo).for_each(|check| check_exprs(check, visit));
    match &step.undo {
        Undo::Alternatives(alternatives) => alternatives.iter().for_each(|alternative| visit(&alternative.action)),
        Undo::NotNeeded | Undo::Default | Undo::Nothing(_) | Undo::Irreversible(_) => {}
    }
    step.done_when.iter().chain(&step.timeout).chain(&step.dir).for_each(&mut *visit);
    if let Some(retry) = &step.retry {
        visit(&retry.times);
        retry.backoff.iter().for_each(|(from, to)| {
            visit(from);
            visit(to);
        });
    }
    step.env.iter().for_each(|(_, value)| visit(value));
    step.on_failure.iter().for_each(|policy| policy_exprs(policy, visit));
}

fn gate_exprs<'a>(gate: &'a Gate, visit: &mut impl FnMut(&'a Expr)) {
    gate.show.iter().chain(&gate.checklist).chain(&gate.expires).for_each(&mut *visit);
    if let Some(approve) = &gate.approve {
        visit(&approve.count);
        visit(&approve.of);
        approve.escalate.iter().for_each(|(names, after)| {
            visit(names);
            visit(after);
        });
    }
}

fn check_exprs<'a>(check: &'a Check, visit: &mut impl FnMut(&'a Expr)) {
    visit(&check.expr);
    check.otherwise.iter().for_each(&mut *visit);
    match &check.over {
        Over::Once => {}
        Over::Within { span, every } => std::iter::once(span).chain(every).for_each(visit),
        Over::For { span, every, misses } => std::iter::once(span).chain(every).chain(misses).for_each(visit),
    }
}

fn policy_exprs<'a>(policy: &'a Policy, visit: &mut impl FnMut(&'a Expr)) {
    match policy {
        Policy::Ask { then_undo_after: Some(after) } => visit(after),
        Policy::Ask { then_undo_after: None } | Policy::Undo(_) | Policy::UndoAll | Policy::Stop => {}
    }
}
