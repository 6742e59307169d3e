//! A run: the sum of its events, and the way in for every input.

use std::collections::BTreeSet;
use std::fmt;

use super::node::{Flight, Node, NodeView};
use super::{Command, Event, Input, NodeState, Now, Phase, RunStatus, Waiting};
use crate::model::{StepSpec, Timing, Work, WorkBody};

/// What came of an input: these events have been taken in already; the commands are to be carried out after they are durable.
#[derive(Debug, Clone, Default)]
pub struct Reaction {
    pub events: Vec<Event>,
    pub commands: Vec<Command>,
    /// Why a decision was not accepted; nothing has changed then.
    pub refused: Option<Refusal>,
}

/// Why a decision was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub(super) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event on record that does not fit the run: another engine wrote it, or somebody changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyError {
    NoSuchNode {
        node: usize,
    },
    /// `what`: the fact that was said of it.
    NotAllowed {
        node: String,
        state: NodeState,
        what: String,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::NoSuchNode { node } => write!(f, "there is no node {node}"),
            ApplyError::NotAllowed { node, state, what } => {
                write!(f, "`{node}` is {}, where `{what}` cannot happen", state.word())
            }
        }
    }
}

/// The state machine of a run. Pure: no clock, no I/O, no randomness.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) work: Work,
    pub(super) nodes: Vec<Node>,
    pub(super) now: Now,
    pub(super) began: bool,
    pub(super) ended: Option<RunStatus>,
    /// On the way back: which nodes are to be undone.
    pub(super) targets: Option<Vec<bool>>,
    /// A changing action has had an intent.
    pub(super) changed: bool,
    /// Nothing new is started by this process.
    pub(super) halted: bool,
    pub(super) window_open: bool,
    pub(super) gates_open: BTreeSet<usize>,
    /// What was recorded last as waited for.
    pub(super) paused: Vec<Waiting>,
    /// Pending nodes whose dependencies let them pass: those that need no job,
    pub(super) ready: BTreeSet<usize>,
    /// and those that do.
    pub(super) ready_actions: BTreeSet<usize>,
    /// Nodes that have been checked and wait for one of the jobs.
    pub(super) to_act: BTreeSet<usize>,
    /// Nodes that may be undone now.
    pub(super) to_undo: BTreeSet<usize>,
    pub(super) asking: BTreeSet<usize>,
    pub(super) holding: BTreeSet<usize>,
    pub(super) timers: BTreeSet<(u64, usize)>,
    pub(super) clean_ups: Vec<usize>,
    pub(super) passed: usize,
    pub(super) running: BTreeSet<usize>,
    pub(super) in_flight: usize,
    pub(super) acting: usize,
    pub(super) out: Reaction,
}

impl Run {
    /// A run at its very start. Fed with all its events by [`Run::apply`], or with [`Input::Begin`].
    pub fn new(work: Work) -> Self {
        let nodes = vec![Node::new(); work.nodes.len()];
        let clean_up = |node: &usize| matches!(&work.nodes[*node].body, WorkBody::Step(step) if step.always);
        let clean_ups = (0..work.nodes.len()).filter(clean_up).collect();
        let mut run = Self {
            nodes,
            now: Now::default(),
            began: false,
            ended: None,
            targets: None,
            changed: false,
            halted: false,
            window_open: !work.window,
            gates_open: BTreeSet::new(),
            paused: Vec::new(),
            ready: BTreeSet::new(),
            ready_actions: BTreeSet::new(),
            to_act: BTreeSet::new(),
            to_undo: BTreeSet::new(),
            asking: BTreeSet::new(),
            holding: BTreeSet::new(),
            timers: BTreeSet::new(),
            clean_ups,
            passed: 0,
            running: BTreeSet::new(),
            in_flight: 0,
            acting: 0,
            out: Reaction::default(),
            work,
        };
        run.count();
        run
    }

    /// Counts anew what follows from the states of all nodes.
    pub(super) fn count(&mut self) {
        self.ready.clear();
        self.ready_actions.clear();
        self.running.clear();
        self.passed = (0..self.nodes.len()).filter(|node| self.passes(*node)).count();
        for node in 0..self.nodes.len() {
            let missing = self.work.graph.before(node).filter(|before| !self.passes(*before)).count();
            self.nodes[node].missing = u32::try_from(missing).expect("a plan has fewer than four billion nodes");
            self.file(node);
            self.follow(node);
        }
    }

    /// Only for taking a decision of a person in while nobody drives the run: records, starts nothing.
    pub fn hold(&mut self) {
        self.halted = true;
    }

    /// Takes an input in. `now` never goes back on its monotonic clock within a process.
    pub fn handle(&mut self, now: Now, input: Input) -> Reaction {
        self.now = now;
        match input {
            Input::Begin => self.begin(),
            Input::Resume => self.resume(),
            Input::Tick => {}
            Input::Window { open } => self.window_open = open,
            Input::GateWindow { node, open: true } => drop(self.gates_open.insert(node)),
            Input::GateWindow { node, open: false } => drop(self.gates_open.remove(&node)),
            Input::Read { node, phase, round, readings } => self.on_read(node, (phase, round), readings),
            Input::Observed { node, result } => self.on_observed(node, result),
            Input::Ended { node, attempt, outcome } => self.on_ended(node, attempt, outcome),
            Input::UndoEnded { node, alternative, attempt, outcome } => {
                self.on_undo_ended(node, (alternative, attempt), outcome);
            }
            Input::Settled { node, attempt, settlement } => self.on_settled(node, attempt, settlement),
            Input::Operator { who, decision } => self.on_decision(who, decision),
            Input::Interrupt => self.interrupt(),
        }
        self.advance();
        std::mem::take(&mut self.out)
    }

    fn begin(&mut self) {
        if !self.began {
            self.emit(Event::RunBegan);
        }
    }

    fn interrupt(&mut self) {
        if self.halted || self.is_final() {
            return;
        }
        self.halted = true;
        self.timers.clear();
        for node in 0..self.nodes.len() {
            self.nodes[node].due = None;
            match self.nodes[node].flight {
                Some(flight) if flight.acts() => self.command(Command::Kill { node }),
                // Their answers are not waited for: reading has no effect.
                Some(Flight::Read { .. } | Flight::Observe) => self.land(node),
                Some(_) | None => {}
            }
        }
        self.emit(Event::RunInterrupted);
    }

    pub(super) fn emit(&mut self, event: Event) {
        let when = super::apply::When { mark: super::checks::Mark::live(self.now), now: self.now };
        self.take(when, &event).expect("the machine decides only what its own table allows");
        self.out.events.push(event);
    }

    pub(super) fn command(&mut self, command: Command) {
        self.out.commands.push(command);
    }

    /// Sends a command off whose answer is waited for.
    pub(super) fn launch(&mut self, node: usize, flight: Flight, command: Command) {
        debug_assert!(self.nodes[node].flight.is_none(), "one command at a time for a node");
        self.nodes[node].flight = Some(flight);
        self.in_flight += 1;
        self.acting += usize::from(flight.acts());
        self.command(command);
    }

    /// The answer has come, or is not waited for any more.
    pub(super) fn land(&mut self, node: usize) {
        if let Some(flight) = self.nodes[node].flight.take() {
            self.in_flight -= 1;
            self.acting -= usize::from(flight.acts());
        }
    }

    /// Takes the expected answer in; `false`: nobody waits for it.
    pub(super) fn landed(&mut self, node: usize, flight: Flight) -> bool {
        let expected = self.nodes.get(node).is_some_and(|state| state.flight == Some(flight));
        if expected {
            self.land(node);
        }
        expected
    }

    /// A node is looked at again in `after` milliseconds.
    pub(super) fn schedule(&mut self, node: usize, after: u64) {
        self.unschedule(node);
        let due = self.now.mono.saturating_add(after);
        self.nodes[node].due = Some(due);
        self.timers.insert((due, node));
    }

    pub(super) fn unschedule(&mut self, node: usize) {
        if let Some(due) = self.nodes[node].due.take() {
            self.timers.remove(&(due, node));
        }
    }

    /// The only place where a state is written.
    pub(super) fn set_state(&mut self, node: usize, to: NodeState) {
        let before = self.passes(node);
        self.nodes[node].state = to;
        let after = self.passes(node);
        self.file(node);
        if before == after {
            return;
        }
        self.passed = if after { self.passed + 1 } else { self.passed - 1 };
        let dependants: Vec<usize> = self.work.graph.after(node).collect();
        for dependant in dependants {
            let missing = &mut self.nodes[dependant].missing;
            *missing = if after { *missing - 1 } else { *missing + 1 };
            self.file(dependant);
        }
    }

    /// Puts a node into the sets that its state asks for.
    fn file(&mut self, node: usize) {
        let state = &self.nodes[node];
        let ready = state.state == NodeState::Pending && state.missing == 0 && !self.to_act.contains(&node);
        let job = !self.work.nodes[node].excluded && self.step(node).is_some_and(|step| step.action);
        put(&mut self.ready, node, ready && !job);
        put(&mut self.ready_actions, node, ready && job);
        let state = &self.nodes[node];
        put(&mut self.running, node, state.state == NodeState::Running);
        if !matches!(state.state, NodeState::Pending | NodeState::Checking | NodeState::Running | NodeState::InDoubt) {
            self.to_act.remove(&node);
        }
    }

    /// After any change of a node: who is asked, and what its change means for the way back.
    pub(super) fn follow(&mut self, node: usize) {
        put(&mut self.asking, node, self.nodes[node].asks());
        put(&mut self.holding, node, self.nodes[node].holds_the_run());
        if self.targets.is_some() {
            self.clear_back(node);
        }
    }

    /// Dependants may start: it is done, skipped, open, or failed but optional.
    pub(super) fn passes(&self, node: usize) -> bool {
        match self.nodes[node].state {
            NodeState::Done | NodeState::Skipped | NodeState::Open => true,
            NodeState::Failed => self.step(node).is_some_and(|step| step.optional),
            NodeState::Pending | NodeState::Checking | NodeState::Running | NodeState::Backoff => false,
            NodeState::Verifying | NodeState::InDoubt | NodeState::UndoAsked | NodeState::Undoing => false,
            NodeState::VerifyingUndo | NodeState::Undone | NodeState::UndoFailed => false,
            NodeState::Waiting | NodeState::Refused | NodeState::Expired | NodeState::Closed => false,
        }
    }

    pub(super) fn step(&self, node: usize) -> Option<&StepSpec> {
        match &self.work.nodes[node].body {
            WorkBody::Step(step) => Some(step),
            WorkBody::Gate(_) => None,
        }
    }

    /// The checks of a phase, in order.
    pub(super) fn timings(&self, node: usize, phase: Phase) -> Vec<Timing> {
        let work = &self.work.nodes[node];
        match phase {
            Phase::When if work.when => vec![Timing::Once],
            Phase::When => Vec::new(),
            Phase::Require => work.requires.clone(),
            Phase::Verify => self.step(node).map(|step| step.verifies.clone()).unwrap_or_default(),
            Phase::VerifyUndo => self.step(node).map(|step| step.verify_undo.clone()).unwrap_or_default(),
        }
    }

    /// The work that this run drives.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// How it stands with one node.
    pub fn node(&self, node: usize) -> NodeView {
        let Node { state, attempts, effect, started, ended, .. } = self.nodes[node];
        NodeView { state, attempts, effect, started, ended }
    }

    /// Commands that are out and not answered.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Nodes that have come to their end, whichever.
    pub fn settled(&self) -> usize {
        self.nodes.iter().filter(|node| node.ended.is_some()).count()
    }

    /// When the next [`Input::Tick`] is due, on the monotonic clock of the inputs.
    pub fn next_wakeup(&self) -> Option<u64> {
        if self.halted || self.is_final() {
            return None;
        }
        let timer = self.timers.first().map(|(due, _)| *due);
        timer.into_iter().chain(self.deadlines()).min()
    }

    /// Nothing more will happen unless a person wants it.
    pub(super) fn is_final(&self) -> bool {
        self.ended.is_some()
    }
}

/// Milliseconds for people.
pub(super) fn span(ms: u64) -> String {
    match ms {
        ms if ms > 0 && ms.is_multiple_of(60_000) => format!("{} min", ms / 60_000),
        ms if ms > 0 && ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

fn put(set: &mut BTreeSet<usize>, node: usize, wanted: bool) {
    if wanted {
        set.insert(node);
    } else {
        set.remove(&node);
    }
}
