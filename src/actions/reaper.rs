//! What happens to children when this process dies, however it does. A small second process waits at the end of a pipe that
//! only we hold; when it closes without a word, it ends every process whose environment says that it belongs to our run and
//! epoch. No child needs a hook of its own for that, so starting one stays as cheap as it can be.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::procfs;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// After this nothing more can be done: what is left cannot be killed.
const GIVE_UP: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// What is said before an orderly end.
const GOODBYE: u8 = b'.';

/// The engine's end.
#[derive(Debug)]
pub(crate) struct Watcher {
    program: Option<PathBuf>,
    run: String,
    epoch: u64,
    reaper: Mutex<Option<Child>>,
}

impl Watcher {
    pub(crate) fn new(program: Option<PathBuf>, run: String, epoch: u64) -> Self {
        Self { program, run, epoch, reaper: Mutex::new(None) }
    }

    /// Starts the reaper unless it runs.
    pub(crate) fn start(&self) -> io::Result<()> {
        use std::os::unix::process::CommandExt as _;
        let Some(program) = &self.program else { return Ok(()) };
        let mut reaper = self.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_some() {
            return Ok(());
        }
        let mut command = Command::new(program);
        command.arg("__reaper").arg(&self.run).arg(self.epoch.to_string());
        // A run inside a step of another run: its reaper must outlive what the outer one ends.
        command.env_remove("PLAN_RUN").env_remove("PLAN_EPOCH");
        // A group of its own: Ctrl-C at the terminal is not for it. The pipe is closed in every other child (CLOEXEC).
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        *reaper = Some(command.spawn()?);
        Ok(())
    }

    /// Sends the reaper home.
    pub(crate) fn dismiss(&self) {
        let reaper = self.reaper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = reaper {
            if let Some(mut pipe) = child.stdin.take() {
                // It is gone already if this fails.
                let _ = pipe.write_all(&[GOODBYE]);
            }
            let _ = child.wait();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.dismiss();
    }
}

/// The body of the hidden command `plan __reaper RUN EPOCH`: waits on stdin, and when that ends without a goodbye ends what
/// is left of the run. Returns the exit code.
pub fn reaper_main(run: &str, epoch: &str) -> u8 {
    let mut said = Vec::new();
    // An error is as good as an end: nobody holds the other side.
    let _ = io::stdin().read_to_end(&mut said);
    if said.contains(&GOODBYE) {
        return 0;
    }
    let marks = [format!("PLAN_RUN={run}"), format!("PLAN_EPOCH={epoch}")];
    let ended = end_all(|stat| procfs::environ_has(stat.pid, &marks));
    u8::from(!ended.all)
}

/// Ends what earlier processes left of a run: before a doubt is settled, nothing may still be at work. Everything marked with
/// the run and an epoch below `epoch`, and the groups of the recorded leaders `(pid, start time)` that still live. Returns how
/// many processes were ended. What gave itself a clean environment and a group of its own is not found.
pub async fn end_leftovers(run: &str, epoch: u64, recorded: &[(u32, u64)]) -> usize {
    let mark = [format!("PLAN_RUN={run}")];
    let current = [format!("PLAN_EPOCH={epoch}")];
    let recorded = recorded.to_vec();
    let work = move || {
        end_all(|stat| {
            let leads = recorded.contains(&(stat.pid, stat.started));
            leads || procfs::environ_has(stat.pid, &mark) && !procfs::environ_has(stat.pid, &current)
        })
    };
    tokio::task::spawn_blocking(work).await.map_or(0, |ended| ended.count)
}

struct Ended {
    count: usize,
    all: bool,
}

/// Ends the groups of all processes for which this holds, until two looks in a row find none: one that is just being
/// started shows its environment only after its `exec`.
fn end_all(belongs: impl Fn(&procfs::Stat) -> bool) -> Ended {
    let own = std::process::id();
    let begin = Instant::now();
    let mut seen = std::collections::BTreeSet::new();
    let mut asked = std::collections::BTreeSet::new();
    let mut empty = 0;
    while empty < 2 {
        let found: Vec<procfs::Stat> =
            procfs::living().filter(|stat| stat.pid != own && belongs(stat) && same(stat)).collect();
        empty = if found.is_empty() { empty + 1 } else { 0 };
        if begin.elapsed() > GIVE_UP {
            return Ended { count: seen.len(), all: false };
        }
        for stat in &found {
            seen.insert((stat.pid, stat.started));
            if begin.elapsed() > GRACE {
                procfs::signal_group(stat.group, Signal::KILL);
            } else if asked.insert(stat.group) {
                procfs::signal_group(stat.group, Signal::TERM);
                procfs::signal_group(stat.group, Signal::CONT);
            }
        }
        if empty < 2 {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    Ended { count: seen.len(), all: true }
}

/// The pid still means the process that was looked at.
fn same(stat: &procfs::Stat) -> bool {
    procfs::stat(stat.pid).is_some_and(|now| now.started == stat.started)
}
