//! What is made and dropped, deleted and emptied.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::class::Class;
use super::created::{Kind, Sure};
use super::names::{Name, child, has};
use super::walk::Linter;

/// Statements that make something, each with the statement that drops it and what it makes.
const PAIRS: &[(K, K, Kind)] = &[
    (K::CREATE_TABLE, K::DROP_TABLE, Kind::Relation),
    (K::CREATE_TABLE_AS, K::DROP_TABLE, Kind::Relation),
    (K::SELECT_INTO, K::DROP_TABLE, Kind::Relation),
    (K::CREATE_FOREIGN_TABLE, K::DROP_FOREIGN_TABLE, Kind::Relation),
    (K::CREATE_VIEW, K::DROP_VIEW, Kind::Relation),
    (K::CREATE_MATERIALIZED_VIEW, K::DROP_MATERIALIZED_VIEW, Kind::Relation),
    (K::CREATE_SEQUENCE, K::DROP_SEQUENCE, Kind::Relation),
    (K::CREATE_INDEX, K::DROP_INDEX, Kind::Relation),
    (K::CREATE_SCHEMA, K::DROP_SCHEMA, Kind::Schema),
    (K::CREATE_FUNCTION, K::DROP_FUNCTION, Kind::Routine),
    (K::CREATE_PROCEDURE, K::DROP_PROCEDURE, Kind::Routine),
    (K::CREATE_AGGREGATE, K::DROP_AGGREGATE, Kind::Routine),
    (K::CREATE_FUNCTION, K::DROP_ROUTINE, Kind::Routine),
    (K::CREATE_TYPE, K::DROP_TYPE, Kind::Other(0)),
    (K::CREATE_DOMAIN, K::DROP_DOMAIN, Kind::Other(0)),
    (K::CREATE_TRIGGER, K::DROP_TRIGGER, Kind::Other(1)),
    (K::CREATE_POLICY, K::DROP_POLICY, Kind::Other(2)),
    (K::CREATE_RULE, K::DROP_RULE, Kind::Other(3)),
    (K::CREATE_ROLE, K::DROP_ROLE, Kind::Other(4)),
    (K::CREATE_USER, K::DROP_USER, Kind::Other(4)),
    (K::CREATE_GROUP, K::DROP_GROUP, Kind::Other(4)),
    (K::CREATE_DATABASE, K::DROP_DATABASE, Kind::Other(5)),
    (K::CREATE_EXTENSION, K::DROP_EXTENSION, Kind::Other(6)),
    (K::CREATE_SERVER, K::DROP_SERVER, Kind::Other(7)),
    (K::CREATE_PUBLICATION, K::DROP_PUBLICATION, Kind::Other(8)),
    (K::CREATE_SUBSCRIPTION, K::DROP_SUBSCRIPTION, Kind::Other(9)),
    (K::CREATE_STATISTICS, K::DROP_STATISTICS, Kind::Other(10)),
    (K::CREATE_COLLATION, K::DROP_COLLATION, Kind::Other(11)),
    (K::CREATE_EVENT_TRIGGER, K::DROP_EVENT_TRIGGER, Kind::Other(12)),
    (K::CREATE_TABLESPACE, K::DROP_TABLESPACE, Kind::Other(13)),
    (K::CREATE_TEXT_SEARCH_CONFIGURATION, K::DROP_TEXT_SEARCH_CONFIG, Kind::Other(14)),
];

/// Statements that drop something which the file cannot be seen to make.
const OTHER_DROPS: &[K] = &[
    K::DROP_OWNED,
    K::DROP_CAST,
    K::DROP_OPERATOR,
    K::DROP_OPERATOR_CLASS,
    K::DROP_OPERATOR_FAMILY,
    K::DROP_CONVERSION,
    K::DROP_LANGUAGE,
    K::DROP_TRANSFORM,
    K::DROP_ACCESS_METHOD,
    K::DROP_FOREIGN_DATA_WRAPPER,
    K::DROP_USER_MAPPING,
    K::DROP_PROPERTY_GRAPH,
    K::DROP_TEXT_SEARCH_DICT,
    K::DROP_TEXT_SEARCH_PARSER,
    K::DROP_TEXT_SEARCH_TEMPLATE,
];

/// Code without data: making it anew further down in the file loses nothing.
const CODE: &[K] = &[
    K::CREATE_VIEW,
    K::CREATE_FUNCTION,
    K::CREATE_PROCEDURE,
    K::CREATE_AGGREGATE,
    K::CREATE_TRIGGER,
    K::CREATE_POLICY,
    K::CREATE_RULE,
    K::CREATE_EVENT_TRIGGER,
];

/// What a statement makes.
pub(super) fn makes(kind: K) -> Option<Kind> {
    PAIRS.iter().find(|(create, _, _)| *create == kind).map(|(_, _, made)| *made)
}

fn unmakes(kind: K) -> Option<Kind> {
    PAIRS.iter().find(|(_, drop, _)| *drop == kind).map(|(_, _, made)| *made)
}

pub(super) fn is_drop(kind: K) -> bool {
    unmakes(kind).is_some() || OTHER_DROPS.contains(&kind)
}

/// A piece of code that a statement makes: what drops it, and its name.
pub(super) fn replaces(statement: &SyntaxNode) -> Option<(K, Name)> {
    let kind = statement.kind();
    let (_, drop, _) = PAIRS.iter().find(|(create, _, _)| *create == kind && CODE.contains(create))?;
    Some((*drop, plain(made_name(statement)?)))
}

/// With `public`, which is where most names without a schema lie, left out.
fn plain(mut name: Name) -> Name {
    if name.schema == "public" {
        name.schema.clear();
    }
    name
}

/// The relation that a trigger, policy or rule stands on is the schema of its name here.
fn on_relation(statement: &SyntaxNode, mut name: Name) -> Name {
    if let Some(on) = child(statement, &[K::ON_RELATION, K::ON_TABLE, K::RULE_ON]) {
        let relation = on.descendants().find(|node| matches!(node.kind(), K::RELATION_NAME_REF | K::TABLE_NAME_REF));
        name.schema = relation.map(|relation| plain(Name::of(&relation)).shown()).unwrap_or_default();
    }
    name
}

fn made_name(statement: &SyntaxNode) -> Option<Name> {
    let holder = child(statement, &[K::INTO_CLAUSE, K::NAMED_SCHEMA]).unwrap_or_else(|| statement.clone());
    let skip = |kind: K| matches!(kind, K::TEMP | K::UNLOGGED | K::IF_NOT_EXISTS | K::OR_REPLACE | K::WITH_CLAUSE);
    let named = holder.children().find(|node| !skip(node.kind()))?;
    Some(on_relation(statement, Name::of(&named)))
}

/// The nodes that name what is dropped.
fn targets(statement: &SyntaxNode) -> Vec<SyntaxNode> {
    let skip = [K::IF_EXISTS, K::CASCADE, K::RESTRICT, K::ON_RELATION, K::ON_TABLE, K::DROP_DATABASE_FORCE_CLAUSE];
    let list = |node: SyntaxNode| match node.kind() {
        K::FUNCTION_SIG_LIST | K::PROCEDURE_SIG_LIST | K::ROUTINE_SIG_LIST => node.children().collect(),
        _ => vec![node],
    };
    statement.children().filter(|node| !skip.contains(&node.kind())).flat_map(list).collect()
}

fn target_name(statement: &SyntaxNode, target: &SyntaxNode) -> Name {
    let kinds = [K::FUNCTION_NAME_REF, K::PROCEDURE_NAME_REF, K::ROUTINE_NAME_REF, K::PATH_REF];
    let inner = match target.kind() {
        K::FUNCTION_SIG | K::PROCEDURE_SIG | K::ROUTINE_SIG | K::AGGREGATE => child(target, &kinds),
        _ => None,
    };
    on_relation(statement, Name::of(&inner.unwrap_or_else(|| target.clone())))
}

impl Linter {
    /// Notes what a statement makes; gives whether something in it runs.
    pub(super) fn create(&mut self, node: &SyntaxNode) -> bool {
        let (Some(kind), Some(name)) = (makes(node.kind()), made_name(node)) else { return true };
        let table = matches!(node.kind(), K::CREATE_TABLE | K::CREATE_TABLE_AS | K::SELECT_INTO);
        let sure = self.sure(node, if table { Sure::Table } else { Sure::Made });
        let temporary = has(node, K::TEMP) || child(node, &[K::INTO_CLAUSE]).is_some_and(|into| has(&into, K::TEMP));
        if temporary && kind == Kind::Relation {
            let until_commit = child(node, &[K::ON_COMMIT]).is_some_and(|on| has(&on, K::DROP));
            self.created.add_temporary(&name, sure, until_commit);
        } else if sure > Sure::Maybe || self.created.sure(kind, &name).is_none() {
            self.created.add(kind, &name, sure);
        }
        // A query that fills what is made runs; definitions, defaults and rules don't. A schema holds statements.
        matches!(node.kind(), K::CREATE_TABLE_AS | K::SELECT_INTO | K::CREATE_MATERIALIZED_VIEW | K::CREATE_SCHEMA)
    }

    /// Judges a `DROP`; nothing below it runs.
    pub(super) fn drop(&mut self, node: &SyntaxNode) -> bool {
        let concurrent_index = node.kind() == K::DROP_INDEX && has(node, K::CONCURRENTLY_KW);
        for target in targets(node) {
            let name = target_name(node, &target);
            let kind = unmakes(node.kind());
            let own = kind.is_some_and(|kind| self.created.sure(kind, &name) >= Some(Sure::Made));
            if let Some(kind) = kind {
                self.created.forget(kind, &name);
            }
            if own || concurrent_index || self.is_made_again(node, &name) {
                continue;
            }
            let (class, what) = described(node.kind());
            self.report(class, node, format!("{what} `{}` is dropped", name.shown()));
        }
        false
    }

    fn is_made_again(&self, node: &SyntaxNode, name: &Name) -> bool {
        let at: usize = node.text_range().start().into();
        let later = self.made_again.get(&(node.kind(), plain(name.clone()))).is_some_and(|made| *made > at);
        later && self.bodies == 0 && !has(node, K::CASCADE)
    }

    /// Judges `DELETE`, `TRUNCATE` and `MERGE … DELETE`.
    pub(super) fn rows(&mut self, node: &SyntaxNode) {
        let (class, what) = match node.kind() {
            K::TRUNCATE => (Class::Truncate, "all rows of"),
            _ => (Class::Delete, "rows of"),
        };
        if node.kind() == K::MERGE && !node.descendants().any(|node| node.kind() == K::MERGE_DELETE) {
            return;
        }
        let lists = child(node, &[K::TABLE_LIST]);
        let tables: Vec<SyntaxNode> = match &lists {
            Some(list) => list.children().collect(),
            None => child(node, &[K::RELATION_NAME, K::TABLE_RELATION_NAME]).into_iter().collect(),
        };
        for name in tables.iter().map(Name::of) {
            if self.created.sure(Kind::Relation, &name) != Some(Sure::Table) {
                self.report(class, node, format!("{what} `{}` are deleted", name.shown()));
            }
        }
    }
}

fn described(kind: K) -> (Class, &'static str) {
    match kind {
        K::DROP_TABLE => (Class::DropTable, "the table"),
        K::DROP_FOREIGN_TABLE => (Class::DropOther, "the foreign table"),
        K::DROP_VIEW | K::DROP_MATERIALIZED_VIEW => (Class::DropOther, "the view"),
        K::DROP_SEQUENCE => (Class::DropOther, "the sequence"),
        K::DROP_INDEX => (Class::DropOther, "the index"),
        K::DROP_SCHEMA => (Class::DropOther, "the schema"),
        K::DROP_DATABASE => (Class::DropOther, "the database"),
        K::DROP_TYPE | K::DROP_DOMAIN => (Class::DropOther, "the type"),
        K::DROP_OWNED => (Class::DropOther, "everything of the owner"),
        K::DROP_FUNCTION | K::DROP_PROCEDURE | K::DROP_ROUTINE => (Class::DropOther, "the routine"),
        _ => (Class::DropOther, "the object"),
    }
}
