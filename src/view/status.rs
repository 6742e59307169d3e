//! How a run stands: the cause first, then the steps, then what can be done now.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::diag::{Diagnostic, Style, render};
use crate::engine::{CheckReading, Event, NodeState, Outcome, Phase, Reading, Run, RunStatus, Seen, Waiting};
use crate::journal::{Entry, Stored};
use crate::model::{Body, Check, Expr, ExprKind, Over, Piece, Plan, Value, Work, WorkBody};
use crate::source::Span;

use super::codes::CHECK_FAILED;
use super::lines::{self, duration, phase_word};

/// A run as `plan status --json` prints it. `version` counts the shapes.
#[derive(Debug, Serialize)]
pub struct Status {
    pub version: u32,
    pub run: String,
    pub plan: String,
    pub title: String,
    pub environment: Option<String>,
    pub status: RunStatus,
    /// A process drives it at this moment.
    pub driven: bool,
    /// Wall time, milliseconds since the Unix epoch.
    pub started: i64,
    pub last_event: i64,
    pub started_by: String,
    pub cause: Option<Cause>,
    /// What could not be undone, and why.
    pub not_undone: Vec<Cause>,
    pub waiting: Vec<String>,
    /// Ids of the nodes whose effects remain or may remain.
    pub remaining: Vec<String>,
    pub nodes: Vec<NodeStatus>,
    pub can: Vec<Suggestion>,
    pub warnings: Vec<String>,
}

/// Why a run did not succeed.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    pub node: Option<String>,
    /// What `plan explain` takes: the code of what an action reported, or of a failed check.
    pub code: Option<String>,
    /// One sentence.
    pub what: String,
    /// The failing check with what was seen, drawn over its source line; empty when no check failed.
    #[serde(skip)]
    pub drawn: Option<Diagnostic>,
    /// What was seen: the text of each part and its value.
    pub seen: Vec<(String, String)>,
    /// The last lines of the failing step.
    pub tail: String,
}

/// One node.
#[derive(Debug, Serialize)]
pub struct NodeStatus {
    pub id: String,
    pub title: String,
    pub kind: &'static str,
    pub state: NodeState,
    pub attempts: u32,
    pub started: Option<i64>,
    pub ended: Option<i64>,
    pub note: String,
}

/// A command to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    pub command: String,
    pub why: String,
}

/// What a status is made from.
pub struct Facts<'a> {
    pub id: &'a str,
    pub plan: &'a Plan,
    pub work: &'a Work,
    pub run: &'a Run,
    pub records: &'a [Stored],
    pub environment: Option<&'a str>,
    pub started_by: &'a str,
    pub driven: bool,
    pub warnings: Vec<String>,
}

/// Adds up what the journal says of a run.
pub fn status(facts: &Facts<'_>) -> Status {
    let id = |node: &usize| facts.work.nodes[*node].id.clone();
    let first = facts.records.first().map_or(0, |record| record.at);
    let last = facts.records.last().map_or(0, |record| record.at);
    let notes = notes(facts);
    let nodes = facts.work.nodes.iter().enumerate().map(|(node, work)| {
        let view = facts.run.node(node);
        NodeStatus {
            id: work.id.clone(),
            title: title(facts.plan, facts.work, node),
            kind: if matches!(facts.plan.nodes[work.decl].body, Body::Gate(_)) { "gate" } else { "step" },
            state: view.state,
            attempts: view.attempts,
            started: view.started,
            ended: view.ended,
            note: match view.state {
                NodeState::Failed if notes[node].is_empty() => "given up when the run turned back".to_owned(),
                _ => notes[node].clone(),
            },
        }
    });
    Status {
        version: 1,
        run: facts.id.to_owned(),
        plan: facts.plan.name.clone(),
        title: facts.plan.title.clone(),
        environment: facts.environment.map(str::to_owned),
        status: facts.run.status(),
        driven: facts.driven,
        started: first,
        last_event: last,
        started_by: facts.started_by.to_owned(),
        cause: cause(facts),
        not_undone: not_undone(facts),
        waiting: facts.run.waiting().iter().map(|waiting| lines::waits_for(waiting, facts.work)).collect(),
        remaining: facts.run.remaining().iter().map(id).collect(),
        nodes: nodes.collect(),
        can: suggestions(facts.id, facts.run, facts.work, facts.driven),
        warnings: facts.warnings.clone(),
    }
}

/// The title of a work node: a fan-out's with its item filled in.
pub fn title(plan: &Plan, work: &Work, node: usize) -> String {
    let item = work.nodes[node].item.as_ref();
    let text = |expr: &Expr| match &expr.kind {
        ExprKind::Const(Value::String(text)) => text.clone(),
        ExprKind::Template(template) => template
            .parts
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Value { .. } => item.and_then(Value::as_str).unwrap_or("…").to_owned(),
            })
            .collect(),
        _ => String::new(),
    };
    plan.nodes[work.nodes[node].decl].title.as_ref().map(text).unwrap_or_default()
}

/// The last thing worth saying about each node.
fn notes(facts: &Facts<'_>) -> Vec<String> {
    let mut notes = vec![String::new(); facts.work.nodes.len()];
    for record in facts.records {
        let Entry::Event(event) = &record.entry else { continue };
        let Some(line) = lines::line(event, facts.work) else { continue };
        let started = matches!(event, Event::ActionIntended { .. } | Event::UndoIntended { .. });
        if let (Some(node), false) = (line.node, started)
            && let Some(note) = notes.get_mut(node)
        {
            *note = line.text;
        }
    }
    notes
}

/// What everything after it comes from.
fn fails(event: &Event) -> bool {
    matches!(
        event,
        Event::ChecksFailed { .. }
            | Event::ChecksUnreadable { .. }
            | Event::StepFailed { .. }
            | Event::DoubtRaised { .. }
            | Event::GateRefused { .. }
            | Event::GateExpired { .. }
            | Event::ObservationFailed { .. }
            | Event::UndoFailed { .. }
            | Event::UnwindingBegan { .. }
    )
}

/// Whether it is the failure of a step that the run can do without.
fn is_optional(event: &Event, work: &Work) -> bool {
    let Event::StepFailed { node, .. } = event else { return false };
    matches!(&work.nodes[*node].body, WorkBody::Step(step) if step.optional)
}

/// The first failure of the newest try: what everything after it comes from.
fn cause(facts: &Facts<'_>) -> Option<Cause> {
    let events = events(facts);
    if facts.run.status() == RunStatus::Succeeded {
        return None;
    }
    let retried =
        |event: &&Event| matches!(event, Event::Decided { decision: crate::engine::Decision::Retry { .. }, .. });
    let from = events.iter().rposition(retried).map_or(0, |at| at + 1);
    let fails = |event: &&Event| fails(event) && !is_optional(event, facts.work);
    let newest = events[from..].iter().position(fails).map(|at| from + at);
    let at = newest.or_else(|| events.iter().position(fails))?;
    let event = events[at];
    if let Event::UnwindingBegan { why, .. } = event {
        // Nothing had failed: somebody wanted it so.
        let (what, seen, tail) = (why.clone(), Vec::new(), String::new());
        return Some(Cause { node: None, code: None, what, drawn: None, seen, tail });
    }
    let node = event.node()?;
    let text = lines::line(event, facts.work).map(|line| line.text).unwrap_or_default();
    let id = facts.work.nodes[node].id.clone();
    let (code, tail) = failure_before(&events[..=(at + 1).min(events.len() - 1)], node);
    let mut cause =
        Cause { node: Some(id.clone()), code, what: format!("`{id}` {text}"), drawn: None, seen: Vec::new(), tail };
    if let Event::ChecksFailed { phase, check, .. } | Event::ChecksUnreadable { phase, check, .. } = event {
        draw(&mut cause, facts, &events[..at], (node, *phase, *check));
    }
    Some(cause)
}

/// The undos for which no way is left.
fn not_undone(facts: &Facts<'_>) -> Vec<Cause> {
    let stuck = |node: &usize| facts.run.node(*node).state == NodeState::UndoFailed;
    let events = events(facts);
    let cause = |node: usize| {
        let at = events.iter().rposition(|event| matches!(event, Event::UndoFailed { node: of, .. } if *of == node))?;
        let (code, tail) = failure_before(&events[..at], node);
        let what = format!("`{}` {}", facts.work.nodes[node].id, lines::line(events[at], facts.work)?.text);
        Some(Cause { node: Some(facts.work.nodes[node].id.clone()), code, what, drawn: None, seen: Vec::new(), tail })
    };
    (0..facts.work.nodes.len()).filter(stuck).filter_map(cause).collect()
}

fn events<'a>(facts: &Facts<'a>) -> Vec<&'a Event> {
    let event = |record: &'a Stored| match &record.entry {
        Entry::Event(event) => Some(event),
        _ => None,
    };
    facts.records.iter().filter_map(event).collect()
}

/// The code and the last lines of the newest failed attempt of a node.
fn failure_before(events: &[&Event], node: usize) -> (Option<String>, String) {
    let failure = events.iter().rev().find_map(|event| match event {
        Event::ActionEnded { node: of, outcome: Outcome::Failed { failure, .. }, .. } if *of == node => Some(failure),
        Event::UndoEnded { node: of, outcome: Outcome::Failed { failure, .. }, .. } if *of == node => Some(failure),
        _ => None,
    });
    failure.map(|failure| (Some(failure.code.clone()), failure.tail.clone())).unwrap_or_default()
}

fn draw(cause: &mut Cause, facts: &Facts<'_>, before: &[&Event], (node, phase, check): (usize, Phase, usize)) {
    let Some(declared) = declared(facts.plan, facts.work.nodes[node].decl, phase, check) else { return };
    let reading = before.iter().rev().find_map(|event| match event {
        Event::RoundRead { node: of, phase: in_phase, readings, .. } if *of == node && *in_phase == phase => {
            readings.iter().find(|reading| reading.check == check)
        }
        _ => None,
    });
    let source = &facts.plan.source;
    let word = phase_word(phase);
    let name = facts.work.nodes[node].id.as_str();
    let kind =
        if matches!(facts.plan.nodes[facts.work.nodes[node].decl].body, Body::Gate(_)) { "gate" } else { "step" };
    let filled = reading.iter().flat_map(|reading| &reading.seen).find(|seen| is_message(seen, &declared));
    let filled = filled.map(|seen| seen.2.clone());
    let otherwise = filled.or_else(|| declared.otherwise.as_ref().and_then(constant));
    let unreadable = reading.and_then(why_unreadable);
    cause.what = match (&otherwise, &unreadable) {
        (_, Some(why)) => format!("{word} of {kind} `{name}` could not be read: {why}"),
        (Some(text), None) => format!("{word} failed in {kind} `{name}`: {text}"),
        (None, None) => format!("{word} failed in {kind} `{name}`: `{}`", source.slice(declared.span)),
    };
    let mut parts = Vec::new();
    for seen in reading.iter().flat_map(|reading| &reading.seen).filter(|seen| !is_message(seen, &declared)) {
        let span = Span { start: seen.0, end: seen.1 };
        let text = source.slice(span).to_owned();
        // A literal shows itself.
        if text != seen.2 && !text.is_empty() {
            parts.push((span, seen.2.clone()));
            cause.seen.push((text, seen.2.clone()));
        }
    }
    cause.code = Some(CHECK_FAILED.id.to_owned());
    cause.drawn = Some(drawn(&declared, &cause.what, parts));
}

/// The check with the value under each part of it; a part within another shows in the whole of that.
fn drawn(declared: &Check, what: &str, mut parts: Vec<(Span, String)>) -> Diagnostic {
    parts.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut end = 0;
    parts.retain(|(span, _)| {
        let outside = span.start >= end;
        end = end.max(span.end);
        outside
    });
    let over = over_time(&declared.over);
    let mut parts = parts.into_iter();
    let Some((span, value)) = parts.next() else {
        return Diagnostic::new(&CHECK_FAILED, declared.expr.span, what).label(over);
    };
    let label = if over.is_empty() { value } else { format!("{value}, and it {over}") };
    let first = Diagnostic::new(&CHECK_FAILED, span, what).label(label);
    parts.fold(first, |drawn, (span, value)| drawn.related(span, value))
}

/// Whether this is what `else "…"` said, with its values.
fn is_message(seen: &Seen, declared: &Check) -> bool {
    declared.otherwise.as_ref().is_some_and(|text| (text.span.start, text.span.end) == (seen.0, seen.1))
}

fn why_unreadable(reading: &CheckReading) -> Option<String> {
    match &reading.reading {
        Reading::Unreadable(why) => Some(why.clone()),
        Reading::True | Reading::False => None,
    }
}

fn constant(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Const(value) => value.as_str().map(str::to_owned),
        _ => None,
    }
}

fn over_time(over: &Over) -> String {
    match over {
        Over::Once => String::new(),
        Over::Within { .. } => "did not hold in time".into(),
        Over::For { .. } => "did not go on holding".into(),
    }
}

fn declared(plan: &Plan, decl: usize, phase: Phase, check: usize) -> Option<Check> {
    let node = &plan.nodes[decl];
    let step = match &node.body {
        Body::Step(step) => Some(step),
        Body::Gate(_) => None,
    };
    match phase {
        Phase::Require => node.requires.get(check).cloned(),
        Phase::Verify => step.and_then(|step| step.verifies.get(check)).cloned(),
        Phase::VerifyUndo => step.and_then(|step| step.verify_undo.get(check)).cloned(),
        Phase::When => {
            let expr = node.when.clone()?;
            Some(Check { span: expr.span, expr, over: Over::Once, otherwise: None })
        }
    }
}

/// What can be done in this state, as commands to copy.
pub fn suggestions(id: &str, run: &Run, work: &Work, driven: bool) -> Vec<Suggestion> {
    let mut can = Vec::new();
    let mut add = |command: String, why: &str| {
        let suggestion = Suggestion { command, why: why.to_owned() };
        if !can.contains(&suggestion) {
            can.push(suggestion);
        }
    };
    let name = |node: &usize| quoted(&work.nodes[*node].id);
    for waiting in run.waiting() {
        match &waiting {
            Waiting::Gate { node, have, need, .. } => {
                // A window alone is waited for: nobody can open it.
                if have < need {
                    add(format!("plan approve {id} {}", name(node)), "open the gate");
                }
                add(format!("plan reject {id} {} --reason \"…\"", name(node)), "refuse it");
            }
            Waiting::Window => {}
            Waiting::Question { node, .. } => {
                add(format!("plan retry {id} {}", name(node)), "try it once more");
                add(format!("plan skip {id} {} --reason \"…\"", name(node)), "go on without it");
                add(format!("plan mark {id} {} done --reason \"…\"", name(node)), "after a repair by hand");
                add(format!("plan rollback {id}"), "take everything back");
                add(format!("plan close {id} --accept \"…\""), "leave it as it is");
            }
            Waiting::Doubt { node, .. } => {
                add(format!("plan resolve {id} {} done", name(node)), "it has happened");
                add(format!("plan resolve {id} {} not-done", name(node)), "it has not");
            }
            Waiting::Unreadable { node, .. } => {
                add(format!("plan retry {id} {}", name(node)), "read it once more");
                add(format!("plan skip {id} {} --reason \"…\"", name(node)), "go on without it");
                add(format!("plan rollback {id}"), "take everything back");
            }
            Waiting::UndoAsk { node, .. } => {
                add(format!("plan approve {id} {}", name(node)), "let this undo run");
                add(format!("plan reject {id} {} --reason \"…\"", name(node)), "try the next way, if there is one");
            }
            Waiting::Stuck { node } => {
                add(format!("plan retry {id} {}", name(node)), "try its undo once more");
                add(format!("plan mark {id} {} undone --reason \"…\"", name(node)), "after a repair by hand");
                add(format!("plan close {id} --accept \"…\""), "leave what remains, and free the locks");
            }
        }
    }
    match run.status() {
        RunStatus::Succeeded => add(format!("plan rollback {id}"), "take it back"),
        RunStatus::Stuck if can.is_empty() => {
            for node in run.remaining() {
                let name = quoted(&work.nodes[node].id);
                can.push(Suggestion {
                    command: format!("plan mark {id} {name} undone --reason \"…\""),
                    why: "after a repair by hand".into(),
                });
            }
            let command = format!("plan close {id} --accept \"…\"");
            can.push(Suggestion { command, why: "leave what remains, and free the locks".into() });
        }
        RunStatus::Running | RunStatus::Unwinding | RunStatus::Paused if !driven => {
            let command = format!("plan resume {id}");
            let why = if can.is_empty() { "go on" } else { "go on, once that is decided" };
            can.push(Suggestion { command, why: why.into() });
        }
        RunStatus::Running | RunStatus::Unwinding | RunStatus::Paused | RunStatus::Stuck => {}
        RunStatus::RolledBack | RunStatus::PartlyRolledBack | RunStatus::Closed | RunStatus::NothingDone => {}
    }
    can
}

/// An id as a shell takes it: `deploy["eu"]` needs quotes.
fn quoted(id: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    if id.chars().all(plain) { id.to_owned() } else { format!("'{}'", id.replace('\'', "'\\''")) }
}

/// The status as text.
pub fn text(status: &Status, plan: &Plan, style: Style) -> String {
    let mut out = String::new();
    let mut push = |line: &str| {
        out.push_str(line);
        out.push('\n');
    };
    let left: Vec<&str> = status.remaining.iter().map(String::as_str).collect();
    for cause in status.cause.iter().chain(&status.not_undone) {
        cause_text(cause, plan, style, &mut push);
    }
    let environment = status.environment.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let title = if status.title.is_empty() { String::new() } else { format!(" \"{}\"", status.title) };
    push(&format!("run {}: {}{title}{environment}", status.run, status.plan));
    push(&format!("{}, started {} by {}", standing(status, &left), lines::clock(status.started), status.started_by));
    if !status.waiting.is_empty() {
        push(&format!("waits for {}", status.waiting.join("; ")));
    }
    push("");
    let width = status.nodes.iter().map(|node| node.id.width()).max().unwrap_or(0);
    for node in &status.nodes {
        let took = match (node.started, node.ended) {
            (Some(from), Some(to)) => duration(u64::try_from(to - from).unwrap_or(0)),
            _ => String::new(),
        };
        let room = " ".repeat(width - node.id.width());
        let what = if node.note.is_empty() { node.state.word().to_owned() } else { node.note.clone() };
        push(format!("  {} {}{room}  {:>8}  {what}", sign(node.state), node.id, took).trim_end());
    }
    for warning in &status.warnings {
        push(&format!("\n! {warning}"));
    }
    if !status.can.is_empty() {
        push("\nwhat can be done now:");
        let width = status.can.iter().map(|can| can.command.width()).max().unwrap_or(0);
        for can in &status.can {
            push(&format!("  {}{}  # {}", can.command, " ".repeat(width - can.command.width()), can.why));
        }
    }
    out
}

/// How it stands, in words; a run that nobody drives does not run, whatever its state.
fn standing(status: &Status, left: &[&str]) -> String {
    let word = lines::ended(status.status, left);
    match status.status {
        RunStatus::Running | RunStatus::Unwinding if !status.driven => format!("{word}, but no process drives it"),
        _ => word,
    }
}

fn cause_text(cause: &Cause, plan: &Plan, style: Style, push: &mut impl FnMut(&str)) {
    match &cause.drawn {
        Some(drawn) => push(render(&plan.source, std::slice::from_ref(drawn), style).trim_end()),
        None => {
            let code = cause.code.as_ref().map(|code| format!("{code} ")).unwrap_or_default();
            push(&format!("× {code}{}", cause.what));
        }
    }
    if !cause.tail.is_empty() {
        push("");
        cause.tail.lines().for_each(|line| push(&format!("    │ {line}")));
    }
    push("");
}

fn sign(state: NodeState) -> &'static str {
    match state {
        NodeState::Done | NodeState::Open => "✓",
        NodeState::Failed | NodeState::UndoFailed | NodeState::Refused | NodeState::Expired => "×",
        NodeState::Undone => "↩",
        NodeState::Skipped | NodeState::Closed => "-",
        NodeState::InDoubt => "?",
        NodeState::Waiting | NodeState::UndoAsked | NodeState::Backoff => "…",
        NodeState::Checking | NodeState::Running | NodeState::Verifying => "▸",
        NodeState::Undoing | NodeState::VerifyingUndo => "▸",
        NodeState::Pending => " ",
    }
}
