//! What the nodes of a run have yielded so far, as expressions see it: a record for each work node, kept in step with the
//! events. Read by the tasks that evaluate, written by the loop alone.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use crate::engine::{Event, Outcome, Settlement};
use crate::model::{Body, Plan, Value, Work};

/// The record of one work node; members are outputs, remembered values and times.
pub(crate) type Record = BTreeMap<String, Value>;

/// Shared between the loop and its tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results(Arc<RwLock<BTreeMap<usize, NodeResult>>>);

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
        match event {
            Event::Observed { node, observation } => self.change(*node, |result| {
                result.captured.clone_from(&observation.captured);
                result.remembered.clone_from(&observation.remembered);
                for (name, value) in remembered_names(plan, work, *node).zip(&observation.remembered) {
                    result.members.insert(name.to_owned(), value.clone());
                }
            }),
            Event::ActionIntended { node, attempt } => self.change(*node, |result| {
                result.members.entry("started".into()).or_insert(Value::Time(at));
                result.members.insert("attempts".into(), Value::Int(i64::from(*attempt)));
            }),
            Event::ActionEnded { node, outcome: Outcome::Succeeded { outputs }, .. }
            | Event::DoubtSettled { node, settlement: Settlement::Done(Some(outputs)), .. } => {
                self.change(*node, |result| {
                    result.members.extend(outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
                    result.members.insert("ended".into(), Value::Time(at));
                    result.has_outputs = true;
                });
            }
            Event::StepDone { node } => self.change(*node, |result| {
                result.members.entry("started".into()).or_insert(Value::Time(at));
                result.members.entry("ended".into()).or_insert(Value::Time(at));
            }),
            Event::GateApproved { node, who, .. } => self.change(*node, |result| {
                let names = result.members.entry("approved_by".into()).or_insert_with(|| Value::List(Vec::new()));
                if let Value::List(names) = names {
                    names.push(Value::string(&who.name));
                }
            }),
            Event::GateOpened { node } => self.change(*node, |result| {
                result.members.insert("opened".into(), Value::Time(at));
                result.members.entry("approved_by".into()).or_insert_with(|| Value::List(Vec::new()));
            }),
            _ => {}
        }
    }

    fn change(&self, node: usize, change: impl FnOnce(&mut NodeResult)) {
        let mut all = self.0.write().expect("no task panics while it holds the results");
        change(all.entry(node).or_default());
    }

    /// What is known of a work node.
    pub(crate) fn node(&self, node: usize) -> NodeResult {
        self.read().get(&node).cloned().unwrap_or_default()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<usize, NodeResult>> {
        self.0.read().expect("no task panics while it holds the results")
    }

    /// The record of a declared node as an expression of `from` sees it: of the instance itself inside its own step, a list
    /// over all instances of a fan-out elsewhere.
    pub(crate) fn record(&self, plan: &Plan, work: &Work, decl: usize, from: Option<usize>) -> Value {
        let own = from.filter(|node| work.nodes[*node].decl == decl);
        if let Some(node) = own {
            return Value::Record(self.node(node).members);
        }
        let all = self.read();
        let record = |node: usize| Value::Record(all.get(&node).map(|r| r.members.clone()).unwrap_or_default());
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
