//! Functions over text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use sha2::{Digest, Sha256};

use crate::model::Value;
use crate::registry::PureFn;
use crate::registry::operators::{contains, described};

use super::regexes::pattern;
use super::{Items, arg, int, text};

/// All but the unreserved characters of RFC 3986.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn pure_fn(name: &str) -> Option<PureFn> {
    Some(match name {
        "lower" => |args| Ok(Value::String(text(args, 0)?.to_lowercase())),
        "upper" => |args| Ok(Value::String(text(args, 0)?.to_uppercase())),
        "trim" => |args| Ok(Value::string(text(args, 0)?.trim())),
        "starts_with" => |args| Ok(Value::Bool(text(args, 0)?.starts_with(text(args, 1)?))),
        "ends_with" => |args| Ok(Value::Bool(text(args, 0)?.ends_with(text(args, 1)?))),
        "contains" => |args| contains(arg(args, 0)?, arg(args, 1)?).map(Value::Bool),
        "lines" => |args| Ok(Value::strings(text(args, 0)?.lines())),
        "matches" => |args| Ok(Value::Bool(pattern(args, 1)?.is_match(text(args, 0)?))),
        "sha256" => |args| Ok(Value::String(sha256(text(args, 0)?))),
        "url_encode" => |args| Ok(Value::String(url_encoded(text(args, 0)?))),
        "replace" => replace,
        "split" => split,
        "count" => count,
        "find" => find,
        "find_all" => find_all,
        "query" => query,
        _ => return None,
    })
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, URL).to_string()
}

fn query(args: &[Option<Value>]) -> Result<Value, String> {
    let Value::Map(map) = arg(args, 0)? else { return Err("a query is made of a map".to_owned()) };
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{}={}", url_encoded(key), url_encoded(&crate::registry::printed(value))))
        .collect();
    Ok(Value::String(pairs.join("&")))
}

fn replace(args: &[Option<Value>]) -> Result<Value, String> {
    let (whole, with) = (text(args, 0)?, text(args, 2)?);
    match arg(args, 1)? {
        Value::Regex(_) => Ok(Value::string(pattern(args, 1)?.replace_all(whole, with))),
        _ => Ok(Value::String(whole.replace(separator(args)?, with))),
    }
}

fn split(args: &[Option<Value>]) -> Result<Value, String> {
    let whole = text(args, 0)?;
    match arg(args, 1)? {
        Value::Regex(_) => Ok(Value::strings(pattern(args, 1)?.split(whole))),
        _ => Ok(Value::strings(whole.split(separator(args)?))),
    }
}

/// An empty text stands between any two characters: nobody means that.
fn separator(args: &[Option<Value>]) -> Result<&str, String> {
    match text(args, 1)? {
        "" => Err("an empty text cannot be looked for".to_owned()),
        separator => Ok(separator),
    }
}

fn count(args: &[Option<Value>]) -> Result<Value, String> {
    let wanted = args.get(1).is_some_and(Option::is_some).then(|| pattern(args, 1)).transpose()?;
    match (arg(args, 0)?, wanted) {
        (value, wanted) if value.as_str().is_none() => {
            let items = Items::of(args, 0)?.items;
            let Some(wanted) = wanted else { return int(items.len()) };
            int(items.iter().filter_map(Value::as_str).filter(|item| wanted.is_match(item)).count())
        }
        (_, Some(wanted)) => int(wanted.find_iter(text(args, 0)?).count()),
        (value, None) => Err(format!("what should be counted in {}? Give a pattern, or use `len`", described(value))),
    }
}

/// The first group when there are groups, else the whole match.
fn matched(regex: &Regex, found: &Captures<'_>) -> Value {
    let group = usize::from(regex.captures_len() > 1);
    Value::string(found.get(group).map_or("", |part| part.as_str()))
}

fn find(args: &[Option<Value>]) -> Result<Value, String> {
    let regex = pattern(args, 1)?;
    Ok(regex.captures(text(args, 0)?).map_or(Value::None, |found| matched(&regex, &found)))
}

fn find_all(args: &[Option<Value>]) -> Result<Value, String> {
    let regex = pattern(args, 1)?;
    Ok(Value::List(regex.captures_iter(text(args, 0)?).map(|found| matched(&regex, &found)).collect()))
}
