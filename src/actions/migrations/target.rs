//! The database that is migrated: its address, what a tool's processes are told of it, and looks at it of our own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::actions::args::Args;
use crate::actions::commands::ended;
use crate::actions::output::Keep;
use crate::actions::process::{End, Launch};
use crate::actions::sql::Dialect;
use crate::actions::sql::connection::{Access, Address, Connection};
use crate::actions::world::CallContext;

const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a program that only reads may take.
const READ_TIME: Duration = Duration::from_secs(120);
/// More than this of what a tool prints is not read.
const KEPT: usize = 64 << 20;
/// How long sessions of a killed tool may go on by themselves, and how long ended ones may take to go.
const BACKEND_TIME: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const MOST_ROWS: usize = 200_000;
/// Tables in which the tools keep their books: they may come and go without a migration.
const BOOKS: &str = "'alembic_version', '_sqlx_migrations', 'django_migrations', 'schema_migrations'";

/// Limits for the statements of a migration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub lock: Duration,
    pub statement: Option<Duration>,
}

impl Limits {
    pub(super) fn of(args: Args<'_>) -> Result<Self, String> {
        let lock = args.duration("lock_timeout")?.unwrap_or(LOCK_TIMEOUT);
        Ok(Self { lock, statement: args.duration("statement_timeout")? })
    }

    /// As settings of a session.
    pub(super) fn settings(self) -> Vec<(&'static str, String)> {
        let mut settings = vec![("lock_timeout", self.lock.as_millis().to_string())];
        settings.extend(self.statement.map(|limit| ("statement_timeout", limit.as_millis().to_string())));
        settings
    }
}

/// Why a tool did not do it.
#[derive(Debug)]
pub(super) struct Trouble {
    /// One sentence.
    pub message: String,
    /// The last lines of its output.
    pub tail: String,
    pub end: End,
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> String {
        trouble.message
    }
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self { message, tail: String::new(), end: End::Exited }
    }
}

/// A database with what is needed to migrate it.
#[derive(Clone)]
pub(super) struct Target {
    pub name: String,
    pub url: String,
    pub address: Address,
    pub limits: Limits,
    pub ctx: CallContext,
    /// It is reached through a pooler.
    pooled: bool,
    /// The server can end a session whose client is gone.
    checks_client: bool,
}

impl Target {
    pub(super) fn of(args: Args<'_>, ctx: &CallContext) -> Result<Self, String> {
        let name = args.resource("database")?.to_owned();
        let resource = ctx.world.resource(&name)?;
        let (key, url) = match (resource.text("direct_url"), resource.text("url")) {
            (Some(url), _) => ("direct_url", url),
            (None, Some(url)) => ("url", url),
            (None, None) => return Err(format!("the database `{name}` has no `url`")),
        };
        let address = Address::parse(url, &ctx.world.base).map_err(|why| format!("the `{key}` of `{name}` {why}"))?;
        let mut ctx = ctx.clone();
        // Which database and under which name is never for a step's `env` to say.
        ctx.env.retain(|(key, _)| key != "DATABASE_URL" && key != "PGAPPNAME");
        let (url, limits) = (url.to_owned(), Limits::of(args)?);
        let pooled = is_pooled(&address, &url);
        Ok(Self { name, url, address, limits, ctx, pooled, checks_client: false })
    }

    /// The same for its processes in a folder of the plan.
    pub(super) fn dir(&self, dir: &str) -> PathBuf {
        self.ctx.world.path(dir)
    }

    /// Refuses what a pooler would break: limits, locks and the name of the session.
    pub(super) fn direct(&self) -> Result<(), String> {
        match self.pooled {
            true => Err(format!(
                "`{}` is reached through a pooler, which keeps neither limits nor locks; give its address without the \
                 pooler as `direct_url`",
                self.name
            )),
            false => Ok(()),
        }
    }

    /// Opens a connection; `session`: its name there.
    pub(super) async fn open(&self, session: &str) -> Result<Connection, String> {
        Connection::open(&self.address, session, Access::Read).await
    }

    /// The server's version decides which limits it knows.
    pub(super) async fn meet(&mut self) -> Result<(), String> {
        if let Address::Postgres(_) = self.address {
            let text = "select current_setting('server_version_num')::int >= 140000";
            let able = self.texts(&format!("select ({text})::text")).await?;
            self.checks_client = able.first().is_some_and(|text| text == "true");
        }
        Ok(())
    }

    /// The first column of a query, which is text. A SQLite file that is not there has no rows.
    pub(super) async fn texts(&self, query: &str) -> Result<Vec<String>, String> {
        if let Address::Sqlite(path) = &self.address
            && !path.exists()
        {
            return Ok(Vec::new());
        }
        let mut connection = self.open("plan:migrations").await?;
        if let Dialect::Postgres = connection.dialect() {
            // Some system functions wait for the locks that others hold on a table.
            let limit = format!("set lock_timeout = {}", self.limits.lock.as_millis());
            connection.run(&limit).await.map_err(|refusal| refusal.message)?;
        }
        let rows = connection.rows(query, MOST_ROWS).await;
        connection.close().await;
        let first = |fields: Vec<(String, serde_json::Value)>| fields.into_iter().next();
        let rows = rows.map_err(|refusal| refusal.message)?;
        Ok(rows.into_iter().filter_map(first).filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect())
    }

    /// Whether a table is there, in the place where it is looked for without a schema.
    pub(super) async fn has_table(&self, table: &str) -> Result<bool, String> {
        let query = match self.address.dialect() {
            Dialect::Postgres => format!("select 'yes' where to_regclass('{table}') is not null"),
            Dialect::Sqlite => format!("select 'yes' from sqlite_master where type = 'table' and name = '{table}'"),
        };
        Ok(!self.texts(&query).await?.is_empty())
    }

    /// Tables, columns, indexes and constraints, one line each, sorted; the tools' own books left out.
    pub(super) async fn objects(&self) -> Result<Vec<String>, String> {
        let mut objects = self.texts(&objects_query(self.address.dialect())).await?;
        objects.sort();
        Ok(objects)
    }

    /// Indexes that a `CREATE INDEX CONCURRENTLY` has left half-made.
    pub(super) async fn invalid_indexes(&self) -> Result<Vec<String>, String> {
        match self.address.dialect() {
            Dialect::Sqlite => Ok(Vec::new()),
            Dialect::Postgres => {
                self.texts("select indexrelid::regclass::text from pg_index where not indisvalid order by 1").await
            }
        }
    }

    /// Waits until the server has finished with what this step's processes began; ends it when it stays. Only then does a
    /// revision mean anything.
    pub(super) async fn quiesce(&self) -> Result<(), String> {
        let Address::Postgres(_) = self.address else { return Ok(()) };
        let name = self.ctx.session_name().replace('\'', "''");
        let all = "from pg_stat_activity where datname = current_database() and application_name =";
        let count = format!("select pid::text {all} '{name}'");
        let end = format!("select pg_terminate_backend(pid)::text {all} '{name}'");
        for last in [false, true] {
            let begin = Instant::now();
            while begin.elapsed() < BACKEND_TIME {
                if self.texts(&count).await?.is_empty() {
                    return Ok(());
                }
                sleep(LOOK_AGAIN).await;
            }
            if !last {
                self.texts(&end).await?;
            }
        }
        Err(format!("a session of this step is still at work in `{}`, and cannot be ended", self.name))
    }

    /// Runs a program of the tool; what it printed. `shown`: its output is the step's.
    pub(super) async fn run(&self, launch: Launch, dir: &Path, shown: bool) -> Result<String, Trouble> {
        let ctx = if shown { self.ctx.clone() } else { self.ctx.quiet() };
        let ctx = CallContext { dir: Some(dir.to_owned()), ..ctx };
        let limit = if shown { ctx.timeout } else { Some(ctx.timeout.map_or(READ_TIME, |t| t.min(READ_TIME))) };
        let launch = self.told(launch);
        let ran = launch.spawn(&ctx)?.listen(&ctx, Keep::First(KEPT), limit).await;
        let program = &launch.program;
        let failed = |message| Trouble { message, tail: ran.tail.clone(), end: ran.end };
        match ran.end {
            End::Exited if ran.more => Err(failed(format!("`{program}` printed more than {} MiB", KEPT >> 20))),
            End::Exited if ran.status.is_some_and(|status| status.success()) => Ok(ran.stdout),
            End::Exited => Err(failed(format!("`{program}` {}{}", ended(ran.status), said(&ran.tail)))),
            End::TimedOut(after) => Err(failed(format!("`{program}` did not end within {} s", after.as_secs()))),
            End::Stopped => Err(failed(format!("`{program}` was ended by plan"))),
        }
    }

    /// The environment says which database, under which name and limits: a command line can be read by everybody.
    fn told(&self, launch: Launch) -> Launch {
        let own = |key: &str| launch.env.iter().any(|(other, _)| other == key);
        let url = (!own("DATABASE_URL")).then(|| self.url.clone());
        let launch = match url {
            Some(url) => launch.env("DATABASE_URL", &url),
            None => launch,
        };
        let Address::Postgres(_) = self.address else { return launch };
        let mut options = std::env::var("PGOPTIONS").unwrap_or_default();
        if self.pooled {
            return launch;
        }
        for (key, value) in self.limits.settings() {
            options.push_str(&format!(" -c {key}={value}"));
        }
        if self.checks_client {
            options.push_str(" -c client_connection_check_interval=500");
        }
        launch.env("PGOPTIONS", options.trim_start())
    }
}

/// The line of a tool's output that says why, behind a colon.
fn said(tail: &str) -> String {
    let telling = ["FAILED:", "psycopg", "django.", "Error:", "ERROR:", "sqlalchemy.exc", "sqlite3."];
    let line = tail.lines().rfind(|line| telling.iter().any(|mark| line.trim_start().starts_with(mark)));
    let line = line.or_else(|| tail.lines().rfind(|line| !line.trim().is_empty()));
    let hint = match tail.contains("LockNotAvailable") || tail.contains("lock timeout") {
        true => " (somebody else holds a lock that it waited for)",
        false => "",
    };
    line.map(|line| format!(": {}{hint}", line.trim())).unwrap_or_default()
}

/// What is known of poolers: Neon's names, PgBouncer's port, and the parameter that Prisma's addresses carry.
fn is_pooled(address: &Address, url: &str) -> bool {
    let Address::Postgres(options) = address else { return false };
    let parameters = url.split_once('?').map_or("", |(_, query)| query);
    let says = |part: &str| part.split('=').next() == Some("pgbouncer") && part != "pgbouncer=false";
    options.get_host().contains("-pooler.") || options.get_port() == 6432 || parameters.split('&').any(says)
}

fn objects_query(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!(
            "select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_master \
             where name not like 'sqlite\\_%' escape '\\' and tbl_name not in ({BOOKS})"
        ),
        Dialect::Postgres => format!(
            "with own as (select c.oid, c.relkind, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'sqitch') \
             and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') \
             and c.relname not in ({BOOKS}) and c.relname not in ('alembic_version_pkc', '_sqlx_migrations_pkey', \
             'django_migrations_pkey', 'django_migrations_id_seq', 'schema_migrations_pkey')) \
             select case relkind when 'i' then 'index ' when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end \
             || oid::regclass || coalesce((select ' on ' || i.indrelid::regclass || ' ' || i.indkey::text || ' ' || i.indisunique || \
             case when i.indisvalid then '' else ' INVALID' end from pg_index i where i.indexrelid = own.oid), '') from own \
             union all select 'column ' || oid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || \
             case when attnotnull then ' not null' else '' end from own join pg_attribute on attrelid = oid \
             where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'f') \
             union all select 'constraint ' || conname || ' ' || own.oid::regclass || ' ' || contype::text || ' ' || coalesce(conkey::text, '') \
             || case when convalidated then '' else ' not valid' end from pg_constraint k join own on own.oid = conrelid"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poolers_are_known() {
        let pooled = |url: &str| is_pooled(&Address::parse(url, Path::new("/")).unwrap(), url);
        assert!(pooled("postgres://u:p@ep-1-pooler.eu.aws.neon.tech/db"));
        assert!(pooled("postgres://u:p@db.example.com:6432/db"));
        assert!(pooled("postgres://u:p@db.example.com/db?pgbouncer=true"));
        assert!(!pooled("postgres://u:p@db.example.com/db?sslmode=require"));
        assert!(!pooled("sqlite:pooler.db"));
    }

    #[test]
    fn the_telling_line_is_found() {
        assert_eq!(said("x\n  FAILED: No such revision\n"), ": FAILED: No such revision");
        let tail =
            "psycopg.errors.LockNotAvailable: canceling statement due to lock timeout\n[SQL: alter]\n(Background)";
        assert!(said(tail).contains("lock timeout") && said(tail).contains("holds a lock"));
    }
}
