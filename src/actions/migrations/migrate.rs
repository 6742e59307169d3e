//! `migrate`, and its way back `downgrade`.

use crate::engine::{Outcome, Settlement};
use crate::model::Value;

use crate::actions::args::Args;
use crate::actions::codes;
use crate::actions::process::End;
use crate::actions::sql::Dialect;
use crate::actions::sql::connection::Connection;
use crate::actions::world::CallContext;

use super::record::{Record, is_atomic, run_script};
use super::target::{Target, Trouble};
use super::tool::{Tool, Way};
use super::{Route, State, failed, route, sha256, shown, sound};

/// The key of the lock that keeps two migrations of one database apart: no tool but sqlx has one of its own.
const LOCK: i64 = 0x706c_616e_6d69_6772;

/// Why it was not begun, or how it ended.
enum Stop {
    /// Nothing has happened.
    Refused(String),
    Failed {
        trouble: Trouble,
        clean: bool,
    },
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

impl Stop {
    fn outcome(self) -> Outcome {
        match self {
            Self::Refused(why) => codes::clean(&codes::MIGRATION_REFUSED, why),
            Self::Failed { trouble, clean } => match trouble.end {
                End::Exited => failed(trouble, clean),
                End::TimedOut(after) => {
                    Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) }
                }
                End::Stopped => Outcome::Unknown { why: trouble.message },
            },
        }
    }
}

/// Everything that both ways need, found to be fit.
async fn prepared(args: Args<'_>, ctx: &CallContext) -> Result<(Target, Tool), String> {
    let mut target = Target::of(args, ctx)?;
    target.direct()?;
    target.meet().await?;
    let tool = Tool::of(&target)?;
    Ok((target, tool))
}

/// What stands in the way of a migration.
async fn planned(args: Args<'_>, target: &Target, tool: &Tool) -> Result<Route, String> {
    chosen(tool.state(target).await?, args, target, tool).await
}

async fn chosen(state: State, args: Args<'_>, target: &Target, tool: &Tool) -> Result<Route, String> {
    let route = route(state, args.text("to")?, tool)?;
    if route.steps.is_empty() {
        return Err(format!("nothing is pending: the database is at {} already", shown(&route.from)));
    }
    whole(target).await?;
    Ok(route)
}

/// No index is left half-made.
async fn whole(target: &Target) -> Result<(), String> {
    let invalid = target.invalid_indexes().await?;
    match invalid.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "INVALID indexes are left of an attempt that did not end: {}; drop them (`drop index concurrently …`) first",
            invalid.join(", ")
        )),
    }
}

/// Before `migrate`: where the database is, and the way back from where it will be.
pub(crate) async fn capture(args: Args<'_>, ctx: &CallContext) -> Result<Option<Value>, String> {
    let (target, tool) = prepared(args, &ctx.quiet()).await?;
    let state = tool.state(&target).await?;
    // What refuses the migration is for the action to say: it fails before anything has happened.
    let Ok(route) = chosen(state, args, &target, &tool).await else { return Ok(None) };
    let down = match tool.script(&target, route.down()).await {
        Ok(script) if script.whole => Ok(script.sql),
        Ok(_) => Err(format!("only `{}` itself can take this back, with its files", tool.name())),
        Err(why) => Err(why),
    };
    let schema = sha256(&target.objects().await?.join("\n"));
    Ok(Some(Record { route, down, schema }.value()))
}

/// The action `migrate`.
pub(crate) async fn migrate(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match migrated(args, ctx).await {
        Ok(route) => Outcome::Succeeded { outputs: route.ends() },
        Err(stop) => stop.outcome(),
    }
}

async fn migrated(args: Args<'_>, ctx: &CallContext) -> Result<Route, Stop> {
    let (target, tool) = prepared(args, ctx).await?;
    let route = planned(args, &target, &tool).await?;
    moved(&target, &tool, route.up(), Means::Tool).await?;
    Ok(route)
}

/// By what a way is gone.
enum Means {
    Tool,
    Script(String),
}

/// Goes a way, one migration at a time in this database, and looks where that has led.
async fn moved(target: &Target, tool: &Tool, way: Way<'_>, means: Means) -> Result<(), Stop> {
    let lock = locked(target, tool).await?;
    let before = target.objects().await?;
    let gone = match means {
        Means::Tool => tool.go(target, way).await,
        Means::Script(sql) => run_script(target, sql).await,
    };
    let looked = match gone {
        Ok(()) => arrived(target, tool, way).await,
        Err(trouble) => Err(stopped(target, tool, way, &before, trouble).await),
    };
    if let Some(lock) = lock {
        lock.close().await;
    }
    looked
}

/// Holds the lock for as long as what it returns.
async fn locked(target: &Target, tool: &Tool) -> Result<Option<Connection>, String> {
    if tool.locks() || target.address.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let mut connection = target.open("plan:lock").await?;
    let text = format!("select pg_try_advisory_lock({LOCK}) as got");
    let rows = connection.rows(&text, 1).await.map_err(|refusal| refusal.message)?;
    let got = rows.first().and_then(|row| row.first()).and_then(|(_, value)| value.as_bool());
    if got == Some(true) {
        return Ok(Some(connection));
    }
    connection.close().await;
    Err(format!("another migration of `{}` is at work; wait for it", target.name))
}

/// The tool said that it went well: whether this database is where it should be.
async fn arrived(target: &Target, tool: &Tool, way: Way<'_>) -> Result<(), Stop> {
    let dirty = |message: String| Stop::Failed { trouble: message.into(), clean: false };
    let now = tool.current(target).await.map_err(dirty)?;
    if !same(&now, way.to) {
        let advice = match same(&now, way.from) {
            true => "; does the tool's configuration take its address from DATABASE_URL?",
            false => "",
        };
        let (at, to) = (shown(&now), shown(way.to));
        return Err(dirty(format!("the tool ended well, but `{}` is at {at}, not at {to}{advice}", target.name)));
    }
    whole(target).await.map_err(dirty)
}

/// The order of several revisions says nothing.
fn same(some: &[String], other: &[String]) -> bool {
    some.len() == other.len() && some.iter().all(|revision| other.contains(revision))
}

/// It failed: where the database stands now.
async fn stopped(target: &Target, tool: &Tool, way: Way<'_>, before: &[String], trouble: Trouble) -> Stop {
    let told = |what: String| Trouble {
        message: format!("{}; {what}", trouble.message),
        tail: trouble.tail.clone(),
        end: trouble.end,
    };
    if let Err(why) = target.quiesce().await {
        return Stop::Failed { trouble: told(why), clean: false };
    }
    let (now, objects) = match (tool.current(target).await, target.objects().await) {
        (Ok(now), Ok(objects)) => (now, objects),
        (Err(why), _) | (_, Err(why)) => {
            return Stop::Failed { trouble: told(format!("where it stands now cannot be read: {why}")), clean: false };
        }
    };
    if !same(&now, way.from) {
        return Stop::Failed { trouble: told(format!("the database is at {} now", shown(&now))), clean: false };
    }
    let changed: Vec<&str> = objects.iter().filter(|object| !before.contains(object)).map(String::as_str).collect();
    if !changed.is_empty() || objects.len() != before.len() {
        let first = changed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let what = if first.is_empty() { "something is gone".to_owned() } else { first };
        let trouble = told(format!(
            "it is half applied: the revision is still {}, but the schema has changed: {what}",
            shown(&now)
        ));
        return Stop::Failed { trouble, clean: false };
    }
    let script = tool.script(target, way).await;
    match script.is_ok_and(|script| is_atomic(&script.sql, target.address.dialect())) {
        true => Stop::Failed { trouble: told(format!("the database is still at {}", shown(&now))), clean: true },
        false => {
            let what =
                "revision and schema are what they were, but it does not run in one transaction: rows may have changed";
            Stop::Failed { trouble: told(what.to_owned()), clean: false }
        }
    }
}

/// The action `downgrade` by itself: to the revision that the plan names.
pub(crate) async fn downgrade(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match args.text("to") {
        Ok(Some(to)) if !to.starts_with('-') => match downgraded(args, to, ctx).await {
            Ok(route) => Outcome::Succeeded { outputs: back(&route) },
            Err(stop) => stop.outcome(),
        },
        Ok(Some(to)) => codes::clean(&codes::BAD_CALL, format!("`{to}` is no revision: give the one to go back to")),
        Ok(None) => codes::clean(&codes::BAD_CALL, "no migration of this step is on record: say `to: …`"),
        Err(why) => codes::clean(&codes::BAD_CALL, why),
    }
}

fn back(route: &Route) -> std::collections::BTreeMap<String, Value> {
    Route { from: route.to.clone(), to: route.from.clone(), steps: Vec::new() }.ends()
}

async fn downgraded(args: Args<'_>, to: &str, ctx: &CallContext) -> Result<Route, Stop> {
    let (target, tool) = prepared(args, ctx).await?;
    let state = tool.state(&target).await?;
    sound(&state, &tool)?;
    let to: Vec<String> = if to == "base" { Vec::new() } else { vec![tool.written(to)] };
    let mut route = Route { from: to, to: state.current.clone(), steps: Vec::new() };
    if same(&route.from, &route.to) {
        return Ok(route);
    }
    if let Some(known) = &state.known {
        let applied: Vec<&String> = known.iter().filter(|revision| !state.pending.contains(revision)).collect();
        let at = match route.from.first() {
            None => 0,
            Some(to) => {
                1 + applied
                    .iter()
                    .position(|revision| *revision == to)
                    .ok_or_else(|| format!("`{to}` is not below {}, where the database is", shown(&route.to)))?
            }
        };
        route.steps = applied.into_iter().skip(at).cloned().collect();
    }
    moved(&target, &tool, route.down(), Means::Tool).await?;
    Ok(route)
}

/// `downgrade` as the undo of a `migrate`: to the revision that was recorded before it, never one step further. May run
/// again after a crash, and when nothing has moved.
pub(crate) async fn undo(args: Args<'_>, captured: Option<&Value>, ctx: &CallContext) -> Outcome {
    let record = match (args.text("to"), Record::read(captured)) {
        (Ok(None), Some(record)) => record,
        (Ok(_) | Err(_), _) => return downgrade(args, ctx).await,
    };
    match undone(args, &record, ctx).await {
        Ok(()) => Outcome::Succeeded { outputs: back(&record.route) },
        Err(stop) => stop.outcome(),
    }
}

async fn undone(args: Args<'_>, record: &Record, ctx: &CallContext) -> Result<(), Stop> {
    let (target, tool) = prepared(args, ctx).await?;
    target.quiesce().await?;
    let route = &record.route;
    let current = tool.current(&target).await?;
    if same(&current, &route.from) {
        return settled_schema(&target, record).await;
    }
    let between = current.iter().all(|revision| route.steps.contains(revision) || route.to.contains(revision));
    if current.is_empty() || !between {
        let (at, to) = (shown(&current), shown(&route.to));
        return Err(Stop::Refused(format!("the database is at {at}, not at {to}: somebody else has moved it since")));
    }
    let now = Route { to: current.clone(), ..route.clone() };
    let has_code = tool.state(&target).await.is_ok_and(|state| has_code(&state, route, &tool));
    let means = match (has_code, &record.down) {
        (true, _) => Means::Tool,
        (false, Ok(sql)) if same(&current, &route.to) => Means::Script(sql.clone()),
        (false, Ok(_)) => {
            let at = shown(&current);
            return Err(Stop::Refused(format!("the code is gone, and the captured SQL does not begin at {at}")));
        }
        (false, Err(why)) => {
            return Err(Stop::Refused(format!("the code is gone, and no SQL was captured for the way back: {why}")));
        }
    };
    moved(&target, &tool, now.down(), means).await
}

/// The files still hold every step of the migration, and where it started.
fn has_code(state: &super::State, route: &Route, tool: &Tool) -> bool {
    let Some(known) = &state.known else { return tool.dir().is_dir() };
    state.flaw.is_none() && route.steps.iter().chain(&route.from).all(|revision| known.contains(revision))
}

/// The revision has never moved: then neither may the schema have.
async fn settled_schema(target: &Target, record: &Record) -> Result<(), Stop> {
    whole(target).await?;
    match sha256(&target.objects().await?.join("\n")) == record.schema {
        true => Ok(()),
        false => Err(Stop::Refused(half(&record.route.from))),
    }
}

fn half(at: &[String]) -> String {
    format!(
        "the migration is half applied: the revision is still {}, but the schema has changed; mend it by hand",
        shown(at)
    )
}

/// After a crash: first the server has to be done with what the killed tool began, then the revision tells.
pub(crate) async fn settle(function: &str, args: Args<'_>, captured: Option<&Value>, ctx: &CallContext) -> Settlement {
    settled(function, args, captured, &ctx.quiet()).await.unwrap_or_else(Settlement::Unknown)
}

async fn settled(
    function: &str,
    args: Args<'_>,
    captured: Option<&Value>,
    ctx: &CallContext,
) -> Result<Settlement, String> {
    let (target, tool) = prepared(args, ctx).await?;
    target.quiesce().await?;
    let current = tool.current(&target).await?;
    whole(&target).await?;
    if function == "downgrade" {
        let to = args.text("to")?.map(|to| tool.written(to));
        return Ok(if current.first() == to.as_ref() { Settlement::Done(None) } else { Settlement::NotDone });
    }
    let record = Record::read(captured).ok_or("where the database was before is not on record")?;
    let route = &record.route;
    if same(&current, &route.to) {
        return Ok(Settlement::Done(Some(route.ends())));
    }
    if !same(&current, &route.from) {
        let (from, to) = (shown(&route.from), shown(&route.to));
        return Err(format!("the database is at {}, neither at {from} nor at {to}", shown(&current)));
    }
    match sha256(&target.objects().await?.join("\n")) == record.schema {
        true => Ok(Settlement::NotDone),
        false => Err(half(&current)),
    }
}
