//! From what a journal keeps (plan text, values, environment) to what a run is made of. The same text and values give the
//! same work, whoever takes the run over.

use std::sync::Arc;

use crate::analysis;
use crate::diag::{Diagnostic, Problem};
use crate::journal::Header;
use crate::model::{Environment, Plan, Work};
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
}

/// Checks a plan file. Its diagnostics come along in both cases; errors are those that refuse it.
pub fn check(source: &Arc<Source>, limits: &Limits) -> (Option<Plan>, Vec<Diagnostic>) {
    let parsed = syntax::parse(source, limits);
    let checked = analysis::check(source, &parsed, limits);
    (checked.plan, checked.diagnostics)
}
