//! What a terminal shows while a run is driven: a tree that redraws at most ten times a second, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use crate::driver::{Observer, Stream};
use crate::engine::{Event, NodeState, Run};
use crate::model::Work;
use crate::view::lines::{self, Line, Mark};

use super::output::Output;

/// Longest name that is given a column of its own.
const WIDEST: usize = 28;

/// Prints what happens, as it happens.
pub(super) struct Progress {
    output: Output,
    quiet: bool,
    /// Shown beside a node's name when something about it is first said.
    titles: Vec<String>,
    names: usize,
    tree: Option<Mutex<Tree>>,
}

/// The part of the screen that redraws: a bar for the run, and below it what is going on now.
struct Tree {
    all: MultiProgress,
    run: ProgressBar,
    now: BTreeMap<usize, ProgressBar>,
}

impl Progress {
    /// `titles`: one for each work node, empty where it has none.
    pub(super) fn new(output: Output, quiet: bool, terminal: bool, work: &Work, titles: Vec<String>) -> Self {
        let names = work.nodes.iter().map(|node| node.id.width()).max().unwrap_or(0).min(WIDEST);
        let tree = (terminal && !quiet).then(|| Mutex::new(Tree::new(work.nodes.len())));
        Self { output, quiet, titles, names, tree }
    }

    /// What comes first.
    pub(super) fn headline(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    fn say(&self, text: &str) {
        match &self.tree {
            Some(tree) => {
                let tree = tree.lock().expect("nobody panics while drawing");
                // A terminal that went away is noticed by the signal that comes with it.
                let _ = tree.all.println(text);
            }
            None => self.output.line(text),
        }
    }

    fn written(&self, at: i64, line: &Line, work: &Work) -> String {
        let time = lines::clock(at);
        let time = time.split_once(' ').map_or(time.as_str(), |(_, time)| time);
        let sign = paint(self.output, line.mark, line.mark.sign());
        let Some(node) = line.node else { return format!("{time}  {sign} {}", line.text) };
        let id = &work.nodes[node].id;
        let room = " ".repeat(self.names.saturating_sub(id.width()));
        let title = match (line.mark, self.titles.get(node)) {
            (Mark::Good | Mark::Wait, Some(title)) if !title.is_empty() => format!("  {title}"),
            _ => String::new(),
        };
        format!("{time}  {sign} {id}{room}  {}{}", line.text, dim(self.output, &title))
    }
}

impl Observer for Progress {
    fn event(&self, at: i64, event: &Event, run: &Run, work: &Work) {
        if let Some(tree) = &self.tree {
            tree.lock().expect("nobody panics while drawing").follow(event, run, work);
        }
        let Some(line) = lines::line(event, work) else { return };
        let starts = matches!(event, Event::ActionIntended { attempt: 1, .. } | Event::UndoIntended { .. });
        let shown = match (self.quiet, &self.tree) {
            (true, _) => line.mark == Mark::Bad || line.mark == Mark::Wait,
            // The tree shows what is going on; only what came of it stays on the screen.
            (false, Some(_)) => !starts,
            (false, None) => true,
        };
        if shown {
            let text = self.written(at, &line, work);
            match self.quiet {
                true => self.output.err(&format!("{text}\n")),
                false => self.say(&text),
            }
        }
    }

    fn output(&self, node: &str, _: Stream, text: &str) {
        if self.quiet {
            return;
        }
        for line in text.lines() {
            self.say(&format!("          {}", dim(self.output, &format!("{node} │ {}", harmless(line)))));
        }
    }

    fn note(&self, text: &str) {
        match &self.tree {
            Some(_) => self.say(text),
            None => self.output.err(&format!("{text}\n")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(tree) = &self.tree {
            let tree = tree.lock().expect("nobody panics while drawing");
            tree.run.finish_and_clear();
            let _ = tree.all.clear();
        }
    }
}

impl Tree {
    fn new(nodes: usize) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(10));
        let run = all.add(ProgressBar::new(nodes as u64));
        run.set_style(style("{elapsed_precise} {bar:24} {pos}/{len} {msg}"));
        run.enable_steady_tick(Duration::from_millis(200));
        Self { all, run, now: BTreeMap::new() }
    }

    fn follow(&mut self, event: &Event, run: &Run, work: &Work) {
        let Some(node) = event.node() else { return };
        let state = run.node(node).state;
        match doing(state) {
            Some(doing) => {
                let bar = self.now.entry(node).or_insert_with(|| {
                    let bar = self.all.add(ProgressBar::new_spinner());
                    bar.set_style(style("   ├─ {spinner} {prefix}  {msg} {elapsed}"));
                    bar.set_prefix(work.nodes[node].id.clone());
                    bar.enable_steady_tick(Duration::from_millis(200));
                    bar
                });
                bar.set_message(doing);
            }
            None => {
                if let Some(bar) = self.now.remove(&node) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
        }
        self.run.set_position(run.settled() as u64);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant and right").progress_chars("━╸─")
}

/// What a node is doing, while it is doing something.
fn doing(state: NodeState) -> Option<&'static str> {
    match state {
        NodeState::Checking => Some("checks what must hold"),
        NodeState::Running => Some("runs"),
        NodeState::Backoff => Some("is tried again soon"),
        NodeState::Verifying => Some("verifies"),
        NodeState::Undoing => Some("is being undone"),
        NodeState::VerifyingUndo => Some("verifies the undo"),
        NodeState::Waiting => Some("waits"),
        NodeState::Pending | NodeState::Done | NodeState::Skipped | NodeState::Failed | NodeState::InDoubt => None,
        NodeState::UndoAsked | NodeState::Undone | NodeState::UndoFailed => None,
        NodeState::Open | NodeState::Refused | NodeState::Expired | NodeState::Closed => None,
    }
}

fn paint(output: Output, mark: Mark, text: &str) -> String {
    let color = match mark {
        Mark::Good => "32",
        Mark::Bad => "31",
        Mark::Back | Mark::Wait => "33",
        Mark::Skip | Mark::Plain => "2",
    };
    if output.color() { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
}

fn dim(output: Output, text: &str) -> String {
    if output.color() && !text.is_empty() { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}

/// A child's line without what could move the cursor, clear the screen or turn the direction of reading.
pub(super) fn harmless(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.chars()
        .flat_map(|c| match c {
            '\t' => vec![' ', ' '],
            c if c.is_control() || bidi(c) => c.escape_unicode().collect(),
            c => vec![c],
        })
        .collect()
}
