//! Names as expressions of one node see them.

use std::sync::Arc;

use crate::model::{Body, Ref, Value};
use crate::registry::{Lookup, Scope};

use super::build::Built;
use super::results::{NodeResult, Results};

/// The names in sight of a node (or of a hook, which has none).
#[derive(Debug, Clone)]
pub(crate) struct NodeScope {
    pub built: Arc<Built>,
    pub results: Results,
    /// Work node whose expressions are evaluated.
    pub node: Option<usize>,
    /// `run.*`
    pub run: Arc<RunFacts>,
    /// Values remembered in this step so far, while they are being observed.
    pub remembering: Vec<Value>,
}

/// What `run.…` shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RunFacts {
    pub id: String,
    pub summary: String,
    pub status: String,
    /// Wall time in milliseconds.
    pub started: i64,
    pub by: String,
}

impl NodeScope {
    /// What is known of the node itself.
    pub(crate) fn known(&self) -> NodeResult {
        self.node.map(|node| self.results.node(&self.built.work.nodes[node].id)).unwrap_or_default()
    }

    fn item(&self) -> Option<&Value> {
        self.built.work.nodes[self.node?].item.as_ref()
    }

    fn remembered(&self, index: usize) -> Lookup {
        let kept = self.known().remembered;
        match self.remembering.get(index).or_else(|| kept.get(index)) {
            Some(value) => Lookup::Value(value.clone()),
            None => Lookup::Missing(format!("`{}` has not been observed yet", self.remembered_name(index))),
        }
    }

    fn remembered_name(&self, index: usize) -> &str {
        let decl = self.node.map(|node| self.built.work.nodes[node].decl);
        match decl.map(|decl| &self.built.plan.nodes[decl].body) {
            Some(Body::Step(step)) => step.remember.get(index).map_or("?", |remember| &remember.name),
            Some(Body::Gate(_)) | None => "?",
        }
    }

    fn run_record(&self) -> Value {
        let run = &self.run;
        Value::record([
            ("id", Value::string(&run.id)),
            ("summary", Value::string(&run.summary)),
            ("status", Value::string(&run.status)),
            ("started", Value::Time(run.started)),
            ("by", Value::string(&run.by)),
        ])
    }
}

impl Scope for NodeScope {
    fn lookup(&self, name: Ref) -> Lookup {
        match name {
            Ref::Node(decl) => {
                let record = self.results.record(&self.built.plan, &self.built.work, decl, self.node);
                Lookup::Value(record)
            }
            Ref::Remembered(index) => self.remembered(index),
            Ref::Item => match self.item() {
                Some(item) => Lookup::Value(item.clone()),
                None => Lookup::Missing("there is no item here".into()),
            },
            Ref::Run => Lookup::Value(self.run_record()),
            Ref::Param(_) | Ref::Secret(_) | Ref::Let(_) | Ref::Resource(_) | Ref::Plan | Ref::Env => {
                self.built.bound.lookup(name)
            }
        }
    }
}
