//! Decisions about a run, taken in by whoever drives it, or put on record when nobody does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::Problem;
use crate::engine::{Decision, Input, Now, RunStatus, Who};
use crate::journal::{Entry, Header, Journal, Mode, Owner, locks};

use super::build::{self, Built};
use super::inbox::Answer;
use super::resume::{Replayed, amend_parts, replay};
use super::start::{Place, problem};
use super::{clock, codes, preflight};

/// How long a driving process has for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// This process, as the journal knows owners.
pub fn owner(who: &Who) -> Owner {
    Owner::of_this_process(&who.host, &who.name)
}

/// Puts a decision on record: through the process that drives the run, else directly. Starts nothing.
pub async fn decide(place: &Place, id: &str, who: &Who, decision: Decision) -> Result<RunStatus, Problem> {
    let journal = Journal::open(&place.journal, Mode::Existing).await.map_err(problem)?;
    let driven = journal.owner(id).await.map_err(problem)?.is_some_and(|held| held.alive);
    if driven {
        ask(&journal, id, who, &decision).await?;
        let replayed = replay(id, journal.load(id).await.map_err(problem)?)?;
        return Ok(replayed.run.status());
    }
    record(&journal, place, id, who, decision).await
}

async fn ask(journal: &Journal, id: &str, who: &Who, decision: &Decision) -> Result<(), Problem> {
    let request = serde_json::to_value(decision).expect("decisions are plain data");
    let posted = journal.post(id, who, &request).await.map_err(problem)?;
    let Some(answer) = journal.wait_answer(posted, ANSWER_TIME).await.map_err(problem)? else {
        let message = format!("the process that drives run {id} has not answered within {} s", ANSWER_TIME.as_secs());
        return Err(Problem::new(&codes::RUN_HELD, message)
            .advice(format!("the decision is posted and will be taken in; see `plan status {id}`")));
    };
    match serde_json::from_value::<Answer>(answer).ok().and_then(|answer| answer.refused) {
        Some(why) => Err(refused(id, &why)),
        None => Ok(()),
    }
}

fn refused(id: &str, why: &str) -> Problem {
    Problem::new(&codes::DECISION_REFUSED, why.to_owned())
        .advice(format!("see what can be decided now: plan status {id}"))
}

async fn record(
    journal: &Journal,
    place: &Place,
    id: &str,
    who: &Who,
    decision: Decision,
) -> Result<RunStatus, Problem> {
    let lease = journal.take_over(id, &owner(who)).await.map_err(problem)?;
    let outcome = async {
        let mut replayed = replay(id, journal.load(id).await.map_err(problem)?)?;
        replayed.run.hold();
        let now = Now { wall: clock::wall(), mono: 0 };
        let reaction = replayed.run.handle(now, Input::Operator { who: who.clone(), decision });
        if let Some(why) = reaction.refused {
            return Err(refused(id, &why.to_string()));
        }
        let writer = journal.writer(&lease).await.map_err(problem)?;
        let entries = reaction.events.into_iter().map(Entry::Event).collect();
        writer.append(now.wall, entries).durable().await.map_err(problem)?;
        writer.close().await;
        Ok(replayed.run.status())
    }
    .await;
    journal.release(&lease).await.map_err(problem)?;
    if let Ok(status) = &outcome
        && is_over(*status)
    {
        locks::release(id, &place.journal).map_err(problem)?;
    }
    outcome
}

/// Refuses to take a finished run back when a later one has changed the same resource since: what is there now is not what
/// this run left.
pub async fn refuse_after_later(place: &Place, id: &str) -> Result<(), Problem> {
    let journal = Journal::open(&place.journal, Mode::Read).await.map_err(problem)?;
    let this = replay(id, journal.load(id).await.map_err(problem)?)?;
    let mine = preflight::addresses(&this.built, &place.base)?;
    for later in journal.runs(usize::MAX).await.map_err(problem)?.into_iter().take_while(|run| run.id != id) {
        // A damaged or foreign run is not ours to judge; its own commands say what is wrong with it.
        let Ok(loaded) = journal.load(&later.id).await else { continue };
        let Ok(other) = replay(&later.id, loaded) else { continue };
        let base = Path::new(&other.header.plan_path).parent().unwrap_or(Path::new("."));
        let theirs = preflight::addresses(&other.built, base)?;
        let shared = theirs.iter().find(|address| mine.contains(address));
        if let Some(address) = shared.filter(|_| !other.run.remaining().is_empty()) {
            let message =
                format!("run {} has changed {address} since; run {id} cannot be taken back over it", later.id);
            let advice = format!("take the later one back first: plan rollback {}", later.id);
            return Err(Problem::new(&codes::DECISION_REFUSED, message).advice(advice));
        }
    }
    Ok(())
}

/// A run in this state is final: it holds its resources no longer.
pub fn is_over(status: RunStatus) -> bool {
    match status {
        RunStatus::Succeeded | RunStatus::RolledBack | RunStatus::PartlyRolledBack => true,
        RunStatus::Closed | RunStatus::NothingDone => true,
        RunStatus::Running | RunStatus::Paused | RunStatus::Unwinding | RunStatus::Stuck => false,
    }
}

/// What taking a changed plan over would change.
pub struct Amendment {
    header: Header,
    built: Arc<Built>,
    /// Lines for a person: `+ step`, `- step`, `~ step`, and `= step` for one that keeps what it was.
    pub changes: Vec<String>,
}

/// Looks at a changed plan file for a run; refuses it when it does not fit.
pub fn amendment(replayed: &Replayed, text: &str) -> Result<Amendment, Problem> {
    let mut header = replayed.header.clone();
    header.plan_text = text.to_owned();
    let built = build::from_header(&header)?;
    header.plan_digest.clone_from(&built.plan.digest);
    header.title.clone_from(&built.plan.title);
    build::refuse_unavailable(&built)?;
    let mut probe = replayed.run.clone();
    probe.amend(built.work.clone()).map_err(|error| {
        Problem::new(&codes::AMEND_REFUSED, error.to_string()).advice(format!("see `plan status {}`", replayed.id))
    })?;
    let changes = changes(replayed, &built);
    Ok(Amendment { header, built: Arc::new(built), changes })
}

fn changes(replayed: &Replayed, after: &Built) -> Vec<String> {
    let before = replayed.built.as_ref();
    let text = |built: &Built, node: usize| {
        let declared = &built.plan.nodes[built.work.nodes[node].decl];
        built.plan.source.slice(declared.span).to_owned()
    };
    let mut lines = Vec::new();
    for (node, work) in after.work.nodes.iter().enumerate() {
        match before.work.find(&work.id) {
            None => lines.push(format!("+ {}", work.id)),
            Some(earlier) if text(before, earlier) == text(after, node) => {}
            Some(earlier) if replayed.run.node(earlier).attempts > 0 => {
                lines.push(format!("= {} has started: it keeps its action and its undo as they were", work.id));
            }
            Some(_) => lines.push(format!("~ {}", work.id)),
        }
    }
    let gone = before.work.nodes.iter().filter(|work| after.work.find(&work.id).is_none());
    lines.extend(gone.map(|work| format!("- {}", work.id)));
    lines
}

/// Puts a changed plan on record. Only for a run that nobody drives.
pub async fn amend(place: &Place, id: &str, who: &Who, amendment: Amendment) -> Result<(), Problem> {
    let journal = Journal::open(&place.journal, Mode::Existing).await.map_err(problem)?;
    let lease = journal.take_over(id, &owner(who)).await.map_err(problem)?;
    let outcome = async {
        let mut replayed = replay(id, journal.load(id).await.map_err(problem)?)?;
        let Replayed { run, built, started_under, .. } = &mut replayed;
        amend_parts(run, built, started_under, amendment.built)?;
        let writer = journal.writer(&lease).await.map_err(problem)?;
        let note =
            Entry::Note { text: format!("{} took a changed plan over: {}", who.name, amendment.changes.join(", ")) };
        let entries = vec![Entry::Amended(amendment.header), note];
        writer.append(clock::wall(), entries).durable().await.map_err(problem)?;
        writer.close().await;
        Ok(())
    }
    .await;
    journal.release(&lease).await.map_err(problem)?;
    outcome
}
