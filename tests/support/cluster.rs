//! A PostgreSQL cluster of the test's own: in a temporary folder, on a Unix socket only, ended by its pid.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Who the server runs as when the test is root, which PostgreSQL refuses.
const NOBODY: u32 = 65534;
/// The superuser's password: what must never be seen.
pub const PASSWORD: &str = "tr0ub4dor-geheim";

pub struct Cluster {
    folder: tempfile::TempDir,
    server: Child,
}

fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// A command as somebody who is not root.
fn humbly(name: &str) -> Command {
    if !is_root() {
        return Command::new(program(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program(name));
    command
}

impl Cluster {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("plan-pg-test-").tempdir_in("/tmp").unwrap();
        let words = folder.path().join("password");
        fs::write(&words, PASSWORD).unwrap();
        if is_root() {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            chown(&words, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let made = humbly("initdb")
            .args(["-U", "boss", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--pwfile"])
            .arg(&words)
            .arg("-D")
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = humbly("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self { folder, server };
        let until = Instant::now() + Duration::from_secs(30);
        while !cluster.psql("postgres", "select 1").status.success() {
            assert!(Instant::now() < until, "the server did not start");
            sleep(Duration::from_millis(50));
        }
        cluster
    }

    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://boss:{PASSWORD}@{folder}/{database}")
    }

    fn psql(&self, database: &str, text: &str) -> std::process::Output {
        Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "boss", "-d", database, "-c", text])
            .env("PGHOST", self.folder.path())
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap()
    }

    /// Runs SQL beside the program under test; what it prints.
    pub fn sql(&self, database: &str, text: &str) -> String {
        let output = self.psql(database, text);
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A session that stays.
    pub fn session(&self, database: &str, text: &str) -> Child {
        let mut command = Command::new("psql");
        command.args(["-X", "-U", "boss", "-d", database, "-c", text]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("PGHOST", self.folder.path()).env("PGPASSWORD", PASSWORD).spawn().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT: the fast shutdown.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}
