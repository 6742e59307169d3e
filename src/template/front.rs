//! The front matter of a template: what it is for, and what it has to be given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What stands between the lines of `---`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// One line.
    pub title: String,
    #[serde(default)]
    pub doc: String,
    #[serde(default, rename = "param")]
    pub params: Vec<Param>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    pub name: String,
    #[serde(rename = "type", default)]
    pub kind: Kind,
    pub doc: String,
    /// Used when nothing is given.
    pub default: Option<String>,
    /// Used when the template is checked.
    pub example: Option<String>,
    /// When only these will do.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    String,
    /// A bare name of the language.
    Name,
    Int,
    Bool,
    /// `90s`, `1h30m`
    Duration,
    /// Parts with commas between: a list for `{{#each}}`.
    List,
}

/// The front matter and the plan.
pub(super) fn split(text: &str) -> Result<(Front, &str), String> {
    let rest = text.strip_prefix("---\n").ok_or("it does not begin with a front matter (a line of `---`)")?;
    let (front, body) = rest.split_once("\n---\n").ok_or("its front matter has no end (a line of `---`)")?;
    let front: Front = toml::from_str(front).map_err(|error| format!("its front matter: {}", error.message()))?;
    Ok((front, body))
}

impl Front {
    /// All values, or everything that is wrong with those given.
    pub(super) fn values(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, Json>, Vec<String>> {
        let mut wrong = Vec::new();
        let mut values = BTreeMap::new();
        for param in &self.params {
            match given.get(&param.name).or(param.default.as_ref()) {
                None => wrong.push(format!("`{}` is missing: {}", param.name, param.doc)),
                Some(text) => match param.value(text) {
                    Ok(value) => drop(values.insert(param.name.clone(), value)),
                    Err(why) => wrong.push(format!("`{}` is {text:?}, and {why}", param.name)),
                },
            }
        }
        for name in given.keys().filter(|name| !self.params.iter().any(|param| param.name == **name)) {
            wrong.push(format!("it has no parameter `{name}`"));
        }
        if wrong.is_empty() { Ok(values) } else { Err(wrong) }
    }
}

impl Param {
    fn value(&self, text: &str) -> Result<Json, String> {
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == text) {
            return Err(format!("it is one of {}", self.choices.join(", ")));
        }
        if text.contains("{{") {
            return Err("`{{` in it would be filled in once more as the plan runs".to_owned());
        }
        match self.kind {
            Kind::String => Ok(Json::from(text)),
            Kind::Name if is_name(text) => Ok(Json::from(text)),
            Kind::Name => Err("it has to be a name: letters, digits and `_`, no digit first".to_owned()),
            Kind::Int => text.parse::<i64>().map(Json::from).map_err(|_| "it has to be a whole number".to_owned()),
            Kind::Bool => text.parse::<bool>().map(Json::from).map_err(|_| "it has to be true or false".to_owned()),
            Kind::Duration if is_duration(text) => Ok(Json::from(text)),
            Kind::Duration => Err("it has to be a duration such as 90s or 1h30m".to_owned()),
            Kind::List => Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect()),
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let unit = ["ms", "s", "m", "h", "d"].into_iter().find(|unit| rest[digits..].starts_with(unit));
        match (digits, unit) {
            (1.., Some(unit)) => rest = &rest[digits + unit.len()..],
            _ => return false,
        }
    }
    !text.is_empty()
}
