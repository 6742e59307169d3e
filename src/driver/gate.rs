//! What an approver sees at a gate, and what an approval is bound to.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::{Body, Expr, Gate, Value};
use crate::registry;

use super::resume::Replayed;
use super::scope::NodeScope;
use super::start::facts;

/// A gate as its approver sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub title: String,
    /// What `show` names: the text in the plan, and its value.
    pub values: Vec<(String, String)>,
    pub checklist: Vec<String>,
    /// SHA-256 (hex) over plan, values, environment, run, gate and everything above: an approval counts for this alone.
    pub digest: String,
}

/// What a gate shows now; `None` when the node is no gate.
pub fn shown(replayed: &Replayed, node: usize) -> Option<Shown> {
    let built = &replayed.built;
    let work = &built.work.nodes[node];
    let Body::Gate(gate) = &built.plan.nodes[work.decl].body else { return None };
    let started = replayed.records.first().map_or(0, |record| record.at);
    let scope = NodeScope {
        built: built.clone(),
        results: replayed.results.clone(),
        node: Some(node),
        run: Arc::new(facts(&replayed.id, &replayed.header, started)),
        remembering: Vec::new(),
    };
    let title = crate::view::title(&built.plan, &built.work, node);
    let value = |expr: &Expr| {
        let text = built.plan.source.slice(expr.span).to_owned();
        let value =
            registry::eval_pure(expr, &scope).map_or_else(|error| error.message, |value| registry::printed(&value));
        (text, value)
    };
    let values: Vec<(String, String)> = gate.show.iter().map(value).collect();
    let checklist = checklist(gate, &scope);
    let digest = digest(replayed, &work.id, &values, &checklist);
    Some(Shown { title, values, checklist, digest })
}

fn checklist(gate: &Gate, scope: &NodeScope) -> Vec<String> {
    match gate.checklist.as_ref().map(|list| registry::eval_pure(list, scope)) {
        Some(Ok(Value::List(items))) => items.iter().map(registry::printed).collect(),
        Some(Ok(_) | Err(_)) | None => Vec::new(),
    }
}

fn digest(replayed: &Replayed, gate: &str, values: &[(String, String)], checklist: &[String]) -> String {
    let header = &replayed.header;
    let statement = serde_json::json!({
        "run": replayed.id,
        "gate": gate,
        "plan": header.plan_digest,
        "values": header.values,
        "environment": header.environment,
        "shown": values,
        "checklist": checklist,
    });
    Sha256::digest(statement.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}
