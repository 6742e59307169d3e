//! From what a journal keeps (plan text, values, environment) to what a run is made of. The same text and values give the
//! same work, whoever takes the run over.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::analysis;
use crate::diag::{Diagnostic, Problem};
use crate::engine::RunStatus;
use crate::journal::Header;
use crate::model::{Body, Environment, Expr, ExprKind, Plan, Undo, Work, WorkBody};
use crate::registry::{self, Bound};
use crate::source::Source;
use crate::syntax::{self, Limits};

use super::codes;

/// A plan bound to the values of a run.
#[derive(Debug)]
pub struct Built {
    pub plan: Plan,
    pub bound: Bound,
    pub work: Work,
}

impl Built {
    /// The environment of the run.
    pub fn environment(&self) -> Option<&Environment> {
        let name = self.bound.environment()?;
        self.plan.environments.iter().find(|environment| environment.name == name)
    }

    /// The titles of the work nodes, empty where there is none.
    pub fn titles(&self) -> Vec<String> {
        (0..self.work.nodes.len()).map(|node| crate::view::title(&self.plan, &self.work, node)).collect()
    }
}

/// Checks a plan file. Its diagnostics come along in both cases; errors are those that refuse it.
pub fn check(source: &Arc<Source>, limits: &Limits) -> (Option<Plan>, Vec<Diagnostic>) {
    let parsed = syntax::parse(source, limits);
    let checked = analysis::check(source, &parsed, limits);
    (checked.plan, checked.diagnostics)
}

/// What the journal says a run is made of.
pub(crate) fn from_header(header: &Header) -> Result<Built, Problem> {
    let source = Source::new(&header.plan_path, header.plan_text.clone());
    // It has passed the limits of its start; a resume must not refuse it.
    let limits = Limits { file: usize::MAX, nodes: usize::MAX, ..Limits::default() };
    let (plan, diagnostics) = check(&source, &limits);
    let Some(plan) = plan else {
        let first = diagnostics.iter().find(|d| d.is_error()).map(|d| d.message.clone()).unwrap_or_default();
        let message = format!("the plan in the journal does not check with this version of `plan`: {first}");
        return Err(Problem::new(&codes::INCOMPATIBLE_ENGINE, message)
            .advice(format!("go on with `plan` {}, which started it", header.engine_version)));
    };
    bind(plan, header)
}

/// Binds a checked plan to the values of a header and lays the work of the run out.
pub(crate) fn bind(plan: Plan, header: &Header) -> Result<Built, Problem> {
    let bound = registry::rebind(&plan, header.environment.as_deref(), &header.values).map_err(bad_values)?;
    let on_failure = header.on_failure.as_ref().map(super::policy::spec);
    let mut work = registry::expand(&plan, &bound, header.jobs, on_failure).map_err(bad_values)?;
    for node in &mut work.nodes {
        if let WorkBody::Gate(gate) = &mut node.body
            && let Some(approve) = &mut gate.approve
            && !approve.not.is_empty()
        {
            approve.not.clone_from(&header.authors);
        }
    }
    Ok(Built { plan, bound, work })
}
