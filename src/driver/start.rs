//! Starting a run, taking one over, and deciding something about one that nobody drives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::actions::{Masker, ResolvedResource, World};
use crate::diag::Problem;
use crate::engine::{Decision, Event, Input, Run, Who};
use crate::journal::{Entry, Header, Journal, JournalError, Lease, Loaded, Owner, Stored, locks};
use crate::model::Value;
use crate::registry::Secrets;

use super::build::{self, Built};
use super::codes;
use super::observer::Observer;
use super::results::Results;
use super::scope::{NodeScope, RunFacts};
use super::secrets;
use super::session::Session;
use super::{clock, preflight};

/// Where a session's things lie.
#[derive(Debug, Clone)]
pub struct Place {
    pub journal: PathBuf,
    /// The folder of the plan file: relative paths of the plan start there.
    pub base: PathBuf,
}

/// A run as the journal tells it, added up.
pub struct Replayed {
    pub id: String,
    pub header: Header,
    pub built: Arc<Built>,
    pub run: Run,
    pub records: Vec<Stored>,
    pub warnings: Vec<String>,
    pub(crate) results: Results,
    pub(crate) started_under: Vec<Option<Arc<Built>>>,
}

/// Adds the records of a run up. The plan text in the journal is what counts, whatever the file says now.
pub fn replay(id: &str, loaded: Loaded) -> Result<Replayed, Problem> {
    let mut records = loaded.records.iter();
    let Some(Stored { entry: Entry::Started(header), .. }) = records.next() else {
        return Err(Problem::new(&codes::INCOMPATIBLE_ENGINE, format!("the journal of run {id} does not begin with its plan")));
    };
    let mut header = header.clone();
    let mut built = Arc::new(build::from_header(&header)?);
    let mut run = Run::new(built.work.clone());
    let results = Results::default();
    let mut started_under: Vec<Option<Arc<Built>>> = vec![None; built.work.nodes.len()];
    for record in records {
        match &record.entry {
            Entry::Event(event) => {
                run.apply(record.at, event).map_err(|error| {
                    Problem::new(&codes::INCOMPATIBLE_ENGINE, format!("event {} of run {id} does not fit: {error}", record.seq))
                })?;
                results.apply(record.at, event, &built.plan, &built.work);
            }
            Entry::Amended(amended) => {
                let next = Arc::new(build::from_header(amended)?);
                started_under = carry_over(&started_under, &built, &next, &run);
                run.amend(next.work.clone()).map_err(|error| Problem::new(&codes::AMEND_REFUSED, error.to_string()))?;
                results.renumber(&built.work, &next.work);
                built = next;
                header = amended.clone();
            }
            Entry::Started(_) | Entry::Process { .. } | Entry::Output { .. } | Entry::Note { .. } => {}
        }
    }
    Ok(Replayed {
        id: id.to_owned(),
        header,
        built,
        run,
        warnings: loaded.warnings,
        records: loaded.records,
        results,
        started_under,
    })
}

/// Which version each node of the amended plan started under: nodes keep the plan that their effect came from.
fn carry_over(before: &[Option<Arc<Built>>], old: &Arc<Built>, new: &Built, run: &Run) -> Vec<Option<Arc<Built>>> {
    let mut under = vec![None; new.work.nodes.len()];
    for (node, work) in new.work.nodes.iter().enumerate() {
        let Some(earlier) = old.work.find(&work.id) else { continue };
        let started = run.node(earlier).attempts > 0;
        under[node] = before[earlier].clone().or_else(|| started.then(|| old.clone()));
    }
    under
}

/// What a new run is given.
pub struct Start {
    pub header: Header,
    pub place: Place,
    pub owner: Owner,
    pub observer: Arc<dyn Observer>,
    /// Durability of the journal: FULL, or NORMAL that survives kill -9 but not power loss.
    pub id_hint: Option<String>,
}

/// Prepares a new run: secrets, locks, preflight, journal. Nothing has happened in the world when it fails.
pub async fn start(start: Start) -> Result<Session, Problem> {
    let built = Arc::new(build::from_header(&start.header)?);
    build::refuse_unavailable(&built)?;
    let secrets = read_secrets(&built, &start.place.base).await?;
    let masker = masker(&secrets)?;
    built.bound.give_secrets(secrets.clone());
    let addresses = preflight::addresses(&built, &start.place.base);
    let journal = Journal::open(&start.place.journal, crate::journal::Mode::Create).await.map_err(problem)?;
    let run_id = journal.new_id().await.map_err(problem)?;
    hold(&journal, &run_id, &start.place, &start.owner, &addresses).await?;
    let prepared = async {
        let world = world(&built, &start.place.base, &run_id, 1, masker.clone());
        preflight::check(&built, &world).await?;
        journal.create_run(&run_id, &start.header, &start.owner).await.map_err(problem)
    };
    let lease = match prepared.await {
        Ok(lease) => lease,
        Err(error) => {
            locks::release(&run_id).map_err(problem)?;
            return Err(error);
        }
    };
    let run = Run::new(built.work.clone());
    let results = Results::default();
    session(Parts { journal, lease, built, run, results, masker, started_under: Vec::new(), recorded: Vec::new() }, start.place, start.observer, &start.header).await
}
