//! What actions and probes may touch, and what they are told of the step that they work for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{ResourceKind, Value};

use super::mask::Masker;
use super::reaper::Watcher;

/// A resource with its settings evaluated for the environment of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedResource {
    pub kind: ResourceKind,
    /// By key; keys that the plan does not give are absent.
    pub settings: BTreeMap<String, Value>,
}

/// What everything of one run shares.
#[derive(Debug)]
pub struct World {
    pub resources: BTreeMap<String, ResolvedResource>,
    /// The folder of the plan file: relative paths start there.
    pub base: PathBuf,
    /// The run's id, as children see it in `PLAN_RUN`.
    pub run: String,
    /// The epoch of the lease under which this process drives the run.
    pub epoch: u64,
    pub masker: Arc<Masker>,
    watcher: Watcher,
}

impl World {
    /// A world for one process that drives a run. `reaper`: the program that, called as `PROGRAM __reaper RUN EPOCH`, ends
    /// what is left when this process dies ([`reaper_main`](super::reaper_main)); without one nobody does.
    pub fn new(base: PathBuf, run: String, epoch: u64, masker: Arc<Masker>, reaper: Option<PathBuf>) -> Self {
        // An empty path means "here" to people and nothing to the system.
        let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
        let watcher = Watcher::new(reaper, run.clone(), epoch);
        Self { resources: BTreeMap::new(), base, run, epoch, masker, watcher }
    }

    /// The orderly end of this process's work on the run: nobody has to end anything after it.
    pub fn close(&self) {
        self.watcher.dismiss();
    }

    /// Makes sure that somebody watches over children before the first one starts.
    pub(crate) fn watch(&self) -> std::io::Result<()> {
        self.watcher.start()
    }

    /// A path of the plan, from the plan's folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The resource with this name, which the checker has seen to exist.
    pub(crate) fn resource(&self, name: &str) -> Result<&ResolvedResource, String> {
        self.resources.get(name).ok_or_else(|| format!("there is no resource `{name}`"))
    }
}

impl ResolvedResource {
    /// A setting that is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Value::as_str)
    }
}

/// Which of a child's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Where output goes while it comes. Must not block.
pub trait Sink: Send + Sync {
    /// Masked text: whole lines, or a part of one that is long or has waited for its end.
    fn output(&self, stream: Stream, masked: &str);
    /// A process group leader was started. `started`: its start time in clock ticks since boot; with it a pid that was
    /// given to another process since can be told apart.
    fn spawned(&self, pid: u32, started: u64);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Sink for Silent {
    fn output(&self, _: Stream, _: &str) {}
    fn spawned(&self, _: u32, _: u64) {}
}

/// How the driver ends what runs for a step. Clones share one state.
#[derive(Debug, Clone)]
pub struct StopToken(Arc<watch::Sender<u8>>);

impl Default for StopToken {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl StopToken {
    /// Asks what runs to end: SIGTERM and some seconds of grace. Asked again: at once.
    pub fn stop(&self) {
        self.0.send_modify(|times| *times = times.saturating_add(1));
    }

    /// Whether it was asked for.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until it has been asked for so many times.
    pub(crate) async fn asked(&self, times: u8) {
        let mut receiver = self.0.subscribe();
        if receiver.wait_for(|asked| *asked >= times).await.is_err() {
            // The sender lives as long as `self`.
            std::future::pending::<()>().await;
        }
    }
}

/// What an action or probe is told of the step that it works for. Cheap to clone.
#[derive(Clone)]
pub struct CallContext {
    pub world: Arc<World>,
    /// The id of the work node: `migrate`, `deploy["eu"]`.
    pub step: String,
    pub attempt: u32,
    /// Added to the environment of processes.
    pub env: Vec<(String, String)>,
    /// Where processes run; the plan's folder when `None`.
    pub dir: Option<PathBuf>,
    /// For an action or undo. Probes have limits of their own.
    pub timeout: Option<Duration>,
    pub stop: StopToken,
    pub sink: Arc<dyn Sink>,
}

impl CallContext {
    /// Where processes run.
    pub(crate) fn working_dir(&self) -> &Path {
        self.dir.as_deref().unwrap_or(&self.world.base)
    }

    /// The same, with nobody listening to output: for processes that are a means, such as git. They are still recorded.
    pub(crate) fn quiet(&self) -> Self {
        Self { sink: Arc::new(Quiet(self.sink.clone())), ..self.clone() }
    }

    /// What names the sessions of this step in a database server: `plan:<run>:<step>`, within the 63 bytes of ASCII that
    /// PostgreSQL keeps.
    pub(crate) fn session_name(&self) -> String {
        let printable = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let plain = format!("plan:{}:{}", self.world.run, self.step);
        if plain.len() <= 63 && printable(&plain) {
            return plain;
        }
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(plain.as_bytes());
        let digest: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        format!("plan:{digest}")
    }
}

/// Passes on which processes there are, and not what they say.
struct Quiet(Arc<dyn Sink>);

impl Sink for Quiet {
    fn output(&self, _: Stream, _: &str) {}
    fn spawned(&self, pid: u32, started: u64) {
        self.0.spawned(pid, started);
    }
}
