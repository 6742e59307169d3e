//! Beginning a run: everything that can be wrong is found before the first effect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::actions::{Masker, ResolvedResource, World};
use crate::diag::Problem;
use crate::engine::{Run, Who};
use crate::journal::{Header, Journal, JournalError, Mode, OnFailure, Owner, locks};
use crate::model::{Plan, Value};
use crate::registry::{self, BindProblem, Given};

use super::build::{self, Built, ENGINE_VERSION};
use super::codes;
use super::decide::is_over;
use super::observer::Observer;
use super::results::Results;
use super::scope::RunFacts;
use super::secrets::{self, Secrets};
use super::session::{Parts, Session};
use super::{clock, preflight, resume};

/// Where a run's things lie.
#[derive(Debug, Clone)]
pub struct Place {
    pub journal: PathBuf,
    /// The folder of the plan file: relative paths of the plan start there.
    pub base: PathBuf,
}

impl Place {
    /// For a plan file and a journal, given or found.
    pub fn of(plan: &Path, journal: Option<&Path>) -> Self {
        let base = plan.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { journal: crate::journal::locate(plan, journal), base }
    }
}

/// What a person asks for when a run starts.
#[derive(Debug, Clone)]
pub struct Request {
    pub environment: Option<String>,
    pub values: BTreeMap<String, Given>,
    pub jobs: usize,
    pub on_failure: Option<OnFailure>,
    pub who: Who,
}

/// What the journal will say of a new run, and what it is made of: the plan with its values, all checked.
pub fn prepare(plan: Plan, request: &Request) -> Result<(Header, Arc<Built>), Problem> {
    let header = header(&plan, request)?;
    let built = build::bind(plan, &header)?;
    Ok((header, Arc::new(built)))
}

fn header(plan: &Plan, request: &Request) -> Result<Header, Problem> {
    let bound = registry::bind(plan, request.environment.as_deref(), &request.values)
        .map_err(|problems| build::bad_values(plan, problems))?;
    let mut authors = vec![request.who.name.clone(), request.who.os_user.clone()];
    authors.dedup();
    Ok(Header {
        plan_path: std::path::absolute(plan.source.path())
            .unwrap_or_else(|_| plan.source.path().to_owned())
            .display()
            .to_string(),
        title: plan.title.clone(),
        plan_text: plan.source.text().to_owned(),
        plan_digest: plan.digest.clone(),
        files: BTreeMap::new(),
        environment: bound.environment().map(str::to_owned),
        values: bound.values(),
        jobs: request.jobs.max(1),
        on_failure: request.on_failure,
        authors,
        engine_version: ENGINE_VERSION,
        started_by: request.who.clone(),
        extra: BTreeMap::new(),
    })
}

/// Prepares a new run: secrets, locks, preflight, journal. When it fails nothing has happened in the world.
pub async fn start(
    (header, built): (&Header, Arc<Built>),
    place: Place,
    owner: Owner,
    observer: Arc<dyn Observer>,
) -> Result<Session, Problem> {
    build::refuse_unavailable(&built)?;
    let masker = take_secrets(&built, &place.base).await?;
    let addresses = preflight::addresses(&built, &place.base)?;
    let before = Arc::new(world(&built, &place.base, "preflight", 0, masker.clone())?);
    let found = preflight::check(&built, &before).await;
    before.close();
    found?;
    let journal = Journal::open(&place.journal, Mode::Create).await.map_err(problem)?;
    let run_id = journal.new_id().await.map_err(problem)?;
    hold(&addresses, &run_id, &place, &owner).await?;
    let lease = match journal.create_run(&run_id, header, &owner).await {
        Ok(lease) => lease,
        Err(error) => {
            locks::release(&run_id, &place.journal).map_err(problem)?;
            return Err(problem(error));
        }
    };
    let world = world(&built, &place.base, &run_id, lease.epoch, masker)?;
    let run = Run::new(built.work.clone());
    let started_under = vec![None; built.work.nodes.len()];
    let facts = facts(&run_id, header, clock::wall());
    let results = Results::default();
    Session::open(Parts { journal, place, lease, built, started_under, run, results, facts, world, observer }).await
}

/// What `run.…` shows.
pub(crate) fn facts(id: &str, header: &Header, started: i64) -> RunFacts {
    RunFacts {
        id: id.to_owned(),
        summary: format!("run {id}"),
        status: "running".to_owned(),
        started,
        by: header.started_by.name.clone(),
    }
}

/// Reads the secrets, gives them to the plan, and makes what masks them.
pub(crate) async fn take_secrets(built: &Built, base: &Path) -> Result<Arc<Masker>, Problem> {
    let secrets: Secrets = secrets::read(&built.plan, &built.bound, base).await?;
    let masker = Masker::new(&secrets).map_err(|short| {
        Problem::new(
            &codes::SHORT_SECRET,
            format!("the secret `{}` is too short to be masked; nothing was started", short.name),
        )
        .advice(format!("use one of at least {} characters", crate::actions::SHORTEST))
    })?;
    built.bound.give_secrets(secrets);
    Ok(Arc::new(masker))
}

/// Looks for what the run would need, and starts nothing.
pub async fn look(built: &Arc<Built>, place: &Place) -> Result<Vec<crate::actions::Missing>, Problem> {
    build::refuse_unavailable(built)?;
    let masker = take_secrets(built, &place.base).await?;
    let world = Arc::new(world(built, &place.base, "preflight", 0, masker)?);
    let missing = preflight::look(built, &world).await;
    world.close();
    Ok(missing)
}

/// Locks the resources that a run changes.
pub(crate) async fn hold(addresses: &[String], run: &str, place: &Place, owner: &Owner) -> Result<(), Problem> {
    loop {
        match locks::acquire(addresses, run, &place.journal, owner) {
            Ok(()) => return Ok(()),
            Err(locks::LockError::Held(held)) if is_abandoned(&held).await => {
                locks::free(&held.address).map_err(problem)?;
            }
            Err(error) => return Err(not_held(error)),
        }
    }
}

/// Its process died after it took the lock and before its run began, or after its run was over.
async fn is_abandoned(lock: &locks::Lock) -> bool {
    if lock.alive() {
        return false;
    }
    match Journal::open(&lock.journal, Mode::Read).await {
        Ok(journal) => match journal.load(&lock.run).await {
            Ok(loaded) => resume::replay(&lock.run, loaded).is_ok_and(|replayed| is_over(replayed.run.status())),
            Err(error) => matches!(error, JournalError::NoRun { .. }),
        },
        Err(error) => matches!(error, JournalError::NoJournal { .. }),
    }
}

fn not_held(error: locks::LockError) -> Problem {
    match error {
        locks::LockError::Held(held) => {
            let message = format!("run {} holds {}; nothing was started", held.run, held.address);
            Problem::new(&codes::RESOURCE_LOCKED, message)
                .detail(format!("its journal: {}", held.journal.display()))
                .advice(format!("see how it stands: plan status {} --journal {}", held.run, held.journal.display()))
        }
        locks::LockError::Failed(error) => problem(error),
    }
}

/// What actions may touch, with the settings of every resource in use.
pub(crate) fn world(built: &Built, base: &Path, run: &str, epoch: i64, masker: Arc<Masker>) -> Result<World, Problem> {
    let epoch = u64::try_from(epoch).unwrap_or(0);
    // Not by its path: the program may be replaced by a newer one in the middle of a run.
    let reaper = Some(PathBuf::from("/proc/self/exe")).filter(|program| program.exists());
    let mut world = World::new(base.to_owned(), run.to_owned(), epoch, masker, reaper);
    for index in built.bound.needed_resources(&built.plan) {
        let resource = &built.plan.resources[index];
        let settings: BTreeMap<String, Value> = built.bound.settings(&built.plan, index).map_err(|error| {
            let problem = BindProblem { message: error.message, span: Some(error.span), advice: None };
            build::bad_values(&built.plan, vec![problem])
        })?;
        world.resources.insert(resource.name.clone(), ResolvedResource { kind: resource.kind, settings });
    }
    Ok(world)
}

pub(crate) fn problem(error: JournalError) -> Problem {
    error.problem()
}
