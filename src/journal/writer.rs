//! Adding records to a run: batches are queued, committed together, and each has a ticket that says when it is durable.

use tokio::sync::{mpsc, oneshot, watch};

use super::desk::{Batch, Request};
use super::error::JournalError;
use super::owner::Lease;
use super::record::Entry;

/// What became of a batch; `None` while it is on its way.
pub(super) type Fate = Option<Result<(), JournalError>>;

/// Adds records to one run. Clones write to the same run.
#[derive(Debug, Clone)]
pub struct Writer {
    pub(super) lease: Lease,
    pub(super) requests: mpsc::UnboundedSender<Request>,
}

/// Says when a batch is durable.
#[derive(Debug, Clone)]
pub struct Ticket {
    fate: watch::Receiver<Fate>,
}

impl Ticket {
    /// Waits until the batch survives whatever the journal's durability promises, or until it is known that it won't.
    pub async fn durable(&self) -> Result<(), JournalError> {
        let mut fate = self.fate.clone();
        let known = fate.wait_for(Option::is_some).await;
        match known.as_deref() {
            Ok(Some(result)) => result.clone(),
            Ok(None) | Err(_) => Err(stopped()),
        }
    }
}

/// The task that writes is gone.
pub(super) fn stopped() -> JournalError {
    JournalError::failed("its writer has ended")
}

impl Writer {
    /// Queues records that somebody waits for: they are committed at once, with everything queued before them.
    pub fn append(&self, at: i64, entries: Vec<Entry>) -> Ticket {
        self.queue(at, entries, true)
    }

    /// Queues records that nobody waits for: committed with the next urgent ones, or after 100 ms.
    pub fn append_lazy(&self, at: i64, entries: Vec<Entry>) -> Ticket {
        self.queue(at, entries, false)
    }

    fn queue(&self, at: i64, entries: Vec<Entry>, urgent: bool) -> Ticket {
        let (sender, fate) = watch::channel(None);
        let batch = Batch { lease: self.lease.clone(), at, entries, urgent, fate: sender };
        // When the task is gone the batch is dropped, and its ticket says so.
        drop(self.requests.send(Request::Append(batch)));
        Ticket { fate }
    }

    /// Waits until everything queued so far is committed (or has failed).
    pub async fn close(self) {
        let (sender, done) = oneshot::channel();
        if self.requests.send(Request::Flush(sender)).is_ok() {
            // Gone means that nothing is left to wait for.
            let _ = done.await;
        }
    }
}
