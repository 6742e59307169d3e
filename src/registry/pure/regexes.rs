//! Regexes, compiled once and of limited size.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use regex::{Regex, RegexBuilder};

use crate::model::Value;
use crate::registry::operators::described;

use super::arg;

/// Bytes that one compiled pattern may take: no pattern can eat up the memory.
const SIZE: usize = 1 << 20;

/// Compiled patterns kept. A plan has a handful; more would only be made by templates gone wild.
const KEPT: usize = 256;

static CACHE: LazyLock<Mutex<BTreeMap<String, Regex>>> = LazyLock::new(Mutex::default);

/// Whether a pattern can be used; `Err` says in one line why not.
pub fn check_regex(pattern: &str) -> Result<(), String> {
    compiled(pattern).map(|_| ())
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let mut cache = CACHE.lock().expect("nothing panics while it holds the patterns");
    if let Some(regex) = cache.get(pattern) {
        return Ok(regex.clone());
    }
    let regex = RegexBuilder::new(pattern).size_limit(SIZE).build().map_err(|error| why(pattern, &error))?;
    if cache.len() >= KEPT {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}

/// The last line of the library's message says what; those before draw the pattern.
fn why(pattern: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => format!("the regex /{pattern}/ is too large"),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the regex /{pattern}/ cannot be read: {last}")
        }
    }
}

/// A regex argument; a text stands for itself.
pub(super) fn pattern(args: &[Option<Value>], index: usize) -> Result<Regex, String> {
    match arg(args, index)? {
        Value::Regex(pattern) => compiled(pattern),
        other => match other.as_str() {
            Some(text) => compiled(&regex::escape(text)),
            None => Err(format!("{} is neither a regex nor a text", described(other))),
        },
    }
}
