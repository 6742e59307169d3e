//! What people decide, and gates.

use super::run::{Refusal, Run};
use super::{Command, Decision, Event, FailureKind, NodeState, Phase, RunStatus, Settlement, SkipReason, Who};
use crate::model::{GateSpec, PolicySpec, WorkBody};

impl Run {
    pub(super) fn on_decision(&mut self, who: Who, decision: Decision) {
        if let Err(why) = self.allowed(&who, &decision) {
            self.out.refused = Some(Refusal(why));
            return;
        }
        match decision.clone() {
            Decision::Approve { node, answers, digest, comment } => {
                self.emit(Event::GateApproved { node, who, answers, digest, comment });
            }
            Decision::Reject { node, reason } => {
                self.emit(Event::GateRefused { node, who, reason: reason.clone() });
                self.gate_failed(node, &format!("was refused: {reason}"));
            }
            _ => {
                self.emit(Event::Decided { who, decision: decision.clone() });
                self.carry_out(decision);
            }
        }
    }

    fn carry_out(&mut self, decision: Decision) {
        match decision {
            Decision::Approve { .. } | Decision::Reject { .. } => {}
            Decision::Resolve { node, done, .. } => self.resolve(node, done),
            Decision::MarkDone { node, .. } => self.begin_phase(node, Phase::Verify),
            Decision::MarkUndone { node, .. } => self.begin_phase(node, Phase::VerifyUndo),
            Decision::Retry { node } => self.retry(node),
            Decision::Skip { node, reason } => {
                self.land(node);
                self.unschedule(node);
                self.emit(Event::NodeSkipped { node, why: SkipReason::Operator { reason } });
            }
            Decision::Unwind { nodes, reason } => self.unwind(nodes, format!("taken back: {reason}")),
            // The loop goes on by itself: the undo starts, or its next alternative is looked at.
            Decision::AllowUndo { .. } | Decision::DenyUndo { .. } => {}
            Decision::Cancel { reason } => self.cancel(reason),
            Decision::Close { .. } => {
                let remaining = self.remaining();
                self.emit(Event::RunEnded { status: RunStatus::Closed, remaining });
            }
        }
    }

    fn cancel(&mut self, reason: String) {
        if self.targets.is_some() {
            return;
        }
        self.unwind(None, format!("cancelled: {reason}"));
        let running: Vec<usize> = self.running.iter().copied().filter(|node| !self.is_clean_up(*node)).collect();
        for node in running {
            self.command(Command::Kill { node });
        }
    }

    fn retry(&mut self, node: usize) {
        match self.nodes[node].state {
            NodeState::Checking if self.nodes[node].phase.is_none() => self.first_phase(node),
            NodeState::Checking => self.look(node),
            NodeState::Verifying if self.nodes[node].phase.is_none() => self.begin_phase(node, Phase::Verify),
            NodeState::Verifying | NodeState::VerifyingUndo => self.look(node),
            // It is ready by now, or its undo is.
            NodeState::Pending | NodeState::Running | NodeState::Backoff | NodeState::Done => {}
            NodeState::Skipped | NodeState::Failed | NodeState::InDoubt | NodeState::UndoAsked => {}
            NodeState::Undoing | NodeState::Undone | NodeState::UndoFailed | NodeState::Waiting => {}
            NodeState::Open | NodeState::Refused | NodeState::Expired | NodeState::Closed => {}
        }
    }

    fn resolve(&mut self, node: usize, done: bool) {
        let attempt = self.nodes[node].attempts;
        let by_hand = self.nodes[node].by_hand;
        if self.nodes[node].state == NodeState::Undoing {
            self.resolve_undo(node, done);
            return;
        }
        let settlement = if done { Settlement::Done(None) } else { Settlement::NotDone };
        self.emit(Event::DoubtSettled { node, attempt, settlement });
        match (done, by_hand) {
            (true, _) => self.begin_phase(node, Phase::Verify),
            (false, false) => self.schedule(node, 0),
            (false, true) => self.fail(node, FailureKind::Clean, "a person says that it has not been done".to_owned()),
        }
    }

    /// An undo that a person does.
    fn resolve_undo(&mut self, node: usize, done: bool) {
        let (alternative, attempt) = (self.nodes[node].alternative, self.nodes[node].undo_attempts);
        let outcome = match done {
            true => super::Outcome::Succeeded { outputs: Default::default() },
            false => super::Outcome::Failed {
                clean: false,
                failure: super::Failure {
                    code: "R0500".to_owned(),
                    message: "a person says that it has not been undone".to_owned(),
                    tail: String::new(),
                },
            },
        };
        self.nodes[node].answered();
        self.emit(Event::UndoEnded { node, alternative, attempt, outcome });
        if done {
            self.begin_phase(node, Phase::VerifyUndo);
        }
    }

    /// Whether a decision fits the state of the run; the error says why not.
    fn allowed(&self, who: &Who, decision: &Decision) -> Result<(), String> {
        if let Some(node) = decision.node()
            && node >= self.nodes.len()
        {
            return Err(format!("there is no node {node} in this run"));
        }
        self.allowed_when_ended(decision)?;
        match decision {
            Decision::Approve { node, answers, .. } => self.may_approve(*node, who, answers),
            Decision::Reject { node, .. } => self.waits_at(*node),
            Decision::Resolve { node, .. } if self.nodes[*node].doubt.is_some() => Ok(()),
            Decision::Resolve { node, .. } => Err(self.is_not(*node, "in doubt")),
            Decision::MarkDone { node, .. } => match self.nodes[*node].state {
                _ if self.targets.is_some() => Err("the run turns back: nothing can be marked done any more".into()),
                NodeState::Failed | NodeState::InDoubt => Ok(()),
                _ => Err(self.is_not(*node, "failed or in doubt")),
            },
            Decision::MarkUndone { node, .. } => match self.nodes[*node].state {
                NodeState::UndoFailed | NodeState::UndoAsked => Ok(()),
                _ => Err(self.is_not(*node, "waiting for its undo")),
            },
            Decision::Retry { node } => self.may_retry(*node),
            Decision::Skip { node, .. } => self.may_skip(*node),
            Decision::AllowUndo { node, .. } | Decision::DenyUndo { node, .. } => match self.nodes[*node].state {
                NodeState::UndoAsked => Ok(()),
                _ => Err(self.is_not(*node, "asking whether it may be undone")),
            },
            Decision::Unwind { nodes: Some(nodes), .. } if nodes.iter().any(|node| *node >= self.nodes.len()) => {
                Err("there is no such node in this run".into())
            }
            Decision::Unwind { .. } if self.targets.is_some() && self.ended.is_none() => {
                Err("the run is turning back already".into())
            }
            Decision::Unwind { .. } | Decision::Cancel { .. } | Decision::Close { .. } => Ok(()),
        }
    }

    fn allowed_when_ended(&self, decision: &Decision) -> Result<(), String> {
        let Some(status) = self.ended else {
            let close = matches!(decision, Decision::Close { .. });
            return match close && (self.in_flight > 0 || !self.running.is_empty()) {
                true => Err("something is still running: `plan cancel` stops it first".into()),
                false => Ok(()),
            };
        };
        let fits = match decision {
            Decision::Unwind { .. } => status == RunStatus::Succeeded || status == RunStatus::PartlyRolledBack,
            Decision::Retry { .. } | Decision::MarkUndone { .. } | Decision::Close { .. } => status == RunStatus::Stuck,
            Decision::Approve { .. } | Decision::Reject { .. } | Decision::Resolve { .. } | Decision::Skip { .. } => {
                false
            }
            Decision::MarkDone { .. } | Decision::AllowUndo { .. } | Decision::DenyUndo { .. } => false,
            Decision::Cancel { .. } => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("the run has ended ({})", status.word())),
        }
    }

    fn is_not(&self, node: usize, what: &str) -> String {
        format!("`{}` is {}, not {what}", self.work.nodes[node].id, self.nodes[node].state.word())
    }

    fn may_retry(&self, node: usize) -> Result<(), String> {
        let state = &self.nodes[node];
        let forward = self.targets.is_none();
        match state.state {
            _ if state.unreadable.is_some() => Ok(()),
            NodeState::UndoFailed => Ok(()),
            NodeState::Failed | NodeState::Refused | NodeState::Expired if forward => Ok(()),
            NodeState::Failed | NodeState::Refused | NodeState::Expired => {
                Err("the run turns back: nothing forward starts".into())
            }
            _ => Err(self.is_not(node, "failed")),
        }
    }

    fn may_skip(&self, node: usize) -> Result<(), String> {
        let state = &self.nodes[node];
        match state.state {
            _ if self.targets.is_some() && !self.is_clean_up(node) => {
                Err("the run turns back: there is nothing to skip".into())
            }
            NodeState::Failed | NodeState::InDoubt => Ok(()),
            NodeState::Checking | NodeState::Verifying if state.unreadable.is_some() => Ok(()),
            _ => Err(self.is_not(node, "waiting for a decision")),
        }
    }

    fn waits_at(&self, node: usize) -> Result<(), String> {
        match self.nodes[node].state {
            NodeState::Waiting => Ok(()),
            _ => Err(self.is_not(node, "waiting")),
        }
    }

    fn may_approve(&self, node: usize, who: &Who, answers: &[bool]) -> Result<(), String> {
        self.waits_at(node)?;
        let WorkBody::Gate(gate) = &self.work.nodes[node].body else { return Err(self.is_not(node, "a gate")) };
        if answers.len() != gate.checklist {
            return Err(format!("the checklist has {} items, {} were answered", gate.checklist, answers.len()));
        }
        if let Some(item) = answers.iter().position(|yes| !yes) {
            return Err(format!("item {} of the checklist is not fulfilled", item + 1));
        }
        if self.nodes[node].votes.contains(&who.name) {
            return Err(format!("{} has approved already, and nobody counts twice", who.name));
        }
        let Some(approve) = &gate.approve else { return Ok(()) };
        if approve.not.contains(&who.name) {
            return Err(format!("{} must not approve: the plan says `not author`", who.name));
        }
        let escalated = approve.escalate.as_ref().filter(|(_, after)| self.shown_for(node) >= *after);
        let known = |names: &[String]| names.contains(&who.name);
        if approve.of.is_empty() || known(&approve.of) || escalated.is_some_and(|(names, _)| known(names)) {
            return Ok(());
        }
        Err(format!("{} is not one of {}", who.name, approve.of.join(", ")))
    }

    fn shown_for(&self, node: usize) -> u64 {
        self.nodes[node].shown.map_or(0, |shown| shown.elapsed(self.now))
    }

    pub(super) fn gate_failed(&mut self, node: usize, what: &str) {
        let why = format!("gate `{}` {what}", self.work.nodes[node].id);
        self.follow_policy(node, &PolicySpec::UndoAll, why);
    }

    pub(super) fn show_gate(&mut self, node: usize) {
        self.emit(Event::GateShown { node });
    }

    pub(super) fn gate(&self, node: usize) -> Option<&GateSpec> {
        match &self.work.nodes[node].body {
            WorkBody::Gate(gate) => Some(gate),
            WorkBody::Step(_) => None,
        }
    }

    /// How many approvals a gate needs: as many as it says, one for a checklist or for being a gate, none for a window.
    pub(super) fn needed(gate: &GateSpec) -> u32 {
        match &gate.approve {
            Some(approve) => approve.count,
            None => u32::from(gate.checklist > 0 || !gate.window),
        }
    }

    /// Opens the gates that have all they need, and ends those whose time is over.
    pub(super) fn mind_gates(&mut self) {
        let waiting: Vec<usize> =
            self.asking.iter().copied().filter(|node| self.nodes[*node].state == NodeState::Waiting).collect();
        for node in waiting {
            let Some(gate) = self.gate(node) else { continue };
            let approved = self.nodes[node].votes.len() >= Self::needed(gate) as usize;
            let in_window = !gate.window || self.gates_open.contains(&node);
            let expired = gate.expires.is_some_and(|expires| self.shown_for(node) >= expires);
            if self.targets.is_some() || self.nodes[node].state != NodeState::Waiting {
                return;
            }
            if approved && in_window {
                self.emit(Event::GateOpened { node });
            } else if expired {
                self.emit(Event::GateExpired { node });
                self.gate_failed(node, "expired: nobody approved in time");
            }
        }
    }

    /// Unwinds when a question has waited until its deadline.
    pub(super) fn mind_questions(&mut self) {
        let late =
            |node: &usize| self.nodes[*node].question.flatten().is_some_and(|deadline| deadline <= self.now.wall);
        if let Some(node) = self.asking.iter().copied().find(late) {
            let id = &self.work.nodes[node].id;
            let why = format!("nobody decided about `{id}` in time");
            self.unwind(None, why);
        }
    }

    /// Monotonic times at which a person's time is over.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = u64> + '_ {
        self.asking.iter().filter_map(|node| {
            let question = self.nodes[*node].question.flatten().map(|deadline| deadline.saturating_sub(self.now.wall));
            let question = question.map(|left| u64::try_from(left).unwrap_or(0));
            let waits = self.nodes[*node].state == NodeState::Waiting;
            let expires = self.gate(*node).and_then(|gate| gate.expires).filter(|_| waits);
            let gate = expires.map(|expires| expires.saturating_sub(self.shown_for(*node)));
            question.into_iter().chain(gate).min().map(|left| self.now.mono.saturating_add(left))
        })
    }
}
