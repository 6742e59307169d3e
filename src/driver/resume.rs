//! What the journal tells of a run, and taking a run over.

use std::sync::Arc;

use crate::actions;
use crate::diag::Problem;
use crate::engine::Run;
use crate::journal::{Entry, Header, Journal, Loaded, Mode, Owner, Stored};

use super::build::{self, Built};
use super::observer::Observer;
use super::results::Results;
use super::session::{Parts, Session};
use super::start::{self, Place, facts, problem, take_secrets, world};
use super::{codes, preflight};

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

/// Reads a run without touching it. `which`: its id, a beginning of it, or `last`.
pub async fn read(place: &Place, which: &str) -> Result<(Journal, Replayed), Problem> {
    let journal = Journal::open(&place.journal, Mode::Read).await.map_err(problem)?;
    let id = journal.resolve_id(which).await.map_err(problem)?;
    let loaded = journal.load(&id).await.map_err(problem)?;
    let replayed = replay(&id, loaded)?;
    Ok((journal, replayed))
}

/// Adds the records of a run up. The plan text in the journal is what counts, whatever the file says now.
pub fn replay(id: &str, loaded: Loaded) -> Result<Replayed, Problem> {
    let mut records = loaded.records.iter();
    let Some(Stored { entry: Entry::Started(header), .. }) = records.next() else {
        let message = format!("the journal of run {id} does not begin with its plan");
        return Err(Problem::new(&codes::INCOMPATIBLE_ENGINE, message));
    };
    let built = Arc::new(build::from_header(header)?);
    let mut sum = Sum {
        id,
        header: header.clone(),
        run: Run::new(built.work.clone()),
        results: Results::default(),
        started_under: vec![None; built.work.nodes.len()],
        built,
    };
    for record in records {
        sum.add(record)?;
    }
    let Sum { header, built, run, results, started_under, .. } = sum;
    let (id, warnings, records) = (id.to_owned(), loaded.warnings, loaded.records);
    Ok(Replayed { id, header, built, run, warnings, records, results, started_under })
}

struct Sum<'a> {
    id: &'a str,
    header: Header,
    built: Arc<Built>,
    run: Run,
    results: Results,
    started_under: Vec<Option<Arc<Built>>>,
}

impl Sum<'_> {
    fn add(&mut self, record: &Stored) -> Result<(), Problem> {
        match &record.entry {
            Entry::Event(event) => {
                self.run.apply(record.at, event).map_err(|error| {
                    let message = format!("event {} of run {} does not fit: {error}", record.seq, self.id);
                    Problem::new(&codes::INCOMPATIBLE_ENGINE, message).advice("go on with the `plan` that wrote it")
                })?;
                self.results.apply(record.at, event, &self.built.plan, &self.built.work);
            }
            Entry::Amended(amended) => {
                let next = Arc::new(build::from_header(amended)?);
                amend_parts(&mut self.run, &mut self.built, &mut self.started_under, next)?;
                self.header = amended.clone();
            }
            Entry::Started(_) | Entry::Process { .. } | Entry::Output { .. } | Entry::Note { .. } => {}
        }
        Ok(())
    }
}

/// Takes a changed plan over: nodes keep the plan that their effect came from.
pub(crate) fn amend_parts(
    run: &mut Run,
    built: &mut Arc<Built>,
    started_under: &mut Vec<Option<Arc<Built>>>,
    next: Arc<Built>,
) -> Result<(), Problem> {
    let mut under = vec![None; next.work.nodes.len()];
    for (node, work) in next.work.nodes.iter().enumerate() {
        let Some(earlier) = built.work.find(&work.id) else { continue };
        let started = run.node(earlier).attempts > 0;
        under[node] = started_under[earlier].clone().or_else(|| started.then(|| built.clone()));
    }
    run.amend(next.work.clone()).map_err(|error| Problem::new(&codes::AMEND_REFUSED, error.to_string()))?;
    *started_under = under;
    *built = next;
    Ok(())
}

/// Takes a run over: what an earlier process left running is ended first.
pub async fn resume(place: Place, which: &str, owner: Owner, observer: Arc<dyn Observer>) -> Result<Session, Problem> {
    let journal = Journal::open(&place.journal, Mode::Existing).await.map_err(problem)?;
    let id = journal.resolve_id(which).await.map_err(problem)?;
    // Whatever is wrong with the plan or its secrets is found before the run is taken from anybody.
    let before = replay(&id, journal.load(&id).await.map_err(problem)?)?;
    let masker = take_secrets(&before.built, &place.base).await?;
    let addresses = preflight::addresses(&before.built, &place.base)?;
    let lease = journal.take_over(&id, &owner).await.map_err(problem)?;
    if let Err(error) = start::hold(&addresses, &id, &place, &owner).await {
        journal.release(&lease).await.map_err(problem)?;
        return Err(error);
    }
    let replayed = replay(&id, journal.load(&id).await.map_err(problem)?)?;
    end_leftovers(&id, lease.epoch, &replayed.records).await;
    let Replayed { built, run, results, started_under, header, records, .. } = replayed;
    // It may have been amended in between.
    take_secrets(&built, &place.base).await?;
    let world = world(&built, &place.base, &id, lease.epoch, masker)?;
    let facts = facts(&id, &header, records.first().map_or(0, |record| record.at));
    Session::open(Parts { journal, place, lease, built, started_under, run, results, facts, world, observer }).await
}

/// Ends what earlier processes left at work.
async fn end_leftovers(id: &str, epoch: i64, records: &[Stored]) {
    let process = |record: &Stored| match &record.entry {
        Entry::Process { pid, started, .. } => Some((*pid, *started)),
        _ => None,
    };
    let recorded: Vec<(u32, u64)> = records.iter().filter_map(process).collect();
    actions::end_leftovers(id, u64::try_from(epoch).unwrap_or(0), &recorded).await;
}
