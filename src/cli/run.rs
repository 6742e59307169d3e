//! `plan run`, `resume`, `rollback`, `cancel` and `preflight`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use crate::diag::{self, Problem};
use crate::driver::{self, Ended, Orders, Place, Request, Session, codes};
use crate::engine::{Decision, Input, RunStatus, Who};
use crate::journal::{self, Header, JournalError};
use crate::model::Plan;
use crate::syntax::Limits;

use super::args::{self, How, JournalAt};
use super::exit::Exit;
use super::output::Output;
use super::progress::Progress;
use super::{files, given, show};

/// Reads and checks a plan; what is wrong with it is printed.
pub(super) fn checked(path: &Path, limits: &Limits, output: &Output) -> Result<Plan, Problem> {
    let source = files::read(path)?;
    let (plan, diagnostics) = driver::check(&source, limits);
    match plan.filter(|_| !diagnostics.iter().any(diag::Diagnostic::is_error)) {
        Some(plan) => Ok(plan),
        None => {
            output.err(&diag::render(&source, &diagnostics, output.style()));
            let problem =
                Problem::new(&codes::INVALID_PLAN, format!("`{}` has errors; nothing was started", path.display()));
            Err(problem.advice(format!("plan validate {}", path.display())))
        }
    }
}

/// What is asked for, without the journal.
pub(super) fn request(values: &args::Values, jobs: u16, who: Who) -> Result<Request, Problem> {
    Ok(Request {
        environment: values.env.clone(),
        values: given::values(values)?,
        jobs: usize::from(jobs),
        on_failure: None,
        who,
    })
}

pub(super) async fn preflight(args: &args::Preflight, output: &Output) -> Result<Exit, Problem> {
    let plan = checked(&args.file, &Limits::default(), output)?;
    let (_, built) = driver::prepare(plan, &request(&args.values, 1, given::who(None))?)?;
    let missing = driver::look(&built, &Place::of(&args.file, None)).await?;
    if args.json.json {
        let missing: Vec<_> = missing
            .iter()
            .map(|missing| serde_json::json!({ "what": missing.what, "seen": missing.seen, "advice": missing.advice }))
            .collect();
        output.json(&serde_json::json!({ "version": super::check::SHAPE, "missing": missing }));
    } else {
        for missing in &missing {
            output.line(&format!("× {}: {}\n  help: {}", missing.what, missing.seen, missing.advice));
        }
        if missing.is_empty() {
            output.line("✓ everything that the plan's actions need is there");
        }
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::NothingDone })
}

pub(super) async fn run(args: &args::Run, output: &Output) -> Result<Exit, Problem> {
    let plan = checked(&args.file, &args.limits.into(), output)?;
    let who = given::who(args.how.as_name.as_deref());
    let mut request = request(&args.values, args.jobs, who.clone())?;
    request.on_failure = args.on_failure.map(|chosen| match chosen {
        args::OnFailure::Undo => journal::OnFailure::Undo,
        args::OnFailure::Ask => journal::OnFailure::Ask,
        args::OnFailure::Stop => journal::OnFailure::Stop,
    });
    let max_wall = args.how.max_wall.as_deref().map(given::duration).transpose()?;
    let (header, built) = driver::prepare(plan, &request)?;
    if args.dry_run {
        driver::refuse_unavailable(&built)?;
        output.text(&super::draw::dry_run(&built, &header));
        return Ok(Exit::Done);
    }
    let place = Place::of(&args.file, args.journal.journal.as_deref());
    let observer = Progress::new(*output, args.how.quiet, terminal(), &built.work, built.titles());
    let observer = Arc::new(observer);
    let session = driver::start((&header, built), place.clone(), driver::owner(&who), observer.clone()).await?;
    observer.begin(session.id(), &header);
    let orders = Orders { wait: waits(&args.how), max_wall, decisions: Vec::new() };
    drive(session, Input::Begin, orders, (&place, output)).await
}

pub(super) async fn resume(args: &args::Resume, output: &Output) -> Result<Exit, Problem> {
    let (place, id, status) = find(&args.which).await?;
    if driver::is_over(status) {
        output.line(&format!("run {id} has ended ({}); there is nothing to resume", status.word()));
        let (_, replayed) = driver::read(&place, &id).await?;
        return Ok(Exit::of_run(status, &[], replayed.run.remaining().len()));
    }
    go_on(&place, &id, Vec::new(), &args.how, output).await
}

pub(super) async fn rollback(args: &args::Rollback, output: &Output) -> Result<Exit, Problem> {
    let (place, id, status) = find(&args.which).await?;
    if driver::is_over(status) {
        driver::refuse_after_later(&place, &id).await?;
    }
    let (_, replayed) = driver::read(&place, &id).await?;
    let steps: Result<Vec<usize>, Problem> = args.steps.iter().map(|step| show::node(&replayed, step)).collect();
    let steps = Some(steps?).filter(|steps| !steps.is_empty());
    let decision = Decision::Unwind { nodes: steps, reason: args.reason.clone() };
    turn_back(&place, &id, decision, &args.how, output).await
}

pub(super) async fn cancel(args: &args::Cancel, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find(&args.which).await?;
    turn_back(&place, &id, Decision::Cancel { reason: args.reason.clone() }, &args.how, output).await
}

/// Has the run turned back by whoever drives it, else by this process.
async fn turn_back(place: &Place, id: &str, decision: Decision, how: &How, output: &Output) -> Result<Exit, Problem> {
    let who = given::who(how.as_name.as_deref());
    if show::driven(place, id).await? {
        driver::decide(place, id, &who, decision).await?;
        output.line(&format!("run {id} turns back; the process that drives it goes on: plan status {id}"));
        return Ok(Exit::Done);
    }
    let (_, mut replayed) = driver::read(place, id).await?;
    replayed.run.hold();
    let now = crate::engine::Now { wall: driver::wall(), mono: 0 };
    if let Some(why) =
        replayed.run.handle(now, Input::Operator { who: who.clone(), decision: decision.clone() }).refused
    {
        let problem = Problem::new(&codes::DECISION_REFUSED, why.to_string());
        return Err(problem.advice(format!("see what can be decided now: plan status {id}")));
    }
    go_on(place, id, vec![(who, decision)], how, output).await
}

/// Where a run lies, its full id, and how it stands.
pub(super) async fn find(which: &args::Which) -> Result<(Place, String, RunStatus), Problem> {
    find_in(&which.journal, &which.run).await
}

pub(super) async fn find_in(journal: &JournalAt, run: &str) -> Result<(Place, String, RunStatus), Problem> {
    let mut place = Place::of(Path::new("."), journal.journal.as_deref());
    place.journal = journal::locate(Path::new("."), journal.journal.as_deref());
    let (_, replayed) = driver::read(&place, run).await?;
    place.base = Path::new(&replayed.header.plan_path).parent().map(Path::to_path_buf).unwrap_or_default();
    Ok((place, replayed.id, replayed.run.status()))
}

async fn go_on(
    place: &Place,
    id: &str,
    decisions: Vec<(Who, Decision)>,
    how: &How,
    output: &Output,
) -> Result<Exit, Problem> {
    let who = given::who(how.as_name.as_deref());
    let max_wall = how.max_wall.as_deref().map(given::duration).transpose()?;
    let (_, replayed) = driver::read(place, id).await?;
    let built = &replayed.built;
    let observer = Arc::new(Progress::new(*output, how.quiet, terminal(), &built.work, built.titles()));
    if let Some(note) = show::changed_file(&replayed) {
        driver::Observer::note(observer.as_ref(), &format!("! {note}"));
    }
    observer.begin(id, &replayed.header);
    let session = driver::resume(place.clone(), id, driver::owner(&who), observer).await?;
    let orders = Orders { wait: waits(how), max_wall, decisions };
    drive(session, Input::Resume, orders, (place, output)).await
}

async fn drive(
    mut session: Session,
    first: Input,
    orders: Orders,
    (place, output): (&Place, &Output),
) -> Result<Exit, Problem> {
    let ended = driver::drive(&mut session, first, orders).await;
    let id = session.id().to_owned();
    let status = session.run().status();
    let exit = Exit::of_run(status, &session.run().waiting(), session.run().remaining().len());
    if let Ended::JournalFailed(error) = ended {
        // Nothing of it can be written any more; what is on disk says where to go on.
        let error: JournalError = error;
        let problem = error.problem();
        return Err(match error {
            JournalError::Fenced { .. } => problem,
            _ => problem.advice(format!("nothing more was started; mend that, then go on with: plan resume {id}")),
        });
    }
    session.finish().await?;
    match ended {
        Ended::Interrupted => {
            output.err(&format!("run {id} was interrupted and can be resumed: plan resume {id}\n"));
            Ok(Exit::Interrupted)
        }
        Ended::Rests | Ended::JournalFailed(_) => {
            if status != RunStatus::Succeeded {
                output.err(&format!("\n{}", show::text(place, &id, output).await?));
            }
            Ok(exit)
        }
    }
}

fn terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn waits(how: &How) -> bool {
    how.wait || !how.no_wait && terminal() && std::io::stdin().is_terminal()
}

impl Progress {
    /// Says which run this is.
    fn begin(&self, id: &str, header: &Header) {
        let environment = header.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let title = if header.title.is_empty() { &header.plan_path } else { &header.title };
        self.headline(&format!("run {id}: {title}{environment}"));
    }
}
