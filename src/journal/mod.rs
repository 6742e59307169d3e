//! What happened in every run, on disk: records that are only ever added to, leases, decisions from other processes, and
//! locks on what runs change. `docs/journal.md` has the layouts.

pub mod codes;
mod error;
mod owner;
mod record;

pub use error::JournalError;
pub use owner::{Holder, Lease, Owner};
pub use record::{Entry, Header, OnFailure, Stored, Stream, VERSION};
