//! Gives the names of a plan their values: parameters, environment, lets. Secrets are handed in later, by whoever may read
//! them, and live nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::RwLock;
use std::time::Duration;

use crate::model::{Body, Environment, Expr, Graph, Plan, Ref, Value};
use crate::source::Span;

use super::eval::coerced;
use super::given::{is_of, read};
use super::usage::{names, param_expr, settings, usage};
use super::{EvalError, Given, Lookup, Scope, Sig, eval_pure, setting_of};

/// Values of secrets by name.
pub type Secrets = BTreeMap<String, String>;

/// Why a plan cannot be bound to these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindProblem {
    /// One sentence without a full stop.
    pub message: String,
    /// Where in the plan file, when it has a place there.
    pub span: Option<Span>,
    /// What to do next.
    pub advice: Option<String>,
}

impl BindProblem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, advice: None }
    }

    pub(super) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl From<EvalError> for BindProblem {
    fn from(error: EvalError) -> Self {
        Self::new(error.message).at(error.span)
    }
}

/// The values behind the names of a plan, for one run. A scope for everything but nodes, remembered values, items and `run`.
pub struct Bound {
    environment: Option<String>,
    plan: Value,
    params: Vec<Slot>,
    lets: Vec<Slot>,
    secrets: Vec<String>,
    resources: Vec<String>,
    /// Parameters and lets that need a secret, each after those that it needs.
    deferred: Vec<(Ref, Expr)>,
    held: RwLock<Held>,
}

/// A parameter or let.
#[derive(Clone)]
struct Slot {
    name: String,
    /// `None`: it needs a secret.
    value: Option<Value>,
}

/// What is known only while a process holds the secrets.
#[derive(Default)]
struct Held {
    secrets: Option<Secrets>,
    tainted: Vec<(Ref, Lookup)>,
}

impl fmt::Debug for Bound {
    /// Never shows what came of a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("environment", &self.environment)
            .field("values", &self.values())
            .finish_non_exhaustive()
    }
}

/// Binds a plan to values as people give them. An environment has to be chosen when the plan declares some, unless there is
/// one only, or one called `development`. Everything that is wrong is reported at once.
pub fn bind(plan: &Plan, environment: Option<&str>, sets: &BTreeMap<String, Given>) -> Result<Bound, Vec<BindProblem>> {
    let mut problems = Vec::new();
    let mut values = BTreeMap::new();
    for (name, given) in sets {
        let Some(param) = plan.params.iter().find(|param| param.name == *name) else {
            problems.push(unknown_param(plan, name));
            continue;
        };
        match read(given, &param.ty) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(why) => problems.push(BindProblem::new(format!("parameter `{name}`: {why}")).at(param.span)),
        }
    }
    let skip: BTreeSet<&str> = sets.keys().map(String::as_str).collect();
    bind_values(plan, environment, &values, &skip, problems)
}

/// Binds a plan to recorded values, as a resume does: [`Bound::values`] of the same plan gives the same again.
pub fn rebind(
    plan: &Plan,
    environment: Option<&str>,
    values: &BTreeMap<String, Value>,
) -> Result<Bound, Vec<BindProblem>> {
    let mut problems = Vec::new();
    for (name, value) in values {
        match plan.params.iter().find(|param| param.name == *name) {
            None => problems.push(unknown_param(plan, name)),
            Some(param) if !is_of(value, &param.ty) => {
                let message =
                    format!("parameter `{name}` was {}, and is now of type {}", super::shown(value), param.ty);
                problems.push(BindProblem::new(message).at(param.span));
            }
            Some(_) => {}
        }
    }
    bind_values(plan, environment, values, &BTreeSet::new(), problems)
}

fn unknown_param(plan: &Plan, name: &str) -> BindProblem {
    let known = plan.params.iter().map(|param| param.name.as_str());
    let problem = BindProblem::new(format!("the plan has no parameter `{name}`"));
    problem.advice(suggestion(name, known, "it has none", "it has"))
}

/// The nearest name, else all of them.
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>, none: &str, has: &str) -> String {
    let known: Vec<&str> = known.collect();
    let near = known.iter().map(|known| (strsim::jaro_winkler(known, name), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        None => none.to_owned(),
        Some((score, near)) if score > 0.8 => format!("did you mean `{near}`?"),
        Some(_) => format!("{has} {}", listed(&known)),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `refused`: parameters whose values were given and could not be read; they are not missing.
fn bind_values(
    plan: &Plan,
    environment: Option<&str>,
    values: &BTreeMap<String, Value>,
    refused: &BTreeSet<&str>,
    mut problems: Vec<BindProblem>,
) -> Result<Bound, Vec<BindProblem>> {
    let environment = match choose(plan, environment) {
        Ok(environment) => environment,
        Err(problem) => {
            problems.push(problem);
            return Err(problems);
        }
    };
    let mut bound = Bound::unbound(plan, environment);
    for (slot, param) in bound.params.iter_mut().zip(&plan.params) {
        slot.value = values.get(&param.name).cloned();
    }
    let missing = |index: &usize| {
        let name = plan.params[*index].name.as_str();
        !values.contains_key(name) && !refused.contains(name) && param_expr(plan, environment, *index).is_none()
    };
    let missing: Vec<usize> = (0..plan.params.len()).filter(missing).collect();
    problems.extend(missing.iter().map(|index| {
        let param = &plan.params[*index];
        BindProblem::new(format!("parameter `{}` ({}) has no value", param.name, param.ty))
            .at(param.span)
            .advice(format!("give it with `--set {}=…`", param.name))
    }));
    if problems.is_empty() {
        problems.extend(bound.compute(plan, environment, values));
    }
    problems.extend(unset(plan, environment));
    if problems.is_empty() { Ok(bound) } else { Err(problems) }
}

fn choose<'a>(plan: &'a Plan, name: Option<&str>) -> Result<Option<&'a Environment>, BindProblem> {
    let names: Vec<&str> = plan.environments.iter().map(|environment| environment.name.as_str()).collect();
    let find = |name: &str| plan.environments.iter().find(|environment| environment.name == name);
    match (name, plan.environments.as_slice()) {
        (None, []) => Ok(None),
        (Some(name), []) => {
            let problem = BindProblem::new(format!("the plan has no environment `{name}`"));
            Err(problem.advice("it declares none: leave `--env` out"))
        }
        (Some(name), _) => find(name).map(Some).ok_or_else(|| {
            let problem = BindProblem::new(format!("the plan has no environment `{name}`"));
            problem.advice(suggestion(name, names.iter().copied(), "", "it has"))
        }),
        (None, [only]) => Ok(Some(only)),
        (None, _) => find("development").map(Some).ok_or_else(|| {
            let problem = BindProblem::new("the plan has several environments, and none was chosen");
            problem.advice(format!("choose with `--env`: {}", listed(&names)))
        }),
    }
}

/// Required settings that a resource in use lacks in this environment.
fn unset(plan: &Plan, environment: Option<&Environment>) -> Vec<BindProblem> {
    let mut problems = Vec::new();
    for index in usage(plan, environment).resources {
        let resource = &plan.resources[index];
        let given = settings(plan, environment, index);
        for setting in super::settings(resource.kind).iter().filter(|setting| setting.required) {
            if !given.iter().any(|(key, _)| *key == setting.key) {
                let place = environment.map(|e| format!(" in environment `{}`", e.name)).unwrap_or_default();
                let message = format!("`{}.{}` has no value{place}", resource.name, setting.key);
                problems.push(BindProblem::new(message).at(resource.span).advice(format!("set it: {}", setting.doc)));
            }
        }
    }
    problems
}

impl Bound {
    fn unbound(plan: &Plan, environment: Option<&Environment>) -> Self {
        let slot = |name: &String| Slot { name: name.clone(), value: None };
        Self {
            environment: environment.map(|environment| environment.name.clone()),
            plan: Value::record([
                ("name", Value::string(&plan.name)),
                ("title", Value::string(&plan.title)),
                ("digest", Value::string(&plan.digest)),
            ]),
            params: plan.params.iter().map(|param| slot(&param.name)).collect(),
            lets: plan.lets.iter().map(|each| slot(&each.name)).collect(),
            secrets: plan.secrets.iter().map(|secret| secret.name.clone()).collect(),
            resources: plan.resources.iter().map(|resource| resource.name.clone()).collect(),
            deferred: Vec::new(),
            held: RwLock::default(),
        }
    }

    /// Computes defaults, overrides and lets, each after those that it needs. What needs a secret is put off.
    fn compute(
        &mut self,
        plan: &Plan,
        environment: Option<&Environment>,
        values: &BTreeMap<String, Value>,
    ) -> Vec<BindProblem> {
        let params = plan.params.len();
        let exprs: Vec<Option<&Expr>> = (0..params)
            .map(|index| {
                param_expr(plan, environment, index).filter(|_| !values.contains_key(&plan.params[index].name))
            })
            .chain(plan.lets.iter().map(|each| Some(&each.value)))
            .collect();
        let position = |name: Ref| match name {
            Ref::Param(index) => Some(index),
            Ref::Let(index) => Some(params + index),
            _ => None,
        };
        let edges = exprs.iter().enumerate().flat_map(|(at, expr)| {
            let needs = expr.map(names).unwrap_or_default();
            needs.into_iter().filter_map(position).map(move |needed| (needed, at)).collect::<Vec<_>>()
        });
        let Some(order) = Graph::new(exprs.len(), edges).order() else {
            return vec![BindProblem::new("parameters and lets need each other in a circle")];
        };
        let mut problems = Vec::new();
        for at in order {
            let Some(expr) = exprs[at] else { continue };
            let target = if at < params { Ref::Param(at) } else { Ref::Let(at - params) };
            if expr.secret || names(expr).into_iter().any(|name| self.is_deferred(name)) {
                self.deferred.push((target, expr.clone()));
                continue;
            }
            let ty = if at < params { &plan.params[at].ty } else { &expr.ty };
            let value = eval_pure(expr, self)
                .map_err(BindProblem::from)
                .and_then(|value| coerced(value, ty).map_err(|message| BindProblem::new(message).at(expr.span)));
            match value {
                Ok(value) => self.slot(at, params).value = Some(value),
                Err(problem) => problems.push(problem),
            }
        }
        problems
    }

    fn slot(&mut self, at: usize, params: usize) -> &mut Slot {
        if at < params { &mut self.params[at] } else { &mut self.lets[at - params] }
    }

    fn is_deferred(&self, name: Ref) -> bool {
        matches!(name, Ref::Secret(_)) || self.deferred.iter().any(|(target, _)| *target == name)
    }

    /// The environment of the run, chosen or by default.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The values of all parameters but those that hold a secret: what the journal keeps, for [`rebind`].
    pub fn values(&self) -> BTreeMap<String, Value> {
        self.params.iter().filter_map(|slot| Some((slot.name.clone(), slot.value.clone()?))).collect()
    }

    /// Which secrets (indexes) this run can come across; the others need not be there.
    pub fn needed_secrets(&self, plan: &Plan) -> BTreeSet<usize> {
        usage(plan, self.environment_of(plan)).secrets
    }

    /// Which resources (indexes) this run can come across.
    pub fn needed_resources(&self, plan: &Plan) -> BTreeSet<usize> {
        usage(plan, self.environment_of(plan)).resources
    }

    /// Takes the secrets in. Again after they were rotated: the new ones count.
    pub fn give_secrets(&self, secrets: Secrets) {
        self.write().secrets = Some(secrets);
        self.write().tainted.clear();
        for (target, expr) in &self.deferred {
            let value = match eval_pure(expr, self) {
                Ok(value) => Lookup::Value(value),
                Err(error) => Lookup::Missing(error.message),
            };
            self.write().tainted.push((*target, value));
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Held> {
        self.held.write().expect("nothing panics while it holds the secrets")
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().expect("nothing panics while it holds the secrets")
    }

    fn environment_of<'a>(&self, plan: &'a Plan) -> Option<&'a Environment> {
        plan.environments.iter().find(|environment| Some(environment.name.as_str()) == self.environment())
    }

    /// The settings of a resource (by index) in this environment. Those made of secrets need [`Bound::give_secrets`] first.
    pub fn settings(&self, plan: &Plan, resource: usize) -> Result<BTreeMap<String, Value>, EvalError> {
        let kind = plan.resources[resource].kind;
        let given = settings(plan, self.environment_of(plan), resource);
        given
            .into_iter()
            .map(|(key, expr)| {
                let value = eval_pure(expr, self)?;
                let value = match setting_of(kind, key).map(|setting| setting.sig) {
                    Some(Sig::Is(make)) => {
                        coerced(value, &make()).map_err(|message| EvalError { message, span: expr.span })?
                    }
                    Some(_) | None => value,
                };
                Ok((key.to_owned(), value))
            })
            .collect()
    }

    /// How long each attempt and each undo alternative of a step may take. [`expand`](super::expand) has checked that it has
    /// a value.
    pub fn timeout(&self, plan: &Plan, decl: usize, item: Option<&Value>) -> Option<Duration> {
        match &plan.nodes[decl].body {
            Body::Step(step) => match eval_pure(step.timeout.as_ref()?, &self.with_item(item)) {
                Ok(Value::Duration(millis)) => Some(Duration::from_millis(millis)),
                Ok(_) | Err(_) => None,
            },
            Body::Gate(_) => None,
        }
    }

    /// The same names, with the item of a fan-out's instance.
    pub fn with_item<'a>(&'a self, item: Option<&'a Value>) -> WithItem<'a> {
        WithItem { bound: self, item }
    }

    fn value_of(&self, name: Ref, slot: &Slot) -> Lookup {
        if let Some(value) = &slot.value {
            return Lookup::Value(value.clone());
        }
        let held = self.read();
        let known = held.tainted.iter().find(|(target, _)| *target == name).map(|(_, value)| value.clone());
        known.unwrap_or_else(|| Lookup::Missing(format!("`{}` needs a secret that has not been read", slot.name)))
    }

    fn secret(&self, name: &str) -> Lookup {
        match self.read().secrets.as_ref().and_then(|secrets| secrets.get(name)) {
            Some(value) => Lookup::Value(Value::string(value)),
            None => Lookup::Missing(format!("the secret `{name}` has not been read")),
        }
    }
}

impl Scope for Bound {
    fn lookup(&self, name: Ref) -> Lookup {
        match name {
            Ref::Param(index) => self.value_of(name, &self.params[index]),
            Ref::Let(index) => self.value_of(name, &self.lets[index]),
            Ref::Secret(index) => self.secret(&self.secrets[index]),
            Ref::Resource(index) => Lookup::Value(Value::Resource(self.resources[index].clone())),
            Ref::Plan => Lookup::Value(self.plan.clone()),
            Ref::Env => {
                let name = self.environment.clone().unwrap_or_default();
                Lookup::Value(Value::record([("name", Value::String(name))]))
            }
            Ref::Node(_) | Ref::Remembered(_) | Ref::Run => {
                Lookup::Missing("this is known only while the plan runs".to_owned())
            }
            Ref::Item => Lookup::Missing("only a step with `for` has an item".to_owned()),
        }
    }
}

/// [`Bound`] as one instance of a fan-out sees it.
#[derive(Debug, Clone, Copy)]
pub struct WithItem<'a> {
    bound: &'a Bound,
    item: Option<&'a Value>,
}

impl Scope for WithItem<'_> {
    fn lookup(&self, name: Ref) -> Lookup {
        match (name, self.item) {
            (Ref::Item, Some(item)) => Lookup::Value(item.clone()),
            _ => self.bound.lookup(name),
        }
    }
}
