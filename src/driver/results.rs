//! What the nodes of a run have yielded so far, as expressions see it: a record for each work node, kept in step with the
//! events, and named by its id, which outlives an amended plan. Read by the tasks that evaluate, written by the loop alone.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use crate::engine::{Event, Outcome, Settlement};
use crate::model::{Body, Plan, Value, Work};

/// The record of one work node; members are outputs, remembered values and times.
pub(crate) type Record = BTreeMap<String, Value>;

/// Shared between the loop and its tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results(Arc<RwLock<BTreeMap<String, NodeResult>>>);

/// What is known of one work node.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeResult {
    pub members: Record,
    /// Whether its action has ended well: outputs can be relied on.
    pub has_outputs: bool,
    /// What its undo needs, taken before the action.
    pub captured: Option<Value>,
    /// Remembered values in the order of the clauses.
    pub remembered: Vec<Value>,
}

impl Results {
    /// Takes in what an event says of a node. `at` is wall time in milliseconds.
    pub(crate) fn apply(&self, at: i64, event: &Event, plan: &Plan, work: &Work) {
        let id = |node: &usize| work.nodes[*node].id.as_str();
        match event {
            Event::Observed { node, observation } => self.change(id(node), |result| {
                result.captured.clone_from(&observation.captured);
                result.remembered.clone_from(&observation.remembered);
                for (name, value) in remembered_names(plan, work, *node).zip(&observation.remembered) {
                    result.members.insert(name.to_owned(), value.clone());
                }
            }),
            Event::ActionIntended { node, attempt } => self.change(id(node), |result| {
                result.members.entry("started".into()).or_insert(Value::Time(at));
                result.members.insert("attempts".into(), Value::Int(i64::from(*attempt)));
            }),
            Event::ActionEnded { node, outcome: Outcome::Succeeded { outputs }, .. }
            | Event::DoubtSettled { node, settlement: Settlement::Done(Some(outputs)), .. } => {
                self.change(id(node), |result| {
                    result.members.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
                    result.members.insert("ended".into(), Value::Time(at));
                    result.has_outputs = true;
                });
            }
            Event::StepDone { node } => self.change(id(node), |result| {
                result.members.entry("started".into()).or_insert(Value::Time(at));
                result.members.entry("ended".into()).or_insert(Value::Time(at));
            }),
            Event::GateApproved { node, who, .. } => self.change(id(node), |result| {
                let names = result.members.entry("approved_by".into()).or_insert_with(|| Value::List(Vec::new()));
                if let Value::List(names) = names {
                    names.push(Value::string(&who.name));
                }
            }),
            Event::GateOpened { node } => self.change(id(node), |result| {
                result.members.insert("opened".into(), Value::Time(at));
                result.members.entry("approved_by".into()).or_insert_with(|| Value::List(Vec::new()));
            }),
            _ => {}
        }
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut NodeResult)) {
        let mut all = self.0.write().expect("no task panics while it holds the results");
        if !all.contains_key(id) {
            all.insert(id.to_owned(), NodeResult::default());
        }
        if let Some(result) = all.get_mut(id) {
            change(result);
        }
    }

    /// What is known of a work node.
    pub(crate) fn node(&self, id: &str) -> NodeResult {
        self.read().get(id).cloned().unwrap_or_default()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, NodeResult>> {
        self.0.read().expect("no task panics while it holds the results")
    }

    /// The record of a declared node as an expression of `from` sees it: of the instance itself inside its own step, a list
    /// over all instances of a fan-out elsewhere.
    pub(crate) fn record(&self, plan: &Plan, work: &Work, decl: usize, from: Option<usize>) -> Value {
        let own = from.filter(|node| work.nodes[*node].decl == decl);
        if let Some(node) = own {
            return Value::Record(self.node(&work.nodes[node].id).members);
        }
        let all = self.read();
        let known = |node: usize| all.get(&work.nodes[node].id).map(|result| result.members.clone());
        let record = |node: usize| Value::Record(known(node).unwrap_or_default());
        let mut instances = work.nodes_of(decl);
        match plan.nodes[decl].each {
            Some(_) => Value::List(instances.map(record).collect()),
            None => instances.next().map_or(Value::Record(Record::new()), record),
        }
    }
}

fn remembered_names<'a>(plan: &'a Plan, work: &Work, node: usize) -> impl Iterator<Item = &'a str> {
    let names = match &plan.nodes[work.nodes[node].decl].body {
        Body::Step(step) => step.remember.as_slice(),
        Body::Gate(_) => &[],
    };
    names.iter().map(|remember| remember.name.as_str())
}
