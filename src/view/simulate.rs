//! For every point where a run can fail: what is undone in which order, what waits for a person, what remains. The state
//! machine itself is asked, in a world where everything else works; nothing has an effect.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::{
    CheckReading, Command, Decision, Event, Failure, Input, Now, Observation, Outcome, Reading, Run, RunStatus,
    Settlement, Waiting, Who,
};
use crate::model::{Work, WorkBody};

/// What comes of one failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The node that fails, or the gate that is refused.
    pub node: String,
    /// `action`, `check` or `gate`
    pub what: &'static str,
    pub outcome: RunStatus,
    /// In the order in which their undos start.
    pub undone: Vec<String>,
    /// Where a person has to decide: ids.
    pub asks: Vec<String>,
    /// Effects that are left.
    pub remains: Vec<String>,
}

/// All cases in plan order. `version` counts the shapes.
#[derive(Debug, Serialize)]
pub struct Simulation {
    pub version: u32,
    /// The steps and gates in the order in which they start when nothing fails.
    pub order: Vec<String>,
    pub cases: Vec<Case>,
}

/// Fails every node of a run in turn.
pub fn simulate(work: &Work) -> Simulation {
    let mut work = work.clone();
    work.window = false;
    let id = |node: usize| work.nodes[node].id.clone();
    let order = World::new(&work, None).run().started.into_iter().map(id).collect();
    let nodes = work.nodes.iter().enumerate().filter(|(_, node)| !node.excluded);
    let cases = nodes.map(|(node, _)| World::new(&work, Some(node)).run().case(node)).collect();
    Simulation { version: 1, order, cases }
}

struct World<'a> {
    work: &'a Work,
    run: Run,
    fails: Option<usize>,
    mono: u64,
    pending: Vec<Command>,
    started: Vec<usize>,
    undone: Vec<usize>,
    asks: Vec<usize>,
}

impl<'a> World<'a> {
    fn new(work: &'a Work, fails: Option<usize>) -> Self {
        let run = Run::new(work.clone());
        Self {
            work,
            run,
            fails,
            mono: 0,
            pending: Vec::new(),
            started: Vec::new(),
            undone: Vec::new(),
            asks: Vec::new(),
        }
    }

    fn run(mut self) -> Self {
        for node in 0..self.work.nodes.len() {
            self.input(Input::GateWindow { node, open: true });
        }
        self.input(Input::Begin);
        while self.advance() {}
        self
    }

    fn input(&mut self, input: Input) {
        let reaction =
            self.run.handle(Now { wall: i64::try_from(self.mono).unwrap_or(i64::MAX), mono: self.mono }, input);
        for event in &reaction.events {
            match event {
                Event::ActionIntended { node, attempt: 1 } | Event::GateShown { node } => self.started.push(*node),
                Event::UndoIntended { node, .. } => self.undone.push(*node),
                _ => {}
            }
        }
        self.pending.extend(reaction.commands);
    }

    /// Everything else goes first, so that as much as possible has happened when the failure comes.
    fn advance(&mut self) -> bool {
        let fails = self.fails;
        let other = |command: &Command| of(command) != fails;
        if let Some(at) = self.pending.iter().position(other).or_else(|| (!self.pending.is_empty()).then_some(0)) {
            let command = self.pending.remove(at);
            return self.answer(command);
        }
        if self.decide() {
            return true;
        }
        match self.run.next_wakeup() {
            Some(due) => {
                self.mono = due.max(self.mono + 1);
                self.input(Input::Tick);
                true
            }
            None => false,
        }
    }

    fn answer(&mut self, command: Command) -> bool {
        let input = match command {
            Command::Read { node, phase, round, checks } => {
                let checked = !has_action(self.work, node) && self.fails == Some(node);
                let reading = if checked { Reading::False } else { Reading::True };
                // `when` decides whether it runs at all; here it runs.
                let reading = if phase == crate::engine::Phase::When { Reading::True } else { reading };
                let read = |check: &usize| CheckReading { check: *check, reading: reading.clone(), seen: Vec::new() };
                Input::Read { node, phase, round, readings: checks.iter().map(read).collect() }
            }
            Command::Observe { node } => Input::Observed { node, result: Ok(Observation::default()) },
            Command::Act { node, attempt } => Input::Ended { node, attempt, outcome: self.outcome(node) },
            Command::Undo { node, alternative, attempt } => {
                Input::UndoEnded { node, alternative, attempt, outcome: succeeded() }
            }
            Command::Settle { node, attempt } => {
                Input::Settled { node, attempt, settlement: Settlement::Done(Some(BTreeMap::new())) }
            }
            Command::Kill { .. } | Command::Hook { .. } => return true,
        };
        self.input(input);
        true
    }

    fn outcome(&self, node: usize) -> Outcome {
        match self.fails == Some(node) {
            false => succeeded(),
            true => Outcome::Failed {
                clean: false,
                failure: Failure { code: "R0500".to_owned(), message: "simulated".to_owned(), tail: String::new() },
            },
        }
    }

    /// What people would say: yes at every gate but the one that fails, yes to every undo that asks, undo to every question.
    fn decide(&mut self) -> bool {
        let Some(waiting) = self.run.waiting().into_iter().next() else { return false };
        let reason = || "simulated".to_owned();
        let decision = match waiting {
            Waiting::Gate { node, .. } if self.fails == Some(node) => Decision::Reject { node, reason: reason() },
            Waiting::Gate { node, have, .. } => return self.approve(node, have),
            Waiting::UndoAsk { node, alternative } => {
                self.asks.push(node);
                Decision::AllowUndo { node, alternative }
            }
            Waiting::Question { node, .. } => {
                self.asks.push(node);
                Decision::Unwind { nodes: None, reason: reason() }
            }
            Waiting::Doubt { .. } | Waiting::Unreadable { .. } | Waiting::Window | Waiting::Stuck { .. } => {
                return false;
            }
        };
        self.input(Input::Operator { who: somebody("simulated"), decision });
        true
    }

    fn approve(&mut self, node: usize, have: u32) -> bool {
        let WorkBody::Gate(gate) = &self.work.nodes[node].body else { return false };
        let named = gate.approve.as_ref().and_then(|approve| approve.of.get(have as usize).cloned());
        let who = somebody(&named.unwrap_or_else(|| format!("simulated {have}")));
        let decision =
            Decision::Approve { node, answers: vec![true; gate.checklist], digest: String::new(), comment: None };
        let before = self.run.waiting();
        self.input(Input::Operator { who, decision });
        self.run.waiting() != before
    }

    fn case(self, node: usize) -> Case {
        let id = |node: usize| self.work.nodes[node].id.clone();
        let what = match (&self.work.nodes[node].body, has_action(self.work, node)) {
            (WorkBody::Gate(_), _) => "gate",
            (WorkBody::Step(_), true) => "action",
            (WorkBody::Step(_), false) => "check",
        };
        let mut undone = self.undone;
        undone.dedup();
        Case {
            node: id(node),
            what,
            outcome: self.run.status(),
            undone: undone.into_iter().map(id).collect(),
            asks: self.asks.into_iter().map(id).collect(),
            remains: self.run.remaining().into_iter().map(id).collect(),
        }
    }
}

fn of(command: &Command) -> Option<usize> {
    match command {
        Command::Read { node, .. } | Command::Observe { node } | Command::Act { node, .. } => Some(*node),
        Command::Undo { node, .. } | Command::Settle { node, .. } | Command::Kill { node } => Some(*node),
        Command::Hook { .. } => None,
    }
}

fn has_action(work: &Work, node: usize) -> bool {
    matches!(&work.nodes[node].body, WorkBody::Step(step) if step.action)
}

fn succeeded() -> Outcome {
    Outcome::Succeeded { outputs: BTreeMap::new() }
}

fn somebody(name: &str) -> Who {
    Who { name: name.to_owned(), os_user: name.to_owned(), host: String::new() }
}

impl Simulation {
    /// For a person.
    pub fn text(&self) -> String {
        let mut out = format!("in this order: {}\n", self.order.join(" → "));
        for case in &self.cases {
            let how = match case.what {
                "gate" => "is refused",
                "action" => "fails",
                _ => "does not hold",
            };
            out.push_str(&format!("\nwhen `{}` {how}: {}\n", case.node, super::lines::ended(case.outcome, &[])));
            let mut line = |what: &str, nodes: &[String], arrow: &str| {
                if !nodes.is_empty() {
                    out.push_str(&format!("    {what} {}\n", nodes.join(arrow)));
                }
            };
            line("undone:           ", &case.undone, " → ");
            line("a person decides: ", &case.asks, ", ");
            line("remains:          ", &case.remains, ", ");
        }
        out
    }
}
