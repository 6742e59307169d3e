//! SIGINT, SIGTERM and SIGHUP: each asks the run to stop in order.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The three signals; one that cannot be caught here is left to its default.
pub(crate) struct Signals(Vec<Signal>);

impl Signals {
    /// Starts to catch them.
    pub(crate) fn new() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let ready = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
