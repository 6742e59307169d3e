//! The journal on a real disk: what is acknowledged stays, and what is changed behind its back is noticed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plan::engine::{Event, FailureKind, Outcome, Who};
use plan::journal::{Durability, Entry, Header, Journal, JournalError, Mode, OnFailure, Owner, Stream};
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
        (
            "INSERT INTO records SELECT run, 4, 7, at, version, kind, body, hash FROM records WHERE seq = 2",
            "stale lease",
        ),
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
    let hash: String =
        sqlx::query_scalar("SELECT lower(hex(hash)) FROM records WHERE seq = 2").fetch_one(&mut raw).await.unwrap();
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
    let mut raw = place.raw().await;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut raw).await.unwrap();
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
    assert!(matches!(none, JournalError::NoJournal { .. }));
}

#[test]
fn a_record_of_a_newer_form_is_refused() {
    let body = note("x").encode().unwrap();
    assert_eq!(Entry::decode(1, "note", &body, "record 3 of run r1").unwrap(), note("x"));
    let error = Entry::decode(2, "note", &body, "record 3 of run r1").unwrap_err();
    assert_eq!(error, JournalError::Newer { what: "record 3 of run r1".into(), found: 2, known: 1 });
    assert!(matches!(Entry::decode(1, "event", &body, "x"), Err(JournalError::Corrupt { .. })));
}

#[tokio::test]
async fn only_the_owner_may_read_it_whatever_the_umask() {
    let before = rustix::process::umask(rustix::fs::Mode::empty());
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    journal.create_run("r1", &header(), &me()).await.unwrap();
    rustix::process::umask(before);
    for end in ["", "-wal", "-shm", ".anchors/r1"] {
        let path = PathBuf::from(format!("{}{end}", place.path().display()));
        assert_eq!(mode_of(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode_of(&place.folder.path().join(".plan")), 0o700);
    assert_eq!(mode_of(&place.folder.path().join(".plan/journal.db.anchors")), 0o700);
    assert_eq!(fs::read_to_string(place.folder.path().join(".plan/.gitignore")).unwrap(), "*\n");

    drop(journal);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
    place.open(Mode::Existing).await;
    assert_eq!(mode_of(&place.path()), 0o600, "one that was opened up is narrowed");
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let place = Place::with_run(0).await;
    let link = place.folder.path().join("link.db");
    symlink(place.path(), &link).unwrap();
    for mode in [Mode::Create, Mode::Existing, Mode::Read] {
        assert!(Journal::open(&link, mode).await.is_err(), "{mode:?}");
    }
    let nowhere = place.folder.path().join("nowhere.db");
    symlink(place.folder.path().join("target"), &nowhere).unwrap();
    assert!(Journal::open(&nowhere, Mode::Create).await.is_err());
    assert!(!place.folder.path().join("target").exists());
}

#[tokio::test]
async fn a_run_is_taken_over_from_the_dead_only() {
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    let lease = journal.create_run("r1", &header(), &me()).await.unwrap();
    let holder = journal.owner("r1").await.unwrap().unwrap();
    assert_eq!((holder.owner, holder.epoch, holder.alive), (me(), 1, true));
    journal.heartbeat(&lease).await.unwrap();

    let second = place.open(Mode::Existing).await;
    let refused = second.take_over("r1", &me()).await.unwrap_err();
    assert_eq!(refused, JournalError::Held { run: "r1".into(), owner: me() });
    journal.release(&lease).await.unwrap();
    assert_eq!(journal.owner("r1").await.unwrap(), None);
    assert_eq!(second.take_over("r1", &dead()).await.unwrap().epoch, 2, "let go");
    assert!(!journal.owner("r1").await.unwrap().unwrap().alive);
    let third = second.take_over("r1", &dead()).await.unwrap();
    assert_eq!(third.epoch, 3, "dead");
    second.release(&third).await.unwrap();
    let elsewhere = Owner { host: "elsewhere".into(), ..me() };
    assert_eq!(second.take_over("r1", &elsewhere).await.unwrap().epoch, 4, "let go");
    let refused = second.take_over("r1", &me()).await.unwrap_err();
    assert!(matches!(refused, JournalError::Held { .. }), "another machine has just been heard of: {refused}");
    let mut raw = place.raw().await;
    sqlx::raw_sql("UPDATE leases SET beat_at = beat_at - 61000").execute(&mut raw).await.unwrap();
    assert_eq!(second.take_over("r1", &me()).await.unwrap().epoch, 5, "not heard of for a minute");

    let epochs: Vec<i64> =
        sqlx::query_scalar("SELECT epoch FROM takeovers ORDER BY epoch").fetch_all(&mut raw).await.unwrap();
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
    assert!(matches!(second.take_over("r9", &me()).await, Err(JournalError::NoRun { .. })));
    assert!(matches!(second.create_run("../x", &header(), &me()).await, Err(JournalError::Failed { .. })));
    assert!(second.create_run("r1", &header(), &me()).await.is_err(), "an id is used once");
}

#[tokio::test]
async fn a_run_can_be_read_while_it_is_written() {
    let place = Place::new();
    let journal = place.open(Mode::Create).await;
    let lease = journal.create_run("r1", &header(), &me()).await.unwrap();
    let writer = journal.writer(&lease).await.unwrap();
    let reader = place.open(Mode::Read).await;
    for n in 0..200 {
        let ticket = writer.append(n, vec![note("x"), note("y")]);
        if n % 7 == 3 {
            ticket.durable().await.unwrap();
        }
        let loaded = reader.load("r1").await.unwrap();
        assert!(loaded.warnings.is_empty());
    }
    writer.close().await;
    assert_eq!(reader.load("r1").await.unwrap().records.len(), 401);
    assert_eq!(reader.records_since("r1", 399).await.unwrap().len(), 2);
    assert!(matches!(reader.writer(&lease).await, Err(JournalError::NotWritable { .. })));
}

#[tokio::test]
async fn a_decision_reaches_the_driver_and_its_answer_comes_back() {
    let place = Place::new();
    let driver = place.open(Mode::Create).await;
    driver.create_run("r1", &header(), &me()).await.unwrap();
    let person = place.open(Mode::Existing).await;
    let request = serde_json::json!({"what": "retry", "node": 1});
    let id = person.post("r1", &who(), &request).await.unwrap();
    assert!(matches!(person.post("r2", &who(), &request).await, Err(JournalError::NoRun { .. })));
    let pending = driver.pending("r1").await.unwrap();
    assert_eq!((pending.len(), pending[0].id, &pending[0].request, &pending[0].who), (1, id, &request, &who()));
    assert_eq!(person.wait_answer(id, Duration::from_millis(120)).await.unwrap(), None);

    let waiting = person.clone();
    let waiter = tokio::spawn(async move { waiting.wait_answer(id, Duration::from_secs(20)).await });
    driver.answer(id, &serde_json::json!({"refused": null})).await.unwrap();
    driver.answer(id, &serde_json::json!({"refused": "late"})).await.unwrap();
    assert_eq!(waiter.await.unwrap().unwrap(), Some(serde_json::json!({"refused": null})), "the first answer counts");
    assert!(driver.pending("r1").await.unwrap().is_empty());
}

#[tokio::test]
async fn runs_are_listed_and_found() {
    let place = Place::new();
    let journal = Journal::open_with(&place.path(), Mode::Create, Durability::Normal).await.unwrap();
    assert!(matches!(journal.resolve_id("last").await, Err(JournalError::NoRun { .. })));
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = journal.new_id().await.unwrap();
        let lease = journal.create_run(&id, &header(), &me()).await.unwrap();
        if ids.is_empty() {
            journal.release(&lease).await.unwrap();
        }
        ids.push(id);
    }
    let runs = journal.runs(20).await.unwrap();
    assert_eq!(runs.iter().rev().map(|run| &run.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    assert_eq!(runs.iter().rev().map(|run| run.driven).collect::<Vec<_>>(), [false, true, true]);
    let first = &runs[2];
    assert_eq!((&*first.title, &*first.plan_path, &*first.started_by), ("Deploy", "deploy.plan", "ann"));
    assert_eq!((first.environment.as_deref(), first.epoch), (Some("production"), 1));
    assert!(first.started > 0 && first.last >= first.started);
    assert_eq!(journal.runs(1).await.unwrap().len(), 1);
    assert_eq!(journal.resolve_id("last").await.unwrap(), ids[2]);
    assert_eq!(journal.resolve_id(&ids[1][9..]).await.unwrap(), ids[1]);
    assert!(matches!(journal.resolve_id(&ids[1][..8]).await, Err(JournalError::Ambiguous { .. })));
}

/// Does nothing by itself: started by the next test, it is the process that gets killed. It says the number of each record once that is durable.
#[tokio::test]
async fn child() {
    let Some(path) = std::env::var_os("JOURNAL_OF_CHILD") else { return };
    let journal = Journal::open(Path::new(&path), Mode::Create).await.unwrap();
    let lease = match journal.owner("r1").await {
        Ok(_) => journal.take_over("r1", &me()).await.unwrap(),
        Err(_) => journal.create_run("r1", &header(), &me()).await.unwrap(),
    };
    let writer = journal.writer(&lease).await.unwrap();
    for n in journal.load("r1").await.unwrap().records.len().. {
        drop(writer.append_lazy(0, vec![note("between")]));
        writer.append(0, vec![note(&"x".repeat(n % 5_000))]).durable().await.unwrap();
        println!("\ndurable {}", journal.load("r1").await.unwrap().records.len());
    }
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_all_that_it_was_told() {
    use std::io::{BufRead as _, BufReader};
    let place = Place::new();
    let mut durable = 0;
    for round in 0..8 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env("JOURNAL_OF_CHILD", place.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said =
            || lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("durable ")?.parse().ok());
        for _ in 0..=round * 3 {
            durable = said().expect("it goes on until it is killed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        durable = std::iter::from_fn(said).last().unwrap_or(durable);
        let loaded = place.load().await.unwrap();
        assert!(loaded.records.len() >= durable, "{} of {durable}", loaded.records.len());
        assert_eq!(loaded.warnings, Vec::<String>::new());
        assert_eq!(loaded.records.last().unwrap().epoch, round + 1);
        assert!(!place.open(Mode::Read).await.owner("r1").await.unwrap().unwrap().alive);
    }
}

#[tokio::test]
async fn a_making_that_is_killed_is_no_obstacle() {
    for moment in 0..40 {
        let place = Place::new();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child"])
            .env("JOURNAL_OF_CHILD", place.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(500 * moment));
        child.kill().unwrap();
        child.wait().unwrap();
        match Journal::open(&place.path(), Mode::Read).await {
            Ok(journal) => drop(journal.runs(9).await.unwrap()),
            Err(error) => assert!(matches!(error, JournalError::NoJournal { .. }), "after {moment}: {error}"),
        }
        let journal = place.open(Mode::Create).await;
        journal.create_run("r2", &header(), &me()).await.unwrap();
    }
}

#[test]
fn many_may_make_it_at_once() {
    let place = Place::new();
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (place, start) = (&place, &start);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                start.wait();
                runtime.block_on(async {
                    let journal = place.open(Mode::Create).await;
                    let lease = journal.create_run(&format!("r{n}"), &header(), &me()).await.unwrap();
                    let writer = journal.writer(&lease).await.unwrap();
                    for _ in 0..10 {
                        writer.append(1, vec![note("x")]).durable().await.unwrap();
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = place.open(Mode::Read).await;
        for n in 0..8 {
            assert_eq!(journal.load(&format!("r{n}")).await.unwrap().records.len(), 11);
        }
    });
}
