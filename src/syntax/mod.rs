//! From text to tree and back: [`parse`] never fails, [`format`] drops nothing. The only user of pest.

pub mod ast;
mod blocks;
mod broken;
mod clauses;
pub mod codes;
mod expr;
mod foreign;
mod format;
mod layout;
mod lex;
mod mistakes;
mod number;
mod pieces;
mod read;
mod recover;
mod rules;
mod scan;
mod sink;
mod text;
mod words;

use std::sync::Arc;

use pest::Parser;

use crate::diag::Diagnostic;
use crate::source::{Source, Span};

use ast::{ItemKind, PlanDecl};
use rules::{PlanParser, Rule};

/// What a text parses to. `ast` is whatever could be read; it is `None` only when not even `plan name {` was found.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub ast: Option<ast::PlanDecl>,
    pub trivia: Trivia,
    /// In the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is not in the tree: comments, in order. Blank lines are seen from the source text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trivia {
    /// Each from `#` to the end of its line, without the end of line.
    pub comments: Vec<Span>,
}

/// Ceilings for a plan file, checked by a linear scan before pest sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub file: usize,
    /// Bytes of one string literal.
    pub text: usize,
    /// Depth of brackets.
    pub nesting: usize,
    /// Steps and gates; checked after parsing.
    pub nodes: usize,
    /// Levels of the tree of one expression: each operator, call, dot and bracket adds one to what it holds. Whoever
    /// walks, compares or drops a tree recurses, so this bounds their stack.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 1 << 20, text: 64 << 10, nesting: 64, nodes: 10_000, depth: 256 }
    }
}

/// Reads a plan file. Every problem becomes a diagnostic; the rest of the file is read all the same.
pub fn parse(source: &Arc<Source>, limits: &Limits) -> Parsed {
    let text = source.text();
    let scan::Scan { trivia, found: mut diagnostics, hopeless, too_deep } = scan::scan(text, limits);
    if hopeless {
        return Parsed { ast: None, trivia, diagnostics };
    }
    let whole = if too_deep { None } else { read_whole(text, limits) };
    let (ast, found) = whole.unwrap_or_else(|| recover::recover(text, limits));
    diagnostics.extend(found);
    diagnostics.extend(ast.as_ref().and_then(|plan| too_many_nodes(plan, limits)));
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    Parsed { ast, trivia, diagnostics }
}

/// Reads a file that is right as a whole, the common case; `None` when it is not.
fn read_whole(text: &str, limits: &Limits) -> Option<(Option<PlanDecl>, Vec<Diagnostic>)> {
    let file = PlanParser::parse(Rule::file, text).ok()?.next()?;
    let plan = file.into_inner().find(|pair| pair.as_rule() == Rule::plan)?;
    let mut reader = read::Reader::new(limits);
    let plan = reader.plan(plan);
    Some((Some(plan), reader.sink.found))
}

fn too_many_nodes(plan: &PlanDecl, limits: &Limits) -> Option<Diagnostic> {
    let nodes = plan.items.iter().filter(|item| matches!(item.kind, ItemKind::Node(_)));
    let first = nodes.clone().nth(limits.nodes)?;
    let message = format!("this plan has {} steps and gates, and the limit is {}", nodes.count(), limits.nodes);
    Some(
        Diagnostic::new(&codes::TOO_MANY_NODES, first.loc.0, message)
            .label("the first one too many")
            .advice("write steps that repeat with `for`, divide the plan, or raise the limit"),
    )
}

/// Lays a plan file out anew. `None` when the text has syntax errors: half-read text is never rewritten.
pub fn format(source: &Arc<Source>, limits: &Limits) -> Option<String> {
    let text = source.text();
    let scan = scan::scan(text, limits);
    if scan.hopeless || scan.too_deep || !scan.found.is_empty() {
        return None;
    }
    let (plan, found) = read_whole(text, limits)?;
    if !found.is_empty() || plan.as_ref().is_some_and(|plan| too_many_nodes(plan, limits).is_some()) {
        return None;
    }
    let file = PlanParser::parse(Rule::file, text).ok()?.next()?;
    let laid_out = format::file(text, &format::marks(file));
    // A layout that would mean something else is no layout: the file stays as it is.
    let means =
        |laid_out: &str| read_whole(laid_out, limits).is_some_and(|(again, found)| found.is_empty() && again == plan);
    Some(if means(&laid_out) { laid_out } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        std::fs::read_to_string(format!("tests/golden/format/{name}.in.plan")).unwrap()
    }

    /// Reading piece by piece says the same as reading as a whole.
    #[test]
    fn both_ways_of_reading_agree() {
        for name in ["companycam", "everything", "comments", "long", "crlf"] {
            let text = fixture(name);
            let (whole, found) = read_whole(&text, &Limits::default()).unwrap();
            assert_eq!(found, vec![]);
            let (pieces, found) = recover::recover(&text, &Limits::default());
            assert_eq!(found, vec![], "{name}");
            let in_order = |plan: Option<PlanDecl>| plan.unwrap().items;
            assert_eq!(in_order(whole), in_order(pieces), "{name}");
        }
    }

    fn codes_of(text: String) -> Vec<&'static str> {
        parse(&Source::new("test.plan", text), &Limits::default()).diagnostics.iter().map(|d| d.code.name).collect()
    }

    /// Trees at their limits are built, compared and dropped on the stack of a test thread, 2 MiB.
    #[test]
    fn deep_and_long_expressions_stay_within_the_stack() {
        let plan = |value: String| format!("plan p {{\n  let x = {value}\n}}\n");
        let nested = |depth: usize| plan(format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
        assert_eq!(codes_of(nested(63)), Vec::<&str>::new());
        assert_eq!(codes_of(nested(64)), ["nesting_too_deep"]);
        assert_eq!(codes_of(nested(100_000)), ["nesting_too_deep"]);
        for (link, first) in [(" + a", "a"), (" and a", "a"), (".a", "a"), ("(1)", "a.a")] {
            assert_eq!(
                codes_of(plan(format!("{first}{}", link.repeat(250)))).len(),
                usize::from(link == "(1)"),
                "{link}"
            );
            assert!(!codes_of(plan(format!("{first}{}", link.repeat(10_000)))).is_empty(), "{link}");
        }
        assert_eq!(codes_of(plan(format!("{}a", "not ".repeat(10_000)))), ["expression_too_deep"]);
        assert_eq!(codes_of(plan(format!("{}a", "- ".repeat(10_000)))), ["expression_too_deep"]);
    }

    #[test]
    fn places_are_exact() {
        let text = "plan p {\n  step a {\n    verify x == 1   # why\n    after b , c \n  }\n}\n";
        let source = Source::new("test.plan", text);
        let plan = parse(&source, &Limits::default()).ast.unwrap();
        let ItemKind::Node(node) = &plan.items[0].kind else { panic!("a step") };
        let seen: Vec<&str> = node.clauses.iter().map(|clause| source.slice(clause.loc.0)).collect();
        assert_eq!(seen, ["verify x == 1", "after b , c"]);
        let ast::ClauseKind::Verify { check, .. } = &node.clauses[0].kind else { panic!("a verify") };
        assert_eq!(source.slice(check.expr.loc.0), "x == 1");
    }

    #[test]
    fn blocks_are_dedented_and_escapes_read() {
        let text = "plan p {\n  let x = \"\"\"\n    one \\{{\n\n      two {{ a.b }}\\t\n    \"\"\"\n}\n";
        let plan = parse(&Source::new("test.plan", text), &Limits::default()).ast.unwrap();
        let ItemKind::Let { value, .. } = &plan.items[0].kind else { panic!("a let") };
        let ast::ExprKind::Text(text) = &value.kind else { panic!("a text") };
        let ast::Part::Literal(first) = &text.parts[0] else { panic!("a literal") };
        assert_eq!(first, "one {{\n\n  two ");
        assert!(matches!(&text.parts[1], ast::Part::Path { names, raw: false, .. } if names.len() == 2));
        assert_eq!(text.parts[2], ast::Part::Literal("\t".to_owned()));
    }
}
