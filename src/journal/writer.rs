//! The one task that writes records of a run: everything that has come in since the last commit goes into the next.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Sqlite};
use tokio::sync::{mpsc, watch};

use super::chain::{self, Anchor, Hash, Row};
use super::record::{self, Entry};
use super::{JournalError, Lease};

/// Entries that nobody waits for are committed after so long at the latest.
const LAZY: Duration = Duration::from_millis(100);

/// Rows in one statement.
const ROWS: usize = 500;

/// Hands entries to the writing task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::UnboundedSender<Batch>,
    progress: watch::Receiver<Progress>,
    next: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

/// A promise: when [`Ticket::durable`] says so, the entries are on disk.
#[derive(Debug, Clone)]
pub struct Ticket {
    number: u64,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    /// All batches up to this number are durable.
    committed: u64,
    failed: Option<JournalError>,
}

#[derive(Debug)]
struct Batch {
    number: u64,
    at: i64,
    entries: Vec<Entry>,
    urgent: bool,
}

impl Writer {
    pub(super) fn start(task: WriterTask) -> Self {
        let (queue, receiver) = mpsc::unbounded_channel();
        let (sender, progress) = watch::channel(Progress::default());
        tokio::spawn(task.run(receiver, sender));
        Self { queue, progress, next: std::sync::Arc::default() }
    }

    /// Queues entries that somebody waits for. `at`: wall time, milliseconds since the Unix epoch.
    pub fn append(&self, at: i64, entries: Vec<Entry>) -> Ticket {
        self.send(at, entries, true)
    }

    /// Queues entries that may wait for the next commit, or a tenth of a second.
    pub fn append_lazy(&self, at: i64, entries: Vec<Entry>) -> Ticket {
        self.send(at, entries, false)
    }

    fn send(&self, at: i64, entries: Vec<Entry>, urgent: bool) -> Ticket {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        // The task ends only with its runtime, and then nobody waits either.
        let _ = self.queue.send(Batch { number, at, entries, urgent });
        Ticket { number, progress: self.progress.clone() }
    }

    /// Waits until everything queued so far is on disk, or the journal has failed.
    pub async fn close(self) {
        // A failure has been told to those who wait for their own entries.
        let _ = self.append(0, Vec::new()).durable().await;
    }
}

impl Ticket {
    /// Waits until the entries are on disk.
    pub async fn durable(&self) -> Result<(), JournalError> {
        let mut progress = self.progress.clone();
        let done = progress.wait_for(|now| now.committed >= self.number || now.failed.is_some()).await;
        match done {
            Ok(now) if now.committed >= self.number => Ok(()),
            Ok(now) => Err(now.failed.clone().expect("the wait ends with a commit or a failure")),
            Err(_) => Err(JournalError::Io { file: "the journal".into(), why: "its writer has ended".into() }),
        }
    }
}

/// What the task holds.
pub(super) struct WriterTask {
    pub connection: SqliteConnection,
    pub path: PathBuf,
    pub lease: Lease,
    pub seq: i64,
    pub head: Hash,
    pub anchor: Anchor,
}

impl WriterTask {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Batch>, progress: watch::Sender<Progress>) {
        while let Some(batches) = gather(&mut queue).await {
            let last = batches.last().map_or(0, |batch| batch.number);
            let failed = progress.borrow().failed.is_some();
            if failed {
                continue;
            }
            match self.commit(&batches).await {
                Ok(()) => progress.send_modify(|now| now.committed = last),
                // Nothing is written after a failure: a gap would be worse than an end.
                Err(error) => progress.send_modify(|now| now.failed = Some(error)),
            }
        }
        // What the database leaves to its next reader is safe either way.
        let _ = self.connection.close().await;
    }

    async fn commit(&mut self, batches: &[Batch]) -> Result<(), JournalError> {
        let mut rows = Vec::new();
        let (mut seq, mut head) = (self.seq, self.head);
        for (at, entry) in batches.iter().flat_map(|batch| batch.entries.iter().map(move |entry| (batch.at, entry))) {
            seq += 1;
            let (kind, body) = record::encode(entry);
            let run = &self.lease.run;
            let row = Row { run, seq, epoch: self.lease.epoch, at, version: record::VERSION, kind: &kind, body: &body };
            head = chain::link(&head, &row);
            rows.push((seq, at, kind, body, chain::hex(&head)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.insert(&rows).await.map_err(|error| JournalError::sql(&self.path, &self.lease.run, &error))?;
        (self.seq, self.head) = (seq, head);
        self.anchor.set(seq, &head)
    }

    async fn insert(&mut self, rows: &[(i64, i64, String, String, String)]) -> Result<(), sqlx::Error> {
        if rows.len() <= ROWS {
            // One statement is a transaction of its own.
            return values(&self.lease, rows).build().execute(&mut self.connection).await.map(drop);
        }
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for chunk in rows.chunks(ROWS) {
            values(&self.lease, chunk).build().persistent(false).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

fn values<'a>(lease: &'a Lease, rows: &'a [(i64, i64, String, String, String)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO records (run, seq, epoch, at, version, kind, body, hash) ");
    query.push_values(rows, |mut row, (seq, at, kind, body, hash)| {
        row.push_bind(lease.run.clone()).push_bind(*seq).push_bind(lease.epoch).push_bind(*at);
        row.push_bind(record::VERSION).push_bind(kind.clone()).push_bind(body.clone()).push_bind(hash.clone());
    });
    query
}

/// Everything that is queued, once something is; entries that may wait give others a chance to join.
async fn gather(queue: &mut mpsc::UnboundedReceiver<Batch>) -> Option<Vec<Batch>> {
    let mut batches = vec![queue.recv().await?];
    let latest = tokio::time::Instant::now() + LAZY;
    loop {
        while let Ok(batch) = queue.try_recv() {
            batches.push(batch);
        }
        if batches.iter().any(|batch| batch.urgent) {
            return Some(batches);
        }
        match tokio::time::timeout_at(latest, queue.recv()).await {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) | Err(_) => return Some(batches),
        }
    }
}
