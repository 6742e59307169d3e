//! Reading runs back, verified.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::chain::{self, Hash, Head, Row};
use super::error::JournalError;
use super::owner::Owner;
use super::record::{Entry, Stored};

/// A run as it is on disk, verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub records: Vec<Stored>,
    /// What could not be verified.
    pub warnings: Vec<String>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    pub id: String,
    pub title: String,
    pub plan_path: String,
    pub environment: Option<String>,
    /// The name of who started it.
    pub started_by: String,
    /// When it started (wall clock, milliseconds).
    pub started: i64,
    /// When something was last recorded.
    pub last: i64,
    pub epoch: i64,
    /// Whether a process drives it now.
    pub driven: bool,
}

const COLUMNS: &str = "seq, epoch, at, version, kind, body, hash";

fn failed(error: &sqlx::Error) -> JournalError {
    JournalError::sqlite(error, None)
}

fn corrupt(run: &str, seq: i64, why: &str) -> JournalError {
    JournalError::Corrupt { what: format!("run {run}, record {seq}: {why}") }
}

fn row(found: &SqliteRow) -> Result<(Row, Vec<u8>), sqlx::Error> {
    let row = Row {
        seq: found.try_get("seq")?,
        epoch: found.try_get("epoch")?,
        at: found.try_get("at")?,
        version: found.try_get("version")?,
        kind: found.try_get("kind")?,
        body: found.try_get("body")?,
    };
    Ok((row, found.try_get("hash")?))
}

fn stored(run: &str, row: &Row) -> Result<Stored, JournalError> {
    let place = format!("record {} of run {run}", row.seq);
    let entry = Entry::decode(row.version, &row.kind, &row.body, &place)?;
    Ok(Stored { seq: row.seq, epoch: row.epoch, at: row.at, entry })
}

/// Reads a run; every record is verified. Changes nothing.
pub(super) async fn load(connection: &mut SqliteConnection, path: &Path, run: &str) -> Result<Loaded, JournalError> {
    // The anchor first: it is written after the records, so that what is read later is never behind it.
    let anchor = chain::read(path, run)?;
    let text = format!(
        "SELECT {COLUMNS}, (SELECT epoch FROM leases WHERE run = records.run) AS lease FROM records WHERE run = ? ORDER BY seq"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(run);
    let rows = query.fetch_all(&mut *connection).await.map_err(|e| failed(&e))?;
    if rows.is_empty() && anchor == chain::Anchor::None && !leased(connection, run).await? {
        return Err(JournalError::NoRun { id: run.to_owned() });
    }
    let mut check = Check { run, head: Head::START, epoch: 1, hashes: Vec::with_capacity(rows.len()) };
    let mut records = Vec::with_capacity(rows.len());
    for found in &rows {
        let (row, hash) =
            row(found).map_err(|_| corrupt(run, check.head.seq + 1, "it has a column of the wrong kind"))?;
        let lease: Option<i64> = found.try_get("lease").map_err(|e| failed(&e))?;
        check.follow(&row, &hash, lease)?;
        records.push(row);
    }
    let hash_at = |seq: i64| check.hashes.get(usize::try_from(seq - 1).ok()?).copied();
    let warning = chain::check(run, anchor, check.head.seq, hash_at)?;
    if records.first().is_none_or(|first| first.kind != "started") {
        return Err(corrupt(run, 1, "it is missing or not the start of a run"));
    }
    let records = records.iter().map(|row| stored(run, row)).collect::<Result<_, _>>()?;
    Ok(Loaded { records, warnings: warning.into_iter().collect() })
}

async fn leased(connection: &mut SqliteConnection, run: &str) -> Result<bool, JournalError> {
    let found = sqlx::query("SELECT 1 FROM leases WHERE run = ?").bind(run).fetch_optional(connection).await;
    Ok(found.map_err(|e| failed(&e))?.is_some())
}

/// Follows the chain of a run.
struct Check<'a> {
    run: &'a str,
    head: Head,
    epoch: i64,
    hashes: Vec<Hash>,
}

impl Check<'_> {
    fn follow(&mut self, row: &Row, hash: &[u8], lease: Option<i64>) -> Result<(), JournalError> {
        let next = self.head.seq + 1;
        if row.seq != next {
            return Err(corrupt(self.run, next, "it is missing"));
        }
        let expected = row.hash(&self.head.hash, self.run);
        if expected != hash {
            return Err(corrupt(self.run, next, "it has been changed, or one before it has"));
        }
        if row.epoch < self.epoch || lease.is_none_or(|lease| row.epoch > lease) {
            return Err(corrupt(self.run, next, "its lease does not follow from the one before"));
        }
        self.head = Head { seq: next, hash: expected };
        self.epoch = row.epoch;
        self.hashes.push(expected);
        Ok(())
    }
}

/// The end of a run.
pub(super) async fn head(connection: &mut SqliteConnection, run: &str) -> Result<Head, JournalError> {
    let query = sqlx::query("SELECT seq FROM records WHERE run = ? ORDER BY seq DESC LIMIT 1").bind(run);
    let found = query.fetch_optional(&mut *connection).await.map_err(|e| failed(&e))?;
    let Some(found) = found else { return Err(JournalError::NoRun { id: run.to_owned() }) };
    let seq: i64 = found.try_get(0).map_err(|e| failed(&e))?;
    let hash = hash_at(connection, run, seq).await?.ok_or_else(|| corrupt(run, seq, "its hash cannot be read"))?;
    Ok(Head { seq, hash })
}

/// The hash of a record; `None` when there is no such record.
pub(super) async fn hash_at(
    connection: &mut SqliteConnection,
    run: &str,
    seq: i64,
) -> Result<Option<Hash>, JournalError> {
    let query = sqlx::query("SELECT hash FROM records WHERE run = ? AND seq = ?").bind(run).bind(seq);
    let Some(found) = query.fetch_optional(connection).await.map_err(|e| failed(&e))? else { return Ok(None) };
    let hash: Vec<u8> = found.try_get(0).map_err(|e| failed(&e))?;
    Ok(hash.try_into().ok())
}

/// The records after one, in order; not verified.
pub(super) async fn since(connection: &mut SqliteConnection, run: &str, seq: i64) -> Result<Vec<Stored>, JournalError> {
    let text = format!("SELECT {COLUMNS} FROM records WHERE run = ? AND seq > ? ORDER BY seq");
    let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(run).bind(seq);
    let rows = query.fetch_all(connection).await.map_err(|e| failed(&e))?;
    rows.iter().map(|found| stored(run, &row(found).map_err(|e| failed(&e))?.0)).collect()
}

/// The ids of all runs, the newest first.
pub(super) async fn ids(connection: &mut SqliteConnection) -> Result<Vec<String>, JournalError> {
    let text = "SELECT leases.run FROM leases LEFT JOIN records ON records.run = leases.run AND records.seq = 1 \
                ORDER BY records.at DESC, records.rowid DESC";
    let rows = sqlx::query(text).fetch_all(connection).await.map_err(|e| failed(&e))?;
    rows.iter().map(|row| row.try_get(0).map_err(|e| failed(&e))).collect()
}

/// The newest runs.
pub(super) async fn runs(
    connection: &mut SqliteConnection,
    most: usize,
    here: &str,
    now: i64,
) -> Result<Vec<RunInfo>, JournalError> {
    let text = "SELECT first.run, first.version, first.kind, first.body, first.at, leases.epoch, leases.owner, \
                leases.held, leases.beat_at, (SELECT at FROM records WHERE run = first.run ORDER BY seq DESC LIMIT 1) AS last \
                FROM leases JOIN records AS first ON first.run = leases.run AND first.seq = 1 \
                ORDER BY first.at DESC, first.rowid DESC LIMIT ?";
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = sqlx::query(text).bind(limit).fetch_all(connection).await.map_err(|e| failed(&e))?;
    rows.iter().map(|row| info(row, here, now).map_err(|e| failed(&e))).collect()
}

/// A run whose first record cannot be read is listed all the same, without what it would say.
fn info(row: &SqliteRow, here: &str, now: i64) -> Result<RunInfo, sqlx::Error> {
    let (kind, body, owner): (String, String, String) =
        (row.try_get("kind")?, row.try_get("body")?, row.try_get("owner")?);
    let header = match Entry::decode(row.try_get("version")?, &kind, &body, "") {
        Ok(Entry::Started(header)) => Some(header),
        Ok(_) | Err(_) => None,
    };
    let owner: Option<Owner> = serde_json::from_str(&owner).ok();
    let (held, beat_at): (bool, i64) = (row.try_get("held")?, row.try_get("beat_at")?);
    Ok(RunInfo {
        id: row.try_get("run")?,
        title: header.as_ref().map(|header| header.title.clone()).unwrap_or_default(),
        plan_path: header.as_ref().map(|header| header.plan_path.clone()).unwrap_or_default(),
        environment: header.as_ref().and_then(|header| header.environment.clone()),
        started_by: header.map(|header| header.started_by.name).unwrap_or_default(),
        started: row.try_get("at")?,
        last: row.try_get("last")?,
        epoch: row.try_get("epoch")?,
        driven: held && owner.is_some_and(|owner| owner.lives(here, beat_at, now)),
    })
}
