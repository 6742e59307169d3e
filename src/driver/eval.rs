//! Evaluates checked expressions against the world: asks the pure evaluator, reads the probes that it needs, asks again.

use std::collections::BTreeMap;

use crate::actions::{self, CallContext};
use crate::engine::{CheckReading, Reading, Seen};
use crate::model::{Expr, Value};
use crate::registry::{self, Answers, Evaluated, ProbeCall, Trace};

use super::scope::NodeScope;
use super::services::Services;

/// What evaluating needs: names, a way to call probes, services that have to run first.
#[derive(Clone)]
pub(crate) struct Reader {
    pub scope: NodeScope,
    pub context: CallContext,
    pub services: Services,
}

impl Reader {
    /// The value of an expression; `Err` says why it cannot be read.
    pub(crate) async fn value(&self, expr: &Expr, answers: &mut Answers) -> Result<Value, String> {
        self.traced(expr, answers).await.0
    }

    /// The value of an expression, with what was seen on the way.
    async fn traced(&self, expr: &Expr, answers: &mut Answers) -> (Result<Value, String>, Vec<Trace>) {
        loop {
            let mut trace = Vec::new();
            match registry::eval(expr, &self.scope, answers, &mut trace) {
                Ok(Evaluated::Value(value)) => return (Ok(value), trace),
                Ok(Evaluated::Unreadable(why)) => return (Err(why), trace),
                Ok(Evaluated::Need(calls)) => self.probe(calls, answers).await,
                Err(error) => return (Err(error.message), trace),
            }
        }
    }

    /// Reads probes side by side.
    async fn probe(&self, calls: Vec<ProbeCall>, answers: &mut Answers) {
        let mut running = tokio::task::JoinSet::new();
        for call in calls {
            let reader = self.clone();
            running.spawn(async move {
                let answer = reader.ask(&call).await;
                (call, answer)
            });
        }
        while let Some(done) = running.join_next().await {
            let (call, answer) = done.expect("a probe does not panic and is not cancelled");
            answers.insert(call, answer);
        }
    }

    async fn ask(&self, call: &ProbeCall) -> Result<Value, String> {
        let args = named(call);
        for arg in args.values() {
            if let Value::Resource(name) = arg {
                self.services.ensure(name, &self.context).await?;
            }
        }
        actions::probe(call.function, &args, &self.context).await
    }

    /// Reads one check; probes that another check of the round has read are not read again.
    pub(crate) async fn check(&self, index: usize, expr: &Expr, answers: &mut Answers) -> CheckReading {
        let (value, trace) = self.traced(expr, answers).await;
        let masker = &self.context.world.masker;
        let reading = match value {
            Ok(Value::Bool(true)) => Reading::True,
            Ok(Value::Bool(false)) => Reading::False,
            Ok(Value::Json(serde_json::Value::Bool(value))) => {
                if value {
                    Reading::True
                } else {
                    Reading::False
                }
            }
            Ok(other) => {
                Reading::Unreadable(masker.mask(&format!("it is {}, neither true nor false", registry::shown(&other))))
            }
            Err(why) => Reading::Unreadable(masker.mask(&why)),
        };
        let seen = trace
            .iter()
            .map(|part| Seen(part.span.start, part.span.end, masker.mask(&registry::shown(&part.value))))
            .collect();
        CheckReading { check: index, reading, seen }
    }
}

impl Reader {
    /// What `else "…"` says now, kept among what was seen, under its own place in the file.
    pub(crate) async fn message(&self, otherwise: &Expr, answers: &mut Answers) -> Option<Seen> {
        let value = self.value(otherwise, answers).await.ok()?;
        let text = self.context.world.masker.mask(&registry::printed(&value));
        Some(Seen(otherwise.span.start, otherwise.span.end, text))
    }
}

/// A probe's arguments by name.
fn named(call: &ProbeCall) -> BTreeMap<String, Value> {
    let function = registry::find(crate::model::FunctionKind::Probe, call.function)
        .expect("a checked plan names only probes that exist");
    function
        .params
        .iter()
        .zip(&call.args)
        .filter_map(|(param, value)| Some((param.name.to_owned(), value.clone()?)))
        .collect()
}
