//! What an entry of the registry says.

use crate::model::{FunctionKind, ResourceKind, Ty, Value};

/// One function of the language.
#[derive(Debug)]
pub struct Function {
    /// Unique together with `kind` (`http` is a probe and an action). A probe of one kind of resource whose name a probe of
    /// another kind has too is qualified (`database.head`); plans write [`Function::word`].
    pub name: &'static str,
    pub kind: FunctionKind,
    /// When the first parameter is a resource of this kind. Such a probe with no other required parameter may be written
    /// without parentheses: `db.revision`.
    pub on: Option<ResourceKind>,
    pub params: &'static [Param],
    /// Exactly one of these parameters is given; empty when there is no such rule.
    pub one_of: &'static [&'static str],
    /// The type of its result; for an action, the record of its outputs.
    pub result: Sig,
    pub effect: Effect,
    pub needs: &'static [Need],
    pub retry: RetryClass,
    /// What takes its effect back when the plan says nothing.
    pub undo: DefaultUndo,
    /// The entry itself can tell after a crash whether the effect happened.
    pub settles: bool,
    /// Its undo needs something captured before it runs (old head, downgrade SQL).
    pub captures: bool,
    /// As an undo it may lose data: a person is asked unless the plan says `unattended`.
    pub may_lose_data: bool,
    /// Made real in this version; `plan run` refuses a plan that uses one which is not, before anything starts.
    pub real: bool,
    /// Markdown: first a sentence, then whatever must be known.
    pub doc: &'static str,
    /// A clause or expression that checks as it stands.
    pub example: &'static str,
}

/// A parameter.
#[derive(Debug)]
pub struct Param {
    pub name: &'static str,
    pub sig: Sig,
    pub required: bool,
    /// Bare words that may stand for it (`deny: [data_loss]`); empty when it takes values.
    pub words: &'static [&'static str],
    /// How the text of this parameter meets a shell or an argument list.
    pub text: TextUse,
    pub doc: &'static str,
}

/// What is done with `{{ }}` parts of a text given here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextUse {
    /// Filled in as they are.
    Plain,
    /// Each is quoted for the shell; `{{{ }}}` is raw.
    Shell,
    /// Split into words first, filled in afterwards: a value is always one argument.
    Words,
}

/// A type in a signature.
#[derive(Debug, Clone, Copy)]
pub enum Sig {
    /// Exactly this type, made when asked for (types own memory).
    Is(fn() -> Ty),
    /// Any type.
    Any,
    /// Any scalar: what prints as one word.
    Scalar,
    /// `list(T)` of any T.
    AnyList,
    /// The element type of the first argument, a list; `T?` for `first`.
    ElementOfFirst,
    OptionalElementOfFirst,
    /// The type of the first argument.
    SameAsFirst,
    /// `map(T)` of any T.
    AnyMap,
    /// A list of what the first argument, a list or a map, holds.
    ListOfElementOfFirst,
    /// Any of these.
    OneOf(&'static [Sig]),
    /// An action call as a value.
    Action,
    /// An action without outputs.
    Nothing,
}

/// What a function changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Something that the engine does not know by name (`run`, `shell`, `http`).
    Outside,
    /// The resource given as this parameter (by index).
    Resource(usize),
}

/// Something that has to be there: checked by preflight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A program on PATH.
    Program(&'static str),
    /// The first word of the parameter with this name is a program.
    ProgramIn(&'static str),
    /// The resource given as the first parameter can be reached.
    Reachable,
    /// The parameter with this name is a path that can be written.
    Writable(&'static str),
}

/// Whether running it again is safe by nature; a plan may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    Plain,
    Idempotent,
    /// When it fails, nothing has happened.
    Atomic,
}

/// What takes an effect back by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultUndo {
    /// The plan has to say.
    MustSay,
    /// The named action, with what was captured.
    By(&'static str),
    /// The action itself knows the way back, with what was captured; it has no name of its own (`copy` removes what it made
    /// or puts back what was there).
    Itself,
    /// Nothing has to be taken back: a message was sent, a file was written that harms nobody.
    Nothing,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalError {
    /// One sentence, not masked.
    pub message: String,
    pub span: crate::source::Span,
}

/// What a pure function computes; `Err` is one sentence that says why it has no value.
pub type PureFn = fn(&[Option<Value>]) -> Result<Value, String>;
