//! What happened in every run, on disk: records that are only ever added to, leases, decisions from other processes, and
//! locks on what runs change. `docs/journal.md` has the layouts.

mod chain;
pub mod codes;
mod commit;
mod desk;
mod error;
mod files;
mod id;
mod inbox;
mod lease;
pub mod locks;
mod owner;
mod place;
mod read;
mod record;
mod schema;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::engine::Who;
use desk::{Reply, Request};

pub use error::JournalError;
pub use inbox::Posted;
pub use owner::{Holder, Lease, Owner, host};
pub use place::{base_of, locate};
pub use read::{Loaded, RunInfo};
pub use record::{Entry, Header, OnFailure, Stored, Stream, VERSION};
pub use writer::{Ticket, Writer};

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// What a journal is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To write; made when it is not there.
    Create,
    /// To write; it must be there.
    Existing,
    /// To read, also while another process writes.
    Read,
}

/// What a durable commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Power loss: `synchronous=FULL`.
    #[default]
    Full,
    /// The death of the process, not power loss: `synchronous=NORMAL`. For throw-away runs.
    Normal,
}

/// An open journal. Clones share it; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Journal {
    path: Arc<Path>,
    reader: Arc<Mutex<SqliteConnection>>,
    /// `None` when it was opened to read.
    requests: Option<mpsc::UnboundedSender<Request>>,
}

impl Journal {
    /// Opens a journal; what was acknowledged survives power loss.
    pub async fn open(path: &Path, mode: Mode) -> Result<Self, JournalError> {
        Self::open_with(path, mode, Durability::Full).await
    }

    /// Opens a journal with a durability of choice.
    pub async fn open_with(path: &Path, mode: Mode, durability: Durability) -> Result<Self, JournalError> {
        let path = files::absolute(path)?;
        if mode == Mode::Create {
            create(&path)?;
        } else if !path.exists() {
            return Err(JournalError::NoJournal { path: path.display().to_string() });
        }
        let requests = match mode {
            Mode::Read => None,
            Mode::Create | Mode::Existing => {
                let connection = schema::open_to_write(&path, durability).await?;
                let (sender, receiver) = mpsc::unbounded_channel();
                tokio::spawn(desk::work(path.clone(), connection, receiver));
                Some(sender)
            }
        };
        let reader = Arc::new(Mutex::new(schema::open_to_read(&path).await?));
        Ok(Self { path: path.into(), reader, requests })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An id for a new run: short, by day, unlike every other in this journal and at random from those of others.
    pub async fn new_id(&self) -> Result<String, JournalError> {
        let known = read::ids(&mut *self.reader.lock().await).await?;
        loop {
            let id = id::fresh();
            if !known.contains(&id) {
                return Ok(id);
            }
        }
    }

    /// The full id of a run, from its id, an unambiguous beginning or end of it, or `last` (`latest`).
    pub async fn resolve_id(&self, which: &str) -> Result<String, JournalError> {
        let ids = read::ids(&mut *self.reader.lock().await).await?;
        id::resolve(&ids, which)
    }

    /// Writes the first record of a new run.
    pub async fn create_run(&self, id: &str, header: &Header, owner: &Owner) -> Result<Lease, JournalError> {
        let (run, header, owner, at) = (id.to_owned(), Box::new(header.clone()), owner.clone(), wall());
        self.ask(|reply| Request::Create { run, header, owner, at, reply }).await
    }

    /// Takes a run over, under a higher epoch. Refused while its owner lives, and when its records don't verify.
    pub async fn take_over(&self, id: &str, owner: &Owner) -> Result<Lease, JournalError> {
        let (run, owner, at) = (id.to_owned(), owner.clone(), wall());
        self.ask(|reply| Request::TakeOver { run, owner, at, reply }).await
    }

    /// Lets a run go. Close its writer first.
    pub async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        self.ask(|reply| Request::Release(lease.clone(), reply)).await
    }

    /// Says that the owner lives; fails when somebody else has taken the run over.
    pub async fn heartbeat(&self, lease: &Lease) -> Result<(), JournalError> {
        let (lease, at) = (lease.clone(), wall());
        self.ask(|reply| Request::Beat { lease, at, reply }).await
    }

    /// Who has the lease of a run; `None` when it was let go.
    pub async fn owner(&self, id: &str) -> Result<Option<Holder>, JournalError> {
        let (held, holder) = lease::find(&mut *self.reader.lock().await, id, &host(), wall()).await?;
        Ok(held.then_some(holder))
    }

    /// What adds records under a lease.
    pub async fn writer(&self, lease: &Lease) -> Result<Writer, JournalError> {
        self.ask(|reply| Request::Prepare(lease.clone(), reply)).await?;
        Ok(Writer { lease: lease.clone(), requests: self.requests()?.clone() })
    }

    /// Reads a run and verifies every record of it. Changes nothing.
    pub async fn load(&self, id: &str) -> Result<Loaded, JournalError> {
        read::load(&mut *self.reader.lock().await, &self.path, id).await
    }

    /// The newest runs, the newest first.
    pub async fn runs(&self, most: usize) -> Result<Vec<RunInfo>, JournalError> {
        read::runs(&mut *self.reader.lock().await, most, &host(), wall()).await
    }

    /// The records of a run after one, to follow it. Not verified: [`Journal::load`] does that.
    pub async fn records_since(&self, id: &str, seq: i64) -> Result<Vec<Stored>, JournalError> {
        read::since(&mut *self.reader.lock().await, id, seq).await
    }

    /// Posts a decision to whoever drives a run.
    pub async fn post(&self, run: &str, who: &Who, request: &serde_json::Value) -> Result<i64, JournalError> {
        let (run, at, request) = (run.to_owned(), wall(), request.to_string());
        let who = serde_json::to_string(who).expect("a person is plain data");
        self.ask(|reply| Request::Post { run, at, who, request, reply }).await
    }

    /// The decisions without an answer, the oldest first.
    pub async fn pending(&self, run: &str) -> Result<Vec<Posted>, JournalError> {
        inbox::pending(&mut *self.reader.lock().await, run).await
    }

    /// Answers a decision.
    pub async fn answer(&self, id: i64, answer: &serde_json::Value) -> Result<(), JournalError> {
        let answer = answer.to_string();
        self.ask(|reply| Request::Answer { id, answer, reply }).await
    }

    /// Waits for the answer to a decision; `None` when there is none in time.
    pub async fn wait_answer(&self, id: i64, timeout: Duration) -> Result<Option<serde_json::Value>, JournalError> {
        let start = Instant::now();
        loop {
            let answer = inbox::answer_of(&mut *self.reader.lock().await, id).await?;
            let left = timeout.saturating_sub(start.elapsed());
            if answer.is_some() || left.is_zero() {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK.min(left)).await;
        }
    }

    fn requests(&self) -> Result<&mpsc::UnboundedSender<Request>, JournalError> {
        let unwritable = || JournalError::NotWritable { what: format!("{} was opened to read", self.path.display()) };
        self.requests.as_ref().ok_or_else(unwritable)
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.requests()?.send(request(reply)).map_err(|_| writer::stopped())?;
        answer.await.map_err(|_| writer::stopped())?
    }
}

/// Makes the file, empty, and its folder.
fn create(path: &Path) -> Result<(), JournalError> {
    if let Some(parent) = path.parent() {
        place::make_folder(parent)?;
    }
    match files::create_new(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(JournalError::file(&error, path)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Milliseconds since the Unix epoch.
fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
