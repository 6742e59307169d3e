//! The pure state machine of a run: inputs in, events and commands out. No clock, no I/O, no randomness, no hash order.
//!
//! A driver feeds [`Run::handle`]; what comes back has been taken in already: its events go to the journal, and when they are
//! durable its commands are carried out. [`Run::apply`] adds up the events of a journal with the same code.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `api.rs` | inputs, events, commands |
//! | `transition.rs` | the table of legal transitions of a node |
//! | `apply.rs` | what each event changes |
//! | `checks.rs` | checks over time, three-valued |
//! | `forward.rs`, `back.rs` | starting, acting, settling; unwinding |
//! | `people.rs`, `amend.rs` | gates and decisions; a changed plan |
//! | `rest.rs` | waiting and ending |

#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::iter_over_hash_type)]

mod amend;
mod api;
mod apply;
mod back;
mod checks;
mod forward;
mod node;
mod people;
mod rest;
mod run;
mod transition;

pub use amend::AmendError;
pub use api::*;
pub use node::NodeView;
pub use run::{ApplyError, Reaction, Refusal, Run};
