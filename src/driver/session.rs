//! Everything that one run needs while a process drives it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::actions::World;
use crate::diag::Problem;
use crate::engine::{Event, Run, RunStatus};
use crate::journal::{Journal, Lease, Writer, locks};
use crate::model::HookEvent;

use super::build::Built;
use super::decide::is_over;
use super::observer::Observer;
use super::results::Results;
use super::scope::RunFacts;
use super::start::Place;
use super::tasks;

/// A run with its journal and its surroundings.
pub struct Session {
    pub(crate) run_id: String,
    pub(crate) journal: Journal,
    pub(crate) journal_path: PathBuf,
    pub(crate) writer: Writer,
    pub(crate) lease: Lease,
    /// The plan as it is now; the one that an amendment replaced is kept with the steps that started under it.
    pub(crate) built: Arc<Built>,
    /// For each work node that started under an earlier version of the plan: that version.
    pub(crate) started_under: Vec<Option<Arc<Built>>>,
    pub(crate) run: Run,
    pub(crate) results: Results,
    pub(crate) facts: Arc<RunFacts>,
    pub(crate) world: Arc<World>,
    /// Why the newest step failed, for hooks.
    pub(crate) last_failure: Option<String>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// What a session is made of: a run that this process has the lease of.
pub(crate) struct Parts {
    pub journal: Journal,
    pub place: Place,
    pub lease: Lease,
    pub built: Arc<Built>,
    pub started_under: Vec<Option<Arc<Built>>>,
    pub run: Run,
    pub results: Results,
    pub facts: RunFacts,
    pub world: World,
    pub observer: Arc<dyn Observer>,
}

impl Session {
    /// Opens the writer; from here on this process answers for the run.
    pub(crate) async fn open(parts: Parts) -> Result<Self, Problem> {
        let Parts { journal, place, lease, built, started_under, run, results, facts, world, observer } = parts;
        let writer = journal.writer(&lease).await.map_err(|error| error.problem())?;
        Ok(Self {
            run_id: lease.run.clone(),
            journal,
            journal_path: place.journal,
            writer,
            lease,
            built,
            started_under,
            run,
            results,
            facts: Arc::new(facts),
            world: Arc::new(world),
            last_failure: None,
            observer,
        })
    }

    /// The id of the run.
    pub fn id(&self) -> &str {
        &self.run_id
    }

    /// How it stands.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// What it drives.
    pub fn built(&self) -> &Built {
        &self.built
    }

    /// The run has been taken back: what its actions kept for their undo goes. A succeeded one may still be rolled back.
    async fn forget(&self) {
        for node in 0..self.built.work.nodes.len() {
            if self.run.node(node).attempts > 0 {
                tasks::forget(self, node).await;
            }
        }
    }

    /// Lets the run go: everything written, the lease and, when the run is over, the locks released.
    pub async fn finish(self) -> Result<(), Problem> {
        self.world.close();
        if is_over(self.run.status()) && self.run.status() != RunStatus::Succeeded {
            self.forget().await;
        }
        self.writer.close().await;
        if is_over(self.run.status()) {
            locks::release(&self.run_id, &self.journal_path).map_err(|error| error.problem())?;
        }
        self.journal.release(&self.lease).await.map_err(|error| error.problem())
    }

    /// Takes events in that the machine has decided (and already applied to itself).
    pub(crate) fn apply(&mut self, at: i64, events: &[Event]) {
        for event in events {
            if let Event::StepFailed { node, why, .. } = event {
                self.last_failure = Some(format!("`{}`: {why}", self.built.work.nodes[*node].id));
            }
            self.results.apply(at, event, &self.built.plan, &self.built.work);
            self.observer.event(at, event, &self.run, &self.built.work);
        }
    }

    /// What `run.…` says to a hook.
    pub(crate) fn facts_now(&self, event: HookEvent) -> Arc<RunFacts> {
        let left: Vec<&str> =
            self.run.remaining().iter().map(|node| self.built.work.nodes[*node].id.as_str()).collect();
        let waiting: Vec<String> =
            self.run.waiting().iter().map(|waiting| crate::view::lines::waits_for(waiting, &self.built.work)).collect();
        let summary = match event {
            HookEvent::Success => "succeeded".to_owned(),
            HookEvent::Paused => format!("waits for {}", waiting.join("; ")),
            HookEvent::Stuck => format!("is stuck; what remains: {}", left.join(", ")),
            HookEvent::Failure => match &self.last_failure {
                Some(why) => format!("failed: {why}"),
                None => "failed".to_owned(),
            },
        };
        let status = match event {
            HookEvent::Success => "succeeded",
            HookEvent::Paused => "paused",
            HookEvent::Stuck => "stuck",
            HookEvent::Failure => "failed",
        };
        let summary = format!("run {} {summary}", self.run_id);
        Arc::new(RunFacts { summary, status: status.to_owned(), ..(*self.facts).clone() })
    }

    /// The version of the plan under which a node runs or ran, and the index of its declaration there.
    pub(crate) fn version_of(&self, node: usize) -> &Arc<Built> {
        self.started_under.get(node).and_then(Option::as_ref).unwrap_or(&self.built)
    }
}
