//! Arguments by name, as the checker has typed them. A `json` value may stand where a scalar is wanted, so each is looked at
//! once more; the error is one sentence.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Value;

/// The arguments of one call.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a>(pub &'a BTreeMap<String, Value>);

impl<'a> Args<'a> {
    /// What was given; `none` counts as nothing.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        match self.0.get(name) {
            Some(Value::None | Value::Json(serde_json::Value::Null)) | None => None,
            Some(value) => Some(value),
        }
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| wrong(name, "a text", value))).transpose()
    }

    pub(crate) fn required_text(self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    /// The resource that is the first parameter.
    pub(crate) fn resource(self, name: &str) -> Result<&'a str, String> {
        match self.get(name) {
            Some(Value::Resource(resource)) => Ok(resource),
            Some(value) => Err(wrong(name, "a resource", value)),
            None => Err(format!("`{name}` is missing")),
        }
    }

    /// A list of texts, empty when not given. A text is a list of one.
    pub(crate) fn texts(self, name: &str) -> Result<Vec<String>, String> {
        let item =
            |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a list of texts", value));
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items.iter().map(item).collect(),
            Some(Value::Json(serde_json::Value::Array(items))) => {
                items.iter().map(|json| item(&Value::Json(json.clone()))).collect()
            }
            Some(value) => Ok(vec![item(value)?]),
        }
    }

    /// Whole numbers: one, or a list of them; empty when not given.
    pub(crate) fn ints(self, name: &str) -> Result<Vec<i64>, String> {
        let item = |value: &Value| match value {
            Value::Int(int) => Ok(*int),
            Value::Json(json) => json.as_i64().ok_or_else(|| wrong(name, "a whole number", value)),
            other => Err(wrong(name, "a whole number", other)),
        };
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items.iter().map(item).collect(),
            Some(value) => Ok(vec![item(value)?]),
        }
    }

    /// A map of texts, empty when not given.
    pub(crate) fn text_map(self, name: &str) -> Result<Vec<(String, String)>, String> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(value) => text_map(name, value),
        }
    }

    pub(crate) fn duration(self, name: &str) -> Result<Option<Duration>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Duration(ms)) => Ok(Some(Duration::from_millis(*ms))),
            Some(value) => Err(wrong(name, "a duration", value)),
        }
    }

    /// A value as JSON, for a body.
    pub(crate) fn json(self, name: &str) -> Result<Option<serde_json::Value>, String> {
        self.get(name)
            .map(|value| to_json(value).ok_or_else(|| wrong(name, "something that JSON can hold", value)))
            .transpose()
    }
}

/// A map of texts.
pub(crate) fn text_map(name: &str, value: &Value) -> Result<Vec<(String, String)>, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a map of texts", value));
    match value {
        Value::Map(members) | Value::Record(members) => {
            members.iter().map(|(key, value)| Ok((key.clone(), text(value)?))).collect()
        }
        Value::Json(serde_json::Value::Object(members)) => {
            members.iter().map(|(key, json)| Ok((key.clone(), text(&Value::Json(json.clone()))?))).collect()
        }
        other => Err(wrong(name, "a map of texts", other)),
    }
}

fn wrong(name: &str, wanted: &str, value: &Value) -> String {
    format!("`{name}` must be {wanted}, and is {}", kind(value))
}

/// What a value is, for messages; never the value itself, which may be long or secret.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::None => "none",
        Value::Bool(_) => "a bool",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::String(_) => "a text",
        Value::Duration(_) => "a duration",
        Value::Size(_) => "a size",
        Value::Time(_) => "a time",
        Value::Regex(_) => "a regex",
        Value::Json(_) => "another kind of JSON",
        Value::List(_) => "a list",
        Value::Map(_) | Value::Record(_) => "a map",
        Value::Resource(_) => "a resource",
        Value::Call { .. } => "an action",
    }
}

/// Durations and sizes become numbers (milliseconds, bytes), times RFC 3339; resources and calls have no JSON.
fn to_json(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Value::None => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Int(int) => Json::from(*int),
        Value::Float(float) => Json::from(*float),
        Value::String(text) | Value::Regex(text) => Json::from(text.as_str()),
        Value::Duration(number) | Value::Size(number) => Json::from(*number),
        Value::Time(ms) => Json::from(jiff::Timestamp::from_millisecond(*ms).ok()?.to_string()),
        Value::Json(json) => json.clone(),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(members) | Value::Record(members) => {
            let member = |(name, value): (&String, &Value)| Some((name.clone(), to_json(value)?));
            Json::Object(members.iter().map(member).collect::<Option<_>>()?)
        }
        Value::Resource(_) | Value::Call { .. } => return None,
    })
}
