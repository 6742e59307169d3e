//! What is stored, apart from what thinks: versioned rows, converted on the way in and out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Event, Who};
use crate::model::Value;

use super::JournalError;

/// The format of the rows that this version writes.
pub const VERSION: i64 = 1;

/// What a run is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// As given on the command line, made absolute.
    pub plan_path: String,
    pub title: String,
    pub plan_text: String,
    /// SHA-256 (hex) of the parsed plan.
    pub plan_digest: String,
    /// Further files that the plan was made of: path and text.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub environment: Option<String>,
    /// Parameters by name; never a secret.
    pub values: BTreeMap<String, Value>,
    pub jobs: usize,
    pub on_failure: Option<OnFailure>,
    /// Who must not approve where the plan says `not author`.
    pub authors: Vec<String>,
    pub engine_version: u32,
    pub started_by: Who,
    /// For later versions.
    #[serde(default)]
    pub extra: BTreeMap<String, serde_json::Value>,
}

/// `--on-failure`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    Undo,
    Ask,
    Stop,
}

/// Which of a child's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Out,
    Err,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "body")]
pub enum Entry {
    /// The first row of every run.
    Started(Header),
    Event(Event),
    /// A changed plan was taken over.
    Amended(Header),
    /// A process was started for a node: it is ended before the run goes on without this engine.
    Process {
        node: usize,
        pid: u32,
        started: u64,
    },
    /// A part of what a step's process said, masked.
    Output {
        node: usize,
        attempt: u32,
        undo: bool,
        stream: Stream,
        text: String,
    },
    /// For people.
    Note {
        text: String,
    },
}

/// A row as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// From 1, without gaps.
    pub seq: i64,
    pub epoch: i64,
    /// Wall time, milliseconds since the Unix epoch.
    pub at: i64,
    pub entry: Entry,
}

/// The kind and the body of a row.
pub(super) fn encode(entry: &Entry) -> (String, String) {
    let mut value = serde_json::to_value(entry).expect("entries are plain data");
    let kind = value["kind"].as_str().expect("entries are tagged").to_owned();
    (kind, value["body"].take().to_string())
}

/// The entry of a row; `place` names it in errors.
pub(super) fn decode(version: i64, kind: &str, body: &str, place: &str) -> Result<Entry, JournalError> {
    if version > VERSION {
        return Err(JournalError::Newer { what: place.to_owned(), version, known: VERSION });
    }
    let corrupt = |error: serde_json::Error| JournalError::Corrupt { what: format!("{place} cannot be read: {error}") };
    let body: serde_json::Value = serde_json::from_str(body).map_err(corrupt)?;
    serde_json::from_value(serde_json::json!({ "kind": kind, "body": body })).map_err(corrupt)
}
