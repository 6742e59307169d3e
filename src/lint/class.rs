//! The classes of findings and the groups they belong to.

use std::str::FromStr;

use crate::diag::Code;

use super::codes;

/// What a statement may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    DropTable,
    DropColumn,
    DropOther,
    AlterType,
    NotNull,
    Delete,
    Truncate,
    Rename,
    CreateIndexBlocking,
    AddColumnDefaultVolatile,
    FkBlocking,
    CheckBlocking,
    UniqueBlocking,
    /// What cannot be decided: syntax errors, dynamic SQL, calls of functions that the file doesn't hold.
    Unknown,
}

/// Classes that are denied or warned of together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Rows, columns or whole objects are gone afterwards.
    DataLoss,
    /// Others wait, or their statements fail, while or after it runs.
    Locks,
    /// The whole table is written anew.
    Rewrites,
}

impl Class {
    /// Every class, in the order of their codes.
    pub const ALL: [Class; 14] = [
        Class::DropTable,
        Class::DropColumn,
        Class::DropOther,
        Class::AlterType,
        Class::NotNull,
        Class::Delete,
        Class::Truncate,
        Class::Rename,
        Class::CreateIndexBlocking,
        Class::AddColumnDefaultVolatile,
        Class::FkBlocking,
        Class::CheckBlocking,
        Class::UniqueBlocking,
        Class::Unknown,
    ];

    /// The name that plans, `--deny` and SARIF use: `drop_table`.
    pub fn name(self) -> &'static str {
        self.code().name
    }

    /// Its code, for diagnostics and `plan explain`.
    pub fn code(self) -> &'static Code {
        match self {
            Class::DropTable => &codes::DROP_TABLE,
            Class::DropColumn => &codes::DROP_COLUMN,
            Class::DropOther => &codes::DROP_OTHER,
            Class::AlterType => &codes::ALTER_TYPE,
            Class::NotNull => &codes::NOT_NULL,
            Class::Delete => &codes::DELETE,
            Class::Truncate => &codes::TRUNCATE,
            Class::Rename => &codes::RENAME,
            Class::CreateIndexBlocking => &codes::CREATE_INDEX_BLOCKING,
            Class::AddColumnDefaultVolatile => &codes::ADD_COLUMN_DEFAULT_VOLATILE,
            Class::FkBlocking => &codes::FK_BLOCKING,
            Class::CheckBlocking => &codes::CHECK_BLOCKING,
            Class::UniqueBlocking => &codes::UNIQUE_BLOCKING,
            Class::Unknown => &codes::UNKNOWN,
        }
    }

    /// The groups it belongs to; `unknown` belongs to none and is named by itself.
    pub fn groups(self) -> &'static [Group] {
        match self {
            Class::DropTable | Class::DropColumn | Class::DropOther | Class::Delete => &[Group::DataLoss],
            Class::Truncate => &[Group::DataLoss, Group::Locks],
            Class::AlterType | Class::AddColumnDefaultVolatile => &[Group::Locks, Group::Rewrites],
            Class::NotNull | Class::Rename | Class::CreateIndexBlocking => &[Group::Locks],
            Class::FkBlocking | Class::CheckBlocking | Class::UniqueBlocking => &[Group::Locks],
            Class::Unknown => &[],
        }
    }

    /// The class of a name.
    pub fn parse(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl Group {
    /// Every group.
    pub const ALL: [Group; 3] = [Group::DataLoss, Group::Locks, Group::Rewrites];

    /// The name that plans and `--deny` use: `data_loss`.
    pub fn name(self) -> &'static str {
        match self {
            Group::DataLoss => "data_loss",
            Group::Locks => "locks",
            Group::Rewrites => "rewrites",
        }
    }
}

/// A class or a group, as `deny` and `warn` take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    Class(Class),
    Group(Group),
}

impl Selector {
    /// Whether it covers a class.
    pub fn covers(self, class: Class) -> bool {
        match self {
            Selector::Class(own) => own == class,
            Selector::Group(group) => class.groups().contains(&group),
        }
    }
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let group = Group::ALL.into_iter().find(|group| group.name() == name).map(Selector::Group);
        group.or_else(|| Class::parse(name).map(Selector::Class)).ok_or_else(|| {
            let classes = Class::ALL.into_iter().map(Class::name);
            let known: Vec<&str> = Group::ALL.into_iter().map(Group::name).chain(classes).collect();
            format!("there is no class or group `{name}`; known are {}", known.join(", "))
        })
    }
}
