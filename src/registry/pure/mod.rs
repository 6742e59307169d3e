//! What pure functions compute. They get one value for each parameter of their entry, `None` where it was left out.

mod convert;
mod lists;
mod regexes;
mod text;

pub use regexes::check_regex;

use serde_json::Value as Json;

use crate::model::Value;

use super::PureFn;
use super::operators::{described, wrap};

/// The function behind a pure entry.
pub(super) fn pure_fn(name: &str) -> Option<PureFn> {
    text::pure_fn(name).or_else(|| lists::pure_fn(name)).or_else(|| convert::pure_fn(name))
}

/// An argument that the checker has seen to be there.
fn arg(args: &[Option<Value>], index: usize) -> Result<&Value, String> {
    args.get(index).and_then(Option::as_ref).ok_or_else(|| format!("argument {} is missing", index + 1))
}

/// A text argument, or JSON that is one.
fn text(args: &[Option<Value>], index: usize) -> Result<&str, String> {
    let value = arg(args, index)?;
    value.as_str().ok_or_else(|| format!("{} is not a text", described(value)))
}

/// A list argument, or JSON that is one; and how to give a list back in the same form.
struct Items {
    items: Vec<Value>,
    json: bool,
}

impl Items {
    fn of(args: &[Option<Value>], index: usize) -> Result<Self, String> {
        match arg(args, index)? {
            Value::List(items) => Ok(Self { items: items.clone(), json: false }),
            Value::Json(Json::Array(items)) => Ok(Self { items: wrap(items), json: true }),
            other => Err(format!("{} is not a list", described(other))),
        }
    }

    /// Other elements in the same form.
    fn list(&self, items: Vec<Value>) -> Result<Value, String> {
        if self.json {
            let items = items.iter().map(super::to_json).collect::<Result<_, _>>()?;
            return Ok(Value::Json(Json::Array(items)));
        }
        Ok(Value::List(items))
    }
}

/// A count as an int.
fn int(count: usize) -> Result<Value, String> {
    i64::try_from(count).map(Value::Int).map_err(|_| "there are too many to count".to_owned())
}
