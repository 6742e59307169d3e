//! Before the first effect: is everything there that the actions need? And which resources does the run change?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::actions::{self, CallContext, Missing, Silent, StopToken, World};
use crate::diag::Problem;
use crate::model::{Body, Call, ExprKind, FunctionKind, Node, Ref, ResourceKind, Value};
use crate::registry::{self, Effect};

use super::build::Built;
use super::codes;

/// Everything that is missing, once each.
pub(crate) async fn look(built: &Built, world: &Arc<World>) -> Vec<Missing> {
    let mut missing = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for node in here(built) {
        let context = context(built, node, world);
        for call in registry::calls_of(node) {
            let effectful = matches!(call.kind, FunctionKind::Action | FunctionKind::Probe);
            let Some(function) = registry::find(call.kind, call.function).filter(|_| effectful) else { continue };
            let args = known_args(built, call);
            // A plan of ten thousand equal calls asks the world once.
            if function.needs.is_empty() && args.is_empty()
                || !seen.insert(format!("{}{args:?}{:?}", call.function, context.dir))
            {
                continue;
            }
            missing.extend(actions::preflight(function, &args, &context).await);
        }
    }
    missing.into_iter().collect()
}

/// The same, as an error that lists it all.
pub(crate) async fn check(built: &Built, world: &Arc<World>) -> Result<(), Problem> {
    let missing = look(built, world).await;
    if missing.is_empty() {
        return Ok(());
    }
    let problem =
        Problem::new(&codes::PREFLIGHT_FAILED, "what the plan's actions need is not all there; nothing was started");
    Err(missing
        .into_iter()
        .fold(problem, |problem, Missing { what, seen, advice }| problem.detail(format!("{what}: {seen}; {advice}"))))
}

fn here(built: &Built) -> impl Iterator<Item = &Node> {
    built.plan.nodes.iter().filter(|node| !registry::is_excluded(node, built.bound.environment()))
}

fn context(built: &Built, node: &Node, world: &Arc<World>) -> CallContext {
    let mut context = CallContext {
        world: world.clone(),
        step: node.name.clone(),
        attempt: 0,
        env: Vec::new(),
        dir: None,
        timeout: None,
        stop: StopToken::default(),
        sink: Arc::new(Silent),
    };
    if let Body::Step(step) = &node.body {
        for (name, expr) in &step.env {
            if let Ok(value) = registry::eval_pure(expr, &built.bound) {
                context.env.push((name.clone(), registry::printed(&value)));
            }
        }
        let dir = step.dir.as_ref().and_then(|expr| registry::eval_pure(expr, &built.bound).ok());
        context.dir = dir.map(|dir| world.base.join(registry::printed(&dir)));
    }
    context
}

/// The arguments of a call that are known before the run.
fn known_args(built: &Built, call: &Call) -> BTreeMap<String, Value> {
    let Some(function) = registry::find(call.kind, call.function) else { return BTreeMap::new() };
    let known = |expr: &crate::model::Expr| registry::eval_pure(expr, &built.bound).ok();
    let pairs = function.params.iter().zip(&call.args);
    pairs.filter_map(|(param, arg)| Some((param.name.to_owned(), known(arg.as_ref()?)?))).collect()
}

/// The addresses of the resources that the run changes, without credentials: what its locks are keyed by.
pub(crate) fn addresses(built: &Built, base: &Path) -> Result<Vec<String>, Problem> {
    let mut changed = BTreeSet::new();
    for call in here(built).flat_map(registry::calls_of).filter(|call| call.kind == FunctionKind::Action) {
        let Some(function) = registry::find(call.kind, call.function) else { continue };
        let Effect::Resource(param) = function.effect else { continue };
        if let Some(ExprKind::Ref(Ref::Resource(index))) =
            call.args.get(param).and_then(Option::as_ref).map(|arg| &arg.kind)
        {
            changed.insert(*index);
        }
    }
    let address = |index: usize| {
        let resource = &built.plan.resources[index];
        let settings = built.bound.settings(&built.plan, index).map_err(|error| {
            Problem::new(
                &codes::BAD_VALUES,
                format!("the settings of `{}` have no value: {}", resource.name, error.message),
            )
        })?;
        Ok(address(resource.kind, &settings, base))
    };
    let found: Result<BTreeSet<String>, Problem> = changed.into_iter().map(address).collect();
    Ok(found?.into_iter().collect())
}

fn address(kind: ResourceKind, settings: &BTreeMap<String, Value>, base: &Path) -> String {
    let text = |key: &str| settings.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind {
        ResourceKind::Database => database(&text("url"), base),
        ResourceKind::Repo => {
            let dir = absolute(base, &text("dir"));
            format!("repo {dir} {} {}", without_user(&text("remote")), text("branch"))
        }
        ResourceKind::Service => format!("service {}", without_user(&text("url"))),
        ResourceKind::Host => format!("host {}", text("ssh")),
    }
}

fn database(url: &str, base: &Path) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let path = path.trim_start_matches("//");
            format!("sqlite {}", absolute(base, path.split('?').next().unwrap_or(path)))
        }
        // Parameters do not change which database it is.
        None => format!("database {}", without_user(url).split('?').next().unwrap_or_default()),
    }
}

/// The file may not exist yet, but its folder does.
fn absolute(base: &Path, path: &str) -> String {
    let full = base.join(path);
    let whole = full.canonicalize().ok().or_else(|| {
        let folder = full.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(full.file_name()?))
    });
    whole.unwrap_or(full).display().to_string()
}

fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::{database, without_user};
    use std::path::Path;

    #[test]
    fn an_address_holds_no_credentials_and_no_parameters() {
        assert_eq!(
            database("postgres://app:se@cret@db.example:5432/shop?sslmode=require", Path::new(".")),
            "database postgres://db.example:5432/shop"
        );
        assert_eq!(without_user("https://token@example.org/a@b"), "https://example.org/a@b");
    }

    #[test]
    fn one_sqlite_file_has_one_address() {
        let folder = tempfile::tempdir().unwrap();
        let by_name = database("sqlite:app.db", folder.path());
        let by_detour = database("sqlite://./app.db?mode=rwc", folder.path());
        assert_eq!(by_name, by_detour);
    }
}
