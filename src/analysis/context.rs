//! What lowering knows while it goes through a plan, and where it is.

use std::collections::{BTreeSet, HashMap};

use crate::diag::{Code, Diagnostic};
use crate::model::{Dep, DepKind, Expr, Ref, Remember, ResourceKind, Ty};
use crate::source::Span;
use crate::syntax::ast;

use super::codes;
use super::names::{self, Names};

/// Everything known of the plan so far.
pub(super) struct Context<'a> {
    pub diagnostics: &'a mut Vec<Diagnostic>,
    pub names: Names,
    pub params: Vec<Ty>,
    /// Type and taint; `None` until lowered.
    pub lets: Vec<Option<(Ty, bool)>>,
    pub resources: Vec<ResourceFacts>,
    pub nodes: Vec<NodeFacts>,
    /// What has been used, by what it is.
    pub used: BTreeSet<Used>,
}

/// Things that must be used somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Used {
    Param(usize),
    Secret(usize),
    Let(usize),
    Resource(usize),
}

/// A resource as others see it.
#[derive(Debug)]
pub(super) struct ResourceFacts {
    pub name: String,
    pub kind: ResourceKind,
    /// Keys that hold a secret somewhere (here or in an environment).
    pub secret: BTreeSet<String>,
}

/// A node as others see it.
#[derive(Debug)]
pub(super) struct NodeFacts {
    pub name: String,
    pub gate: bool,
    pub fan_out: bool,
    /// Members besides those that every node has.
    pub outputs: Vec<(String, Ty)>,
    /// Remembered values with their types.
    pub remembered: Vec<(String, Ty)>,
    /// The same, lowered; taken when the node itself is lowered.
    pub lowered: Vec<Remember>,
}

/// Where an expression stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Probes may be called.
    pub probes: bool,
    /// The node it belongs to.
    pub node: Option<usize>,
    /// Names that only this node knows: its item, its remembered values.
    pub own: HashMap<String, (Ref, Ty)>,
    /// Declarations after this one are not known yet: a `let` sees those before it.
    pub lets_before: Option<usize>,
    /// What a bare name has to be here, when only one kind of thing will do: `step`, `host`.
    pub wanted: Option<&'static str>,
    /// No `let` may be used: parameters' defaults and the sources of secrets come before them all.
    pub no_lets: bool,
    /// Steps and gates may be named.
    pub nodes: bool,
    /// Optional values that have been compared with `none`, by path.
    pub certain: BTreeSet<String>,
}

/// What kind of thing is wanted where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Value,
    Action,
    Tool,
    Source,
}

impl Context<'_> {
    /// Reports a problem.
    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a problem that needs no more than a sentence.
    pub(super) fn wrong(&mut self, code: &'static Code, span: Span, message: impl Into<String>) {
        self.say(Diagnostic::new(code, span, message));
    }

    /// Resolves a bare name, or says that it is unknown.
    pub(super) fn resolve(&mut self, name: &str, span: Span, place: &Place) -> Option<(Ref, Option<Ty>)> {
        if let Some((what, ty)) = place.own.get(name) {
            return Some((*what, Some(ty.clone())));
        }
        match name {
            "plan" => return Some((Ref::Plan, None)),
            "run" => return Some((Ref::Run, None)),
            "env" => return Some((Ref::Env, None)),
            _ => {}
        }
        let Some((what, declared)) = self.names.find(name) else {
            self.unknown(name, span, place);
            return None;
        };
        self.note_use(what);
        if self.names.is_twice(name) {
            return None;
        }
        match (what, place) {
            (Ref::Node(_), Place { nodes: false, .. }) => {
                let message = format!("`{name}` is a step or gate: what it yields is not known here");
                self.say(
                    Diagnostic::new(&codes::WRONG_PLACE, span, message)
                        .related(declared, "declared here")
                        .advice("use it in a step, a gate or an undo that comes after it"),
                );
                None
            }
            (Ref::Let(_), Place { no_lets: true, .. }) => {
                let message = format!("`{name}` is a let, which is not known yet here");
                self.say(
                    Diagnostic::new(&codes::WRONG_PLACE, span, message).related(declared, "declared here").advice(
                        "parameters and the sources of secrets come first: use a parameter, or write the value out",
                    ),
                );
                None
            }
            (Ref::Let(index), Place { lets_before: Some(before), .. }) if index >= *before => {
                let (message, advice) = match index == *before {
                    true => {
                        (format!("`{name}` is made from itself"), "a let is set once: give one of the two another name")
                    }
                    false => {
                        (format!("`{name}` is not known yet: a let uses only those above it"), "move that `let` up")
                    }
                };
                self.say(
                    Diagnostic::new(&codes::UNKNOWN_NAME, span, message)
                        .related(declared, "declared here")
                        .advice(advice),
                );
                None
            }
            _ => Some((what, None)),
        }
    }

    /// Notes that a name is used, when there is one.
    pub(super) fn note(&mut self, name: &str) {
        if let Some((what, _)) = self.names.find(name) {
            self.note_use(what);
        }
    }

    fn note_use(&mut self, what: Ref) {
        let used = match what {
            Ref::Param(index) => Used::Param(index),
            Ref::Secret(index) => Used::Secret(index),
            Ref::Let(index) => Used::Let(index),
            Ref::Resource(index) => Used::Resource(index),
            Ref::Node(_) | Ref::Remembered(_) | Ref::Item | Ref::Plan | Ref::Run | Ref::Env => return,
        };
        self.used.insert(used);
    }

    /// The step that remembers something by this name.
    fn remembered_by(&self, name: &str) -> Option<&str> {
        let remembers = |node: &&NodeFacts| node.remembered.iter().any(|(remembered, _)| remembered == name);
        self.nodes.iter().find(remembers).map(|node| node.name.as_str())
    }

    /// Says that the name of a remembered value or an item means something already.
    pub(super) fn taken(&mut self, name: &ast::Name, earlier: Span) {
        let before = self.names.find(&name.text).map_or("a remembered value", |(what, _)| names::word(what));
        self.say(
            Diagnostic::new(&codes::NAME_TWICE, at(name), format!("`{}` is already {before}", name.text))
                .related(earlier, "first declared here")
                .advice("a bare name means one thing: choose another one here"),
        );
    }

    fn unknown(&mut self, name: &str, span: Span, place: &Place) {
        let own = place.own.keys().map(String::as_str);
        let near = names::nearest(name, own.chain(self.names.all())).map(str::to_owned);
        let function = crate::registry::all().any(|function| function.word() == name);
        let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_NAME, span, format!("nothing here is called `{name}`"));
        if let Some((what, _)) = near.as_deref().and_then(|near| self.names.find(near)) {
            // It is meant, so it is not reported as unused besides.
            self.note_use(what);
        }
        diagnostic = match near {
            Some(near) => diagnostic.advice(format!("did you mean `{near}`?")),
            None if function => diagnostic.advice(format!("`{name}` is a function: call it, `{name}(…)`")),
            None => diagnostic.advice(match (self.remembered_by(name), place.wanted) {
                (Some(step), _) => format!("the step `{step}` remembers it: write `{step}.{name}`"),
                (None, Some(wanted)) => format!("declare it: `{wanted} {name} {{ … }}`"),
                (None, None) => format!("declare it, for example `param {name}: string`"),
            }),
        };
        self.say(diagnostic);
    }
}

/// The span of a name.
pub(super) fn at(name: &ast::Name) -> Span {
    name.loc.0
}

/// Adds an edge for every other node that an expression uses.
pub(super) fn uses(expr: &Expr, own: usize, deps: &mut Vec<Dep>) {
    expr.walk(&mut |part| {
        if let crate::model::ExprKind::Ref(Ref::Node(node)) = part.kind
            && node != own
        {
            deps.push(Dep { node, why: DepKind::Uses, span: part.span });
        }
    });
}
