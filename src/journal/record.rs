//! What the journal keeps of a run, and its form on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use crate::engine::{Event, Who};
use crate::model::Value;

/// The version of the form below. A row says which it has.
pub const VERSION: u32 = 1;

/// What a run is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub plan_path: String,
    pub title: String,
    pub plan_text: String,
    pub plan_digest: String,
    /// Imported files: path → text.
    pub files: BTreeMap<String, String>,
    pub environment: Option<String>,
    pub values: BTreeMap<String, Value>,
    pub jobs: usize,
    /// `--on-failure`, when it was given.
    pub on_failure: Option<OnFailure>,
    /// Who may not approve their own change.
    pub authors: Vec<String>,
    pub engine_version: u32,
    pub started_by: Who,
    /// What later versions add and this one keeps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, serde_json::Value>,
}

/// What a failed step leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Everything is undone.
    Undo,
    /// A person is asked.
    Ask,
    /// The run stops and can be resumed.
    Stop,
}

/// Where a process wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One thing that is on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// Adjacent: events have fields named `kind` of their own.
#[serde(rename_all = "snake_case", tag = "record", content = "of")]
pub enum Entry {
    /// The first record of every run.
    Started(Header),
    /// A fact of the state machine.
    Event(Event),
    /// A changed plan was taken over.
    Amended(Header),
    /// A process was started for a node; `started`: clock ticks since boot.
    Process { node: usize, pid: u32, started: u64 },
    /// What a step's processes wrote, masked.
    Output { node: usize, attempt: u32, undo: bool, stream: Stream, text: String },
    /// Something for people.
    Note { text: String },
}

/// An entry with its place in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// From 1, without gaps.
    pub seq: i64,
    /// Of the lease under which it was written.
    pub epoch: i64,
    /// Wall clock, milliseconds since the Unix epoch.
    pub at: i64,
    pub entry: Entry,
}

impl Entry {
    /// The name of its kind, as in the column `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Event(_) => "event",
            Self::Amended(_) => "amended",
            Self::Process { .. } => "process",
            Self::Output { .. } => "output",
            Self::Note { .. } => "note",
        }
    }

    /// The column `body`.
    pub fn encode(&self) -> Result<String, JournalError> {
        serde_json::to_string(self)
            .map_err(|error| JournalError::failed(format!("a record cannot be written: {error}")))
    }

    /// Reads a body back. `place` names the record in errors.
    pub fn decode(version: i64, kind: &str, body: &str, place: &str) -> Result<Self, JournalError> {
        if version > i64::from(VERSION) {
            return Err(JournalError::Newer { what: place.to_owned(), found: version, known: i64::from(VERSION) });
        }
        let corrupt = |why: String| JournalError::Corrupt { what: format!("{place}: {why}") };
        let entry: Self = serde_json::from_str(body).map_err(|error| corrupt(error.to_string()))?;
        match entry.kind() == kind {
            true => Ok(entry),
            false => Err(corrupt(format!("its kind is `{kind}` and its body says `{}`", entry.kind()))),
        }
    }
}
