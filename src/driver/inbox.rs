//! Decisions that come from other processes: posted to the journal, taken in by whoever drives the run.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::engine::{Decision, Who};
use crate::journal::{Journal, Lease};

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

/// How often the lease is told that its owner lives, in looks.
const BEATS: u32 = 40;

/// Looks for decisions until it is told to stop. A task of its own: a query that is dropped half-way would poison its
/// connection. Also tells the lease that its owner lives.
pub(crate) async fn watch(
    journal: Journal,
    lease: Lease,
    sender: UnboundedSender<Message>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut last = 0;
    let mut looks = 0_u32;
    loop {
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(BEATS)
            && let Err(error) = journal.heartbeat(&lease).await
        {
            let _ = sender.send(Message::JournalFailed(error));
            return;
        }
        let message = match journal.pending(&lease.run).await {
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
        // It is told to stop by dropping the other end.
        if tokio::time::timeout(EVERY, &mut stopped).await.is_ok() {
            return;
        }
    }
}
