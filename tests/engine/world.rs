//! A simulated world for the state machine: effects are counted, time jumps to the next wake-up, crashes lose what is in memory.

use std::collections::{BTreeMap, BTreeSet};

use plan::engine::*;
use plan::model::*;

/// A step that works, with an undo that works.
pub fn step() -> StepSpec {
    StepSpec {
        observes: false,
        action: true,
        effect: true,
        idempotent: false,
        atomic: false,
        verifies: vec![],
        undo: UndoSpec::Alternatives(vec![AlternativeSpec { ask: false }]),
        verify_undo: vec![],
        done_when: false,
        retries: 0,
        backoff: (10, 100),
        optional: false,
        always: false,
        on_failure: PolicySpec::UndoAll,
    }
}

pub fn gate() -> GateSpec {
    GateSpec { window: false, checklist: 0, approve: None, expires: None }
}

pub fn work(bodies: Vec<WorkBody>, edges: &[(usize, usize)]) -> Work {
    let graph = Graph::new(bodies.len(), edges.iter().copied());
    let nodes = bodies.into_iter().enumerate().map(|(decl, body)| WorkNode {
        id: format!("n{decl}"),
        decl,
        item: None,
        deps: edges
            .iter()
            .filter(|(_, to)| *to == decl)
            .map(|(from, _)| WorkDep { node: *from, uses: false })
            .collect(),
        excluded: false,
        when: false,
        requires: vec![],
        body,
    });
    Work { nodes: nodes.collect(), graph, window: false, jobs: 4 }
}

pub fn steps(steps: Vec<StepSpec>, edges: &[(usize, usize)]) -> Work {
    work(steps.into_iter().map(WorkBody::Step).collect(), edges)
}

pub fn chain(count: usize) -> Work {
    let edges: Vec<_> = (1..count).map(|n| (n - 1, n)).collect();
    steps(vec![step(); count], &edges)
}

pub fn failed(clean: bool) -> Outcome {
    Outcome::Failed { clean, failure: Failure { code: "R0501".into(), message: "no".into(), tail: String::new() } }
}

pub fn ok() -> Outcome {
    Outcome::Succeeded { outputs: BTreeMap::new() }
}

pub fn who(name: &str) -> Who {
    Who { name: name.into(), os_user: name.into(), host: "here".into() }
}

/// How the world answers; what is not named works.
#[derive(Default, Clone)]
pub struct Script {
    /// `(node, attempt)`
    pub acts: BTreeMap<(usize, u32), Outcome>,
    /// `(node, alternative)`
    pub undos: BTreeMap<(usize, usize), Outcome>,
    /// `(node, phase)`: one reading a round, the last one repeated.
    pub reads: BTreeMap<(usize, Phase), Vec<Reading>>,
    pub settles: BTreeMap<usize, Settlement>,
}

pub struct World {
    pub run: Run,
    pub work: Work,
    pub now: Now,
    pub script: Script,
    pub log: Vec<(i64, Event)>,
    pub pending: Vec<Command>,
    /// Effects that were started, in order: `+n` done, `-n` undone.
    pub ledger: Vec<String>,
    pub hooks: Vec<HookEvent>,
    pub live: BTreeSet<usize>,
}

impl World {
    pub fn new(work: Work, script: Script) -> Self {
        let run = Run::new(work.clone());
        let now = Now { wall: 1_000_000, mono: 0 };
        let (log, pending, ledger, hooks, live) = Default::default();
        Self { run, work, now, script, log, pending, ledger, hooks, live }
    }

    pub fn input(&mut self, input: Input) -> Option<String> {
        let reaction = self.run.handle(self.now, input);
        self.log.extend(reaction.events.into_iter().map(|event| (self.now.wall, event)));
        for command in reaction.commands {
            match command {
                Command::Hook { event } => self.hooks.push(event),
                command => self.pending.push(command),
            }
        }
        self.check_invariants();
        reaction.refused.map(|refusal| refusal.to_string())
    }

    pub fn decide(&mut self, decision: Decision) -> Option<String> {
        self.input(Input::Operator { who: who("kim"), decision })
    }

    /// Carries the oldest command out.
    pub fn step(&mut self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let command = self.pending.remove(0);
        self.answer(command);
        true
    }

    pub fn answer(&mut self, command: Command) {
        let input = match command {
            Command::Read { node, phase, round, checks } => {
                let script = self.script.reads.get(&(node, phase));
                let reading = |_| script.map_or(Reading::True, |all| all[(round as usize).min(all.len() - 1)].clone());
                let readings =
                    checks.iter().map(|check| CheckReading { check: *check, reading: reading(()), seen: vec![] });
                Input::Read { node, phase, round, readings: readings.collect() }
            }
            Command::Observe { node } => Input::Observed { node, result: Ok(Observation::default()) },
            Command::Act { node, attempt } => {
                let outcome = self.script.acts.get(&(node, attempt)).cloned().unwrap_or_else(ok);
                let atomic = matches!(&self.work.nodes[node].body, WorkBody::Step(step) if step.atomic);
                let clean = matches!(outcome, Outcome::Failed { clean, .. } if clean || atomic);
                if !clean {
                    self.ledger.push(format!("+{node}"));
                    self.live.insert(node);
                }
                Input::Ended { node, attempt, outcome }
            }
            Command::Undo { node, alternative, attempt } => {
                let outcome = self.script.undos.get(&(node, alternative)).cloned().unwrap_or_else(ok);
                if outcome == ok() {
                    self.ledger.push(format!("-{node}"));
                    self.live.remove(&node);
                }
                Input::UndoEnded { node, alternative, attempt, outcome }
            }
            Command::Settle { node, attempt } => {
                let settlement = self.script.settles.get(&node).cloned();
                Input::Settled { node, attempt, settlement: settlement.unwrap_or(Settlement::Unknown("?".into())) }
            }
            Command::Kill { .. } | Command::Hook { .. } => return,
        };
        self.input(input);
    }

    /// Runs until only people are missing.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.step() {
                continue;
            }
            match self.run.next_wakeup() {
                Some(due) if self.run.waiting().is_empty() || self.run.status() != RunStatus::Paused => {
                    let wait = due.saturating_sub(self.now.mono).max(1);
                    self.pass(wait);
                    self.input(Input::Tick);
                }
                _ => return,
            }
        }
        panic!("it goes on for ever: {:?}", self.log);
    }

    pub fn pass(&mut self, ms: u64) {
        self.now.mono += ms;
        self.now.wall += ms as i64;
    }

    pub fn begin(work: Work, script: Script) -> Self {
        let mut world = Self::new(work, script);
        world.input(Input::Begin);
        world.settle();
        world
    }

    /// The process dies; whatever was under way may or may not have had its effect. Another takes over.
    pub fn crash(&mut self) {
        for command in std::mem::take(&mut self.pending) {
            match command {
                Command::Act { node, .. } => {
                    self.ledger.push(format!("+{node}"));
                    self.live.insert(node);
                }
                Command::Undo { node, .. } => {
                    self.ledger.push(format!("-{node}"));
                    self.live.remove(&node);
                }
                _ => {}
            }
        }
        self.reload();
        self.input(Input::Resume);
    }

    pub fn reload(&mut self) {
        let mut run = Run::new(self.work.clone());
        for (at, event) in &self.log {
            run.apply(*at, event).expect("its own events fit");
        }
        for node in 0..self.work.nodes.len() {
            assert_eq!(run.node(node), self.run.node(node), "a replay adds up to the same: {:?}", self.log);
        }
        assert_eq!(run.remaining(), self.run.remaining());
        self.run = run;
        self.now.mono = 5;
    }

    pub fn names(&self) -> Vec<String> {
        self.log.iter().map(|(_, event)| name(event)).collect()
    }

    fn check_invariants(&self) {
        let unwinding = self.log.iter().position(|(_, event)| matches!(event, Event::UnwindingBegan { .. }));
        if let Some(at) = unwinding {
            for (_, event) in &self.log[at..] {
                if let Event::ActionIntended { node, .. } = event {
                    assert!(is_clean_up(&self.work, *node), "forward effect on the way back");
                }
            }
        }
        if self.run.status() == RunStatus::RolledBack || self.run.status() == RunStatus::NothingDone {
            let undoable =
                |node: &usize| matches!(&self.work.nodes[*node].body, WorkBody::Step(s) if s.undo != UndoSpec::Nothing);
            let left: Vec<_> = self.live.iter().filter(|node| undoable(node)).collect();
            assert!(left.is_empty(), "effects left: {left:?}");
        }
    }
}

fn is_clean_up(work: &Work, node: usize) -> bool {
    matches!(&work.nodes[node].body, WorkBody::Step(step) if step.always)
}

pub fn name(event: &Event) -> String {
    let json = serde_json::to_value(event).expect("events are plain data");
    let word = json["event"].as_str().expect("events are tagged").to_owned();
    match json.get("node") {
        Some(node) => format!("{word} {node}"),
        None => word,
    }
}
