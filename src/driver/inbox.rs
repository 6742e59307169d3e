//! Decisions that come from other processes: posted to the journal, taken in by whoever drives the run.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use crate::engine::{Decision, Who};
use crate::journal::Journal;

use super::tasks::Message;

/// How often the journal is looked at for them.
const EVERY: std::time::Duration = std::time::Duration::from_millis(250);

/// A decision that waits for an answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub id: i64,
    pub who: Who,
    pub decision: Decision,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Why it was refused; `None`: it is on record.
    pub refused: Option<String>,
}

impl Answer {
    /// As the journal keeps it.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        serde_json::json!({ "refused": self.refused })
    }
}

/// Looks for decisions until it is aborted. A task of its own: a query that is dropped half-way would poison its connection.
pub(crate) async fn watch(journal: Journal, run: String, sender: UnboundedSender<Message>) {
    let mut last = 0;
    loop {
        let message = match journal.pending(&run).await {
            Ok(pending) => {
                let new: Vec<_> = pending.into_iter().filter(|posted| posted.id > last).collect();
                last = new.last().map_or(last, |posted| posted.id);
                let decode = |posted: crate::journal::Posted| {
                    let decision = serde_json::from_value(posted.request).ok()?;
                    Some(Asked { id: posted.id, who: posted.who, decision })
                };
                Message::Asked(new.into_iter().filter_map(decode).collect())
            }
            Err(error) => Message::JournalFailed(error),
        };
        let idle = matches!(&message, Message::Asked(asked) if asked.is_empty());
        if !idle && sender.send(message).is_err() {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
