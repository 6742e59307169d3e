//! The grammar as pest makes it, and what each rule is called when a person reads about it.

use pest_derive::Parser;

/// Reads a text by any rule of `grammar/`.
#[derive(Parser)]
#[grammar = "grammar/lex.pest"]
#[grammar = "grammar/expr.pest"]
#[grammar = "grammar/plan.pest"]
pub(super) struct PlanParser;
