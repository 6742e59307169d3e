//! Processes as `/proc` shows them: who belongs to a run or a group, and whether a pid is still the one that was recorded.

use std::fs;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// What one line of `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub pid: u32,
    /// It has ended and only waits to be collected.
    pub ended: bool,
    pub group: i32,
    /// Clock ticks since boot.
    pub started: u64,
}

/// The state of a process; `None` when there is none.
pub(crate) fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &text)
}

fn parse_stat(pid: u32, text: &str) -> Option<Stat> {
    // The name stands in parentheses and may hold anything, parentheses too.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ended = matches!(*fields.first()?, "Z" | "X");
    Some(Stat { pid, ended, group: fields.get(2)?.parse().ok()?, started: fields.get(19)?.parse().ok()? })
}

/// Every process that lives.
pub(crate) fn living() -> impl Iterator<Item = Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(stat).filter(|stat| !stat.ended)
}

/// Whether the environment with which a process was started has all these `KEY=value` entries.
pub(crate) fn environ_has(pid: u32, entries: &[String]) -> bool {
    let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let has = |entry: &String| environ.split(|byte| *byte == 0).any(|part| part == entry.as_bytes());
    entries.iter().all(has)
}

/// Whether anything lives in a process group. Ended ones that nobody collects (a container without an init) don't count.
pub(crate) fn group_lives(group: i32) -> bool {
    let Some(pid) = Pid::from_raw(group) else { return false };
    match test_kill_process_group(pid) {
        Err(rustix::io::Errno::SRCH) => false,
        Ok(()) | Err(_) => living().any(|stat| stat.group == group),
    }
}

/// Sends a signal to a group; one that is gone is fine. Never to our own, to init's, or to everybody.
pub(crate) fn signal_group(group: i32, signal: Signal) {
    let own = rustix::process::getpgrp().as_raw_nonzero().get();
    if group <= 1 || group == own {
        return;
    }
    if let Some(pid) = Pid::from_raw(group) {
        // Gone already, or somebody else's (sudo): nothing more can be done here.
        let _ = kill_process_group(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_parentheses_and_blanks() {
        let line = "42 (a) Z 1 (b c)) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1";
        assert_eq!(parse_stat(42, line), Some(Stat { pid: 42, ended: false, group: 77, started: 987_654 }));
    }

    #[test]
    fn this_process_lives() {
        let own = stat(std::process::id()).unwrap();
        assert!(living().any(|other| other == own));
        assert!(group_lives(own.group));
    }
}
