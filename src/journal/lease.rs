//! Beginning a run, taking one over, and letting it go.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use super::chain::{self, Head};
use super::commit::{self, Written};
use super::desk::Desk;
use super::error::JournalError;
use super::owner::{Holder, Lease, Owner};
use super::read;
use super::record::{Entry, Header};

/// Longest id of a run.
const ID: usize = 64;

fn failed(error: &sqlx::Error) -> JournalError {
    JournalError::sqlite(error, None)
}

fn encode(owner: &Owner) -> String {
    serde_json::to_string(owner).expect("an owner is plain data")
}

/// Writes the first record of a run, with epoch 1.
pub(super) async fn create(
    desk: &mut Desk,
    run: &str,
    header: Header,
    owner: &Owner,
    at: i64,
) -> Result<Lease, JournalError> {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if run.is_empty() || run.len() > ID || !run.chars().all(named) {
        return Err(JournalError::failed(format!("`{run}` cannot be the id of a run")));
    }
    if chain::read(&desk.path, run)? != chain::Anchor::None {
        let what = format!("run {run}: it has an anchor, and its records are missing");
        return Err(JournalError::Corrupt { what });
    }
    let lease = Lease { run: run.to_owned(), epoch: 1 };
    let entry = Entry::Started(header);
    let written = Written::new(&lease, Head::START, std::iter::once((at, &entry)))?;
    let mut transaction = desk.connection.begin_with("BEGIN IMMEDIATE").await.map_err(|e| failed(&e))?;
    sqlx::query("INSERT INTO leases (run, epoch, owner, held, beat_at) VALUES (?, 1, ?, 1, ?)")
        .bind(run)
        .bind(encode(owner))
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(|e| failed(&e))?;
    note(&mut transaction, &lease, owner, at).await?;
    commit::insert_in(&mut transaction, run, &written).await?;
    transaction.commit().await.map_err(|e| failed(&e))?;
    desk.begin(&lease, written.head)?;
    Ok(lease)
}

/// Takes a run over whose owner is gone. Its records are verified first: a broken run is not touched.
pub(super) async fn take_over(desk: &mut Desk, run: &str, owner: &Owner, at: i64) -> Result<Lease, JournalError> {
    read::load(&mut desk.connection, &desk.path, run).await?;
    let mut transaction = desk.connection.begin_with("BEGIN IMMEDIATE").await.map_err(|e| failed(&e))?;
    let (held, holder) = find(&mut transaction, run, &owner.host, at).await?;
    if held && holder.alive {
        return Err(JournalError::Held { run: run.to_owned(), owner: holder.owner });
    }
    let lease = Lease { run: run.to_owned(), epoch: holder.epoch + 1 };
    sqlx::query("UPDATE leases SET epoch = ?, owner = ?, held = 1, beat_at = ? WHERE run = ?")
        .bind(lease.epoch)
        .bind(encode(owner))
        .bind(at)
        .bind(run)
        .execute(&mut *transaction)
        .await
        .map_err(|e| failed(&e))?;
    note(&mut transaction, &lease, owner, at).await?;
    transaction.commit().await.map_err(|e| failed(&e))?;
    Ok(lease)
}

async fn note(connection: &mut SqliteConnection, lease: &Lease, owner: &Owner, at: i64) -> Result<(), JournalError> {
    sqlx::query("INSERT INTO takeovers (run, epoch, at, owner) VALUES (?, ?, ?, ?)")
        .bind(&lease.run)
        .bind(lease.epoch)
        .bind(at)
        .bind(encode(owner))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|e| failed(&e))
}

/// Lets a run go; one that somebody else has taken over meanwhile stays theirs.
pub(super) async fn release(desk: &mut Desk, lease: &Lease) -> Result<(), JournalError> {
    sqlx::query("UPDATE leases SET held = 0 WHERE run = ? AND epoch = ?")
        .bind(&lease.run)
        .bind(lease.epoch)
        .execute(&mut desk.connection)
        .await
        .map(drop)
        .map_err(|e| failed(&e))
}

/// Says that the owner lives.
pub(super) async fn beat(desk: &mut Desk, lease: &Lease, at: i64) -> Result<(), JournalError> {
    let done = sqlx::query("UPDATE leases SET beat_at = ? WHERE run = ? AND epoch = ?")
        .bind(at)
        .bind(&lease.run)
        .bind(lease.epoch)
        .execute(&mut desk.connection)
        .await
        .map_err(|e| failed(&e))?;
    match done.rows_affected() {
        0 => Err(JournalError::Fenced { run: lease.run.clone() }),
        _ => Ok(()),
    }
}

/// The newest lease of a run, and whether it is held.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    run: &str,
    here: &str,
    now: i64,
) -> Result<(bool, Holder), JournalError> {
    let row = sqlx::query("SELECT epoch, owner, held, beat_at FROM leases WHERE run = ?")
        .bind(run)
        .fetch_optional(connection)
        .await
        .map_err(|e| failed(&e))?;
    let row = row.ok_or_else(|| JournalError::NoRun { id: run.to_owned() })?;
    let owner: String = row.try_get("owner").map_err(|e| failed(&e))?;
    let owner: Owner = serde_json::from_str(&owner)
        .map_err(|error| JournalError::Corrupt { what: format!("run {run}: its owner cannot be read: {error}") })?;
    let epoch = row.try_get("epoch").map_err(|e| failed(&e))?;
    let beat_at = row.try_get("beat_at").map_err(|e| failed(&e))?;
    let held: bool = row.try_get("held").map_err(|e| failed(&e))?;
    let alive = held && owner.lives(here, beat_at, now);
    Ok((held, Holder { owner, epoch, alive, beat_at }))
}
