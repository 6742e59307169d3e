//! The evaluator: pure, three-valued, and asking for the probes whose answers it lacks.
//!
//! A value may be unreadable: a probe could not be read, or what it read makes no sense here (a member that is not there,
//! JSON that is none). `unreadable and false` is false, `unreadable or true` is true; everything else that touches an
//! unreadable value is unreadable, `!=` and `in` too.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::model::{BinaryOp, Call, Expr, ExprKind, FunctionKind, Piece, Ref, Template, Ty, Value};
use crate::source::Span;

use super::operators::{apply, described, equal, negate, scalar};
use super::pure::pure_fn;
use super::template::{fill, fill_shell, word};
use super::words::{WordPart, split_words};
use super::{EvalError, Param, Sig, TextUse, find, to_json};

/// How deep expressions may nest. The parser's own limit is lower; this keeps hand-made trees from ending the process.
const DEPTH: u32 = 128;

/// What names stand for while evaluating.
pub trait Scope {
    /// The value of a name.
    fn lookup(&self, name: Ref) -> Lookup;
}

/// What a [`Scope`] says of a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    Value(Value),
    /// It has none here: one sentence.
    Missing(String),
    /// It could not be read: one sentence.
    Unreadable(String),
}

/// A probe whose answer is needed. Equal calls (places aside) are read once a round.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeCall {
    /// Unique name of the entry.
    pub function: &'static str,
    /// In the order of its parameters.
    pub args: Vec<Option<Value>>,
    pub span: Span,
}

impl ProbeCall {
    fn key(&self) -> String {
        let args = serde_json::to_string(&self.args).expect("a value can always be written as JSON");
        format!("{}{args}", self.function)
    }
}

/// What probes have answered so far in this round.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    known: BTreeMap<String, Result<Value, String>>,
}

impl Answers {
    /// Takes an answer in; `Err` says why it could not be read.
    pub fn insert(&mut self, call: ProbeCall, answer: Result<Value, String>) {
        self.known.insert(call.key(), answer);
    }

    /// The answer to a call, when it is known.
    pub fn get(&self, call: &ProbeCall) -> Option<&Result<Value, String>> {
        self.known.get(&call.key())
    }
}

/// What came of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluated {
    Value(Value),
    /// Neither true nor false: one sentence.
    Unreadable(String),
    /// These have to be answered first; each once.
    Need(Vec<ProbeCall>),
}

/// The observed value of an interesting part of an expression, for "show what was seen".
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub span: Span,
    pub value: Value,
}

/// Evaluates as far as the answers go. `trace` receives the values that decided: the sides of comparisons, and names, members
/// and probes that stand alone; when probes are still needed it is to be thrown away.
pub fn eval(expr: &Expr, scope: &dyn Scope, answers: &Answers, trace: &mut Vec<Trace>) -> Result<Evaluated, EvalError> {
    let evaluator = Evaluator { scope, answers, depth: Cell::new(0) };
    Ok(match evaluator.traced(expr, trace)? {
        Got::Value(value) => Evaluated::Value(value),
        Got::Unreadable(why) => Evaluated::Unreadable(why.message),
        Got::Need(calls) => Evaluated::Need(calls),
    })
}

/// Evaluates what reads nothing of the world.
pub fn eval_pure(expr: &Expr, scope: &dyn Scope) -> Result<Value, EvalError> {
    let answers = Answers::default();
    let evaluator = Evaluator { scope, answers: &answers, depth: Cell::new(0) };
    known(evaluator.plain(expr)?)
}

/// The arguments of an action, a tool or a source by name, ready for use: a command line as a list of words, a script with
/// its values quoted.
pub fn eval_args(call: &Call, scope: &dyn Scope) -> Result<BTreeMap<String, Value>, EvalError> {
    let answers = Answers::default();
    let evaluator = Evaluator { scope, answers: &answers, depth: Cell::new(0) };
    let params = params_of(call);
    let mut named = BTreeMap::new();
    for (param, arg) in params.iter().zip(&call.args) {
        if let Some(expr) = arg {
            named.insert(param.name.to_owned(), known(evaluator.arg(param, expr)?)?);
        }
    }
    Ok(named)
}

/// A command line split into words, its values filled in: each is one argument, or part of one.
pub fn words(template: &Template, scope: &dyn Scope) -> Result<Vec<String>, EvalError> {
    let answers = Answers::default();
    let evaluator = Evaluator { scope, answers: &answers, depth: Cell::new(0) };
    match known(evaluator.words(template, Span::default())?)? {
        Value::List(words) => Ok(words.iter().map(super::printed).collect()),
        other => Ok(vec![super::printed(&other)]),
    }
}

fn params_of(call: &Call) -> &'static [Param] {
    find(call.kind, call.function).expect("a checked plan names only functions that exist").params
}

/// What is known inside.
enum Got {
    Value(Value),
    Unreadable(EvalError),
    Need(Vec<ProbeCall>),
}

type Answer = Result<Got, EvalError>;

fn known(got: Got) -> Result<Value, EvalError> {
    match got {
        Got::Value(value) => Ok(value),
        Got::Unreadable(why) => Err(why),
        Got::Need(calls) => {
            let call = calls.first().expect("something is needed");
            Err(EvalError { message: format!("the probe `{}` cannot stand here", call.function), span: call.span })
        }
    }
}

/// A computed value, or an unreadable one at this place.
fn computed(result: Result<Value, String>, span: Span) -> Answer {
    Ok(match result {
        Ok(value) => Got::Value(value),
        Err(message) => Got::Unreadable(EvalError { message, span }),
    })
}

/// Everything that several parts yield, or what keeps it from being known: first what is still needed, so that all of it is
/// read side by side.
fn together(parts: impl IntoIterator<Item = Answer>) -> Result<Result<Vec<Value>, Got>, EvalError> {
    let mut values = Vec::new();
    let mut unreadable = None;
    let mut needed: Vec<ProbeCall> = Vec::new();
    for part in parts {
        match part? {
            Got::Value(value) => values.push(value),
            Got::Unreadable(why) => unreadable = unreadable.or(Some(why)),
            Got::Need(calls) => {
                for call in calls {
                    if !needed.iter().any(|known| known.key() == call.key()) {
                        needed.push(call);
                    }
                }
            }
        }
    }
    Ok(match unreadable {
        _ if !needed.is_empty() => Err(Got::Need(needed)),
        Some(why) => Err(Got::Unreadable(why)),
        None => Ok(values),
    })
}

struct Evaluator<'a> {
    scope: &'a dyn Scope,
    answers: &'a Answers,
    depth: Cell<u32>,
}

impl Evaluator<'_> {
    /// Evaluates a condition and notes what decides it.
    fn traced(&self, expr: &Expr, trace: &mut Vec<Trace>) -> Answer {
        self.deeper(expr, || match &expr.kind {
            ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => {
                self.logic(*op, expr, &mut |operand| self.traced(operand, trace))
            }
            ExprKind::Not(inner) => self.traced(inner, trace).and_then(|got| not(got, inner.span)),
            ExprKind::Binary { op, left, right } if is_comparison(*op) => {
                let sides = [self.noted(left, trace), self.noted(right, trace)];
                self.binary(*op, sides, expr.span)
            }
            ExprKind::Call(call) if call.kind == FunctionKind::Pure => {
                self.call(call, expr.span, &mut |arg| self.noted(arg, trace))
            }
            ExprKind::Binary { .. }
            | ExprKind::Const(_)
            | ExprKind::Template(_)
            | ExprKind::List(_)
            | ExprKind::Map(_)
            | ExprKind::Ref(_)
            | ExprKind::Field(..)
            | ExprKind::Index(..)
            | ExprKind::Call(_)
            | ExprKind::Neg(_) => self.noted(expr, trace),
        })
    }

    /// Evaluates a part and notes its value, unless it stands there as it is.
    fn noted(&self, expr: &Expr, trace: &mut Vec<Trace>) -> Answer {
        let got = self.plain(expr)?;
        if let (Got::Value(value), false) = (&got, is_plain_to_see(expr)) {
            trace.push(Trace { span: expr.span, value: value.clone() });
        }
        Ok(got)
    }

    fn plain(&self, expr: &Expr) -> Answer {
        self.deeper(expr, || match &expr.kind {
            ExprKind::Const(value) => Ok(Got::Value(value.clone())),
            ExprKind::Template(template) => self.template(template, expr.span, fill),
            ExprKind::List(items) => {
                let items = together(items.iter().map(|item| self.plain(item)))?;
                Ok(items.map_or_else(|got| got, |items| Got::Value(Value::List(items))))
            }
            ExprKind::Map(entries) => {
                let values = together(entries.iter().map(|(_, value)| self.plain(value)))?;
                let keys = entries.iter().map(|(key, _)| key.clone());
                Ok(values.map_or_else(|got| got, |values| Got::Value(Value::Map(keys.zip(values).collect()))))
            }
            ExprKind::Ref(name) => match self.scope.lookup(*name) {
                Lookup::Value(value) => Ok(Got::Value(value)),
                Lookup::Missing(message) => Err(EvalError { message, span: expr.span }),
                Lookup::Unreadable(message) => Ok(Got::Unreadable(EvalError { message, span: expr.span })),
            },
            ExprKind::Field(base, name) => match self.plain(base)? {
                Got::Value(value) => computed(member(&value, name), expr.span),
                other => Ok(other),
            },
            ExprKind::Index(base, index) => match together([self.plain(base), self.plain(index)])? {
                Ok(values) => computed(element(&values[0], &values[1]), expr.span),
                Err(got) => Ok(got),
            },
            ExprKind::Call(call) => self.call(call, expr.span, &mut |arg| self.plain(arg)),
            ExprKind::Not(inner) => self.plain(inner).and_then(|got| not(got, inner.span)),
            ExprKind::Neg(inner) => match self.plain(inner)? {
                Got::Value(value) => computed(negate(&value), expr.span),
                other => Ok(other),
            },
            ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => {
                self.logic(*op, expr, &mut |operand| self.plain(operand))
            }
            ExprKind::Binary { .. } => self.chain(expr),
        })
    }

    fn deeper(&self, expr: &Expr, evaluate: impl FnOnce() -> Answer) -> Answer {
        let depth = self.depth.get();
        if depth >= DEPTH {
            return Err(EvalError { message: "the expression is nested too deeply".to_owned(), span: expr.span });
        }
        self.depth.set(depth + 1);
        let answer = evaluate();
        self.depth.set(depth);
        answer
    }

    /// `a and b and c` from left to right, without recursion along the chain. What can no longer matter is not read; what
    /// comes after something still needed waits.
    fn logic(&self, op: BinaryOp, expr: &Expr, evaluate: &mut dyn FnMut(&Expr) -> Answer) -> Answer {
        let decides = op == BinaryOp::Or;
        let mut unreadable = None;
        for operand in operands(op, expr) {
            match evaluate(operand)? {
                Got::Need(calls) => return Ok(Got::Need(calls)),
                Got::Unreadable(why) => unreadable = unreadable.or(Some(why)),
                Got::Value(value) => match truth(&value) {
                    Ok(truth) if truth == decides => return Ok(Got::Value(Value::Bool(decides))),
                    Ok(_) => {}
                    Err(message) => {
                        unreadable = unreadable.or(Some(EvalError { message, span: operand.span }));
                    }
                },
            }
        }
        Ok(unreadable.map_or(Got::Value(Value::Bool(!decides)), Got::Unreadable))
    }

    /// `a + b - c` from left to right, without recursion along the chain.
    fn chain(&self, expr: &Expr) -> Answer {
        let mut rights = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary { op, left, right } = &first.kind {
            if matches!(op, BinaryOp::And | BinaryOp::Or) {
                break;
            }
            rights.push((*op, right, first.span));
            first = left;
        }
        let mut result = self.plain(first);
        for (op, right, span) in rights.into_iter().rev() {
            result = self.binary(op, [result, self.plain(right)], span);
        }
        result
    }

    fn binary(&self, op: BinaryOp, sides: [Answer; 2], span: Span) -> Answer {
        match together(sides)? {
            Ok(values) => computed(apply(op, &values[0], &values[1]), span),
            Err(got) => Ok(got),
        }
    }

    fn call(&self, call: &Call, span: Span, evaluate: &mut dyn FnMut(&Expr) -> Answer) -> Answer {
        let args = match self.args(call, evaluate)? {
            Ok(args) => args,
            Err(got) => return Ok(got),
        };
        match call.kind {
            FunctionKind::Pure => {
                let compute = pure_fn(call.function).expect("every pure entry has its function");
                computed(compute(&args), span)
            }
            FunctionKind::Probe => {
                let call = ProbeCall { function: call.function, args, span };
                match self.answers.get(&call) {
                    Some(answer) => computed(answer.clone(), span),
                    None => Ok(Got::Need(vec![call])),
                }
            }
            FunctionKind::Tool | FunctionKind::Action => {
                let names = params_of(call).iter().map(|param| param.name.to_owned());
                let args = names.zip(args).filter_map(|(name, value)| Some((name, value?))).collect();
                Ok(Got::Value(Value::Call { function: call.function.to_owned(), args }))
            }
            FunctionKind::Source => Err(EvalError { message: "a source of secrets is not a value".to_owned(), span }),
        }
    }

    /// All arguments in the order of the parameters.
    fn args(
        &self,
        call: &Call,
        evaluate: &mut dyn FnMut(&Expr) -> Answer,
    ) -> Result<Result<Vec<Option<Value>>, Got>, EvalError> {
        let params = params_of(call);
        let given = params.iter().zip(&call.args).filter_map(|(param, arg)| Some((param, arg.as_ref()?)));
        let values = together(given.map(|(param, arg)| match param.text {
            TextUse::Plain => evaluate(arg).and_then(|got| fitted(param, got, arg.span)),
            TextUse::Shell | TextUse::Words => self.arg(param, arg),
        }))?;
        Ok(values.map(|values| {
            let mut values = values.into_iter();
            call.args.iter().map(|arg| arg.as_ref().and_then(|_| values.next())).collect()
        }))
    }

    /// One argument as its parameter wants it.
    fn arg(&self, param: &Param, expr: &Expr) -> Answer {
        match (param.text, &expr.kind) {
            (TextUse::Words, ExprKind::Template(template)) => self.words(template, expr.span),
            (TextUse::Words, ExprKind::Const(Value::String(text))) => {
                self.words(&Template { parts: vec![Piece::Literal(text.clone())] }, expr.span)
            }
            // A value is always one argument, also when it is all there is.
            (TextUse::Words, _) => match self.plain(expr)? {
                Got::Value(value) => computed(word(&value).map(|word| Value::strings([word])), expr.span),
                other => Ok(other),
            },
            (TextUse::Shell, ExprKind::Template(template)) => self.template(template, expr.span, fill_shell),
            (TextUse::Shell | TextUse::Plain, _) => self.plain(expr).and_then(|got| fitted(param, got, expr.span)),
        }
    }

    fn template(
        &self,
        template: &Template,
        span: Span,
        fill: fn(&Template, &[Value]) -> Result<String, String>,
    ) -> Answer {
        let exprs = template.parts.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Value { expr, .. } => Some(self.plain(expr)),
        });
        match together(exprs)? {
            Ok(values) => computed(fill(template, &values).map(Value::String), span),
            Err(got) => Ok(got),
        }
    }

    fn words(&self, template: &Template, span: Span) -> Answer {
        let split = match split_words(template) {
            Ok(split) => split,
            Err(message) => return Err(EvalError { message, span }),
        };
        let filled = together(split.iter().map(|word| {
            let mut text = String::new();
            for part in &word.parts {
                match part {
                    WordPart::Text(part) => text.push_str(part),
                    WordPart::Value(expr) => match self.plain(expr)? {
                        Got::Value(value) => match argument(&value) {
                            Ok(word) => text.push_str(&word),
                            Err(message) => return computed(Err(message), expr.span),
                        },
                        other => return Ok(other),
                    },
                }
            }
            Ok(Got::Value(Value::String(text)))
        }))?;
        Ok(filled.map_or_else(|got| got, |words| Got::Value(Value::List(words))))
    }
}

fn argument(value: &Value) -> Result<String, String> {
    let text = word(value)?;
    if text.contains('\0') { Err("an argument cannot hold a NUL character".to_owned()) } else { Ok(text) }
}

/// Values that a parameter takes in another form: anything for `json`, an int for `float`.
fn fitted(param: &Param, got: Got, span: Span) -> Answer {
    let Got::Value(value) = got else { return Ok(got) };
    let Sig::Is(make) = param.sig else { return Ok(Got::Value(value)) };
    computed(coerced(value, &make()), span)
}

/// A value in the form of a type that accepts it.
pub(super) fn coerced(value: Value, ty: &Ty) -> Result<Value, String> {
    match (ty, value) {
        (Ty::Json, value @ Value::Json(_)) => Ok(value),
        (Ty::Json, value) => to_json(&value).map(Value::Json),
        (Ty::Float, value @ Value::Int(_)) => Ok(super::operators::as_float(&value).map_or(value, Value::Float)),
        (Ty::Optional(_), Value::None) => Ok(Value::None),
        (Ty::Optional(of), value) => coerced(value, of),
        (Ty::List(of), Value::List(items)) => {
            items.into_iter().map(|item| coerced(item, of)).collect::<Result<_, _>>().map(Value::List)
        }
        (Ty::Map(of), Value::Map(map)) => {
            map.into_iter().map(|(key, value)| Ok((key, coerced(value, of)?))).collect::<Result<_, _>>().map(Value::Map)
        }
        (_, value) => Ok(value),
    }
}

/// The operands of a chain of one operator, from left to right.
fn operands(op: BinaryOp, expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Binary { op: this, left, right } if *this == op => {
                found.push(right.as_ref());
                at = left;
            }
            _ => {
                found.push(at);
                break;
            }
        }
    }
    found.reverse();
    found
}

fn is_comparison(op: BinaryOp) -> bool {
    match op {
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::In
        | BinaryOp::NotIn => true,
        BinaryOp::And | BinaryOp::Or | BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => false,
    }
}

/// A literal, a list of literals, a resource: nothing to be shown beside the text of the plan.
fn is_plain_to_see(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Ref(Ref::Resource(_)) => true,
        ExprKind::List(items) => items.iter().all(is_plain_to_see),
        ExprKind::Neg(inner) => is_plain_to_see(inner),
        ExprKind::Template(_)
        | ExprKind::Map(_)
        | ExprKind::Ref(_)
        | ExprKind::Field(..)
        | ExprKind::Index(..)
        | ExprKind::Call(_)
        | ExprKind::Not(_)
        | ExprKind::Binary { .. } => false,
    }
}

fn not(got: Got, span: Span) -> Answer {
    match got {
        Got::Value(value) => computed(truth(&value).map(|truth| Value::Bool(!truth)), span),
        other => Ok(other),
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    match scalar(value) {
        Value::Bool(truth) => Ok(truth),
        other => Err(format!("{} is neither true nor false", described(&other))),
    }
}

/// A member of a value; of a list, the members of all its elements.
fn member(value: &Value, name: &str) -> Result<Value, String> {
    let absent = || format!("there is no `{name}`");
    match value {
        Value::Record(map) | Value::Map(map) => map.get(name).cloned().ok_or_else(absent),
        Value::Json(serde_json::Value::Object(map)) => map.get(name).cloned().map(Value::Json).ok_or_else(absent),
        Value::List(items) => items.iter().map(|item| member(item, name)).collect::<Result<_, _>>().map(Value::List),
        other => Err(format!("{} has no member `{name}`", described(other))),
    }
}

/// An element of a list by position, an instance of a fan-out by its item, an entry of a map by its key.
fn element(value: &Value, index: &Value) -> Result<Value, String> {
    match (value, &scalar(index)) {
        (Value::List(items), Value::Int(at)) if !has_items(items) => nth(items, *at),
        (Value::List(items), item) => instance(items, item),
        (Value::Json(serde_json::Value::Array(items)), Value::Int(at)) => nth(items, *at).map(Value::Json),
        (Value::Record(_) | Value::Map(_) | Value::Json(serde_json::Value::Object(_)), Value::String(key)) => {
            member(value, key)
        }
        (value, index) => Err(format!("{} has no element {}", described(value), super::shown(index))),
    }
}

fn nth<T: Clone>(items: &[T], at: i64) -> Result<T, String> {
    let found = usize::try_from(at).ok().and_then(|at| items.get(at));
    found.cloned().ok_or_else(|| match items.len() {
        0 => format!("there is no element {at}: the list is empty"),
        len => format!("there is no element {at}: the list has 0 to {}", len - 1),
    })
}

/// Records of a fan-out's instances carry what they stand for as `item`.
fn has_items(items: &[Value]) -> bool {
    matches!(items.first(), Some(Value::Record(record)) if record.contains_key("item"))
}

fn instance(items: &[Value], item: &Value) -> Result<Value, String> {
    let found = items.iter().find(|value| match value {
        Value::Record(record) => record.get("item").is_some_and(|own| equal(own, item).unwrap_or(false)),
        _ => false,
    });
    found.cloned().ok_or_else(|| format!("there is no instance for {}", super::shown(item)))
}
