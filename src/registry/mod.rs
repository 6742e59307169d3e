//! The vocabulary: one entry a function. The checker, the evaluator, preflight, completions, hover text, the reference page
//! and `plan explain` are all made from it; adding an action never touches the grammar.

mod amount;
mod bind;
mod entries;
mod entry;
mod eval;
mod expand;
mod given;
mod members;
mod operators;
mod pure;
mod reference;
mod show;
mod sig;
mod template;
mod usage;
mod words;

pub use amount::{duration_text, parse_duration, size_text, time_text};
pub use bind::{BindProblem, Bound, Secrets, WithItem, bind, rebind};
pub use entry::*;
pub use eval::*;
pub use expand::{AUTHOR, expand};
pub use given::Given;
pub use members::*;
pub use pure::check_regex;
pub use reference::{entry_page, reference};
pub use show::{printed, shown, to_json};
pub use usage::{calls_of, is_excluded, unreal};
pub use words::{Word, WordPart, split_words};

use crate::model::{FunctionKind, ResourceKind};

/// Every function, in the order of the reference page.
pub fn all() -> impl Iterator<Item = &'static Function> {
    entries::TOPICS.iter().flat_map(|(_, functions)| *functions)
}

/// The entry of this kind with this unique name (what [`Call`](crate::model::Call) keeps).
pub fn find(kind: FunctionKind, name: &str) -> Option<&'static Function> {
    all().find(|function| function.kind == kind && function.name == name)
}

/// The entry that `resource.name` means: the one made for that kind of resource, by the word that plans write.
pub fn find_on(kind: FunctionKind, resource: ResourceKind, word: &str) -> Option<&'static Function> {
    all().find(|function| function.kind == kind && function.on == Some(resource) && function.word() == word)
}

/// The words that plans may write for functions of this kind, for "did you mean" and completions; each once.
pub fn names(kind: FunctionKind) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = all().filter(|function| function.kind == kind).map(Function::word).collect();
    names.sort_unstable();
    names.dedup();
    names
}
