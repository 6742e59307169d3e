//! Python with the requirements of the example, as `tests/setup` installs it, and the server of the example.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::{free_port, wait_for};

/// How long the server may take until it answers.
const READY: Duration = Duration::from_secs(60);

/// The interpreter of the environment that `tests/setup` makes.
pub fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = std::env::var_os("PLAN_VENV").map_or_else(|| root.join("target/venv"), |venv| root.join(venv));
    let python = venv.join("bin/python");
    assert!(python.exists(), "there is no {}: run tests/setup first", python.display());
    python
}

/// A uvicorn that takes over new code as it comes.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Serves `app.main:app` of a folder and waits until it is healthy. What it prints goes into `log`.
    pub fn start(backend: &Path, database_url: &str, log: &Path) -> Self {
        let port = free_port();
        let out = File::create(log).unwrap();
        let child = Command::new(python())
            .args(["-m", "uvicorn", "app.main:app", "--reload", "--reload-dir", "app", "--port", &port.to_string()])
            .current_dir(backend)
            .env("DATABASE_URL", database_url)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Self { child, port };
        wait_for("healthy server", READY, || match server.health() {
            Ok(_) => Ok(()),
            Err(seen) => Err(format!("{seen}\n{}", std::fs::read_to_string(log).unwrap_or_default())),
        });
        server
    }

    /// What `/health` says.
    pub fn health(&self) -> Result<serde_json::Value, String> {
        let mut response = ureq::get(self.url("/health")).call().map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// The status of a POST of JSON.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> u16 {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(self.url(path)).header("content-type", "application/json");
        request.send(body.to_string()).unwrap().status().as_u16()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    /// Ends it with the process that watches the files.
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
