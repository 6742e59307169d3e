//! Everything that happened in a run, durable: rows that are only ever added, each with its sequence, the epoch of the lease
//! under which it was written, and a hash over itself and the one before.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `schema.rs` | the tables; append-only and fencing are triggers |
//! | `record.rs` | what a row says, versioned |
//! | `chain.rs` | hash chain, and its head outside the database |
//! | `writer.rs` | the one task that writes: group commit |
//! | `lease.rs`, `owner.rs` | who drives a run |
//! | `read.rs` | reading and verifying |
//! | `inbox.rs` | decisions on their way to whoever drives a run |
//! | `locks.rs` | locks on resources, across journals |

mod chain;
pub mod codes;
mod error;
mod inbox;
mod lease;
pub mod locks;
mod owner;
mod place;
mod read;
mod record;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};

pub use error::JournalError;
pub use inbox::Posted;
pub use lease::{Holder, Lease};
pub use owner::{Owner, host};
pub use place::locate;
pub use read::{Loaded, RunInfo};
pub use record::{Entry, Header, OnFailure, Stored, Stream, VERSION};
pub use writer::{Ticket, Writer};

use writer::WriterTask;

/// What a journal is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To start a run: made when it is not there.
    Create,
    /// To go on with a run.
    Existing,
    /// To look.
    Read,
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// `kill -9`, power loss, restart.
    #[default]
    Full,
    /// `kill -9` and restart.
    Normal,
}

/// An open journal. Cheap to clone. Its futures are to be run to their end: what is dropped half-way may leave its
/// connection unusable.
#[derive(Debug, Clone)]
pub struct Journal {
    path: Arc<PathBuf>,
    durability: Durability,
    connection: Arc<Mutex<SqliteConnection>>,
}

impl Journal {
    /// Opens the journal at `path`, fully durable.
    pub async fn open(path: &Path, mode: Mode) -> Result<Self, JournalError> {
        Self::open_with(path, mode, Durability::Full).await
    }

    /// Opens the journal at `path`.
    pub async fn open_with(path: &Path, mode: Mode, durability: Durability) -> Result<Self, JournalError> {
        let connection = schema::open(path, mode, durability).await?;
        Ok(Self { path: Arc::new(path.to_owned()), durability, connection: Arc::new(Mutex::new(connection)) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn lock(&self) -> MutexGuard<'_, SqliteConnection> {
        self.connection.lock().await
    }

    fn sql<'a>(&'a self, run: &'a str) -> impl Fn(sqlx::Error) -> JournalError + 'a {
        move |error| JournalError::sql(&self.path, run, &error)
    }

    /// A writer for the run of a lease, on a connection of its own that is never interrupted.
    pub async fn writer(&self, lease: &Lease) -> Result<Writer, JournalError> {
        let connection = schema::open(&self.path, Mode::Existing, self.durability).await?;
        let (seq, head) = self.head(&lease.run).await?;
        let anchor = chain::Anchor::of(&self.path, &lease.run);
        let (path, lease) = (self.path.to_path_buf(), lease.clone());
        Ok(Writer::start(WriterTask { connection, path, lease, seq, head, anchor }))
    }
}

/// Milliseconds since the Unix epoch.
fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
