//! From what a journal keeps (plan text, values, environment) to what a run is made of. The same text and values give the
//! same work, whoever takes the run over.

use std::sync::Arc;

use crate::analysis;
use crate::diag::{Diagnostic, Problem};
use crate::journal::Header;
use crate::model::{Environment, Plan, Work, WorkBody};
use crate::registry::{self, BindProblem, Bound};
use crate::source::{Source, Span};
use crate::syntax::{self, Limits};

use super::codes;

/// Counts the versions of what a journal's plan text and events mean. An engine goes on only from its own.
pub const ENGINE_VERSION: u32 = 1;

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
    let checked = analysis::check(source, &parsed);
    (checked.plan, checked.diagnostics)
}

/// What the journal says a run is made of.
pub(crate) fn from_header(header: &Header) -> Result<Built, Problem> {
    if header.engine_version != ENGINE_VERSION {
        let message = format!(
            "the run was started by engine version {}, and this is version {ENGINE_VERSION}",
            header.engine_version
        );
        return Err(Problem::new(&codes::INCOMPATIBLE_ENGINE, message).advice("go on with the `plan` that started it"));
    }
    let source = Source::new(&header.plan_path, header.plan_text.clone());
    // It has passed the limits of its start; a resume must not refuse it.
    let limits = Limits { file: usize::MAX, nodes: usize::MAX, ..Limits::default() };
    let (plan, diagnostics) = check(&source, &limits);
    let Some(plan) = plan else {
        let first = diagnostics.iter().find(|d| d.is_error()).map(|d| d.message.clone()).unwrap_or_default();
        let message = format!("the plan in the journal does not check with this version of `plan`: {first}");
        return Err(Problem::new(&codes::INCOMPATIBLE_ENGINE, message).advice("go on with the `plan` that started it"));
    };
    bind(plan, header)
}

/// Binds a checked plan to the values of a header and lays the work of the run out.
pub(crate) fn bind(plan: Plan, header: &Header) -> Result<Built, Problem> {
    let bound = registry::rebind(&plan, header.environment.as_deref(), &header.values)
        .map_err(|problems| bad_values(&plan, problems))?;
    let on_failure = header.on_failure.map(super::policy::spec);
    let mut work =
        registry::expand(&plan, &bound, header.jobs, on_failure).map_err(|problems| bad_values(&plan, problems))?;
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

/// Refuses a plan that needs what this version cannot carry out, before anything starts.
pub fn refuse_unavailable(built: &Built) -> Result<(), Problem> {
    let unreal = registry::unreal(&built.plan, built.bound.environment());
    if unreal.is_empty() {
        return Ok(());
    }
    let message = "the plan uses what this version of `plan` cannot carry out yet; nothing was started";
    let place = |span: Span| built.plan.source.place(span);
    let problem = unreal.into_iter().fold(Problem::new(&codes::NOT_AVAILABLE, message), |problem, (what, span)| {
        problem.detail(format!("{}: {what}", place(span)))
    });
    Err(problem.advice("until then do it with `run(…)` or `shell(…)`"))
}

/// Everything that is wrong with the values of a run.
pub(crate) fn bad_values(plan: &Plan, problems: Vec<BindProblem>) -> Problem {
    let mut problem = Problem::new(&codes::BAD_VALUES, "the values for this run are not right; nothing was started");
    for BindProblem { message, span, advice } in problems {
        let place = span.map(|span| format!("{}: ", plan.source.place(span))).unwrap_or_default();
        let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        problem = problem.detail(format!("{place}{message}{advice}"));
    }
    problem
}
