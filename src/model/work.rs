//! The work of one run: fan-outs expanded, environment chosen, every constant a number. What the engine drives.

use super::{Graph, Value};

/// All nodes of a run, with the graph over them. Indexes are stable for a run: they follow plan order, then list order.
#[derive(Debug, Clone)]
pub struct Work {
    pub nodes: Vec<WorkNode>,
    pub graph: Graph,
    /// The environment has a `window`: forward starts wait until the driver says that it is open.
    pub window: bool,
    /// How many actions and undos may run at once; at least 1.
    pub jobs: usize,
}

/// One step or gate of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkNode {
    /// `backup`, or `deploy["eu"]` for an instance of a fan-out.
    pub id: String,
    /// Index of its declaration in the plan.
    pub decl: usize,
    /// The item of a fan-out.
    pub item: Option<Value>,
    pub deps: Vec<WorkDep>,
    /// `only in` other environments, or a dependency cannot exist here: skipped from the start.
    pub excluded: bool,
    /// It has a `when` clause, to be read before anything else.
    pub when: bool,
    pub requires: Vec<Timing>,
    pub body: WorkBody,
}

/// `uses`: it reads an output of that node; when that node has none, this one is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkDep {
    pub node: usize,
    pub uses: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum WorkBody {
    Step(StepSpec),
    Gate(GateSpec),
}

/// What the engine has to know of a step. Times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSpec {
    /// There is something to observe before the action: `remember` clauses, or what the action's undo needs captured.
    pub observes: bool,
    /// It has a `do`.
    pub action: bool,
    /// The action changes something (`lint` and `preview` do not): it counts as an effect and needs an undo.
    pub effect: bool,
    pub idempotent: bool,
    pub atomic: bool,
    pub verifies: Vec<Timing>,
    pub undo: UndoSpec,
    pub verify_undo: Vec<Timing>,
    pub done_when: bool,
    /// Further attempts after the first.
    pub retries: u32,
    /// Shortest and longest pause between attempts.
    pub backoff: (u64, u64),
    pub optional: bool,
    pub always: bool,
    pub on_failure: PolicySpec,
}

#[derive(Debug, Clone, PartialEq)]
pub enum UndoSpec {
    /// No effect, or `undo nothing`: counts as undone at once.
    Nothing,
    /// `irreversible`: its effect, and those before it, stay.
    Irreversible,
    /// In this order until one works; never empty.
    Alternatives(Vec<AlternativeSpec>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlternativeSpec {
    /// A person says yes first.
    pub ask: bool,
}

/// When a check is read, and what decides it. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    Once,
    /// Until it holds, at most so long.
    Within {
        span: u64,
        every: u64,
    },
    /// As long as it holds, so long, but for so many misses.
    For {
        span: u64,
        every: u64,
        misses: u32,
    },
}

/// How far a failure unwinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySpec {
    /// These nodes and everything with an effect that depends on them.
    Undo(Vec<usize>),
    UndoAll,
    /// A person decides; after so long without an answer everything is undone.
    Ask {
        then_undo_after: Option<u64>,
    },
    /// Nothing is undone; the run pauses for a person.
    Stop,
}

/// What the engine has to know of a gate. Times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSpec {
    pub window: bool,
    /// How many items the checklist has; all must be answered yes by whoever approves.
    pub checklist: usize,
    pub approve: Option<ApproveSpec>,
    /// From the moment when it was shown.
    pub expires: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveSpec {
    pub count: u32,
    pub of: Vec<String>,
    /// Who must not approve: the one who started the run and the authors of the change, as the driver found them.
    pub not: Vec<String>,
    /// Further names, after so long since the gate was shown.
    pub escalate: Option<(Vec<String>, u64)>,
}

impl Work {
    /// The work nodes of a declaration: one, or one an instance of its fan-out. They stand together.
    pub fn nodes_of(&self, decl: usize) -> std::ops::Range<usize> {
        let start = self.nodes.partition_point(|node| node.decl < decl);
        let end = self.nodes.partition_point(|node| node.decl <= decl);
        start..end
    }

    /// The node with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }
}
