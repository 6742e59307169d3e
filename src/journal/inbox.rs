//! Decisions of people in other processes, on their way to the one that drives the run.

use std::time::Duration;

use crate::engine::Who;

use super::{Journal, JournalError, wall};

/// How often an answer is looked for.
const EVERY: Duration = Duration::from_millis(100);

/// A request that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub id: i64,
    pub who: Who,
    /// As it was posted; whoever drives the run knows what it means.
    pub request: serde_json::Value,
}

impl Journal {
    /// Posts a request to whoever drives the run.
    pub async fn post(&self, run: &str, who: &Who, request: &serde_json::Value) -> Result<i64, JournalError> {
        let who = serde_json::to_string(who).expect("names are plain data");
        let mut connection = self.lock().await;
        sqlx::query("INSERT INTO inbox (run, at, who, request) VALUES (?, ?, ?, ?)")
            .bind(run)
            .bind(wall())
            .bind(who)
            .bind(request.to_string())
            .execute(&mut *connection)
            .await
            .map(|done| done.last_insert_rowid())
            .map_err(self.sql(run))
    }

    /// The requests that nobody has answered, oldest first.
    pub async fn pending(&self, run: &str) -> Result<Vec<Posted>, JournalError> {
        let rows: Vec<(i64, String, String)> = {
            let mut connection = self.lock().await;
            sqlx::query_as("SELECT id, who, request FROM inbox WHERE run = ? AND answer IS NULL ORDER BY id")
                .bind(run)
                .fetch_all(&mut *connection)
                .await
                .map_err(self.sql(run))?
        };
        let read = |(id, who, request): (i64, String, String)| {
            let corrupt = |error: serde_json::Error| JournalError::Corrupt {
                what: format!("request {id} of run {run}: {error}"),
            };
            let who = serde_json::from_str(&who).map_err(corrupt)?;
            let request = serde_json::from_str(&request).map_err(corrupt)?;
            Ok(Posted { id, who, request })
        };
        rows.into_iter().map(read).collect()
    }

    /// Answers a request.
    pub async fn answer(&self, id: i64, answer: &serde_json::Value) -> Result<(), JournalError> {
        let mut connection = self.lock().await;
        let query = sqlx::query("UPDATE inbox SET answer = ? WHERE id = ?").bind(answer.to_string()).bind(id);
        query.execute(&mut *connection).await.map(drop).map_err(self.sql(""))
    }

    /// Waits for the answer to a request; `None`: it has not come in time.
    pub async fn wait_answer(&self, id: i64, time: Duration) -> Result<Option<serde_json::Value>, JournalError> {
        let end = tokio::time::Instant::now() + time;
        loop {
            let answer: Option<(Option<String>,)> = {
                let mut connection = self.lock().await;
                let query = sqlx::query_as("SELECT answer FROM inbox WHERE id = ?").bind(id);
                query.fetch_optional(&mut *connection).await.map_err(self.sql(""))?
            };
            if let Some((Some(answer),)) = answer {
                return Ok(serde_json::from_str(&answer).ok());
            }
            if tokio::time::Instant::now() >= end {
                return Ok(None);
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
