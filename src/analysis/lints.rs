//! Good practice: what a plan may do otherwise, if it says why.

use std::collections::BTreeSet;

use crate::diag::Diagnostic;
use crate::model::{Allow, Body, Call, Check, Expr, ExprKind, Over, Piece, Plan, Ref, Value};
use crate::registry::{self, TextUse};

use super::codes_flow;
use super::flow::{Flow, bits};
use super::node::visit;

/// What these environments are called is what makes them production.
const PRODUCTION: [&str; 3] = ["production", "prod", "live"];

/// How long somebody watches after the last change, at least: 10 minutes.
const WATCH: u64 = 10 * 60 * 1000;

/// A finding, and the node whose `allow` may silence it.
struct Finding {
    node: Option<usize>,
    diagnostic: Diagnostic,
}

/// Everything that good practice asks for and no `allow` silences.
pub(super) fn check(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let release = Release::of(flow);
    if !release.steps.is_empty() {
        reviews(flow, &release, &mut findings);
        verifications(flow, &release, &mut findings);
        watches(flow, &release, &mut findings);
        windows(flow, &release, &mut findings);
        for action in ["migrate", "push"] {
            many_changes(flow, &release, action, &mut findings);
        }
    }
    backups_stay(flow, &mut findings);
    texts(flow.plan, &mut findings);
    silence(flow.plan, findings, found);
}

/// What is known to change production: migrations and pushes that may run there.
struct Release {
    steps: Vec<usize>,
    /// The environments that are production; a plan without any is always in production.
    environments: Vec<usize>,
}

impl Release {
    fn of(flow: &Flow<'_>) -> Self {
        let named = flow.plan.environments.iter().enumerate();
        let production = named.filter(|(_, e)| PRODUCTION.contains(&e.name.to_lowercase().as_str()));
        let mut release = Self { steps: Vec::new(), environments: production.map(|(at, _)| at).collect() };
        if flow.plan.environments.is_empty() {
            release.environments.push(0);
        }
        release.steps = release.doing(flow, &["migrate", "push"]);
        release
    }

    fn has(&self, flow: &Flow<'_>, node: usize) -> bool {
        self.environments.iter().any(|at| flow.places[node].has(*at))
    }

    /// The steps that do one of these actions in production, in the order in which they run.
    fn doing(&self, flow: &Flow<'_>, actions: &[&str]) -> Vec<usize> {
        let does = |node: &usize| flow.acts[*node].is_some_and(|act| actions.contains(&act.entry.name));
        flow.order.iter().copied().filter(|node| does(node) && self.has(flow, *node)).collect()
    }
}

/// Before a migration somebody looks at it: a preview, or a gate where a person says yes.
fn reviews(flow: &Flow<'_>, release: &Release, findings: &mut Vec<Finding>) {
    let asks = |node: usize| flow.gate(node).is_some_and(|gate| gate.approve.is_some() || gate.checklist.is_some());
    let gated = flow.before(|node| asks(node) && release.has(flow, node));
    let mut open = release.doing(flow, &["migrate"]);
    open.retain(|migration| !gated[*migration]);
    for some in release.doing(flow, &["preview"]).chunks(64) {
        let marks = flow.marks(some, |_| false);
        let of = |node: usize| flow.acts[node].and_then(|act| act.on());
        open.retain(|migration| !bits(marks[*migration].before).any(|bit| of(some[bit]) == of(*migration)));
    }
    for node in open {
        let message = format!("nobody looks at what `{}` does before it is done in production", flow.node(node).name);
        let diagnostic = Diagnostic::new(&codes_flow::NO_REVIEW, flow.node(node).name_span, message);
        findings.push(Finding::at(
            node,
            diagnostic.advice("put a `preview` before it, and a gate that shows `preview.sql`"),
        ));
    }
}

fn verifications(flow: &Flow<'_>, release: &Release, findings: &mut Vec<Finding>) {
    let verified = flow.here_or_after(|node| flow.step(node).is_some_and(|step| !step.verifies.is_empty()));
    for node in release.doing(flow, &["migrate"]).into_iter().filter(|node| !verified[*node]) {
        let message = format!("nothing verifies that `{}` has worked", flow.node(node).name);
        let diagnostic = Diagnostic::new(&codes_flow::NO_VERIFICATION, flow.node(node).name_span, message);
        findings
            .push(Finding::at(node, diagnostic.advice("add `verify …`, for example that the revision is the new one")));
    }
}

fn watches(flow: &Flow<'_>, release: &Release, findings: &mut Vec<Finding>) {
    let watched = flow.here_or_after(|node| flow.step(node).is_some_and(|step| step.verifies.iter().any(watches_on)));
    let changes = |node: usize| flow.acts[node].is_some_and(|act| act.changes().is_some()) && release.has(flow, node);
    let changing = flow.here_or_after(changes);
    let last = |node: &usize| changes(*node) && !flow.graph.after(*node).any(|after| changing[after]);
    for node in flow.order.iter().copied().filter(last).filter(|node| !watched[*node]) {
        let message = format!("nobody watches after `{}`, the last change", flow.node(node).name);
        let diagnostic = Diagnostic::new(&codes_flow::NO_WATCH, flow.node(node).name_span, message);
        findings.push(Finding::at(node, diagnostic.advice("add a step after it with `verify … for 30m every 15s`")));
    }
}

/// Whether a check looks on for long enough; how long a value is that is given at the start is not ours to say.
fn watches_on(check: &Check) -> bool {
    match &check.over {
        Over::For { span, .. } => !matches!(span.kind, ExprKind::Const(Value::Duration(short)) if short < WATCH),
        Over::Once | Over::Within { .. } => false,
    }
}

fn windows(flow: &Flow<'_>, release: &Release, findings: &mut Vec<Finding>) {
    let advice = "add `window \"22:00-06:00 Asia/Seoul\"`, with your hours and zone, to the environment or a gate";
    let gates = (0..flow.order.len()).filter(|node| flow.gate(*node).is_some_and(|gate| gate.window.is_some()));
    let gates: Vec<usize> = gates.collect();
    for at in &release.environments {
        let environment = flow.plan.environments.get(*at);
        let concerned = release.steps.iter().find(|node| flow.places[**node].has(*at));
        let (Some(first), false) = (concerned, gates.iter().any(|gate| flow.places[*gate].has(*at))) else { continue };
        if environment.is_some_and(|environment| environment.window.is_some()) {
            continue;
        }
        let (span, message) = match environment {
            Some(environment) => (environment.span, format!("`{}` may be changed at any hour", environment.name)),
            None => (flow.node(*first).name_span, "production may be changed at any hour".to_owned()),
        };
        let node = environment.is_none().then_some(*first);
        findings
            .push(Finding { node, diagnostic: Diagnostic::new(&codes_flow::NO_WINDOW, span, message).advice(advice) });
    }
}

fn many_changes(flow: &Flow<'_>, release: &Release, action: &str, findings: &mut Vec<Finding>) {
    let steps = release.doing(flow, &[action]);
    let Some((first, others)) = steps.split_first() else { return };
    for node in others.iter().copied() {
        let message = format!("`{}` is one more `{action}` in one release", flow.node(node).name);
        let diagnostic = Diagnostic::new(&codes_flow::MANY_CHANGES, flow.node(node).name_span, message)
            .related(flow.node(*first).name_span, "the first one")
            .advice("make a release of each, so that each can be taken back alone");
        findings.push(Finding::at(node, diagnostic));
    }
}

/// A backup that stays where it was made, and for nobody knows how long.
fn backups_stay(flow: &Flow<'_>, findings: &mut Vec<Finding>) {
    let backups = flow.doing("backup");
    if backups.is_empty() {
        return;
    }
    let mut taken = vec![false; flow.order.len()];
    for node in &flow.plan.nodes {
        let Some(action) = (match &node.body {
            Body::Step(step) => step.action.as_ref(),
            Body::Gate(_) => None,
        }) else {
            continue;
        };
        action.walk(&mut |part| {
            if let ExprKind::Ref(Ref::Node(used)) = part.kind {
                taken[used] = true;
            }
        });
    }
    for node in backups.into_iter().filter(|node| !taken[*node]) {
        let Some(act) = flow.acts[node] else { continue };
        if act.arg("copy").is_none() && act.arg("keep").is_none() {
            let message = format!("the backup of `{}` is copied nowhere", flow.node(node).name);
            let diagnostic = Diagnostic::new(&codes_flow::BACKUP_STAYS, act.call.name_span, message);
            findings.push(Finding::at(node, diagnostic.advice("add `copy: \"s3://…\"`, or at least `keep: 30d`")));
        }
    }
}

/// What stands in command lines and shell scripts, anywhere in the plan.
fn texts(plan: &Plan, findings: &mut Vec<Finding>) {
    for (index, node) in plan.nodes.iter().enumerate() {
        visit(node, &mut |expr| calls(expr, Some(index), findings));
    }
    let hooks = plan.hooks.iter().flat_map(|hook| &hook.actions);
    let settings = plan.resources.iter().flat_map(|resource| resource.settings.iter().map(|(_, value)| value));
    let overrides = plan.environments.iter().flat_map(|environment| environment.overrides.iter().map(|o| &o.value));
    hooks.chain(settings).chain(overrides).for_each(|expr| calls(expr, None, findings));
}

fn calls(expr: &Expr, node: Option<usize>, findings: &mut Vec<Finding>) {
    expr.walk(&mut |part| {
        if let ExprKind::Call(call) = &part.kind {
            command_lines(call, node, findings);
        }
    });
}

fn command_lines(call: &Call, node: Option<usize>, findings: &mut Vec<Finding>) {
    let Some(entry) = registry::find(call.kind, call.function) else { return };
    for (param, arg) in entry.params.iter().zip(&call.args) {
        let (Some(arg), true) = (arg, param.text != TextUse::Plain) else { continue };
        let ExprKind::Template(template) = &arg.kind else {
            if arg.secret {
                findings.push(secret(arg, node));
            }
            continue;
        };
        for piece in &template.parts {
            let Piece::Value { expr, raw } = piece else { continue };
            if expr.secret {
                findings.push(secret(expr, node));
            }
            if *raw && param.text == TextUse::Shell {
                let message = "a value goes into a shell script as it is, without quotes";
                let diagnostic = Diagnostic::new(&codes_flow::RAW_IN_SHELL, expr.span, message);
                findings.push(Finding { node, diagnostic: diagnostic.advice("write it with two braces: `{{ … }}`") });
            }
        }
    }
}

fn secret(expr: &Expr, node: Option<usize>) -> Finding {
    let message = "a secret stands on a command line, where every process of the machine can read it";
    let diagnostic = Diagnostic::new(&codes_flow::SECRET_ON_COMMAND_LINE, expr.span, message);
    Finding { node, diagnostic: diagnostic.advice("hand it over with `env: { NAME: … }` or `stdin:`") }
}

impl Finding {
    fn at(node: usize, diagnostic: Diagnostic) -> Self {
        Self { node: Some(node), diagnostic }
    }
}

/// Leaves out what is allowed, and says which `allow` allows nothing.
fn silence(plan: &Plan, findings: Vec<Finding>, found: &mut Vec<Diagnostic>) {
    let mut used = BTreeSet::new();
    for Finding { node, diagnostic } in findings {
        match allowing(plan, node, diagnostic.code.name) {
            Some(allow) => drop(used.insert((allow.span.start, allow.span.end))),
            None => found.push(diagnostic),
        }
    }
    let own = plan
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.allows.iter().map(move |allow| (Some(index), allow)));
    for (node, allow) in own.chain(plan.allows.iter().map(|allow| (None, allow))) {
        let itself = allow.lint == codes_flow::NEEDLESS_ALLOW.name;
        let needed = used.contains(&(allow.span.start, allow.span.end));
        if itself || needed || allowing(plan, node, codes_flow::NEEDLESS_ALLOW.name).is_some() {
            continue;
        }
        let message = format!("there is nothing here that `allow {}` would silence", allow.lint);
        found.push(Diagnostic::new(&codes_flow::NEEDLESS_ALLOW, allow.span, message).advice("take it away"));
    }
}

fn allowing<'a>(plan: &'a Plan, node: Option<usize>, lint: &str) -> Option<&'a Allow> {
    let own = node.map(|node| plan.nodes[node].allows.as_slice()).unwrap_or_default();
    own.iter().chain(&plan.allows).find(|allow| allow.lint == lint)
}
