//! What goes into the engine and what comes out. Times are milliseconds; nodes are indexes into [`Work`](crate::model::Work).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{HookEvent, Value};

/// The time of an input, by both clocks. Timers use `mono`; over a restart, elapsed time is max(0, difference of `wall`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since the Unix epoch.
    pub wall: i64,
    /// Milliseconds of a clock that never goes back, from an arbitrary start of this process.
    pub mono: u64,
}

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// First input of a new run.
    Begin,
    /// A process has taken the run over from the journal: what was in flight has nobody waiting for it.
    Resume,
    /// The time that `next_wakeup` named has come.
    Tick,
    /// The window of the environment is open or closed; said at the start and at every change.
    Window { open: bool },
    /// The window of a gate is open or closed; said at the start and at every change.
    GateWindow { node: usize, open: bool },
    /// Answer to [`Command::Read`].
    Read { node: usize, phase: Phase, round: u32, readings: Vec<CheckReading> },
    /// Answer to [`Command::Observe`].
    Observed { node: usize, result: Result<Observation, String> },
    /// Answer to [`Command::Act`].
    Ended { node: usize, attempt: u32, outcome: Outcome },
    /// Answer to [`Command::Undo`].
    UndoEnded { node: usize, alternative: usize, attempt: u32, outcome: Outcome },
    /// Answer to [`Command::Settle`].
    Settled { node: usize, attempt: u32, settlement: Settlement },
    /// A person decided.
    Operator { who: Who, decision: Decision },
    /// A signal, or the end of `--max-wall`: start nothing more, end what runs, leave a run that can be resumed.
    Interrupt,
}

/// What is being read, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    When,
    Require,
    Verify,
    VerifyUndo,
}

/// One check, read once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReading {
    /// Index in the list of that phase; 0 for `when`.
    pub check: usize,
    pub reading: Reading,
    /// What was seen, masked: `[[start, end, "shown value"], …]` over spans of the plan file. Kept, never interpreted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
}

/// A part of an expression (bytes of the plan file) and the value it had, as shown to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen(pub u32, pub u32, pub String);

/// A probe that cannot be read is neither true nor false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    True,
    False,
    Unreadable(String),
}

/// What was observed before an action.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// The `remember` values, in order.
    pub remembered: Vec<Value>,
    /// What the action's own undo will need; `Value::None` when nothing.
    pub captured: Option<Value>,
}

/// How an action or an undo ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "as")]
pub enum Outcome {
    Succeeded {
        /// Outputs by name, masked.
        outputs: BTreeMap<String, Value>,
    },
    /// `clean`: the action knows that nothing has happened (its program was not found, its transaction was rolled back).
    Failed { clean: bool, failure: Failure },
    /// The process group was killed at the end of its time; whether the effect happened is not known: never clean.
    TimedOut { after: u64 },
    /// Ended by us or lost before it could say; whether the effect happened is not known.
    Unknown { why: String },
    /// A person does it (`by_hand`): waits for their word.
    ByHand { what: String },
}

/// Why something failed, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// `R05xx`
    pub code: String,
    /// One sentence, masked.
    pub message: String,
    /// The last lines of its output, masked; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
}

/// What became of an intent without an outcome, once its processes were ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// `done when` holds; the outputs as far as they can be rebuilt. `None`: they are lost and something may need them.
    Done(Option<BTreeMap<String, Value>>),
    /// `done when` does not hold.
    NotDone,
    /// There is no `done when`, or it could not be read.
    Unknown(String),
}

/// Somebody who decided, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name used (`--as`), else the OS user.
    pub name: String,
    pub os_user: String,
    pub host: String,
}

/// What a person can decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Decision {
    /// Open a gate, or one vote of several. `answers`: one for each checklist item; `digest`: of what was shown.
    Approve {
        node: usize,
        answers: Vec<bool>,
        digest: String,
        comment: Option<String>,
    },
    Reject {
        node: usize,
        reason: String,
    },
    /// Settle a doubt (or a step done by hand).
    Resolve {
        node: usize,
        done: bool,
        reason: Option<String>,
    },
    /// After a repair by hand: `verify` (or `verify undo`) is read, then it counts as done (or undone).
    MarkDone {
        node: usize,
        reason: String,
    },
    MarkUndone {
        node: usize,
        reason: String,
    },
    /// Try a failed step, an unreadable or failed check, or a failed undo once more.
    Retry {
        node: usize,
    },
    /// Go on without a failed step.
    Skip {
        node: usize,
        reason: String,
    },
    /// Unwind now: everything, or these nodes and what depends on them. Also `plan rollback` of a succeeded run.
    Unwind {
        nodes: Option<Vec<usize>>,
        reason: String,
    },
    /// Say yes to an undo that asks.
    AllowUndo {
        node: usize,
        alternative: usize,
    },
    /// Say no to it: the next alternative is tried.
    DenyUndo {
        node: usize,
        alternative: usize,
    },
    /// Stop and unwind. Recorded again when repeated; never interrupts an undo.
    Cancel {
        reason: String,
    },
    /// Accept what remains.
    Close {
        reason: String,
    },
}

/// Something the driver has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Read these checks of a phase once, side by side. No effect: need not wait for the journal.
    Read { node: usize, phase: Phase, round: u32, checks: Vec<usize> },
    /// Evaluate `remember` and capture what the undo needs. No effect.
    Observe { node: usize },
    /// Carry the action out. Only after every event so far is durable.
    Act { node: usize, attempt: u32 },
    /// Carry an undo alternative out. Only after every event so far is durable.
    Undo { node: usize, alternative: usize, attempt: u32 },
    /// End leftover processes of this step, then read `done when` if it has one.
    Settle { node: usize, attempt: u32 },
    /// End the process group that runs for this node.
    Kill { node: usize },
    /// Run the hooks for this event; durable first. Their end is not reported to the engine.
    Hook { event: HookEvent },
}

/// Facts, in the past tense: the journal keeps them, and a run is what they add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    RunBegan,
    /// A process took the run over.
    RunResumed,
    /// Stopped by a signal; can be resumed.
    RunInterrupted,
    NodeSkipped {
        node: usize,
        why: SkipReason,
    },
    /// It was on its way and stops where it is: the run turns back, or a person decides first and it starts anew then.
    NodeHalted {
        node: usize,
    },
    /// The first round of a phase is due: deadlines count from here.
    ChecksBegan {
        node: usize,
        phase: Phase,
    },
    /// One round of readings.
    RoundRead {
        node: usize,
        phase: Phase,
        round: u32,
        readings: Vec<CheckReading>,
    },
    /// All checks of a phase held (`when`: the expression was true).
    ChecksHeld {
        node: usize,
        phase: Phase,
    },
    /// One did not (`when` being false is `NodeSkipped`).
    ChecksFailed {
        node: usize,
        phase: Phase,
        check: usize,
    },
    /// One could not be read and nothing waits for it: a person decides.
    ChecksUnreadable {
        node: usize,
        phase: Phase,
        check: usize,
        why: String,
    },
    Observed {
        node: usize,
        observation: Observation,
    },
    /// The values to remember could not be observed.
    ObservationFailed {
        node: usize,
        why: String,
    },
    /// The intent: the action may run from here on.
    ActionIntended {
        node: usize,
        attempt: u32,
    },
    ActionEnded {
        node: usize,
        attempt: u32,
        outcome: Outcome,
    },
    RetryScheduled {
        node: usize,
        attempt: u32,
        after: u64,
    },
    /// Intent without outcome, and nothing that can tell.
    DoubtRaised {
        node: usize,
        attempt: u32,
        why: String,
    },
    DoubtSettled {
        node: usize,
        attempt: u32,
        settlement: Settlement,
    },
    StepDone {
        node: usize,
    },
    StepFailed {
        node: usize,
        kind: FailureKind,
        why: String,
    },
    GateShown {
        node: usize,
    },
    GateApproved {
        node: usize,
        who: Who,
        answers: Vec<bool>,
        digest: String,
        comment: Option<String>,
    },
    GateOpened {
        node: usize,
    },
    GateRefused {
        node: usize,
        who: Who,
        reason: String,
    },
    GateExpired {
        node: usize,
    },
    GateClosed {
        node: usize,
    },
    /// Nothing forward starts from here on. The nodes whose effects go, and why.
    UnwindingBegan {
        nodes: Vec<usize>,
        why: String,
    },
    UndoAsked {
        node: usize,
        alternative: usize,
    },
    UndoIntended {
        node: usize,
        alternative: usize,
        attempt: u32,
    },
    UndoEnded {
        node: usize,
        alternative: usize,
        attempt: u32,
        outcome: Outcome,
    },
    StepUndone {
        node: usize,
    },
    /// No alternative is left.
    UndoFailed {
        node: usize,
        why: String,
    },
    /// A failure waits for a person (`ask`, `stop`, `--on-failure ask`); `deadline`: wall time at which everything is undone.
    QuestionRaised {
        node: usize,
        deadline: Option<i64>,
    },
    Decided {
        who: Who,
        decision: Decision,
    },
    /// A completion that nobody waits for any more.
    StaleIgnored {
        node: usize,
        attempt: u32,
        what: String,
    },
    /// Recorded when it changes.
    RunPaused {
        waiting: Vec<Waiting>,
    },
    RunEnded {
        status: RunStatus,
        remaining: Vec<usize>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum SkipReason {
    /// `only in` other environments.
    Environment,
    /// `when` was false.
    When,
    /// It uses an output of this node, which has none.
    Missing { node: usize },
    /// A person said so.
    Operator { reason: String },
}

/// Invariant 8: failure is clean, dirty or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nothing has happened.
    Clean,
    /// Something may have happened.
    Dirty,
    /// Nobody can tell.
    Unknown,
    /// Its own preconditions did not hold: no attempt was made.
    Precondition,
}

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    Pending,
    /// `when`, `require`, `remember`.
    Checking,
    Running,
    /// Between two attempts.
    Backoff,
    Verifying,
    Done,
    Skipped,
    Failed,
    InDoubt,
    /// An undo waits for a yes.
    UndoAsked,
    Undoing,
    /// `verify undo`.
    VerifyingUndo,
    Undone,
    UndoFailed,
    // gates
    Waiting,
    Open,
    Refused,
    Expired,
    Closed,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Running,
    /// Waits for a person or a window, in [`Waiting`].
    Paused,
    Unwinding,
    Succeeded,
    /// No effect is left.
    RolledBack,
    /// Unwound as far as the plan says; what came before stays on purpose.
    PartlyRolledBack,
    /// Effects remain that should not.
    Stuck,
    /// A person accepted what remains.
    Closed,
    /// A precondition did not hold and nothing was done.
    NothingDone,
}

/// What a paused run waits for. Times are wall clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Waiting {
    /// Approvals (`have` of `need`), or the checklist when it needs none; or only its window, when `window` is true.
    Gate { node: usize, have: u32, need: u32, window: bool, expires: Option<i64> },
    /// The window of the environment.
    Window,
    /// A failed step: what now?
    Question { node: usize, deadline: Option<i64> },
    /// Did it happen?
    Doubt { node: usize, why: String },
    /// A check or an observation that cannot be read.
    Unreadable { node: usize, phase: Option<Phase>, why: String },
    /// An undo that asks.
    UndoAsk { node: usize, alternative: usize },
    /// No undo alternative is left.
    Stuck { node: usize },
}

impl Event {
    /// The node that an event is about; `None` for those about the run.
    pub fn node(&self) -> Option<usize> {
        match self {
            Event::RunBegan | Event::RunResumed | Event::RunInterrupted | Event::UnwindingBegan { .. } => None,
            Event::Decided { .. } | Event::RunPaused { .. } | Event::RunEnded { .. } => None,
            Event::NodeSkipped { node, .. }
            | Event::NodeHalted { node }
            | Event::ChecksBegan { node, .. }
            | Event::RoundRead { node, .. }
            | Event::ChecksHeld { node, .. }
            | Event::ChecksFailed { node, .. }
            | Event::ChecksUnreadable { node, .. }
            | Event::Observed { node, .. }
            | Event::ObservationFailed { node, .. }
            | Event::ActionIntended { node, .. }
            | Event::ActionEnded { node, .. }
            | Event::RetryScheduled { node, .. }
            | Event::DoubtRaised { node, .. }
            | Event::DoubtSettled { node, .. }
            | Event::StepDone { node }
            | Event::StepFailed { node, .. }
            | Event::GateShown { node }
            | Event::GateApproved { node, .. }
            | Event::GateOpened { node }
            | Event::GateRefused { node, .. }
            | Event::GateExpired { node }
            | Event::GateClosed { node }
            | Event::UndoAsked { node, .. }
            | Event::UndoIntended { node, .. }
            | Event::UndoEnded { node, .. }
            | Event::StepUndone { node }
            | Event::UndoFailed { node, .. }
            | Event::QuestionRaised { node, .. }
            | Event::StaleIgnored { node, .. } => Some(*node),
        }
    }

    /// It has to be durable before anything goes on: all but what is only worth keeping with the next commit.
    pub fn urgent(&self) -> bool {
        !matches!(self, Event::RoundRead { .. } | Event::ChecksBegan { .. } | Event::NodeHalted { .. })
    }
}

impl Decision {
    /// The node that it is about.
    pub fn node(&self) -> Option<usize> {
        match self {
            Decision::Approve { node, .. } | Decision::Reject { node, .. } | Decision::Resolve { node, .. } => {
                Some(*node)
            }
            Decision::MarkDone { node, .. } | Decision::MarkUndone { node, .. } | Decision::Retry { node } => {
                Some(*node)
            }
            Decision::Skip { node, .. } | Decision::AllowUndo { node, .. } | Decision::DenyUndo { node, .. } => {
                Some(*node)
            }
            Decision::Unwind { .. } | Decision::Cancel { .. } | Decision::Close { .. } => None,
        }
    }
}

impl NodeState {
    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            NodeState::Pending => "pending",
            NodeState::Checking => "checking",
            NodeState::Running => "running",
            NodeState::Backoff => "waiting to be tried again",
            NodeState::Verifying => "verifying",
            NodeState::Done => "done",
            NodeState::Skipped => "skipped",
            NodeState::Failed => "failed",
            NodeState::InDoubt => "in doubt",
            NodeState::UndoAsked => "asking whether it may be undone",
            NodeState::Undoing => "being undone",
            NodeState::VerifyingUndo => "verifying its undo",
            NodeState::Undone => "undone",
            NodeState::UndoFailed => "not undone: that failed",
            NodeState::Waiting => "waiting",
            NodeState::Open => "open",
            NodeState::Refused => "refused",
            NodeState::Expired => "expired",
            NodeState::Closed => "closed",
        }
    }
}

impl RunStatus {
    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Paused => "paused",
            RunStatus::Unwinding => "unwinding",
            RunStatus::Succeeded => "succeeded",
            RunStatus::RolledBack => "rolled back",
            RunStatus::PartlyRolledBack => "partly rolled back",
            RunStatus::Stuck => "stuck",
            RunStatus::Closed => "closed",
            RunStatus::NothingDone => "nothing done",
        }
    }
}
