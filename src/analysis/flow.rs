//! What only the graph of a plan shows: cycles, and steps that can never run. Undo, order and lints build on what is found
//! here. Plans have thousands of steps: everything is one pass over the graph, or one for each 64 nodes of interest.

use crate::diag::Diagnostic;
use crate::model::{Body, Call, DepKind, Each, Expr, ExprKind, Gate, Graph, Node, Plan, Ref, Step, Value};
use crate::registry::{Effect, Function};

use super::step::entry_of;
use super::{codes_flow, lints, order, undo};

/// Everything that the whole plan shows, in no order.
pub(super) fn analyse(plan: &Plan) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let graph = Graph::new(plan.nodes.len(), edges(plan));
    cycles(plan, &graph, &mut found);
    order::identities(plan, &mut found);
    let Some(order) = graph.order() else {
        // What comes before what means nothing in a circle.
        undo::each_step(plan, &mut found);
        return found;
    };
    let flow = Flow::new(plan, graph, order, &mut found);
    undo::each_step(plan, &mut found);
    undo::points_of_no_return(&flow, &mut found);
    order::check(&flow, &mut found);
    lints::check(&flow, &mut found);
    found
}

/// What can be said beside errors, which none of them can have caused: circles, and the undo of steps that have no error.
pub(super) fn analyse_the_rest(plan: &Plan, errors: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    cycles(plan, &Graph::new(plan.nodes.len(), edges(plan)), &mut found);
    let inside =
        |node: &Node, error: &Diagnostic| node.span.start <= error.span.start && error.span.start < node.span.end;
    let sound = plan.nodes.iter().filter(|node| !errors.iter().any(|error| inside(node, error)));
    undo::missing_in(sound, &mut found);
    found
}

fn edges(plan: &Plan) -> impl Iterator<Item = (usize, usize)> + '_ {
    plan.nodes.iter().enumerate().flat_map(|(at, node)| node.deps.iter().map(move |dep| (dep.node, at)))
}

fn cycles(plan: &Plan, graph: &Graph, found: &mut Vec<Diagnostic>) {
    for cycle in graph.cycles() {
        let names: Vec<&str> = cycle.iter().map(|node| plan.nodes[*node].name.as_str()).collect();
        let path = names.iter().chain(names.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
        let edges = cycle.iter().zip(cycle.iter().cycle().skip(1)).filter_map(|(before, after)| {
            let dep = plan.nodes[*after].deps.iter().find(|dep| dep.node == *before)?;
            let (before, after) = (&plan.nodes[*before].name, &plan.nodes[*after].name);
            Some((
                dep.span,
                match dep.why {
                    DepKind::After => format!("`{after}` comes after `{before}`"),
                    DepKind::Uses => format!("`{after}` uses `{before}`"),
                },
            ))
        });
        let mut edges = edges.collect::<Vec<_>>().into_iter();
        let Some((span, label)) = edges.next() else { continue };
        let mut diagnostic = Diagnostic::new(&codes_flow::CYCLE, span, format!("these wait for each other: {path}"));
        diagnostic = diagnostic.label(label).advice("take one of these edges away");
        diagnostic.related = edges.collect();
        found.push(diagnostic);
    }
}

/// A plan without cycles, with what every check asks of it.
pub(super) struct Flow<'a> {
    pub plan: &'a Plan,
    pub graph: Graph,
    /// Every node after those before it.
    pub order: Vec<usize>,
    /// Where a node stands in `order`.
    pub position: Vec<usize>,
    /// The environments in which a node may run.
    pub places: Vec<Places>,
    /// It is done whenever it may run: no `when`, not `optional`, no fan-out that may be empty, and so is all that it uses.
    pub sure: Vec<bool>,
    /// What each step does.
    pub acts: Vec<Option<Act<'a>>>,
}

/// An action of the registry, as a step calls it.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub entry: &'static Function,
    pub call: &'a Call,
}

impl<'a> Act<'a> {
    pub(super) fn of(action: &'a Expr) -> Option<Self> {
        let ExprKind::Call(call) = &action.kind else { return None };
        Some(Act { entry: entry_of(action)?, call })
    }

    /// The resource that is its first argument.
    pub(super) fn on(&self) -> Option<usize> {
        self.call.args.first()?.as_ref().and_then(resource)
    }

    /// The resource that it changes.
    pub(super) fn changes(&self) -> Option<usize> {
        match self.entry.effect {
            Effect::Resource(param) => self.call.args.get(param)?.as_ref().and_then(resource),
            Effect::None | Effect::Outside => None,
        }
    }

    /// The argument of the parameter with this name.
    pub(super) fn arg(&self, name: &str) -> Option<&'a Expr> {
        let at = self.entry.params.iter().position(|param| param.name == name)?;
        self.call.args.get(at)?.as_ref()
    }
}

fn resource(expr: &Expr) -> Option<usize> {
    match expr.kind {
        ExprKind::Ref(Ref::Resource(index)) => Some(index),
        _ => None,
    }
}

impl<'a> Flow<'a> {
    fn new(plan: &'a Plan, graph: Graph, order: Vec<usize>, found: &mut Vec<Diagnostic>) -> Self {
        let mut position = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, node)| position[*node] = at);
        let acts = plan.nodes.iter().map(|node| step_of(node)?.action.as_ref().and_then(Act::of)).collect();
        let places = places(plan, &order, found);
        let sure = sure(plan, &order);
        Self { plan, graph, order, position, places, sure, acts }
    }

    /// The steps that do this action, in the order in which they run.
    pub(super) fn doing(&self, action: &str) -> Vec<usize> {
        let does = |node: &usize| self.acts[*node].is_some_and(|act| act.entry.name == action);
        self.order.iter().copied().filter(does).collect()
    }

    pub(super) fn node(&self, node: usize) -> &'a Node {
        &self.plan.nodes[node]
    }

    pub(super) fn step(&self, node: usize) -> Option<&'a Step> {
        step_of(self.node(node))
    }

    pub(super) fn gate(&self, node: usize) -> Option<&'a Gate> {
        match &self.node(node).body {
            Body::Gate(gate) => Some(gate),
            Body::Step(_) => None,
        }
    }

    /// Whether `user` is skipped when `used` has no outputs.
    pub(super) fn uses(&self, user: usize, used: usize) -> bool {
        self.node(user).deps.iter().any(|dep| dep.node == used && dep.why == DepKind::Uses)
    }

    /// For each node, which of at most 64 others lie before it, and from which of these it is parted by a node in between.
    pub(super) fn marks(&self, others: &[usize], parts: impl Fn(usize) -> bool) -> Vec<Marks> {
        marks(&self.graph, self.order.iter().copied(), others, parts)
    }

    /// Of at most 64 others, those that lie after each node.
    pub(super) fn marks_after(&self, others: &[usize]) -> Vec<Marks> {
        let back = Graph::new(self.graph.len(), edges(self.plan).map(|(before, after)| (after, before)));
        marks(&back, self.order.iter().rev().copied(), others, |_| false)
    }

    /// For each node, whether it or one after it is such.
    pub(super) fn here_or_after(&self, is: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut holds = vec![false; self.order.len()];
        for node in self.order.iter().rev().copied() {
            holds[node] = is(node) || self.graph.after(node).any(|after| holds[after]);
        }
        holds
    }

    /// For each node, whether one before it is such.
    pub(super) fn before(&self, is: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut holds = vec![false; self.order.len()];
        for node in self.order.iter().copied() {
            holds[node] = self.graph.before(node).any(|before| holds[before] || is(before));
        }
        holds
    }
}

/// One bit for each of some nodes of interest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    /// It comes before.
    pub before: u64,
    /// It comes before, and something that parts lies in between.
    pub parted: u64,
}

fn marks(
    graph: &Graph,
    order: impl Iterator<Item = usize>,
    others: &[usize],
    parts: impl Fn(usize) -> bool,
) -> Vec<Marks> {
    let mut own = vec![0_u64; graph.len()];
    others.iter().take(64).enumerate().for_each(|(bit, node)| own[*node] |= 1 << bit);
    let mut marks = vec![Marks::default(); graph.len()];
    for node in order {
        let mut sum = Marks::default();
        for before in graph.before(node) {
            let passed = marks[before].before;
            sum.before |= passed | own[before];
            sum.parted |= marks[before].parted | if parts(before) { passed } else { 0 };
        }
        marks[node] = sum;
    }
    marks
}

/// The bits that are set, as indexes.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| mask & (1 << bit) != 0)
}

/// A set of environments; the bit after the last stands for a run without one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places(Vec<u64>);

impl Places {
    fn only(plan: &Plan, names: &[String]) -> Self {
        let count = plan.environments.len() + 1;
        let mut words = vec![0_u64; count.div_ceil(64)];
        for at in 0..count {
            let named = plan.environments.get(at).is_some_and(|environment| names.contains(&environment.name));
            if names.is_empty() || named {
                words[at / 64] |= 1 << (at % 64);
            }
        }
        Self(words)
    }

    fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    fn nowhere(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether both may run in one environment.
    pub(super) fn meet(&self, other: &Self) -> bool {
        !self.common(other).nowhere()
    }

    /// Whether it may run wherever the other may.
    pub(super) fn cover(&self, other: &Self) -> bool {
        self.common(other) == *other
    }

    /// Whether it may run in the environment with this index.
    pub(super) fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }
}

fn step_of(node: &Node) -> Option<&Step> {
    match &node.body {
        Body::Step(step) => Some(step),
        Body::Gate(_) => None,
    }
}

/// Where nodes may run. Whoever uses an output is skipped together with it, so it may run where both may.
fn places(plan: &Plan, order: &[usize], found: &mut Vec<Diagnostic>) -> Vec<Places> {
    let mut places: Vec<Places> = plan.nodes.iter().map(|node| Places::only(plan, &node.only_in)).collect();
    for at in order.iter().copied() {
        let node = &plan.nodes[at];
        if let Some(when) = node.when.as_ref().filter(|when| matches!(when.kind, ExprKind::Const(Value::Bool(false)))) {
            let message = format!("`{}` can never run: its `when` never holds", node.name);
            found.push(
                Diagnostic::new(&codes_flow::NEVER_RUNS, when.span, message)
                    .advice("take the step away, or the `when`"),
            );
        }
        for dep in node.deps.iter().filter(|dep| dep.why == DepKind::Uses) {
            let both = places[at].common(&places[dep.node]);
            // What follows from another such finding is not said again.
            if both.nowhere() && !places[at].nowhere() && !places[dep.node].nowhere() {
                found.push(never_together(plan, node, dep));
            }
            places[at] = both;
        }
    }
    places
}

fn never_together(plan: &Plan, node: &Node, dep: &crate::model::Dep) -> Diagnostic {
    let other = &plan.nodes[dep.node];
    let message = format!("`{}` can never run: it uses `{}`, which never runs with it", node.name, other.name);
    Diagnostic::new(&codes_flow::NEVER_RUNS, dep.span, message)
        .label("skipped together with it")
        .related(other.name_span, "never in the same environment")
        .advice(format!("let `{}` and `{}` share an environment in `only in`", node.name, other.name))
}

/// Which nodes are done whenever they may run.
fn sure(plan: &Plan, order: &[usize]) -> Vec<bool> {
    let mut sure = vec![false; order.len()];
    for at in order.iter().copied() {
        let node = &plan.nodes[at];
        let optional = step_of(node).is_some_and(|step| step.optional);
        let filled = node.each.as_ref().is_none_or(|each| has_items(plan, each));
        let used = node.deps.iter().filter(|dep| dep.why == DepKind::Uses).all(|dep| sure[dep.node]);
        sure[at] = node.when.is_none() && !optional && filled && used;
    }
    sure
}

/// Whether a fan-out has an instance, whatever the values are.
fn has_items(plan: &Plan, each: &Each) -> bool {
    let list = match each.list.kind {
        ExprKind::Ref(Ref::Let(index)) => &plan.lets[index].value,
        _ => &each.list,
    };
    match &list.kind {
        ExprKind::List(items) => !items.is_empty(),
        ExprKind::Const(Value::List(items)) => !items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{bits, marks};
    use crate::analysis::check;
    use crate::model::Graph;
    use crate::source::Source;
    use crate::syntax::{Limits, parse};

    #[test]
    fn marks_pass_on_and_are_parted() {
        // 0 → 1 → 2 → 3, and 0 → 3; 2 parts.
        let graph = Graph::new(4, [(0, 1), (1, 2), (2, 3), (0, 3)]);
        let marks = marks(&graph, 0..4, &[0, 2], |node| node == 2);
        assert_eq!(bits(marks[3].before).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(bits(marks[3].parted).collect::<Vec<_>>(), [0]);
        assert_eq!(marks[2].parted, 0);
    }

    #[test]
    fn thousands_of_changes_in_a_row_are_ordered() {
        let mut text = String::from("plan x {\n  database db { url = \"sqlite:x.db\" }\n");
        for step in 0..9_999 {
            let after = if step > 0 { format!("    after s{}\n", step - 1) } else { String::new() };
            text.push_str(&format!("  step s{step} {{\n{after}    do sql(db, \"x\")\n    undo nothing \"x\"\n  }}\n"));
        }
        text.push_str("}\n");
        let source = Source::new("x.plan", text);
        let limits = Limits::default();
        let checked = check(&source, &parse(&source, &limits));
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics.first());
    }
}
