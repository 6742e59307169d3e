//! The vocabulary: one entry a function. The checker, the evaluator, preflight, completions, hover text, the reference page
//! and `plan explain` are all made from it; adding an action never touches the grammar.

mod entry;

pub use entry::*;
