//! Lays the work of a run out: fan-outs expanded, the environment chosen, every constant a number.

use crate::model::{
    AlternativeSpec, Approve, ApproveSpec, Body, Call, Check, DepKind, Expr, ExprKind, FunctionKind, Gate, GateSpec,
    Graph, Node, Over, Plan, Policy, PolicySpec, Retry, Step, StepSpec, Timing, Undo, UndoSpec, Value, Work, WorkBody,
    WorkDep, WorkNode,
};
use crate::source::Span;

use super::bind::{BindProblem, Bound, WithItem};
use super::operators::{elements, scalar};
use super::usage::is_excluded;
use super::{DefaultUndo, Effect, Function, RetryClass, eval_pure, find, printed, shown};

/// How often a check over time is read when the plan does not say, in milliseconds.
const EVERY_WITHIN: u64 = 5_000;
const EVERY_FOR: u64 = 15_000;

/// Shortest and longest pause between attempts when the plan does not say, in milliseconds.
const BACKOFF: (u64, u64) = (1_000, 30_000);

/// What stands in [`ApproveSpec::not`] for `not author`, until the driver puts the names there that it has found.
pub const AUTHOR: &str = "author";

/// Lays out the work of a run. `on_failure` is what the command line says: it replaces every policy of the plan.
/// Everything that is wrong is reported at once.
pub fn expand(
    plan: &Plan,
    bound: &Bound,
    jobs: usize,
    on_failure: Option<PolicySpec>,
) -> Result<Work, Vec<BindProblem>> {
    let mut expansion = Expansion {
        plan,
        bound,
        ranges: Vec::new(),
        given: on_failure,
        policy: PolicySpec::UndoAll,
        problems: Vec::new(),
    };
    let items: Vec<Option<Vec<Value>>> = plan.nodes.iter().map(|node| expansion.items(node)).collect();
    if !expansion.problems.is_empty() {
        return Err(expansion.problems);
    }
    expansion.number(&items);
    let environment =
        plan.environments.iter().find(|environment| Some(environment.name.as_str()) == bound.environment());
    let of_environment = environment.and_then(|environment| environment.on_failure.as_ref());
    if let Some(policy) = of_environment {
        expansion.policy = expansion.policy_spec(policy, &bound.with_item(None));
    }
    let standing = expansion.standing_in();
    let nodes: Vec<WorkNode> =
        (0..plan.nodes.len()).flat_map(|decl| expansion.instances(decl, items[decl].as_deref(), &standing)).collect();
    if !expansion.problems.is_empty() {
        return Err(expansion.problems);
    }
    let edges = nodes.iter().enumerate().flat_map(|(at, node)| node.deps.iter().map(move |dep| (dep.node, at)));
    let graph = Graph::new(nodes.len(), edges);
    let window = environment.is_some_and(|environment| environment.window.is_some());
    Ok(Work { graph, nodes, window, jobs: jobs.max(1) })
}

struct Expansion<'a> {
    plan: &'a Plan,
    bound: &'a Bound,
    /// Work nodes of each declaration.
    ranges: Vec<std::ops::Range<usize>>,
    /// What a failure does when the step does not say.
    /// What the command line says, before all that the plan says.
    given: Option<PolicySpec>,
    policy: PolicySpec,
    problems: Vec<BindProblem>,
}

impl Expansion<'_> {
    /// The items of a fan-out; `None` when it is none.
    fn items(&mut self, node: &Node) -> Option<Vec<Value>> {
        let each = node.each.as_ref()?;
        let items = match eval_pure(&each.list, self.bound).map(elements) {
            Ok(Some(items)) => items,
            Ok(None) => {
                self.problem("what `for` goes through is not a list", each.list.span);
                Vec::new()
            }
            Err(error) => {
                self.problems.push(error.into());
                Vec::new()
            }
        };
        let mut ids: Vec<String> = items.iter().map(item_text).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            let message =
                format!("`{}` goes through {} twice: each instance needs an item of its own", node.name, twice[0]);
            self.problem(message, each.list.span);
        }
        Some(items)
    }

    /// Gives every instance its index: plan order, then list order.
    fn number(&mut self, items: &[Option<Vec<Value>>]) {
        let mut next = 0;
        for items in items {
            let count = items.as_ref().map_or(1, Vec::len);
            self.ranges.push(next..next + count);
            next += count;
        }
    }

    /// For each declaration what a dependency on it means: its instances; when it has none, whatever it depends on itself.
    fn standing_in(&self) -> Vec<Vec<usize>> {
        let mut standing: Vec<Vec<usize>> = self.ranges.iter().map(|range| range.clone().collect()).collect();
        if self.ranges.iter().all(|range| !range.is_empty()) {
            return standing;
        }
        let edges =
            self.plan.nodes.iter().enumerate().flat_map(|(at, node)| node.deps.iter().map(move |dep| (dep.node, at)));
        let order = Graph::new(self.plan.nodes.len(), edges).order().expect("a checked plan has no cycle");
        for decl in order.into_iter().filter(|decl| self.ranges[*decl].is_empty()) {
            let mut through: Vec<usize> =
                self.plan.nodes[decl].deps.iter().flat_map(|dep| standing[dep.node].clone()).collect();
            through.sort_unstable();
            through.dedup();
            standing[decl] = through;
        }
        standing
    }

    fn instances(&mut self, decl: usize, items: Option<&[Value]>, standing: &[Vec<usize>]) -> Vec<WorkNode> {
        let plan = self.plan;
        let node = &plan.nodes[decl];
        let deps = self.deps(node, standing);
        let Some(items) = items else { return vec![self.instance(decl, None, deps)] };
        let in_order = changes_resource(node);
        let first = self.ranges[decl].start;
        let mut instances = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let mut deps = deps.clone();
            if in_order && position > 0 {
                deps.push(WorkDep { node: first + position - 1, uses: false });
            }
            instances.push(self.instance(decl, Some(item), deps));
        }
        instances
    }

    fn deps(&self, node: &Node, standing: &[Vec<usize>]) -> Vec<WorkDep> {
        let mut deps: Vec<WorkDep> = Vec::new();
        for dep in &node.deps {
            let direct = !self.ranges[dep.node].is_empty();
            let uses = direct && dep.why == DepKind::Uses;
            deps.extend(standing[dep.node].iter().map(|node| WorkDep { node: *node, uses }));
        }
        // The stronger reason of two for one node stays.
        deps.sort_by_key(|dep| (dep.node, !dep.uses));
        deps.dedup_by_key(|dep| dep.node);
        deps
    }

    fn instance(&mut self, decl: usize, item: Option<&Value>, deps: Vec<WorkDep>) -> WorkNode {
        let plan = self.plan;
        let node = &plan.nodes[decl];
        let bound = self.bound;
        let scope = bound.with_item(item);
        let body = match &node.body {
            Body::Step(step) => WorkBody::Step(self.step(step, &scope)),
            Body::Gate(gate) => WorkBody::Gate(self.gate(gate, &scope)),
        };
        WorkNode {
            id: item.map_or_else(|| node.name.clone(), |item| format!("{}[{}]", node.name, item_text(item))),
            decl,
            item: item.cloned(),
            deps,
            excluded: is_excluded(node, bound.environment()),
            when: node.when.is_some(),
            requires: self.timings(&node.requires, &scope),
            body,
        }
    }

    fn step(&mut self, step: &Step, scope: &WithItem<'_>) -> StepSpec {
        let entry = step.action.as_ref().and_then(entry_of);
        let retries = step.retry.as_ref().map_or((0, BACKOFF), |retry| self.retry(retry, scope));
        if let Some(timeout) = &step.timeout {
            self.positive(timeout, scope, "`timeout`");
        }
        StepSpec {
            observes: !step.remember.is_empty() || entry.is_some_and(|entry| entry.captures),
            action: step.action.is_some(),
            effect: entry.is_some_and(|entry| entry.effect != Effect::None),
            idempotent: step.idempotent || entry.is_some_and(|entry| entry.retry == RetryClass::Idempotent),
            atomic: step.atomic || entry.is_some_and(|entry| entry.retry == RetryClass::Atomic),
            verifies: self.timings(&step.verifies, scope),
            undo: undo_spec(step, entry),
            verify_undo: self.timings(&step.verify_undo, scope),
            done_when: step.done_when.is_some() || entry.is_some_and(|entry| entry.settles),
            retries: retries.0,
            backoff: retries.1,
            optional: step.optional,
            always: step.always,
            on_failure: match (&self.given, &step.on_failure) {
                (Some(given), _) => given.clone(),
                (None, Some(policy)) => self.policy_spec(policy, scope),
                (None, None) => self.policy.clone(),
            },
        }
    }

    fn retry(&mut self, retry: &Retry, scope: &WithItem<'_>) -> (u32, (u64, u64)) {
        let times = self.count(&retry.times, scope, "`retry`", 0);
        let Some((from, to)) = &retry.backoff else { return (times, BACKOFF) };
        let pause = (self.duration(from, scope), self.duration(to, scope));
        if pause.0 > pause.1 {
            self.problem("the shortest pause of `backoff` is longer than the longest", from.span.to(to.span));
        }
        (times, pause)
    }

    fn timings(&mut self, checks: &[Check], scope: &WithItem<'_>) -> Vec<Timing> {
        checks.iter().map(|check| self.timing(&check.over, scope)).collect()
    }

    fn timing(&mut self, over: &Over, scope: &WithItem<'_>) -> Timing {
        let mut rhythm = |every: &Option<Expr>, default: u64| {
            every.as_ref().map_or(default, |every| self.positive(every, scope, "`every`"))
        };
        match over {
            Over::Once => Timing::Once,
            Over::Within { span, every } => {
                let every = rhythm(every, EVERY_WITHIN);
                Timing::Within { span: self.duration(span, scope), every }
            }
            Over::For { span, every, misses } => {
                let every = rhythm(every, EVERY_FOR);
                let misses = misses.as_ref().map_or(0, |misses| self.count(misses, scope, "`misses`", 0));
                Timing::For { span: self.duration(span, scope), every, misses }
            }
        }
    }

    fn policy_spec(&mut self, policy: &Policy, scope: &WithItem<'_>) -> PolicySpec {
        match policy {
            Policy::Undo(decls) => PolicySpec::Undo(decls.iter().flat_map(|decl| self.ranges[*decl].clone()).collect()),
            Policy::UndoAll => PolicySpec::UndoAll,
            Policy::Ask { then_undo_after } => {
                PolicySpec::Ask { then_undo_after: then_undo_after.as_ref().map(|after| self.duration(after, scope)) }
            }
            Policy::Stop => PolicySpec::Stop,
        }
    }

    fn gate(&mut self, gate: &Gate, scope: &WithItem<'_>) -> GateSpec {
        GateSpec {
            window: gate.window.is_some(),
            checklist: gate.checklist.as_ref().map_or(0, |list| self.strings(list, scope).len()),
            approve: gate.approve.as_ref().map(|approve| self.approve(approve, scope)),
            expires: gate.expires.as_ref().map(|expires| self.positive(expires, scope, "`expires`")),
        }
    }

    fn approve(&mut self, approve: &Approve, scope: &WithItem<'_>) -> ApproveSpec {
        let count = self.count(&approve.count, scope, "`approve`", 1);
        let of = self.strings(&approve.of, scope);
        let escalate = approve.escalate.as_ref().map(|(names, after)| {
            let names = self.strings(names, scope);
            (names, self.duration(after, scope))
        });
        let names: std::collections::BTreeSet<&String> =
            of.iter().chain(escalate.iter().flat_map(|(names, _)| names)).collect();
        if (names.len() as u64) < u64::from(count) {
            let message = format!("{count} approvals are wanted, and only {} can give them", people(names.len()));
            self.problem(message, approve.of.span);
        }
        let not = if approve.not_author { vec![AUTHOR.to_owned()] } else { Vec::new() };
        ApproveSpec { count, of, not, escalate }
    }

    fn problem(&mut self, message: impl Into<String>, span: Span) {
        let problem = BindProblem::new(message).at(span);
        // Instances of a fan-out share their clauses: each problem is said once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn value(&mut self, expr: &Expr, scope: &WithItem<'_>) -> Option<Value> {
        match eval_pure(expr, scope) {
            Ok(value) => Some(scalar(&value)),
            Err(error) => {
                self.problem(error.message, error.span);
                None
            }
        }
    }

    fn duration(&mut self, expr: &Expr, scope: &WithItem<'_>) -> u64 {
        match self.value(expr, scope) {
            Some(Value::Duration(millis)) => millis,
            Some(other) => {
                self.problem(format!("{} is not a duration", shown(&other)), expr.span);
                0
            }
            None => 0,
        }
    }

    fn positive(&mut self, expr: &Expr, scope: &WithItem<'_>, what: &str) -> u64 {
        let before = self.problems.len();
        let millis = self.duration(expr, scope);
        if millis == 0 && self.problems.len() == before {
            self.problem(format!("{what} has to be longer than 0s"), expr.span);
        }
        millis
    }

    fn count(&mut self, expr: &Expr, scope: &WithItem<'_>, what: &str, least: u32) -> u32 {
        match self.value(expr, scope) {
            Some(Value::Int(number)) => match u32::try_from(number) {
                Ok(number) if number >= least => number,
                Ok(_) | Err(_) => {
                    self.problem(format!("{what} takes a whole number from {least} on, not {number}"), expr.span);
                    least
                }
            },
            Some(other) => {
                self.problem(format!("{what} takes a whole number, not {}", shown(&other)), expr.span);
                least
            }
            None => least,
        }
    }

    fn strings(&mut self, expr: &Expr, scope: &WithItem<'_>) -> Vec<String> {
        match self.value(expr, scope).and_then(elements) {
            Some(items) => items.iter().map(printed).collect(),
            None => Vec::new(),
        }
    }
}

fn people(count: usize) -> String {
    match count {
        0 => "nobody".to_owned(),
        1 => "one person".to_owned(),
        count => format!("{count} people"),
    }
}

/// How an item stands in an id.
fn item_text(item: &Value) -> String {
    match item.as_str() {
        Some(text) => serde_json::Value::from(text).to_string(),
        None => printed(item),
    }
}

fn call_of(action: &Expr) -> Option<&Call> {
    match &action.kind {
        ExprKind::Call(call) => Some(call),
        _ => None,
    }
}

fn entry_of(action: &Expr) -> Option<&'static Function> {
    find(FunctionKind::Action, call_of(action)?.function)
}

/// Whether the action of a step changes a resource: all instances name the same one, for a list cannot hold any.
fn changes_resource(node: &Node) -> bool {
    match &node.body {
        Body::Step(step) => match step.action.as_ref().and_then(entry_of).map(|entry| entry.effect) {
            Some(Effect::Resource(_)) => true,
            Some(Effect::None | Effect::Outside) | None => false,
        },
        Body::Gate(_) => false,
    }
}

fn undo_spec(step: &Step, entry: Option<&Function>) -> UndoSpec {
    let asks = |entry: Option<&Function>| entry.is_some_and(|entry| entry.may_lose_data) && step.unattended.is_none();
    match &step.undo {
        Undo::NotNeeded | Undo::Nothing(_) => UndoSpec::Nothing,
        Undo::Irreversible(_) => UndoSpec::Irreversible,
        Undo::Default => match entry.map(|entry| entry.undo) {
            Some(DefaultUndo::By(name)) => {
                UndoSpec::Alternatives(vec![AlternativeSpec { ask: asks(find(FunctionKind::Action, name)) }])
            }
            Some(DefaultUndo::Itself) => UndoSpec::Alternatives(vec![AlternativeSpec { ask: false }]),
            Some(DefaultUndo::Nothing | DefaultUndo::MustSay) | None => UndoSpec::Nothing,
        },
        Undo::Alternatives(alternatives) => UndoSpec::Alternatives(
            alternatives
                .iter()
                .map(|alternative| AlternativeSpec { ask: alternative.ask || asks(entry_of(&alternative.action)) })
                .collect(),
        ),
    }
}
