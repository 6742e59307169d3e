//! What the machine knows of one node.

use super::checks::{Mark, PhaseState};
use super::{NodeState, Phase};

/// A command that is out and not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flight {
    Read { phase: Phase, round: u32 },
    Observe,
    Act { attempt: u32 },
    Undo { alternative: usize, attempt: u32 },
    Settle { attempt: u32 },
}

impl Flight {
    /// It carries an effect out and takes one of the `--jobs`.
    pub fn acts(self) -> bool {
        match self {
            Flight::Act { .. } | Flight::Undo { .. } => true,
            Flight::Read { .. } | Flight::Observe | Flight::Settle { .. } => false,
        }
    }
}

/// What failed, so that a retry knows what to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedAt {
    /// A check of this phase.
    Check(Phase),
    /// The action.
    Action,
    /// A gate: refused or expired.
    Gate,
}

/// One node of a run.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub state: NodeState,
    /// Dependencies that do not let it pass yet.
    pub missing: u32,
    /// Intents so far.
    pub attempts: u32,
    /// Attempts since it was started, or started anew by a person: what `retry` counts.
    pub tries: u32,
    /// It may have had an effect that has not been taken back.
    pub effect: bool,
    /// An attempt failed without knowing that nothing had happened.
    pub unclean: bool,
    /// An intent has no outcome, or one that says nothing.
    pub open: bool,
    pub observed: bool,
    pub when_held: bool,
    pub phase: Option<PhaseState>,
    pub failed_at: Option<FailedAt>,
    /// Waits for a person: a check (or, without a phase, an observation) could not be read.
    pub unreadable: Option<(Option<Phase>, String)>,
    /// Waits for a person: a failure; with the wall time at which everything is undone.
    pub question: Option<Option<i64>>,
    /// Waits for a person: did it happen? Also: have you done it by hand?
    pub doubt: Option<String>,
    pub by_hand: bool,
    /// Milliseconds of pause after a moment, between attempts.
    pub backoff: Option<(Mark, u64)>,
    pub started: Option<i64>,
    pub ended: Option<i64>,
    /// The undo alternative that comes next, or is being tried.
    pub alternative: usize,
    pub undo_attempts: u32,
    /// How often this alternative was lost on its way.
    pub lost: u32,
    /// Why the newest try to undo it failed.
    pub last_why: Option<String>,
    /// A person said yes to the alternative.
    pub allowed: bool,
    /// On the way back: dependants that have to be undone first.
    pub back_missing: u32,
    /// On the way back: nothing of it is left, and its dependencies have been told.
    pub clear: bool,
    /// A gate was shown.
    pub shown: Option<Mark>,
    pub votes: Vec<String>,
    pub flight: Option<Flight>,
    /// When its next round or attempt is due, on the monotonic clock.
    pub due: Option<u64>,
}

impl Node {
    pub fn new() -> Self {
        Self {
            state: NodeState::Pending,
            missing: 0,
            attempts: 0,
            tries: 0,
            effect: false,
            unclean: false,
            open: false,
            observed: false,
            when_held: false,
            phase: None,
            failed_at: None,
            unreadable: None,
            question: None,
            doubt: None,
            by_hand: false,
            backoff: None,
            started: None,
            ended: None,
            alternative: 0,
            undo_attempts: 0,
            lost: 0,
            last_why: None,
            allowed: false,
            back_missing: 0,
            clear: false,
            shown: None,
            votes: Vec::new(),
            flight: None,
            due: None,
        }
    }

    /// A person is wanted.
    pub fn asks(&self) -> bool {
        self.unreadable.is_some()
            || self.question.is_some()
            || self.doubt.is_some()
            || matches!(self.state, NodeState::Waiting | NodeState::UndoAsked | NodeState::UndoFailed)
    }

    /// A person is wanted before anything new may start elsewhere.
    pub fn holds_the_run(&self) -> bool {
        self.unreadable.is_some() || self.question.is_some() || self.doubt.is_some()
    }

    /// Forgets what a person was asked.
    pub fn answered(&mut self) {
        self.unreadable = None;
        self.question = None;
        self.doubt = None;
        self.by_hand = false;
    }

    /// It is on its way, forwards or back.
    pub fn moves(&self) -> bool {
        use NodeState as S;
        match self.state {
            S::Checking | S::Running | S::Backoff | S::Verifying => true,
            S::UndoAsked | S::Undoing | S::VerifyingUndo => true,
            S::Pending | S::Done | S::Skipped | S::Failed | S::InDoubt | S::Undone | S::UndoFailed => false,
            S::Waiting | S::Open | S::Refused | S::Expired | S::Closed => false,
        }
    }
}

/// A node, for those who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeView {
    pub state: NodeState,
    /// Intents so far.
    pub attempts: u32,
    /// It may have had an effect that has not been taken back.
    pub effect: bool,
    /// Wall time of its first sign of life, milliseconds since the Unix epoch.
    pub started: Option<i64>,
    /// Wall time at which it came to rest.
    pub ended: Option<i64>,
}
