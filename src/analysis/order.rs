//! What must not happen at the same time, or in the wrong order: changes of one resource, backups and migrations, pushes and
//! migrations; and environments that are one and the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diagnostic;
use crate::model::{Expr, ExprKind, OverrideTarget, Piece, Plan, ResourceKind, Template, Undo};
use crate::source::Span;

use super::codes_flow;
use super::flow::{Act, Flow, Marks, bits};

/// Everything about order, in a plan without cycles.
pub(super) fn check(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    changes(flow, found);
    backups(flow, found);
    pushes(flow, found);
}

/// Two steps that change one resource in no order.
fn changes(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    let mut by_resource: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in flow.order.iter().copied() {
        for resource in changed(flow, node) {
            by_resource.entry(resource).or_default().push(node);
        }
    }
    let mut search = Search { seen: vec![false; flow.order.len()] };
    for (resource, nodes) in by_resource {
        let mut pairs = BTreeSet::new();
        for place in 0..=flow.plan.environments.len() {
            let here: Vec<usize> = nodes.iter().copied().filter(|node| flow.places[*node].has(place)).collect();
            // All are ordered when each is ordered with the next: the searches look at disjoint parts of the graph.
            let unordered = here.windows(2).filter(|pair| !search.leads(flow, pair[0], pair[1]));
            pairs.extend(unordered.map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))));
        }
        found.extend(pairs.into_iter().map(|(first, second)| unordered(flow, resource, first, second)));
    }
}

/// The resources that a step or its undo changes.
fn changed(flow: &Flow<'_>, node: usize) -> BTreeSet<usize> {
    let mut resources: BTreeSet<usize> = flow.acts[node].and_then(|act| act.changes()).into_iter().collect();
    if let Some(Undo::Alternatives(all)) = flow.step(node).map(|step| &step.undo) {
        resources.extend(all.iter().filter_map(|one| Act::of(&one.action)?.changes()));
    }
    resources
}

fn unordered(flow: &Flow<'_>, resource: usize, first: usize, second: usize) -> Diagnostic {
    let (resource, first, second) = (&flow.plan.resources[resource].name, flow.node(first), flow.node(second));
    let message = format!("`{}` and `{}` both change `{resource}`, in no order", first.name, second.name);
    Diagnostic::new(&codes_flow::UNORDERED_CHANGES, second.name_span, message)
        .label(format!("changes `{resource}`"))
        .related(first.name_span, format!("changes `{resource}` too"))
        .advice(format!("say which comes first, for example `after {}` in `{}`", first.name, second.name))
}

/// Looks for a way between two nodes, among the nodes that stand between them in the order.
struct Search {
    seen: Vec<bool>,
}

impl Search {
    fn leads(&mut self, flow: &Flow<'_>, from: usize, to: usize) -> bool {
        let mut stack = vec![to];
        let mut touched = Vec::new();
        while let Some(node) = stack.pop().filter(|node| *node != from) {
            for before in flow.graph.before(node).filter(|node| flow.position[*node] >= flow.position[from]) {
                if !std::mem::replace(&mut self.seen[before], true) {
                    touched.push(before);
                    stack.push(before);
                }
            }
        }
        let leads = self.seen[from];
        touched.into_iter().for_each(|node| self.seen[node] = false);
        leads
    }
}

/// Every migration has a backup of its database before it, with no gate in between.
fn backups(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    let migrations: Vec<usize> = flow.doing("migrate");
    if migrations.is_empty() {
        return;
    }
    let mut best: BTreeMap<usize, Backup> = BTreeMap::new();
    let backups: Vec<usize> = flow.order.iter().copied().filter(|node| !saved(flow, *node).is_empty()).collect();
    for some in backups.chunks(64) {
        let marks = flow.marks(some, |node| flow.gate(node).is_some());
        for migration in migrations.iter().copied() {
            let known = best.entry(migration).or_insert(Backup::None);
            if *known != Backup::Good {
                *known = best_backup(flow, some, marks[migration], migration).max(*known);
            }
        }
    }
    for migration in migrations {
        let known = best.get(&migration).copied().unwrap_or(Backup::None);
        found.extend(complain(flow, migration, known));
    }
}

/// The best backup that a migration has, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Backup {
    None,
    /// It may be skipped, or fail, and the migration goes on.
    Unsure(usize),
    /// A gate lies in between.
    Old(usize),
    Good,
}

fn best_backup(flow: &Flow<'_>, backups: &[usize], marks: Marks, migration: usize) -> Backup {
    let Some(database) = flow.acts[migration].and_then(|act| act.on()) else { return Backup::Good };
    let judged = bits(marks.before).filter(|bit| saved(flow, backups[*bit]).contains(&database)).map(|bit| {
        let backup = backups[bit];
        let there = flow.sure[backup] && flow.places[backup].cover(&flow.places[migration]);
        match (there || flow.uses(migration, backup), marks.parted & (1 << bit) != 0) {
            (false, _) => Backup::Unsure(backup),
            (true, true) => Backup::Old(backup),
            (true, false) => Backup::Good,
        }
    });
    judged.max().unwrap_or(Backup::None)
}

/// The databases of which a step makes a backup.
fn saved(flow: &Flow<'_>, node: usize) -> Vec<usize> {
    let own = flow.acts[node].filter(|act| act.entry.name == "backup").and_then(|act| act.on());
    let said = flow.step(node).map(|step| step.backup_of.as_slice()).unwrap_or_default();
    own.into_iter().chain(said.iter().copied()).collect()
}

fn complain(flow: &Flow<'_>, migration: usize, known: Backup) -> Option<Diagnostic> {
    let node = flow.node(migration);
    let act = flow.acts[migration]?;
    let database = &flow.plan.resources[act.on()?].name;
    let span = act.call.name_span;
    match known {
        Backup::Good => None,
        Backup::None => {
            let message = format!("no backup of `{database}` comes before `{}`", node.name);
            let advice =
                format!("put a step before it that does `backup({database}, …)`, or says `backup_of {database}`");
            Some(Diagnostic::new(&codes_flow::NO_BACKUP, span, message).advice(advice))
        }
        Backup::Unsure(backup) => {
            let backup = flow.node(backup);
            let message = format!("`{}` may go on without the backup that `{}` makes", node.name, backup.name);
            let diagnostic = Diagnostic::new(&codes_flow::NO_BACKUP, span, message);
            Some(
                diagnostic
                    .related(backup.name_span, "may be skipped, or fail, where the migration runs")
                    .advice(format!("let `{}` run wherever `{}` does", backup.name, node.name)),
            )
        }
        Backup::Old(backup) => {
            let backup = flow.node(backup);
            let message = format!("a gate lies between the backup `{}` and `{}`", backup.name, node.name);
            let diagnostic = Diagnostic::new(&codes_flow::OLD_BACKUP, span, message);
            Some(
                diagnostic
                    .related(backup.name_span, "old by the time the gate opens")
                    .advice("make the backup after the gate"),
            )
        }
    }
}

/// Every push is ordered with every migration.
fn pushes(flow: &Flow<'_>, found: &mut Vec<Diagnostic>) {
    let (migrations, mut pushes) = (flow.doing("migrate"), flow.doing("push"));
    for some in migrations.chunks(64) {
        if pushes.is_empty() {
            return;
        }
        let (before, after) = (flow.marks(some, |_| false), flow.marks_after(some));
        // One finding for each push.
        pushes.retain(|push| {
            let ordered = before[*push].before | after[*push].before;
            let meets = |bit: &usize| flow.places[some[*bit]].meet(&flow.places[*push]);
            let loose = (0..some.len()).filter(|bit| ordered & (1 << bit) == 0).find(meets);
            found.extend(loose.map(|bit| push_unordered(flow, *push, some[bit])));
            loose.is_none()
        });
    }
}

fn push_unordered(flow: &Flow<'_>, push: usize, migration: usize) -> Diagnostic {
    let (push, migration) = (flow.node(push), flow.node(migration));
    let message = format!("`{}` pushes and `{}` migrates, in no order", push.name, migration.name);
    Diagnostic::new(&codes_flow::PUSH_UNORDERED, push.name_span, message)
        .related(migration.name_span, "migrates")
        .advice(format!(
            "a change that adds: `after {}` in `{}`; one that removes: `after {}` in `{}`",
            migration.name, push.name, push.name, migration.name
        ))
}

/// Environments that set a database to one and the same address.
pub(super) fn identities(plan: &Plan, found: &mut Vec<Diagnostic>) {
    for (index, resource) in plan.resources.iter().enumerate().filter(|(_, r)| r.kind == ResourceKind::Database) {
        let base = resource.settings.iter().find(|(key, _)| key == "url").map(|(_, value)| value);
        // By address: the first environment that has it, and the place where one says so itself.
        let mut seen: BTreeMap<String, (&str, Option<Span>)> = BTreeMap::new();
        for environment in &plan.environments {
            let target = OverrideTarget::Setting { resource: index, key: "url".to_owned() };
            let own = environment.overrides.iter().rev().find(|entry| entry.target == target);
            let Some(address) = own.map(|entry| &entry.value).or(base).and_then(address) else { continue };
            let said = own.map(|entry| entry.span);
            match seen.get(&address).copied() {
                Some((other, before)) => {
                    let Some(span) = said.or(before) else { continue };
                    found.push(same_identity(&resource.name, [other, &environment.name], span, before));
                }
                None => drop(seen.insert(address, (&environment.name, said))),
            }
        }
    }
}

fn same_identity(database: &str, [first, second]: [&str; 2], span: Span, before: Option<Span>) -> Diagnostic {
    let message = format!("`{database}` is the same database in `{first}` and in `{second}`");
    let diagnostic = Diagnostic::new(&codes_flow::SAME_IDENTITY, span, message)
        .advice("give each environment its own database; or take the setting away where it says nothing new");
    match before.filter(|before| *before != span) {
        Some(before) => diagnostic.related(before, "the same address"),
        None => diagnostic,
    }
}

/// What tells one address from another before anything is read; `None` when it cannot be told.
fn address(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Const(value) => value.as_str().map(str::to_owned),
        ExprKind::Ref(name) => Some(format!("{name:?}")),
        ExprKind::Template(template) => template_address(template),
        _ => None,
    }
}

fn template_address(template: &Template) -> Option<String> {
    template
        .parts
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::Value { expr, .. } => match &expr.kind {
                ExprKind::Ref(name) => Some(format!("{{{name:?}}}")),
                _ => None,
            },
        })
        .collect()
}
