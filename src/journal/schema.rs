//! Opening the database of a journal, and what it is made of.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::{Durability, JournalError, Mode, place};

/// Counts the versions of the tables.
const SCHEMA: i64 = 1;

/// `plan` as a number: what `file` and SQLite call the application id.
const APPLICATION: i64 = 0x706c_616e;

/// What the database says to a write under an old lease.
pub(super) const STALE_EPOCH: &str = "the lease has a newer epoch";

const TABLES: &str = "
    CREATE TABLE runs (id TEXT PRIMARY KEY, created INTEGER NOT NULL) STRICT;
    CREATE TABLE leases (
        run TEXT PRIMARY KEY REFERENCES runs (id), epoch INTEGER NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL,
        host TEXT NOT NULL, who TEXT NOT NULL, beat INTEGER NOT NULL, released INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE records (
        run TEXT NOT NULL REFERENCES runs (id), seq INTEGER NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL,
        version INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs (id), at INTEGER NOT NULL, who TEXT NOT NULL,
        request TEXT NOT NULL, answer TEXT
    ) STRICT;
    CREATE INDEX inbox_open ON inbox (run) WHERE answer IS NULL;
    CREATE TRIGGER records_stay BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
    CREATE TRIGGER records_remain BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
    CREATE TRIGGER records_fenced BEFORE INSERT ON records
        WHEN NEW.epoch IS NOT (SELECT epoch FROM leases WHERE run = NEW.run)
        BEGIN SELECT RAISE(ABORT, 'the lease has a newer epoch'); END;
";

/// Opens the database; makes it first where `mode` says so.
pub(super) async fn open(path: &Path, mode: Mode, durability: Durability) -> Result<SqliteConnection, JournalError> {
    let sql = |error: sqlx::Error| JournalError::sql(path, "", &error);
    let empty = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    match (mode, empty) {
        (Mode::Create, true) => make_file(path)?,
        (Mode::Existing | Mode::Read, true) => {
            return Err(JournalError::NoJournal { file: path.display().to_string() });
        }
        (_, false) => look_first(path).await?,
    }
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(20))
        .foreign_keys(true)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(sql)?;
    check_version(&mut connection, path).await?;
    // A process that died while it made the file leaves one without tables.
    let (version,): (i64,) = sqlx::query_as("PRAGMA user_version").fetch_one(&mut connection).await.map_err(sql)?;
    match (mode, version) {
        (Mode::Create, 0) => make_tables(&mut connection).await.map_err(sql)?,
        (Mode::Existing | Mode::Read, 0) => return Err(JournalError::NoJournal { file: path.display().to_string() }),
        _ => {}
    }
    if mode == Mode::Read {
        connection.execute("PRAGMA query_only = ON").await.map_err(sql)?;
    }
    Ok(connection)
}

/// Looks at an existing file without a chance of changing it: a newer version may mean anything by what it holds.
async fn look_first(path: &Path) -> Result<(), JournalError> {
    let sql = |error: sqlx::Error| JournalError::sql(path, "", &error);
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(Duration::from_secs(20));
    let mut connection = options.disable_statement_logging().connect().await.map_err(sql)?;
    let version = sqlx::query_as("PRAGMA user_version").fetch_one(&mut connection).await;
    if version.as_ref().is_err_and(needs_writing) {
        // A process died while it made the file: what it had begun is rolled back by whoever opens it to write.
        return Ok(());
    }
    let (version,): (i64,) = version.map_err(sql)?;
    let (application,): (i64,) =
        sqlx::query_as("PRAGMA application_id").fetch_one(&mut connection).await.map_err(sql)?;
    connection.close().await.map_err(sql)?;
    let unmarked = application == 0 && version == 0;
    if application != APPLICATION && !unmarked {
        let what = format!("{} is a database, but no journal of `plan`", path.display());
        return Err(JournalError::Corrupt { what });
    }
    if version > SCHEMA {
        return Err(JournalError::Newer { what: path.display().to_string(), version, known: SCHEMA });
    }
    Ok(())
}

/// `SQLITE_READONLY`: a hot rollback journal lies beside the file.
fn needs_writing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 8)
}

async fn check_version(connection: &mut SqliteConnection, path: &Path) -> Result<(), JournalError> {
    let query = sqlx::query_as("SELECT sqlite_version()").fetch_one(connection).await;
    let (version,): (String,) = query.map_err(|error| JournalError::sql(path, "", &error))?;
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() >= [3, 51, 3].as_slice() {
        true => Ok(()),
        false => Err(JournalError::OldSqlite { version }),
    }
}

async fn make_tables(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (version,): (i64,) = sqlx::query_as("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    if version == 0 {
        transaction.execute(TABLES).await?;
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};");
        transaction.execute(AssertSqlSafe(marks)).await?;
    }
    transaction.commit().await
}

/// Readable for this user alone; SQLite gives its side files the same rights.
fn make_file(path: &Path) -> Result<(), JournalError> {
    let made = path.parent().map_or(Ok(()), place::make_folder).and_then(|()| {
        let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(nofollow).open(path)
    });
    made.map(drop).map_err(|error| JournalError::io(path, &error))
}
