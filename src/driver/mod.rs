//! Hosts the state machine: carries its commands out, hands it what came of them, keeps every event in the journal first.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `build.rs` | from plan text and values to the work of a run |
//! | `start.rs`, `resume.rs` | beginning a run, taking one over |
//! | `decide.rs` | decisions about a run that nobody drives, or that another process does |
//! | `preflight.rs` | what has to be there before the first effect; the addresses that are locked |
//! | `host.rs`, `session.rs` | the loop, and what it holds |
//! | `tasks.rs`, `eval.rs`, `scope.rs`, `results.rs` | carrying commands out; expressions and what they see |

mod build;
mod clock;
pub mod codes;
mod decide;
mod eval;
mod gate;
mod host;
mod inbox;
mod observer;
mod policy;
mod preflight;
mod results;
mod resume;
mod scope;
mod secrets;
mod services;
mod session;
mod signals;
mod sink;
mod start;
mod tasks;
mod windows;

pub use build::{Built, ENGINE_VERSION, check, refuse_unavailable};
pub use clock::wall;
pub use decide::{Amendment, amend, amendment, decide, is_over, owner, refuse_after_later};
pub use gate::{Shown, shown};
pub use host::{Ended, Orders, drive};
pub use observer::{Nobody, Observer, Stream};
pub use resume::{Replayed, read, replay, resume};
pub use session::Session;
pub use start::{Place, Request, look, prepare, start};
pub use windows::{WindowState, openings, state as window_state};
