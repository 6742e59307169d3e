//! `ALTER`: columns, constraints, names.

use squawk_syntax::{SyntaxKind as K, SyntaxNode};

use super::class::Class;
use super::created::{Kind, Sure};
use super::functions;
use super::names::{Name, child, contains, has};
use super::routines::callee;
use super::walk::Linter;

const ALTERS: &[K] = &[
    K::ALTER_TABLE,
    K::ALTER_FOREIGN_TABLE,
    K::ALTER_MATERIALIZED_VIEW,
    K::ALTER_VIEW,
    K::ALTER_SEQUENCE,
    K::ALTER_TYPE,
    K::ALTER_DOMAIN,
    K::ALTER_SCHEMA,
    K::ALTER_DATABASE,
    K::ALTER_FUNCTION,
    K::ALTER_PROCEDURE,
    K::ALTER_ROUTINE,
    K::ALTER_AGGREGATE,
    K::ALTER_ROLE,
    K::ALTER_USER,
    K::ALTER_GROUP,
];

/// New names that running code can miss; those of indexes, constraints, triggers and policies it doesn't use.
const RENAMES: &[K] = &[
    K::TABLE_RENAME_TO,
    K::VIEW_RENAME_TO,
    K::SEQUENCE_RENAME_TO,
    K::TYPE_RENAME_TO,
    K::DOMAIN_RENAME_TO,
    K::SCHEMA_RENAME_TO,
    K::DATABASE_RENAME_TO,
    K::FUNCTION_RENAME_TO,
    K::PROCEDURE_RENAME_TO,
    K::ROUTINE_RENAME_TO,
    K::AGGREGATE_RENAME_TO,
    K::ROLE_RENAME_TO,
    K::RENAME_ATTRIBUTE,
    K::RENAME_VALUE,
    K::SET_SCHEMA,
];

pub(super) fn is_alter(kind: K) -> bool {
    ALTERS.contains(&kind)
}

/// What is altered.
struct Target {
    name: Name,
    kind: Kind,
    /// How sure it is that the file made it.
    sure: Option<Sure>,
}

impl Target {
    /// Nobody waits for it: the file made it, or made sure that it is there.
    fn is_own(&self) -> bool {
        self.sure.is_some()
    }

    fn is_new(&self) -> bool {
        self.sure >= Some(Sure::Made)
    }

    fn column(&self, name: &str) -> Name {
        Name { schema: self.name.shown(), name: name.to_owned() }
    }
}

impl Linter {
    /// Judges an `ALTER`; nothing below it runs.
    pub(super) fn alter(&mut self, node: &SyntaxNode) -> bool {
        let Some(named) = node.children().find(|child| child.kind() != K::IF_EXISTS) else { return false };
        if named.kind() == K::ALL_IN_TABLESPACE {
            self.report(Class::AlterType, node, "every table of the tablespace is written anew");
            return false;
        }
        let kind = match node.kind() {
            K::ALTER_SCHEMA => Kind::Schema,
            K::ALTER_TYPE | K::ALTER_DOMAIN => Kind::Other(0),
            K::ALTER_FUNCTION | K::ALTER_PROCEDURE | K::ALTER_ROUTINE | K::ALTER_AGGREGATE => Kind::Routine,
            K::ALTER_ROLE | K::ALTER_USER | K::ALTER_GROUP => Kind::Other(4),
            K::ALTER_DATABASE => Kind::Other(5),
            _ => Kind::Relation,
        };
        let signature = [K::FUNCTION_NAME_REF, K::PROCEDURE_NAME_REF, K::ROUTINE_NAME_REF, K::PATH_REF];
        let inner = match kind {
            Kind::Routine => child(&named, &signature),
            _ => None,
        };
        let name = Name::of(inner.as_ref().unwrap_or(&named));
        let target = Target { sure: self.created.sure(kind, &name), kind, name };
        for action in node.children().skip_while(|child| *child != named).skip(1) {
            self.action(&target, &action);
        }
        false
    }

    fn action(&mut self, target: &Target, action: &SyntaxNode) {
        let kind = action.kind();
        match kind {
            K::ALTER_TYPE_ATTRIBUTE_ACTION_LIST => action.children().for_each(|action| self.action(target, &action)),
            K::DROP_COLUMN | K::DROP_ATTRIBUTE => self.drop_column(target, action),
            K::ADD_COLUMN => self.add_column(target, action),
            K::ALTER_COLUMN => self.alter_column(target, action),
            K::SET_NOT_NULL => self.locks(target, Class::NotNull, action, "every column of this type is read"),
            K::ALTER_ATTRIBUTE => self.locks(target, Class::AlterType, action, "the type of an attribute changes"),
            K::ADD_CONSTRAINT => self.add_constraint(target, action),
            K::VALIDATE_CONSTRAINT | K::DROP_CONSTRAINT => self.settle_constraint(target, action),
            K::RENAME_COLUMN => self.rename_column(target, action),
            K::ATTACH_PARTITION | K::INHERIT_TABLE => self.created.doubt(&target.name),
            K::SET_LOGGED
            | K::SET_UNLOGGED
            | K::SET_TABLESPACE
            | K::SET_ACCESS_METHOD
            | K::MERGE_PARTITIONS
            | K::SPLIT_PARTITION
                if target.kind == Kind::Relation =>
            {
                self.locks(target, Class::AlterType, action, "the whole table is written anew");
            }
            kind if RENAMES.contains(&kind) => self.rename(target, action),
            _ => {}
        }
    }

    /// A finding, unless the file made the table itself.
    fn locks(&mut self, target: &Target, class: Class, node: &SyntaxNode, what: &str) {
        if !target.is_own() {
            self.report(class, node, format!("{what}: `{}`", target.name.shown()));
        }
    }

    fn drop_column(&mut self, target: &Target, action: &SyntaxNode) {
        let Some(named) = child(action, &[K::COLUMN_NAME_REF, K::COMPOSITE_FIELD_REF]) else { return };
        let column = target.column(&Name::of(&named).name);
        let own = target.is_new() || self.created.sure(Kind::Column, &column) >= Some(Sure::Made);
        self.created.forget(Kind::Column, &column);
        if !own {
            let message = format!("the column `{}` of `{}` is dropped", column.name, target.name.shown());
            self.report(Class::DropColumn, action, message);
        }
    }

    fn rename_column(&mut self, target: &Target, action: &SyntaxNode) {
        let names = (child(action, &[K::COLUMN_NAME_REF]), child(action, &[K::COLUMN_NAME]));
        let (Some(from), Some(to)) = names else { return };
        let (from, to) = (target.column(&Name::of(&from).name), target.column(&Name::of(&to).name));
        let own = target.is_new() || self.created.sure(Kind::Column, &from) >= Some(Sure::Made);
        self.created.rename(Kind::Column, &from, &to);
        if !own {
            let message = format!("the column `{}` of `{}` gets a new name", from.name, target.name.shown());
            self.report(Class::Rename, action, message);
        }
    }

    fn rename(&mut self, target: &Target, action: &SyntaxNode) {
        if let Some(named) = action.children().last() {
            let named = Name::of(&named).name;
            match action.kind() {
                K::SET_SCHEMA => {
                    let moved = Name { schema: named, name: target.name.name.clone() };
                    self.created.forget(target.kind, &target.name);
                    if let Some(sure) = target.sure {
                        self.created.add(target.kind, &moved, sure);
                    }
                }
                K::RENAME_ATTRIBUTE | K::RENAME_VALUE => {}
                _ => {
                    let to = Name { schema: target.name.schema.clone(), name: named };
                    self.created.rename(target.kind, &target.name, &to);
                }
            }
        }
        if !target.is_new() {
            self.report(Class::Rename, action, format!("`{}` gets a new name", target.name.shown()));
        }
    }

    fn alter_column(&mut self, target: &Target, action: &SyntaxNode) {
        let Some(named) = child(action, &[K::COLUMN_NAME_REF]) else { return };
        let column = Name::of(&named).name;
        if has(action, K::SET_TYPE) {
            let what = format!("the type of `{column}` changes");
            self.locks(target, Class::AlterType, action, &what);
        } else if has(action, K::SET_EXPRESSION) {
            self.locks(target, Class::AlterType, action, &format!("`{column}` is computed anew in every row"));
        } else if has(action, K::SET_NOT_NULL) && !self.proven.contains(&(target.name.clone(), column.clone())) {
            self.locks(target, Class::NotNull, action, &format!("every row is read for a null in `{column}`"));
        }
    }

    fn add_column(&mut self, target: &Target, action: &SyntaxNode) {
        let Some(named) = child(action, &[K::COLUMN_NAME]) else { return };
        let column = target.column(&Name::of(&named).name);
        let sure = self.sure(action, Sure::Made);
        self.created.add(Kind::Column, &column, sure);
        let filled = self.default_of(target, action);
        for constraint in action.children() {
            let what = match constraint.kind() {
                K::NOT_NULL_CONSTRAINT if !filled => (Class::NotNull, "a new column without a default is not null"),
                K::CHECK_CONSTRAINT if !is_lazy(&constraint) => (Class::CheckBlocking, "every row is checked"),
                K::UNIQUE_CONSTRAINT | K::PRIMARY_KEY_CONSTRAINT => (Class::UniqueBlocking, "an index is built"),
                K::REFERENCES_CONSTRAINT => {
                    self.refers(target, &constraint);
                    match filled {
                        true => (Class::FkBlocking, "every row is looked up in the other table"),
                        false => continue,
                    }
                }
                _ => continue,
            };
            self.locks(target, what.0, action, what.1);
        }
    }

    /// Judges what a new column is filled with; gives whether it is.
    fn default_of(&mut self, target: &Target, action: &SyntaxNode) -> bool {
        const SERIALS: &[&str] = &["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];
        let serial = child(action, &[K::PATH_TYPE]).is_some_and(|ty| SERIALS.contains(&Name::of(&ty).name.as_str()));
        let generated = child(action, &[K::GENERATED_CONSTRAINT]);
        let stored = generated.as_ref().is_some_and(|g| !contains(g, K::VIRTUAL));
        let default = child(action, &[K::DEFAULT_CONSTRAINT]);
        let volatile = default.as_ref().is_some_and(|default| self.is_volatile(default));
        if serial || stored || volatile {
            self.locks(target, Class::AddColumnDefaultVolatile, action, "every row is written anew");
        }
        let null = default.as_ref().is_some_and(|default| {
            child(default, &[K::LITERAL]).is_some_and(|literal| literal.text().to_string().eq_ignore_ascii_case("null"))
        });
        serial || generated.is_some() || (default.is_some() && !null)
    }

    fn is_volatile(&self, default: &SyntaxNode) -> bool {
        let calls = default.descendants().filter(|node| node.kind() == K::CALL_EXPR);
        calls.filter_map(|call| callee(&call)).any(|name| match self.volatility.get(&name) {
            Some(volatile) => *volatile,
            None => functions::is_volatile(&name),
        })
    }

    fn add_constraint(&mut self, target: &Target, action: &SyntaxNode) {
        let Some(constraint) = action.children().next() else { return };
        let lazy = is_lazy(&constraint);
        if constraint.kind() == K::FOREIGN_KEY_CONSTRAINT {
            self.refers(target, &constraint);
        }
        if constraint.kind() == K::CHECK_CONSTRAINT {
            self.note_check(target, &constraint, !lazy);
        }
        let by_index = contains(&constraint, K::USING_INDEX_NAME);
        let (class, what) = match constraint.kind() {
            K::FOREIGN_KEY_CONSTRAINT if !lazy => (Class::FkBlocking, "every row is looked up in the other table"),
            K::CHECK_CONSTRAINT if !lazy => (Class::CheckBlocking, "every row is checked"),
            K::NOT_NULL_CONSTRAINT if !lazy => (Class::NotNull, "every row is read for a null"),
            K::UNIQUE_CONSTRAINT | K::PRIMARY_KEY_CONSTRAINT if !by_index => {
                (Class::UniqueBlocking, "an index is built")
            }
            K::EXCLUDE_CONSTRAINT => (Class::UniqueBlocking, "an index is built"),
            _ => return,
        };
        self.locks(target, class, action, what);
    }

    /// Rows of a table that the file made can be held, or taken along, by those of a table that was there before.
    fn refers(&mut self, target: &Target, constraint: &SyntaxNode) {
        if let Some(other) = child(constraint, &[K::TABLE_NAME_REF]).filter(|_| !target.is_new()) {
            self.created.doubt(&Name::of(&other));
        }
    }

    /// A constraint that says no more than that a column isn't null.
    fn note_check(&mut self, target: &Target, constraint: &SyntaxNode, valid: bool) {
        let Some(comparison) = child(constraint, &[K::BIN_EXPR]) else { return };
        let words: Vec<String> = comparison.text().to_string().split_whitespace().map(str::to_lowercase).collect();
        let Some(column) = child(&comparison, &[K::NAME_REF]) else { return };
        let [_, is, not, null] = words.as_slice() else { return };
        if [is.as_str(), not, null] != ["is", "not", "null"] {
            return;
        }
        let column = Name::of(&column).name;
        let name = child(constraint, &[K::CONSTRAINT_NAME_CLAUSE]).and_then(|c| child(&c, &[K::CONSTRAINT_NAME]));
        let key = (target.name.clone(), name.map(|name| Name::of(&name).name).unwrap_or_default());
        if valid {
            self.proven.insert((target.name.clone(), column.clone()));
        }
        self.not_null_checks.insert(key, column);
    }

    fn settle_constraint(&mut self, target: &Target, action: &SyntaxNode) {
        let Some(named) = child(action, &[K::CONSTRAINT_NAME_REF]) else { return };
        let key = (target.name.clone(), Name::of(&named).name);
        let Some(column) = self.not_null_checks.get(&key).cloned() else { return };
        let proof = (target.name.clone(), column);
        match action.kind() {
            K::VALIDATE_CONSTRAINT => self.proven.insert(proof),
            _ => self.proven.remove(&proof),
        };
    }
}

/// Rows that are there already are not looked at.
fn is_lazy(constraint: &SyntaxNode) -> bool {
    contains(constraint, K::NOT_VALID) || contains(constraint, K::NOT_ENFORCED)
}
