//! A report as one HTML page that needs nothing else: no script, no font, no network.

use std::fmt::Write;

use crate::engine::NodeState;

use super::lines::{clock, duration};
use super::report::Report;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --bad: #cf222e; --back: #9a6700 }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --back: #d29922 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.outcome { font-weight: 600; font-size: 1.1rem } .good { color: var(--good) } .bad { color: var(--bad) } .back { color: var(--back) }
.facts { color: gray } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } code, pre { font: 13px/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .8rem; overflow: auto; border-radius: 6px }
.cause { border-left: 4px solid var(--bad); padding: .2rem .9rem; margin: 1rem 0 } svg text { font: 12px ui-monospace, monospace; fill: currentColor }
.wide { overflow-x: auto }
";

/// Text that is no markup.
fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn color(state: NodeState) -> &'static str {
    match state {
        NodeState::Done | NodeState::Open => "good",
        NodeState::Failed | NodeState::UndoFailed | NodeState::Refused | NodeState::Expired | NodeState::InDoubt => {
            "bad"
        }
        NodeState::Undone | NodeState::UndoAsked | NodeState::Undoing | NodeState::VerifyingUndo => "back",
        NodeState::Pending | NodeState::Checking | NodeState::Running | NodeState::Backoff => "",
        NodeState::Verifying | NodeState::Skipped | NodeState::Waiting | NodeState::Closed => "",
    }
}

impl Report {
    /// As one HTML page.
    pub fn html(&self) -> String {
        let status = &self.status;
        let name = if status.title.is_empty() { &status.plan } else { &status.title };
        let class = match status.status {
            crate::engine::RunStatus::Succeeded => "good",
            crate::engine::RunStatus::RolledBack | crate::engine::RunStatus::PartlyRolledBack => "back",
            _ => "bad",
        };
        let environment = status.environment.as_ref().map(|name| format!(" in {}", safe(name))).unwrap_or_default();
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{0}: {1}</title>\n<style>{STYLE}</style>\n<h1>{0}</h1>\n<p class=\"outcome {class}\">{1}</p>\n\
             <p class=\"facts\">run {2}{environment}, started {3} by {4}, last event {5}</p>\n",
            safe(name),
            safe(&self.outcome),
            safe(&status.run),
            clock(status.started),
            safe(&status.started_by),
            clock(status.last_event)
        );
        for cause in status.cause.iter().chain(&status.not_undone) {
            let code = cause.code.as_ref().map(|code| format!("{code} ")).unwrap_or_default();
            let _ = write!(out, "<div class=\"cause\"><p><b>{}</b>{}</p>", safe(&code), safe(&cause.what));
            for (text, value) in &cause.seen {
                let _ = write!(out, "<p><code>{}</code> was <code>{}</code></p>", safe(text), safe(value));
            }
            if !cause.tail.is_empty() {
                let _ = write!(out, "<pre>{}</pre>", safe(cause.tail.trim_end()));
            }
            out.push_str("</div>\n");
        }
        self.timeline(&mut out);
        self.nodes(&mut out);
        self.tables(&mut out);
        let _ = write!(
            out,
            "<h2>The plan</h2>\n<p class=\"facts\">digest <code>{}</code></p>\n<pre>{}</pre>\n</html>\n",
            safe(&self.plan_digest),
            safe(&self.plan_text)
        );
        out
    }

    /// One bar a node, over the time of the run.
    fn timeline(&self, out: &mut String) {
        const ROW: usize = 22;
        const NAMES: f64 = 220.0;
        const WIDTH: f64 = 640.0;
        let from = self.status.started;
        let span = (self.status.last_event - from).max(1) as f64;
        let shown: Vec<_> = self.status.nodes.iter().filter(|node| node.started.is_some()).collect();
        let _ = write!(
            out,
            "<h2>Timeline</h2>\n<div class=\"wide\"><svg role=\"img\" aria-label=\"when each step ran\" width=\"{}\" height=\"{}\">\n",
            NAMES + WIDTH + 90.0,
            shown.len() * ROW + 4
        );
        for (row, node) in shown.iter().enumerate() {
            let start = node.started.unwrap_or(from);
            let end = node.ended.unwrap_or(self.status.last_event);
            let x = NAMES + (start - from) as f64 / span * WIDTH;
            let width = ((end - start) as f64 / span * WIDTH).max(2.0);
            let fill = match color(node.state) {
                "" => "gray".to_owned(),
                class => format!("var(--{class})"),
            };
            let took = duration(u64::try_from(end - start).unwrap_or(0));
            let _ = writeln!(
                out,
                "<text x=\"0\" y=\"{}\">{}</text><rect x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"12\" rx=\"3\" fill=\"{fill}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{took}</text>",
                row * ROW + 15,
                safe(&node.id),
                row * ROW + 5,
                x + width + 6.0,
                row * ROW + 15
            );
        }
        out.push_str("</svg></div>\n");
    }

    fn nodes(&self, out: &mut String) {
        out.push_str(
            "<h2>Steps and gates</h2>\n<table><tr><th></th><th>what</th><th>state</th><th>attempts</th></tr>\n",
        );
        for node in &self.status.nodes {
            let note = if node.note.is_empty() { node.state.word() } else { &node.note };
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>",
                safe(&node.id),
                safe(&node.title),
                color(node.state),
                safe(note),
                node.attempts
            );
        }
        out.push_str("</table>\n");
    }

    fn tables(&self, out: &mut String) {
        out.push_str("<h2>Checks</h2>\n<table><tr><th></th><th>check</th><th>verdict</th><th>seen</th></tr>\n");
        for check in &self.checks {
            let seen: Vec<String> = check
                .seen
                .iter()
                .map(|(text, value)| format!("<code>{}</code> was <code>{}</code>", safe(text), safe(value)))
                .collect();
            let class = if check.verdict == "held" { "good" } else { "bad" };
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code> {}</td><td><code>{}</code></td><td class=\"{class}\">{}</td><td>{}</td></tr>",
                safe(&check.node),
                check.phase,
                safe(&check.check),
                safe(&check.verdict),
                seen.join("<br>")
            );
        }
        out.push_str(
            "</table>\n<h2>Decisions</h2>\n<table><tr><th>when</th><th>who</th><th>what</th><th>comment</th></tr>\n",
        );
        for decided in &self.decisions {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{} ({}@{}, unsigned)</td><td>{}</td><td>{}</td></tr>",
                clock(decided.at),
                safe(&decided.who),
                safe(&decided.os_user),
                safe(&decided.host),
                safe(&decided.what),
                safe(decided.comment.as_deref().unwrap_or_default())
            );
        }
        out.push_str("</table>\n<h2>Values</h2>\n<table>\n");
        for (name, value) in &self.values {
            let _ = writeln!(out, "<tr><td><code>{}</code></td><td><code>{}</code></td></tr>", safe(name), safe(value));
        }
        out.push_str("</table>\n<h2>What happened</h2>\n<table>\n");
        for event in &self.events {
            let node = event.node.as_deref().map(|node| format!("<code>{}</code>", safe(node))).unwrap_or_default();
            let _ = writeln!(out, "<tr><td>{}</td><td>{node}</td><td>{}</td></tr>", clock(event.at), safe(&event.text));
        }
        out.push_str("</table>\n");
    }
}
