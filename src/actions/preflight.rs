//! Looks for what actions and probes need before the first effect: programs, databases, folders, checkouts.
//!
//! Only what no step can bring about is missed: a program given by its path may be built by an earlier step, a service may
//! be what the plan deploys, a SQLite file may be made by it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::model::{ResourceKind, Value};
use crate::registry::{Function, Need};

use super::args::Args;
use super::process::find_program;
use super::world::CallContext;
use super::{repo, sql};

/// Something that is not there. All texts are masked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What is needed: "the program `render`".
    pub what: String,
    /// What was seen instead.
    pub seen: String,
    /// What to do.
    pub advice: String,
}

/// What one call needs and does not find. `args`: those that are known before the run; others are left out.
pub async fn preflight(function: &Function, args: &BTreeMap<String, Value>, ctx: &CallContext) -> Vec<Missing> {
    let mut missing = Vec::new();
    for need in function.needs {
        missing.extend(match need {
            Need::Program(name) => program(name, ctx),
            Need::ProgramIn(param) => first_word(args.get(*param)).and_then(|name| program(&name, ctx)),
            Need::Reachable => database(args, ctx).await,
            Need::Writable(param) => writable(Args(args).text(param).ok().flatten(), ctx),
        });
    }
    missing.extend(checkout(function, args, ctx).await);
    let masker = &ctx.world.masker;
    let masked =
        |m: Missing| Missing { what: masker.mask(&m.what), seen: masker.mask(&m.seen), advice: masker.mask(&m.advice) };
    missing.into_iter().map(masked).collect()
}

fn first_word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::List(words) => words.first()?.as_str().map(str::to_owned),
        other => other.as_str()?.split_whitespace().next().map(str::to_owned),
    }
}

fn program(name: &str, ctx: &CallContext) -> Option<Missing> {
    let own = ctx.env.iter().rev().find(|(key, _)| key == "PATH").map(|(_, path)| path.clone());
    let path = own.or_else(|| std::env::var("PATH").ok()).unwrap_or_default();
    if name.contains('/') || find_program(name, &path, ctx.working_dir()).is_some() {
        return None;
    }
    Some(Missing {
        what: format!("the program `{name}`"),
        seen: "no folder on PATH has it".to_owned(),
        advice: format!("install `{name}`, or write its path"),
    })
}

async fn database(args: &BTreeMap<String, Value>, ctx: &CallContext) -> Option<Missing> {
    let (name, ResourceKind::Database) = resource(args, ctx)? else { return None };
    let seen = sql::reachable(&name, ctx).await.err()?;
    let advice = "check its `url`, that the server runs, and that this machine may connect".to_owned();
    Some(Missing { what: format!("the database `{name}`"), seen, advice })
}

/// The resource that a call is about.
fn resource(args: &BTreeMap<String, Value>, ctx: &CallContext) -> Option<(String, ResourceKind)> {
    let name = args.values().find_map(|value| match value {
        Value::Resource(name) => Some(name),
        _ => None,
    })?;
    Some((name.clone(), ctx.world.resources.get(name)?.kind))
}

fn writable(path: Option<&str>, ctx: &CallContext) -> Option<Missing> {
    let path = ctx.world.path(path?);
    let folder = if path.is_dir() { path.clone() } else { nearest(&path)? };
    let error = access(&folder, Access::WRITE_OK | Access::EXEC_OK).err()?;
    Some(Missing {
        what: format!("a place to write {}", path.display()),
        seen: format!("{}: {error}", folder.display()),
        advice: "make the folder writable for this user, or name another one".to_owned(),
    })
}

/// The nearest folder above that is there; those between are made by the action.
fn nearest(path: &Path) -> Option<PathBuf> {
    let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    path.ancestors().skip(1).map(here).find(|folder| folder.is_dir())
}

async fn checkout(function: &Function, args: &BTreeMap<String, Value>, ctx: &CallContext) -> Option<Missing> {
    let (name, ResourceKind::Repo) = resource(args, ctx)? else { return None };
    let remote = matches!(function.name, "push" | "remote_head" | "ahead" | "behind");
    let seen = repo::reachable(Args(args), remote, ctx).await.err()?;
    let advice = "check its `dir`, `remote` and `branch`, and that git may log in without asking".to_owned();
    Some(Missing { what: format!("the repository `{name}`"), seen, advice })
}
