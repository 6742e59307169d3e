//! Functions over lists and maps.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::model::Value;
use crate::registry::PureFn;
use crate::registry::operators::{add, described, equal, order, scalar};
use crate::registry::template::word;

use super::{Items, arg, int, text};

pub(super) fn pure_fn(name: &str) -> Option<PureFn> {
    Some(match name {
        "len" => len,
        "join" => join,
        "first" => |args| Ok(Items::of(args, 0)?.items.into_iter().next().unwrap_or(Value::None)),
        "last" => |args| Ok(Items::of(args, 0)?.items.pop().unwrap_or(Value::None)),
        "sort" => sort,
        "unique" => unique,
        "reverse" => reverse,
        "min" => |args| extreme(args, Ordering::Less),
        "max" => |args| extreme(args, Ordering::Greater),
        "sum" => sum,
        "all" => |args| Ok(Value::Bool(bools(args)?.into_iter().all(|item| item))),
        "any" => |args| Ok(Value::Bool(bools(args)?.into_iter().any(|item| item))),
        "keys" => keys,
        "values" => values,
        "default" => default,
        _ => return None,
    })
}

fn len(args: &[Option<Value>]) -> Result<Value, String> {
    match arg(args, 0)? {
        Value::String(text) | Value::Json(Json::String(text)) => int(text.chars().count()),
        Value::List(items) => int(items.len()),
        Value::Json(Json::Array(items)) => int(items.len()),
        Value::Map(map) => int(map.len()),
        Value::Json(Json::Object(map)) => int(map.len()),
        other => Err(format!("{} has no length", described(other))),
    }
}

fn join(args: &[Option<Value>]) -> Result<Value, String> {
    let items = Items::of(args, 0)?.items.iter().map(word).collect::<Result<Vec<_>, _>>()?;
    let separator = if args.get(1).is_some_and(Option::is_some) { text(args, 1)? } else { "" };
    Ok(Value::String(items.join(separator)))
}

fn sort(args: &[Option<Value>]) -> Result<Value, String> {
    let list = Items::of(args, 0)?;
    let mut items = list.items.clone();
    // Compared once before: sorting itself cannot fail half-way. One kind with an order has it between any two.
    for pair in items.windows(2) {
        order(&pair[0], &pair[1])?;
    }
    items.sort_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
    list.list(items)
}

fn unique(args: &[Option<Value>]) -> Result<Value, String> {
    let list = Items::of(args, 0)?;
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Value> = Vec::new();
    for item in &list.items {
        let fresh = match scalar(item) {
            // The common case, without comparing each with each.
            Value::String(text) => seen.insert(text),
            _ => !kept.iter().any(|known| equal(known, item).unwrap_or(false)),
        };
        if fresh {
            kept.push(item.clone());
        }
    }
    list.list(kept)
}

fn reverse(args: &[Option<Value>]) -> Result<Value, String> {
    let list = Items::of(args, 0)?;
    list.list(list.items.iter().rev().cloned().collect())
}

fn extreme(args: &[Option<Value>], wanted: Ordering) -> Result<Value, String> {
    let mut items = Items::of(args, 0)?.items.into_iter();
    let first = items.next().ok_or("an empty list has neither a smallest nor a largest element")?;
    items.try_fold(first, |best, item| Ok(if order(&item, &best)? == wanted { item } else { best }))
}

fn sum(args: &[Option<Value>]) -> Result<Value, String> {
    let list = Items::of(args, 0)?;
    let mut items = list.items.iter().map(scalar);
    let first = items.next().ok_or("an empty list has no sum")?;
    if !matches!(first, Value::Int(_) | Value::Float(_) | Value::Duration(_) | Value::Size(_)) {
        return Err(format!("{} cannot be added up", described(&first)));
    }
    let sum = items.try_fold(first, |sum, item| add(&sum, &item))?;
    if list.json { crate::registry::to_json(&sum).map(Value::Json) } else { Ok(sum) }
}

fn bools(args: &[Option<Value>]) -> Result<Vec<bool>, String> {
    let as_bool = |item: &Value| match scalar(item) {
        Value::Bool(value) => Ok(value),
        other => Err(format!("{} is neither true nor false", described(&other))),
    };
    Items::of(args, 0)?.items.iter().map(as_bool).collect()
}

fn keys(args: &[Option<Value>]) -> Result<Value, String> {
    match arg(args, 0)? {
        Value::Map(map) | Value::Record(map) => Ok(Value::strings(map.keys().cloned())),
        Value::Json(Json::Object(map)) => Ok(Value::strings(map.keys().cloned().collect::<BTreeSet<_>>())),
        other => Err(format!("{} has no keys", described(other))),
    }
}

fn values(args: &[Option<Value>]) -> Result<Value, String> {
    match arg(args, 0)? {
        Value::Map(map) | Value::Record(map) => Ok(Value::List(map.values().cloned().collect())),
        Value::Json(Json::Object(map)) => {
            let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
            Ok(Value::List(sorted.into_values().cloned().map(Value::Json).collect()))
        }
        other => Err(format!("{} has no values", described(other))),
    }
}

fn default(args: &[Option<Value>]) -> Result<Value, String> {
    match scalar(arg(args, 0)?) {
        Value::None => arg(args, 1).cloned(),
        _ => arg(args, 0).cloned(),
    }
}
