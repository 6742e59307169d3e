//! `plan status`, `list`, `logs` and `lock`.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::diag::Problem;
use crate::driver::{self, Place, Replayed, codes};
use crate::engine::Waiting;
use crate::journal::{Entry, Journal, Mode, Stored, Stream, locate, locks};
use crate::model::{Body, Work};
use crate::registry;
use crate::syntax::Limits;
use crate::view::lines::{clock, ended};
use crate::view::status::{self, Facts, Status};

use super::args::{self, LockCommand, ReportFormat};
use super::check::SHAPE;
use super::exit::Exit;
use super::files;
use super::output::Output;
use super::progress::harmless;
use super::run::find;

/// The work node with this id.
pub(super) fn node(replayed: &Replayed, id: &str) -> Result<usize, Problem> {
    let work = &replayed.built.work;
    work.find(id).ok_or_else(|| {
        let near = work.nodes.iter().map(|node| (strsim::jaro_winkler(&node.id, id), node.id.as_str()));
        let problem = Problem::new(&codes::UNKNOWN_NODE, format!("run {} has no step or gate `{id}`", replayed.id));
        match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((score, near)) if score > 0.7 => problem.advice(format!("did you mean `{near}`?")),
            _ => problem.advice(format!("`plan status {}` names them", replayed.id)),
        }
    })
}

/// Whether a process drives the run at this moment.
pub(super) async fn driven(place: &Place, id: &str) -> Result<bool, Problem> {
    let journal = Journal::open(&place.journal, Mode::Read).await.map_err(|error| error.problem())?;
    let holder = journal.owner(id).await.map_err(|error| error.problem())?;
    Ok(holder.is_some_and(|holder| holder.alive))
}

/// Says when the plan file is no longer the one that the run was started with.
pub(super) fn changed_file(replayed: &Replayed) -> Option<String> {
    let path = Path::new(&replayed.header.plan_path);
    let source = files::read(path).ok()?;
    let (plan, _) = driver::check(&source, &Limits { file: usize::MAX, nodes: usize::MAX, ..Limits::default() });
    let same = plan.is_some_and(|plan| plan.digest == replayed.header.plan_digest);
    (!same).then(|| {
        format!(
            "{} {}: {} has changed since the run started; the run goes on with the plan in its journal\n  help: to take \
             the change over: plan amend {} {}",
            codes::PLAN_CHANGED.id,
            codes::PLAN_CHANGED.name,
            path.display(),
            replayed.id,
            path.display()
        )
    })
}

/// A run with its status. `file`: whether a changed plan file is worth a word.
async fn read(place: &Place, id: &str, file: bool) -> Result<(Replayed, Status), Problem> {
    let (journal, replayed) = driver::read(place, id).await?;
    let holder = journal.owner(&replayed.id).await.map_err(|error| error.problem())?;
    let mut warnings = replayed.warnings.clone();
    if file && !driver::is_over(replayed.run.status()) {
        warnings.extend(changed_file(&replayed));
    }
    warnings.extend(next_opening(&replayed));
    let driven = holder.is_some_and(|holder| holder.alive);
    let status = status::status(&facts(&replayed, driven, warnings));
    Ok((replayed, status))
}

fn facts(replayed: &Replayed, driven: bool, warnings: Vec<String>) -> Facts<'_> {
    Facts {
        id: &replayed.id,
        plan: &replayed.built.plan,
        work: &replayed.built.work,
        run: &replayed.run,
        records: &replayed.records,
        environment: replayed.header.environment.as_deref(),
        started_by: &replayed.header.started_by.name,
        driven,
        warnings,
    }
}

pub(super) async fn report(args: &args::Report, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find(&args.which).await?;
    let (replayed, status) = read(&place, &id, false).await?;
    let values = replayed.header.values.iter().map(|(name, value)| (name.clone(), registry::shown(value))).collect();
    let report = crate::view::report::report(&facts(&replayed, status.driven, Vec::new()), status, values);
    match args.format {
        _ if args.json => output.json(&report),
        ReportFormat::Json => output.json(&report),
        ReportFormat::Markdown => output.text(&report.markdown()),
        ReportFormat::Html => output.text(&report.html()),
    }
    Ok(Exit::Done)
}

/// When the window opens that a run waits for.
fn next_opening(replayed: &Replayed) -> Option<String> {
    let built = &replayed.built;
    let window = replayed.run.waiting().into_iter().find_map(|waiting| match waiting {
        Waiting::Window => built.environment()?.window.as_ref(),
        Waiting::Gate { node, window: true, .. } => match &built.plan.nodes[built.work.nodes[node].decl].body {
            Body::Gate(gate) => gate.window.as_ref(),
            Body::Step(_) => None,
        },
        _ => None,
    })?;
    let state = driver::window_state(window, driver::wall()).ok()?;
    match (state.open, state.changes) {
        (true, _) => Some("the window is open now".to_owned()),
        (false, Some(at)) => Some(format!("the window opens at {}", clock(at))),
        (false, None) => Some("the window does not open within 400 days".to_owned()),
    }
}

/// The status of a run as text.
pub(super) async fn text(place: &Place, id: &str, output: &Output) -> Result<String, Problem> {
    let (replayed, status) = read(place, id, false).await?;
    Ok(status::text(&status, &replayed.built.plan, output.style()))
}

pub(super) async fn status(args: &args::Status, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find(&args.which).await?;
    let (replayed, status) = read(&place, &id, true).await?;
    match args.json.json {
        true => output.json(&status),
        false => output.text(&status::text(&status, &replayed.built.plan, output.style())),
    }
    Ok(Exit::Done)
}

pub(super) async fn list(args: &args::List, output: &Output) -> Result<Exit, Problem> {
    let path = locate(Path::new("."), args.journal.journal.as_deref());
    let journal = Journal::open(&path, Mode::Read).await.map_err(|error| error.problem())?;
    let runs = journal.runs(args.most).await.map_err(|error| error.problem())?;
    let mut rows = Vec::with_capacity(runs.len());
    for run in runs {
        // One damaged run must not hide the others.
        let (status, word) =
            match journal.load(&run.id).await.map_err(|error| error.problem()).and_then(|l| driver::replay(&run.id, l))
            {
                Ok(replayed) => (Some(replayed.run.status()), replayed.run.status().word().to_owned()),
                Err(problem) => (None, format!("unreadable: {}", problem.message)),
            };
        rows.push((run, status, word));
    }
    if args.json.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(run, status, word)| {
                json!({
                    "id": run.id, "title": run.title, "plan": run.plan_path, "environment": run.environment,
                    "status": status, "says": word, "started": run.started, "last_event": run.last,
                    "started_by": run.started_by, "driven": run.driven,
                })
            })
            .collect();
        output.json(&json!({ "version": SHAPE, "journal": path, "runs": rows }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output.line("no run has been started yet");
    }
    for (run, _, word) in rows {
        let environment = run.environment.map(|name| format!(" ({name})")).unwrap_or_default();
        let title = if run.title.is_empty() { run.plan_path } else { run.title };
        let driven = if run.driven { ", driven now" } else { "" };
        output.line(&format!(
            "{}  {}  {word}{driven}  {title}{environment}, by {}",
            run.id,
            clock(run.started),
            run.started_by
        ));
    }
    Ok(Exit::Done)
}

pub(super) async fn logs(args: &args::Logs, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find(&args.which).await?;
    let (journal, replayed) = driver::read(&place, &id).await?;
    let only = args.step.as_deref().map(|step| node(&replayed, step)).transpose()?;
    let work = &replayed.built.work;
    let mut seq = 0;
    loop {
        let records = journal.records_since(&id, seq).await.map_err(|error| error.problem())?;
        seq = records.last().map_or(seq, |record| record.seq);
        for record in &records {
            log(record, work, only, args.json.json, output);
        }
        if !args.follow || !driven(&place, &id).await? && records.is_empty() {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// One part of what a step said; as JSON each on a line of its own.
fn log(record: &Stored, work: &Work, only: Option<usize>, as_json: bool, output: &Output) {
    let Entry::Output { node, attempt, undo, stream, text } = &record.entry else { return };
    if only.is_some_and(|only| only != *node) {
        return;
    }
    let id = work.nodes.get(*node).map_or("?", |node| node.id.as_str());
    let stream = match stream {
        Stream::Out => "stdout",
        Stream::Err => "stderr",
    };
    if as_json {
        let line = json!({
            "version": SHAPE, "seq": record.seq, "at": record.at, "step": id, "attempt": attempt, "undo": undo,
            "stream": stream, "text": text,
        });
        output.line(&line.to_string());
        return;
    }
    let undo = if *undo { " (undo)" } else { "" };
    for line in text.lines() {
        output.line(&format!("{}  {id}{undo} │ {}", clock(record.at), harmless(line)));
    }
}

pub(super) async fn lock(args: &args::Lock, output: &Output) -> Result<Exit, Problem> {
    match &args.command {
        None | Some(LockCommand::List) => list_locks(args.json.json, output).await,
        Some(LockCommand::Break { run, reason }) => break_locks(run, reason, output),
    }
}

async fn list_locks(as_json: bool, output: &Output) -> Result<Exit, Problem> {
    let held = locks::list().map_err(|error| error.problem())?;
    let mut rows = Vec::new();
    for lock in held {
        let epoch = match Journal::open(&lock.journal, Mode::Read).await {
            Ok(journal) => journal.owner(&lock.run).await.ok().flatten().map(|holder| holder.epoch),
            Err(_) => None,
        };
        rows.push((lock, epoch));
    }
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(lock, epoch)| {
                json!({
                    "resource": lock.address, "run": lock.run, "journal": lock.journal, "owner": lock.owner,
                    "epoch": epoch, "alive": lock.alive(),
                })
            })
            .collect();
        output.json(&json!({ "version": SHAPE, "locks": rows }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output.line("no run holds anything");
    }
    for (lock, epoch) in rows {
        let alive = if lock.alive() { "driven now" } else { "not driven" };
        let epoch = epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
        output.line(&format!("{}\n    run {}, {alive}{epoch}, taken by {}", lock.address, lock.run, lock.owner));
        output.line(&format!("    journal {}", lock.journal.display()));
    }
    Ok(Exit::Done)
}

fn break_locks(run: &str, reason: &str, output: &Output) -> Result<Exit, Problem> {
    let held: Vec<locks::Lock> =
        locks::list().map_err(|error| error.problem())?.into_iter().filter(|lock| lock.run == run).collect();
    if held.is_empty() {
        return Err(
            Problem::new(&codes::UNKNOWN_RUN, format!("run {run} holds no lock")).advice("`plan lock` shows them all")
        );
    }
    if let Some(lock) = held.iter().find(|lock| lock.alive()) {
        let problem = Problem::new(&codes::RUN_HELD, format!("run {run} is driven by {}", lock.owner));
        return Err(
            problem.advice(format!("stop it first: plan cancel {run}, or SIGTERM to process {}", lock.owner.pid))
        );
    }
    for lock in &held {
        locks::free(&lock.address).map_err(|error| error.problem())?;
        output.line(&format!("freed {} ({reason})", lock.address));
    }
    Ok(Exit::Done)
}

/// How a run ended, for a line.
pub(super) fn word(replayed: &Replayed) -> String {
    let work = &replayed.built.work;
    let left: Vec<&str> = replayed.run.remaining().into_iter().map(|node| work.nodes[node].id.as_str()).collect();
    ended(replayed.run.status(), &left)
}
