//! Values as people give them: text after `--set`, JSON from `--vars`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::{Ty, Value};

use super::amount::{parse_duration, parse_size, parse_time};
use super::shown;

/// A value for a parameter, as it was given.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// `--set name=text`, read by the type of the parameter.
    Text(String),
    /// From a file of values.
    Json(Json),
}

/// Reads a given value by the type that is wanted. `Err` says what was wanted and what was seen.
pub(super) fn read(given: &Given, ty: &Ty) -> Result<Value, String> {
    match given {
        Given::Text(text) => from_text(text, ty),
        Given::Json(json) => from_json(json, ty),
    }
}

fn from_text(text: &str, ty: &Ty) -> Result<Value, String> {
    let bad = |_| format!("{text:?} is not {}", wanted(ty));
    match ty {
        Ty::String => Ok(Value::string(text)),
        Ty::Regex => regex(text),
        Ty::Int => text.parse().map(Value::Int).map_err(|_| bad(())),
        Ty::Float => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            Ok(_) | Err(_) => Err(bad(())),
        },
        Ty::Bool => text.parse().map(Value::Bool).map_err(|_| bad(())),
        Ty::Duration => parse_duration(text).map(Value::Duration),
        Ty::Size => parse_size(text).map(Value::Size),
        Ty::Time => parse_time(text).map(Value::Time),
        Ty::Json => serde_json::from_str(text).map(Value::Json).map_err(|error| format!("it is not JSON: {error}")),
        Ty::List(of) => list(text, ty, of),
        Ty::Map(_) => from_json(&serde_json::from_str(text).map_err(|_| bad(()))?, ty),
        Ty::Optional(_) if text == "none" => Ok(Value::None),
        Ty::Optional(of) => from_text(text, of),
        Ty::None | Ty::Record(_) | Ty::Resource(_) | Ty::Tool | Ty::Action | Ty::Error => Err(no_text(ty)),
    }
}

/// `["a", "b"]`, or `a,b`.
fn list(text: &str, ty: &Ty, of: &Ty) -> Result<Value, String> {
    if text.trim_start().starts_with('[') {
        let json = serde_json::from_str(text).map_err(|error| format!("the list {text:?} is not JSON: {error}"))?;
        return from_json(&json, ty);
    }
    if text.trim().is_empty() {
        return Ok(Value::List(Vec::new()));
    }
    text.split(',').map(|item| from_text(item.trim(), of)).collect::<Result<_, _>>().map(Value::List)
}

fn from_json(json: &Json, ty: &Ty) -> Result<Value, String> {
    let bad = || format!("{} is not {}", shown(&Value::Json(json.clone())), wanted(ty));
    match (ty, json) {
        (Ty::Json, json) => Ok(Value::Json(json.clone())),
        (Ty::Optional(_), Json::Null) => Ok(Value::None),
        (Ty::Optional(of), json) => from_json(json, of),
        (Ty::String, Json::String(text)) => Ok(Value::string(text)),
        (Ty::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Ty::Int, Json::Number(number)) => number.as_i64().map(Value::Int).ok_or_else(bad),
        (Ty::Float, Json::Number(number)) => number.as_f64().map(Value::Float).ok_or_else(bad),
        (Ty::Regex | Ty::Duration | Ty::Size | Ty::Time, Json::String(text)) => from_text(text, ty),
        (Ty::List(of), Json::Array(items)) => {
            items.iter().map(|item| from_json(item, of)).collect::<Result<_, _>>().map(Value::List)
        }
        (Ty::Map(of), Json::Object(map)) => map
            .iter()
            .map(|(key, value)| Ok((key.clone(), from_json(value, of)?)))
            .collect::<Result<BTreeMap<_, _>, String>>()
            .map(Value::Map),
        _ => Err(bad()),
    }
}

fn regex(pattern: &str) -> Result<Value, String> {
    super::check_regex(pattern)?;
    Ok(Value::Regex(pattern.to_owned()))
}

/// How a type is asked for, with an example where one helps.
fn wanted(ty: &Ty) -> String {
    let example = match ty {
        Ty::Int => " such as `3`",
        Ty::Float => " such as `0.5`",
        Ty::Bool => ": `true` or `false`",
        Ty::Duration => " such as `\"90s\"`",
        Ty::Size => " such as `\"10MiB\"`",
        Ty::Time => " such as `\"2027-03-01T22:00:00+09:00\"`",
        Ty::List(_) => " such as `[\"a\", \"b\"]` or `a,b`",
        Ty::Map(_) => " such as `{\"key\": \"value\"}`",
        Ty::String
        | Ty::Regex
        | Ty::Json
        | Ty::Optional(_)
        | Ty::None
        | Ty::Record(_)
        | Ty::Resource(_)
        | Ty::Tool
        | Ty::Action
        | Ty::Error => "",
    };
    let article = if matches!(ty, Ty::Int) { "an" } else { "a" };
    format!("{article} {ty}{example}")
}

fn no_text(ty: &Ty) -> String {
    format!("a value of type {ty} cannot be given from outside")
}

/// Whether a recorded value is one of this type.
pub(super) fn is_of(value: &Value, ty: &Ty) -> bool {
    match (ty, value) {
        (Ty::Optional(_), Value::None) | (Ty::Json, Value::Json(_)) | (Ty::Error, _) => true,
        (Ty::Optional(of), value) => is_of(value, of),
        (Ty::String, Value::String(_))
        | (Ty::Int, Value::Int(_))
        | (Ty::Float, Value::Float(_))
        | (Ty::Bool, Value::Bool(_))
        | (Ty::Duration, Value::Duration(_))
        | (Ty::Size, Value::Size(_))
        | (Ty::Time, Value::Time(_))
        | (Ty::Regex, Value::Regex(_)) => true,
        (Ty::List(of), Value::List(items)) => items.iter().all(|item| is_of(item, of)),
        (Ty::Map(of), Value::Map(map)) => map.values().all(|value| is_of(value, of)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str, ty: &Ty) -> Result<Value, String> {
        read(&Given::Text(text.into()), ty)
    }

    #[test]
    fn text_is_read_by_type() {
        let strings = Ty::list(Ty::String);
        assert_eq!(text("7", &Ty::String), Ok(Value::string("7")));
        assert_eq!(text("-7", &Ty::Int), Ok(Value::Int(-7)));
        assert_eq!(text("true", &Ty::Bool), Ok(Value::Bool(true)));
        assert_eq!(text("1h30m", &Ty::Duration), Ok(Value::Duration(5_400_000)));
        assert_eq!(text("10MiB", &Ty::Size), Ok(Value::Size(10 << 20)));
        assert_eq!(text("a, b", &strings), Ok(Value::strings(["a", "b"])));
        assert_eq!(text(r#"["a,b"]"#, &strings), Ok(Value::strings(["a,b"])));
        assert_eq!(text("", &strings), Ok(Value::List(vec![])));
        assert_eq!(text("1,2", &Ty::list(Ty::Int)), Ok(Value::List(vec![Value::Int(1), Value::Int(2)])));
        assert_eq!(text("none", &Ty::optional(Ty::Int)), Ok(Value::None));
        assert_eq!(text(r#"{"a": 1}"#, &Ty::map(Ty::Int)), Ok(Value::Map([("a".into(), Value::Int(1))].into())));
    }

    #[test]
    fn what_does_not_fit_says_what_was_wanted() {
        for (given, ty, part) in [
            ("x", Ty::Int, "\"x\" is not an int"),
            ("9223372036854775808", Ty::Int, "is not an int"),
            ("yes", Ty::Bool, "`true` or `false`"),
            ("90", Ty::Duration, "is not a duration"),
            ("inf", Ty::Float, "is not a float"),
            ("[1", Ty::list(Ty::Int), "is not JSON"),
            ("(", Ty::Regex, "cannot be read"),
        ] {
            assert!(text(given, &ty).expect_err(given).contains(part), "{:?}", text(given, &ty));
        }
        let number = read(&Given::Json(json!(90)), &Ty::Duration).expect_err("a number has no unit");
        assert!(number.contains("90 is not a duration such as"), "{number}");
    }

    #[test]
    fn json_is_read_by_type() {
        assert_eq!(read(&Given::Json(json!(3)), &Ty::Float), Ok(Value::Float(3.0)));
        assert_eq!(read(&Given::Json(json!("90s")), &Ty::Duration), Ok(Value::Duration(90_000)));
        assert!(read(&Given::Json(json!(1.5)), &Ty::Int).is_err());
        assert!(read(&Given::Json(json!(3)), &Ty::String).is_err());
    }
}
