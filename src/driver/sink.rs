//! Where the output of a step's processes goes: to whoever watches, and to the journal.

use std::sync::Arc;

use crate::actions::{self, Sink};
use crate::journal::{Entry, Stream, Writer};

use super::clock;
use super::observer::Observer;
use super::session::Session;

/// Which attempt of which node speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub node: usize,
    pub attempt: u32,
    /// The undo alternative, when it is one.
    pub undo: Option<usize>,
}

/// The sink of one attempt.
pub(crate) struct NodeSink {
    writer: Writer,
    observer: Arc<dyn Observer>,
    id: String,
    /// `None`: a probe or a hook; its output is for nobody, but its processes are ended all the same.
    said: Option<Said>,
}

impl NodeSink {
    pub(crate) fn new(session: &Session, id: String, said: Option<Said>) -> Self {
        Self { writer: session.writer.clone(), observer: session.observer.clone(), id, said }
    }
}

impl Sink for NodeSink {
    fn output(&self, stream: actions::Stream, masked: &str) {
        let stream = match stream {
            actions::Stream::Stdout => Stream::Out,
            actions::Stream::Stderr => Stream::Err,
        };
        let Some(Said { node, attempt, undo }) = self.said else { return };
        self.observer.output(&self.id, stream, masked);
        let entry = Entry::Output { node, attempt, undo: undo.is_some(), stream, text: masked.to_owned() };
        // A lazy entry needs no answer: a journal that fails is noticed at the next urgent one.
        drop(self.writer.append_lazy(clock::wall(), vec![entry]));
    }

    fn spawned(&self, pid: u32, started: u64) {
        let Some(Said { node, .. }) = self.said else { return };
        let entry = Entry::Process { node, pid, started };
        drop(self.writer.append_lazy(clock::wall(), vec![entry]));
    }
}
