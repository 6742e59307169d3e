//! From tree to plan: names, types, clauses, then what only the whole plan shows. Everything that can be said is said in one
//! go, and one mistake is said once.

mod args;
mod clauses;
pub mod codes;
pub mod codes_flow;
mod context;
mod digest;
mod expr;
mod flow;
mod lints;
mod lower;
mod names;
mod node;
mod operators;
mod order;
mod resource;
mod step;
mod undo;
mod window;

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::model::Plan;
use crate::source::Source;
use crate::syntax::Parsed;

/// What checking a file gives. `plan` only when no diagnostic is an error.
#[derive(Debug, Clone)]
pub struct Checked {
    pub plan: Option<Plan>,
    /// In the order of their places, those of the syntax included.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a parsed file: never runs anything, reads nothing but its arguments.
pub fn check(source: &Arc<Source>, parsed: &Parsed) -> Checked {
    let mut diagnostics = parsed.diagnostics.clone();
    let plan = parsed.ast.as_ref().map(|ast| lower::lower(source, ast, &mut diagnostics));
    if let Some(plan) = plan.as_ref() {
        let more = match diagnostics.iter().any(Diagnostic::is_error) {
            false => flow::analyse(plan),
            true => flow::analyse_the_rest(plan, &diagnostics),
        };
        diagnostics.extend(more);
    }
    diagnostics.sort_by_key(|d| (d.span.start, d.span.end, d.code.id));
    let refused = diagnostics.iter().any(Diagnostic::is_error);
    Checked { plan: plan.filter(|_| !refused), diagnostics }
}

/// The names of the lints, which a plan can allow.
pub fn lint_names() -> impl Iterator<Item = &'static str> {
    codes().filter(|code| code.severity == crate::diag::Severity::Warning).map(|code| code.name)
}

/// Every code of this layer.
pub fn codes() -> impl Iterator<Item = &'static &'static crate::diag::Code> {
    codes::CODES.iter().chain(codes_flow::CODES)
}
