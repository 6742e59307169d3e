//! Rows into the database, many at a time.

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Connection};

use super::chain::{Hash, Head, Row};
use super::error::JournalError;
use super::owner::Lease;
use super::record::{Entry, VERSION};

/// Rows of one statement.
const CHUNK: usize = 500;

/// Statements of up to this many rows are kept prepared.
const PREPARED: usize = 16;

/// Rows with their hashes, ready to be inserted.
pub(super) struct Written {
    rows: Vec<(Row, Hash)>,
    /// The end of the run once they are in.
    pub head: Head,
}

impl Written {
    /// Numbers the entries and continues the chain from `head`.
    pub(super) fn new<'a>(
        lease: &Lease,
        mut head: Head,
        entries: impl Iterator<Item = (i64, &'a Entry)>,
    ) -> Result<Self, JournalError> {
        let mut rows = Vec::new();
        for (at, entry) in entries {
            let (kind, body) = (entry.kind().to_owned(), entry.encode()?);
            let row = Row { seq: head.seq + 1, epoch: lease.epoch, at, version: i64::from(VERSION), kind, body };
            head = Head { seq: row.seq, hash: row.hash(&head.hash, &lease.run) };
            rows.push((row, head.hash));
        }
        Ok(Self { rows, head })
    }
}

/// Inserts all rows or none. One statement is a transaction by itself; more of them share one.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    run: &str,
    written: &Written,
) -> Result<(), JournalError> {
    let failed = |error: sqlx::Error| JournalError::sqlite(&error, Some(run));
    if written.rows.len() <= CHUNK {
        return insert_in(connection, run, written).await;
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    insert_in(&mut transaction, run, written).await?;
    transaction.commit().await.map_err(failed)
}

/// Inserts rows in whatever transaction the connection is in.
pub(super) async fn insert_in(
    connection: &mut SqliteConnection,
    run: &str,
    written: &Written,
) -> Result<(), JournalError> {
    for chunk in written.rows.chunks(CHUNK) {
        let arguments = arguments(run, chunk)
            .map_err(|error| JournalError::failed(format!("a record cannot be written: {error}")))?;
        let prepared = chunk.len() <= PREPARED;
        sqlx::query_with(AssertSqlSafe(statement(chunk.len())), arguments)
            .persistent(prepared)
            .execute(&mut *connection)
            .await
            .map_err(|error| JournalError::sqlite(&error, Some(run)))?;
    }
    Ok(())
}

fn statement(rows: usize) -> String {
    let row = "(?, ?, ?, ?, ?, ?, ?, ?)";
    let rows = vec![row; rows].join(", ");
    format!("INSERT INTO records (run, seq, epoch, at, version, kind, body, hash) VALUES {rows}")
}

fn arguments(run: &str, rows: &[(Row, Hash)]) -> Result<SqliteArguments, sqlx::error::BoxDynError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * 8, 0);
    for (row, hash) in rows {
        arguments.add(run.to_owned())?;
        arguments.add(row.seq)?;
        arguments.add(row.epoch)?;
        arguments.add(row.at)?;
        arguments.add(row.version)?;
        arguments.add(row.kind.clone())?;
        arguments.add(row.body.clone())?;
        arguments.add(hash.to_vec())?;
    }
    Ok(arguments)
}
