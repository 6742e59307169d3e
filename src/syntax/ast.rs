//! The tree that a plan file parses to. It says what was written, not what it means: names are text, types are unchecked.
//!
//! Trees compare without their places (see [`Loc`]), so that print → parse → equal can be tested. Comments are not in the
//! tree; they lie in [`Trivia`](super::Trivia) and are merged by position when formatting.

use serde::{Serialize, Serializer};

use crate::source::Span;

/// A place that takes no part in comparisons: two trees are equal when they say the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loc(pub Span);

impl PartialEq for Loc {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Loc {}

/// A place is no part of what a tree says: nothing is written.
impl Serialize for Loc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// An identifier and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    pub text: String,
    pub loc: Loc,
}

/// A file holds one plan: `plan name "title" { … }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDecl {
    pub name: Name,
    pub title: Option<Text>,
    pub items: Vec<Item>,
    pub loc: Loc,
}

/// One item of a plan with its whole extent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    pub kind: ItemKind,
    pub loc: Loc,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ItemKind {
    /// `param name: type [= default]`
    Param { name: Name, ty: TypeExpr, default: Option<Expr> },
    /// `secret name = env("X")`; the source is checked later to be `env`, `file` or `command`.
    Secret { name: Name, source: Expr },
    /// `let name = expr`
    Let { name: Name, value: Expr },
    /// `database | repo | service | host name { key = expr … }`
    Resource { kind: ResourceKind, name: Name, entries: Vec<Entry> },
    /// `environment name { path = expr … policies … }`
    Environment { name: Name, entries: Vec<Entry>, policies: Vec<Clause> },
    /// `step …` or `gate …`
    Node(NodeDecl),
    /// `on failure, paused { do … }`
    Hook { events: Vec<Name>, clauses: Vec<Clause> },
    /// `allow lint "reason"` for the whole plan
    Allow { lint: Name, reason: Text },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum ResourceKind {
    Database,
    Repo,
    Service,
    Host,
}

/// `url = expr` in a resource; `api.url = expr` or `param = expr` in an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// One name in a resource, one or two in an environment.
    pub path: Vec<Name>,
    pub value: Expr,
    pub loc: Loc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NodeKind {
    Step,
    Gate,
}

/// `step name ["title"] [for x in list] { … }` or `gate name ["title"] { … }`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeDecl {
    pub kind: NodeKind,
    pub name: Name,
    pub title: Option<Text>,
    /// `for x in list`, with the place of the whole phrase.
    pub each: Option<(Name, Expr)>,
    pub clauses: Vec<Clause>,
    pub loc: Loc,
}

/// One clause, with its whole extent and that of its leading words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clause {
    pub kind: ClauseKind,
    /// The words that name it: `verify undo`, `do`, `on failure`.
    pub word: Loc,
    pub loc: Loc,
}

/// Every clause of a step, a gate, an environment or a hook. Which may stand where is checked by the reader of the tree
/// (a misplaced one is a diagnostic of its own, better than "unexpected").
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ClauseKind {
    After(Vec<Name>),
    OnlyIn(Vec<Name>),
    When(Expr),
    Require {
        check: Check,
        otherwise: Option<Text>,
    },
    Remember {
        name: Name,
        value: Expr,
    },
    Do(Expr),
    Verify {
        check: Check,
        otherwise: Option<Text>,
    },
    VerifyUndo {
        check: Check,
        otherwise: Option<Text>,
    },
    Undo(Vec<Alternative>),
    UndoNothing(Text),
    Irreversible(Text),
    DoneWhen(Expr),
    Idempotent,
    Atomic,
    Retry {
        times: Expr,
        backoff: Option<(Expr, Expr)>,
    },
    Timeout(Expr),
    On(Name),
    Env(Expr),
    In(Expr),
    Optional,
    Always,
    OnFailure(Policy),
    Allow {
        lint: Name,
        reason: Text,
    },
    /// An undo that may lose data needs no person: `unattended "reason"`.
    Unattended(Text),
    /// What the step makes counts as a backup of this database: `backup_of db`.
    BackupOf(Name),
    // gates
    Show(Vec<Expr>),
    Window(Window),
    Checklist(Expr),
    Approve(Approve),
    Expires(Expr),
    // environments
    Rehearsed(Expr),
}

/// `[ask] action(…)`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    pub ask: bool,
    pub action: Expr,
    pub loc: Loc,
}

/// How far a failure unwinds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Policy {
    /// `undo a, b`
    Undo(Vec<Name>),
    /// `undo all`
    UndoAll,
    /// `ask [, then undo after d]`
    Ask { then_undo_after: Option<Expr> },
    /// `stop`
    Stop,
}

/// `window "22:00-06:00 Asia/Seoul" [on mon..fri, sun] [except "2026-12-24..2027-01-02", …]`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Window {
    pub hours: Text,
    /// Ranges of day names; a single day is a range of itself.
    pub days: Vec<(Name, Name)>,
    pub except: Vec<Text>,
}

/// `approve n of [names] [not author] [escalate to [names] after d]`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Approve {
    pub count: Expr,
    pub of: Expr,
    pub not_author: bool,
    pub escalate: Option<(Expr, Expr)>,
}

/// A bool expression, once or over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    pub expr: Expr,
    pub over: Option<Over>,
    pub loc: Loc,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Over {
    /// `within d [every e]`: eventually
    Within { span: Expr, every: Option<Expr> },
    /// `for d [every e] [misses n]`: always, but for n misses
    For { span: Expr, every: Option<Expr>, misses: Option<Expr> },
}

/// A type as written: `string`, `list(T)`, `map(T)`, `T?`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TypeExpr {
    pub name: Name,
    pub args: Vec<TypeExpr>,
    pub optional: bool,
    pub loc: Loc,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expr {
    pub kind: ExprKind,
    pub loc: Loc,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ExprKind {
    Text(Text),
    /// The pattern between the slashes, `\/` already read as `/`.
    Regex(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    None,
    /// Milliseconds, with the text as written (`1h30m`).
    Duration {
        millis: u64,
        written: String,
    },
    /// Bytes, with the text as written (`10MiB`).
    Size {
        bytes: u64,
        written: String,
    },
    List(Vec<Expr>),
    Map(Vec<(MapKey, Expr)>),
    Name(String),
    Field {
        base: Box<Expr>,
        name: Name,
    },
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    /// `name(args)`
    Call {
        func: Name,
        args: Vec<Arg>,
    },
    /// `base.name(args)`
    Method {
        base: Box<Expr>,
        name: Name,
        args: Vec<Arg>,
    },
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Binary {
        op: BinaryOp,
        op_loc: Loc,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Parentheses, kept for the formatter.
    Paren(Box<Expr>),
    /// Stands where an expression was wrong and has already been reported; no check complains about it again.
    Error,
}

/// A key of a map: a bare name or a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MapKey {
    pub text: String,
    pub quoted: bool,
    pub loc: Loc,
}

/// `value` or `name: value`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    Add,
    Sub,
    Mul,
}

/// A string literal. `"…"` and `"""…"""` hold templates; `r"…"` holds what stands there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Text {
    pub style: TextStyle,
    /// Escapes read, blocks dedented.
    pub parts: Vec<Part>,
    /// The literal as written, quotes and all: what the formatter prints.
    #[serde(skip)]
    pub written: String,
    pub loc: Loc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TextStyle {
    Plain,
    Block,
    Raw,
}

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Part {
    Literal(String),
    /// `{{ a.b }}`, or `{{{ a.b }}}` when raw; the place covers the braces too.
    Path {
        names: Vec<Name>,
        raw: bool,
        loc: Loc,
    },
}

impl Text {
    /// The whole text when it holds no template part.
    pub fn literal(&self) -> Option<String> {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => whole.push_str(text),
                Part::Path { .. } => return None,
            }
        }
        Some(whole)
    }
}

impl ResourceKind {
    /// The word that declares it.
    pub fn word(self) -> &'static str {
        match self {
            ResourceKind::Database => "database",
            ResourceKind::Repo => "repo",
            ResourceKind::Service => "service",
            ResourceKind::Host => "host",
        }
    }
}
