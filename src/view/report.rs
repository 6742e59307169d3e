//! The record of a run for those who come later: outcome first, then every step, every check with what was seen, every
//! decision, as Markdown or as one self-contained HTML page.

use std::fmt::Write;

use serde::Serialize;

use crate::engine::{Decision, Event, Phase, Reading};
use crate::journal::Entry;
use crate::model::{Body, Check};

use super::lines::{self, clock, duration, phase_word};
use super::status::{Facts, Status};

/// A run as its report tells it. `version` counts the shapes of its JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: u32,
    pub status: Status,
    pub outcome: String,
    /// SHA-256 of the parsed plan.
    pub plan_digest: String,
    pub values: Vec<(String, String)>,
    pub checks: Vec<Checked>,
    pub decisions: Vec<Decided>,
    pub events: Vec<Happened>,
    /// The plan as it was run.
    pub plan_text: String,
}

/// The last look at a check.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub node: String,
    pub phase: &'static str,
    /// As the plan writes it.
    pub check: String,
    /// `held`, `did not hold`, or why it could not be read.
    pub verdict: String,
    /// Parts of the expression with their values.
    pub seen: Vec<(String, String)>,
    /// How often it was read.
    pub rounds: u32,
}

/// What a person decided.
#[derive(Debug, Serialize)]
pub struct Decided {
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    pub who: String,
    pub os_user: String,
    pub host: String,
    pub what: String,
    pub comment: Option<String>,
    /// What an approval is bound to.
    pub digest: Option<String>,
}

/// A line of the timeline.
#[derive(Debug, Serialize)]
pub struct Happened {
    pub at: i64,
    pub node: Option<String>,
    pub text: String,
}

/// Puts the report of a run together.
pub fn report(facts: &Facts<'_>, status: Status, values: Vec<(String, String)>) -> Report {
    let left: Vec<&str> = status.remaining.iter().map(String::as_str).collect();
    Report {
        version: 1,
        outcome: lines::ended(status.status, &left),
        plan_digest: facts.plan.digest.clone(),
        values,
        checks: checks(facts),
        decisions: decisions(facts),
        events: events(facts),
        plan_text: facts.plan.source.text().to_owned(),
        status,
    }
}

fn checks(facts: &Facts<'_>) -> Vec<Checked> {
    let mut found: Vec<((usize, Phase, usize), Checked)> = Vec::new();
    for record in facts.records {
        let Entry::Event(Event::RoundRead { node, phase, readings, .. }) = &record.entry else { continue };
        for reading in readings {
            let key = (*node, *phase, reading.check);
            let at = found.iter().position(|(known, _)| *known == key);
            let rounds = at.map_or(0, |at| found.remove(at).1.rounds) + 1;
            let verdict = match &reading.reading {
                Reading::True => "held".to_owned(),
                Reading::False => "did not hold".to_owned(),
                Reading::Unreadable(why) => format!("could not be read: {why}"),
            };
            let source = &facts.plan.source;
            let text = |start, end| source.slice(crate::source::Span { start, end }).to_owned();
            let seen = reading.seen.iter().map(|seen| (text(seen.0, seen.1), seen.2.clone()));
            let seen = seen.filter(|(text, value)| text != value && !text.is_empty()).collect();
            let id = facts.work.nodes.get(*node).map_or("?", |node| node.id.as_str()).to_owned();
            let check = check_text(facts, *node, *phase, reading.check);
            found.push((key, Checked { node: id, phase: phase_word(*phase), check, verdict, seen, rounds }));
        }
    }
    found.sort_by_key(|(key, _)| *key);
    found.into_iter().map(|(_, checked)| checked).collect()
}

fn check_text(facts: &Facts<'_>, node: usize, phase: Phase, check: usize) -> String {
    let Some(declared) = facts.work.nodes.get(node).map(|node| &facts.plan.nodes[node.decl]) else {
        return String::new();
    };
    let of = |checks: &[Check]| checks.get(check).map(|check| check.span);
    let span = match (phase, &declared.body) {
        (Phase::When, _) => declared.when.as_ref().map(|when| when.span),
        (Phase::Require, _) => of(&declared.requires),
        (Phase::Verify, Body::Step(step)) => of(&step.verifies),
        (Phase::VerifyUndo, Body::Step(step)) => of(&step.verify_undo),
        (Phase::Verify | Phase::VerifyUndo, Body::Gate(_)) => None,
    };
    span.map(|span| facts.plan.source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn decisions(facts: &Facts<'_>) -> Vec<Decided> {
    let decided = |record: &crate::journal::Stored| {
        let Entry::Event(event) = &record.entry else { return None };
        let line = lines::line(event, facts.work)?.text;
        let (who, what, comment, digest) = match event {
            Event::GateApproved { node, who, comment, digest, .. } => {
                let id = &facts.work.nodes.get(*node)?.id;
                (who, format!("approved gate `{id}`"), comment.clone(), Some(digest.clone()))
            }
            Event::GateRefused { node, who, reason } => {
                let id = &facts.work.nodes.get(*node)?.id;
                (who, format!("refused gate `{id}`"), Some(reason.clone()), None)
            }
            Event::Decided { who, decision: Decision::Resolve { reason, .. } } => (who, line, reason.clone(), None),
            Event::Decided { who, .. } => (who, line, None, None),
            _ => return None,
        };
        let (name, os_user, host) = (who.name.clone(), who.os_user.clone(), who.host.clone());
        Some(Decided { at: record.at, who: name, os_user, host, what, comment, digest })
    };
    facts.records.iter().filter_map(decided).collect()
}

fn events(facts: &Facts<'_>) -> Vec<Happened> {
    let happened = |record: &crate::journal::Stored| {
        let text = match &record.entry {
            Entry::Event(event) => lines::line(event, facts.work)?,
            Entry::Note { text } => return Some(Happened { at: record.at, node: None, text: text.clone() }),
            _ => return None,
        };
        let node = text.node.map(|node| facts.work.nodes[node].id.clone());
        Some(Happened { at: record.at, node, text: text.text })
    };
    facts.records.iter().filter_map(happened).collect()
}

impl Report {
    fn name(&self) -> &str {
        if self.status.title.is_empty() { &self.status.plan } else { &self.status.title }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let status = &self.status;
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let mut out = format!("# {}: {}\n\n", self.name(), self.outcome);
        let environment = status.environment.as_deref().unwrap_or("none");
        let _ = write!(
            out,
            "| run | plan | environment | started | last event | by |\n| --- | --- | --- | --- | --- | --- |\n| {} | {} | {} | {} | {} | {} |\n",
            status.run,
            cell(&status.plan),
            environment,
            clock(status.started),
            clock(status.last_event),
            cell(&status.started_by)
        );
        for cause in status.cause.iter().chain(&status.not_undone) {
            let _ = write!(
                out,
                "\n> {}{}\n",
                cause.code.as_ref().map(|c| format!("{c} ")).unwrap_or_default(),
                cell(&cause.what)
            );
            if !cause.tail.is_empty() {
                let _ = write!(out, "\n```text\n{}\n```\n", cause.tail.trim_end());
            }
        }
        out.push_str("\n## Steps and gates\n\n| | what | state | attempts | took |\n| --- | --- | --- | --- | --- |\n");
        for node in &status.nodes {
            let took = node.started.zip(node.ended).map(|(from, to)| duration(u64::try_from(to - from).unwrap_or(0)));
            let (id, title, note) = (cell(&node.id), cell(&node.title), cell(&node.note));
            let note = if note.is_empty() { node.state.word().to_owned() } else { note };
            let _ = writeln!(out, "| `{id}` | {title} | {note} | {} | {} |", node.attempts, took.unwrap_or_default());
        }
        self.markdown_checks(&mut out);
        self.markdown_people(&mut out);
        let _ = write!(
            out,
            "\n## The plan\n\nDigest `{}`\n\n```text\n{}\n```\n",
            self.plan_digest,
            self.plan_text.trim_end()
        );
        out
    }

    fn markdown_checks(&self, out: &mut String) {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        if !self.checks.is_empty() {
            out.push_str("\n## Checks\n\n| | check | verdict | seen | looks |\n| --- | --- | --- | --- | --- |\n");
        }
        for check in &self.checks {
            let seen: Vec<String> = check.seen.iter().map(|(text, value)| format!("`{text}` was {value}")).collect();
            let _ = writeln!(
                out,
                "| `{}` {} | `{}` | {} | {} | {} |",
                cell(&check.node),
                check.phase,
                cell(&check.check),
                cell(&check.verdict),
                cell(&seen.join("; ")),
                check.rounds
            );
        }
    }

    fn markdown_people(&self, out: &mut String) {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        if !self.decisions.is_empty() {
            out.push_str("\n## Decisions\n\n| when | who | what | comment |\n| --- | --- | --- | --- |\n");
        }
        for decided in &self.decisions {
            let who = format!("{} ({}@{}, unsigned)", decided.who, decided.os_user, decided.host);
            let comment = decided.comment.as_deref().unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                clock(decided.at),
                cell(&who),
                cell(&decided.what),
                cell(comment)
            );
        }
        if !self.values.is_empty() {
            out.push_str("\n## Values\n\n| parameter | value |\n| --- | --- |\n");
        }
        for (name, value) in &self.values {
            let _ = writeln!(out, "| `{}` | `{}` |", cell(name), cell(value));
        }
        out.push_str("\n## Timeline\n\n| when | | what |\n| --- | --- | --- |\n");
        for event in &self.events {
            let node = event.node.as_deref().map(|node| format!("`{}`", cell(node))).unwrap_or_default();
            let _ = writeln!(out, "| {} | {node} | {} |", clock(event.at), cell(&event.text));
        }
    }
}
