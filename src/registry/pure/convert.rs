//! Functions that turn values of one type into another, and those over numbers.

use crate::model::Value;
use crate::registry::PureFn;
use crate::registry::amount::{parse_duration, parse_size, parse_time};
use crate::registry::operators::{described, negate, scalar};
use crate::registry::template::word;

use super::{arg, text};

pub(super) fn pure_fn(name: &str) -> Option<PureFn> {
    Some(match name {
        "json" => json,
        "to_json" => |args| crate::registry::to_json(arg(args, 0)?).map(|json| Value::String(json.to_string())),
        "string" => |args| word(arg(args, 0)?).map(Value::String),
        "int" => int,
        "float" => float,
        "abs" => abs,
        "round" => round,
        "parse_duration" => |args| parse_duration(text(args, 0)?).map(Value::Duration),
        "parse_size" => |args| parse_size(text(args, 0)?).map(Value::Size),
        "parse_time" => |args| parse_time(text(args, 0)?).map(Value::Time),
        _ => return None,
    })
}

fn json(args: &[Option<Value>]) -> Result<Value, String> {
    let text = text(args, 0)?;
    serde_json::from_str(text).map(Value::Json).map_err(|error| format!("the text is not JSON: {error}"))
}

fn int(args: &[Option<Value>]) -> Result<Value, String> {
    match scalar(arg(args, 0)?) {
        Value::Int(number) => Ok(Value::Int(number)),
        Value::Float(number) => whole(number.trunc()),
        Value::Bool(value) => Ok(Value::Int(i64::from(value))),
        Value::String(text) => {
            text.trim().parse().map(Value::Int).map_err(|_| format!("{text:?} is not a whole number of 64 bits"))
        }
        other => Err(format!("{} is not a number", described(&other))),
    }
}

fn float(args: &[Option<Value>]) -> Result<Value, String> {
    let value = scalar(arg(args, 0)?);
    let number = match &value {
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
        other => crate::registry::operators::as_float(other),
    };
    number.map(Value::Float).ok_or_else(|| format!("{} is not a number", described(&value)))
}

fn abs(args: &[Option<Value>]) -> Result<Value, String> {
    let given = arg(args, 0)?;
    let result = match scalar(given) {
        Value::Float(number) => Value::Float(number.abs()),
        Value::Int(number) if number >= 0 => Value::Int(number),
        other => negate(&other)?,
    };
    if matches!(given, Value::Json(_)) { crate::registry::to_json(&result).map(Value::Json) } else { Ok(result) }
}

fn round(args: &[Option<Value>]) -> Result<Value, String> {
    match scalar(arg(args, 0)?) {
        Value::Int(number) => Ok(Value::Int(number)),
        Value::Float(number) => whole(number.round()),
        other => Err(format!("{} is not a number", described(&other))),
    }
}

/// A float without a fraction as an int.
fn whole(number: f64) -> Result<Value, String> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "within the limits of i64, without a fraction")]
        return Ok(Value::Int(number as i64));
    }
    Err(format!("{number:?} is out of range"))
}
