//! The database: how it is opened, created and recognised.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};

use super::error::JournalError;
use super::{Durability, files};

/// The version of the tables (`PRAGMA user_version`).
pub(super) const SCHEMA: i64 = 1;

/// `PRAGMA application_id`: "plan" in ASCII.
const APPLICATION: i64 = 0x706c_616e;

/// Before it, a reset of the WAL could lose a commit.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// How long another process may keep the database busy.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE leases (
    run TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL, held INTEGER NOT NULL, beat_at INTEGER NOT NULL
) STRICT;
CREATE TABLE takeovers (
    run TEXT NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (run, epoch)
) STRICT;
CREATE TABLE records (
    run TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL,
    kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (run, seq)
) STRICT;
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT
) STRICT;
CREATE INDEX inbox_pending ON inbox (run, id) WHERE answer IS NULL;
CREATE TRIGGER records_added BEFORE INSERT ON records
BEGIN SELECT CASE
    WHEN NEW.epoch IS NOT (SELECT epoch FROM leases WHERE run = NEW.run) THEN RAISE(ABORT, 'stale lease')
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM records WHERE run = NEW.run)
    THEN RAISE(ABORT, 'records are numbered without gaps')
END; END;
CREATE TRIGGER records_kept BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER records_fixed BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER takeovers_kept BEFORE DELETE ON takeovers
BEGIN SELECT RAISE(ABORT, 'takeovers are never deleted'); END;
CREATE TRIGGER takeovers_fixed BEFORE UPDATE ON takeovers
BEGIN SELECT RAISE(ABORT, 'takeovers are never changed'); END;
CREATE TRIGGER leases_kept BEFORE DELETE ON leases
BEGIN SELECT RAISE(ABORT, 'leases are never deleted'); END;
CREATE TRIGGER leases_rise BEFORE UPDATE ON leases WHEN NEW.epoch < OLD.epoch OR NEW.run <> OLD.run
BEGIN SELECT RAISE(ABORT, 'the epoch of a lease only rises'); END;
";

/// The one connection that writes. The tables are made in a new file.
pub(super) async fn open_to_write(path: &Path, durability: Durability) -> Result<SqliteConnection, JournalError> {
    files::narrow(path)?;
    // Looked at first without a right to write: a newer or foreign file stays as it is.
    let before = match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => false,
        _ => {
            mend(path).await?;
            glance(&reading(path), path).await?
        }
    };
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    let options = base(path).journal_mode(SqliteJournalMode::Wal).synchronous(synchronous);
    let mut connection = connect(&options).await?;
    if !before {
        make_tables(&mut connection, path).await?;
    }
    Ok(connection)
}

/// Whether it is a journal of ours, through a connection of its own.
async fn glance(options: &SqliteConnectOptions, path: &Path) -> Result<bool, JournalError> {
    let mut connection = connect(options).await?;
    let known = recognise(&mut connection, path).await?;
    connection.close().await.map_err(|error| JournalError::sqlite(&error, None))?;
    Ok(known)
}

/// A process that died while it made the file has left a rollback journal, which whoever only reads could not undo.
async fn mend(path: &Path) -> Result<(), JournalError> {
    match beside(path, "-journal").exists() {
        true => glance(&base(path), path).await.map(drop),
        false => Ok(()),
    }
}

/// A connection that only reads, also while another process writes.
pub(super) async fn open_to_read(path: &Path) -> Result<SqliteConnection, JournalError> {
    let found = std::fs::symlink_metadata(path).map_err(|error| JournalError::file(&error, path))?;
    if !found.is_file() {
        return Err(JournalError::failed(format!("{} is not a regular file", path.display())));
    }
    mend(path).await?;
    match look(&reading(path), path).await {
        // In a folder that may not be written a WAL database opens only as one that nobody changes.
        Err(JournalError::NotWritable { .. }) if !beside(path, "-wal").exists() => {
            look(&reading(path).immutable(true), path).await
        }
        other => other,
    }
}

async fn look(options: &SqliteConnectOptions, path: &Path) -> Result<SqliteConnection, JournalError> {
    let mut connection = connect(options).await?;
    match recognise(&mut connection, path).await? {
        true => Ok(connection),
        false => Err(JournalError::NoJournal { path: path.display().to_string() }),
    }
}

fn beside(path: &Path, end: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn base(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY);
    options.disable_statement_logging()
}

fn reading(path: &Path) -> SqliteConnectOptions {
    base(path).read_only(true)
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, JournalError> {
    let failed = |error: sqlx::Error| JournalError::sqlite(&error, None);
    let mut connection = options.connect().await.map_err(failed)?;
    let row = sqlx::query("SELECT sqlite_version()").fetch_one(&mut connection).await.map_err(failed)?;
    let version: String = row.try_get(0).map_err(failed)?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() >= OLDEST_SQLITE.as_slice() {
        true => Ok(connection),
        false => Err(JournalError::failed(format!("SQLite {version} is too old: at least 3.51.3 is needed"))),
    }
}

/// Whether it is a journal of ours (`false`: a file without tables). A foreign or a newer one is an error.
async fn recognise(connection: &mut SqliteConnection, path: &Path) -> Result<bool, JournalError> {
    let failed = |error: sqlx::Error| JournalError::sqlite(&error, None);
    let text = "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), \
                (SELECT count(*) FROM sqlite_schema)";
    let row = sqlx::query(text).fetch_one(connection).await.map_err(failed)?;
    let number = |column: usize| row.try_get::<i64, _>(column).map_err(failed);
    let (application, version, tables) = (number(0)?, number(1)?, number(2)?);
    match (application, version, tables) {
        (0, 0, 0) => Ok(false),
        (APPLICATION, found, _) if found > SCHEMA => {
            Err(JournalError::Newer { what: path.display().to_string(), found, known: SCHEMA })
        }
        (APPLICATION, SCHEMA, _) => Ok(true),
        _ => Err(JournalError::Foreign { path: path.display().to_string() }),
    }
}

/// Makes the tables, unless another process was faster.
async fn make_tables(connection: &mut SqliteConnection, path: &Path) -> Result<(), JournalError> {
    let failed = |error: sqlx::Error| JournalError::sqlite(&error, None);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    if recognise(&mut transaction, path).await? {
        return Ok(());
    }
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};");
    let text = format!("{TABLES}{marks}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}
