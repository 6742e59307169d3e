//! Events as lines for people: what a terminal shows while a run is driven, and `plan status` afterwards.

use crate::engine::{Decision, Event, FailureKind, Outcome, Phase, Reading, RunStatus, SkipReason, Waiting};
use crate::model::{GateSpec, Work, WorkBody};

/// How a line is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Good,
    Bad,
    /// Taken back.
    Back,
    /// Waits for somebody.
    Wait,
    /// Left out.
    Skip,
    Plain,
}

impl Mark {
    /// One column wide.
    pub fn sign(self) -> &'static str {
        match self {
            Mark::Good => "✓",
            Mark::Bad => "×",
            Mark::Back => "↩",
            Mark::Wait => "…",
            Mark::Skip => "-",
            Mark::Plain => "·",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub mark: Mark,
    /// The node it is about; `None`: the run.
    pub node: Option<usize>,
    pub text: String,
}

/// The line of an event; `None` for those that only the record needs.
pub fn line(event: &Event, work: &Work) -> Option<Line> {
    let id = |node: usize| work.nodes.get(node).map_or("?", |node| node.id.as_str());
    let about = |mark: Mark, node: usize, text: String| Some(Line { mark, node: Some(node), text });
    let run = |mark: Mark, text: String| Some(Line { mark, node: None, text });
    match event {
        Event::RunBegan | Event::ChecksHeld { .. } | Event::Observed { .. } => None,
        Event::ChecksBegan { .. } | Event::StaleIgnored { .. } | Event::NodeHalted { .. } => None,
        Event::RunResumed => run(Mark::Plain, "taken over from the journal".into()),
        Event::RunInterrupted => run(Mark::Wait, "interrupted: what runs is being ended".into()),
        Event::NodeSkipped { node, why } => about(Mark::Skip, *node, skipped(why, &id)),
        Event::RoundRead { node, readings, .. } => round(*node, readings),
        // What follows from it is said by the event of its own.
        Event::ChecksFailed { phase: Phase::When | Phase::Require | Phase::Verify, .. } => None,
        Event::ChecksFailed { node, check, .. } => {
            about(Mark::Bad, *node, format!("undo: `verify undo` {} did not hold", check + 1))
        }
        Event::ChecksUnreadable { node, phase, why, .. } => {
            about(Mark::Wait, *node, format!("{} cannot be read: {why}", phase_word(*phase)))
        }
        Event::ObservationFailed { node, why } => about(Mark::Wait, *node, format!("cannot be observed: {why}")),
        Event::ActionIntended { node, attempt: 1 } => about(Mark::Plain, *node, "starts".into()),
        Event::ActionIntended { node, attempt } => about(Mark::Plain, *node, format!("starts, attempt {attempt}")),
        Event::ActionEnded {
            outcome: Outcome::Succeeded { .. } | Outcome::Failed { .. } | Outcome::TimedOut { .. },
            ..
        } => None,
        Event::ActionEnded { node, outcome, .. } => {
            outcome_text(outcome).and_then(|text| about(Mark::Wait, *node, text))
        }
        Event::RetryScheduled { node, attempt, after } => {
            about(Mark::Wait, *node, format!("attempt {attempt} failed, is tried again in {}", duration(*after)))
        }
        Event::DoubtRaised { node, why, .. } => about(Mark::Wait, *node, format!("in doubt: {why}")),
        Event::DoubtSettled { .. } => None,
        Event::StepDone { node } => about(Mark::Good, *node, "done".into()),
        Event::StepFailed { node, kind, why } => about(Mark::Bad, *node, failed(*kind, why)),
        Event::GateShown { node } => about(Mark::Wait, *node, "waits".into()),
        Event::GateApproved { node, who, .. } => about(Mark::Good, *node, format!("approved by {}", who.name)),
        Event::GateOpened { node } => about(Mark::Good, *node, "open".into()),
        Event::GateRefused { node, who, reason } => {
            about(Mark::Bad, *node, format!("refused by {}: {reason}", who.name))
        }
        Event::GateExpired { node } => about(Mark::Bad, *node, "expired: nobody approved in time".into()),
        Event::GateClosed { node } => about(Mark::Skip, *node, "closed: the run goes back".into()),
        Event::UnwindingBegan { nodes, .. } if nodes.is_empty() => None,
        Event::UnwindingBegan { nodes, why } => run(Mark::Back, format!("takes {} back: {why}", steps(nodes.len()))),
        Event::UndoAsked { node, .. } => about(Mark::Wait, *node, "may be undone only when a person says yes".into()),
        Event::UndoIntended { node, .. } => about(Mark::Plain, *node, "is being undone".into()),
        Event::UndoEnded { node, outcome, .. } => {
            outcome_text(outcome).and_then(|text| about(Mark::Bad, *node, format!("undo: {text}")))
        }
        Event::StepUndone { node } => about(Mark::Back, *node, "undone".into()),
        Event::UndoFailed { node, why } => about(Mark::Bad, *node, format!("could not be undone: {why}")),
        Event::QuestionRaised { node, deadline } => about(Mark::Wait, *node, question(*deadline)),
        Event::Decided { who, decision } => {
            run(Mark::Plain, format!("{} decided: {}", who.name, decided(decision, &id)))
        }
        Event::RunPaused { waiting } if waiting.is_empty() => None,
        Event::RunPaused { waiting } => {
            let what: Vec<String> = waiting.iter().map(|waiting| waits_for(waiting, work)).collect();
            run(Mark::Wait, format!("waits for {}", what.join("; ")))
        }
        Event::RunEnded { status, remaining } => {
            let left: Vec<&str> = remaining.iter().map(|node| id(*node)).collect();
            run(ended_mark(*status), ended(*status, &left))
        }
    }
}

fn round(node: usize, readings: &[crate::engine::CheckReading]) -> Option<Line> {
    let why = readings.iter().find_map(|reading| match &reading.reading {
        Reading::Unreadable(why) => Some(why),
        Reading::True | Reading::False => None,
    })?;
    Some(Line { mark: Mark::Wait, node: Some(node), text: format!("a check could not be read this time: {why}") })
}

fn skipped<'a>(why: &SkipReason, id: &impl Fn(usize) -> &'a str) -> String {
    match why {
        SkipReason::Environment => "skipped: not in this environment".into(),
        SkipReason::When => "skipped: its `when` is false".into(),
        SkipReason::Missing { node } => format!("skipped: it needs what `{}` would have given", id(*node)),
        SkipReason::Operator { reason } => format!("skipped: {reason}"),
    }
}

fn failed(kind: FailureKind, why: &str) -> String {
    match kind {
        FailureKind::Clean => format!("failed, and changed nothing: {why}"),
        FailureKind::Dirty => format!("failed: {why}"),
        FailureKind::Unknown => format!("failed, and may have happened: {why}"),
        FailureKind::Precondition => format!("not started: {why}"),
    }
}

/// What an outcome says when it is not a success.
fn outcome_text(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Succeeded { .. } => None,
        Outcome::Failed { failure, .. } => Some(failure.message.clone()),
        Outcome::TimedOut { after } => Some(format!("did not end within {} and was killed", duration(*after))),
        Outcome::Unknown { why } => Some(why.clone()),
        Outcome::ByHand { what } => Some(format!("to be done by hand: {what}")),
    }
}

fn question(deadline: Option<i64>) -> String {
    match deadline {
        Some(at) => format!("a person decides; without an answer everything is undone at {}", clock(at)),
        None => "a person decides what happens now".into(),
    }
}

fn decided<'a>(decision: &Decision, id: &impl Fn(usize) -> &'a str) -> String {
    match decision {
        Decision::Approve { node, .. } => format!("approve `{}`", id(*node)),
        Decision::Reject { node, reason } => format!("reject `{}`: {reason}", id(*node)),
        Decision::Resolve { node, done: true, .. } => format!("`{}` has happened", id(*node)),
        Decision::Resolve { node, done: false, .. } => format!("`{}` has not happened", id(*node)),
        Decision::MarkDone { node, reason } => format!("`{}` counts as done: {reason}", id(*node)),
        Decision::MarkUndone { node, reason } => format!("`{}` counts as undone: {reason}", id(*node)),
        Decision::Retry { node } => format!("try `{}` once more", id(*node)),
        Decision::Skip { node, reason } => format!("go on without `{}`: {reason}", id(*node)),
        Decision::Unwind { nodes: None, reason } => format!("take everything back: {reason}"),
        Decision::Unwind { nodes: Some(nodes), reason } => {
            let names: Vec<&str> = nodes.iter().map(|node| id(*node)).collect();
            format!("take {} back: {reason}", names.join(", "))
        }
        Decision::AllowUndo { node, .. } => format!("the undo of `{}` may run", id(*node)),
        Decision::DenyUndo { node, .. } => format!("the undo of `{}` may not run", id(*node)),
        Decision::Cancel { reason } => format!("cancel: {reason}"),
        Decision::Close { reason } => format!("close: {reason}"),
    }
}

/// Who may open a gate, when the plan names them.
fn approvers(work: &Work, node: usize) -> String {
    match work.nodes.get(node).map(|node| &node.body) {
        Some(WorkBody::Gate(GateSpec { approve: Some(approve), .. })) if !approve.of.is_empty() => {
            format!(" by {}", approve.of.join(" or "))
        }
        _ => String::new(),
    }
}

/// What a paused run waits for, in words.
pub fn waits_for(waiting: &Waiting, work: &Work) -> String {
    let id = |node: &usize| work.nodes.get(*node).map_or("?", |node| node.id.as_str());
    match waiting {
        Waiting::Gate { node, have, need, window: true, .. } if have >= need => {
            format!("the window of gate `{}`", id(node))
        }
        Waiting::Gate { node, have, need, .. } => {
            let votes = if *need > 1 { format!(" ({have} of {need})") } else { String::new() };
            format!("approval at gate `{}`{}{votes}", id(node), approvers(work, *node))
        }
        Waiting::Window => "the window of the environment".into(),
        Waiting::Question { node, deadline: Some(at) } => {
            format!("a decision about `{}` (undone at {} without one)", id(node), clock(*at))
        }
        Waiting::Question { node, deadline: None } => format!("a decision about `{}`", id(node)),
        Waiting::Doubt { node, why } => format!("somebody who knows whether `{}` happened ({why})", id(node)),
        Waiting::Unreadable { node, why, .. } => format!("a check of `{}` that can be read ({why})", id(node)),
        Waiting::UndoAsk { node, .. } => format!("a yes to the undo of `{}`", id(node)),
        Waiting::Stuck { node } => format!("a repair by hand of `{}`, which could not be undone", id(node)),
    }
}

fn ended_mark(status: RunStatus) -> Mark {
    match status {
        RunStatus::Succeeded => Mark::Good,
        RunStatus::RolledBack | RunStatus::PartlyRolledBack => Mark::Back,
        RunStatus::Running | RunStatus::Unwinding | RunStatus::Paused => Mark::Wait,
        RunStatus::Stuck | RunStatus::Closed | RunStatus::NothingDone => Mark::Bad,
    }
}

/// How a run ended, in words.
pub fn ended(status: RunStatus, left: &[&str]) -> String {
    let what = match status {
        RunStatus::Succeeded => "succeeded",
        RunStatus::RolledBack => "rolled back: no effect is left",
        RunStatus::PartlyRolledBack => "partly rolled back, as the plan says",
        RunStatus::Stuck => "stuck: effects remain that should not",
        RunStatus::Closed => "closed",
        RunStatus::NothingDone => "nothing was done: a precondition did not hold",
        RunStatus::Running => "running",
        RunStatus::Paused => "paused",
        RunStatus::Unwinding => "unwinding",
    };
    match status {
        RunStatus::Stuck | RunStatus::PartlyRolledBack | RunStatus::Closed if !left.is_empty() => {
            format!("{what}; what remains: {}", left.join(", "))
        }
        _ => what.into(),
    }
}

/// The name of a phase as the plan writes it.
pub fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::When => "when",
        Phase::Require => "require",
        Phase::Verify => "verify",
        Phase::VerifyUndo => "verify undo",
    }
}

/// `1 step`, `3 steps`
pub fn steps(count: usize) -> String {
    format!("{count} step{}", if count == 1 { "" } else { "s" })
}

/// A duration for people: `340 ms`, `4.2 s`, `3m 10s`, `2h 5m`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        60_000..3_600_000 => format!("{}m {}s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{}h {}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// Wall time (milliseconds since the Unix epoch) as date and time of day where this machine is.
pub fn clock(wall: i64) -> String {
    written(wall, jiff::tz::TimeZone::system())
}

/// The same in an IANA zone, which is named; where it is not known, as on this machine.
pub fn clock_in(wall: i64, zone: &str) -> String {
    match jiff::tz::TimeZone::get(zone) {
        Ok(known) => format!("{} {zone}", written(wall, known)),
        Err(_) => clock(wall),
    }
}

fn written(wall: i64, zone: jiff::tz::TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(wall) {
        Ok(at) => at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{wall} ms"),
    }
}
