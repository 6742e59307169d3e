//! The pure state machine of a run: inputs in, events and commands out. No clock, no I/O, no randomness.
mod api;
pub use api::*;
