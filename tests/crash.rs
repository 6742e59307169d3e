//! Kills `plan run` with SIGKILL at many moments, resumes, and counts the effects in a ledger outside the process.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PLAN: &str = env!("CARGO_BIN_EXE_plan");

/// Moments at which a run is killed, spread evenly over how long an undisturbed one takes, start-up and end included.
const MOMENTS: u32 = 56;

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash");
        for file in ["ledger.plan", "note.sh"] {
            fs::copy(source.join(file), folder.path().join(file)).unwrap();
        }
        // Both exist from the start: `done when` can then always be read.
        fs::write(folder.path().join("ledger"), "").unwrap();
        fs::write(folder.path().join("crash.db"), "").unwrap();
        Self { folder }
    }

    fn plan(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PLAN);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("NO_COLOR", "1")
            .env_remove("PLAN_JOURNAL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, fail: bool) -> Command {
        let fail = if fail { "fail=true" } else { "fail=false" };
        self.plan(&["run", "ledger.plan", "--set", "ledger=ledger", "--set", fail, "--jobs", "2"])
    }

    fn has_run(&self) -> bool {
        let output = self.plan(&["list", "--json"]).stdout(Stdio::piped()).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        list["runs"].as_array().is_some_and(|runs| !runs.is_empty())
    }

    fn ledger(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("ledger")).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Resumes until the run is final; a killed run that had not begun is started anew.
    fn finish(&self, fail: bool) -> i32 {
        let mut command = match self.has_run() {
            true => self.plan(&["resume", "last", "--no-wait"]),
            false => self.run(fail),
        };
        let output = command.stderr(Stdio::piped()).stdout(Stdio::piped()).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(
            [0, 6].contains(&code),
            "it ended with {code}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        code
    }
}

/// How long an undisturbed run takes, which is also the proof that it works.
fn undisturbed(fail: bool) -> Duration {
    let world = World::new();
    let start = Instant::now();
    let code = world.run(fail).status().unwrap().code().unwrap();
    assert_eq!(code, if fail { 6 } else { 0 });
    start.elapsed()
}

fn killed_at(moment: Duration, fail: bool) -> World {
    let world = World::new();
    let mut child = world.run(fail).spawn().unwrap();
    sleep(moment);
    // It may have ended already: then this is the undisturbed case once more.
    let _ = child.kill();
    child.wait().unwrap();
    world
}

#[test]
fn every_effect_exactly_once_wherever_it_is_killed() {
    let whole = undisturbed(false);
    for moment in 0..MOMENTS {
        let at = whole * moment / MOMENTS;
        let world = killed_at(at, false);
        assert_eq!(world.finish(false), 0, "killed at {at:?}");
        assert_eq!(world.ledger(), ["do first", "do last", "do left", "do right"], "killed at {at:?}");
        // A finished run is left alone.
        let before = world.ledger();
        assert!(world.plan(&["resume", "last"]).status().unwrap().success());
        assert_eq!(world.ledger(), before);
    }
}

#[test]
fn every_effect_is_gone_wherever_an_unwinding_run_is_killed() {
    let whole = undisturbed(true);
    for moment in 0..MOMENTS / 2 {
        let at = whole * moment / (MOMENTS / 2);
        let world = killed_at(at, true);
        assert_eq!(world.finish(true), 6, "killed at {at:?}");
        assert_eq!(world.ledger(), Vec::<String>::new(), "killed at {at:?}");
    }
}

/// The quickstart, with a ledger outside the process: each of its statements writes a line into a table of the database in the
/// same transaction, so that a line says that the effect is there.
fn quickstart() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("examples/quickstart/quickstart.plan")).unwrap();
    let with = |text: String, statement: &str, line: &str| {
        assert!(text.contains(statement), "the quickstart has changed: {statement}");
        text.replace(statement, &format!("{statement}; INSERT INTO ledger VALUES ('{line}')"))
    };
    let text = with(
        text,
        "CREATE TABLE phones (lead INTEGER PRIMARY KEY REFERENCES leads (id), number TEXT NOT NULL)",
        "migrate",
    );
    let text = with(text, "SELECT id, '000' FROM leads WHERE region = '{{region}}'", "fill {{region}}");
    with(text, "DROP TABLE IF EXISTS phones\"", "undo")
        .replace("phones\"; INSERT INTO ledger VALUES ('undo')", "phones; INSERT INTO ledger VALUES ('undo')\"")
}

fn quickstart_world(text: &str) -> World {
    let world = World::new();
    fs::write(world.folder.path().join("ledger.plan"), text).unwrap();
    let base = rusqlite::Connection::open(world.folder.path().join("quickstart.db")).unwrap();
    base.execute("CREATE TABLE ledger (line TEXT NOT NULL)", ()).unwrap();
    world
}

impl World {
    fn quickstart(&self) -> Command {
        self.plan(&["run", "ledger.plan", "--set", "pause=0"])
    }

    fn count(&self, query: &str) -> i64 {
        let base = rusqlite::Connection::open(self.folder.path().join("quickstart.db")).unwrap();
        base.query_row(query, (), |row| row.get(0)).unwrap()
    }
}

#[test]
fn the_quickstart_is_finished_wherever_it_is_killed() {
    let text = quickstart();
    let world = quickstart_world(&text);
    let start = Instant::now();
    assert!(world.quickstart().status().unwrap().success());
    let whole = start.elapsed();
    for moment in 0..MOMENTS {
        let at = whole * moment / MOMENTS;
        let world = quickstart_world(&text);
        let mut child = world.quickstart().spawn().unwrap();
        sleep(at);
        // It may have ended already: then this is the undisturbed case once more.
        let _ = child.kill();
        child.wait().unwrap();
        let mut command = match world.has_run() {
            true => world.plan(&["resume", "last", "--no-wait"]),
            false => world.quickstart(),
        };
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "killed at {at:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(world.count("SELECT count(*) FROM ledger WHERE line = 'migrate'"), 1, "killed at {at:?}");
        assert_eq!(
            world.count("SELECT count(DISTINCT line) FROM ledger WHERE line LIKE 'fill %'"),
            3,
            "killed at {at:?}"
        );
        assert_eq!(world.count("SELECT count(*) FROM ledger WHERE line = 'undo'"), 0, "killed at {at:?}");
        assert_eq!(world.count("SELECT count(*) FROM phones"), 3, "killed at {at:?}");
        assert!(world.folder.path().join("quickstart.backup.db").exists());
    }
}
