//! How each event changes a run. The same code adds up a journal and follows a live run: a run is the sum of its events.

use super::checks::{Mark, PhaseState};
use super::node::FailedAt;
use super::run::{ApplyError, Run};
use super::transition::{Fact, next};
use super::{Decision, Event, NodeState, Now, Outcome, Phase, RunStatus, Settlement};
use crate::model::{UndoSpec, WorkBody};

/// When an event happened: recorded (wall clock only) or now.
#[derive(Clone, Copy)]
pub(super) struct When {
    pub mark: Mark,
    pub now: Now,
}

impl Run {
    /// Takes in an event that is on record. `at`: wall time, milliseconds since the Unix epoch.
    pub fn apply(&mut self, at: i64, event: &Event) -> Result<(), ApplyError> {
        // In a journal the wall clock is all there is.
        let now = Now { wall: at, mono: u64::try_from(at).unwrap_or(0) };
        self.take(When { mark: Mark::recorded(at), now }, event)
    }

    pub(super) fn take(&mut self, when: When, event: &Event) -> Result<(), ApplyError> {
        if let Some(node) = event.node() {
            if node >= self.nodes.len() {
                return Err(ApplyError::NoSuchNode { node });
            }
            self.change(when, node, event)?;
            self.follow(node);
            return Ok(());
        }
        match event {
            Event::RunBegan => self.began = true,
            Event::RunResumed | Event::RunInterrupted => self.gap(when.now),
            Event::UnwindingBegan { nodes, .. } => {
                self.ended = None;
                self.turn_back(nodes);
            }
            Event::RunPaused { waiting } => self.paused.clone_from(waiting),
            Event::RunEnded { status, .. } => self.ended = Some(*status),
            Event::Decided { decision, .. } => self.decided(when, decision)?,
            _ => unreachable!("every other event names its node"),
        }
        Ok(())
    }

    /// A time in which nobody looked.
    fn gap(&mut self, now: Now) {
        for node in &mut self.nodes {
            if let Some(phase) = &mut node.phase {
                phase.gap(now);
            }
        }
    }

    pub(super) fn step_to(&mut self, node: usize, fact: Fact) -> Result<(), ApplyError> {
        let from = self.nodes[node].state;
        let Some(to) = next(from, fact) else {
            let (node, what) = (self.work.nodes[node].id.clone(), format!("{fact:?}"));
            return Err(ApplyError::NotAllowed { node, state: from, what });
        };
        self.set_state(node, to);
        Ok(())
    }

    fn change(&mut self, when: When, node: usize, event: &Event) -> Result<(), ApplyError> {
        if self.nodes[node].started.is_none() && !matches!(event, Event::NodeSkipped { .. } | Event::NodeHalted { .. })
        {
            self.nodes[node].started = Some(when.mark.wall);
        }
        match event {
            Event::ChecksBegan { .. }
            | Event::RoundRead { .. }
            | Event::ChecksHeld { .. }
            | Event::ChecksFailed { .. }
            | Event::ChecksUnreadable { .. } => self.change_checks(when, node, event)?,
            Event::Observed { .. } => self.nodes[node].observed = true,
            Event::ObservationFailed { why, .. } => self.nodes[node].unreadable = Some((None, why.clone())),
            Event::ActionIntended { attempt, .. } => self.intended(node, *attempt)?,
            Event::ActionEnded { outcome, .. } => self.action_ended(node, outcome)?,
            Event::RetryScheduled { after, .. } => {
                self.step_to(node, Fact::Backoff)?;
                self.nodes[node].backoff = Some((when.mark, *after));
            }
            Event::DoubtRaised { why, .. } => {
                self.step_to(node, Fact::Doubted)?;
                // On the way back nobody has to know: it is undone as if it had happened.
                let asks = self.targets.is_none() || self.is_clean_up(node);
                self.nodes[node].doubt = asks.then(|| why.clone());
                self.nodes[node].unclean = true;
            }
            Event::DoubtSettled { settlement, .. } => self.doubt_settled(when, node, settlement)?,
            Event::UndoAsked { .. }
            | Event::UndoIntended { .. }
            | Event::UndoEnded { .. }
            | Event::StepUndone { .. }
            | Event::UndoFailed { .. } => self.change_back(node, event)?,
            Event::QuestionRaised { deadline, .. } => self.nodes[node].question = Some(*deadline),
            Event::StaleIgnored { .. } => {}
            _ => self.change_rest(when, node, event)?,
        }
        let state = &self.nodes[node];
        let waits = matches!(state.state, NodeState::Pending | NodeState::Waiting | NodeState::InDoubt);
        let resting = !state.moves() && !waits;
        self.nodes[node].ended = resting.then_some(when.mark.wall);
        Ok(())
    }

    /// Ends of steps, and gates.
    fn change_rest(&mut self, when: When, node: usize, event: &Event) -> Result<(), ApplyError> {
        match event {
            Event::NodeSkipped { .. } => {
                self.nodes[node].answered();
                self.step_to(node, Fact::Skipped)
            }
            Event::NodeHalted { .. } => self.halted(node),
            Event::StepDone { .. } => self.step_to(node, Fact::Done),
            Event::StepFailed { .. } => {
                let state = &mut self.nodes[node];
                state.failed_at = state.failed_at.or(Some(FailedAt::Action));
                // Nothing has happened: its action knows it, or the plan says `atomic`. There is nothing to take back.
                let clean = !self.nodes[node].unclean && !self.nodes[node].open;
                let verified = self.nodes[node].failed_at == Some(FailedAt::Check(Phase::Verify));
                if clean && !verified {
                    self.nodes[node].effect = false;
                }
                self.nodes[node].answered();
                self.nodes[node].phase = None;
                self.step_to(node, Fact::Failed)
            }
            Event::GateShown { .. } => {
                self.nodes[node].shown = Some(when.mark);
                self.nodes[node].votes.clear();
                self.step_to(node, Fact::Shown)
            }
            Event::GateApproved { who, .. } => {
                self.nodes[node].votes.push(who.name.clone());
                Ok(())
            }
            Event::GateOpened { .. } => self.step_to(node, Fact::Opened),
            Event::GateRefused { .. } => {
                self.nodes[node].failed_at = Some(FailedAt::Gate);
                self.step_to(node, Fact::Refused)
            }
            Event::GateExpired { .. } => {
                self.nodes[node].failed_at = Some(FailedAt::Gate);
                self.step_to(node, Fact::Expired)
            }
            Event::GateClosed { .. } => self.step_to(node, Fact::Closed),
            _ => unreachable!("the other events are taken in by their own functions"),
        }
    }

    fn halted(&mut self, node: usize) -> Result<(), ApplyError> {
        let state = &mut self.nodes[node];
        state.answered();
        let fact = match state.state {
            NodeState::Pending | NodeState::Checking => Fact::HaltedUnstarted,
            _ => Fact::HaltedStarted,
        };
        self.step_to(node, fact)
    }

    fn change_checks(&mut self, when: When, node: usize, event: &Event) -> Result<(), ApplyError> {
        match event {
            Event::ChecksBegan { phase, .. } => {
                let fact = match phase {
                    Phase::When | Phase::Require => Fact::ChecksBegan,
                    Phase::Verify => Fact::VerifyBegan,
                    Phase::VerifyUndo => Fact::VerifyUndoBegan,
                };
                self.step_to(node, fact)?;
                let checks = self.timings(node, *phase).len();
                self.nodes[node].phase = Some(PhaseState::new(*phase, when.mark, checks));
            }
            Event::RoundRead { phase, readings, .. } => {
                let timings = self.timings(node, *phase);
                if let Some(state) = self.nodes[node].phase.as_mut().filter(|state| state.phase == *phase) {
                    state.read(&timings, readings, when.mark, when.now);
                }
            }
            Event::ChecksHeld { phase, .. } => {
                self.nodes[node].phase = None;
                self.nodes[node].when_held |= *phase == Phase::When;
            }
            Event::ChecksFailed { phase, .. } => {
                self.nodes[node].phase = None;
                match phase {
                    Phase::VerifyUndo => self.next_alternative(node),
                    Phase::When | Phase::Require | Phase::Verify => {
                        self.nodes[node].failed_at = Some(FailedAt::Check(*phase));
                    }
                }
            }
            Event::ChecksUnreadable { phase, why, .. } => {
                self.nodes[node].unreadable = Some((Some(*phase), why.clone()));
            }
            _ => unreachable!("only checks come here"),
        }
        Ok(())
    }

    fn intended(&mut self, node: usize, attempt: u32) -> Result<(), ApplyError> {
        self.step_to(node, Fact::Intended)?;
        let changes = self.step(node).is_some_and(|step| step.effect);
        self.changed |= changes;
        let state = &mut self.nodes[node];
        state.answered();
        state.attempts = attempt;
        state.tries += 1;
        state.effect |= changes;
        state.open = true;
        state.backoff = None;
        state.phase = None;
        state.failed_at = None;
        Ok(())
    }

    fn action_ended(&mut self, node: usize, outcome: &Outcome) -> Result<(), ApplyError> {
        let atomic = self.atomic(node);
        let state = &mut self.nodes[node];
        state.open = matches!(outcome, Outcome::Unknown { .. });
        match outcome {
            Outcome::Succeeded { .. } => self.step_to(node, Fact::Succeeded),
            Outcome::Failed { clean, .. } => {
                state.unclean |= !(*clean || atomic);
                self.step_to(node, Fact::AttemptFailed)
            }
            Outcome::TimedOut { .. } | Outcome::Unknown { .. } => {
                state.unclean = true;
                self.step_to(node, Fact::AttemptFailed)
            }
            Outcome::ByHand { what } => {
                state.doubt = Some(what.clone());
                state.by_hand = true;
                self.step_to(node, Fact::Doubted)
            }
        }
    }

    fn doubt_settled(&mut self, when: When, node: usize, settlement: &Settlement) -> Result<(), ApplyError> {
        self.nodes[node].answered();
        match settlement {
            Settlement::Done(_) => {
                self.nodes[node].open = false;
                self.step_to(node, Fact::Succeeded)
            }
            Settlement::NotDone => {
                self.nodes[node].open = false;
                self.nodes[node].backoff = Some((when.mark, 0));
                self.step_to(node, Fact::Backoff)
            }
            Settlement::Unknown(_) => Ok(()),
        }
    }

    fn change_back(&mut self, node: usize, event: &Event) -> Result<(), ApplyError> {
        match event {
            Event::UndoAsked { .. } => self.step_to(node, Fact::UndoAsked),
            Event::UndoIntended { attempt, .. } => {
                self.step_to(node, Fact::UndoIntended)?;
                self.nodes[node].answered();
                self.nodes[node].undo_attempts = *attempt;
                Ok(())
            }
            Event::UndoEnded { outcome, .. } => {
                self.step_to(node, Fact::UndoEnded)?;
                match outcome {
                    Outcome::Succeeded { .. } => self.step_to(node, Fact::VerifyUndoBegan)?,
                    Outcome::Failed { .. } | Outcome::TimedOut { .. } => self.next_alternative(node),
                    // Ended by a signal or lost: an undo may be repeated.
                    Outcome::Unknown { .. } => self.undo_lost(node),
                    Outcome::ByHand { what } => {
                        self.nodes[node].doubt = Some(what.clone());
                        self.nodes[node].by_hand = true;
                    }
                }
                Ok(())
            }
            Event::StepUndone { .. } => {
                self.step_to(node, Fact::Undone)?;
                self.nodes[node].effect = false;
                self.nodes[node].answered();
                Ok(())
            }
            Event::UndoFailed { .. } => {
                self.nodes[node].answered();
                self.step_to(node, Fact::UndoFailed)
            }
            _ => unreachable!("only the way back comes here"),
        }
    }

    pub(super) fn next_alternative(&mut self, node: usize) {
        self.nodes[node].alternative += 1;
        self.nodes[node].lost = 0;
        self.nodes[node].allowed = false;
    }

    fn decided(&mut self, when: When, decision: &Decision) -> Result<(), ApplyError> {
        let reopens = matches!(decision, Decision::Retry { .. } | Decision::MarkUndone { .. });
        if reopens && self.ended == Some(RunStatus::Stuck) {
            self.ended = None;
        }
        let Some(node) = decision.node() else { return Ok(()) };
        if node >= self.nodes.len() {
            return Err(ApplyError::NoSuchNode { node });
        }
        match decision {
            Decision::Retry { .. } => self.retried(when, node)?,
            Decision::MarkDone { .. } => {
                self.step_to(node, Fact::MarkedDone)?;
                self.nodes[node].answered();
                self.nodes[node].phase = None;
                self.nodes[node].open = false;
                self.nodes[node].effect = self.step(node).is_some_and(|step| step.effect);
                self.changed |= self.nodes[node].effect;
            }
            Decision::MarkUndone { .. } => {
                self.step_to(node, Fact::MarkedUndone)?;
                self.nodes[node].answered();
                self.nodes[node].phase = None;
            }
            Decision::AllowUndo { .. } => self.nodes[node].allowed = true,
            Decision::DenyUndo { .. } => self.next_alternative(node),
            Decision::Resolve { .. } | Decision::Skip { .. } | Decision::Approve { .. } | Decision::Reject { .. } => {}
            Decision::Unwind { .. } | Decision::Cancel { .. } | Decision::Close { .. } => {}
        }
        self.follow(node);
        Ok(())
    }

    fn retried(&mut self, when: When, node: usize) -> Result<(), ApplyError> {
        let unreadable = self.nodes[node].unreadable.is_some();
        self.nodes[node].answered();
        if unreadable {
            if let Some(phase) = &mut self.nodes[node].phase {
                *phase = PhaseState::new(phase.phase, when.mark, phase.checks.len());
            }
            return Ok(());
        }
        match (self.nodes[node].state, self.nodes[node].failed_at.take()) {
            (NodeState::UndoFailed, _) => self.nodes[node].alternative = 0,
            (_, Some(FailedAt::Check(Phase::Verify))) => self.step_to(node, Fact::CheckAgain)?,
            _ => {
                self.nodes[node].tries = 0;
                self.nodes[node].votes.clear();
                self.step_to(node, Fact::Again)?;
            }
        }
        Ok(())
    }

    fn atomic(&self, node: usize) -> bool {
        self.step(node).is_some_and(|step| step.atomic)
    }

    /// It has something that would have to be taken back, and a way or a duty to.
    pub(super) fn needs_undo(&self, node: usize) -> bool {
        let undoable = match &self.work.nodes[node].body {
            WorkBody::Step(step) => step.undo != UndoSpec::Nothing,
            WorkBody::Gate(_) => false,
        };
        undoable && self.nodes[node].effect
    }
}
