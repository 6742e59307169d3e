//! What people decide about a run: approve, reject, resolve, mark, retry, skip, amend, close.

use std::io::{IsTerminal, Write, stdin, stdout};

use crate::diag::Problem;
use crate::driver::{self, Place, Replayed, Shown, codes};
use crate::engine::{Decision, NodeState};

use super::args::{self, Marked, Resolution, WhichNode};
use super::exit::Exit;
use super::output::Output;
use super::run::{find, find_in};
use super::{files, given, show};

/// A run with the node that is decided about.
struct About {
    place: Place,
    replayed: Replayed,
    node: usize,
}

async fn about(which: &WhichNode) -> Result<About, Problem> {
    let (place, id, _) = find_in(&which.journal, &which.run).await?;
    let (_, replayed) = driver::read(&place, &id).await?;
    let node = show::node(&replayed, &which.node)?;
    Ok(About { place, replayed, node })
}

async fn decide(which: &WhichNode, output: &Output, decision: impl FnOnce(usize) -> Decision) -> Result<Exit, Problem> {
    let About { place, replayed, node } = about(which).await?;
    record(&place, &replayed.id, which.as_name.as_deref(), decision(node), output).await
}

async fn record(
    place: &Place,
    id: &str,
    name: Option<&str>,
    decision: Decision,
    output: &Output,
) -> Result<Exit, Problem> {
    driver::decide(place, id, &given::who(name), decision).await?;
    let driven = show::driven(place, id).await?;
    let (_, replayed) = driver::read(place, id).await?;
    let over = driver::is_over(replayed.run.status());
    match (over, driven) {
        (true, _) => output.line(&format!("on record; run {id}: {}", show::word(&replayed))),
        (false, true) => output.line(&format!("on record; run {id} goes on where it is driven")),
        (false, false) => output.line(&format!("on record; to go on: plan resume {id}")),
    }
    Ok(Exit::Done)
}

pub(super) async fn resolve(args: &args::Resolve, output: &Output) -> Result<Exit, Problem> {
    let done = args.outcome == Resolution::Done;
    decide(&args.which, output, |node| Decision::Resolve { node, done, reason: args.reason.clone() }).await
}

pub(super) async fn mark(args: &args::Mark, output: &Output) -> Result<Exit, Problem> {
    let reason = args.reason.clone();
    decide(&args.which, output, |node| match args.state {
        Marked::Done => Decision::MarkDone { node, reason },
        Marked::Undone => Decision::MarkUndone { node, reason },
    })
    .await
}

pub(super) async fn retry(args: &args::Retry, output: &Output) -> Result<Exit, Problem> {
    decide(&args.which, output, |node| Decision::Retry { node }).await
}

pub(super) async fn skip(args: &args::Skip, output: &Output) -> Result<Exit, Problem> {
    decide(&args.which, output, |node| Decision::Skip { node, reason: args.reason.clone() }).await
}

pub(super) async fn close(args: &args::Close, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find(&args.which).await?;
    let (_, replayed) = driver::read(&place, &id).await?;
    for node in replayed.run.remaining() {
        output.line(&format!("stays: {}", replayed.built.work.nodes[node].id));
    }
    let decision = Decision::Close { reason: args.accept.clone() };
    record(&place, &id, args.as_name.as_deref(), decision, output).await
}

pub(super) async fn approve(args: &args::Approve, output: &Output) -> Result<Exit, Problem> {
    let About { place, replayed, node } = about(&args.which).await?;
    let alternative = undo_asked(&replayed, node);
    let decision = match (alternative, driver::shown(&replayed, node)) {
        (Some(alternative), _) => Decision::AllowUndo { node, alternative },
        (None, Some(shown)) => {
            present(&shown, output);
            let answers = answers(args, &shown, output)?;
            Decision::Approve { node, answers, digest: shown.digest, comment: args.comment.clone() }
        }
        (None, None) => {
            let problem = Problem::new(
                &codes::DECISION_REFUSED,
                format!("`{}` is no gate, and no undo of it asks", args.which.node),
            );
            return Err(problem.advice(format!("see what can be decided now: plan status {}", replayed.id)));
        }
    };
    record(&place, &replayed.id, args.which.as_name.as_deref(), decision, output).await
}

/// The undo alternative of a step that waits for a yes.
fn undo_asked(replayed: &Replayed, node: usize) -> Option<usize> {
    let asked = |waiting: &crate::engine::Waiting| match waiting {
        crate::engine::Waiting::UndoAsk { node: of, alternative } if *of == node => Some(*alternative),
        _ => None,
    };
    replayed.run.waiting().iter().find_map(asked)
}

fn present(shown: &Shown, output: &Output) {
    if !shown.title.is_empty() {
        output.line(&shown.title);
    }
    for (text, value) in &shown.values {
        output.line(&format!("{text}:"));
        value.lines().for_each(|line| output.line(&format!("    {line}")));
    }
}

/// The answers to the checklist, from flags or from the person at the terminal.
fn answers(args: &args::Approve, shown: &Shown, output: &Output) -> Result<Vec<bool>, Problem> {
    if args.yes || shown.checklist.is_empty() {
        return Ok(vec![true; shown.checklist.len()]);
    }
    if !args.answers.is_empty() {
        return args.answers.iter().map(|answer| yes_or_no(answer)).collect();
    }
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        let problem =
            Problem::new(&codes::CONFIRMATION_NEEDED, "the gate has a checklist, and nobody is here to answer it");
        let problem = shown.checklist.iter().fold(problem, |problem, item| problem.detail(format!("[ ] {item}")));
        return Err(problem.advice("answer with `--yes`, or with `--answers yes,yes,…` in this order"));
    }
    shown.checklist.iter().map(|item| ask(item, output)).collect()
}

fn yes_or_no(answer: &str) -> Result<bool, Problem> {
    match answer.trim().to_lowercase().as_str() {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        other => Err(Problem::new(&codes::BAD_ARGUMENT, format!("`{other}` is neither yes nor no"))),
    }
}

fn ask(item: &str, output: &Output) -> Result<bool, Problem> {
    loop {
        output.text(&format!("[ ] {item}  (yes/no) "));
        // A prompt that cannot be flushed is answered blind; the answer is read all the same.
        let _ = stdout().flush();
        let mut line = String::new();
        let read = stdin().read_line(&mut line);
        if !matches!(read, Ok(bytes) if bytes > 0) {
            return Err(Problem::new(
                &codes::CONFIRMATION_NEEDED,
                "the checklist was not answered; nothing is on record",
            ));
        }
        if let Ok(answer) = yes_or_no(&line) {
            return Ok(answer);
        }
    }
}

pub(super) async fn reject(args: &args::Reject, output: &Output) -> Result<Exit, Problem> {
    let About { place, replayed, node } = about(&args.which).await?;
    let decision = match undo_asked(&replayed, node) {
        Some(alternative) => Decision::DenyUndo { node, alternative },
        None => Decision::Reject { node, reason: args.reason.clone() },
    };
    record(&place, &replayed.id, args.which.as_name.as_deref(), decision, output).await
}

pub(super) async fn amend(args: &args::Amend, output: &Output) -> Result<Exit, Problem> {
    let (place, id, _) = find_in(&args.journal, &args.run).await?;
    let (_, replayed) = driver::read(&place, &id).await?;
    let text = files::read(&args.file)?;
    // Said with the file's own lines before it is compared with the run.
    super::run::checked(&args.file, &crate::syntax::Limits::default(), output)?;
    let amendment = driver::amendment(&replayed, text.text())?;
    match amendment.changes.is_empty() {
        true => output.line("no step or gate has changed"),
        false => amendment.changes.iter().for_each(|change| output.line(change)),
    }
    for (node, work) in replayed.built.work.nodes.iter().enumerate() {
        if matches!(replayed.run.node(node).state, NodeState::Waiting | NodeState::Open) {
            output.line(&format!(
                "approvals at gate `{}` count no longer where steps after it have not started",
                work.id
            ));
        }
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    driver::amend(&place, &id, &given::who(args.as_name.as_deref()), amendment).await?;
    output.line(&format!("on record; to go on: plan resume {id}"));
    Ok(Exit::Done)
}
