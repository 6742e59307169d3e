//! What operators compute. Every `Err` is one sentence that says why there is no value.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::{BinaryOp, Value};

use super::amount::{duration_text, time_text};
use super::show::shown;

/// A binary operator with both values known. `and` and `or` are not here: they know three values.
pub(super) fn apply(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, String> {
    match op {
        BinaryOp::Eq => equal(left, right).map(Value::Bool),
        BinaryOp::Ne => equal(left, right).map(|same| Value::Bool(!same)),
        BinaryOp::Lt => order(left, right).map(|order| Value::Bool(order.is_lt())),
        BinaryOp::Le => order(left, right).map(|order| Value::Bool(order.is_le())),
        BinaryOp::Gt => order(left, right).map(|order| Value::Bool(order.is_gt())),
        BinaryOp::Ge => order(left, right).map(|order| Value::Bool(order.is_ge())),
        BinaryOp::In => contains(right, left).map(Value::Bool),
        BinaryOp::NotIn => contains(right, left).map(|inside| Value::Bool(!inside)),
        BinaryOp::Add => add(&scalar(left), &scalar(right)),
        BinaryOp::Sub => subtract(&scalar(left), &scalar(right)),
        BinaryOp::Mul => multiply(&scalar(left), &scalar(right)),
        BinaryOp::And | BinaryOp::Or => Err("`and` and `or` are decided by the evaluator".to_owned()),
    }
}

/// `-x`
pub(super) fn negate(value: &Value) -> Result<Value, String> {
    match scalar(value) {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(|| too_large(&format!("-({number})"))),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => Err(format!("{} has no negative", shown(&other))),
    }
}

/// A JSON scalar as the value that it is; everything else as it stands.
pub(super) fn scalar(value: &Value) -> Value {
    match value {
        Value::Json(Json::Null) => Value::None,
        Value::Json(Json::Bool(value)) => Value::Bool(*value),
        Value::Json(Json::String(text)) => Value::String(text.clone()),
        Value::Json(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) => Value::Float(float),
            (None, None) => value.clone(),
        },
        other => other.clone(),
    }
}

/// Whether two values are the same. An int equals a float of the same number, JSON what it holds; `none` only `none`.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (&scalar(left), &scalar(right)) {
        (Value::None, Value::None) => Ok(true),
        (Value::None, _) | (_, Value::None) => Ok(false),
        (Value::List(left), Value::List(right)) => all_equal(left, right),
        (Value::Json(Json::Array(left)), Value::List(right)) => all_equal(&wrap(left), right),
        (Value::List(left), Value::Json(Json::Array(right))) => all_equal(left, &wrap(right)),
        (Value::Json(Json::Array(left)), Value::Json(Json::Array(right))) => all_equal(&wrap(left), &wrap(right)),
        (Value::Map(left) | Value::Record(left), Value::Map(right) | Value::Record(right)) => maps_equal(left, right),
        (Value::Json(Json::Object(left)), Value::Json(Json::Object(right))) => {
            maps_equal(&wrap_map(left), &wrap_map(right))
        }
        (Value::Json(Json::Object(json)), Value::Map(map) | Value::Record(map))
        | (Value::Map(map) | Value::Record(map), Value::Json(Json::Object(json))) => maps_equal(&wrap_map(json), map),
        (Value::Regex(left), Value::Regex(right)) | (Value::Resource(left), Value::Resource(right)) => {
            Ok(left == right)
        }
        (left, right) => order(left, right).map(Ordering::is_eq),
    }
}

fn all_equal(left: &[Value], right: &[Value]) -> Result<bool, String> {
    if left.len() != right.len() {
        return Ok(false);
    }
    left.iter().zip(right).try_fold(true, |same, (left, right)| Ok(same && equal(left, right)?))
}

fn maps_equal(left: &BTreeMap<String, Value>, right: &BTreeMap<String, Value>) -> Result<bool, String> {
    if !left.keys().eq(right.keys()) {
        return Ok(false);
    }
    left.values().zip(right.values()).try_fold(true, |same, (left, right)| Ok(same && equal(left, right)?))
}

/// The elements of a JSON array as values.
pub(super) fn wrap(items: &[Json]) -> Vec<Value> {
    items.iter().cloned().map(Value::Json).collect()
}

/// The elements of a list, or of a JSON array; scalars in it as what they are.
pub(super) fn elements(list: Value) -> Option<Vec<Value>> {
    match list {
        Value::List(items) => Some(items),
        Value::Json(Json::Array(items)) => Some(wrap(&items).iter().map(scalar).collect()),
        _ => None,
    }
}

fn wrap_map(object: &serde_json::Map<String, Json>) -> BTreeMap<String, Value> {
    object.iter().map(|(key, value)| (key.clone(), Value::Json(value.clone()))).collect()
}

/// Which of two values comes first. Only values of one kind have an order.
pub(super) fn order(left: &Value, right: &Value) -> Result<Ordering, String> {
    let (left, right) = (scalar(left), scalar(right));
    match (&left, &right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Ok(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => {
            left.partial_cmp(right).ok_or_else(|| "what is not a number has no order".to_owned())
        }
        (Value::Int(left), Value::Float(right)) => Ok(int_float(*left, *right)),
        (Value::Float(left), Value::Int(right)) => Ok(int_float(*right, *left).reverse()),
        (Value::String(left), Value::String(right)) => Ok(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) | (Value::Size(left), Value::Size(right)) => {
            Ok(left.cmp(right))
        }
        (Value::Time(left), Value::Time(right)) => Ok(left.cmp(right)),
        _ => Err(format!("{} cannot be compared with {}", described(&left), described(&right))),
    }
}

/// Exact also where an `f64` cannot hold the int.
fn int_float(int: i64, float: f64) -> Ordering {
    // 2^63: from here on every float is larger than every int.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float >= LIMIT {
        return Ordering::Less;
    }
    if float < -LIMIT {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the limits of i64, and the fraction is compared below")]
    let whole = float.trunc() as i64;
    int.cmp(&whole).then_with(|| {
        let fraction = float.fract();
        if fraction > 0.0 {
            Ordering::Less
        } else if fraction < 0.0 {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    })
}

/// Whether a list has an element, a map a key, a text a part.
pub(super) fn contains(whole: &Value, part: &Value) -> Result<bool, String> {
    match whole {
        Value::List(items) => any_equal(items, part),
        Value::Json(Json::Array(items)) => any_equal(&wrap(items), part),
        Value::Map(map) | Value::Record(map) => key(part).map(|key| map.contains_key(key)),
        Value::Json(Json::Object(map)) => key(part).map(|key| map.contains_key(key)),
        Value::String(text) | Value::Json(Json::String(text)) => key(part).map(|part| text.contains(part)),
        other => Err(format!("{} has no elements", described(other))),
    }
}

fn any_equal(items: &[Value], part: &Value) -> Result<bool, String> {
    for item in items {
        // Elements of another kind are other elements: JSON lists may mix them.
        if equal(item, part).unwrap_or(false) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn key(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{} is not a text", described(value)))
}

pub(super) fn add(left: &Value, right: &Value) -> Result<Value, String> {
    let overflow = || too_large(&format!("{} + {}", shown(left), shown(right)));
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Duration(a), Value::Duration(b)) => amount(a.checked_add(*b)).map(Value::Duration).ok_or_else(overflow),
        (Value::Size(a), Value::Size(b)) => amount(a.checked_add(*b)).map(Value::Size).ok_or_else(overflow),
        (Value::Time(at), Value::Duration(by)) | (Value::Duration(by), Value::Time(at)) => {
            at.checked_add_unsigned(*by).map(Value::Time).ok_or_else(overflow)
        }
        (Value::String(a), Value::String(b)) => Ok(Value::String(format!("{a}{b}"))),
        (Value::List(a), Value::List(b)) => Ok(Value::List(a.iter().chain(b).cloned().collect())),
        _ => floats(left, right, |a, b| a + b, overflow).unwrap_or_else(|| Err(no_operator("added to", right, left))),
    }
}

fn subtract(left: &Value, right: &Value) -> Result<Value, String> {
    let overflow = || too_large(&format!("{} - {}", shown(left), shown(right)));
    let negative = || format!("{} - {} is below zero", shown(left), shown(right));
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Duration(a), Value::Duration(b)) => a.checked_sub(*b).map(Value::Duration).ok_or_else(negative),
        (Value::Size(a), Value::Size(b)) => a.checked_sub(*b).map(Value::Size).ok_or_else(negative),
        (Value::Time(at), Value::Duration(by)) => at.checked_sub_unsigned(*by).map(Value::Time).ok_or_else(overflow),
        (Value::Time(a), Value::Time(b)) => {
            let millis = a.checked_sub(*b).ok_or_else(overflow)?;
            let before =
                || format!("{} is {} before {}", time_text(*a), duration_text(millis.unsigned_abs()), time_text(*b));
            u64::try_from(millis).map(Value::Duration).map_err(|_| before())
        }
        _ => floats(left, right, |a, b| a - b, overflow).unwrap_or_else(|| Err(no_operator("taken from", right, left))),
    }
}

fn multiply(left: &Value, right: &Value) -> Result<Value, String> {
    let overflow = || too_large(&format!("{} * {}", shown(left), shown(right)));
    let times = |amount_of: u64, count: i64| {
        let count = u64::try_from(count).map_err(|_| format!("{} * {} is below zero", shown(left), shown(right)))?;
        amount(amount_of.checked_mul(count)).ok_or_else(overflow)
    };
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Duration(of), Value::Int(n)) | (Value::Int(n), Value::Duration(of)) => {
            times(*of, *n).map(Value::Duration)
        }
        (Value::Size(of), Value::Int(n)) | (Value::Int(n), Value::Size(of)) => times(*of, *n).map(Value::Size),
        _ => floats(left, right, |a, b| a * b, overflow)
            .unwrap_or_else(|| Err(no_operator("multiplied with", left, right))),
    }
}

/// Amounts stay within 63 bits: they are stored as signed integers.
fn amount(value: Option<u64>) -> Option<u64> {
    value.filter(|value| i64::try_from(*value).is_ok())
}

/// Arithmetic where at least one side is a float. `None`: they are not numbers.
fn floats(
    left: &Value,
    right: &Value,
    compute: impl Fn(f64, f64) -> f64,
    overflow: impl Fn() -> String,
) -> Option<Result<Value, String>> {
    let result = compute(as_float(left)?, as_float(right)?);
    Some(if result.is_finite() { Ok(Value::Float(result)) } else { Err(overflow()) })
}

/// The nearest float of a number.
#[expect(clippy::cast_precision_loss, reason = "an int beside a float counts as its nearest float")]
pub(super) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn too_large(what: &str) -> String {
    format!("{what} is out of range")
}

fn no_operator(verb: &str, left: &Value, right: &Value) -> String {
    format!("{} cannot be {verb} {}", described(left), described(right))
}

/// A value with its kind: `the text "3"`.
pub(super) fn described(value: &Value) -> String {
    format!("{} {}", kind(value), shown(value)).trim_end().to_owned()
}

/// What kind of value it is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::None => "",
        Value::Bool(_) => "the bool",
        Value::Int(_) | Value::Float(_) => "the number",
        Value::String(_) => "the text",
        Value::Duration(_) => "the duration",
        Value::Size(_) => "the size",
        Value::Time(_) => "the time",
        Value::Regex(_) => "the regex",
        Value::Json(_) => "the JSON",
        Value::List(_) => "the list",
        Value::Map(_) => "the map",
        Value::Record(_) => "the record",
        Value::Resource(_) => "the resource",
        Value::Call { .. } => "the call",
    }
}
