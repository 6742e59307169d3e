//! When a run has come to rest: what it waits for, and how it has ended.

use super::node::FailedAt;
use super::run::Run;
use super::{Command, Event, NodeState, Phase, RunStatus, Waiting};
use crate::model::HookEvent;

impl Run {
    /// Does whatever follows by itself from the state of things.
    pub(super) fn advance(&mut self) {
        if self.ended.is_some() || !self.began || self.halted {
            return;
        }
        self.wake();
        self.mind_questions();
        loop {
            let before = self.out.events.len();
            self.mind_gates();
            self.go_forward();
            self.act_waiting();
            self.go_back();
            self.conclude();
            if self.out.events.len() == before || self.ended.is_some() {
                break;
            }
        }
        self.record_pause();
    }

    fn conclude(&mut self) {
        if self.targets.is_none() {
            if self.passed == self.nodes.len() && self.in_flight == 0 {
                self.end(RunStatus::Succeeded);
            }
            return;
        }
        if self.running.iter().any(|node| !self.is_clean_up(*node)) {
            return;
        }
        let waits = self.asking.iter().any(|node| self.nodes[*node].state != NodeState::UndoFailed);
        if self.clean_up(false) || !self.idle() || waits || self.clean_up(true) {
            return;
        }
        self.end(self.how_it_ended());
    }

    fn how_it_ended(&self) -> RunStatus {
        let targets = self.targets.as_deref().unwrap_or_default();
        let remaining = self.remaining();
        let unmet = |node: &super::node::Node| node.failed_at == Some(FailedAt::Check(Phase::Require));
        if remaining.iter().any(|node| targets[*node]) {
            RunStatus::Stuck
        } else if !remaining.is_empty() {
            RunStatus::PartlyRolledBack
        } else if !self.changed && self.nodes.iter().any(unmet) {
            RunStatus::NothingDone
        } else {
            RunStatus::RolledBack
        }
    }

    fn end(&mut self, status: RunStatus) {
        let remaining = if status == RunStatus::Succeeded { Vec::new() } else { self.remaining() };
        self.emit(Event::RunEnded { status, remaining });
        match status {
            RunStatus::Succeeded => self.command(Command::Hook { event: HookEvent::Success }),
            RunStatus::Stuck => {
                self.command(Command::Hook { event: HookEvent::Failure });
                self.command(Command::Hook { event: HookEvent::Stuck });
            }
            RunStatus::RolledBack | RunStatus::PartlyRolledBack | RunStatus::NothingDone => {
                self.command(Command::Hook { event: HookEvent::Failure });
            }
            RunStatus::Closed | RunStatus::Running | RunStatus::Paused | RunStatus::Unwinding => {}
        }
    }

    fn idle(&self) -> bool {
        self.in_flight == 0 && self.timers.is_empty() && self.to_act.is_empty()
    }

    fn record_pause(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let waiting = if self.status() == RunStatus::Paused { self.waiting() } else { Vec::new() };
        if waiting == self.paused {
            return;
        }
        let new = waiting.iter().any(|now| !self.paused.iter().any(|before| key(before) == key(now)));
        self.emit(Event::RunPaused { waiting });
        if new {
            self.command(Command::Hook { event: HookEvent::Paused });
        }
    }

    /// How the run stands.
    pub fn status(&self) -> RunStatus {
        if let Some(status) = self.ended {
            return status;
        }
        let on = if self.targets.is_some() { RunStatus::Unwinding } else { RunStatus::Running };
        if !self.idle() {
            return on;
        }
        let busy = |node: &super::node::Node| node.moves() && !node.asks();
        match self.waiting().is_empty() || self.nodes.iter().any(busy) {
            true => on,
            false => RunStatus::Paused,
        }
    }

    /// What it waits for, in plan order; empty when it is final, but for what it is stuck at.
    pub fn waiting(&self) -> Vec<Waiting> {
        let stuck = self.ended == Some(RunStatus::Stuck);
        if self.ended.is_some() && !stuck {
            return Vec::new();
        }
        let mut waiting: Vec<Waiting> = self.asking.iter().filter_map(|node| self.waits(*node)).collect();
        let startable = !self.ready.is_empty() || !self.ready_actions.is_empty();
        if !self.window_open && startable && self.targets.is_none() && self.holding.is_empty() {
            waiting.push(Waiting::Window);
        }
        waiting
    }

    fn waits(&self, node: usize) -> Option<Waiting> {
        let state = &self.nodes[node];
        if let Some((phase, why)) = &state.unreadable {
            return Some(Waiting::Unreadable { node, phase: *phase, why: why.clone() });
        }
        if let Some(why) = &state.doubt {
            return Some(Waiting::Doubt { node, why: why.clone() });
        }
        if let Some(deadline) = state.question {
            return Some(Waiting::Question { node, deadline });
        }
        match state.state {
            NodeState::UndoAsked => Some(Waiting::UndoAsk { node, alternative: state.alternative }),
            NodeState::UndoFailed => Some(Waiting::Stuck { node }),
            _ => self.waits_at_gate(node),
        }
    }

    fn waits_at_gate(&self, node: usize) -> Option<Waiting> {
        let gate = self.gate(node)?;
        let expires = gate
            .expires
            .zip(self.nodes[node].shown)
            .map(|(after, shown)| shown.wall.saturating_add(i64::try_from(after).unwrap_or(i64::MAX)));
        Some(Waiting::Gate {
            node,
            have: u32::try_from(self.nodes[node].votes.len()).unwrap_or(u32::MAX),
            need: Self::needed(gate),
            window: gate.window && !self.gates_open.contains(&node),
            expires,
        })
    }
}

/// What makes two waits the same for somebody who has been told.
fn key(waiting: &Waiting) -> (u8, usize) {
    match waiting {
        Waiting::Gate { node, .. } => (0, *node),
        Waiting::Window => (1, 0),
        Waiting::Question { node, .. } => (2, *node),
        Waiting::Doubt { node, .. } => (3, *node),
        Waiting::Unreadable { node, .. } => (4, *node),
        Waiting::UndoAsk { node, .. } => (5, *node),
        Waiting::Stuck { node } => (6, *node),
    }
}
