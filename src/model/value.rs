//! Values as they exist while a plan runs and in the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A value. The serialised form (`{"t":"duration","v":90000}`) is what the journal keeps; it is versioned with its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    /// Milliseconds.
    Duration(u64),
    /// Bytes.
    Size(u64),
    /// Milliseconds since the Unix epoch.
    Time(i64),
    /// The pattern.
    Regex(String),
    Json(serde_json::Value),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    /// Members by name: a response, a file, the outputs of a step.
    Record(BTreeMap<String, Value>),
    /// A resource, by name; probes and actions look it up.
    Resource(String),
    /// A function call kept as a value: a migration tool, an action to start.
    Call {
        function: String,
        args: BTreeMap<String, Value>,
    },
}

impl Value {
    /// A record from its members.
    pub fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
        Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A string value.
    pub fn string(text: impl Into<String>) -> Value {
        Value::String(text.into())
    }

    /// A list of strings.
    pub fn strings<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Value {
        Value::List(items.into_iter().map(Value::string).collect())
    }

    /// The text, when it is one (or a JSON string).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            Value::Json(serde_json::Value::String(text)) => Some(text),
            _ => None,
        }
    }
}
