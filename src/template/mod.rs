//! Plan files for one release, made from templates: Handlebars with a typed front matter. A template yields text and nothing
//! else; whether that text is a plan is for the checker to say.
//!
//! A template is one file, `NAME.plan.hbs`: a front matter in TOML between two lines of `---`, then the plan, in which
//! `{{name}}` is filled in as the plan is made, and `\{{name}}` stays `{{name}}`, for the plan itself to fill in as it runs.

mod codes;
mod front;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use handlebars::Handlebars;
use sha2::{Digest, Sha256};

use crate::diag::Problem;

pub use codes::{BAD_PARAMETER, BAD_TEMPLATE, CODES, NO_TEMPLATE};
pub use front::{Front, Kind, Param};

/// What a template's file name ends in.
pub const SUFFIX: &str = ".plan.hbs";

/// The largest template, in bytes.
const LARGEST: usize = 256 * 1024;

/// The deepest nesting of its blocks.
const DEEPEST: usize = 32;

/// Those that come with the program.
const SHIPPED: &[(&str, &str)] = &[
    ("code-only", include_str!("../../plans/templates/code-only.plan.hbs")),
    ("companycam", include_str!("../../plans/templates/companycam.plan.hbs")),
    ("migration-only", include_str!("../../plans/templates/migration-only.plan.hbs")),
];

/// A template that was read and is fit for use.
#[derive(Debug, Clone)]
pub struct Template {
    pub name: String,
    /// The file; `None`: it comes with the program.
    pub path: Option<PathBuf>,
    pub front: Front,
    /// SHA-256 (hex) of the whole file.
    pub digest: String,
    body: String,
}

/// All templates in sight: those of the project first, then those that come with the program.
pub fn all(folder: Option<&Path>) -> Result<Vec<Template>, Problem> {
    let mut found = Vec::new();
    for path in folder.map(files).transpose()?.unwrap_or_default() {
        found.push(read(&path)?);
    }
    for (name, text) in SHIPPED {
        if !found.iter().any(|template: &Template| template.name == *name) {
            found.push(parse(name, None, text)?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: std::io::Error| Problem::new(&NO_TEMPLATE, format!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Reads a template file.
pub fn read(path: &Path) -> Result<Template, Problem> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(name) = name.strip_suffix(SUFFIX) else {
        let message = format!("`{}` is no template: its name does not end in `{SUFFIX}`", path.display());
        return Err(Problem::new(&NO_TEMPLATE, message));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::new(&NO_TEMPLATE, format!("`{}`: {error}", path.display())))?;
    parse(name, Some(path.to_owned()), &text)
}

/// Finds a template by its name, or reads the file that is named.
pub fn find(folder: Option<&Path>, which: &str) -> Result<Template, Problem> {
    if which.ends_with(SUFFIX) {
        return read(Path::new(which));
    }
    let all = all(folder)?;
    let names: Vec<String> = all.iter().map(|template| template.name.clone()).collect();
    all.into_iter().find(|template| template.name == which).ok_or_else(|| {
        Problem::new(&NO_TEMPLATE, format!("there is no template `{which}`"))
            .advice(format!("there are: {}", names.join(", ")))
    })
}

/// Reads the text of a template.
pub fn parse(name: &str, path: Option<PathBuf>, text: &str) -> Result<Template, Problem> {
    let bad = |why: String| Problem::new(&BAD_TEMPLATE, format!("the template `{name}` cannot be used: {why}"));
    if text.len() > LARGEST {
        return Err(bad(format!("it has {} bytes, and {LARGEST} are the most", text.len())));
    }
    let (front, body) = front::split(text).map_err(bad)?;
    fit(body).map_err(bad)?;
    // Found before anybody fills it in.
    engine(body).map_err(bad)?;
    let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Template { name: name.to_owned(), path, front, digest, body: body.to_owned() })
}

/// What the library would follow into depths, or out of the file.
fn fit(body: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for (at, _) in body.match_indices("{{") {
        let line = body[..at].matches('\n').count() + 1;
        let inside = body[at + 2..].trim_start_matches(['{', '~']).trim_start();
        if inside.starts_with('>') || inside.starts_with("#>") || inside.starts_with("#*") {
            return Err(format!("line {line} of its plan includes something else; a template is one file"));
        }
        if inside.starts_with('#') {
            depth += 1;
        } else if inside.starts_with('/') {
            depth = depth.saturating_sub(1);
        }
        if depth > DEEPEST {
            return Err(format!("line {line} of its plan lies more than {DEEPEST} blocks deep"));
        }
    }
    Ok(())
}

fn engine(body: &str) -> Result<Handlebars<'static>, String> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(escape);
    engine.register_template_string("plan", body).map_err(|error| error.to_string())?;
    Ok(engine)
}

/// As a value stands inside a text of a plan.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t")
}

impl Template {
    /// The plan file for these values. Every value that is missing, unknown or of another kind is said at once.
    pub fn render(&self, given: &BTreeMap<String, String>) -> Result<String, Problem> {
        let values = self.front.values(given).map_err(|wrong| {
            let message = format!("the values for the template `{}` are not right", self.name);
            let problem = wrong.into_iter().fold(Problem::new(&BAD_PARAMETER, message), Problem::detail);
            problem.advice(format!("`plan template show {}` explains them", self.name))
        })?;
        let bad = |why: String| {
            Problem::new(&BAD_TEMPLATE, format!("the template `{}` cannot be filled in: {why}", self.name))
        };
        let engine = engine(&self.body).map_err(bad)?;
        let text = engine.render("plan", &values).map_err(|error| bad(error.to_string()))?;
        Ok(format!("{}{}", self.head(given), text.trim_start_matches('\n')))
    }

    fn head(&self, given: &BTreeMap<String, String>) -> String {
        let sets: Vec<String> = given.iter().map(|(name, value)| format!(" --set {name}={value:?}")).collect();
        format!(
            "# Made from the template `{}` ({}):\n#   plan new … --from {}{}\n",
            self.name,
            &self.digest[..12],
            self.name,
            sets.concat()
        )
    }

    /// The plan that its examples make: what CI checks.
    pub fn example(&self) -> Result<String, Problem> {
        let examples = self.front.params.iter().filter_map(|param| Some((param.name.clone(), param.example.clone()?)));
        self.render(&examples.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::collections::BTreeMap;

    fn template(params: &str, body: &str) -> Result<super::Template, crate::diag::Problem> {
        parse("t", None, &format!("---\ntitle = \"T\"\n{params}---\n{body}"))
    }

    const NAME: &str = "[[param]]\nname = \"who\"\ntype = \"string\"\ndoc = \"Who\"\n";

    #[test]
    fn values_stand_inside_texts_and_what_the_plan_fills_in_stays() {
        let template = template(NAME, "plan x \"{{who}}\" {\n  # \\{{later}}\n}\n").unwrap();
        let text = template.render(&BTreeMap::from([("who".into(), "a \"b\" \\ 한국어".into())])).unwrap();
        assert!(text.contains(r#"plan x "a \"b\" \\ 한국어" {"#), "{text}");
        assert!(text.contains("# {{later}}"), "{text}");
    }

    #[test]
    fn everything_wrong_with_the_values_is_said_at_once() {
        let problem =
            template(NAME, "{{who}}").unwrap().render(&BTreeMap::from([("hwo".into(), "x".into())])).unwrap_err();
        assert_eq!(problem.details.len(), 2, "{problem}");
    }

    #[test]
    fn hostile_templates_get_an_error() {
        for body in ["{{> other}}", "{{#> layout}}{{/layout}}", "{{who", "{{nobody}}"] {
            let outcome = template(NAME, body).and_then(|t| t.render(&BTreeMap::from([("who".into(), "x".into())])));
            assert!(outcome.is_err(), "{body}");
        }
        let deep = "{{#if who}}".repeat(5_000) + &"{{/if}}".repeat(5_000);
        assert!(template(NAME, &deep).unwrap_err().message.contains("blocks deep"));
        assert!(super::find(None, "../../etc/passwd").is_err());
    }
}
