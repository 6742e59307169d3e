//! Leases: one process at a time writes a run, and each has an epoch that the database checks at every write.

use std::hash::{BuildHasher, RandomState};

use sqlx::Connection;

use super::record::{self, Entry, Header};
use super::{Journal, JournalError, Owner, chain, host, wall};

/// The right to write a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub run: String,
    /// From 1; each takeover adds one.
    pub epoch: i64,
}

/// Who has a run, or had it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub owner: Owner,
    pub epoch: i64,
    /// It drives the run at this moment, as far as this host can tell.
    pub alive: bool,
    /// When it was last heard of: wall time, milliseconds since the Unix epoch.
    pub beat: i64,
}

/// A process of another host counts as alive for so long after it was last heard of, in milliseconds.
const SILENCE: i64 = 60_000;

/// Letters of ids: none that is taken for another.
const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

type LeaseRow = (i64, i64, i64, String, String, i64, i64);

impl Journal {
    /// A new id: the day, and four letters or digits.
    pub async fn new_id(&self) -> Result<String, JournalError> {
        let mut connection = self.lock().await;
        let (day,): (String,) = sqlx::query_as("SELECT substr(strftime('%Y%m%d', 'now', 'localtime'), 3)")
            .fetch_one(&mut *connection)
            .await
            .map_err(self.sql(""))?;
        loop {
            let mut chance = RandomState::new().hash_one(std::process::id());
            let letters: String = (0..4)
                .map(|_| {
                    let letter = LETTERS[usize::try_from(chance % 32).unwrap_or(0)];
                    chance /= 32;
                    char::from(letter)
                })
                .collect();
            let id = format!("{day}-{letters}");
            let known: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM runs WHERE id = ?")
                .bind(&id)
                .fetch_optional(&mut *connection)
                .await
                .map_err(self.sql(""))?;
            if known.is_none() {
                return Ok(id);
            }
        }
    }

    /// Begins a run: its header is the first row, under epoch 1.
    pub async fn create_run(&self, run: &str, header: &Header, owner: &Owner) -> Result<Lease, JournalError> {
        let at = wall();
        let (kind, body) = record::encode(&Entry::Started(header.clone()));
        let row = chain::Row { run, seq: 1, epoch: 1, at, version: record::VERSION, kind: &kind, body: &body };
        let hash = chain::link(&chain::genesis(run), &row);
        let insert = async {
            let mut connection = self.lock().await;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("INSERT INTO runs (id, created) VALUES (?, ?)")
                .bind(run)
                .bind(at)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT INTO leases (run, epoch, pid, started, host, who, beat, released) VALUES (?, 1, ?, ?, ?, ?, ?, 0)")
                .bind(run)
                .bind(i64::from(owner.pid))
                .bind(i64::try_from(owner.started).unwrap_or(i64::MAX))
                .bind(&owner.host)
                .bind(&owner.who)
                .bind(at)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO records (run, seq, epoch, at, version, kind, body, hash) VALUES (?, 1, 1, ?, ?, ?, ?, ?)",
            )
            .bind(run)
            .bind(at)
            .bind(record::VERSION)
            .bind(&kind)
            .bind(&body)
            .bind(chain::hex(&hash))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        };
        insert.await.map_err(self.sql(run))?;
        chain::Anchor::of(&self.path, run).set(1, &hash)?;
        Ok(Lease { run: run.to_owned(), epoch: 1 })
    }

    /// Takes a run over from a process that is gone, or has let it go.
    pub async fn take_over(&self, run: &str, owner: &Owner) -> Result<Lease, JournalError> {
        let mut connection = self.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(self.sql(run))?;
        let row: Option<LeaseRow> =
            sqlx::query_as(LEASE).bind(run).fetch_optional(&mut *transaction).await.map_err(self.sql(run))?;
        let Some(holder) = row.map(holder) else {
            return Err(JournalError::NoRun { which: run.to_owned() });
        };
        if holder.alive {
            // Dropping the transaction rolls it back: it has only read.
            transaction.rollback().await.map_err(self.sql(run))?;
            return Err(JournalError::Held { run: run.to_owned(), owner: holder.owner });
        }
        let epoch = holder.epoch + 1;
        sqlx::query("UPDATE leases SET epoch = ?, pid = ?, started = ?, host = ?, who = ?, beat = ?, released = 0 WHERE run = ?")
            .bind(epoch)
            .bind(i64::from(owner.pid))
            .bind(i64::try_from(owner.started).unwrap_or(i64::MAX))
            .bind(&owner.host)
            .bind(&owner.who)
            .bind(wall())
            .bind(run)
            .execute(&mut *transaction)
            .await
            .map_err(self.sql(run))?;
        transaction.commit().await.map_err(self.sql(run))?;
        Ok(Lease { run: run.to_owned(), epoch })
    }

    /// Lets a run go; a lease that was taken over meanwhile is left alone.
    pub async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        self.touch("UPDATE leases SET released = 1, beat = ? WHERE run = ? AND epoch = ?", lease).await.map(drop)
    }

    /// Says that the owner is there. [`JournalError::Fenced`]: somebody else has taken the run over.
    pub async fn heartbeat(&self, lease: &Lease) -> Result<(), JournalError> {
        match self.touch("UPDATE leases SET beat = ? WHERE run = ? AND epoch = ?", lease).await? {
            0 => Err(JournalError::Fenced { run: lease.run.clone() }),
            _ => Ok(()),
        }
    }

    async fn touch(&self, statement: &'static str, lease: &Lease) -> Result<u64, JournalError> {
        let mut connection = self.lock().await;
        let query = sqlx::query(statement).bind(wall()).bind(&lease.run).bind(lease.epoch);
        query.execute(&mut *connection).await.map(|done| done.rows_affected()).map_err(self.sql(&lease.run))
    }

    /// Who has a run, or had it last.
    pub async fn owner(&self, run: &str) -> Result<Option<Holder>, JournalError> {
        let mut connection = self.lock().await;
        let row: Option<LeaseRow> =
            sqlx::query_as(LEASE).bind(run).fetch_optional(&mut *connection).await.map_err(self.sql(run))?;
        Ok(row.map(holder))
    }
}

const LEASE: &str = "SELECT epoch, pid, started, host, who, beat, released FROM leases WHERE run = ?";

fn holder((epoch, pid, started, owner_host, who, beat, released): LeaseRow) -> Holder {
    let owner = Owner {
        pid: u32::try_from(pid).unwrap_or(0),
        started: u64::try_from(started).unwrap_or(0),
        host: owner_host,
        who,
    };
    let lives = owner.lives(&host()).unwrap_or_else(|| wall() - beat < SILENCE);
    Holder { owner, epoch, alive: released == 0 && lives, beat }
}
