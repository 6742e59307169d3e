//! Types of expressions.

use std::fmt;
use std::sync::Arc;

use super::ResourceKind;

/// What an expression yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    String,
    Int,
    Float,
    Bool,
    /// Milliseconds.
    Duration,
    /// Bytes.
    Size,
    /// An instant.
    Time,
    Regex,
    /// Compares with any scalar and has any member; checked as it runs.
    Json,
    List(Box<Ty>),
    Map(Box<Ty>),
    /// `T?`: must be compared with `none` before use.
    Optional(Box<Ty>),
    /// The type of `none` alone.
    None,
    /// Something with named members: an HTTP response, a file, the outputs of a step.
    Record(Arc<RecordTy>),
    Resource(ResourceKind),
    /// A migration tool: what `alembic("dir")` yields.
    Tool,
    /// An action as a value: what `api.start = run(…)` takes.
    Action,
    /// Has been reported already; fits everywhere.
    Error,
}

/// A record's name (for messages) and members.
#[derive(Debug, PartialEq, Eq)]
pub struct RecordTy {
    pub name: String,
    pub fields: Vec<(String, Ty)>,
}

impl RecordTy {
    /// The type of a member.
    pub fn field(&self, name: &str) -> Option<&Ty> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, ty)| ty)
    }
}

impl Ty {
    /// `list(T)`
    pub fn list(of: Ty) -> Ty {
        Ty::List(Box::new(of))
    }

    /// `map(T)`
    pub fn map(of: Ty) -> Ty {
        Ty::Map(Box::new(of))
    }

    /// `T?`; an optional stays what it is.
    pub fn optional(of: Ty) -> Ty {
        match of {
            Ty::Optional(_) | Ty::None | Ty::Error => of,
            other => Ty::Optional(Box::new(other)),
        }
    }

    /// A record type.
    pub fn record(name: &str, fields: &[(&str, Ty)]) -> Ty {
        let fields = fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        Ty::Record(Arc::new(RecordTy { name: name.to_owned(), fields }))
    }

    /// One value that prints as a word: what templates and `json` comparisons take.
    pub fn is_scalar(&self) -> bool {
        match self {
            Ty::String | Ty::Int | Ty::Float | Ty::Bool | Ty::Duration | Ty::Size | Ty::Time | Ty::Error => true,
            Ty::Regex | Ty::Json | Ty::List(_) | Ty::Map(_) | Ty::Optional(_) | Ty::None => false,
            Ty::Record(_) | Ty::Resource(_) | Ty::Tool | Ty::Action => false,
        }
    }

    /// Whether a value of type `given` may stand where `self` is wanted. `int` fits `float`, `T` fits `T?`, anything that
    /// JSON can hold fits `json`, an empty list (`list(Error)`) fits every list.
    pub fn accepts(&self, given: &Ty) -> bool {
        match (self, given) {
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Float, Ty::Int) => true,
            (Ty::Optional(_), Ty::None) => true,
            (Ty::Optional(want), Ty::Optional(given)) => want.accepts(given),
            (Ty::Optional(want), given) => want.accepts(given),
            (Ty::List(want), Ty::List(given)) | (Ty::Map(want), Ty::Map(given)) => want.accepts(given),
            (Ty::Json, given) => given.fits_json(),
            (want, given) => want == given,
        }
    }

    fn fits_json(&self) -> bool {
        match self {
            Ty::Json | Ty::None | Ty::Regex => !matches!(self, Ty::Regex),
            Ty::List(of) | Ty::Map(of) | Ty::Optional(of) => of.fits_json(),
            Ty::Record(record) => record.fields.iter().all(|(_, ty)| ty.fits_json()),
            Ty::Resource(_) | Ty::Tool | Ty::Action => false,
            Ty::String | Ty::Int | Ty::Float | Ty::Bool | Ty::Duration | Ty::Size | Ty::Time | Ty::Error => true,
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::String => f.write_str("string"),
            Ty::Int => f.write_str("int"),
            Ty::Float => f.write_str("float"),
            Ty::Bool => f.write_str("bool"),
            Ty::Duration => f.write_str("duration"),
            Ty::Size => f.write_str("size"),
            Ty::Time => f.write_str("time"),
            Ty::Regex => f.write_str("regex"),
            Ty::Json => f.write_str("json"),
            Ty::List(of) => write!(f, "list({of})"),
            Ty::Map(of) => write!(f, "map({of})"),
            Ty::Optional(of) => write!(f, "{of}?"),
            Ty::None => f.write_str("none"),
            Ty::Record(record) => f.write_str(&record.name),
            Ty::Resource(kind) => f.write_str(kind.word()),
            Ty::Tool => f.write_str("migration tool"),
            Ty::Action => f.write_str("action"),
            Ty::Error => f.write_str("?"),
        }
    }
}

/// A type and whether a secret may be in the value. Taint passes through pure functions and templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub ty: Ty,
    pub secret: bool,
}
