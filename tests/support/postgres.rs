//! A PostgreSQL cluster that belongs to one test: in a temporary folder, reached by its socket alone, with a password.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{free_port, succeed, wait_for};

/// How long the server may take to start or to end.
const SERVER_TIME: Duration = Duration::from_secs(60);
/// Nothing else holds it, so it can be searched for where it must not be.
pub const PASSWORD: &str = "h7Kq-only-for-tests-2vXw";

/// The server, its only database `app`, and its owner `postgres`.
pub struct Cluster {
    folder: TempDir,
    server: Child,
    port: u16,
}

/// Where the programs of PostgreSQL are that are not on PATH, the newest version first.
pub fn programs() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    numbered.sort();
    numbered.into_iter().rev().map(|(_, path)| path).collect()
}

/// PATH with them; they come first, so that server and clients are of one version.
pub fn path() -> String {
    let own = env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = programs().into_iter().chain(env::split_paths(&own)).collect();
    env::join_paths(all).unwrap().into_string().unwrap()
}

/// A program as the user that the server runs as: PostgreSQL refuses to be root.
fn as_server(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    // The server goes down with a test that is killed.
    command.args(["--pdeathsig", "INT"]);
    if geteuid().is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    command.args(["--", program]).env("PATH", path()).env("LC_ALL", "C").current_dir("/");
    command
}

fn number(args: &[&str]) -> u32 {
    succeed(Command::new("id").args(args)).parse().unwrap()
}

impl Cluster {
    /// Makes and starts it.
    pub fn start() -> Self {
        // Directly below /tmp: a socket's path is short, and another user must be able to go there.
        let folder = tempfile::Builder::new().prefix("plan-pg-").tempdir_in("/tmp").unwrap();
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        if geteuid().is_root() {
            let (user, group) = (number(&["-u", "nobody"]), number(&["-g", "nobody"]));
            for path in [folder.path(), password.as_path()] {
                chown(path, Some(user), Some(group)).unwrap();
            }
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut initdb = as_server("initdb");
        initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--username=postgres", "--auth=scram-sha-256"]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(folder.path().join("data"));
        succeed(&mut initdb);
        let port = free_port();
        let server = Self::serve(folder.path(), port);
        let cluster = Self { folder, server, port };
        wait_for("PostgreSQL", SERVER_TIME, || cluster.try_psql("postgres", "SELECT 1"));
        cluster.try_psql("postgres", "CREATE DATABASE app").unwrap();
        cluster
    }

    fn serve(folder: &Path, port: u16) -> Child {
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut server = as_server("postgres");
        server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port.to_string()]);
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"]);
        server.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Its address, as SQLAlchemy writes it.
    pub fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgresql+psycopg:///app?host={folder}&port={}&user=postgres&password={PASSWORD}", self.port)
    }

    /// A client of it; how it gets in stands in the environment.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", path()).env("PGHOST", self.folder.path()).env("PGPORT", self.port.to_string());
        command.env("PGUSER", "postgres").env("PGPASSWORD", PASSWORD).env("PGDATABASE", "app");
        command.stdin(Stdio::null());
        command
    }

    fn try_psql(&self, database: &str, query: &str) -> Result<String, String> {
        let args = ["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", query];
        let output = self.client("psql").args(args).env("PGDATABASE", database).output().unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// What a query yields, as psql prints it without frills.
    pub fn sql(&self, query: &str) -> String {
        self.try_psql("app", query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The schema, as pg_dump writes it.
    pub fn schema(&self) -> String {
        dumped(&succeed(self.client("pg_dump").arg("--schema-only")))
    }

    /// Every row of every table, as an INSERT, sorted.
    pub fn rows(&self) -> Vec<String> {
        let text = dumped(&succeed(self.client("pg_dump").args(["--data-only", "--column-inserts"])));
        let mut rows: Vec<String> = text.lines().filter(|line| line.starts_with("INSERT")).map(str::to_owned).collect();
        rows.sort();
        rows
    }

    /// Runs a statement in a transaction that stays open as long as what it returns.
    pub fn hold(&self, statement: &str) -> Held {
        let mut client = self.client("psql");
        let mut session = client
            .args(["--no-psqlrc", "--quiet"])
            .env("PGAPPNAME", "held")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = session.stdin.take().unwrap();
        writeln!(stdin, "BEGIN; {statement};").unwrap();
        let idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'held' AND state = 'idle in transaction' \
                    AND query LIKE 'LOCK%'";
        wait_for("held transaction", SERVER_TIME, || match self.sql(idle).as_str() {
            "0" => Err("it is not there yet".to_owned()),
            _ => Ok(()),
        });
        Held { session, stdin: Some(stdin) }
    }

    /// How many locks are waited for.
    pub fn waiting(&self) -> usize {
        self.sql("SELECT count(*) FROM pg_locks WHERE NOT granted").parse().unwrap()
    }
}

/// A dump without the two lines that are different each time.
fn dumped(text: &str) -> String {
    let random = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.lines().filter(random).collect::<Vec<_>>().join("\n")
}

/// An open transaction; it is rolled back when this is dropped.
pub struct Held {
    session: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The end of its input ends psql, and that the transaction.
        self.stdin = None;
        let _ = self.session.wait();
    }
}

impl Drop for Cluster {
    /// Ends the server at once, before its folder goes. `setpriv` has become the server: the child is its first process.
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}
