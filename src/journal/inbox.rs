//! Decisions from other processes: posted, seen by whoever drives the run, answered.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::error::JournalError;
use crate::engine::Who;

/// A decision that waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub id: i64,
    pub who: Who,
    pub request: serde_json::Value,
}

fn failed(error: &sqlx::Error) -> JournalError {
    JournalError::sqlite(error, None)
}

fn garbled(id: i64) -> JournalError {
    JournalError::Corrupt { what: format!("decision {id} of the inbox cannot be read") }
}

pub(super) async fn post(
    connection: &mut SqliteConnection,
    run: &str,
    at: i64,
    who: &str,
    request: &str,
) -> Result<i64, JournalError> {
    let text = "INSERT INTO inbox (run, at, who, request) SELECT run, ?, ?, ? FROM leases WHERE run = ? RETURNING id";
    let row = sqlx::query(text).bind(at).bind(who).bind(request).bind(run).fetch_optional(connection).await;
    match row.map_err(|e| failed(&e))? {
        Some(row) => row.try_get(0).map_err(|e| failed(&e)),
        None => Err(JournalError::NoRun { id: run.to_owned() }),
    }
}

/// The first answer counts.
pub(super) async fn answer(connection: &mut SqliteConnection, id: i64, answer: &str) -> Result<(), JournalError> {
    sqlx::query("UPDATE inbox SET answer = ? WHERE id = ? AND answer IS NULL")
        .bind(answer)
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|e| failed(&e))
}

pub(super) async fn pending(connection: &mut SqliteConnection, run: &str) -> Result<Vec<Posted>, JournalError> {
    let rows = sqlx::query("SELECT id, who, request FROM inbox WHERE run = ? AND answer IS NULL ORDER BY id")
        .bind(run)
        .fetch_all(connection)
        .await
        .map_err(|e| failed(&e))?;
    let decode = |row: sqlx::sqlite::SqliteRow| {
        let id: i64 = row.try_get(0).map_err(|e| failed(&e))?;
        let (who, request): (String, String) =
            (row.try_get(1).map_err(|e| failed(&e))?, row.try_get(2).map_err(|e| failed(&e))?);
        let who = serde_json::from_str(&who).map_err(|_| garbled(id))?;
        let request = serde_json::from_str(&request).map_err(|_| garbled(id))?;
        Ok(Posted { id, who, request })
    };
    rows.into_iter().map(decode).collect()
}

pub(super) async fn answer_of(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<serde_json::Value>, JournalError> {
    let row = sqlx::query("SELECT answer FROM inbox WHERE id = ?").bind(id).fetch_optional(connection).await;
    let Some(row) = row.map_err(|e| failed(&e))? else { return Ok(None) };
    let answer: Option<String> = row.try_get(0).map_err(|e| failed(&e))?;
    answer.map(|answer| serde_json::from_str(&answer).map_err(|_| garbled(id))).transpose()
}
