//! The way back: which effects go, in which order, and when it is over.

use super::node::Flight;
use super::run::Run;
use super::{Command, Event, FailureKind, NodeState, Outcome, Phase};
use crate::model::UndoSpec;

/// How often an undo that was lost on its way is repeated before the next alternative is tried.
const LOST_UNDOS: u32 = 3;

impl Run {
    /// Turns the run back: everything, or these nodes and all that depend on them.
    pub(super) fn unwind(&mut self, from: Option<Vec<usize>>, why: String) {
        let wanted = self.closure(from);
        let known = self.targets.clone();
        let new = |node: &usize| wanted[*node] && !known.as_ref().is_some_and(|known| known[*node]);
        let nodes: Vec<usize> = (0..self.nodes.len()).filter(new).filter(|node| self.may_need_undo(*node)).collect();
        if self.targets.is_some() && nodes.is_empty() {
            return;
        }
        self.emit(Event::UnwindingBegan { nodes, why });
        self.leave_forward();
    }

    fn closure(&self, from: Option<Vec<usize>>) -> Vec<bool> {
        let Some(from) = from else { return vec![true; self.nodes.len()] };
        let mut wanted = vec![false; self.nodes.len()];
        let mut stack = from;
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut wanted[node], true) {
                stack.extend(self.work.graph.after(node));
            }
        }
        wanted
    }

    /// It has an effect to take back, or is about to.
    fn may_need_undo(&self, node: usize) -> bool {
        let running = self.nodes[node].state == NodeState::Running && !self.is_clean_up(node);
        self.needs_undo(node) || running && self.step(node).is_some_and(|s| s.effect && s.undo != UndoSpec::Nothing)
    }

    /// What was on its way forward stops where it is; gates close.
    fn leave_forward(&mut self) {
        for node in 0..self.nodes.len() {
            if self.is_clean_up(node) {
                self.give_up_unreadable(node);
                continue;
            }
            match self.nodes[node].state {
                NodeState::Checking | NodeState::Backoff | NodeState::Verifying => {
                    self.land(node);
                    self.unschedule(node);
                    self.to_act.remove(&node);
                    self.emit(Event::NodeHalted { node });
                }
                NodeState::Waiting => self.emit(Event::GateClosed { node }),
                NodeState::Pending => drop(self.to_act.remove(&node)),
                // It was to be run again after a crash, and is undone as if it had happened.
                NodeState::Running if self.to_act.remove(&node) => {
                    let attempt = self.nodes[node].attempts;
                    self.emit(Event::DoubtRaised { node, attempt, why: "nobody knows how it ended".to_owned() });
                }
                NodeState::Running | NodeState::Done | NodeState::Skipped | NodeState::Failed | NodeState::InDoubt => {}
                NodeState::UndoAsked | NodeState::Undoing | NodeState::VerifyingUndo | NodeState::Undone => {}
                NodeState::UndoFailed | NodeState::Open | NodeState::Refused | NodeState::Expired => {}
                NodeState::Closed => {}
            }
        }
    }

    /// On the way back nobody is asked about a check of a clean-up that cannot be read: it has failed.
    pub(super) fn give_up_unreadable(&mut self, node: usize) {
        if self.targets.is_some()
            && self.is_clean_up(node)
            && let Some((_, why)) = self.nodes[node].unreadable.clone()
        {
            self.emit(Event::StepFailed {
                node,
                kind: FailureKind::Dirty,
                why: format!("a check cannot be read: {why}"),
            });
        }
    }

    /// Takes the decision to turn back in: from here on nothing forward starts.
    pub(super) fn turn_back(&mut self, nodes: &[usize]) {
        let mut targets = self.targets.take().unwrap_or_else(|| vec![false; self.nodes.len()]);
        for node in nodes {
            if let Some(target) = targets.get_mut(*node) {
                *target = true;
            }
        }
        self.targets = Some(targets);
        self.count_back();
    }

    /// Counts anew what the states of all nodes mean for the way back.
    pub(super) fn count_back(&mut self) {
        self.to_undo.clear();
        for node in 0..self.nodes.len() {
            let dependants = self.work.graph.after(node).count();
            let clean_up = self.is_clean_up(node);
            let state = &mut self.nodes[node];
            state.back_missing = u32::try_from(dependants).expect("a plan has fewer than four billion nodes");
            state.clear = false;
            let forward = matches!(
                state.state,
                NodeState::InDoubt | NodeState::Failed | NodeState::Checking | NodeState::Verifying
            );
            if forward && !clean_up {
                state.answered();
            }
        }
        for node in 0..self.nodes.len() {
            self.follow(node);
        }
    }

    /// When nothing is left of a node and of what depends on it, its dependencies may go.
    pub(super) fn clear_back(&mut self, start: usize) {
        let mut stack = vec![start];
        while let Some(node) = stack.pop() {
            let state = &self.nodes[node];
            if state.clear || state.back_missing > 0 {
                continue;
            }
            let target = self.targets.as_ref().is_some_and(|targets| targets[node]);
            if target && self.may_need_undo(node) {
                self.to_undo.insert(node);
                continue;
            }
            self.to_undo.remove(&node);
            self.nodes[node].clear = true;
            let before: Vec<usize> = self.work.graph.before(node).collect();
            for dependency in before {
                self.nodes[dependency].back_missing -= 1;
                stack.push(dependency);
            }
        }
    }

    /// Starts the undos that may start now.
    pub(super) fn go_back(&mut self) {
        if self.targets.is_none() || self.halted || self.ended.is_some() {
            return;
        }
        if self.running.iter().any(|node| !self.is_clean_up(*node)) {
            return;
        }
        let mut from = 0;
        while let Some(node) = self.to_undo.range(from..).next().copied() {
            from = node + 1;
            if self.acting >= self.work.jobs {
                return;
            }
            self.undo(node);
        }
    }

    fn undo(&mut self, node: usize) {
        let state = &self.nodes[node];
        if state.flight.is_some() || state.phase.is_some() || state.doubt.is_some() || state.unreadable.is_some() {
            return;
        }
        let (alternative, allowed, from) = (state.alternative, state.allowed, state.state);
        let Some(UndoSpec::Alternatives(ways)) = self.step(node).map(|step| &step.undo) else { return };
        let Some(way) = ways.get(alternative).copied() else {
            if from != NodeState::UndoFailed {
                let last = self.nodes[node].last_why.clone().unwrap_or_else(|| "nobody allowed it".to_owned());
                self.emit(Event::UndoFailed { node, why: last });
            }
            return;
        };
        if way.ask && !allowed {
            if from != NodeState::UndoAsked {
                self.emit(Event::UndoAsked { node, alternative });
            }
            return;
        }
        let attempt = self.nodes[node].undo_attempts + 1;
        self.emit(Event::UndoIntended { node, alternative, attempt });
        let flight = Flight::Undo { alternative, attempt };
        self.launch(node, flight, Command::Undo { node, alternative, attempt });
    }

    pub(super) fn on_undo_ended(&mut self, node: usize, (alternative, attempt): (usize, u32), outcome: Outcome) {
        if !self.landed(node, Flight::Undo { alternative, attempt }) {
            self.stale(node, attempt, "the end of an undo");
            return;
        }
        let why = match &outcome {
            Outcome::Failed { failure, .. } => Some(failure.message.clone()),
            Outcome::TimedOut { after } => Some(format!("it did not end within {}", super::run::span(*after))),
            Outcome::Unknown { why } => Some(why.clone()),
            Outcome::Succeeded { .. } | Outcome::ByHand { .. } => None,
        };
        self.nodes[node].last_why = why;
        let succeeded = matches!(outcome, Outcome::Succeeded { .. });
        self.emit(Event::UndoEnded { node, alternative, attempt, outcome });
        if succeeded {
            self.begin_phase(node, Phase::VerifyUndo);
        }
    }

    /// An undo was ended by a signal or lost: it is repeated, but not for ever.
    pub(super) fn undo_lost(&mut self, node: usize) {
        self.nodes[node].lost += 1;
        if self.nodes[node].lost >= LOST_UNDOS {
            self.next_alternative(node);
        }
    }

    /// Starts the clean-ups that may start on the way back. `at_rest`: nothing else will happen any more.
    pub(super) fn clean_up(&mut self, at_rest: bool) -> bool {
        let mut started = false;
        for index in 0..self.clean_ups.len() {
            let node = self.clean_ups[index];
            if self.nodes[node].state == NodeState::Pending && self.may_clean_up(node, at_rest) {
                started = true;
                self.ready.remove(&node);
                self.ready_actions.remove(&node);
                if !self.skip(node) {
                    self.first_phase(node);
                }
            }
        }
        started
    }

    /// All that it comes after has ended, and something of that has ever started.
    fn may_clean_up(&self, node: usize, at_rest: bool) -> bool {
        if self.to_act.contains(&node) {
            return false;
        }
        let ended = |dep: usize| {
            let leaves = self.targets.as_ref().is_some_and(|targets| targets[dep]) && self.needs_undo(dep);
            !self.nodes[dep].moves() && (at_rest || !leaves)
        };
        let deps = &self.work.nodes[node].deps;
        let any = deps.is_empty() || deps.iter().any(|dep| self.nodes[dep.node].started.is_some());
        any && deps.iter().all(|dep| ended(dep.node))
    }

    /// Nodes whose effects remain, or may remain.
    pub fn remaining(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.needs_undo(*node)).collect()
    }
}
