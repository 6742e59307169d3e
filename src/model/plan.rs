//! A checked plan.

use std::sync::Arc;

use crate::source::{Source, Span};

use super::{Expr, ResourceKind, Ty};

/// A plan that has passed its checks. Indexes ([`Ref`](super::Ref)) point into its lists.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    /// Empty when the file gives none.
    pub title: String,
    pub source: Arc<Source>,
    /// SHA-256 (hex) of the parsed tree, comments and layout aside.
    pub digest: String,
    pub params: Vec<Param>,
    pub secrets: Vec<Secret>,
    pub lets: Vec<Let>,
    pub resources: Vec<Resource>,
    pub environments: Vec<Environment>,
    /// Steps and gates in the order of the file.
    pub nodes: Vec<Node>,
    pub hooks: Vec<Hook>,
    /// Lints silenced for the whole plan.
    pub allows: Vec<Allow>,
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub ty: Ty,
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Secret {
    pub name: String,
    /// A call of kind `Source`: `env("X")`, `file("…")`, `command("…")`.
    pub source: Expr,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Let {
    pub name: String,
    pub value: Expr,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Resource {
    pub kind: ResourceKind,
    pub name: String,
    /// Settings as written, by key; which keys exist and their types are the registry's to say.
    pub settings: Vec<(String, Expr)>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Environment {
    pub name: String,
    pub overrides: Vec<Override>,
    pub window: Option<Window>,
    /// `rehearsed within D`
    pub rehearsed: Option<Expr>,
    pub on_failure: Option<Policy>,
    pub span: Span,
}

/// `api.url = …` or `param = …` in an environment.
#[derive(Debug, Clone)]
pub struct Override {
    pub target: OverrideTarget,
    pub value: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverrideTarget {
    Param(usize),
    Setting { resource: usize, key: String },
}

/// `window "22:00-06:00 Asia/Seoul" on mon..fri except "2026-12-24..2027-01-02"`: shape checked, zone known to exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Minutes after midnight, local time; `to < from` runs over midnight; equal means the whole day.
    pub from: u16,
    pub to: u16,
    /// IANA name.
    pub zone: String,
    /// Monday first; the day on which the window opens.
    pub days: [bool; 7],
    /// First and last day (`2026-12-24`), both included.
    pub except: Vec<(String, String)>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub name_span: Span,
    /// A constant or a template (a fan-out's title may name its item).
    pub title: Option<Expr>,
    /// `for x in list`
    pub each: Option<Each>,
    /// Explicit (`after`) and inferred edges, each target once.
    pub deps: Vec<Dep>,
    /// Names of environments; empty: all.
    pub only_in: Vec<String>,
    pub when: Option<Expr>,
    pub requires: Vec<Check>,
    pub allows: Vec<Allow>,
    pub body: Body,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Body {
    Step(Box<Step>),
    Gate(Box<Gate>),
}

#[derive(Debug, Clone)]
pub struct Each {
    pub var: String,
    pub list: Expr,
    pub item: Ty,
}

/// An edge: this node comes after `node`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dep {
    pub node: usize,
    pub why: DepKind,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DepKind {
    /// Written in `after`.
    After,
    /// Uses an output; if that node was skipped or failed though optional, so is this one.
    Uses,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub remember: Vec<Remember>,
    /// A call of kind `Action`.
    pub action: Option<Expr>,
    pub verifies: Vec<Check>,
    pub undo: Undo,
    pub verify_undo: Vec<Check>,
    pub done_when: Option<Expr>,
    /// Written, or the default of the action's entry.
    pub idempotent: bool,
    pub atomic: bool,
    pub retry: Option<Retry>,
    pub timeout: Option<Expr>,
    /// Index of a `host`.
    pub on_host: Option<usize>,
    pub env: Vec<(String, Expr)>,
    pub dir: Option<Expr>,
    pub optional: bool,
    pub always: bool,
    pub on_failure: Option<Policy>,
    /// Why its undo may lose data without asking anybody.
    pub unattended: Option<String>,
    /// Databases of which it makes a backup.
    pub backup_of: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Remember {
    pub name: String,
    pub value: Expr,
    pub span: Span,
}

/// How a step's effect is taken back.
#[derive(Debug, Clone)]
pub enum Undo {
    /// No action, or one that changes nothing: no undo is needed.
    NotNeeded,
    /// The action's registry entry knows how (`push` → `revert` of the pushed range).
    Default,
    /// `undo nothing "reason"`
    Nothing(String),
    /// `irreversible "reason"`
    Irreversible(String),
    /// In this order until one works.
    Alternatives(Vec<Alternative>),
}

#[derive(Debug, Clone)]
pub struct Alternative {
    /// A person says yes first.
    pub ask: bool,
    /// A call of kind `Action`.
    pub action: Expr,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Retry {
    /// Further attempts after the first: an int.
    pub times: Expr,
    /// Shortest and longest pause between attempts; it doubles from the one to the other.
    pub backoff: Option<(Expr, Expr)>,
}

/// A bool expression, once or over time.
#[derive(Debug, Clone)]
pub struct Check {
    pub expr: Expr,
    pub over: Over,
    /// `else "…"`, a constant or a template.
    pub otherwise: Option<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Over {
    Once,
    Within { span: Expr, every: Option<Expr> },
    For { span: Expr, every: Option<Expr>, misses: Option<Expr> },
}

#[derive(Debug, Clone)]
pub enum Policy {
    /// Nodes whose effects are undone (and what depends on them); indexes.
    Undo(Vec<usize>),
    UndoAll,
    Ask {
        then_undo_after: Option<Expr>,
    },
    Stop,
}

#[derive(Debug, Clone)]
pub struct Gate {
    pub show: Vec<Expr>,
    pub window: Option<Window>,
    /// A `list(string)`.
    pub checklist: Option<Expr>,
    pub approve: Option<Approve>,
    pub expires: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct Approve {
    /// An int.
    pub count: Expr,
    /// A `list(string)` of names.
    pub of: Expr,
    pub not_author: bool,
    /// Further names, and after how long they may approve too.
    pub escalate: Option<(Expr, Expr)>,
}

/// `on failure, paused { do … }`
#[derive(Debug, Clone)]
pub struct Hook {
    pub events: Vec<HookEvent>,
    /// Calls of kind `Action`, in order.
    pub actions: Vec<Expr>,
    pub span: Span,
}

/// When a hook runs. Its failure never changes the outcome of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    Failure,
    Success,
    Paused,
    Stuck,
}

/// `allow lint "reason"`
#[derive(Debug, Clone)]
pub struct Allow {
    pub lint: String,
    pub reason: String,
    pub span: Span,
}
