//! What runs indirectly: functions, procedures, `DO` blocks, prepared statements and dynamic SQL.

use std::rc::Rc;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::class::Class;
use super::names::{Name, child, contains, fold};
use super::walk::{Linter, Place, root_of};
use super::{depth, functions};

/// Bodies in bodies deeper than this are not followed.
const NESTED: usize = 16;

impl Linter {
    /// Notes a function or procedure: its body runs when it is called, not now.
    pub(super) fn define(&mut self, node: &SyntaxNode) -> bool {
        if let Some(name) = child(node, &[K::FUNCTION_NAME, K::PROCEDURE_NAME]) {
            let name = Name::of(&name).name;
            let stable = contains(node, K::IMMUTABLE_KW) || contains(node, K::STABLE_KW);
            self.volatility.insert(name.clone(), !stable);
            self.routines.entry(name).or_default().push(node.clone());
        }
        self.create(node);
        false
    }

    /// Runs what the file defines under a name; gives whether it defines anything.
    fn run_routine(&mut self, name: &str, call: &SyntaxNode) -> bool {
        let Some(bodies) = self.routines.get_mut(name) else { return false };
        for definition in std::mem::take(bodies) {
            let place = Place::At(self.place.span(call));
            self.inside(place, |linter| linter.run_definition(&definition, call));
        }
        true
    }

    fn run_definition(&mut self, definition: &SyntaxNode, call: &SyntaxNode) {
        if let Some(body) = child(definition, &[K::ATOMIC_BODY, K::RETURN_STMT]) {
            return self.walk(&body);
        }
        let function = ast::CreateFunction::cast(definition.clone());
        let procedure = ast::CreateProcedure::cast(definition.clone());
        let plpgsql = function.as_ref().and_then(|f| f.plpgsql()).or_else(|| procedure.as_ref()?.plpgsql());
        let sql = function.as_ref().and_then(|f| f.sql_body()).or_else(|| procedure.as_ref()?.sql_body());
        match (plpgsql, sql) {
            (Some(body), _) => self.run_text(&body.syntax(), body.text(), &body.errors()),
            (None, Some(body)) => self.run_text(&body.syntax(), body.text(), &body.errors()),
            (None, None) => self.report(Class::Unknown, call, "this runs a body that is neither SQL nor PL/pgSQL"),
        }
    }

    fn run_text(&mut self, body: &SyntaxNode, text: &str, errors: &[squawk_syntax::syntax_error::SyntaxError]) {
        self.errors(text, errors, &[]);
        self.walk(body);
    }

    /// Does something with everything shown at another place.
    fn inside(&mut self, place: Place, work: impl FnOnce(&mut Self)) {
        if self.bodies >= NESTED {
            if let Place::At(span) = place {
                self.found.push(super::Finding::new(
                    Class::Unknown,
                    span,
                    "bodies are nested too deeply to be followed",
                ));
            }
            return;
        }
        self.bodies += 1;
        let before = std::mem::replace(&mut self.place, place);
        work(self);
        self.place = before;
        self.bodies -= 1;
    }

    pub(super) fn call(&mut self, node: &SyntaxNode) {
        let name = child(node, &[K::PROCEDURE_NAME_REF]).map(|name| Name::of(&name)).unwrap_or_default();
        if !self.run_routine(&name.name, node) {
            self.report(Class::Unknown, node, format!("the procedure `{}` may do anything", name.shown()));
        }
    }

    pub(super) fn call_expr(&mut self, node: &SyntaxNode) {
        let Some(callee) = child(node, &[K::NAME_REF, K::FIELD_EXPR]) else { return };
        let name = Name::of(&callee);
        if self.run_routine(&name.name, node) {
            return;
        }
        if let Some(class) = functions::harm(&name.name) {
            return self.report(class, node, format!("`{}` runs SQL that it is given, or loses data", name.shown()));
        }
        if name.name == "set_config" {
            self.created.new_path();
        }
        if !functions::is_known(&name.name) && stands_alone(node) {
            self.report(Class::Unknown, node, format!("the function `{}` may do anything", name.shown()));
        }
    }

    pub(super) fn prepare(&mut self, node: &SyntaxNode) -> bool {
        if let (Some(name), Some(statement)) = (child(node, &[K::PREPARED_STATEMENT]), node.last_child()) {
            self.prepared.insert(Name::of(&name).name, statement);
        }
        false
    }

    pub(super) fn execute(&mut self, node: &SyntaxNode) {
        let name = child(node, &[K::PREPARED_STATEMENT_REF]).map(|name| Name::of(&name)).unwrap_or_default();
        match self.prepared.get(&name.name).cloned() {
            Some(statement) => {
                let place = Place::At(self.place.span(node));
                self.inside(place, |linter| linter.walk(&statement));
            }
            None => self.report(Class::Unknown, node, format!("the statement `{}` may do anything", name.shown())),
        }
    }

    pub(super) fn run_do(&mut self, node: &SyntaxNode) {
        let literal = child(node, &[K::LITERAL]);
        let long = literal.as_ref().map_or(0, |literal| usize::from(literal.text_range().len()));
        // Nested in another body, its text has not been measured yet.
        let deep = long > 0 && self.bodies > 0 && !depth::too_deep(&node.text().to_string()).is_empty();
        let Some(body) = ast::Do::cast(node.clone()).filter(|_| !deep).and_then(|block| block.plpgsql()) else {
            return self.report(
                Class::Unknown,
                node,
                "this block cannot be read: it is not PL/pgSQL, or nested too deeply",
            );
        };
        let errors = body.errors();
        let text = body.text().to_owned();
        let tree = body.syntax();
        if let Some(error) = errors.first() {
            let what = format!("this block is not PL/pgSQL: {}", error.message());
            self.report(Class::Unknown, literal.as_ref().unwrap_or(node), what);
        }
        let nested = !matches!(self.place, Place::File);
        let place = if nested { Place::At(self.place.span(node)) } else { Place::Body(Rc::new(body)) };
        self.inside(place, |linter| linter.run_text(&tree, &text, &[]));
    }

    /// `EXECUTE` of a text that is put together while it runs; one that is written out is read as well.
    pub(super) fn dynamic(&mut self, node: &SyntaxNode) {
        self.report(Class::Unknown, node, "this runs SQL that is only known when it runs");
        let expression = child(node, &[K::PLPGSQL_EXPR]);
        let target = expression.and_then(|e| child(&e, &[K::TARGET_LIST])).and_then(|list| child(&list, &[K::TARGET]));
        let literal = target.and_then(|target| child(&target, &[K::LITERAL])).and_then(ast::Literal::cast);
        let Some(text) = literal.and_then(|literal| literal.decoded_value()) else { return };
        if !depth::too_deep(text.text()).is_empty() {
            return;
        }
        let (root, _) = root_of(text.text());
        let place = Place::At(self.place.span(node));
        self.inside(place, |linter| linter.walk(&root));
    }
}

/// Whether a call is what a `SELECT` or `PERFORM` is there for, rather than a value in another statement.
fn stands_alone(call: &SyntaxNode) -> bool {
    let parent = |node: &SyntaxNode, kinds: &[K]| node.parent().filter(|parent| kinds.contains(&parent.kind()));
    let selected = || {
        let list = parent(&parent(call, &[K::TARGET])?, &[K::TARGET_LIST])?;
        parent(&list, &[K::SELECT_CLAUSE, K::PLPGSQL_EXPR])
    };
    let from = parent(call, &[K::FUNCTION_FROM_ITEM]);
    let value = |node: &SyntaxNode| {
        matches!(
            node.kind(),
            K::INSERT | K::UPDATE | K::DELETE | K::MERGE | K::CREATE_TABLE_AS | K::CREATE_MATERIALIZED_VIEW
        )
    };
    (from.is_some() || selected().is_some()) && !call.ancestors().any(|node| value(&node))
}

/// The name of the function that a call expression calls, folded.
pub(super) fn callee(call: &SyntaxNode) -> Option<String> {
    let name = child(call, &[K::NAME_REF, K::FIELD_EXPR])?;
    Some(fold(&Name::of(&name).name))
}
