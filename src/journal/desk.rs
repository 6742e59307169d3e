//! The one task that writes. It owns the connection and is never cancelled, so no half-done write is ever left on it.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::chain::{self, Head};
use super::commit::{self, Written};
use super::error::JournalError;
use super::lease;
use super::owner::{Lease, Owner};
use super::record::{Entry, Header};
use super::writer::Fate;
use super::{inbox, read};

/// How long a lazy batch waits for an urgent one.
const LAZY: Duration = Duration::from_millis(100);

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// Records on their way.
#[derive(Debug)]
pub(super) struct Batch {
    pub lease: Lease,
    pub at: i64,
    pub entries: Vec<Entry>,
    pub urgent: bool,
    pub fate: watch::Sender<Fate>,
}

/// What the task can be asked for.
#[derive(Debug)]
pub(super) enum Request {
    Append(Batch),
    Flush(oneshot::Sender<()>),
    /// Get ready to add to a run.
    Prepare(Lease, Reply<()>),
    Create {
        run: String,
        header: Box<Header>,
        owner: Owner,
        at: i64,
        reply: Reply<Lease>,
    },
    TakeOver {
        run: String,
        owner: Owner,
        at: i64,
        reply: Reply<Lease>,
    },
    Release(Lease, Reply<()>),
    Beat {
        lease: Lease,
        at: i64,
        reply: Reply<()>,
    },
    Post {
        run: String,
        at: i64,
        who: String,
        request: String,
        reply: Reply<i64>,
    },
    Answer {
        id: i64,
        answer: String,
        reply: Reply<()>,
    },
}

/// The end of a run that this process writes.
#[derive(Debug)]
struct End {
    epoch: i64,
    head: Head,
    anchor: File,
    /// The first failure: nothing is written after it.
    failed: Option<JournalError>,
}

/// The state of the task.
#[derive(Debug)]
pub(super) struct Desk {
    pub path: PathBuf,
    pub connection: SqliteConnection,
    ends: HashMap<String, End>,
    queue: Vec<Batch>,
    /// When the oldest lazy batch has waited long enough.
    due: Option<Instant>,
}

/// Works until everybody who could ask is gone.
pub(super) async fn work(path: PathBuf, connection: SqliteConnection, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut desk = Desk { path, connection, ends: HashMap::new(), queue: Vec::new(), due: None };
    loop {
        let next = match desk.due {
            None => requests.recv().await,
            Some(due) => match timeout_at(due, requests.recv()).await {
                Ok(next) => next,
                Err(_) => {
                    desk.commit().await;
                    continue;
                }
            },
        };
        let Some(request) = next else { break };
        let mut urgent = desk.take(request).await;
        while let Ok(request) = requests.try_recv() {
            urgent |= desk.take(request).await;
        }
        if urgent {
            desk.commit().await;
        }
    }
    desk.commit().await;
    // The file is consistent without it; closing only tidies the WAL up.
    let _ = sqlx::Connection::close(desk.connection).await;
}

impl Desk {
    /// Queues a batch, or commits what is queued and does what is asked. Says whether something urgent is queued.
    async fn take(&mut self, request: Request) -> bool {
        if let Request::Append(batch) = request {
            let urgent = batch.urgent;
            self.due = self.due.or_else(|| Some(Instant::now() + LAZY));
            self.queue.push(batch);
            return urgent;
        }
        self.commit().await;
        self.carry_out(request).await;
        false
    }

    async fn carry_out(&mut self, request: Request) {
        // Who asked may have stopped waiting: an answer that nobody takes is dropped.
        match request {
            Request::Append(_) => {}
            Request::Flush(done) => drop(done.send(())),
            Request::Prepare(lease, reply) => drop(reply.send(self.prepare(&lease).await)),
            Request::Create { run, header, owner, at, reply } => {
                drop(reply.send(lease::create(self, &run, *header, &owner, at).await));
            }
            Request::TakeOver { run, owner, at, reply } => {
                drop(reply.send(lease::take_over(self, &run, &owner, at).await));
            }
            Request::Release(lease, reply) => drop(reply.send(lease::release(self, &lease).await)),
            Request::Beat { lease, at, reply } => drop(reply.send(lease::beat(self, &lease, at).await)),
            Request::Post { run, at, who, request, reply } => {
                drop(reply.send(inbox::post(&mut self.connection, &run, at, &who, &request).await));
            }
            Request::Answer { id, answer, reply } => {
                drop(reply.send(inbox::answer(&mut self.connection, id, &answer).await));
            }
        }
    }

    /// Finds the end of a run and compares it with its anchor.
    async fn prepare(&mut self, lease: &Lease) -> Result<(), JournalError> {
        if self.ends.get(&lease.run).is_some_and(|end| end.epoch == lease.epoch && end.failed.is_none()) {
            return Ok(());
        }
        let anchor = chain::read(&self.path, &lease.run)?;
        let head = read::head(&mut self.connection, &lease.run).await?;
        let at_anchor = match anchor {
            chain::Anchor::At(at) => read::hash_at(&mut self.connection, &lease.run, at.seq).await?,
            chain::Anchor::None | chain::Anchor::Garbled => None,
        };
        chain::check(&lease.run, anchor, head.seq, |_| at_anchor)?;
        self.end(lease, head)
    }

    /// Remembers the end of a new run, and anchors it.
    pub(super) fn begin(&mut self, lease: &Lease, head: Head) -> Result<(), JournalError> {
        let anchor = chain::open(&self.path, &lease.run)?;
        chain::write(&anchor, &lease.run, &head).map_err(|error| JournalError::io(&error, "the anchor"))?;
        self.ends.insert(lease.run.clone(), End { epoch: lease.epoch, head, anchor, failed: None });
        Ok(())
    }

    /// Remembers the end of a run.
    fn end(&mut self, lease: &Lease, head: Head) -> Result<(), JournalError> {
        let anchor = chain::open(&self.path, &lease.run)?;
        let end = End { epoch: lease.epoch, head, anchor, failed: None };
        self.ends.insert(lease.run.clone(), end);
        Ok(())
    }

    /// Commits everything queued: one transaction for each run in it, which is nearly always one.
    async fn commit(&mut self) {
        self.due = None;
        let mut left = std::mem::take(&mut self.queue);
        while let Some(first) = left.first() {
            let lease = first.lease.clone();
            let (mine, others) = left.into_iter().partition(|batch| batch.lease == lease);
            left = others;
            let result = self.commit_run(&lease, &mine).await;
            for batch in mine {
                batch.fate.send_replace(Some(result.clone()));
            }
        }
    }

    async fn commit_run(&mut self, lease: &Lease, batches: &[Batch]) -> Result<(), JournalError> {
        let end = match self.ends.get_mut(&lease.run) {
            Some(end) if end.epoch == lease.epoch => end,
            Some(_) | None => return Err(JournalError::Fenced { run: lease.run.clone() }),
        };
        if let Some(error) = &end.failed {
            return Err(error.clone());
        }
        let entries = batches.iter().flat_map(|batch| batch.entries.iter().map(|entry| (batch.at, entry)));
        let result = match Written::new(lease, end.head, entries) {
            Ok(written) => commit::insert(&mut self.connection, &lease.run, &written).await.map(|()| written.head),
            Err(error) => Err(error),
        };
        let result = result.and_then(|head| {
            end.head = head;
            chain::write(&end.anchor, &lease.run, &head).map_err(|error| JournalError::io(&error, "the anchor"))
        });
        end.failed = result.clone().err();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::Writer;
    use super::super::{Durability, files, schema};
    use super::*;

    fn header() -> Header {
        let text = r#"{"plan_path":"a","title":"","plan_text":"","plan_digest":"","files":{},"environment":null,
            "values":{},"jobs":1,"on_failure":null,"authors":[],"engine_version":1,
            "started_by":{"name":"a","os_user":"a","host":"h"}}"#;
        serde_json::from_str(text).unwrap()
    }

    fn notes(text: &str) -> Vec<Entry> {
        vec![Entry::Note { text: text.to_owned() }]
    }

    #[tokio::test]
    async fn after_the_first_failure_nothing_more_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        files::create_new(&path).unwrap();
        let mut connection = schema::open_to_write(&path, Durability::Full).await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 40").execute(&mut connection).await.unwrap();
        let (requests, receiver) = mpsc::unbounded_channel();
        tokio::spawn(work(path.clone(), connection, receiver));
        let (reply, lease) = oneshot::channel();
        let owner = Owner::of_this_process("h", "a");
        let create = Request::Create { run: "r1".into(), header: Box::new(header()), owner, at: 1, reply };
        requests.send(create).unwrap();
        let lease = lease.await.unwrap().unwrap();
        let writer = Writer { lease, requests };

        writer.append(1, notes("fits")).durable().await.unwrap();
        let full = writer.append(2, notes(&"x".repeat(1_000_000))).durable().await.unwrap_err();
        assert!(matches!(full, JournalError::Full { .. }), "{full}");
        assert_eq!(full.problem().code.id, "R0602");
        assert_eq!(writer.append(3, notes("would fit")).durable().await, Err(full.clone()));
        assert_eq!(writer.append_lazy(4, notes("too")).durable().await, Err(full));
        let mut reader = schema::open_to_read(&path).await.unwrap();
        assert_eq!(read::load(&mut reader, &path, "r1").await.unwrap().records.len(), 2);
    }
}
