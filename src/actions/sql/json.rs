//! Values of a database as JSON.

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

/// A row: column names with values, in order. A name that occurs twice keeps its last value.
pub(crate) type Fields = Vec<(String, Json)>;

/// PostgreSQL's text form of a row (simple queries yield it for every type).
pub(crate) fn postgres(row: &PgRow) -> Result<Fields, String> {
    let mut fields = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| error.to_string())?;
        let json = if value.is_null() {
            Json::Null
        } else {
            let text = value.as_str().map_err(|error| format!("column `{}`: {error}", column.name()))?;
            typed(column.type_info().name(), text)
        };
        fields.push((column.name().to_owned(), json));
    }
    Ok(fields)
}

/// A PostgreSQL value by the name of its type and its text.
fn typed(name: &str, text: &str) -> Json {
    if let Some(element) = name.strip_suffix("[]") {
        return array(element, text).unwrap_or_else(|| Json::from(text));
    }
    let known = match name {
        "INT2" | "INT4" | "INT8" | "OID" => text.parse::<i64>().ok().map(Json::from),
        "FLOAT4" | "FLOAT8" => text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Json::from),
        "NUMERIC" => exact_number(text),
        "BOOL" => Some(Json::Bool(text == "t")),
        "JSON" | "JSONB" => serde_json::from_str(text).ok(),
        "BYTEA" => text.strip_prefix("\\x").map(Json::from),
        "TIMESTAMP" | "TIMESTAMPTZ" => Some(Json::from(timestamp(text))),
        _ => None,
    };
    known.unwrap_or_else(|| Json::from(text))
}

/// A decimal as a number when a number holds it exactly, else nothing (it stays a text).
fn exact_number(text: &str) -> Option<Json> {
    if let Ok(int) = text.parse::<i64>() {
        return Some(Json::from(int));
    }
    let float: f64 = text.parse().ok()?;
    let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    (float.is_finite() && float.to_string() == shortest).then(|| Json::from(float))
}

/// `2026-01-02 03:04:05.6+00` → `2026-01-02T03:04:05.6Z`; `infinity` and years before Christ stay as they are.
fn timestamp(text: &str) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with("BC") {
        return text.to_owned();
    }
    let text = text.replacen(' ', "T", 1);
    match text.strip_suffix("+00") {
        Some(utc) => format!("{utc}Z"),
        None => text,
    }
}

/// `{1,NULL,"a,b",{2}}` → a JSON array; nothing when it cannot be read (bounds such as `[0:1]={…}`).
fn array(element: &str, text: &str) -> Option<Json> {
    let mut chars = text.chars().peekable();
    let json = items(element, &mut chars)?;
    chars.next().is_none().then_some(json)
}

fn items(element: &str, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Json> {
    if chars.next()? != '{' {
        return None;
    }
    let mut found = Vec::new();
    if chars.next_if_eq(&'}').is_some() {
        return Some(Json::Array(found));
    }
    loop {
        found.push(match chars.peek()? {
            '{' => items(element, chars)?,
            '"' => typed(element, &quoted(chars)?),
            _ => {
                let mut word = String::new();
                while let Some(c) = chars.next_if(|c| *c != ',' && *c != '}') {
                    word.push(c);
                }
                if word == "NULL" { Json::Null } else { typed(element, &word) }
            }
        });
        match chars.next()? {
            ',' => {}
            '}' => return Some(Json::Array(found)),
            _ => return None,
        }
    }
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    chars.next();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            c => text.push(c),
        }
    }
}

/// A row of SQLite, whose values know their own types; blobs become hex.
pub(crate) fn sqlite(row: &SqliteRow) -> Result<Fields, String> {
    let mut fields = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let name = column.name();
        let wrong = |error: sqlx::Error| format!("column `{name}`: {error}");
        let kind = row.try_get_raw(index).map_err(wrong)?.type_info().name().to_owned();
        let json = match kind.as_str() {
            "NULL" => Json::Null,
            "INTEGER" | "BOOLEAN" => Json::from(row.try_get_unchecked::<i64, _>(index).map_err(wrong)?),
            "REAL" => Json::from(row.try_get_unchecked::<f64, _>(index).map_err(wrong)?),
            "BLOB" => {
                let bytes: Vec<u8> = row.try_get_unchecked(index).map_err(wrong)?;
                Json::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            _ => Json::from(row.try_get_unchecked::<String, _>(index).map_err(wrong)?),
        };
        fields.push((name.to_owned(), json));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_forms_become_json() {
        assert_eq!(typed("INT8", "-42"), json!(-42));
        assert_eq!(typed("BOOL", "f"), json!(false));
        assert_eq!(typed("NUMERIC", "12.50"), json!(12.5));
        assert_eq!(typed("NUMERIC", "0.1234567890123456789"), json!("0.1234567890123456789"));
        assert_eq!(typed("NUMERIC", "99999999999999999999"), json!("99999999999999999999"));
        assert_eq!(typed("FLOAT8", "NaN"), json!("NaN"));
        assert_eq!(typed("JSONB", "{\"a\": [1]}"), json!({"a": [1]}));
        assert_eq!(typed("BYTEA", "\\x00ff"), json!("00ff"));
        assert_eq!(typed("TIMESTAMPTZ", "2026-01-02 03:04:05.6+00"), json!("2026-01-02T03:04:05.6Z"));
        assert_eq!(typed("TIMESTAMP", "infinity"), json!("infinity"));
        assert_eq!(typed("UUID", "b71d"), json!("b71d"));
    }

    #[test]
    fn arrays_are_read_with_their_element_type() {
        assert_eq!(typed("INT4[]", "{1,NULL,{2,3}}"), json!([1, null, [2, 3]]));
        assert_eq!(typed("TEXT[]", r#"{a,"b,\"c\\","NULL",""}"#), json!(["a", "b,\"c\\", "NULL", ""]));
        assert_eq!(typed("TEXT[]", "{}"), json!([]));
        assert_eq!(typed("INT4[]", "[0:1]={1,2}"), json!("[0:1]={1,2}"));
    }
}
