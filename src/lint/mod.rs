//! The SQL lint: what a migration loses, whom it blocks, what it writes anew. Reads PostgreSQL's grammar, runs nothing.

mod alter;
mod class;
pub mod codes;
mod created;
mod depth;
mod drops;
mod functions;
mod names;
mod routines;
mod walk;

use std::ops::Range;

pub use class::{Class, Group, Selector};

/// The stack of the thread that reads: trees of [`depth`]'s bound are parsed, walked and dropped with it.
const STACK: usize = 128 << 20;

/// One thing that a statement does, or that cannot be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub class: Class,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is done, in one sentence without a full stop.
    pub message: String,
    /// What to do instead.
    pub advice: String,
}

impl Finding {
    fn new(class: Class, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { class, span, message: message.into(), advice: codes::advice(class.code()).to_owned() }
    }
}

/// Everything that `text` does which loses data, blocks others or cannot be decided, in the order of the text.
pub fn lint(text: &str) -> Vec<Finding> {
    let read = || walk::read(text);
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("lint".to_owned()).stack_size(STACK).spawn_scoped(scope, read);
        thread.map(|thread| thread.join())
    });
    match result {
        Ok(Ok(found)) => found,
        // The parser gave up on it, or there is no memory for a thread: nothing is known about the text.
        Ok(Err(_)) | Err(_) => vec![Finding::new(Class::Unknown, 0..text.len(), "the text cannot be read")],
    }
}
