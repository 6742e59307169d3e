//! The way forward: starting nodes, their checks, their actions, and what comes of them.

use super::checks::Verdict;
use super::node::{FailedAt, Flight};
use super::run::Run;
use super::{
    CheckReading, Command, Event, FailureKind, NodeState, Observation, Outcome, Phase, Reading, Settlement, SkipReason,
};
use crate::model::PolicySpec;

impl Run {
    /// Starts whatever may start now: first what needs no job, then actions while a job is free.
    pub(super) fn go_forward(&mut self) {
        let mut from = 0;
        while let Some(node) = self.ready.range(from..).next().copied().filter(|_| self.may_start()) {
            from = if self.start(node) { 0 } else { node + 1 };
        }
        while self.acting + self.to_act.len() < self.work.jobs && self.may_start() {
            let Some(node) = self.ready_actions.first().copied() else { return };
            if !self.start(node) {
                return;
            }
        }
    }

    fn may_start(&self) -> bool {
        !self.halted && self.holding.is_empty() && self.targets.is_none() && self.ended.is_none()
    }

    /// `false`: the window has to open first.
    fn start(&mut self, node: usize) -> bool {
        if self.skip(node) {
            return true;
        }
        if !self.window_open {
            return false;
        }
        self.ready.remove(&node);
        self.ready_actions.remove(&node);
        self.first_phase(node);
        true
    }

    /// Leaves a node out that has no place here, or nothing to work with.
    pub(super) fn skip(&mut self, node: usize) -> bool {
        if self.work.nodes[node].excluded {
            self.emit(Event::NodeSkipped { node, why: SkipReason::Environment });
        } else if let Some(missing) = self.lacks(node) {
            self.emit(Event::NodeSkipped { node, why: SkipReason::Missing { node: missing } });
        } else {
            return false;
        }
        true
    }

    /// A dependency that should have given something and has not.
    fn lacks(&self, node: usize) -> Option<usize> {
        let empty = |dep: usize| matches!(self.nodes[dep].state, NodeState::Skipped | NodeState::Failed);
        let deps = &self.work.nodes[node].deps;
        deps.iter().find(|dep| dep.uses && empty(dep.node)).map(|dep| dep.node)
    }

    pub(super) fn first_phase(&mut self, node: usize) {
        match self.work.nodes[node].when && !self.nodes[node].when_held {
            true => self.begin_phase(node, Phase::When),
            false => self.begin_phase(node, Phase::Require),
        }
    }

    /// Starts to read the checks of a phase; goes on at once when there are none.
    pub(super) fn begin_phase(&mut self, node: usize, phase: Phase) {
        if self.timings(node, phase).is_empty() {
            self.phase_held(node, phase);
            return;
        }
        self.emit(Event::ChecksBegan { node, phase });
        self.look(node);
    }

    /// Reads what is due of the phase that a node is in, or waits until something is.
    pub(super) fn look(&mut self, node: usize) {
        let state = &self.nodes[node];
        let Some(phase) = &state.phase else { return };
        if self.halted || state.flight.is_some() || state.unreadable.is_some() {
            return;
        }
        let checks = phase.due(self.now);
        if checks.is_empty() {
            let wait = phase.wait(self.now).unwrap_or(0).max(1);
            self.schedule(node, wait);
            return;
        }
        let (phase, round) = (phase.phase, phase.round);
        self.unschedule(node);
        self.launch(node, Flight::Read { phase, round }, Command::Read { node, phase, round, checks });
    }

    pub(super) fn on_read(&mut self, node: usize, (phase, round): (Phase, u32), readings: Vec<CheckReading>) {
        if !self.landed(node, Flight::Read { phase, round }) {
            return;
        }
        let untrue = phase == Phase::When && readings.iter().any(|reading| reading.reading == Reading::False);
        self.emit(Event::RoundRead { node, phase, round, readings });
        if untrue {
            self.emit(Event::NodeSkipped { node, why: SkipReason::When });
            return;
        }
        let Some(state) = &self.nodes[node].phase else { return };
        match state.broken() {
            Some((check, Verdict::Unreadable(why))) => {
                let why = why.clone();
                self.emit(Event::ChecksUnreadable { node, phase, check, why });
                self.give_up_unreadable(node);
            }
            Some((check, _)) => {
                self.emit(Event::ChecksFailed { node, phase, check });
                self.check_failed(node, phase, check);
            }
            None if state.held() => {
                self.emit(Event::ChecksHeld { node, phase });
                self.phase_held(node, phase);
            }
            None => self.look(node),
        }
    }

    fn phase_held(&mut self, node: usize, phase: Phase) {
        match phase {
            Phase::When => self.begin_phase(node, Phase::Require),
            Phase::Require if self.step(node).is_none() => self.show_gate(node),
            Phase::Require => self.observe(node),
            Phase::Verify => self.emit(Event::StepDone { node }),
            Phase::VerifyUndo => self.emit(Event::StepUndone { node }),
        }
    }

    fn check_failed(&mut self, node: usize, phase: Phase, check: usize) {
        match phase {
            Phase::VerifyUndo => {
                self.nodes[node].last_why = Some(format!("`verify undo` {} did not hold", check + 1));
            }
            Phase::When | Phase::Require => {
                self.fail(node, FailureKind::Precondition, format!("`require` {} did not hold", check + 1));
            }
            Phase::Verify => self.fail(node, FailureKind::Dirty, format!("`verify` {} did not hold", check + 1)),
        }
    }

    fn observe(&mut self, node: usize) {
        let observes = self.step(node).is_some_and(|step| step.observes);
        if observes && !self.nodes[node].observed {
            if self.nodes[node].state == NodeState::Pending {
                self.emit(Event::ChecksBegan { node, phase: Phase::Require });
            }
            if !self.halted {
                self.launch(node, Flight::Observe, Command::Observe { node });
            }
            return;
        }
        self.act(node);
    }

    pub(super) fn on_observed(&mut self, node: usize, result: Result<Observation, String>) {
        if !self.landed(node, Flight::Observe) {
            return;
        }
        match result {
            Ok(observation) => {
                self.emit(Event::Observed { node, observation });
                self.act(node);
            }
            Err(why) => {
                self.emit(Event::ObservationFailed { node, why });
                self.give_up_unreadable(node);
            }
        }
    }

    fn act(&mut self, node: usize) {
        if !self.step(node).is_some_and(|step| step.action) {
            self.begin_phase(node, Phase::Verify);
            return;
        }
        self.to_act.insert(node);
        self.act_waiting();
    }

    /// Gives the jobs that are free to the nodes that wait for one.
    pub(super) fn act_waiting(&mut self) {
        let waiting: Vec<usize> = self.to_act.iter().copied().take(self.work.jobs).collect();
        for node in waiting {
            if self.halted || self.acting >= self.work.jobs {
                return;
            }
            let free = self.targets.is_none() && self.holding.is_empty() || self.is_clean_up(node);
            let unstarted = matches!(self.nodes[node].state, NodeState::Pending | NodeState::Checking);
            match (free, unstarted) {
                (true, _) => self.intend(node),
                // By the time somebody has decided its checks are old: it starts anew then.
                (false, true) => {
                    self.to_act.remove(&node);
                    self.emit(Event::NodeHalted { node });
                }
                (false, false) => {}
            }
        }
    }

    fn intend(&mut self, node: usize) {
        self.to_act.remove(&node);
        let attempt = self.nodes[node].attempts + 1;
        self.emit(Event::ActionIntended { node, attempt });
        self.launch(node, Flight::Act { attempt }, Command::Act { node, attempt });
    }

    pub(super) fn on_ended(&mut self, node: usize, attempt: u32, outcome: Outcome) {
        if !self.landed(node, Flight::Act { attempt }) {
            self.stale(node, attempt, "the end of an action");
            return;
        }
        self.emit(Event::ActionEnded { node, attempt, outcome: outcome.clone() });
        match outcome {
            Outcome::Succeeded { .. } => self.verify(node),
            Outcome::Failed { clean, failure } => {
                let clean = clean || self.step(node).is_some_and(|step| step.atomic);
                let kind = if clean { FailureKind::Clean } else { FailureKind::Dirty };
                self.attempt_failed(node, kind, failure.message);
            }
            Outcome::TimedOut { after } => {
                self.attempt_failed(
                    node,
                    FailureKind::Unknown,
                    format!("it did not end within {}", super::run::span(after)),
                );
            }
            Outcome::Unknown { why } => self.lost(node, why),
            Outcome::ByHand { .. } => {}
        }
    }

    fn verify(&mut self, node: usize) {
        match self.targets.is_some() && !self.is_clean_up(node) {
            true => self.emit(Event::NodeHalted { node }),
            false => self.begin_phase(node, Phase::Verify),
        }
    }

    fn attempt_failed(&mut self, node: usize, kind: FailureKind, why: String) {
        let state = &self.nodes[node];
        let (attempt, tries, unclean) = (state.attempts, state.tries, state.unclean);
        let Some(step) = self.step(node) else { return };
        let safe = step.idempotent || step.atomic && !unclean;
        let forward = self.targets.is_none() || step.always;
        if safe && forward && !self.halted && tries <= step.retries {
            let (least, most) = step.backoff;
            let doubled = least.saturating_mul(1_u64.checked_shl(tries - 1).unwrap_or(u64::MAX));
            let after = doubled.min(most.max(least));
            self.emit(Event::RetryScheduled { node, attempt, after });
            self.schedule(node, after);
            return;
        }
        // A clean failure says nothing about an earlier attempt that was not.
        let kind = if unclean && kind == FailureKind::Clean { FailureKind::Dirty } else { kind };
        self.fail(node, kind, why);
    }

    /// An action is gone without having said how it ended.
    fn lost(&mut self, node: usize, why: String) {
        let attempt = self.nodes[node].attempts;
        if self.halted {
            // The resume settles it.
        } else if self.targets.is_some() {
            self.emit(Event::DoubtRaised { node, attempt, why });
        } else {
            self.settle(node);
        }
    }

    pub(super) fn settle(&mut self, node: usize) {
        let attempt = self.nodes[node].attempts;
        self.launch(node, Flight::Settle { attempt }, Command::Settle { node, attempt });
    }

    pub(super) fn on_settled(&mut self, node: usize, attempt: u32, settlement: Settlement) {
        if !self.landed(node, Flight::Settle { attempt }) {
            self.stale(node, attempt, "the settling of a doubt");
            return;
        }
        if self.targets.is_some() && !self.is_clean_up(node) {
            let why = "the run was turning back when it was found".to_owned();
            self.emit(Event::DoubtRaised { node, attempt, why });
            return;
        }
        match settlement {
            Settlement::Done(None) if self.is_used(node) => {
                let why = "it has happened, but what it gave is lost, and a later step uses it".to_owned();
                self.emit(Event::DoubtRaised { node, attempt, why });
            }
            Settlement::Done(_) => {
                self.emit(Event::DoubtSettled { node, attempt, settlement });
                self.begin_phase(node, Phase::Verify);
            }
            Settlement::NotDone => {
                self.emit(Event::DoubtSettled { node, attempt, settlement });
                self.schedule(node, 0);
            }
            Settlement::Unknown(why) => match self.step(node).is_some_and(|step| step.idempotent) {
                true => self.act(node),
                false => self.emit(Event::DoubtRaised { node, attempt, why }),
            },
        }
    }

    fn may_tell(&self, node: usize) -> bool {
        let state = &self.nodes[node];
        state.open && !state.by_hand && self.targets.is_none() && self.step(node).is_some_and(|step| step.done_when)
    }

    fn is_used(&self, node: usize) -> bool {
        let uses = |after: usize| self.work.nodes[after].deps.iter().any(|dep| dep.uses && dep.node == node);
        self.work.graph.after(node).any(uses)
    }

    /// A step has failed for good; what follows is the plan's choice.
    pub(super) fn fail(&mut self, node: usize, kind: FailureKind, why: String) {
        if self.nodes[node].failed_at.is_none() {
            self.nodes[node].failed_at = Some(FailedAt::Action);
        }
        let id = self.work.nodes[node].id.clone();
        let (optional, policy) = match self.step(node) {
            Some(step) => (step.optional, step.on_failure.clone()),
            None => (false, PolicySpec::UndoAll),
        };
        self.emit(Event::StepFailed { node, kind, why: why.clone() });
        if optional || self.is_clean_up(node) && self.targets.is_some() {
            return;
        }
        // Nothing has been changed, so there is nothing to decide either.
        let policy = if kind == FailureKind::Precondition && !self.changed { PolicySpec::UndoAll } else { policy };
        self.follow_policy(node, &policy, format!("`{id}` failed: {why}"));
    }

    pub(super) fn follow_policy(&mut self, node: usize, policy: &PolicySpec, why: String) {
        match policy {
            PolicySpec::UndoAll => self.unwind(None, why),
            PolicySpec::Undo(nodes) => {
                let from = nodes.iter().copied().chain([node]).collect();
                self.unwind(Some(from), why);
            }
            // Once it turns back nobody is asked whether it should.
            PolicySpec::Ask { .. } | PolicySpec::Stop if self.targets.is_some() => {}
            PolicySpec::Ask { then_undo_after } => {
                let after = then_undo_after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
                let deadline = after.map(|after| self.now.wall.saturating_add(after));
                self.emit(Event::QuestionRaised { node, deadline });
            }
            PolicySpec::Stop => self.emit(Event::QuestionRaised { node, deadline: None }),
        }
    }

    pub(super) fn stale(&mut self, node: usize, attempt: u32, what: &str) {
        if node < self.nodes.len() {
            self.emit(Event::StaleIgnored { node, attempt, what: what.to_owned() });
        }
    }

    pub(super) fn is_clean_up(&self, node: usize) -> bool {
        self.step(node).is_some_and(|step| step.always)
    }

    /// What is due by the clock.
    pub(super) fn wake(&mut self) {
        while let Some((due, node)) = self.timers.first().copied() {
            if due > self.now.mono || self.halted {
                return;
            }
            self.unschedule(node);
            match self.nodes[node].state {
                NodeState::Backoff => self.retry_due(node),
                _ => self.look(node),
            }
        }
    }

    fn retry_due(&mut self, node: usize) {
        self.nodes[node].backoff = None;
        self.act(node);
    }

    /// Takes a node up again after a process has taken the run over.
    pub(super) fn take_up(&mut self, node: usize) {
        match self.nodes[node].state {
            NodeState::Checking => {
                let required = self.nodes[node].phase.as_ref().is_some_and(|phase| phase.phase == Phase::Require);
                match required {
                    true => self.resume_phase(node, Phase::Require),
                    false => {
                        self.nodes[node].answered();
                        self.follow(node);
                        self.first_phase(node);
                    }
                }
            }
            NodeState::Running => self.settle(node),
            // What could not be told then may be told now.
            NodeState::InDoubt if self.may_tell(node) => self.settle(node),
            NodeState::Backoff => {
                let wait = self.nodes[node].backoff.as_mut().map_or(0, |(since, after)| {
                    since.rebase(self.now);
                    after.saturating_sub(since.elapsed(self.now))
                });
                self.schedule(node, wait);
            }
            NodeState::Verifying => self.resume_phase(node, Phase::Verify),
            NodeState::VerifyingUndo => self.resume_phase(node, Phase::VerifyUndo),
            NodeState::Pending | NodeState::Done | NodeState::Skipped | NodeState::Failed | NodeState::InDoubt => {}
            NodeState::UndoAsked | NodeState::Undoing | NodeState::Undone | NodeState::UndoFailed => {}
            NodeState::Waiting | NodeState::Open | NodeState::Refused | NodeState::Expired | NodeState::Closed => {}
        }
    }

    fn resume_phase(&mut self, node: usize, phase: Phase) {
        let state = &mut self.nodes[node];
        state.answered();
        match &mut state.phase {
            // One without checks, or with all of them held, has nothing to wait for.
            Some(reading) if reading.phase == phase && reading.broken().is_none() && !reading.held() => {
                reading.gap(self.now);
            }
            _ => {
                state.phase = None;
                self.follow(node);
                self.begin_phase(node, phase);
                return;
            }
        }
        self.follow(node);
        self.look(node);
    }

    pub(super) fn resume(&mut self) {
        if self.is_final() {
            return;
        }
        self.halted = false;
        for node in &mut self.nodes {
            if let Some(shown) = &mut node.shown {
                shown.rebase(self.now);
            }
        }
        self.emit(Event::RunResumed);
        if !self.began {
            self.emit(Event::RunBegan);
        }
        for node in 0..self.nodes.len() {
            self.take_up(node);
        }
    }
}
