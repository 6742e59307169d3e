//! What can go wrong with a journal.

use std::fmt;
use std::io;
use std::path::Path;

use super::codes;
use super::owner::Owner;
use crate::diag::{Code, Problem};

/// Why the journal could not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalError {
    /// No space is left.
    Full { what: String },
    /// The file or its folder may not be written.
    NotWritable { what: String },
    /// `what` has version `found`, and this program knows versions up to `known`.
    Newer { what: String, found: i64, known: i64 },
    /// A record is missing, changed or moved; `what` names the run and the sequence number.
    Corrupt { what: String },
    /// Somebody who lives drives the run.
    Held { run: String, owner: Owner },
    /// Somebody else has taken the run over.
    Fenced { run: String },
    /// There is no such run.
    NoRun { id: String },
    /// Several runs are meant.
    Ambiguous { id: String, runs: Vec<String> },
    /// There is no journal at that path.
    NoJournal { path: String },
    /// It is a database of something else.
    Foreign { path: String },
    /// Anything else, in the words of the system or of SQLite.
    Failed { what: String },
}

/// The trigger's message for a stale epoch.
pub(super) const FENCED: &str = "stale lease";

const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;
/// PERM, READONLY, CANTOPEN, AUTH
const SQLITE_REFUSED: [i32; 4] = [3, 8, 14, 23];

impl JournalError {
    /// Anything without a kind of its own.
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::Failed { what: what.into() }
    }

    /// An error of SQLite while doing something with a run (or with the whole journal).
    pub(super) fn sqlite(error: &sqlx::Error, run: Option<&str>) -> Self {
        let sqlx::Error::Database(database) = error else {
            return match error {
                sqlx::Error::Io(error) => Self::io(error, "the journal"),
                other => Self::failed(other.to_string()),
            };
        };
        let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0) & 0xff;
        let what = database.message().to_owned();
        match code {
            SQLITE_FULL => Self::Full { what },
            SQLITE_CORRUPT | SQLITE_NOTADB => Self::Corrupt { what },
            SQLITE_BUSY => Self::failed("another process has kept the journal busy for too long"),
            code if SQLITE_REFUSED.contains(&code) => Self::NotWritable { what },
            _ if what.contains(FENCED) => Self::Fenced { run: run.unwrap_or_default().to_owned() },
            _ => Self::failed(what),
        }
    }

    /// An error of the system about a file.
    pub(super) fn io(error: &io::Error, what: &str) -> Self {
        let said = format!("{what}: {error}");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { what: said },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { what: said },
            _ => Self::failed(said),
        }
    }

    /// The same, naming a path.
    pub(super) fn file(error: &io::Error, path: &Path) -> Self {
        Self::io(error, &path.display().to_string())
    }

    fn code(&self) -> &'static Code {
        match self {
            Self::Full { .. } => &codes::JOURNAL_FULL,
            Self::NotWritable { .. } => &codes::JOURNAL_NOT_WRITABLE,
            Self::Newer { .. } => &codes::JOURNAL_NEWER,
            Self::Corrupt { .. } => &codes::JOURNAL_CORRUPT,
            Self::Held { .. } => &codes::LEASE_HELD,
            Self::Fenced { .. } => &codes::LEASE_FENCED,
            Self::NoRun { .. } => &codes::RUN_NOT_FOUND,
            Self::Ambiguous { .. } => &codes::RUN_AMBIGUOUS,
            Self::NoJournal { .. } => &codes::JOURNAL_MISSING,
            Self::Foreign { .. } => &codes::NOT_A_JOURNAL,
            Self::Failed { .. } => &codes::JOURNAL_FAILED,
        }
    }

    /// As it is shown to a person.
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code(), self.to_string());
        match self {
            Self::Full { .. } => problem.advice("free some space, then `plan resume RUN`"),
            Self::Newer { .. } => problem.advice("use the version of `plan` that wrote it, or a newer one"),
            Self::Corrupt { .. } => {
                problem.advice("put a backup of the journal and its anchors back; `plan explain R0605` says more")
            }
            Self::Held { run, .. } | Self::Fenced { run } => {
                problem.advice(format!("see how it stands: plan status {run}"))
            }
            Self::NoRun { .. } => problem.advice("`plan list` shows the runs of this journal"),
            Self::Ambiguous { runs, .. } => runs.iter().fold(problem, Problem::detail).advice("give more of the id"),
            Self::NoJournal { .. } | Self::Foreign { .. } => problem.advice("name the journal with `--journal FILE`"),
            Self::NotWritable { .. } | Self::Failed { .. } => problem,
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { what } => write!(f, "the disk of the journal is full: {what}"),
            Self::NotWritable { what } => write!(f, "the journal may not be written: {what}"),
            Self::Newer { what, found, known } => {
                write!(
                    f,
                    "{what} has version {found}, and this `plan` knows versions up to {known}; nothing was changed"
                )
            }
            Self::Corrupt { what } => write!(f, "the journal is damaged: {what}"),
            Self::Held { run, owner } => write!(f, "run {run} is driven by {owner}"),
            Self::Fenced { run } => {
                write!(f, "another process has taken run {run} over; nothing more was started here")
            }
            Self::NoRun { id } if id.is_empty() => f.write_str("the journal has no runs"),
            Self::NoRun { id } => write!(f, "the journal has no run `{id}`"),
            Self::Ambiguous { id, runs } => write!(f, "`{id}` could be any of {} runs", runs.len()),
            Self::NoJournal { path } => write!(f, "there is no journal at {path}"),
            Self::Foreign { path } => write!(f, "{path} is not a journal of `plan`; nothing was changed"),
            Self::Failed { what } => write!(f, "the journal could not be used: {what}"),
        }
    }
}

impl std::error::Error for JournalError {}
