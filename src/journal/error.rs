//! What can go wrong with a journal.

use std::fmt;
use std::path::Path;

use crate::diag::{Code, Problem};

use super::codes;
use super::owner::Owner;

/// Why the journal does not do what was asked. Cheap to clone: whoever waits for the same commit gets the same error.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    Io {
        file: String,
        why: String,
    },
    /// No room on the disk.
    Full {
        file: String,
    },
    /// A format that this version does not know.
    Newer {
        what: String,
        version: i64,
        known: i64,
    },
    /// Changed, lost or moved rows; `what` names run and sequence.
    Corrupt {
        what: String,
    },
    /// The epoch of the lease is not the newest.
    Fenced {
        run: String,
    },
    /// Somebody drives the run.
    Held {
        run: String,
        owner: Owner,
    },
    NoRun {
        which: String,
    },
    Ambiguous {
        which: String,
        runs: Vec<String>,
    },
    NoJournal {
        file: String,
    },
    OldSqlite {
        version: String,
    },
}

impl JournalError {
    pub(super) fn io(file: &Path, error: &std::io::Error) -> Self {
        let file = file.display().to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => JournalError::Full { file },
            _ => JournalError::Io { file, why: error.to_string() },
        }
    }

    /// SQLite's word for it, by its result code.
    pub(super) fn sql(file: &Path, run: &str, error: &sqlx::Error) -> Self {
        let file = file.display().to_string();
        let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
        let why = error.to_string();
        match code.map(|code| code & 0xff) {
            Some(13) => JournalError::Full { file },
            Some(11 | 26) => JournalError::Corrupt { what: format!("{file}: {why}") },
            Some(19) if why.contains(super::schema::STALE_EPOCH) => JournalError::Fenced { run: run.to_owned() },
            _ => JournalError::Io { file, why },
        }
    }

    fn code(&self) -> &'static Code {
        match self {
            JournalError::Io { .. } => &codes::JOURNAL_IO,
            JournalError::Full { .. } => &codes::JOURNAL_FULL,
            JournalError::Newer { .. } => &codes::JOURNAL_NEWER,
            JournalError::Corrupt { .. } => &codes::JOURNAL_CORRUPT,
            JournalError::Fenced { .. } => &codes::LEASE_LOST,
            JournalError::Held { .. } => &codes::RUN_HELD,
            JournalError::NoRun { .. } => &codes::NO_RUN,
            JournalError::Ambiguous { .. } => &codes::AMBIGUOUS_RUN,
            JournalError::NoJournal { .. } => &codes::NO_JOURNAL,
            JournalError::OldSqlite { .. } => &codes::OLD_SQLITE,
        }
    }

    fn advice(&self) -> String {
        match self {
            JournalError::Io { .. } => "mend that, then go on with `plan resume`".into(),
            JournalError::Full { .. } => "make room, then go on with `plan resume`".into(),
            JournalError::Newer { .. } => "use the newer `plan`; nothing was changed".into(),
            JournalError::Corrupt { .. } => "nothing was done; go on from an intact copy of the journal".into(),
            JournalError::Fenced { run } | JournalError::Held { run, .. } => {
                format!("see how it stands: plan status {run}")
            }
            JournalError::NoRun { .. } => "`plan list` shows the runs of this journal".into(),
            JournalError::Ambiguous { .. } => "give more of the id".into(),
            JournalError::NoJournal { .. } => {
                "start a run with `plan run FILE`, or name the journal with `--journal`".into()
            }
            JournalError::OldSqlite { .. } => "build with `cargo build --locked`".into(),
        }
    }

    /// As it is told to people.
    pub fn problem(&self) -> Problem {
        Problem::new(self.code(), self.to_string()).advice(self.advice())
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Io { file, why } => write!(f, "{file}: {why}"),
            JournalError::Full { file } => write!(f, "{file}: no room is left on the disk"),
            JournalError::Newer { what, version, known } => {
                write!(f, "{what} has format {version}, and this version of `plan` knows {known}")
            }
            JournalError::Corrupt { what } => write!(f, "{what}"),
            JournalError::Fenced { run } => write!(f, "run {run} was taken over by another process"),
            JournalError::Held { run, owner } => write!(f, "run {run} is driven by {owner}"),
            JournalError::NoRun { which } => write!(f, "there is no run `{which}`"),
            JournalError::Ambiguous { which, runs } => write!(f, "`{which}` could be {}", runs.join(", ")),
            JournalError::NoJournal { file } => write!(f, "there is no journal at {file}"),
            JournalError::OldSqlite { version } => write!(f, "SQLite {version} is older than 3.51.3"),
        }
    }
}

impl std::error::Error for JournalError {}
