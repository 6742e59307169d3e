//! The whole way with real things: examples/companycam deployed to a PostgreSQL cluster, a git remote that puts code live as
//! it is pushed, and a uvicorn that serves it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::git::{self, Repo};
use support::postgres::{self, Cluster, PASSWORD};
use support::python::{Server, python};
use support::{Plan, copy_folder, said, succeed, wait_for};
use tempfile::TempDir;

/// What the release adds; without it the backend is what production has.
const RELEASE: &[&str] =
    &["backend/app/companycam.py", "backend/app/routes/companycam.py", "backend/alembic/versions/0002_companycam.py"];
const BEFORE: &str = "Leads";
const AFTER: &str = "Webhook of CompanyCam";
/// How long something may take that takes a second or two.
const SOON: Duration = Duration::from_secs(60);

/// Production, and the checkout with a commit that is not there yet. Ends in this order.
struct World {
    server: Server,
    cluster: Cluster,
    checkout: Repo,
    remote: Repo,
    plan: Plan,
    folder: TempDir,
}

/// Everything that an unwound release has to put back.
#[derive(Debug, PartialEq)]
struct State {
    schema: String,
    rows: Vec<String>,
    code: String,
    live: Vec<String>,
    health: serde_json::Value,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let cluster = Cluster::start();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/companycam");
        copy_folder(&source, &at("checkout")).unwrap();
        let checkout = Repo::init(at("checkout"));
        let remote = Repo::bare(at("remote.git"));
        remote.deploy_to(&at("live"));
        for file in RELEASE {
            fs::remove_file(checkout.dir.join(file)).unwrap();
        }
        checkout.commit(BEFORE);
        checkout.git(&["remote", "add", "origin", remote.dir.to_str().unwrap()]);
        checkout.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        alembic(&checkout.dir, &cluster.url(), "0001");
        cluster.sql("INSERT INTO leads (name, companycam_project) VALUES ('Kim', 'p1'), ('Lee', NULL), ('박', 'p3')");
        for file in RELEASE {
            fs::copy(source.join(file), checkout.dir.join(file)).unwrap();
        }
        checkout.commit(AFTER);
        let server = Server::start(&at("live/backend"), &cluster.url(), &at("server.log"));
        let mut env = git::environment();
        env.push(("DATABASE_URL".to_owned(), cluster.url()));
        let venv = python().parent().unwrap().display().to_string();
        env.push(("PATH".to_owned(), format!("{venv}:{}", postgres::path())));
        env.push(("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()));
        let plan = Plan { dir: checkout.dir.clone(), journal: at("journal/journal.db"), state: at("state"), env };
        fs::create_dir_all(at("journal")).unwrap();
        Self { server, cluster, checkout, remote, plan, folder }
    }

    fn args(&self, fail: bool) -> Vec<String> {
        let sets = [
            "revision=0002".to_owned(),
            format!("python={}", python().display()),
            format!("port={}", self.server.port),
            "watch_for=1s".to_owned(),
            "look_every=100ms".to_owned(),
            format!("fail={fail}"),
        ];
        let sets = sets.into_iter().flat_map(|set| ["--set".to_owned(), set]);
        ["run", "deploy.plan", "--no-wait"].map(str::to_owned).into_iter().chain(sets).collect()
    }

    /// Runs the plan to its end.
    fn run(&self, fail: bool, code: i32) -> String {
        let args = self.args(fail);
        said(&self.plan.expect(code, &args.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    fn live(&self) -> PathBuf {
        self.folder.path().join("live/backend")
    }

    /// As it is now; the commit that runs aside, which is a new one even when its code is the old.
    fn state(&self) -> State {
        let mut health = self.server.health().unwrap();
        assert_eq!(health["commit"].take(), self.remote.head(), "the server runs what the remote has");
        State {
            schema: self.cluster.schema(),
            rows: self.cluster.rows(),
            code: self.remote.tree(),
            live: python_files(&self.live()),
            health,
        }
    }

    /// Database and code are those of the release, and it works.
    fn assert_released(&self) {
        assert_eq!(self.cluster.sql("SELECT version_num FROM alembic_version"), "0002");
        assert_eq!(self.cluster.sql("SELECT count(*) FROM leads"), "3");
        assert_eq!(self.remote.log(), [AFTER, BEFORE]);
        assert_eq!(self.remote.head(), self.checkout.head());
        let photo = serde_json::json!({ "id": "f1", "url": "https://example.com/f1.jpg" });
        let event = serde_json::json!({ "id": "e1", "kind": "photo.created", "project": "p1", "photo": photo });
        for _ in 0..2 {
            assert_eq!(self.server.post("/webhooks/companycam", &event), 200);
        }
        assert_eq!(self.cluster.sql("SELECT lead_id, url FROM companycam_photos"), "1|https://example.com/f1.jpg");
    }

    /// The dump is there and whole, and the password is in no file that `plan` wrote.
    fn assert_records(&self) {
        let backups = self.checkout.dir.join("backups");
        let dumps: Vec<PathBuf> =
            files(&backups).into_iter().filter(|f| f.extension().is_some_and(|e| e == "dump")).collect();
        assert_eq!(dumps.len(), 1, "{:?}", files(&backups));
        let mut restore = Command::new("pg_restore");
        let text = succeed(restore.arg("--file=-").arg(&dumps[0]).env("PATH", postgres::path()));
        assert!(text.contains("COPY public.leads") && !text.contains("webhook_events"), "a dump from before");
        for file in [&backups, &self.plan.journal.parent().unwrap().to_owned(), &self.plan.state]
            .into_iter()
            .flat_map(|f| files(f))
        {
            let bytes = fs::read(&file).unwrap();
            let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
            assert!(!found, "{} holds the password", file.display());
        }
    }
}

fn alembic(checkout: &Path, database_url: &str, revision: &str) {
    let mut command = Command::new(python());
    command.args(["-m", "alembic", "-c", "backend/alembic.ini", "upgrade", revision]).current_dir(checkout);
    succeed(command.env("DATABASE_URL", database_url).env("PYTHONDONTWRITEBYTECODE", "1"));
}

/// Every file below a folder, sorted; none when it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// The code that is live.
fn python_files(folder: &Path) -> Vec<String> {
    let all = files(folder).into_iter().filter(|file| file.extension().is_some_and(|e| e == "py"));
    all.map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
}

/// The command lines of all processes, which everybody on the machine can read.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// The set-up itself: that pushing puts code live is what the other tests rely on.
#[test]
fn production_takes_over_what_is_pushed() {
    let world = World::new();
    let before = world.state();
    let event = serde_json::json!({ "id": "e1", "kind": "photo.created", "project": "p1" });
    assert_eq!(world.server.post("/webhooks/companycam", &event), 404);
    alembic(&world.checkout.dir, &world.cluster.url(), "0002");
    world.checkout.git(&["push", "--quiet"]);
    wait_for("new code", SOON, || match world.server.health()?["commit"] == world.checkout.head() {
        true => Ok(()),
        false => Err("the old commit".to_owned()),
    });
    world.assert_released();
    let after = world.state();
    assert_ne!((&before.schema, &before.rows, &before.code), (&after.schema, &after.rows, &after.code));
    assert_eq!(after.live.len(), before.live.len() + RELEASE.len());
    world.checkout.git(&["revert", "--no-edit", "HEAD"]);
    world.checkout.git(&["push", "--quiet"]);
    wait_for("old code", SOON, || match world.server.health()?["commit"] == world.checkout.head() {
        true => Ok(()),
        false => Err("the commit before".to_owned()),
    });
    assert_eq!((world.remote.tree(), python_files(&world.live())), (before.code, before.live));
    assert_eq!(world.server.post("/webhooks/companycam", &event), 404);
}

#[test]
fn a_release_succeeds_and_another_finds_nothing_to_do() {
    let world = World::new();
    world.run(false, 0);
    world.assert_released();
    world.assert_records();
    let again = world.run(false, 4);
    assert!(again.contains("there is nothing to push"), "{again}");
}

#[test]
fn a_failing_verification_takes_everything_back() {
    let world = World::new();
    let before = world.state();
    let said = world.run(true, 6);
    assert!(said.contains("--set fail=true asked for this"), "{said}");
    assert_eq!(world.state(), before);
    let log = world.remote.log();
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(log[1..], [AFTER, BEFORE]);
    assert!(log[0].starts_with("Revert "), "{log:?}");
    assert_eq!(world.checkout.head(), world.remote.head(), "the checkout follows");
    world.assert_records();
}

/// Kills `plan` while Alembic waits for a lock in the middle of its migration; what remains of it is gone afterwards.
fn killed_while_migrating(world: &World, fail: bool) {
    // Readers go on (the dump, the health check); a foreign key to `leads` has to wait.
    let held = world.cluster.hold("LOCK TABLE leads IN SHARE MODE");
    let args = world.args(fail);
    let mut plan = world.plan.command(&args.iter().map(String::as_str).collect::<Vec<_>>()).spawn().unwrap();
    wait_for("migration that waits", SOON, || match (world.cluster.waiting(), plan.try_wait().unwrap()) {
        (_, Some(status)) => panic!("plan ended with {status}"),
        (0, None) => Err("no lock is waited for".to_owned()),
        (_, None) => Ok(()),
    });
    let shown: Vec<String> = command_lines().into_iter().filter(|line| line.contains(PASSWORD)).collect();
    assert!(shown.is_empty(), "a command line shows the password: {shown:?}");
    plan.kill().unwrap();
    plan.wait().unwrap();
    wait_for("end of the killed migration", SOON, || match world.cluster.waiting() {
        0 => Ok(()),
        count => Err(format!("{count} locks are waited for")),
    });
    drop(held);
    assert_eq!(world.cluster.sql("SELECT version_num FROM alembic_version"), "0001");
}

#[test]
fn a_run_killed_while_migrating_is_finished_by_resume() {
    let world = World::new();
    killed_while_migrating(&world, false);
    let runs = world.plan.runs();
    assert_eq!(runs.len(), 1);
    world.plan.expect(0, &["resume", &runs[0], "--no-wait"]);
    world.assert_released();
    world.assert_records();
    world.plan.expect(0, &["resume", &runs[0], "--no-wait"]);
    assert_eq!(world.plan.runs(), runs);
}

#[test]
fn a_run_killed_while_migrating_is_unwound_by_resume() {
    let world = World::new();
    let before = world.state();
    killed_while_migrating(&world, true);
    world.plan.expect(6, &["resume", "last", "--no-wait"]);
    assert_eq!(world.state(), before);
    world.assert_records();
}

#[test]
fn a_run_killed_while_it_watches_is_finished_by_resume() {
    let world = World::new();
    let mut args = world.args(false);
    let slow = args.iter().position(|arg| arg == "watch_for=1s").unwrap();
    args[slow] = "watch_for=3s".to_owned();
    let mut plan = world.plan.command(&args.iter().map(String::as_str).collect::<Vec<_>>()).spawn().unwrap();
    let pushed = world.checkout.head();
    wait_for("new code", SOON, || match world.server.health()?["commit"] == pushed {
        true => Ok(()),
        false => Err("the old commit".to_owned()),
    });
    assert_eq!(plan.try_wait().unwrap(), None, "it still watches");
    plan.kill().unwrap();
    plan.wait().unwrap();
    world.plan.expect(0, &["resume", "last", "--no-wait"]);
    world.assert_released();
    world.assert_records();
}

impl World {
    /// Runs companycam.plan to its gate, opens it, and goes on to the end.
    fn run_vocabulary(&self, fail: bool, code: i32) -> String {
        let port = format!("port={}", self.server.port);
        let fail = format!("fail={fail}");
        let sets = ["revision=0002", &port, "watch_for=1s", "look_every=100ms", &fail];
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["run", "companycam.plan", "--no-wait"].into_iter().chain(sets).collect();
        self.plan.expect(5, &args);
        self.open_gate();
        said(&self.plan.expect(code, &["resume", "--no-wait"]))
    }

    fn open_gate(&self) {
        let shown = said(&self.plan.expect(0, &["approve", "last", "go", "--as", "dba", "--yes"]));
        assert!(shown.contains("CREATE TABLE webhook_events"), "the gate shows the SQL:\n{shown}");
    }
}

#[test]
fn the_vocabulary_of_databases_deploys() {
    let world = World::new();
    world.run_vocabulary(false, 0);
    world.assert_released();
    let backups = files(&world.checkout.dir.join("backups"));
    assert_eq!(backups.len(), 2, "a dump and what is known of it: {backups:?}");
    for file in files(&world.folder.path().join("journal")).iter().chain(&backups) {
        let bytes = fs::read(file).unwrap();
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "{} holds the password", file.display());
    }
}

#[test]
fn the_vocabulary_of_databases_goes_back() {
    let world = World::new();
    let before = world.state();
    let told = world.run_vocabulary(true, 5);
    assert!(told.contains("waits for a yes to the undo of `migrate`"), "a downgrade that drops tables asks:\n{told}");
    world.plan.expect(0, &["approve", "last", "migrate", "--as", "dba"]);
    world.plan.expect(6, &["resume", "--no-wait"]);
    assert_eq!(world.state(), before);
    assert_eq!(world.remote.log().len(), 3, "the release, and its revert");
}

#[test]
fn the_vocabulary_of_databases_survives_a_kill_while_it_migrates() {
    let world = World::new();
    let port = format!("port={}", world.server.port);
    let sets = ["--set", "revision=0002", "--set", &port, "--set", "watch_for=1s", "--set", "look_every=100ms"];
    let args: Vec<&str> = ["run", "companycam.plan", "--no-wait"].into_iter().chain(sets).collect();
    world.plan.expect(5, &args);
    world.open_gate();
    let held = world.cluster.hold("LOCK TABLE leads IN SHARE MODE");
    let mut plan = world.plan.command(&["resume", "--no-wait"]).spawn().unwrap();
    wait_for("a migration that waits", SOON, || match world.cluster.waiting() {
        0 => Err("nobody waits".to_owned()),
        _ => Ok(()),
    });
    plan.kill().unwrap();
    plan.wait().unwrap();
    drop(held);
    world.plan.expect(0, &["resume", "--no-wait"]);
    world.assert_released();
}
