//! Who drives a run, and whether that process still lives.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// How long a heartbeat from another machine is taken for life, in milliseconds.
const BEAT_COUNTS: i64 = 60_000;

/// A process that drives a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    /// When it started, in clock ticks since boot: a process id is used again, this is not.
    pub started: u64,
    pub host: String,
    /// The person.
    pub who: String,
}

impl Owner {
    /// This process, on the machine and for the person named.
    pub fn of_this_process(host: &str, who: &str) -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or(0), host: host.to_owned(), who: who.to_owned() }
    }

    /// Whether it lives, seen from `here`. Another machine can't be looked at: its heartbeat counts.
    pub(super) fn lives(&self, here: &str, beat_at: i64, now: i64) -> bool {
        match self.host == here {
            true => started(self.pid) == Some(self.started),
            false => now - beat_at < BEAT_COUNTS,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {} on {})", self.who, self.pid, self.host)
    }
}

/// The right to write a run. The database refuses one that is no longer the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub run: String,
    /// Rises with every process that takes the run over.
    pub epoch: i64,
}

/// Who has the lease of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub owner: Owner,
    pub epoch: i64,
    /// Whether that process lives.
    pub alive: bool,
    /// When it was last heard of (wall clock, milliseconds).
    pub beat_at: i64,
}

/// The name of this machine.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// When a living process started; `None` when there is none, or it has ended and only waits to be collected.
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses too.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ended = matches!(*fields.first()?, "Z" | "X");
    let started = fields.get(19)?.parse().ok()?;
    (!ended).then_some(started)
}
