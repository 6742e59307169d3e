//! What recovery keeps of the blocks that it is in.

use crate::source::Span;

use super::ast::{Clause, Entry, Item};
use super::read::Head;

/// A block that is open.
pub(super) struct Block {
    pub kind: BlockKind,
    /// `None` when not even its name could be read: its lines are checked, and it is then left out.
    pub head: Option<Head>,
    /// The token of its first word, and the place of its brace or of what stands for it.
    pub first: usize,
    pub brace: Span,
    pub entries: Vec<Entry>,
    pub clauses: Vec<Clause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Plan,
    Resource,
    Environment,
    /// Steps, gates and hooks.
    Clauses,
    /// Nobody knows what it is: its lines are not looked at.
    Unknown,
}

/// What one piece says.
pub(super) enum Read {
    Head(Head),
    Item(Item),
    Clause(Clause),
    Entry(Entry),
}
