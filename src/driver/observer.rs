//! Who watches a run while it is driven: the terminal, a log, a test.

use crate::engine::{Event, Run};
use crate::model::Work;

/// Which of a child's streams.
pub use crate::journal::Stream;

/// Told of everything in the order in which it happened. Must not block.
pub trait Observer: Send + Sync {
    /// An event was decided; `run` is the state after it. `at` is wall time in milliseconds.
    fn event(&self, at: i64, event: &Event, run: &Run, work: &Work);
    /// A process said something; masked, whole lines where it ended them.
    fn output(&self, node: &str, stream: Stream, text: &str);
    /// Something for a person that is not an event.
    fn note(&self, text: &str);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: i64, _: &Event, _: &Run, _: &Work) {}
    fn output(&self, _: &str, _: Stream, _: &str) {}
    fn note(&self, _: &str) {}
}
