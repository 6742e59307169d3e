//! Values as text: in templates, in JSON, and for people.

use unicode_width::UnicodeWidthChar;

use crate::model::Value;

use super::amount::{duration_text, size_text, time_text};

/// Columns of [`shown`].
const WIDTH: usize = 80;

/// A value as a template prints it. What has no plain form (a list, a record) prints as JSON; templates refuse those before.
pub fn printed(value: &Value) -> String {
    match value {
        Value::None => "none".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::String(text) | Value::Regex(text) | Value::Resource(text) => text.clone(),
        Value::Duration(millis) => duration_text(*millis),
        Value::Size(bytes) => size_text(*bytes),
        Value::Time(millis) => time_text(*millis),
        Value::Json(serde_json::Value::String(text)) => text.clone(),
        Value::Json(json) => json.to_string(),
        Value::Call { function, .. } => format!("{function}(…)"),
        Value::List(_) | Value::Map(_) | Value::Record(_) => {
            to_json(value).map_or_else(|_| shown(value), |json| json.to_string())
        }
    }
}

/// A value as JSON: times are RFC 3339, durations seconds, sizes bytes. `Err` says what JSON cannot hold.
pub fn to_json(value: &Value) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    let object = |map: &std::collections::BTreeMap<String, Value>| {
        map.iter()
            .map(|(key, value)| Ok((key.clone(), to_json(value)?)))
            .collect::<Result<_, String>>()
            .map(Json::Object)
    };
    match value {
        Value::None => Ok(Json::Null),
        Value::Bool(value) => Ok(Json::from(*value)),
        Value::Int(value) => Ok(Json::from(*value)),
        Value::Float(value) => Ok(Json::from(*value)),
        Value::String(text) => Ok(Json::from(text.as_str())),
        Value::Duration(millis) if millis % 1000 == 0 => Ok(Json::from(millis / 1000)),
        // Exact to the millisecond up to 2^53 of them: 285,000 years.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        Value::Duration(millis) => Ok(Json::from(*millis as f64 / 1000.0)),
        Value::Size(bytes) => Ok(Json::from(*bytes)),
        Value::Time(millis) => Ok(Json::from(time_text(*millis))),
        Value::Json(json) => Ok(json.clone()),
        Value::List(items) => items.iter().map(to_json).collect::<Result<_, _>>().map(Json::Array),
        Value::Map(map) | Value::Record(map) => object(map),
        Value::Regex(_) => Err("JSON cannot hold a regex".to_owned()),
        Value::Resource(name) => Err(format!("JSON cannot hold `{name}`, a resource")),
        Value::Call { function, .. } => Err(format!("JSON cannot hold a call of `{function}`")),
    }
}

/// A value for people: texts in quotes, on one line, cut at 80 columns.
pub fn shown(value: &Value) -> String {
    let mut line = Line::default();
    line.value(value);
    line.text
}

/// Collects text until its columns are used up.
#[derive(Default)]
struct Line {
    text: String,
    width: usize,
    full: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        text.chars().for_each(|c| self.push_char(c));
    }

    /// One column is kept for the ellipsis, one for a closing quote.
    fn push_char(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.full {
            return;
        }
        if self.width + width > WIDTH - 2 {
            self.text.push('…');
            self.full = true;
            return;
        }
        self.width += width;
        self.text.push(c);
    }

    fn quoted(&mut self, text: &str) {
        if self.full {
            return;
        }
        self.push_char('"');
        for c in text.chars() {
            if self.full {
                break;
            }
            match c {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                c if c.is_control() || is_invisible(c) => self.push(&format!("\\u{{{:x}}}", u32::from(c))),
                c => self.push_char(c),
            }
        }
        // The quote is closed also when the text was cut: there is a column left for it.
        self.text.push('"');
        self.width += 1;
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) | Value::Json(serde_json::Value::String(text)) => self.quoted(text),
            Value::Regex(pattern) => self.push(&format!("/{}/", pattern.replace('/', "\\/"))),
            Value::Json(json) => self.json(json),
            Value::List(items) => self.sequence("[", "]", items, |line, item| line.value(item)),
            Value::Map(map) | Value::Record(map) => self.sequence("{ ", " }", map, |line, (key, value)| {
                line.push(key);
                line.push(": ");
                line.value(value);
            }),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Duration(_)
            | Value::Size(_)
            | Value::Time(_)
            | Value::Resource(_)
            | Value::Call { .. } => self.push(&printed(value)),
        }
    }

    fn json(&mut self, json: &serde_json::Value) {
        use serde_json::Value as Json;
        match json {
            Json::String(text) => self.quoted(text),
            Json::Array(items) => self.sequence("[", "]", items, |line, item| line.json(item)),
            Json::Object(map) => self.sequence("{ ", " }", map, |line, (key, value)| {
                line.push(key);
                line.push(": ");
                line.json(value);
            }),
            Json::Null | Json::Bool(_) | Json::Number(_) => self.push(&json.to_string()),
        }
    }

    fn sequence<T>(
        &mut self,
        open: &str,
        close: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return self.push(&format!("{}{}", open.trim(), close.trim()));
        }
        self.push(open);
        while let Some(item) = items.next() {
            if self.full {
                return;
            }
            each(self, item);
            if items.peek().is_some() {
                self.push(", ");
            }
        }
        self.push(close);
    }
}

/// Characters that would hide or turn what a terminal shows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn shown_fits_its_columns() {
        assert_eq!(shown(&Value::string("ready")), r#""ready""#);
        assert_eq!(shown(&Value::string("a\n\"b\"\u{1b}[0m")), r#""a\n\"b\"\u{1b}[0m""#);
        let long = shown(&Value::string("한".repeat(100)));
        assert!(long.ends_with("…\""), "{long}");
        assert!(long.width() <= WIDTH, "{}", long.width());
        let list = shown(&Value::strings(vec!["abcdefgh"; 50]));
        assert!(list.ends_with('…') || list.ends_with("…\""), "{list}");
        assert!(list.width() <= WIDTH, "{}", list.width());
    }

    #[test]
    fn shown_names_what_is_inside() {
        let response = Value::record([("status", Value::Int(503)), ("latency", Value::Duration(1500))]);
        assert_eq!(shown(&response), "{ latency: 1s500ms, status: 503 }");
        assert_eq!(shown(&Value::List(vec![])), "[]");
        assert_eq!(shown(&Value::Map([].into())), "{}");
        assert_eq!(shown(&Value::Json(serde_json::json!({"a": [null, "x"]}))), r#"{ a: [null, "x"] }"#);
        assert_eq!(shown(&Value::Float(1.0)), "1.0");
    }

    #[test]
    fn json_has_no_units() {
        let value =
            Value::record([("took", Value::Duration(1500)), ("size", Value::Size(1024)), ("at", Value::Time(0))]);
        let json = to_json(&value).expect("all of it fits JSON");
        assert_eq!(json.to_string(), r#"{"at":"1970-01-01T00:00:00Z","size":1024,"took":1.5}"#);
        assert!(to_json(&Value::List(vec![Value::Regex("a".into())])).is_err());
    }
}
