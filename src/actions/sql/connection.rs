//! One connection to a database, whichever it is.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Either, raw_sql};
use tokio::time::timeout;

use super::{Dialect, json};

/// How long a server may take to accept a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long SQLite waits for another writer.
const BUSY_TIME: Duration = Duration::from_secs(10);
/// How often SQLite looks whether it is to stop: in steps of its virtual machine.
const INTERRUPT_EVERY: i32 = 10_000;

/// Where a database is. Its debug form shows no password.
#[derive(Clone)]
pub(crate) enum Address {
    Postgres(Box<PgConnectOptions>),
    Sqlite(PathBuf),
}

impl Address {
    /// Reads a `url`. `Err` completes "the `url` of `db` …" and holds nothing of it.
    pub(crate) fn parse(url: &str, base: &Path) -> Result<Self, String> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            return sqlite_path(rest, base).map(Self::Sqlite);
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err("is neither `postgres://…` nor `sqlite:path`".to_owned());
        };
        // SQLAlchemy names its driver: `postgresql+psycopg://`.
        match scheme.split('+').next() {
            Some("postgres" | "postgresql") => {
                let options = PgConnectOptions::from_str(&format!("postgres://{rest}"));
                let options = options.map_err(|_| "cannot be read as an address of PostgreSQL".to_owned())?;
                Ok(Self::Postgres(Box::new(options.disable_statement_logging())))
            }
            Some(_) | None => Err("is neither `postgres://…` nor `sqlite:path`".to_owned()),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }
}

/// `path`, `//path` and `///absolute/path`, from the plan's folder; what stands behind a `?` is left out.
fn sqlite_path(rest: &str, base: &Path) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split('?').next().unwrap_or(path);
    match path {
        "" => Err("names no file".to_owned()),
        ":memory:" => Err("names a database in memory, which ends with each connection; name a file".to_owned()),
        path => Ok(base.join(path)),
    }
}

/// What a connection is for.
pub(crate) enum Access {
    /// A SQLite file that is not there is an error, and nothing can be changed.
    Read,
    /// A SQLite file is made when it is not there. `interrupt`: ends what SQLite is doing.
    Change { interrupt: Arc<AtomicBool> },
}

/// What the database, or the way to it, said no to.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The database's own words.
    pub message: String,
    /// The database itself said it: its state is known.
    pub said: bool,
    /// The character of the statement where it belongs, from 1.
    pub position: Option<usize>,
}

/// An open connection.
pub(crate) enum Connection {
    Postgres(Box<PgConnection>),
    Sqlite(Box<SqliteConnection>),
}

impl Connection {
    /// Opens one. `session`: under which name the server shows it. `Err` is one sentence without the address.
    pub(crate) async fn open(address: &Address, session: &str, access: Access) -> Result<Self, String> {
        match address {
            Address::Postgres(options) => {
                let options = options.as_ref().clone().application_name(session);
                let connecting = timeout(CONNECT_TIME, options.connect());
                let connected = connecting
                    .await
                    .map_err(|_| format!("the database server did not answer within {} s", CONNECT_TIME.as_secs()))?;
                connected.map(|c| Self::Postgres(Box::new(c))).map_err(|error| refusal(&error).message)
            }
            Address::Sqlite(path) => open_sqlite(path, access).await.map(|c| Self::Sqlite(Box::new(c))),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Runs one statement; how many rows it reports.
    pub(crate) async fn run(&mut self, text: &str) -> Result<u64, Refusal> {
        let query = raw_sql(AssertSqlSafe(text.to_owned()));
        let done = match self {
            Self::Postgres(c) => query.execute(c.as_mut()).await.map(|done| done.rows_affected()),
            Self::Sqlite(c) => query.execute(c.as_mut()).await.map(|done| done.rows_affected()),
        };
        done.map_err(|error| refusal(&error))
    }

    /// The rows of one statement; more than `most` are refused.
    pub(crate) async fn rows(&mut self, text: &str, most: usize) -> Result<Vec<json::Fields>, Refusal> {
        let mut rows = Vec::new();
        self.stream(text, &mut |fields| {
            rows.push(fields);
            match rows.len() > most {
                true => Err(Refusal { message: format!("more than {most} rows"), said: true, position: None }),
                false => Ok(()),
            }
        })
        .await?;
        Ok(rows)
    }

    /// Takes the rows of one statement as they come, however many.
    pub(crate) async fn each(
        &mut self,
        text: &str,
        take: &mut (dyn FnMut(json::Fields) + Send),
    ) -> Result<(), Refusal> {
        self.stream(text, &mut |fields| {
            take(fields);
            Ok(())
        })
        .await
    }

    async fn stream(
        &mut self,
        text: &str,
        take: &mut (dyn FnMut(json::Fields) -> Result<(), Refusal> + Send),
    ) -> Result<(), Refusal> {
        let query = raw_sql(AssertSqlSafe(text.to_owned()));
        let read = |fields: Result<json::Fields, String>| {
            fields.map_err(|message| Refusal { message, said: true, position: None })
        };
        match self {
            Self::Postgres(c) => {
                let mut stream = pin!(query.fetch_many(c.as_mut()));
                while let Some(part) = stream.try_next().await.map_err(|error| refusal(&error))? {
                    match part {
                        Either::Left(_) => {}
                        Either::Right(row) => take(read(json::postgres(&row))?)?,
                    }
                }
            }
            Self::Sqlite(c) => {
                let mut stream = pin!(query.fetch_many(c.as_mut()));
                while let Some(part) = stream.try_next().await.map_err(|error| refusal(&error))? {
                    match part {
                        Either::Left(_) => {}
                        Either::Right(row) => take(read(json::sqlite(&row))?)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// The server process behind it, by which it can be cancelled.
    pub(crate) async fn backend(&mut self) -> Option<i64> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => {
                let rows = self.rows("select pg_backend_pid()", 1).await.ok()?;
                rows.first()?.first()?.1.as_i64()
            }
        }
    }

    /// Makes the server end this transaction when we are gone, even in the middle of a statement (PostgreSQL 14 and later).
    pub(crate) async fn end_with_client(&mut self) -> Result<(), Refusal> {
        let able = match self {
            Self::Sqlite(_) => false,
            Self::Postgres(c) => c.server_version_num().is_some_and(|version| version >= 140_000),
        };
        if able {
            self.run("set local client_connection_check_interval = 500").await?;
        }
        Ok(())
    }

    /// Says goodbye; an error makes no difference any more.
    pub(crate) async fn close(self) {
        let _ = match self {
            Self::Postgres(c) => c.close().await,
            Self::Sqlite(c) => c.close().await,
        };
    }
}

async fn open_sqlite(path: &Path, access: Access) -> Result<SqliteConnection, String> {
    let read = matches!(access, Access::Read);
    if read && !path.exists() {
        return Err(format!("there is no database file {}", path.display()));
    }
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(!read).foreign_keys(true);
    let options = options.busy_timeout(BUSY_TIME).disable_statement_logging();
    // Not opened read-only: a journal that a killed writer left has to be rolled back before anything can be read.
    let options = if read { options.pragma("query_only", "on") } else { options };
    let mut connection =
        options.connect().await.map_err(|error| format!("{}: {}", path.display(), refusal(&error).message))?;
    if let Access::Change { interrupt } = access {
        let mut handle = connection.lock_handle().await.map_err(|error| refusal(&error).message)?;
        handle.set_progress_handler(INTERRUPT_EVERY, move || !interrupt.load(Ordering::Relaxed));
    }
    Ok(connection)
}

/// Asks a server to end what one of its processes is doing for us. Whether that worked shows in the other connection.
pub(crate) async fn cancel(address: &Address, backend: i64) {
    if let Ok(mut connection) = Connection::open(address, "plan:cancel", Access::Read).await {
        let _ = connection.run(&format!("select pg_cancel_backend({backend})")).await;
        connection.close().await;
    }
}

/// The database's own words, never the address.
fn refusal(error: &sqlx::Error) -> Refusal {
    match error {
        sqlx::Error::Database(database) => {
            let mut message = database.message().to_owned();
            let mut position = None;
            if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
                let more = [("detail", postgres.detail()), ("hint", postgres.hint())];
                for (what, text) in more {
                    message.extend(text.map(|text| format!(" ({what}: {text})")));
                }
                position = match postgres.position() {
                    Some(PgErrorPosition::Original(at)) => Some(at),
                    Some(PgErrorPosition::Internal { .. }) | None => None,
                };
            }
            Refusal { message, said: true, position }
        }
        sqlx::Error::Io(io) => Refusal { message: format!("the connection failed: {io}"), said: false, position: None },
        // The value may be a part of the address.
        sqlx::Error::Configuration(_) => {
            Refusal { message: "the address cannot be used".to_owned(), said: false, position: None }
        }
        other => Refusal { message: other.to_string(), said: false, position: None },
    }
}
