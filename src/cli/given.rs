//! What people give besides files: values, names, durations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::diag::Problem;
use crate::driver::codes;
use crate::engine::Who;
use crate::journal;
use crate::registry::{self, Given};

use super::args::Values;
use super::files;

/// `--vars` in their order, then `--set`: the later word counts.
pub(super) fn values(given: &Values) -> Result<BTreeMap<String, Given>, Problem> {
    let mut values = BTreeMap::new();
    for file in &given.vars {
        for (name, value) in vars(file)? {
            values.insert(name, Given::Json(value));
        }
    }
    for set in &given.sets {
        let Some((name, value)) = set.split_once('=') else {
            let problem = Problem::new(&codes::BAD_ARGUMENT, format!("`--set {set}` has no `=`"));
            return Err(problem.advice("write it as `--set name=value`"));
        };
        values.insert(name.trim().to_owned(), Given::Text(value.to_owned()));
    }
    Ok(values)
}

fn vars(path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
    let text = fs::read_to_string(path).map_err(|error| files::unreadable(path, &error))?;
    let bad = |why: String| {
        let problem = Problem::new(&codes::BAD_VALUES, format!("`{}` cannot be read: {why}", path.display()));
        problem.advice("it must be a TOML table, or a JSON object in a file whose name ends in .json")
    };
    let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    match json {
        true => serde_json::from_str(&text).map_err(|error| bad(error.to_string())),
        false => toml::from_str::<toml::Table>(&text)
            .map(|table| table.into_iter().map(|(name, value)| (name, plain(value))).collect())
            .map_err(|error| bad(error.message().to_owned())),
    }
}

/// A TOML value as JSON; a date, which JSON does not have, as its text.
fn plain(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(name, value)| (name, plain(value))).collect(),
    }
}

/// A duration as the language writes it.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    let bad = |_| {
        let problem = Problem::new(&codes::BAD_ARGUMENT, format!("`{text}` is not a duration"));
        problem.advice("write it as 90s, 50m, 1h30m")
    };
    registry::parse_duration(text).map(Duration::from_millis).map_err(bad)
}

/// Who is at the keyboard; `name`: from `--as`.
pub(super) fn who(name: Option<&str>) -> Who {
    let os_user = os_user();
    Who { name: name.map_or_else(|| os_user.clone(), str::to_owned), os_user, host: journal::host() }
}

/// The name of the user of this process, by its id: a variable could say anything.
fn os_user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid {uid}"))
}
