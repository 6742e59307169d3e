//! Migrations: where a database and its files stand, the SQL between two revisions, the way up and the way back.
//!
//! The revision is read before and after whatever a tool does, and never taken from what it prints. Which database, under
//! which name and limits stands in the environment of its processes, never on a command line.

mod alembic;
mod custom;
mod dbmate;
mod django;
mod files;
mod migrate;
mod record;
mod sqitch;
mod target;
mod tool;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::engine::Outcome;
use crate::model::Value;

use super::args::Args;
use super::codes;
use super::world::CallContext;
use target::{Target, Trouble};
use tool::{State, Tool, Way};

pub(crate) use migrate::{capture, downgrade, migrate, settle, undo};

/// The probes `revision`, `heads`, `pending` and `head`.
pub(crate) async fn probe(function: &str, args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let target = Target::of(args, &ctx.quiet())?;
    let tool = Tool::of(&target)?;
    match function {
        "revision" => {
            one(tool.current(&target).await?, &tool, "the database is at several revisions").map(Value::String)
        }
        "heads" => tool.heads(&target).await.map(Value::strings),
        "database.head" => one(tool.heads(&target).await?, &tool, "the files have several heads").map(Value::String),
        "pending" => {
            let state = tool.state(&target).await?;
            sound(&state, &tool)?;
            Ok(Value::strings(state.pending))
        }
        other => Err(format!("the probe `{other}` cannot be read by this version")),
    }
}

fn one(mut revisions: Vec<String>, tool: &Tool, several: &str) -> Result<String, String> {
    match revisions.len() {
        0 | 1 => Ok(revisions.pop().unwrap_or_default()),
        _ if tool.many() => Ok(revisions.join(" ")),
        _ => Err(format!("{several}: {}", revisions.join(", "))),
    }
}

/// Whether revisions mean what they say: one line, known to the files.
fn sound(state: &State, tool: &Tool) -> Result<(), String> {
    if let Some(flaw) = &state.flaw {
        return Err(flaw.clone());
    }
    if !tool.many() && state.current.len() > 1 {
        return Err(format!("the database is at several revisions: {}; merge them first", state.current.join(", ")));
    }
    if let Some(known) = &state.known
        && let Some(unknown) = state.current.iter().find(|revision| !known.contains(revision))
    {
        return Err(format!(
            "the database is at `{unknown}`, which the migration files do not know; are these of another release?"
        ));
    }
    if !tool.many() && state.heads.len() > 1 {
        return Err(format!("the migration files have several heads: {}; merge them first", state.heads.join(", ")));
    }
    Ok(())
}

/// A way up that was found to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    from: Vec<String>,
    to: Vec<String>,
    steps: Vec<String>,
}

impl Route {
    fn up(&self) -> Way<'_> {
        Way { from: &self.from, to: &self.to, steps: &self.steps, down: false }
    }

    fn down(&self) -> Way<'_> {
        Way { from: &self.to, to: &self.from, steps: &self.steps, down: true }
    }

    fn ends(&self) -> BTreeMap<String, Value> {
        [("from", &self.from), ("to", &self.to)]
            .into_iter()
            .map(|(name, ids)| (name.to_owned(), Value::String(ids.join(" "))))
            .collect()
    }
}

/// From where the database is to `to`, the newest when `None`. No steps: it is there.
fn route(state: State, to: Option<&str>, tool: &Tool) -> Result<Route, String> {
    sound(&state, tool)?;
    let State { current, heads, pending, known, .. } = state;
    let Some(to) = to.filter(|to| !matches!(*to, "" | "head" | "heads")).map(|to| tool.written(to)) else {
        return Ok(Route { from: current, to: heads, steps: pending });
    };
    if current.contains(&to) {
        return Ok(Route { to: current.clone(), from: current, steps: Vec::new() });
    }
    let Some(at) = pending.iter().position(|revision| *revision == to) else {
        let is_known = known.is_some_and(|known| known.contains(&to));
        return Err(match is_known {
            true => format!("the database is past `{to}`, at {}; `downgrade` goes back", shown(&current)),
            false => format!("the migration files know no revision `{to}`"),
        });
    };
    Ok(Route { from: current, steps: pending[..=at].to_vec(), to: vec![to] })
}

/// Revisions in a message.
fn shown(revisions: &[String]) -> String {
    if revisions.is_empty() { "no revision".to_owned() } else { format!("`{}`", revisions.join(" ")) }
}

fn sha256(text: &str) -> String {
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The action `preview`.
pub(crate) async fn preview(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match previewed(args, ctx).await {
        Ok(outputs) => Outcome::Succeeded { outputs },
        Err(why) => codes::clean(&codes::MIGRATION_REFUSED, why),
    }
}

/// The SQL from the database's revision to the target.
pub(crate) async fn pending_sql(args: Args<'_>, ctx: &CallContext) -> Result<String, String> {
    let outputs = previewed(args, ctx).await?;
    Ok(outputs.get("sql").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn previewed(args: Args<'_>, ctx: &CallContext) -> Result<BTreeMap<String, Value>, String> {
    let target = Target::of(args, ctx)?;
    let tool = Tool::of(&target)?;
    let route = route(tool.state(&target).await?, args.text("to")?, &tool)?;
    let sql = match route.steps.is_empty() {
        true => String::new(),
        false => tool.script(&target, route.up()).await?.sql,
    };
    let mut outputs = route.ends();
    outputs.insert("sha256".to_owned(), Value::String(sha256(&sql)));
    outputs.insert("sql".to_owned(), Value::String(sql));
    Ok(outputs)
}

/// The action `migration`: makes a new one; which it is shows in the folder.
pub(crate) async fn make(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match made(args, ctx).await {
        Ok(outputs) => Outcome::Succeeded { outputs },
        Err(trouble) => failed(trouble, false),
    }
}

async fn made(args: Args<'_>, ctx: &CallContext) -> Result<BTreeMap<String, Value>, Trouble> {
    let mut target = Target::of(args, ctx)?;
    target.meet().await?;
    let tool = Tool::of(&target)?;
    let known = |state: State| state.known.unwrap_or_default();
    let (files, before) = (listed(&tool.dir()), known(tool.state(&target).await?));
    tool.make(&target, args.required_text("message")?).await?;
    let fresh: Vec<PathBuf> = listed(&tool.dir()).difference(&files).cloned().collect();
    let file = fresh.iter().find(|path| !path.to_string_lossy().ends_with(".down.sql"));
    let file = file.ok_or_else(|| "the tool made no file: nothing differs between models and database".to_owned())?;
    let state = tool.state(&target).await?;
    let revision = known(state).into_iter().rfind(|revision| !before.contains(revision)).unwrap_or_default();
    let file = Value::string(file.to_string_lossy());
    Ok(BTreeMap::from([("revision".to_owned(), Value::String(revision)), ("file".to_owned(), file)]))
}

/// The files below a folder that may be migrations.
fn listed(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !name.starts_with(['.', '_']) && name != "node_modules" {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "py" || end == "sql") {
                found.insert(path);
            }
        }
    }
    found
}

fn failed(trouble: Trouble, clean: bool) -> Outcome {
    let mut failure = codes::failure(&codes::MIGRATION_FAILED, trouble.message);
    failure.tail = trouble.tail;
    Outcome::Failed { clean, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(current: &[&str], pending: &[&str]) -> State {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let known = owned(&["a", "b", "c"]);
        State { current: owned(current), heads: owned(&["c"]), pending: owned(pending), known: Some(known), flaw: None }
    }

    fn tool() -> Tool {
        Tool::Alembic(alembic::Alembic { dir: PathBuf::from(".") })
    }

    #[test]
    fn routes() {
        let up = route(state(&["a"], &["b", "c"]), Some("b"), &tool()).unwrap();
        assert_eq!((up.steps, up.to), (vec!["b".to_owned()], vec!["b".to_owned()]));
        assert_eq!(route(state(&["a"], &["b", "c"]), None, &tool()).unwrap().to, ["c"]);
        assert!(route(state(&["c"], &[]), Some("c"), &tool()).unwrap().steps.is_empty());
        assert!(route(state(&["b"], &["c"]), Some("a"), &tool()).unwrap_err().contains("past `a`"));
        assert!(route(state(&["b"], &["c"]), Some("x"), &tool()).unwrap_err().contains("no revision `x`"));
        assert!(route(state(&["zz"], &["c"]), None, &tool()).unwrap_err().contains("`zz`, which the migration files"));
        assert!(route(state(&["a", "b"], &["c"]), None, &tool()).unwrap_err().contains("several revisions"));
    }
}
