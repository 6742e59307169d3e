//! Walks the tree of a text, statement by statement, in the order in which they run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use squawk_syntax::ast::AstNode;
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{SourceFile, SyntaxKind as K, SyntaxNode};

use super::class::Class;
use super::created::{Created, Kind, Sure};
use super::names::{Name, contains, has};
use super::{Finding, depth};

/// Reads a text; the caller gives enough stack.
pub(super) fn read(text: &str) -> Vec<Finding> {
    let deep = depth::too_deep(text);
    let mut readable = text.to_owned();
    let mut linter = Linter::default();
    for range in deep {
        readable.replace_range(range.clone(), &" ".repeat(range.len()));
        linter.found.push(Finding::new(Class::Unknown, trimmed(text, range), "this is nested too deeply to be read"));
    }
    linter.file(&readable);
    let mut found = linter.found;
    found.sort_by_key(|finding| (finding.span.start, finding.class, finding.span.end));
    found.dedup_by(|a, b| a.class == b.class && a.span == b.span);
    found
}

/// Where the nodes being walked lie in the text.
#[derive(Clone, Default)]
pub(super) enum Place {
    #[default]
    File,
    /// In the body of a `DO`.
    Body(Rc<Plpgsql>),
    /// Everything is shown at one place: the call that runs it.
    At(Range<usize>),
}

impl Place {
    /// The bytes of a node in the text.
    pub(super) fn span(&self, node: &SyntaxNode) -> Range<usize> {
        let range = match self {
            Place::File => node.text_range(),
            Place::Body(body) => body.source_range(node.text_range()),
            Place::At(span) => return span.clone(),
        };
        range.start().into()..range.end().into()
    }
}

/// What is known while walking.
#[derive(Default)]
pub(super) struct Linter {
    pub(super) found: Vec<Finding>,
    pub(super) created: Created,
    pub(super) place: Place,
    /// Definitions of functions and procedures that have not run yet; an empty list: they have.
    pub(super) routines: BTreeMap<String, Vec<SyntaxNode>>,
    pub(super) prepared: BTreeMap<String, SyntaxNode>,
    /// Views, functions, triggers and so on that the file makes, with the place of the last time.
    pub(super) made_again: BTreeMap<(K, Name), usize>,
    /// `CHECK (column IS NOT NULL)` constraints by table and name, with the column.
    pub(super) not_null_checks: BTreeMap<(Name, String), String>,
    /// Functions that the file makes, and whether they are volatile.
    pub(super) volatility: BTreeMap<String, bool>,
    /// Tables and columns whose every row was proven not to be null.
    pub(super) proven: BTreeSet<(Name, String)>,
    /// Branches, loops and handlers around the current statement: it may not run.
    pub(super) branches: usize,
    /// Bodies around the current statement.
    pub(super) bodies: usize,
    /// The search path was changed for the transaction only.
    local_path: bool,
}

enum Step {
    Enter(SyntaxNode),
    LeaveBranch,
}

impl Linter {
    fn file(&mut self, text: &str) {
        let parsed = SourceFile::parse(text);
        let root = parsed.syntax_node();
        let quiet = self.look_ahead(&root);
        self.errors(text, &parsed.errors(), &quiet);
        self.walk(&root);
    }

    /// Notes what the file makes further down; gives the places of function bodies, whose errors only count when they run.
    fn look_ahead(&mut self, root: &SyntaxNode) -> Vec<Range<usize>> {
        let mut bodies = Vec::new();
        for statement in root.children() {
            if let Some((kind, name)) = super::drops::replaces(&statement) {
                self.made_again.insert((kind, name), statement.text_range().start().into());
            }
            if matches!(statement.kind(), K::CREATE_FUNCTION | K::CREATE_PROCEDURE) {
                let bodies_here = statement.descendants().filter(|node| node.kind() == K::AS_DEFINITION);
                bodies.extend(bodies_here.map(|node| Place::File.span(&node)));
            }
        }
        bodies
    }

    /// One finding for each statement with errors.
    pub(super) fn errors(&mut self, text: &str, errors: &[SyntaxError], quiet: &[Range<usize>]) {
        let mut last: Option<usize> = None;
        for error in errors {
            let (start, end): (usize, usize) = (error.range().start().into(), error.range().end().into());
            let before = quiet.partition_point(|range| range.end <= start);
            let in_body = quiet.get(before).is_some_and(|range| range.start < start);
            let same = last.is_some_and(|last| !text.get(last..start).unwrap_or("").contains(';'));
            if in_body || same {
                continue;
            }
            last = Some(start);
            let (span, message) = shown(text, start..end, error.message());
            let span = if let Place::At(at) = &self.place { at.clone() } else { span };
            self.found.push(Finding::new(Class::Unknown, span, message));
        }
    }

    /// Notes a finding at a node.
    pub(super) fn report(&mut self, class: Class, node: &SyntaxNode, message: impl Into<String>) {
        let span = self.place.span(node);
        self.found.push(Finding::new(class, span, message));
    }

    /// Visits a node and what is below it, without recursion: trees can be deep.
    pub(super) fn walk(&mut self, root: &SyntaxNode) {
        let mut steps = vec![Step::Enter(root.clone())];
        while let Some(step) = steps.pop() {
            let Step::Enter(node) = step else {
                self.branches -= 1;
                continue;
            };
            if is_branch(node.kind()) {
                self.branches += 1;
                steps.push(Step::LeaveBranch);
            }
            if self.enter(&node) {
                let from = steps.len();
                steps.extend(node.children().map(Step::Enter));
                steps[from..].reverse();
            }
        }
    }

    /// How sure it is that the current statement makes something new.
    pub(super) fn sure(&self, statement: &SyntaxNode, best: Sure) -> Sure {
        let again = has(statement, K::IF_NOT_EXISTS) || has(statement, K::OR_REPLACE);
        if again || self.branches > 0 { Sure::Maybe } else { best }
    }

    /// Judges one node; gives whether what is below it runs too.
    fn enter(&mut self, node: &SyntaxNode) -> bool {
        match node.kind() {
            K::CREATE_FUNCTION | K::CREATE_PROCEDURE => return self.define(node),
            K::CREATE_INDEX => return self.create_index(node),
            kind if super::drops::makes(kind).is_some() => return self.create(node),
            kind if super::alter::is_alter(kind) => return self.alter(node),
            kind if super::drops::is_drop(kind) => return self.drop(node),
            K::DELETE | K::TRUNCATE | K::MERGE => self.rows(node),
            K::CALL_EXPR => self.call_expr(node),
            K::CALL => self.call(node),
            K::EXECUTE => self.execute(node),
            K::PREPARE => return self.prepare(node),
            K::EXPLAIN => return explain_runs(node),
            K::DO => self.run_do(node),
            K::PLPGSQL_DYN_EXECUTE_STMT | K::PLPGSQL_FOR_DYN_STMT => self.dynamic(node),
            K::PLPGSQL_RETURN_QUERY_EXECUTE_STMT | K::PLPGSQL_OPEN_EXECUTE => self.dynamic(node),
            K::VACUUM | K::CLUSTER | K::REPACK | K::REINDEX | K::COPY => self.upkeep(node),
            K::BEGIN => self.created.begin(),
            K::COMMIT_TRANSACTION | K::ROLLBACK_TRANSACTION | K::ROLLBACK_TO_SAVEPOINT => self.end_transaction(node),
            K::SET | K::RESET | K::DISCARD => self.setting(node),
            _ => {}
        }
        true
    }

    fn create_index(&mut self, node: &SyntaxNode) -> bool {
        let Some(table) = super::names::child(node, &[K::TABLE_RELATION_NAME]) else { return false };
        let name = Name::of(&table);
        let only = contains(&table, K::ONLY_KW);
        if !has(node, K::CONCURRENTLY_KW) && !only && self.created.sure(Kind::Relation, &name).is_none() {
            let message = format!("building an index on `{}` stops writes to it", name.shown());
            self.report(Class::CreateIndexBlocking, node, message);
        }
        if let Some(index) = super::names::child(node, &[K::INDEX]) {
            let index = Name { schema: name.schema, name: Name::of(&index).name };
            let sure = self.sure(node, Sure::Made);
            self.created.add(Kind::Relation, &index, sure);
        }
        false
    }

    fn upkeep(&mut self, node: &SyntaxNode) {
        let words = node.text().to_string().to_lowercase();
        let concurrently = contains(node, K::CONCURRENTLY_KW) || words.contains("concurrently");
        match node.kind() {
            K::VACUUM if !contains(node, K::FULL_KW) && !words.contains("full") => {}
            K::REPACK if concurrently => {}
            K::REINDEX if concurrently => {}
            K::REINDEX => self.report(Class::CreateIndexBlocking, node, "building indexes anew stops writes"),
            K::COPY if !contains(node, K::PROGRAM_KW) => {}
            K::COPY => self.report(Class::Unknown, node, "this runs a program on the server"),
            _ => self.report(Class::AlterType, node, "this writes the whole table anew while everyone waits"),
        }
    }

    fn end_transaction(&mut self, node: &SyntaxNode) {
        match node.kind() {
            K::COMMIT_TRANSACTION => self.created.commit(),
            _ => self.created.rollback(),
        }
        if std::mem::take(&mut self.local_path) {
            self.created.new_path();
        }
    }

    fn setting(&mut self, node: &SyntaxNode) {
        let words = node.text().to_string().to_lowercase();
        if ["search_path", "schema", "all"].iter().any(|word| words.contains(word)) {
            self.local_path |= contains(node, K::LOCAL_KW);
            self.created.new_path();
        }
    }
}

fn is_branch(kind: K) -> bool {
    matches!(
        kind,
        K::PLPGSQL_IF_STMT
            | K::PLPGSQL_CASE_STMT
            | K::PLPGSQL_LOOP_STMT
            | K::PLPGSQL_WHILE_STMT
            | K::PLPGSQL_FOR_I_STMT
            | K::PLPGSQL_FOR_QUERY_STMT
            | K::PLPGSQL_FOR_DYN_STMT
            | K::PLPGSQL_FOR_CURSOR_STMT
            | K::PLPGSQL_FOR_EACH_STMT
            | K::PLPGSQL_EXCEPTION_SECTION
    )
}

/// Plain `EXPLAIN` runs nothing.
fn explain_runs(node: &SyntaxNode) -> bool {
    let off = |option: &SyntaxNode| {
        let words = option.text().to_string().to_lowercase();
        !words.contains("analy") || ["false", "off", "0"].iter().any(|word| words.ends_with(word))
    };
    let options = || node.descendants().filter(|node| node.kind() == K::EXPLAIN_OPTION);
    super::names::child(node, &[K::EXPLAIN_ANALYZE]).is_some() || options().any(|option| !off(&option))
}

/// Where an error is shown, and how it is said.
fn shown(text: &str, range: Range<usize>, message: &str) -> (Range<usize>, String) {
    let line = text.get(range.start..).unwrap_or("").lines().next().unwrap_or("");
    if line.starts_with('\\') {
        return (range.start..range.start + line.trim_end().len(), "this is a command of psql, not SQL".to_owned());
    }
    let word = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>();
    let next = line.chars().next().map_or(0, char::len_utf8);
    let end = range.end.max(range.start + word.max(next));
    (range.start..end, format!("this is not PostgreSQL's SQL: {message}"))
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = text.get(range.clone()).unwrap_or("");
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..(start + inner.trim().len()).min(start + 80).min(range.end)
}

/// The kind of a tree's root, for callers that parse a string of SQL.
pub(super) fn root_of(text: &str) -> (SyntaxNode, Vec<SyntaxError>) {
    let parsed = SourceFile::parse(text);
    (parsed.tree().syntax().clone(), parsed.errors())
}
