//! From pest's pairs to the tree: the plan and its items. Clauses are read in `clauses`, expressions in `expr`.

use super::Limits;
use super::ast::{Entry, Expr, Item, ItemKind, Name, NodeDecl, NodeKind, PlanDecl, ResourceKind, Text, TypeExpr};
use super::rules::Rule;
use super::sink::{Pair, Sink};

/// Reads pairs of one text, or of one piece of it, into the tree.
pub(super) struct Reader<'a> {
    pub(super) sink: Sink,
    pub(super) limits: &'a Limits,
    /// Where the clause or item begins that is being read, and the last one that was refused as too deep.
    pub(super) clause: u32,
    pub(super) too_deep: Option<u32>,
}

/// The children of a pair without the line breaks among them.
pub(super) struct Children<'i>(pest::iterators::Pairs<'i, Rule>);

impl<'i> Children<'i> {
    pub(super) fn of(pair: Pair<'i>) -> Self {
        Self(pair.into_inner())
    }

    /// The next child, which the grammar demands.
    pub(super) fn need(&mut self) -> Pair<'i> {
        self.next().expect("the grammar demands another part here")
    }

    /// The next child if it is of this rule.
    pub(super) fn accept(&mut self, rule: Rule) -> Option<Pair<'i>> {
        while self.0.peek().is_some_and(|pair| pair.as_rule() == Rule::nl) {
            self.0.next();
        }
        if self.0.peek()?.as_rule() == rule { self.0.next() } else { None }
    }
}

impl<'i> Iterator for Children<'i> {
    type Item = Pair<'i>;

    fn next(&mut self) -> Option<Pair<'i>> {
        self.0.by_ref().find(|pair| pair.as_rule() != Rule::nl)
    }
}

/// The beginning of a block, up to its brace.
pub(super) enum Head {
    Plan { name: Name, title: Option<Text> },
    Node { kind: NodeKind, name: Name, title: Option<Text>, each: Option<(Name, Expr)> },
    Resource { kind: ResourceKind, name: Name },
    Environment { name: Name },
    Hook { events: Vec<Name> },
}

impl<'a> Reader<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { sink: Sink::default(), limits, clause: 0, too_deep: None }
    }

    /// Reads a `plan` that parsed as a whole.
    pub(super) fn plan(&mut self, pair: Pair<'_>) -> PlanDecl {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let Head::Plan { name, title } = self.head(parts.need()) else { unreachable!("a plan begins with its head") };
        let items = parts.map(|item| self.item(item.into_inner().next().expect("an item holds one thing"))).collect();
        PlanDecl { name, title, items, loc }
    }

    /// Reads what stands under `item`.
    pub(super) fn item(&mut self, pair: Pair<'_>) -> Item {
        let loc = self.sink.loc(&pair);
        self.clause = loc.0.start;
        let kind = match pair.as_rule() {
            Rule::node | Rule::resource | Rule::environment | Rule::hook => self.block(pair),
            Rule::param => self.param(pair),
            Rule::secret => {
                let (name, source) = self.named_value(pair);
                ItemKind::Secret { name, source }
            }
            Rule::let_value => {
                let (name, value) = self.named_value(pair);
                ItemKind::Let { name, value }
            }
            Rule::allow => {
                let (lint, reason) = self.allow(pair);
                ItemKind::Allow { lint, reason }
            }
            other => unreachable!("the grammar has no item `{other:?}`"),
        };
        Item { kind, loc }
    }

    fn block(&mut self, pair: Pair<'_>) -> ItemKind {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let head = self.head(parts.need());
        let mut entries = Vec::new();
        let mut clauses = Vec::new();
        for part in parts {
            self.clause = self.sink.span(&part).start;
            if part.as_rule() == Rule::entry { entries.push(self.entry(part)) } else { clauses.push(self.clause(part)) }
        }
        match head {
            Head::Node { kind, name, title, each } => {
                ItemKind::Node(NodeDecl { kind, name, title, each, clauses, loc })
            }
            Head::Resource { kind, name } => ItemKind::Resource { kind, name, entries },
            Head::Environment { name } => ItemKind::Environment { name, entries, policies: clauses },
            Head::Hook { events } => ItemKind::Hook { events, clauses },
            Head::Plan { .. } => unreachable!("a plan is no item of a plan"),
        }
    }

    /// Reads the beginning of a block.
    pub(super) fn head(&mut self, pair: Pair<'_>) -> Head {
        let rule = pair.as_rule();
        let mut parts = Children::of(pair);
        let word = parts.need().as_rule();
        match rule {
            Rule::plan_head => {
                let name = self.sink.name(&parts.need());
                let title = parts.accept(Rule::text).map(|text| self.text(&text));
                Head::Plan { name, title }
            }
            Rule::node_head => {
                let kind = if word == Rule::w_step { NodeKind::Step } else { NodeKind::Gate };
                let name = self.sink.name(&parts.need());
                let title = parts.accept(Rule::text).map(|text| self.text(&text));
                let each = parts.accept(Rule::each).map(|each| self.each(each));
                Head::Node { kind, name, title, each }
            }
            Rule::resource_head => {
                let kind = match word {
                    Rule::w_database => ResourceKind::Database,
                    Rule::w_repo => ResourceKind::Repo,
                    Rule::w_service => ResourceKind::Service,
                    _ => ResourceKind::Host,
                };
                Head::Resource { kind, name: self.sink.name(&parts.need()) }
            }
            Rule::environment_head => Head::Environment { name: self.sink.name(&parts.need()) },
            Rule::hook_head => Head::Hook { events: parts.map(|name| self.sink.name(&name)).collect() },
            other => unreachable!("the grammar has no head `{other:?}`"),
        }
    }

    fn each(&mut self, pair: Pair<'_>) -> (Name, Expr) {
        let mut parts = Children::of(pair).skip(1);
        let name = self.sink.name(&parts.next().expect("`for` has a name"));
        let list = parts.nth(1).expect("`for` has a list after `in`");
        (name, self.expr(list))
    }

    fn param(&mut self, pair: Pair<'_>) -> ItemKind {
        let mut parts = Children::of(pair).skip(1);
        let name = self.sink.name(&parts.next().expect("a parameter has a name"));
        let ty = self.type_expr(parts.next().expect("a parameter has a type"));
        let default = parts.next().map(|value| self.expr(value));
        ItemKind::Param { name, ty, default }
    }

    fn type_expr(&mut self, pair: Pair<'_>) -> TypeExpr {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let name = self.any_name(&parts.need());
        let mut args = Vec::new();
        let mut optional = false;
        for part in parts {
            if part.as_rule() == Rule::type_expr { args.push(self.type_expr(part)) } else { optional = true }
        }
        TypeExpr { name, args, optional, loc }
    }

    /// `word name = expr`
    pub(super) fn named_value(&mut self, pair: Pair<'_>) -> (Name, Expr) {
        let mut parts = Children::of(pair).skip(1);
        let name = self.sink.name(&parts.next().expect("a name stands before `=`"));
        let value = parts.next().expect("a value stands after `=`");
        (name, self.expr(value))
    }

    /// `allow lint "reason"`
    pub(super) fn allow(&mut self, pair: Pair<'_>) -> (Name, Text) {
        let mut parts = Children::of(pair).skip(1);
        let lint = self.sink.name(&parts.next().expect("`allow` names a lint"));
        let reason = parts.next().expect("`allow` has a reason");
        (lint, self.text(&reason))
    }

    /// `path = expr`
    pub(super) fn entry(&mut self, pair: Pair<'_>) -> Entry {
        let loc = self.sink.loc(&pair);
        let mut parts = Children::of(pair);
        let mut path = Vec::new();
        while let Some(name) = parts.accept(Rule::name) {
            path.push(self.any_name(&name));
        }
        let value = self.expr(parts.need());
        Entry { path, value, loc }
    }
}
