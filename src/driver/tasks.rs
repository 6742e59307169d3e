//! Carries commands out, each in a task of its own, and sends what came of it back to the loop.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::actions::{self, CallContext, StopToken};
use crate::engine::{CheckReading, Failure, Input, Observation, Outcome, Phase, Reading, Settlement};
use crate::journal::{JournalError, Ticket};
use crate::model::{Alternative, Body, Call, Check, Expr, ExprKind, FunctionKind, HookEvent, Node, Step, Undo, Value};
use crate::registry::{self, Answers, DefaultUndo, Function};

use super::build::Built;
use super::eval::Reader;
use super::inbox::Asked;
use super::scope::NodeScope;
use super::services::Services;
use super::session::Session;
use super::sink::{NodeSink, Said};

/// What a task sends to the loop.
#[derive(Debug)]
pub(crate) enum Message {
    Input(Input),
    Asked(Vec<Asked>),
    JournalFailed(JournalError),
    /// A hook has ended: the loop may be waiting for nothing else.
    HookEnded,
}

/// The running tasks.
pub(crate) struct Tasks {
    sender: UnboundedSender<Message>,
    set: JoinSet<()>,
    /// How to end what runs for a node.
    stops: BTreeMap<usize, StopToken>,
    services: Services,
}

impl Tasks {
    pub(crate) fn new(session: &Session, sender: UnboundedSender<Message>) -> Self {
        debug_assert_eq!(session.run_id, session.world.run);
        Self { sender, set: JoinSet::new(), stops: BTreeMap::new(), services: Services::default() }
    }

    /// How many have not ended.
    pub(crate) fn running(&mut self) -> usize {
        while self.set.try_join_next().is_some() {}
        self.set.len()
    }

    /// Ends what runs for a node.
    pub(crate) fn kill(&self, node: usize) {
        if let Some(stop) = self.stops.get(&node) {
            stop.stop();
        }
    }

    /// Ends everything that runs, without waiting for it to say how far it came.
    pub(crate) fn kill_all(&self) {
        self.stops.values().for_each(StopToken::stop);
    }

    /// Ends the services and waits for what still runs.
    pub(crate) async fn end(&mut self) {
        while self.set.join_next().await.is_some() {}
        self.services.end().await;
    }

    /// Reads checks of a phase once, side by side; equal probes are read once.
    pub(crate) fn read(&mut self, session: &Session, node: usize, phase: Phase, round: u32, checks: Vec<usize>) {
        let at = At::new(self, session, node, None);
        self.spawn(async move {
            let mut answers = Answers::default();
            let mut readings = Vec::with_capacity(checks.len());
            for check in checks {
                readings.push(at.read(phase, check, &mut answers).await);
            }
            Input::Read { node, phase, round, readings }
        });
    }

    /// Evaluates `remember` in order, then captures what the undo will need.
    pub(crate) fn observe(&mut self, session: &Session, node: usize) {
        let at = At::new(self, session, node, None);
        self.spawn(async move { Input::Observed { node, result: at.observe().await } });
    }

    /// Carries the action of a step out, once everything so far is durable.
    pub(crate) fn act(&mut self, session: &Session, durable: Option<Ticket>, node: usize, attempt: u32) {
        let at = At::new(self, session, node, Some(Said { node, attempt, undo: None }));
        self.effect(durable, async move { Input::Ended { node, attempt, outcome: at.act().await } });
    }

    /// Carries an undo alternative out, once everything so far is durable.
    pub(crate) fn undo(
        &mut self,
        session: &Session,
        durable: Option<Ticket>,
        node: usize,
        alternative: usize,
        attempt: u32,
    ) {
        let at = At::new(self, session, node, Some(Said { node, attempt, undo: Some(alternative) }));
        self.effect(durable, async move {
            Input::UndoEnded { node, alternative, attempt, outcome: at.undo(alternative).await }
        });
    }

    /// Asks whether an action has happened. What it left running was ended when the run was taken over.
    pub(crate) fn settle(&mut self, session: &Session, node: usize, attempt: u32) {
        let at = At::new(self, session, node, None);
        self.spawn(async move { Input::Settled { node, attempt, settlement: at.settle().await } });
    }

    /// Runs the hooks of an event; what becomes of them changes nothing.
    pub(crate) fn hook(&mut self, session: &Session, durable: Option<Ticket>, event: HookEvent) {
        let hooks: Vec<Expr> = session
            .built
            .plan
            .hooks
            .iter()
            .filter(|hook| hook.events.contains(&event))
            .flat_map(|hook| hook.actions.clone())
            .collect();
        if hooks.is_empty() {
            return;
        }
        let at = At::hook(self, session, event);
        let observer = session.observer.clone();
        let sender = self.sender.clone();
        self.set.spawn(async move {
            if let Some(ticket) = durable {
                // A journal that fails is noticed by the loop itself.
                let _ = ticket.durable().await;
            }
            for action in hooks {
                match at.perform(&action).await {
                    Outcome::Succeeded { .. } | Outcome::ByHand { .. } => {}
                    Outcome::Failed { failure, .. } => {
                        observer.note(&format!("`on {}` failed: {}", event_word(event), failure.message))
                    }
                    Outcome::TimedOut { .. } => {
                        observer.note(&format!("`on {}` did not end in time", event_word(event)))
                    }
                    Outcome::Unknown { why } => observer.note(&format!("`on {}` was ended: {why}", event_word(event))),
                }
            }
            let _ = sender.send(Message::HookEnded);
        });
    }

    fn spawn(&mut self, work: impl Future<Output = Input> + Send + 'static) {
        let sender = self.sender.clone();
        self.set.spawn(async move {
            // The loop outlives its tasks; when it is gone nobody needs the answer.
            let _ = sender.send(Message::Input(work.await));
        });
    }

    fn effect(&mut self, durable: Option<Ticket>, work: impl Future<Output = Input> + Send + 'static) {
        let sender = self.sender.clone();
        self.set.spawn(async move {
            if let Some(ticket) = durable
                && let Err(error) = ticket.durable().await
            {
                let _ = sender.send(Message::JournalFailed(error));
                return;
            }
            let _ = sender.send(Message::Input(work.await));
        });
    }
}

/// The run is over: what the action of a node kept for its undo goes.
pub(crate) async fn forget(session: &Session, node: usize) {
    let at = At::of_node(session, Services::default(), node, None, StopToken::default());
    let Some(action) = at.step().and_then(|step| step.action.as_ref()).map(call_of) else { return };
    if let (true, Ok((args, context))) = (entry(action).captures, at.prepared(action)) {
        actions::forget(action.function, &args, &context).await;
    }
}

/// A node (or a hook) with everything that its expressions and actions need.
struct At {
    reader: Reader,
    built: Arc<Built>,
    decl: Option<usize>,
}

impl At {
    fn new(tasks: &mut Tasks, session: &Session, node: usize, said: Option<Said>) -> Self {
        let stop = StopToken::default();
        if said.is_some() {
            tasks.stops.insert(node, stop.clone());
        }
        Self::of_node(session, tasks.services.clone(), node, said, stop)
    }

    fn of_node(session: &Session, services: Services, node: usize, said: Option<Said>, stop: StopToken) -> Self {
        let id = session.built.work.nodes[node].id.clone();
        let built = session.version_of(node).clone();
        let own = built.work.find(&id).expect("a node started under a version of the plan that has it");
        let decl = built.work.nodes[own].decl;
        let scope = NodeScope {
            built: built.clone(),
            results: session.results.clone(),
            node: Some(own),
            run: session.facts.clone(),
            remembering: Vec::new(),
        };
        let sink = NodeSink::new(session, id.clone(), said);
        let context = CallContext {
            world: session.world.clone(),
            step: id,
            attempt: said.map_or(0, |said| said.attempt),
            env: Vec::new(),
            dir: None,
            timeout: built.bound.timeout(&built.plan, decl, built.work.nodes[own].item.as_ref()),
            stop,
            sink: Arc::new(sink),
        };
        Self { reader: Reader { scope, context, services }, built, decl: Some(decl) }
    }

    fn hook(tasks: &Tasks, session: &Session, event: HookEvent) -> Self {
        let built = session.built.clone();
        let scope = NodeScope {
            built: built.clone(),
            results: session.results.clone(),
            node: None,
            run: session.facts_now(event),
            remembering: Vec::new(),
        };
        let context = CallContext {
            world: session.world.clone(),
            step: "on".into(),
            attempt: 0,
            env: Vec::new(),
            dir: None,
            timeout: None,
            stop: StopToken::default(),
            sink: Arc::new(NodeSink::new(session, "on".into(), None)),
        };
        Self { reader: Reader { scope, context, services: tasks.services.clone() }, built, decl: None }
    }

    fn node(&self) -> &Node {
        &self.built.plan.nodes[self.decl.expect("only a hook has no node, and it asks for none")]
    }

    fn step(&self) -> Option<&Step> {
        match &self.node().body {
            Body::Step(step) => Some(step),
            Body::Gate(_) => None,
        }
    }

    async fn read(&self, phase: Phase, check: usize, answers: &mut Answers) -> CheckReading {
        let declared = match phase {
            Phase::When => None,
            Phase::Require => self.node().requires.get(check),
            Phase::Verify => self.step().and_then(|step| step.verifies.get(check)),
            Phase::VerifyUndo => self.step().and_then(|step| step.verify_undo.get(check)),
        };
        let expr = declared.map(|check: &Check| &check.expr).or(self.node().when.as_ref());
        let expr = expr.expect("the machine asks for checks that the plan has");
        let mut reading = self.reader.check(check, expr, answers).await;
        if let (Reading::False, Some(otherwise)) = (&reading.reading, declared.and_then(|c| c.otherwise.as_ref())) {
            reading.seen.extend(self.reader.message(otherwise, answers).await);
        }
        reading
    }

    async fn observe(mut self) -> Result<Observation, String> {
        let remember = self.step().map(|step| step.remember.clone()).unwrap_or_default();
        let masker = self.reader.context.world.masker.clone();
        for clause in &remember {
            let value = self.reader.value(&clause.value, &mut Answers::default()).await;
            let value = value.map_err(|why| masker.mask(&format!("`{}`: {why}", clause.name)))?;
            self.reader.scope.remembering.push(masker.mask_value(&value));
        }
        let captured = match self.step().and_then(|step| step.action.as_ref()) {
            Some(action) => self.capture(action).await.map_err(|why| masker.mask(&why))?,
            None => None,
        };
        Ok(Observation { remembered: self.reader.scope.remembering, captured })
    }

    async fn capture(&self, action: &Expr) -> Result<Option<Value>, String> {
        let call = call_of(action);
        if !entry(call).captures {
            return Ok(None);
        }
        let (args, context) = self.prepared(call)?;
        let captured = actions::capture(call.function, &args, &context).await?;
        Ok(captured.map(|value| context.world.masker.mask_value(&value)))
    }

    async fn act(&self) -> Outcome {
        let action = self.step().and_then(|step| step.action.as_ref());
        self.perform(action.expect("the machine acts only where there is a `do`")).await
    }

    async fn perform(&self, action: &Expr) -> Outcome {
        let call = call_of(action);
        match self.prepared(call) {
            Ok((args, context)) => actions::perform(call.function, &args, &context).await,
            Err(why) => not_started(&self.reader.context.world.masker.mask(&why)),
        }
    }

    async fn undo(&self, alternative: usize) -> Outcome {
        let step = self.step().expect("only steps are undone");
        let action = call_of(step.action.as_ref().expect("only an action has an effect to undo"));
        let chosen = match &step.undo {
            Undo::Alternatives(all) => all.get(alternative).map(|a: &Alternative| &a.action),
            Undo::Default | Undo::NotNeeded | Undo::Nothing(_) | Undo::Irreversible(_) => None,
        };
        // `undo revert(app)` of a `push` means the range that was pushed, as the default does.
        let by_default = |call: &Call| entry(action).undo == DefaultUndo::By(call.function);
        match chosen {
            Some(expr) if !by_default(call_of(expr)) => self.undo_by(call_of(expr)).await,
            Some(_) | None => self.undo_by_default(action).await,
        }
    }

    async fn undo_by(&self, call: &Call) -> Outcome {
        let captured = self.reader.scope.known().captured;
        match self.prepared(call) {
            Ok((args, context)) => actions::undo_by(call.function, &args, captured.as_ref(), &context).await,
            Err(why) => not_started(&self.reader.context.world.masker.mask(&why)),
        }
    }

    async fn undo_by_default(&self, action: &Call) -> Outcome {
        let known = self.reader.scope.known();
        let (args, context) = match self.prepared(action) {
            Ok(prepared) => prepared,
            Err(why) => return not_started(&self.reader.context.world.masker.mask(&why)),
        };
        let outputs = known.has_outputs.then_some(&known.members);
        actions::undo_default(action.function, &args, known.captured.as_ref(), outputs, &context).await
    }

    async fn settle(&self) -> Settlement {
        let Some(step) = self.step() else { return Settlement::Unknown("a gate has no effect".into()) };
        if let Some(expr) = &step.done_when {
            return match self.reader.value(expr, &mut Answers::default()).await {
                Ok(Value::Bool(true)) => Settlement::Done(None),
                Ok(Value::Bool(false)) => Settlement::NotDone,
                Ok(other) => Settlement::Unknown(format!("`done when` is {}", registry::shown(&other))),
                Err(why) => Settlement::Unknown(format!("`done when` cannot be read: {why}")),
            };
        }
        let call = match &step.action {
            Some(action) if entry(call_of(action)).settles => call_of(action),
            Some(_) | None => return Settlement::Unknown("nothing can tell whether it happened".into()),
        };
        let captured = self.reader.scope.known().captured;
        match self.prepared(call) {
            Ok((args, context)) => actions::settle(call.function, &args, captured.as_ref(), &context).await,
            Err(why) => Settlement::Unknown(why),
        }
    }

    /// The arguments of an action, and where and with what it runs.
    fn prepared(&self, call: &Call) -> Result<(BTreeMap<String, Value>, CallContext), String> {
        let scope = &self.reader.scope;
        let args = registry::eval_args(call, scope).map_err(|error| error.message)?;
        let mut context = self.reader.context.clone();
        let Some(step) = self.decl.and_then(|_| self.step()) else { return Ok((args, context)) };
        for (name, expr) in &step.env {
            let value = registry::eval_pure(expr, scope).map_err(|error| error.message)?;
            context.env.push((name.clone(), registry::printed(&value)));
        }
        if let Some(expr) = &step.dir {
            let value = registry::eval_pure(expr, scope).map_err(|error| error.message)?;
            context.dir = Some(context.world.base.join(registry::printed(&value)));
        }
        Ok((args, context))
    }
}

fn event_word(event: HookEvent) -> &'static str {
    match event {
        HookEvent::Failure => "failure",
        HookEvent::Success => "success",
        HookEvent::Paused => "paused",
        HookEvent::Stuck => "stuck",
    }
}

fn call_of(action: &Expr) -> &Call {
    match &action.kind {
        ExprKind::Call(call) => call,
        _ => unreachable!("the checker lets only calls stand after `do` and `undo`"),
    }
}

fn entry(call: &Call) -> &'static Function {
    registry::find(FunctionKind::Action, call.function).expect("a checked plan names only actions that exist")
}

fn not_started(why: &str) -> Outcome {
    let failure = Failure { code: actions::BAD_CALL.id.into(), message: why.to_owned(), tail: String::new() };
    Outcome::Failed { clean: true, failure }
}
