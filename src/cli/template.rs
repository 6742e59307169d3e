//! `plan new` and `plan template`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::diag::{self, Diagnostic, Problem};
use crate::driver::{self, codes};
use crate::source::Source;
use crate::syntax::Limits;
use crate::template::{self, Template};

use super::args::{self, TemplateCommand};
use super::check::SHAPE;
use super::exit::Exit;
use super::files;
use super::output::Output;

/// `plans/templates` of the nearest folder upwards that has one.
fn folder() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("plans/templates")).find(|folder| folder.is_dir())
}

pub(super) fn new(args: &args::New, output: &Output) -> Result<Exit, Problem> {
    let template = template::find(folder().as_deref(), &args.from)?;
    let mut given = BTreeMap::new();
    for set in &args.sets {
        let Some((name, value)) = set.split_once('=') else {
            let problem = Problem::new(&codes::BAD_ARGUMENT, format!("`--set {set}` has no `=`"));
            return Err(problem.advice("write it as `--set name=value`"));
        };
        given.insert(name.trim().to_owned(), value.to_owned());
    }
    let text = template.render(&given)?;
    let path = target(&args.name)?;
    let found = check(&path, &text);
    output.err(&diag::render(&Source::new(&path, text.clone()), &found, output.style()));
    if found.iter().any(Diagnostic::is_error) {
        let message =
            format!("what the template `{}` makes of these values is no plan; nothing was written", template.name);
        return Err(Problem::new(&codes::INVALID_PLAN, message).advice("mend the values, or the template"));
    }
    write(&path, &text, args.force)?;
    output.line(&format!("{}: made from the template `{}`; next: plan validate {0}", path.display(), template.name));
    Ok(Exit::Done)
}

/// The file of a new plan: a name, or a path that ends in `.plan`.
fn target(name: &str) -> Result<PathBuf, Problem> {
    let path = match name.ends_with(".plan") {
        true => PathBuf::from(name),
        false => PathBuf::from(format!("{name}.plan")),
    };
    match path.file_stem().is_some_and(|stem| !stem.is_empty()) {
        true => Ok(path),
        false => Err(Problem::new(&codes::BAD_ARGUMENT, format!("`{name}` names no plan file"))),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Problem> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).create_new(!force).truncate(force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let problem = files::unreadable(path, &error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => problem.advice("choose another name, or write over it with `--force`"),
            _ => problem,
        }
    })
}

fn check(path: &Path, text: &str) -> Vec<Diagnostic> {
    driver::check(&Source::new(path, text), &Limits::default()).1
}

pub(super) fn template(args: &args::Template, output: &Output) -> Result<Exit, Problem> {
    match &args.command {
        TemplateCommand::List { json } => list(json.json, output),
        TemplateCommand::Show { name, json } => show(name, json.json, output),
        TemplateCommand::Check { names } => check_all(names, output),
    }
}

fn list(as_json: bool, output: &Output) -> Result<Exit, Problem> {
    let all = template::all(folder().as_deref())?;
    if as_json {
        let all: Vec<_> = all.iter().map(shape).collect();
        output.json(&json!({ "version": SHAPE, "templates": all }));
        return Ok(Exit::Done);
    }
    let width = all.iter().map(|template| template.name.len()).max().unwrap_or(0);
    for template in all {
        let whose = if template.path.is_some() { " (of this project)" } else { "" };
        output.line(&format!("{:width$}  {}{whose}", template.name, template.front.title));
    }
    Ok(Exit::Done)
}

fn shape(template: &Template) -> serde_json::Value {
    json!({
        "name": template.name, "title": template.front.title, "doc": template.front.doc, "digest": template.digest,
        "path": template.path, "params": template.front.params,
    })
}

fn show(name: &str, as_json: bool, output: &Output) -> Result<Exit, Problem> {
    let template = template::find(folder().as_deref(), name)?;
    if as_json {
        output.json(&json!({ "version": SHAPE, "template": shape(&template) }));
        return Ok(Exit::Done);
    }
    output.line(&format!("{}: {}\n\n{}\n", template.name, template.front.title, template.front.doc.trim()));
    let width = template.front.params.iter().map(|param| param.name.len()).max().unwrap_or(0);
    let mut sets = String::new();
    for param in &template.front.params {
        let note = match (&param.default, param.choices.is_empty()) {
            (Some(default), true) => format!(" [default: {default}]"),
            (Some(default), false) => format!(" [default: {default}; one of {}]", param.choices.join(", ")),
            (None, _) => String::new(),
        };
        output.line(&format!("  {:width$}  {}{note}", param.name, param.doc));
        if param.default.is_none() {
            sets.push_str(&format!(" --set {}={:?}", param.name, param.example.as_deref().unwrap_or("…")));
        }
    }
    output.line(&format!("\n  plan new NAME --from {}{sets}", template.name));
    Ok(Exit::Done)
}

/// Makes each template with its examples, and checks the plan that comes of it.
fn check_all(names: &[String], output: &Output) -> Result<Exit, Problem> {
    let folder = folder();
    let chosen = match names.is_empty() {
        true => template::all(folder.as_deref())?,
        false => names.iter().map(|name| template::find(folder.as_deref(), name)).collect::<Result<_, _>>()?,
    };
    let mut exit = Exit::Done;
    for template in chosen {
        let text = match template.example() {
            Ok(text) => text,
            Err(problem) => {
                output.problem(&problem);
                exit = Exit::Findings;
                continue;
            }
        };
        let path = PathBuf::from(format!("{}.plan", template.name));
        let found = check(&path, &text);
        output.err(&diag::render(&Source::new(&path, text), &found, output.style()));
        match found.is_empty() {
            true => output.line(&format!("{}: ok", template.name)),
            false => exit = Exit::Findings,
        }
    }
    Ok(exit)
}
