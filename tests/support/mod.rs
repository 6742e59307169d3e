//! What the end-to-end tests stand on: a PostgreSQL cluster, git repositories and a Python server of their own, and the
//! `plan` program. Nothing is shared between two tests, and everything ends with the value that stands for it.

pub mod git;
pub mod postgres;
pub mod python;

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, io};

/// Between two looks at something that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `look` finds something; panics with `what` and the last thing seen when it does not in time.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if begin.elapsed() > limit => panic!("no {what} after {limit:?}: {seen}"),
            Err(_) => sleep(LOOK_AGAIN),
        }
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a command to its end; its stdout without the last end of line. Panics when it fails.
pub fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

/// Everything that a program printed.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Copies a folder, but not what is left over from using it.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if ["__pycache__", ".plan", "backups"].iter().any(|left_over| name == OsStr::new(left_over)) {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// How the `plan` program is called: from where, with which environment, and with a journal and locks of its own.
pub struct Plan {
    pub dir: PathBuf,
    pub journal: PathBuf,
    pub state: PathBuf,
    pub env: Vec<(String, String)>,
}

impl Plan {
    /// `plan ARGS --journal …`, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plan"));
        command.args(args).arg("--journal").arg(&self.journal).current_dir(&self.dir);
        command.env("XDG_STATE_HOME", &self.state).env("NO_COLOR", "1").env_remove("PLAN_JOURNAL").env_remove("CI");
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end and expects an exit code.
    pub fn expect(&self, code: i32, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "plan {args:?}:\n{}", said(&output));
        output
    }

    /// The ids of the runs in the journal, the newest first.
    pub fn runs(&self) -> Vec<String> {
        let output = self.expect(0, &["list", "--json"]);
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("`plan list --json` prints JSON");
        let runs = list["runs"].as_array().expect("`runs` is a list");
        runs.iter().map(|run| run["id"].as_str().expect("a run has an `id`").to_owned()).collect()
    }
}
