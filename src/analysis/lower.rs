//! A whole plan: declares every name first, then types item after item.

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::model::{Expr, FunctionKind, Hook, HookEvent, Let, Node, Param, Plan, Ref, Resource, Secret, Ty};
use crate::registry;
use crate::source::{Source, Span};
use crate::syntax::Limits;
use crate::syntax::ast::{self, ClauseKind, ItemKind, NodeDecl, NodeKind, PlanDecl, TypeExpr};

use super::args::as_call;
use super::context::{Context, NodeFacts, Place, ResourceFacts, Used, Want, at};
use super::expr::{expect, lower as lower_expr};
use super::names::{Names, nearest, word};
use super::{clauses, codes, digest, node, resource, step};

/// Types a plan. What comes back is whole even when there were mistakes; whether it may be used is the caller's to decide.
pub(super) fn lower(source: &Arc<Source>, ast: &PlanDecl, limits: &Limits, diagnostics: &mut Vec<Diagnostic>) -> Plan {
    let mut cx = Context {
        diagnostics,
        names: Names::default(),
        params: Vec::new(),
        lets: Vec::new(),
        resources: Vec::new(),
        nodes: Vec::new(),
        used: Default::default(),
    };
    let items = Items::of(ast);
    too_many(&mut cx, &items, limits);
    declare(&mut cx, &items);
    let environments = environments(&mut cx, &items);
    let mut plan = Plan {
        name: ast.name.text.clone(),
        title: ast.title.as_ref().and_then(ast::Text::literal).unwrap_or_default(),
        source: source.clone(),
        digest: digest::digest(ast),
        params: params(&mut cx, &items),
        secrets: secrets(&mut cx, &items),
        lets: lets(&mut cx, &items),
        resources: Vec::new(),
        environments: Vec::new(),
        nodes: Vec::new(),
        hooks: Vec::new(),
        allows: Vec::new(),
    };
    plan.resources = resources(&mut cx, &items);
    plan.environments = items
        .environments
        .iter()
        .map(|(name, entries, policies, span)| resource::environment(&mut cx, name, entries, policies, *span))
        .collect();
    plan.nodes = nodes(&mut cx, &items, &environments);
    plan.hooks = items.hooks.iter().map(|(events, clauses, span)| hook(&mut cx, events, clauses, *span)).collect();
    plan.allows =
        items.allows.iter().filter_map(|(lint, text, span)| node::allow(&mut cx, lint, text, *span)).collect();
    unused(&mut cx, &items);
    plan
}

type EnvironmentItem<'a> = (&'a ast::Name, &'a [ast::Entry], &'a [ast::Clause], Span);

/// The items of a plan by kind, each in the order of the file.
#[derive(Default)]
struct Items<'a> {
    params: Vec<(&'a ast::Name, &'a TypeExpr, Option<&'a ast::Expr>, Span)>,
    secrets: Vec<(&'a ast::Name, &'a ast::Expr, Span)>,
    lets: Vec<(&'a ast::Name, &'a ast::Expr, Span)>,
    resources: Vec<(ast::ResourceKind, &'a ast::Name, &'a [ast::Entry], Span)>,
    environments: Vec<EnvironmentItem<'a>>,
    nodes: Vec<&'a NodeDecl>,
    hooks: Vec<(&'a [ast::Name], &'a [ast::Clause], Span)>,
    allows: Vec<(&'a ast::Name, &'a ast::Text, Span)>,
}

impl<'a> Items<'a> {
    fn of(ast: &'a PlanDecl) -> Self {
        let mut items = Items::default();
        for item in &ast.items {
            let span = item.loc.0;
            match &item.kind {
                ItemKind::Param { name, ty, default } => items.params.push((name, ty, default.as_ref(), span)),
                ItemKind::Secret { name, source } => items.secrets.push((name, source, span)),
                ItemKind::Let { name, value } => items.lets.push((name, value, span)),
                ItemKind::Resource { kind, name, entries } => items.resources.push((*kind, name, entries, span)),
                ItemKind::Environment { name, entries, policies } => {
                    items.environments.push((name, entries, policies, span));
                }
                ItemKind::Node(node) => items.nodes.push(node),
                ItemKind::Hook { events, clauses } => items.hooks.push((events, clauses, span)),
                ItemKind::Allow { lint, reason } => items.allows.push((lint, reason, span)),
            }
        }
        items
    }
}

fn too_many(cx: &mut Context<'_>, items: &Items<'_>, limits: &Limits) {
    if let Some(node) = items.nodes.get(limits.nodes) {
        let message =
            format!("a plan has at most {} steps and gates, and this one has {}", limits.nodes, items.nodes.len());
        let advice = "split it, or raise the ceiling with `--max-nodes`";
        cx.say(Diagnostic::new(&codes::TOO_MANY_NODES, at(&node.name), message).advice(advice));
    }
}

/// Every name, before anything is typed: items may stand in any order.
fn declare(cx: &mut Context<'_>, items: &Items<'_>) {
    items.params.iter().enumerate().for_each(|(i, item)| declare_one(cx, item.0, Ref::Param(i)));
    items.secrets.iter().enumerate().for_each(|(i, item)| declare_one(cx, item.0, Ref::Secret(i)));
    items.lets.iter().enumerate().for_each(|(i, item)| declare_one(cx, item.0, Ref::Let(i)));
    items.resources.iter().enumerate().for_each(|(i, item)| declare_one(cx, item.1, Ref::Resource(i)));
    items.nodes.iter().enumerate().for_each(|(i, item)| declare_one(cx, &item.name, Ref::Node(i)));
    cx.lets = vec![None; items.lets.len()];
    cx.resources = items
        .resources
        .iter()
        .map(|(kind, name, ..)| ResourceFacts { name: name.text.clone(), kind: *kind, secret: Default::default() })
        .collect();
    cx.nodes = items.nodes.iter().map(|node| facts(node)).collect();
}

fn declare_one(cx: &mut Context<'_>, name: &ast::Name, what: Ref) {
    if let Some(earlier) = cx.names.declare(&name.text, what, at(name)) {
        let before = cx.names.find(&name.text).map_or("something", |(what, _)| word(what));
        let message = format!("`{}` is already {before}", name.text);
        cx.say(
            Diagnostic::new(&codes::NAME_TWICE, at(name), message)
                .related(earlier, "first declared here")
                .advice("parameters, secrets, lets, resources, steps and gates share one namespace: rename one"),
        );
    }
}

/// What is known of a node by its clauses alone.
fn facts(decl: &NodeDecl) -> NodeFacts {
    let action = decl.clauses.iter().find_map(|clause| match &clause.kind {
        ClauseKind::Do(expr) => Some(expr),
        _ => None,
    });
    let called = action.and_then(|action| match &action.kind {
        ast::ExprKind::Call { func, .. } => Some(func.text.as_str()),
        ast::ExprKind::Method { name, .. } => Some(name.text.as_str()),
        _ => None,
    });
    let outputs =
        match called.and_then(|name| registry::find(FunctionKind::Action, name)).map(|f| f.result.yields(None)) {
            Some(Ty::Record(record)) => record.fields.clone(),
            Some(_) | None => Vec::new(),
        };
    NodeFacts {
        name: decl.name.text.clone(),
        gate: decl.kind == NodeKind::Gate,
        fan_out: decl.each.is_some(),
        outputs,
        remembered: Vec::new(),
        lowered: Vec::new(),
    }
}

fn environments(cx: &mut Context<'_>, items: &Items<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, ..) in &items.environments {
        if names.contains(&name.text) {
            cx.wrong(&codes::NAME_TWICE, at(name), format!("the environment `{}` is declared twice", name.text));
        }
        names.push(name.text.clone());
    }
    names
}

fn params(cx: &mut Context<'_>, items: &Items<'_>) -> Vec<Param> {
    // A default may use the parameters before it; the types of all are known first.
    cx.params = items.params.iter().map(|(_, ty, ..)| param_type(cx, ty)).collect();
    let mut params = Vec::with_capacity(items.params.len());
    for (index, (name, _, default, span)) in items.params.iter().enumerate() {
        let ty = cx.params[index].clone();
        let default = default.map(|default| {
            let default = lower_expr(cx, default, &Place { lets_before: Some(0), ..Place::default() });
            expect(cx, &default, &ty, &format!("the parameter `{}` is", name.text));
            only_earlier(cx, &default, index);
            default
        });
        params.push(Param { name: name.text.clone(), ty, default, span: *span });
    }
    params
}

fn only_earlier(cx: &mut Context<'_>, default: &Expr, index: usize) {
    let mut wrong = Vec::new();
    default.walk(&mut |part| match part.kind {
        crate::model::ExprKind::Ref(Ref::Param(other)) if other >= index => {
            wrong.push((part.span, "a parameter before it"))
        }
        crate::model::ExprKind::Ref(Ref::Secret(_)) => wrong.push((part.span, "no secret: parameters are on record")),
        _ => {}
    });
    for (span, may) in wrong {
        cx.wrong(&codes::WRONG_PLACE, span, format!("a default may use {may}"));
    }
}

fn param_type(cx: &mut Context<'_>, given: &TypeExpr) -> Ty {
    let inner = |cx: &mut Context<'_>| match given.args.as_slice() {
        [of] => Some(param_type(cx, of)),
        _ => None,
    };
    let plain = match given.name.text.as_str() {
        "string" => Ty::String,
        "int" => Ty::Int,
        "float" => Ty::Float,
        "bool" => Ty::Bool,
        "duration" => Ty::Duration,
        "size" => Ty::Size,
        "time" => Ty::Time,
        "regex" => Ty::Regex,
        "json" => Ty::Json,
        "list" => inner(cx).map(Ty::list).unwrap_or_else(|| lacks(cx, given)),
        "map" => inner(cx).map(Ty::map).unwrap_or_else(|| lacks(cx, given)),
        other => {
            let types = ["string", "int", "float", "bool", "duration", "size", "time", "regex", "json", "list", "map"];
            let diagnostic =
                Diagnostic::new(&codes::UNKNOWN_TYPE, at(&given.name), format!("there is no type `{other}`"));
            cx.say(match (nearest(other, types), other) {
                (Some(near), _) => diagnostic.advice(format!("did you mean `{near}`?")),
                (None, "text" | "str" | "String") => diagnostic.advice("a text is a `string`"),
                (None, "secret") => diagnostic.advice("a secret is an item of its own: `secret name = env(\"X\")`"),
                (None, _) => diagnostic
                    .advice("the types are: string int float bool duration size time regex json list(T) map(T)"),
            });
            Ty::Error
        }
    };
    if !given.args.is_empty() && !matches!(plain, Ty::List(_) | Ty::Map(_) | Ty::Error) {
        cx.wrong(&codes::UNKNOWN_TYPE, given.loc.0, format!("`{}` takes no type in parentheses", given.name.text));
    }
    if given.optional { Ty::optional(plain) } else { plain }
}

fn lacks(cx: &mut Context<'_>, given: &TypeExpr) -> Ty {
    let name = &given.name.text;
    let diagnostic = Diagnostic::new(&codes::UNKNOWN_TYPE, given.loc.0, format!("`{name}` of what?"));
    cx.say(diagnostic.advice(format!("for example `{name}(string)`")));
    Ty::Error
}

fn secrets(cx: &mut Context<'_>, items: &Items<'_>) -> Vec<Secret> {
    let place = Place { lets_before: Some(0), ..Place::default() };
    let of = |cx: &mut Context<'_>, (name, source, span): &(&ast::Name, &ast::Expr, Span)| Secret {
        name: name.text.clone(),
        source: as_call(cx, source, &place, Want::Source),
        span: *span,
    };
    items.secrets.iter().map(|item| of(cx, item)).collect()
}

fn lets(cx: &mut Context<'_>, items: &Items<'_>) -> Vec<Let> {
    let mut lets = Vec::with_capacity(items.lets.len());
    for (index, (name, value, span)) in items.lets.iter().enumerate() {
        let value = lower_expr(cx, value, &Place { lets_before: Some(index), ..Place::default() });
        cx.lets[index] = Some((value.ty.clone(), value.secret));
        lets.push(Let { name: name.text.clone(), value, span: *span });
    }
    lets
}

fn resources(cx: &mut Context<'_>, items: &Items<'_>) -> Vec<Resource> {
    let overridden = |name: &str| -> Vec<String> {
        let entries = items.environments.iter().flat_map(|(_, entries, ..)| entries.iter());
        let of_this = entries.filter(|entry| entry.path.len() == 2 && entry.path[0].text == name);
        of_this.map(|entry| entry.path[1].text.clone()).collect()
    };
    let mut resources = Vec::with_capacity(items.resources.len());
    for (index, (_, name, entries, span)) in items.resources.iter().enumerate() {
        let resource = resource::resource(cx, index, entries, *span, &overridden(&name.text));
        let secret = resource.settings.iter().filter(|(_, value)| value.secret).map(|(key, _)| key.clone());
        cx.resources[index].secret = secret.collect();
        resources.push(resource);
    }
    // What an environment sets to a secret is secret everywhere.
    for (_, entries, ..) in &items.environments {
        for entry in *entries {
            taint(cx, entry);
        }
    }
    resources
}

fn taint(cx: &mut Context<'_>, entry: &ast::Entry) {
    let [resource, key] = entry.path.as_slice() else { return };
    let Some((Ref::Resource(index), _)) = cx.names.find(&resource.text) else { return };
    let secret = match &entry.value.kind {
        ast::ExprKind::Name(name) => match cx.names.find(name) {
            Some((Ref::Secret(_), _)) => true,
            Some((Ref::Let(index), _)) => cx.lets[index].as_ref().is_some_and(|(_, secret)| *secret),
            _ => false,
        },
        ast::ExprKind::Text(text) => text.parts.iter().any(|part| match part {
            ast::Part::Path { names, .. } => names
                .first()
                .and_then(|first| cx.names.find(&first.text))
                .is_some_and(|(what, _)| matches!(what, Ref::Secret(_))),
            ast::Part::Literal(_) => false,
        }),
        _ => false,
    };
    if secret {
        cx.resources[index].secret.insert(key.text.clone());
    }
}

fn nodes(cx: &mut Context<'_>, items: &Items<'_>, environments: &[String]) -> Vec<Node> {
    // What a step remembers may use what an earlier one in the file remembered; then everybody's record is known.
    for (index, decl) in items.nodes.iter().enumerate() {
        if !decl.clauses.iter().any(|clause| matches!(clause.kind, ClauseKind::Remember { .. })) {
            continue;
        }
        let mut place = Place { node: Some(index), nodes: true, ..Place::default() };
        if let Some((var, _)) = &decl.each {
            place.own.insert(var.text.clone(), (Ref::Item, Ty::Error));
        }
        let lowered = step::remembered(cx, decl, index, &place);
        cx.nodes[index].remembered = lowered.iter().map(|r| (r.name.clone(), r.value.ty.clone())).collect();
        cx.nodes[index].lowered = lowered;
    }
    items.nodes.iter().enumerate().map(|(index, decl)| node::lower_node(cx, decl, index, environments)).collect()
}

fn hook(cx: &mut Context<'_>, events: &[ast::Name], given: &[ast::Clause], span: Span) -> Hook {
    let events = events.iter().filter_map(|event| hook_event(cx, event)).collect();
    let mut actions = Vec::new();
    for clause in given {
        match &clause.kind {
            ClauseKind::Do(action) => actions.push(as_call(cx, action, &Place::default(), Want::Action)),
            _ => clauses::misplaced(cx, clause, "a hook"),
        }
    }
    if actions.is_empty() && given.is_empty() {
        cx.wrong(&codes::EMPTY_STEP, span, "this hook does nothing");
    }
    Hook { events, actions, span }
}

fn hook_event(cx: &mut Context<'_>, name: &ast::Name) -> Option<HookEvent> {
    match name.text.as_str() {
        "failure" => Some(HookEvent::Failure),
        "success" => Some(HookEvent::Success),
        "paused" => Some(HookEvent::Paused),
        "stuck" => Some(HookEvent::Stuck),
        other => {
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_EVENT, at(name), format!("nothing happens `on {other}`"));
            cx.say(diagnostic.advice(match nearest(other, ["failure", "success", "paused", "stuck"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a hook runs on `failure`, `success`, `paused` or `stuck`".into(),
            }));
            None
        }
    }
}

fn unused(cx: &mut Context<'_>, items: &Items<'_>) {
    let params = items.params.iter().enumerate().map(|(i, item)| (Used::Param(i), item.0, "parameter"));
    let secrets = items.secrets.iter().enumerate().map(|(i, item)| (Used::Secret(i), item.0, "secret"));
    let lets = items.lets.iter().enumerate().map(|(i, item)| (Used::Let(i), item.0, "let"));
    let resources = items.resources.iter().enumerate().map(|(i, item)| (Used::Resource(i), item.1, item.0.word()));
    let all: Vec<_> = params.chain(secrets).chain(lets).chain(resources).collect();
    for (used, name, what) in all {
        if !cx.used.contains(&used) && !name.text.starts_with('_') {
            let message = format!("the {what} `{}` is never used", name.text);
            let advice = "use it or take it away; a name that begins with `_` may stay";
            cx.say(Diagnostic::new(&codes::UNUSED, at(name), message).advice(advice));
        }
    }
}
