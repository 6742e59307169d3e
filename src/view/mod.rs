//! What people see of plans and runs: events as lines, a run's status, graphs, simulated failures. Pure: data in, text out.

pub mod codes;
pub mod graph;
pub mod lines;
pub mod page;
pub mod report;
pub mod simulate;
pub mod status;

pub use status::title;
