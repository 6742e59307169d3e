//! The journal on a real disk: what is acknowledged stays, and what is changed behind its back is noticed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plan::engine::{Event, FailureKind, Outcome, Who};
use plan::journal::locks::{LockError, Locks};
use plan::journal::{Durability, Entry, Header, Journal, JournalError, Mode, OnFailure, Owner, Stream, locate};
use plan::model::Value;
use sqlx::{Connection, SqliteConnection};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(".plan/journal.db")
    }

    fn anchor(&self, run: &str) -> PathBuf {
        self.folder.path().join(".plan/journal.db.anchors").join(run)
    }

    async fn open(&self, mode: Mode) -> Journal {
        Journal::open(&self.path(), mode).await.unwrap()
    }

    /// A run `r1` with `notes` notes, let go.
    async fn with_run(notes: usize) -> Self {
        let place = Self::new();
        let journal = place.open(Mode::Create).await;
        let lease = journal.create_run("r1", &header(), &me()).await.unwrap();
        let writer = journal.writer(&lease).await.unwrap();
        for n in 0..notes {
            writer.append(n as i64, vec![note(&format!("note {n}"))]).durable().await.unwrap();
        }
        writer.close().await;
        journal.release(&lease).await.unwrap();
        place
    }

    /// Does something to the database behind the journal's back, without its triggers.
    async fn tamper(&self, text: &'static str) {
        let mut raw = self.raw().await;
        let drop = "DROP TRIGGER records_kept; DROP TRIGGER records_fixed; DROP TRIGGER records_added;";
        sqlx::raw_sql(drop).execute(&mut raw).await.unwrap();
        sqlx::raw_sql(text).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
    }

    async fn raw(&self) -> SqliteConnection {
        SqliteConnection::connect(&format!("sqlite://{}", self.path().display())).await.unwrap()
    }

    async fn load(&self) -> Result<plan::journal::Loaded, JournalError> {
        self.open(Mode::Read).await.load("r1").await
    }

    async fn corrupt(&self) -> String {
        match self.load().await {
            Err(JournalError::Corrupt { what }) => what,
            other => panic!("not noticed: {other:?}"),
        }
    }
}

fn who() -> Who {
    Who { name: "ann".into(), os_user: "ann".into(), host: plan::journal::host() }
}

fn me() -> Owner {
    Owner::of_this_process(&plan::journal::host(), "ann")
}

/// A process of this machine that has ended: this one's id with another start time.
fn dead() -> Owner {
    Owner { started: me().started + 1, ..me() }
}

fn header() -> Header {
    Header {
        plan_path: "deploy.plan".into(),
        title: "Deploy".into(),
        plan_text: "plan deploy {}".into(),
        plan_digest: "d".into(),
        files: BTreeMap::from([("a.plan".into(), "text".into())]),
        environment: Some("production".into()),
        values: BTreeMap::from([("size".into(), Value::Size(3)), ("wait".into(), Value::Duration(90_000))]),
        jobs: 4,
        on_failure: Some(OnFailure::Ask),
        authors: vec!["ann".into()],
        engine_version: 1,
        started_by: who(),
        extra: BTreeMap::from([("later".into(), serde_json::json!({"a": 1}))]),
    }
}

fn note(text: &str) -> Entry {
    Entry::Note { text: text.into() }
}

fn entries() -> Vec<Entry> {
    let outcome = Outcome::Succeeded { outputs: BTreeMap::from([("n".into(), Value::Int(-1))]) };
    vec![
        Entry::Event(Event::ActionIntended { node: 0, attempt: 1 }),
        Entry::Process { node: 0, pid: 42, started: 7 },
        Entry::Output { node: 0, attempt: 1, undo: false, stream: Stream::Err, text: "é\n\0".into() },
        Entry::Event(Event::ActionEnded { node: 0, attempt: 1, outcome }),
        Entry::Event(Event::StepFailed { node: 0, kind: FailureKind::Dirty, why: "x".into() }),
        Entry::Amended(header()),
        note("done"),
    ]
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_reopening() {
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    let lease = journal.create_run("r1", &header(), &me()).await.unwrap();
    let writer = journal.writer(&lease).await.unwrap();
    drop(writer.append_lazy(1, entries()));
    let many: Vec<Entry> = (0..1_700).map(|n| note(&n.to_string())).collect();
    let tickets = [writer.append(2, many), writer.clone().append(3, vec![note("last")])];
    for ticket in &tickets {
        ticket.durable().await.unwrap();
    }
    drop((writer, journal));
    let loaded = place.load().await.unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.records.len(), 1 + 7 + 1_700 + 1);
    assert_eq!(loaded.records[0].entry, Entry::Started(header()));
    let seen: Vec<Entry> = loaded.records[1..8].iter().map(|record| record.entry.clone()).collect();
    assert_eq!(seen, entries());
    assert!(loaded.records.iter().enumerate().all(|(at, record)| record.seq == at as i64 + 1 && record.epoch == 1));
    assert_eq!(loaded.records.last().unwrap().at, 3);
}

#[tokio::test]
async fn a_lazy_batch_is_committed_by_itself_after_a_while() {
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    let lease = journal.create_run("r1", &header(), &me()).await.unwrap();
    let writer = journal.writer(&lease).await.unwrap();
    let start = std::time::Instant::now();
    writer.append_lazy(1, vec![note("lazy")]).durable().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80), "it did not wait for others");
    assert_eq!(journal.records_since("r1", 1).await.unwrap().len(), 1);
    drop(writer.append_lazy(2, vec![note("closed")]));
    writer.close().await;
    assert_eq!(journal.records_since("r1", 2).await.unwrap().len(), 1);
}

#[tokio::test]
async fn records_can_only_be_added() {
    let place = Place::with_run(2).await;
    let mut raw = place.raw().await;
    for (text, said) in [
        ("UPDATE records SET body = '{}' WHERE seq = 2", "never changed"),
        ("DELETE FROM records WHERE seq = 3", "never deleted"),
        ("INSERT OR REPLACE INTO records SELECT * FROM records WHERE seq = 2", "without gaps"),
        ("INSERT INTO records SELECT run, 9, epoch, at, version, kind, body, hash FROM records WHERE seq = 2", "gaps"),
        ("INSERT INTO records SELECT run, 4, 7, at, version, kind, body, hash FROM records WHERE seq = 2", "stale lease"),
        ("UPDATE leases SET epoch = 0", "only rises"),
        ("DELETE FROM leases", "never deleted"),
        ("DELETE FROM takeovers", "never deleted"),
    ] {
        let error = sqlx::raw_sql(text).execute(&mut raw).await.unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    assert_eq!(place.load().await.unwrap().records.len(), 3);
}

#[tokio::test]
async fn a_stale_lease_writes_nothing_more() {
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    let old = journal.create_run("r1", &header(), &dead()).await.unwrap();
    let stale = journal.writer(&old).await.unwrap();
    stale.append(1, vec![note("mine")]).durable().await.unwrap();

    let other = place.open(Mode::Existing).await;
    let new = other.take_over("r1", &me()).await.unwrap();
    assert_eq!(new.epoch, 2);
    let writer = other.writer(&new).await.unwrap();
    writer.append(2, vec![note("theirs")]).durable().await.unwrap();

    let fenced = JournalError::Fenced { run: "r1".into() };
    assert_eq!(stale.append(3, vec![note("late")]).durable().await, Err(fenced.clone()));
    assert_eq!(stale.append_lazy(4, vec![note("later")]).durable().await, Err(fenced.clone()));
    assert_eq!(journal.heartbeat(&old).await, Err(fenced.clone()));
    journal.release(&old).await.unwrap();
    assert!(journal.owner("r1").await.unwrap().unwrap().alive, "a stale release changes nothing");
    writer.append(5, vec![note("goes on")]).durable().await.unwrap();
    let records = place.load().await.unwrap().records;
    assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 1, 2, 2]);
    let problem = fenced.problem();
    assert!(plan::journal::codes::STALE.iter().any(|code| code.id == problem.code.id));
}

#[tokio::test]
async fn a_change_of_any_column_is_noticed() {
    for (change, seq) in [
        ("UPDATE records SET body = replace(body, 'note 1', 'note 7') WHERE seq = 3", 3),
        ("UPDATE records SET at = at + 1 WHERE seq = 4", 4),
        ("UPDATE records SET version = 0 WHERE seq = 2", 2),
        ("UPDATE records SET kind = 'event' WHERE seq = 2", 2),
        ("UPDATE records SET epoch = 0 WHERE seq = 2", 2),
        ("UPDATE records SET run = 'r2' WHERE seq = 2", 2),
        ("UPDATE records SET hash = zeroblob(32) WHERE seq = 5", 5),
        ("UPDATE records SET hash = zeroblob(31) WHERE seq = 5", 5),
        ("UPDATE records SET body = substr(body, 1, 9) WHERE seq = 6", 6),
        ("UPDATE records SET body = CAST(x'ff' AS TEXT) WHERE seq = 6", 6),
        ("UPDATE records SET seq = 99 WHERE seq = 3", 3),
        ("UPDATE records SET seq = -seq WHERE seq IN (3, 4); UPDATE records SET seq = 7 + seq WHERE seq < 0", 3),
        ("DELETE FROM records WHERE seq = 4", 4),
        ("DELETE FROM records WHERE seq = 1", 1),
    ] {
        let place = Place::with_run(5).await;
        place.tamper(change).await;
        let what = place.corrupt().await;
        assert!(what.contains("run r1") && what.contains(&format!("record {seq}")), "{change}: {what}");
        let journal = place.open(Mode::Existing).await;
        let refused = journal.take_over("r1", &me()).await.unwrap_err();
        assert!(matches!(refused, JournalError::Corrupt { .. }), "{change}: {refused}");
    }
}

#[tokio::test]
async fn a_missing_end_is_noticed() {
    for change in ["DELETE FROM records WHERE seq = 6", "DELETE FROM records WHERE seq > 1", "DELETE FROM records"] {
        let place = Place::with_run(5).await;
        place.tamper(change).await;
        let what = place.corrupt().await;
        assert!(what.contains("anchor is at record 6"), "{change}: {what}");
    }
    // A run of which nothing is left but its anchor is not one that never was.
    let place = Place::with_run(1).await;
    fs::remove_file(place.path()).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", place.path().display()));
    }
    let journal = place.open(Mode::Create).await;
    assert!(matches!(journal.load("r1").await, Err(JournalError::Corrupt { .. })));
    assert!(matches!(journal.create_run("r1", &header(), &me()).await, Err(JournalError::Corrupt { .. })));
}

#[tokio::test]
async fn an_anchor_may_be_behind_or_missing_and_nothing_else() {
    let place = Place::with_run(3).await;
    let anchor = place.anchor("r1");
    let newest = fs::read_to_string(&anchor).unwrap();
    assert!(newest.starts_with("r1 00000000000000000004 "), "{newest}");

    let mut raw = place.raw().await;
    let hash: String = sqlx::query_scalar("SELECT lower(hex(hash)) FROM records WHERE seq = 2").fetch_one(&mut raw).await.unwrap();
    fs::write(&anchor, format!("r1 {:020} {hash}\n", 2)).unwrap();
    assert_eq!(place.load().await.unwrap().warnings, Vec::<String>::new(), "behind is accepted");

    fs::write(&anchor, format!("r1 {:020} {hash}\n", 3)).unwrap();
    assert!(place.corrupt().await.contains("record 3"), "another hash is not");
    fs::write(&anchor, newest.replace("0004 ", "0005 ")).unwrap();
    assert!(place.corrupt().await.contains("the end is missing"), "nor is one ahead");
    fs::write(&anchor, "garbage").unwrap();
    assert!(place.corrupt().await.contains("cannot be read"));

    for empty in [&b""[..], &[0; 64]] {
        fs::write(&anchor, empty).unwrap();
        assert_eq!(place.load().await.unwrap().warnings.len(), 1);
    }
    fs::remove_file(&anchor).unwrap();
    assert_eq!(place.load().await.unwrap().warnings.len(), 1);
}

#[tokio::test]
async fn a_flipped_byte_of_the_file_is_noticed() {
    let place = Place::with_run(40).await;
    let raw = place.raw().await;
    raw.close().await.unwrap();
    let bytes = fs::read(place.path()).unwrap();
    let at = bytes.windows(7).rposition(|window| window == b"note 17").expect("the note is in the file");
    let file = fs::OpenOptions::new().write(true).open(place.path()).unwrap();
    file.write_all_at(b"nqte 17", at as u64).unwrap();
    assert!(place.corrupt().await.contains("record 19"));
    file.write_all_at(b"note 17", at as u64).unwrap();
    place.load().await.unwrap();
    file.set_len(bytes.len() as u64 / 2).unwrap();
    let journal = Journal::open(&place.path(), Mode::Read).await;
    let error = match journal {
        Ok(journal) => journal.load("r1").await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn newer_versions_and_foreign_files_are_refused_and_left_alone() {
    let place = Place::with_run(1).await;
    place.tamper("UPDATE records SET version = 2 WHERE seq = 2").await;
    assert!(matches!(place.load().await, Err(JournalError::Corrupt { .. })), "the version is part of the chain");

    let mut raw = place.raw().await;
    sqlx::raw_sql("PRAGMA user_version = 7").execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let before = fs::read(place.path()).unwrap();
    for mode in [Mode::Create, Mode::Existing, Mode::Read] {
        let error = Journal::open(&place.path(), mode).await.unwrap_err();
        assert!(matches!(&error, JournalError::Newer { found: 7, known: 1, .. }), "{error}");
        assert!(error.to_string().contains('7') && error.to_string().contains("up to 1"));
    }
    assert_eq!(fs::read(place.path()).unwrap(), before);

    let other = Place::new();
    let path = other.folder.path().join("other.db");
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (x)").execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(Journal::open(&path, Mode::Create).await, Err(JournalError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::write(&path, "this is no database, but a text that is long enough to look like one".repeat(99)).unwrap();
    assert!(matches!(Journal::open(&path, Mode::Create).await, Err(JournalError::Corrupt { .. })));
    let none = Journal::open(&other.path(), Mode::Existing).await.unwrap_err();
    assert!(matches!(none, JournalError::Missing { .. }));
}
