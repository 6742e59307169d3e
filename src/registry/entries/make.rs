//! How entries are written down: short constructors with sound defaults.

use crate::model::{FunctionKind, ResourceKind};
use crate::registry::{DefaultUndo, Effect, Function, Need, Param, RetryClass, Sig, TextUse};

/// A required parameter.
pub(super) const fn required(name: &'static str, sig: Sig, doc: &'static str) -> Param {
    Param { name, sig, required: true, words: &[], text: TextUse::Plain, doc }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, sig: Sig, doc: &'static str) -> Param {
    Param { name, sig, required: false, words: &[], text: TextUse::Plain, doc }
}

/// The command line of a process: words, never a shell.
pub(super) const fn command(doc: &'static str) -> Param {
    Param { text: TextUse::Words, ..required("command", super::types::STRING, doc) }
}

impl Param {
    pub(super) const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    pub(super) const fn text(mut self, text: TextUse) -> Self {
        self.text = text;
        self
    }
}

const fn function(
    kind: FunctionKind,
    name: &'static str,
    params: &'static [Param],
    result: Sig,
    doc: &'static str,
    example: &'static str,
) -> Function {
    Function {
        name,
        kind,
        on: None,
        params,
        one_of: &[],
        result,
        effect: Effect::None,
        needs: &[],
        retry: RetryClass::Plain,
        undo: DefaultUndo::Nothing,
        settles: false,
        captures: false,
        may_lose_data: false,
        real: false,
        doc,
        example,
    }
}

/// A function that computes; always real.
pub(super) const fn pure(
    name: &'static str,
    params: &'static [Param],
    result: Sig,
    doc: &'static str,
    example: &'static str,
) -> Function {
    function(FunctionKind::Pure, name, params, result, doc, example).real()
}

/// A function that reads the world.
pub(super) const fn probe(
    name: &'static str,
    params: &'static [Param],
    result: Sig,
    doc: &'static str,
    example: &'static str,
) -> Function {
    function(FunctionKind::Probe, name, params, result, doc, example)
}

/// A function that changes the world: something outside, and the plan has to say how it is taken back.
pub(super) const fn action(
    name: &'static str,
    params: &'static [Param],
    result: Sig,
    doc: &'static str,
    example: &'static str,
) -> Function {
    let base = function(FunctionKind::Action, name, params, result, doc, example);
    Function { effect: Effect::Outside, undo: DefaultUndo::MustSay, ..base }
}

/// A migration tool; always real.
pub(super) const fn tool(
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
) -> Function {
    function(FunctionKind::Tool, name, params, super::types::TOOL, doc, example).real()
}

/// Where a secret comes from; always real.
pub(super) const fn source(
    name: &'static str,
    params: &'static [Param],
    doc: &'static str,
    example: &'static str,
) -> Function {
    function(FunctionKind::Source, name, params, super::types::STRING, doc, example).real()
}

impl Function {
    pub(super) const fn on(mut self, kind: ResourceKind) -> Self {
        self.on = Some(kind);
        self
    }

    pub(super) const fn one_of(mut self, params: &'static [&'static str]) -> Self {
        self.one_of = params;
        self
    }

    /// Changes the resource that is its first parameter.
    pub(super) const fn changes(mut self) -> Self {
        self.effect = Effect::Resource(0);
        self
    }

    /// Changes nothing (it may write a file of its own): nothing has to be taken back.
    pub(super) const fn harmless(mut self) -> Self {
        self.effect = Effect::None;
        self.undo = DefaultUndo::Nothing;
        self
    }

    pub(super) const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    pub(super) const fn retry(mut self, class: RetryClass) -> Self {
        self.retry = class;
        self
    }

    pub(super) const fn undo(mut self, undo: DefaultUndo) -> Self {
        self.undo = undo;
        self
    }

    pub(super) const fn settles(mut self) -> Self {
        self.settles = true;
        self
    }

    pub(super) const fn captures(mut self) -> Self {
        self.captures = true;
        self
    }

    pub(super) const fn may_lose_data(mut self) -> Self {
        self.may_lose_data = true;
        self
    }

    pub(super) const fn real(mut self) -> Self {
        self.real = true;
        self
    }
}
