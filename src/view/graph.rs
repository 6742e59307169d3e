//! The steps and gates of a plan with their order, drawn for a terminal, or as Mermaid, DOT or JSON.

use std::fmt::Write;

use ascii_dag::graph::Graph as Drawing;
use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::{Body, DepKind, ExprKind, Graph, Plan, Undo, Value};

/// A plan with more nodes than this is listed rather than drawn: no screen holds the drawing.
const DRAWN: usize = 60;

/// Stands for the second column of a wide character while the drawing is laid out.
const FILLER: char = '\u{e000}';

/// The graph of a plan. `version` counts the shapes of its JSON.
#[derive(Debug, Serialize)]
pub struct PlanGraph {
    pub version: u32,
    pub plan: String,
    pub title: String,
    pub environment: Option<String>,
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
}

#[derive(Debug, Serialize)]
pub struct GraphNode {
    pub name: String,
    pub title: String,
    /// `step` or `gate`
    pub kind: &'static str,
    /// What it does, as the plan writes it; empty for gates and steps that only check.
    pub action: String,
    /// How its effect is taken back: `alternatives`, `default`, `nothing`, `irreversible`, `not_needed`.
    pub undo: &'static str,
    /// It stands for one node each item of a list.
    pub fan_out: bool,
    /// Line in the plan file.
    pub line: usize,
}

#[derive(Debug, Serialize)]
pub struct GraphEdge {
    /// Comes first.
    pub from: String,
    pub to: String,
    /// `after` or `uses`
    pub why: &'static str,
}

/// The graph of a plan, or of what of it runs in one environment.
pub fn graph(plan: &Plan, environment: Option<&str>) -> PlanGraph {
    let here: Vec<bool> = plan
        .nodes
        .iter()
        .map(|node| {
            environment.is_none_or(|name| node.only_in.is_empty() || node.only_in.iter().any(|only| only == name))
        })
        .collect();
    let mut edges = Vec::new();
    for node in plan.nodes.iter().enumerate().filter(|(index, _)| here[*index]).map(|(_, node)| node) {
        for dep in node.deps.iter().filter(|dep| here[dep.node]) {
            let why = match dep.why {
                DepKind::After => "after",
                DepKind::Uses => "uses",
            };
            edges.push(GraphEdge { from: plan.nodes[dep.node].name.clone(), to: node.name.clone(), why });
        }
    }
    let nodes = plan.nodes.iter().zip(&here).filter(|(_, here)| **here).map(|(node, _)| {
        let (kind, action, undo) = match &node.body {
            Body::Gate(_) => ("gate", String::new(), "not_needed"),
            Body::Step(step) => {
                let action = step.action.as_ref().map(|action| plan.source.slice(action.span).to_owned());
                ("step", action.unwrap_or_default(), undo_word(&step.undo))
            }
        };
        let title = match node.title.as_ref().map(|title| &title.kind) {
            Some(ExprKind::Const(Value::String(title))) => title.clone(),
            Some(_) => {
                node.title.as_ref().map(|t| plan.source.slice(t.span).trim_matches('"').to_owned()).unwrap_or_default()
            }
            None => String::new(),
        };
        let line = plan.source.position(node.name_span.start).0;
        GraphNode { name: node.name.clone(), title, kind, action, undo, fan_out: node.each.is_some(), line }
    });
    PlanGraph {
        version: 1,
        plan: plan.name.clone(),
        title: plan.title.clone(),
        environment: environment.map(str::to_owned),
        nodes: nodes.collect(),
        edges,
    }
}

fn undo_word(undo: &Undo) -> &'static str {
    match undo {
        Undo::NotNeeded => "not_needed",
        Undo::Default => "default",
        Undo::Nothing(_) => "nothing",
        Undo::Irreversible(_) => "irreversible",
        Undo::Alternatives(_) => "alternatives",
    }
}

impl PlanGraph {
    fn index(&self) -> std::collections::BTreeMap<&str, usize> {
        self.nodes.iter().enumerate().map(|(index, node)| (node.name.as_str(), index)).collect()
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let index = self.index();
        let mut pairs: Vec<_> =
            self.edges.iter().map(|edge| (index[edge.from.as_str()], index[edge.to.as_str()])).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Edges that no longer way implies.
    fn reduced(&self) -> Vec<(usize, usize)> {
        let pairs = self.pairs();
        let graph = Graph::new(self.nodes.len(), pairs.iter().copied());
        let implied = |from: usize, to: usize| graph.after(from).any(|via| via != to && graph.reaches(via, to));
        pairs.into_iter().filter(|(from, to)| !implied(*from, *to)).collect()
    }

    /// For a terminal: a drawing, then a legend with titles; a list when it would not fit on any screen.
    pub fn terminal(&self) -> String {
        let mut out = match self.nodes.len() {
            0 => "the plan has no steps here\n".to_owned(),
            1..=DRAWN => self.drawn(),
            _ => self.listed(),
        };
        let width = self.nodes.iter().map(|node| node.name.width()).max().unwrap_or(0);
        let titled = || self.nodes.iter().filter(|node| !node.title.is_empty());
        if titled().next().is_some() && self.nodes.len() <= DRAWN {
            out.push('\n');
        }
        for node in titled().filter(|_| self.nodes.len() <= DRAWN) {
            let room = " ".repeat(width - node.name.width());
            let _ = writeln!(out, "  {}{room}  {}", node.name, node.title);
        }
        out
    }

    fn drawn(&self) -> String {
        let label = |node: &GraphNode| {
            let name = match (node.kind, node.fan_out) {
                ("gate", _) => format!("<{}>", node.name),
                (_, true) => format!("{} *", node.name),
                (_, false) => node.name.clone(),
            };
            name.chars().flat_map(|c| [Some(c), (c.width() == Some(2)).then_some(FILLER)]).flatten().collect::<String>()
        };
        let labels: Vec<String> = self.nodes.iter().map(label).collect();
        let nodes: Vec<(usize, &str)> =
            labels.iter().enumerate().map(|(index, label)| (index, label.as_str())).collect();
        let drawing = Drawing::from_edges(&nodes, &self.reduced());
        let text = drawing.render().replace(FILLER, "");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        format!("{}\n", lines.join("\n").trim_end())
    }

    fn listed(&self) -> String {
        let mut after: Vec<Vec<&str>> = vec![Vec::new(); self.nodes.len()];
        let index = self.index();
        for edge in &self.edges {
            after[index[edge.to.as_str()]].push(&edge.from);
        }
        let line = |(node, after): (&GraphNode, &Vec<&str>)| match after.is_empty() {
            true => format!("{}\n", node.name),
            false => format!("{}  after {}\n", node.name, after.join(", ")),
        };
        self.nodes.iter().zip(&after).map(line).collect()
    }

    /// As a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let mut out = "flowchart TD\n".to_owned();
        for (index, node) in self.nodes.iter().enumerate() {
            let text = node.text().replace('"', "#quot;").replace('\n', "<br/>");
            let _ = match node.kind {
                "gate" => writeln!(out, "    n{index}{{{{\"{text}\"}}}}"),
                _ => writeln!(out, "    n{index}[\"{text}\"]"),
            };
        }
        let index = self.index();
        for edge in &self.edges {
            let arrow = if edge.why == "uses" { "-.->" } else { "-->" };
            let _ = writeln!(out, "    n{} {arrow} n{}", index[edge.from.as_str()], index[edge.to.as_str()]);
        }
        out
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
        let mut out = format!("digraph {} {{\n    rankdir=TB;\n    node [shape=box];\n", quoted(&self.plan));
        for node in &self.nodes {
            let shape = if node.kind == "gate" { ", shape=hexagon" } else { "" };
            let _ = writeln!(out, "    {} [label={}{shape}];", quoted(&node.name), quoted(&node.text()));
        }
        for edge in &self.edges {
            let style = if edge.why == "uses" { " [style=dashed]" } else { "" };
            let _ = writeln!(out, "    {} -> {}{style};", quoted(&edge.from), quoted(&edge.to));
        }
        out.push_str("}\n");
        out
    }
}

impl GraphNode {
    fn text(&self) -> String {
        match self.title.is_empty() {
            true => self.name.clone(),
            false => format!("{}\n{}", self.name, self.title),
        }
    }
}
