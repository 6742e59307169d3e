//! Exit codes: one exhaustive match from what happened to a number. `docs/reference` has the same table.

use crate::engine::{RunStatus, Waiting};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// An internal error or one of input and output.
    Internal,
    Usage,
    /// `validate`, `fmt --check` or `lint` found something.
    Findings,
    /// A precondition did not hold; nothing was done.
    NothingDone,
    /// A gate, a question, a doubt.
    Waiting,
    /// Failed and undone as the plan says.
    Unwound,
    /// Stuck, or closed with effects left.
    Stuck,
    Locked,
    OutsideWindow,
    /// Plan, values or state are stale.
    Stale,
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Findings => 3,
            Exit::NothingDone => 4,
            Exit::Waiting => 5,
            Exit::Unwound => 6,
            Exit::Stuck => 7,
            Exit::Locked => 8,
            Exit::OutsideWindow => 9,
            Exit::Stale => 10,
            Exit::Interrupted => 130,
        }
    }

    /// How a run that is no longer driven stands.
    pub fn of_run(status: RunStatus, waiting: &[Waiting], remaining: usize) -> Exit {
        match status {
            RunStatus::Succeeded => Exit::Done,
            RunStatus::NothingDone => Exit::NothingDone,
            RunStatus::RolledBack | RunStatus::PartlyRolledBack => Exit::Unwound,
            RunStatus::Stuck => Exit::Stuck,
            RunStatus::Closed if remaining == 0 => Exit::Unwound,
            RunStatus::Closed => Exit::Stuck,
            RunStatus::Running | RunStatus::Unwinding => Exit::Interrupted,
            RunStatus::Paused => Exit::of_pause(waiting),
        }
    }

    fn of_pause(waiting: &[Waiting]) -> Exit {
        let only_window = |w: &Waiting| match w {
            Waiting::Window => true,
            Waiting::Gate { have, need, window, .. } => *window && have >= need,
            Waiting::Question { .. } | Waiting::Doubt { .. } | Waiting::Unreadable { .. } => false,
            Waiting::UndoAsk { .. } | Waiting::Stuck { .. } => false,
        };
        let stuck = |w: &Waiting| matches!(w, Waiting::Stuck { .. });
        match () {
            () if waiting.iter().any(stuck) => Exit::Stuck,
            () if !waiting.is_empty() && waiting.iter().all(only_window) => Exit::OutsideWindow,
            () => Exit::Waiting,
        }
    }
}
