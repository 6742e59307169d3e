//! Reading runs, and making sure that nothing of them was changed, lost or moved.

use super::chain::{self, Anchor, Hash, Row};
use super::record::{self, Entry, Header, Stored};
use super::{Journal, JournalError};

/// A run as it was read and verified.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// In order; the first is [`Entry::Started`].
    pub records: Vec<Stored>,
    /// What is odd but no damage.
    pub warnings: Vec<String>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    pub id: String,
    pub title: String,
    pub plan_path: String,
    pub environment: Option<String>,
    /// Wall time, milliseconds since the Unix epoch.
    pub started: i64,
    pub last: i64,
    pub started_by: String,
    /// A process drives it at this moment.
    pub driven: bool,
}

type RecordRow = (i64, i64, i64, i64, String, String, String);

const RECORDS: &str =
    "SELECT seq, epoch, at, version, kind, body, hash FROM records WHERE run = ? AND seq > ? ORDER BY seq";

impl Journal {
    /// The full id of a run: from itself, the beginning of it, the part behind its dash, or `last`.
    pub async fn resolve_id(&self, which: &str) -> Result<String, JournalError> {
        let mut connection = self.lock().await;
        let ids: Vec<(String,)> = sqlx::query_as("SELECT id FROM runs ORDER BY created DESC, rowid DESC")
            .fetch_all(&mut *connection)
            .await
            .map_err(self.sql(""))?;
        let none = || JournalError::NoRun { which: which.to_owned() };
        if which == "last" || which == "latest" {
            return ids.into_iter().next().map(|(id,)| id).ok_or_else(none);
        }
        let fits =
            |id: &str| id.starts_with(which) || id.split_once('-').is_some_and(|(_, tail)| tail.starts_with(which));
        let exact = ids.iter().find(|(id,)| id == which).map(|(id,)| id.clone());
        let mut found: Vec<String> =
            ids.into_iter().map(|(id,)| id).filter(|id| fits(id) && !which.is_empty()).collect();
        match (exact, found.len()) {
            (Some(id), _) => Ok(id),
            (None, 0) => Err(none()),
            (None, 1) => Ok(found.remove(0)),
            (None, _) => Err(JournalError::Ambiguous { which: which.to_owned(), runs: found }),
        }
    }

    /// All records of a run, verified: sequence, chain, epochs, and the anchor outside the file.
    pub async fn load(&self, run: &str) -> Result<Loaded, JournalError> {
        let rows = self.rows(run, 0).await?;
        let mut records = Vec::with_capacity(rows.len());
        let mut hashes: Vec<Hash> = vec![chain::genesis(run)];
        let mut epoch = 1;
        for row in &rows {
            let hash = verify(run, row, hashes.last().expect("it begins with one"), (records.len() as i64) + 1, epoch)?;
            hashes.push(hash);
            epoch = row.1;
            records.push(stored(run, row)?);
        }
        if records.is_empty() && self.owner(run).await?.is_none() {
            return Err(JournalError::NoRun { which: run.to_owned() });
        }
        if records.is_empty() {
            return Err(JournalError::Corrupt { what: format!("run {run} has lost all its records") });
        }
        let warnings = check_anchor(run, &Anchor::of(self.path(), run), &hashes)?;
        Ok(Loaded { records, warnings })
    }

    /// The records after a sequence number, for somebody who follows a run that is being written.
    pub async fn records_since(&self, run: &str, seq: i64) -> Result<Vec<Stored>, JournalError> {
        self.rows(run, seq).await?.iter().map(|row| stored(run, row)).collect()
    }

    async fn rows(&self, run: &str, seq: i64) -> Result<Vec<RecordRow>, JournalError> {
        let mut connection = self.lock().await;
        sqlx::query_as(RECORDS).bind(run).bind(seq).fetch_all(&mut *connection).await.map_err(self.sql(run))
    }

    /// The newest row of a run: its sequence and hash.
    pub(super) async fn head(&self, run: &str) -> Result<(i64, Hash), JournalError> {
        let mut connection = self.lock().await;
        let row: (i64, String) =
            sqlx::query_as("SELECT seq, hash FROM records WHERE run = ? ORDER BY seq DESC LIMIT 1")
                .bind(run)
                .fetch_one(&mut *connection)
                .await
                .map_err(self.sql(run))?;
        let corrupt = || JournalError::Corrupt { what: format!("record {} of run {run} has no readable hash", row.0) };
        Ok((row.0, unhex(&row.1).ok_or_else(corrupt)?))
    }

    /// The runs, newest first.
    pub async fn runs(&self, most: usize) -> Result<Vec<RunInfo>, JournalError> {
        let ids: Vec<(String, i64, i64)> = {
            let mut connection = self.lock().await;
            sqlx::query_as(
                "SELECT id, created, (SELECT at FROM records WHERE run = id ORDER BY seq DESC LIMIT 1) FROM runs \
                 ORDER BY created DESC, rowid DESC LIMIT ?",
            )
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await
            .map_err(self.sql(""))?
        };
        let mut runs = Vec::with_capacity(ids.len());
        for (id, started, last) in ids {
            let driven = self.owner(&id).await?.is_some_and(|holder| holder.alive);
            let header = self.header(&id).await?;
            runs.push(RunInfo {
                id,
                title: header.title,
                plan_path: header.plan_path,
                environment: header.environment,
                started,
                last,
                started_by: header.started_by.name,
                driven,
            });
        }
        Ok(runs)
    }

    async fn header(&self, run: &str) -> Result<Header, JournalError> {
        let row: Option<RecordRow> = {
            let mut connection = self.lock().await;
            let query = "SELECT seq, epoch, at, version, kind, body, hash FROM records WHERE run = ? AND seq = 1";
            sqlx::query_as(query).bind(run).fetch_optional(&mut *connection).await.map_err(self.sql(run))?
        };
        match row.map(|row| stored(run, &row)).transpose()?.map(|stored| stored.entry) {
            Some(Entry::Started(header)) => Ok(header),
            _ => Err(JournalError::Corrupt { what: format!("run {run} does not begin with its plan") }),
        }
    }
}

fn stored(run: &str, (seq, epoch, at, version, kind, body, _): &RecordRow) -> Result<Stored, JournalError> {
    let entry = record::decode(*version, kind, body, &format!("record {seq} of run {run}"))?;
    Ok(Stored { seq: *seq, epoch: *epoch, at: *at, entry })
}

/// One row in its place: the next sequence number, an epoch that does not go back, the right hash.
fn verify(run: &str, row: &RecordRow, before: &Hash, expected: i64, epoch: i64) -> Result<Hash, JournalError> {
    let (seq, row_epoch, at, version, kind, body, hash) = row;
    let corrupt = |what: String| Err(JournalError::Corrupt { what });
    if *seq != expected {
        return corrupt(format!("record {expected} of run {run} is missing"));
    }
    if *row_epoch < epoch {
        return corrupt(format!("record {seq} of run {run} was written under an older lease than the one before"));
    }
    let columns = Row { run, seq: *seq, epoch: *row_epoch, at: *at, version: *version, kind, body };
    let computed = chain::link(before, &columns);
    if chain::hex(&computed) != *hash {
        return corrupt(format!("record {seq} of run {run} was changed: its hash does not fit"));
    }
    Ok(computed)
}

fn check_anchor(run: &str, anchor: &Anchor, hashes: &[Hash]) -> Result<Vec<String>, JournalError> {
    let Some((seq, hash)) = anchor.get() else {
        let warning =
            format!("the anchor of run {run} is missing or unreadable: a lost end of the journal would not be noticed");
        return Ok(vec![warning]);
    };
    let known = usize::try_from(seq).ok().and_then(|seq| hashes.get(seq));
    match known {
        Some(known) if chain::hex(known) == hash => Ok(Vec::new()),
        Some(_) => {
            Err(JournalError::Corrupt { what: format!("record {seq} of run {run} is not the one that was committed") })
        }
        None => {
            let what =
                format!("run {run} has {} records, and {seq} were committed: its end is missing", hashes.len() - 1);
            Err(JournalError::Corrupt { what })
        }
    }
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(hash)
}
