//! SQL on SQLite and PostgreSQL: the action, in one transaction, and the probes, which may only read.
//!
//! Each call opens a connection of its own and closes it: a session then carries the name of its step, an ended one harms
//! nobody else, and poolers that hand sessions around are no trap. Only simple queries are sent, for the same reason.

pub(crate) mod connection;
mod fingerprint;
mod json;
pub(crate) mod split;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::timeout;

use crate::engine::Outcome;
use crate::model::{ResourceKind, Value};

use super::args::Args;
use super::codes;
use super::world::CallContext;
use connection::Refusal;
pub(crate) use connection::{Access, Address, Connection};
pub(crate) use fingerprint::{Contents, begin as begin_snapshot, contents};
use split::{Statement, split};

/// How a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// How long a probe may take.
const PROBE_TIME: Duration = Duration::from_secs(30);
/// The same for one that reads whole tables.
const CONTENTS_TIME: Duration = Duration::from_secs(600);
/// How many rows a query may yield.
const MOST_ROWS: usize = 10_000;
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a cancelled transaction is waited for.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Where a resource is.
pub(crate) fn address(name: &str, ctx: &CallContext) -> Result<Address, String> {
    let resource = ctx.world.resource(name)?;
    let url = resource.text("url").ok_or_else(|| format!("the database `{name}` has no `url`"))?;
    Address::parse(url, &ctx.world.base).map_err(|why| format!("the `url` of `{name}` {why}"))
}

/// Where a resource is without a pooler in between (`direct_url`, else `url`), and that address as the plan has it.
pub(crate) fn direct_address<'a>(name: &str, ctx: &'a CallContext) -> Result<(Address, &'a str), String> {
    let resource = ctx.world.resource(name)?;
    let key = if resource.text("direct_url").is_some() { "direct_url" } else { "url" };
    let url = resource.text(key).ok_or_else(|| format!("the database `{name}` has no `url`"))?;
    let address = Address::parse(url, &ctx.world.base).map_err(|why| format!("the `{key}` of `{name}` {why}"))?;
    Ok((address, url))
}

/// What the action was asked to do.
struct Order {
    address: Address,
    text: String,
    /// Statements to run first: limits for this transaction.
    limits: Vec<String>,
}

/// The action `sql`.
pub(crate) async fn perform(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match order(args, ctx) {
        Ok(order) => carry_out(order, ctx).await,
        Err(why) => codes::clean(&codes::BAD_CALL, why),
    }
}

fn order(args: Args<'_>, ctx: &CallContext) -> Result<Order, String> {
    let address = address(args.resource("database")?, ctx)?;
    let text = match (args.text("text")?, args.text("file")?) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => {
            let path = ctx.world.path(file);
            std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?
        }
        (None, None) => return Err("neither `text` nor `file` was given".to_owned()),
    };
    let dialect = address.dialect();
    if let Some(own) = split(&text, dialect).into_iter().find(|statement| statement.controls_transaction(dialect)) {
        let line = line_of(&text, own.start);
        return Err(format!(
            "line {line} of the SQL begins or ends a transaction; take it out: all statements already run in one"
        ));
    }
    let limits = limits(args, dialect)?;
    Ok(Order { address, text, limits })
}

fn limits(args: Args<'_>, dialect: Dialect) -> Result<Vec<String>, String> {
    let lock = args.duration("lock_timeout")?;
    let statement = args.duration("statement_timeout")?;
    match dialect {
        Dialect::Sqlite => Ok(Vec::new()),
        Dialect::Postgres => {
            let lock = lock.unwrap_or(LOCK_TIMEOUT).as_millis();
            let mut limits = vec![format!("set local lock_timeout = {lock}")];
            limits.extend(statement.map(|limit| format!("set local statement_timeout = {}", limit.as_millis())));
            Ok(limits)
        }
    }
}

/// Why a transaction did not come to its end.
enum Failed {
    Unreachable(String),
    /// It was rolled back.
    Refused(String),
    /// It was being committed when the connection broke.
    Unknown(String),
}

async fn carry_out(order: Order, ctx: &CallContext) -> Outcome {
    let session = ctx.session_name();
    let cancelled = Arc::new(AtomicBool::new(false));
    let access = Access::Change { interrupt: cancelled.clone() };
    let mut connection = match Connection::open(&order.address, &session, access).await {
        Ok(connection) => connection,
        Err(why) => return outcome(Err(Failed::Unreachable(why))),
    };
    let address = order.address.clone();
    let backend = connection.backend().await;
    // A task of its own: a query that is dropped half-way would leave its connection in a state that nobody knows.
    let mut work = tokio::spawn(async move {
        let result = transaction(&mut connection, &order).await;
        connection.close().await;
        result
    });
    let asked = tokio::select! {
        biased;
        done = &mut work => return outcome(done.unwrap_or_else(|_| Err(lost()))),
        () = ctx.stop.asked(1) => None,
        () = sleep(ctx.timeout) => ctx.timeout,
    };
    cancelled.store(true, Ordering::Relaxed);
    if let Some(backend) = backend {
        connection::cancel(&address, backend).await;
    }
    match (timeout(CANCEL_GRACE, &mut work).await, asked) {
        // It was faster than the order to end.
        (Ok(Ok(Ok(rows))), _) => outcome(Ok(rows)),
        (_, Some(after)) => Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) },
        (Ok(Ok(Err(Failed::Refused(_)))), None) => {
            Outcome::Unknown { why: "the SQL was ended by plan; its transaction was rolled back".to_owned() }
        }
        (_, None) => Outcome::Unknown { why: "the SQL was ended by plan".to_owned() },
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn lost() -> Failed {
    Failed::Unknown("the task that ran the SQL was lost".to_owned())
}

fn outcome(result: Result<u64, Failed>) -> Outcome {
    match result {
        Ok(rows) => {
            let rows = Value::Int(i64::try_from(rows).unwrap_or(i64::MAX));
            Outcome::Succeeded { outputs: BTreeMap::from([("rows".to_owned(), rows)]) }
        }
        Err(Failed::Unreachable(why)) => codes::clean(&codes::DATABASE_UNREACHABLE, why),
        Err(Failed::Refused(why)) => codes::clean(&codes::SQL_FAILED, why),
        Err(Failed::Unknown(why)) => Outcome::Unknown { why },
    }
}

/// All statements in one transaction; how many rows they changed.
async fn transaction(connection: &mut Connection, order: &Order) -> Result<u64, Failed> {
    let dialect = connection.dialect();
    begin(connection, order).await.map_err(|refusal| Failed::Refused(refusal.message))?;
    let mut rows = 0;
    for statement in split(&order.text, dialect) {
        match connection.run(statement.text).await {
            Ok(changed) if statement.changes_rows(dialect) => rows += changed,
            Ok(_) => {}
            Err(refusal) => {
                // The server rolls back what is never committed: with the connection at the latest.
                let _ = connection.run("rollback").await;
                let message = format!("{}; the transaction was rolled back", placed(&order.text, statement, &refusal));
                return Err(Failed::Refused(message));
            }
        }
    }
    match connection.run("commit").await {
        Ok(_) => Ok(rows),
        Err(refusal) if refusal.said => {
            let _ = connection.run("rollback").await;
            Err(Failed::Refused(format!("{} (at the commit); the transaction was rolled back", refusal.message)))
        }
        Err(refusal) => {
            Err(Failed::Unknown(format!("the connection broke while the SQL was being committed: {}", refusal.message)))
        }
    }
}

async fn begin(connection: &mut Connection, order: &Order) -> Result<(), Refusal> {
    connection
        .run(match connection.dialect() {
            Dialect::Postgres => "begin",
            // The lock to write is taken at once: taken later, it could fail half-way without waiting.
            Dialect::Sqlite => "begin immediate",
        })
        .await?;
    for limit in &order.limits {
        connection.run(limit).await?;
    }
    connection.end_with_client().await
}

/// A refusal with the line of the text where it belongs.
fn placed(text: &str, statement: Statement<'_>, refusal: &Refusal) -> String {
    let offset = refusal.position.and_then(|at| statement.text.char_indices().nth(at.saturating_sub(1)));
    let at = statement.start + offset.map_or(0, |(at, _)| at);
    let lines = text.trim_end().lines().count();
    if lines > 1 { format!("line {}: {}", line_of(text, at), refusal.message) } else { refusal.message.clone() }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Whether a database can be connected to, or made: a SQLite file may be the plan's to make. `Err`: what was seen.
pub(crate) async fn reachable(name: &str, ctx: &CallContext) -> Result<(), String> {
    let address = address(name, ctx)?;
    if let Address::Sqlite(path) = &address
        && !path.exists()
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return match folder {
            Some(folder) if !folder.is_dir() => Err(format!("the folder {} is not there", folder.display())),
            Some(_) | None => Ok(()),
        };
    }
    let connection = Connection::open(&address, &ctx.session_name(), Access::Read).await?;
    connection.close().await;
    Ok(())
}

/// Ends what sessions of this step still do in the PostgreSQL servers of the plan: a killed client does not stop its server.
/// Before a doubt is settled, nothing may still be at work. Every process of a step carries the name (`PGAPPNAME`).
pub async fn end_sessions(ctx: &CallContext) {
    let name = literal(&ctx.session_name());
    let text = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where application_name = {name} and pid <> pg_backend_pid()"
    );
    for (resource, settings) in &ctx.world.resources {
        let Ok(address @ Address::Postgres(_)) = address(resource, ctx) else { continue };
        if settings.kind == ResourceKind::Database
            && let Ok(mut connection) = Connection::open(&address, "plan:cancel", Access::Read).await
        {
            // Rights to end a session are those of its user, who is us.
            let _ = connection.run(&text).await;
            connection.close().await;
        }
    }
}

/// The database probes. `Err`: it cannot be read, and why.
pub(crate) async fn probe(function: &str, args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let limit = if matches!(function, "fingerprint" | "keeps") { CONTENTS_TIME } else { PROBE_TIME };
    let reading = timeout(limit, read(function, args, ctx));
    let read = reading.await.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())));
    match (function, read) {
        ("reachable", Ok(_)) => Ok(Value::Bool(true)),
        ("reachable", Err(_)) => Ok(Value::Bool(false)),
        (_, read) => read,
    }
}

async fn read(function: &str, args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let address = address(args.resource("database")?, ctx)?;
    let mut reader = Reader { connection: Connection::open(&address, &ctx.session_name(), Access::Read).await? };
    let value = match function {
        "sql" => reader.sql(args.required_text("query")?).await,
        "rows" => reader.rows(args.required_text("table")?).await,
        "tables" => reader.tables().await.map(Value::strings),
        "has_tables" => reader.has_tables(&args.texts("tables")?).await,
        "has_column" => reader.has_column(args.required_text("table")?, args.required_text("column")?).await,
        "reachable" => reader.query("select 1").await.map(|_| Value::Bool(true)),
        "database.size" => reader.size().await,
        "identity" => reader.identity(&address).await,
        "fingerprint" => reader.fingerprint(args.texts("tables")?).await,
        "keeps" => reader.keeps(args.get("fingerprint")).await,
        "locks" => reader.locks().await,
        other => Err(format!("the probe `{other}` cannot be read by this version")),
    };
    reader.connection.close().await;
    value
}

/// The names of a database's tables, sorted.
pub(crate) async fn tables_of(connection: &mut Connection) -> Result<Vec<String>, String> {
    let rows =
        connection.rows(tables_query(connection.dialect()), usize::MAX).await.map_err(|refusal| refusal.message)?;
    let name = |mut fields: json::Fields| fields.pop().and_then(|(_, value)| value.as_str().map(str::to_owned));
    let mut tables: Vec<String> = rows.into_iter().filter_map(name).collect();
    tables.sort_unstable();
    Ok(tables)
}

/// Reads in a transaction that may only read.
struct Reader {
    connection: Connection,
}

impl Reader {
    /// The rows of one statement.
    async fn query(&mut self, text: &str) -> Result<Vec<json::Fields>, String> {
        let begin = match self.connection.dialect() {
            Dialect::Postgres => "begin read only",
            Dialect::Sqlite => "begin",
        };
        self.connection.run(begin).await.map_err(|refusal| refusal.message)?;
        let rows = self.connection.rows(text, MOST_ROWS).await;
        // Nothing was changed: whether this works makes no difference.
        let _ = self.connection.run("rollback").await;
        rows.map_err(|refusal| refusal.message)
    }

    async fn scalar(&mut self, text: &str) -> Result<Json, String> {
        let mut rows = self.query(text).await?;
        let field = rows.pop().and_then(|mut fields| fields.pop());
        field.map(|(_, value)| value).ok_or_else(|| "the database answered with no row".to_owned())
    }

    async fn int(&mut self, text: &str) -> Result<i64, String> {
        let value = self.scalar(text).await?;
        value.as_i64().ok_or_else(|| format!("the database answered {value}, not a whole number"))
    }

    async fn sql(&mut self, text: &str) -> Result<Value, String> {
        let dialect = self.connection.dialect();
        let statements = split(text, dialect);
        let [statement] = statements.as_slice() else {
            return Err(format!("a probe takes one statement, and this is {}", statements.len()));
        };
        if statement.controls_transaction(dialect) {
            return Err("a probe may not begin or end a transaction".to_owned());
        }
        let mut rows = self.query(statement.text).await?;
        if let [fields] = rows.as_mut_slice()
            && fields.len() == 1
            && let Some((_, value)) = fields.pop()
        {
            return Ok(Value::Json(value));
        }
        Ok(Value::Json(Json::Array(
            rows.into_iter().map(|fields| Json::Object(fields.into_iter().collect())).collect(),
        )))
    }

    async fn rows(&mut self, table: &str) -> Result<Value, String> {
        let name = quoted(table)?;
        Ok(Value::Int(self.int(&format!("select count(*) from {name}")).await?))
    }

    async fn tables(&mut self) -> Result<Vec<String>, String> {
        tables_of(&mut self.connection).await
    }

    /// Those of the default schema may be named with it, too.
    async fn has_tables(&mut self, wanted: &[String]) -> Result<Value, String> {
        let tables = self.tables().await?;
        let schema = match self.connection.dialect() {
            Dialect::Postgres => self.scalar("select current_schema()").await?.as_str().unwrap_or_default().to_owned(),
            Dialect::Sqlite => "main".to_owned(),
        };
        let has = |name: &String| {
            let bare = name.strip_prefix(&schema).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
            tables.binary_search_by(|table| table.as_str().cmp(bare)).is_ok()
        };
        Ok(Value::Bool(wanted.iter().all(has)))
    }

    async fn has_column(&mut self, table: &str, column: &str) -> Result<Value, String> {
        let parts = parts(table)?;
        let count = match self.connection.dialect() {
            Dialect::Postgres => {
                let table = literal(&quoted(table)?);
                let column = literal(column);
                format!(
                    "select count(*) from pg_attribute where attrelid = to_regclass({table}) and attname = {column} \
                     and attnum > 0 and not attisdropped"
                )
            }
            Dialect::Sqlite => {
                let schema = parts.len().checked_sub(2).map_or("main", |at| parts[at].as_str());
                let table = parts.last().map_or("", String::as_str);
                format!(
                    "select count(*) from pragma_table_xinfo({}, {}) where lower(name) = lower({})",
                    sqlite_literal(table),
                    sqlite_literal(schema),
                    sqlite_literal(column)
                )
            }
        };
        Ok(Value::Bool(self.int(&count).await? > 0))
    }

    async fn size(&mut self) -> Result<Value, String> {
        let bytes = match self.connection.dialect() {
            Dialect::Postgres => self.int("select pg_database_size(current_database())").await?,
            Dialect::Sqlite => {
                self.int("select page_count * page_size from pragma_page_count(), pragma_page_size()").await?
            }
        };
        Ok(Value::Size(u64::try_from(bytes).unwrap_or(0)))
    }

    async fn fingerprint(&mut self, mut tables: Vec<String>) -> Result<Value, String> {
        if tables.is_empty() {
            tables = self.tables().await?;
        }
        fingerprint::begin(&mut self.connection).await?;
        fingerprint::value(&contents(&mut self.connection, &tables, true).await?)
    }

    async fn keeps(&mut self, then: Option<&Value>) -> Result<Value, String> {
        let then = fingerprint::of_value(then.ok_or("`fingerprint` is missing")?)?;
        fingerprint::begin(&mut self.connection).await?;
        for (table, then) in &then {
            if !fingerprint::keeps(&mut self.connection, table, then).await? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    }

    async fn locks(&mut self) -> Result<Value, String> {
        let rows = match self.connection.dialect() {
            Dialect::Postgres => self.query(LOCKS_QUERY).await?,
            Dialect::Sqlite => Vec::new(),
        };
        let object = |fields: json::Fields| Value::Json(Json::Object(fields.into_iter().collect()));
        Ok(Value::List(rows.into_iter().map(object).collect()))
    }

    async fn identity(&mut self, address: &Address) -> Result<Value, String> {
        match address {
            Address::Sqlite(path) => {
                let path = std::fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Ok(Value::string(path.to_string_lossy()))
            }
            Address::Postgres(_) => {
                let text = "select system_identifier::text || '/' || current_database() from pg_control_system()";
                let value = self.scalar(text).await?;
                Ok(Value::string(value.as_str().unwrap_or_default()))
            }
        }
    }
}

/// Sessions of this database that wait for a lock, and those that they wait for.
const LOCKS_QUERY: &str = "with waits as materialized (select pid, pg_blocking_pids(pid) as by from pg_stat_activity \
     where datname = current_database() and wait_event_type = 'Lock') \
     select a.pid, a.usename::text as \"user\", a.application_name as application, a.state, \
     extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds, a.query, \
     coalesce(w.by, '{}') as waits_for, exists (select from waits where a.pid = any(by)) as holds \
     from pg_stat_activity a left join waits w using (pid) \
     where w.pid is not null or exists (select from waits where a.pid = any(by)) order by a.pid";

fn tables_query(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => {
            "select case when n.nspname = current_schema() then c.relname::text \
             else n.nspname || '.' || c.relname end \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'p', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"
        }
        Dialect::Sqlite => {
            "select name from pragma_table_list where schema = 'main' and type in ('table', 'virtual') \
             and name not like 'sqlite\\_%' escape '\\'"
        }
    }
}

/// The parts of `schema.table`; a part in double quotes may hold dots.
fn parts(name: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.next_if_eq(&'"').is_some() => push(&mut parts, '"'),
            '"' => inside = !inside,
            '.' if !inside => parts.push(String::new()),
            c => push(&mut parts, c),
        }
    }
    let wrong = inside || name.contains('\0') || parts.len() > 3 || parts.iter().any(String::is_empty);
    if wrong { Err(format!("`{name}` is not the name of a table")) } else { Ok(parts) }
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

/// The name quoted as identifiers.
fn quoted(name: &str) -> Result<String, String> {
    let parts = parts(name)?;
    Ok(parts.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join("."))
}

/// A text as PostgreSQL writes it, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn sqlite_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_part_by_part() {
        assert_eq!(quoted("leads").unwrap(), "\"leads\"");
        assert_eq!(quoted("crm.Le\"\"ads").unwrap(), "\"crm\".\"Leads\"");
        assert_eq!(quoted("\"odd.name\".\"a\"\"b\"").unwrap(), "\"odd.name\".\"a\"\"b\"");
        assert_eq!(quoted("x; drop table y --").unwrap(), "\"x; drop table y --\"");
        assert!(quoted("a..b").is_err() && quoted("\"a").is_err() && quoted("").is_err());
    }
}
