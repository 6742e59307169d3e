//! Which process drives a run, and whether it lives.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A process, told from a later one with the same pid by its start time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    /// Clock ticks since boot: field 22 of `/proc/PID/stat`.
    pub started: u64,
    pub host: String,
    /// The person behind it.
    pub who: String,
}

impl Owner {
    /// This process.
    pub fn of_this_process(host: &str, who: &str) -> Self {
        let pid = std::process::id();
        Self { pid, started: start_time(pid).unwrap_or(0), host: host.to_owned(), who: who.to_owned() }
    }

    /// Whether it still runs, as far as this host can tell; a process of another host may.
    pub fn lives(&self, here: &str) -> Option<bool> {
        (self.host == here).then(|| start_time(self.pid) == Some(self.started))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of {} on {}", self.pid, self.who, self.host)
    }
}

/// When a process started; `None` when there is none, or only its remains.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, but the last parenthesis closes it.
    let rest = stat.rsplit_once(')')?.1;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The name of this host.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Owner, host};

    #[test]
    fn this_process_lives_and_an_earlier_one_with_its_pid_does_not() {
        let owner = Owner::of_this_process(&host(), "kim");
        assert_eq!(owner.lives(&host()), Some(true));
        let earlier = Owner { started: owner.started.wrapping_sub(1), ..owner.clone() };
        assert_eq!(earlier.lives(&host()), Some(false));
        assert_eq!(owner.lives("elsewhere"), None);
    }
}
