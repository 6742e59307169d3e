//! A changed plan taken over in the middle of a run.

use std::fmt;

use super::node::Node;
use super::run::Run;
use super::{NodeState, RunStatus};
use crate::model::Work;

/// Why a changed plan cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmendError {
    /// Something is running, or on its way back.
    Busy,
    Ended(RunStatus),
    /// A node that has started is missing from the changed plan, or has become another kind of node.
    Gone(String),
    /// A node that has started would come after one that has not.
    Reordered {
        started: String,
        before: String,
    },
}

impl fmt::Display for AmendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AmendError::Busy => f.write_str("something is running, or on its way back: wait until the run rests"),
            AmendError::Ended(status) => write!(f, "the run has ended ({})", status.word()),
            AmendError::Gone(id) => write!(f, "`{id}` has started, and the changed plan has no such node"),
            AmendError::Reordered { started, before } => {
                write!(f, "`{started}` has started, and in the changed plan it comes after `{before}`, which has not")
            }
        }
    }
}

impl Run {
    /// Takes a changed plan over for what has not started. Approvals at gates that wait, or that still guard something, are void.
    pub fn amend(&mut self, work: Work) -> Result<(), AmendError> {
        if let Some(status) = self.ended {
            return Err(AmendError::Ended(status));
        }
        if self.in_flight > 0 || self.targets.is_some() || !self.running.is_empty() {
            return Err(AmendError::Busy);
        }
        let from = self.map(&work)?;
        let mut next = Run::new(work);
        for (node, earlier) in from.iter().enumerate() {
            if let Some(earlier) = earlier {
                next.nodes[node] = carried(&self.nodes[*earlier]);
            }
        }
        next.began = self.began;
        next.changed = self.changed;
        next.halted = self.halted;
        next.now = self.now;
        next.check_order()?;
        next.void_approvals();
        next.count();
        *self = next;
        Ok(())
    }

    /// For each node of the changed plan the one of this plan that it was.
    fn map(&self, work: &Work) -> Result<Vec<Option<usize>>, AmendError> {
        let index: std::collections::BTreeMap<&str, usize> =
            work.nodes.iter().enumerate().map(|(node, work)| (work.id.as_str(), node)).collect();
        let mut from = vec![None; work.nodes.len()];
        for (earlier, old) in self.work.nodes.iter().enumerate() {
            let started = self.nodes[earlier].started.is_some();
            let same = index
                .get(old.id.as_str())
                .copied()
                .filter(|node| std::mem::discriminant(&work.nodes[*node].body) == std::mem::discriminant(&old.body));
            match same {
                Some(node) => from[node] = Some(earlier),
                None if started => return Err(AmendError::Gone(old.id.clone())),
                None => {}
            }
        }
        Ok(from)
    }

    fn check_order(&self) -> Result<(), AmendError> {
        for (node, state) in self.nodes.iter().enumerate() {
            if state.attempts == 0 {
                continue;
            }
            if let Some(before) = self.work.graph.before(node).find(|before| !self.passes(*before)) {
                let id = |node: usize| self.work.nodes[node].id.clone();
                return Err(AmendError::Reordered { started: id(node), before: id(before) });
            }
        }
        Ok(())
    }

    fn void_approvals(&mut self) {
        for node in 0..self.nodes.len() {
            let guards = |after: usize| self.nodes[after].started.is_none();
            let state = self.nodes[node].state;
            let open = state == NodeState::Open && self.work.graph.after(node).any(guards);
            if state == NodeState::Waiting || open {
                self.nodes[node] = Node::new();
            }
        }
    }
}

/// What stays of a node: all, unless it has only been looked at.
fn carried(node: &Node) -> Node {
    match node.state {
        NodeState::Pending | NodeState::Checking | NodeState::Skipped if node.attempts == 0 => Node::new(),
        _ => Node { phase: None, flight: None, due: None, ..node.clone() },
    }
}
