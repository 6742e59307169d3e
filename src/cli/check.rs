//! `plan validate` and `plan fmt`: nothing is run, no socket is opened, neither secrets nor the environment are read.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::analysis;
use crate::diag::{self, Code, Diagnostic, Problem, Severity};
use crate::source::{Source, Span};
use crate::syntax;

use super::exit::Exit;
use super::files;
use super::output::Output;
use super::{annotate, args};

/// The version of the JSON shapes that reading commands print.
pub(super) const SHAPE: u32 = 1;

impl From<args::Limits> for syntax::Limits {
    fn from(given: args::Limits) -> Self {
        let default = syntax::Limits::default();
        Self {
            file: given.max_file.unwrap_or(default.file),
            nodes: given.max_nodes.unwrap_or(default.nodes),
            ..default
        }
    }
}

/// A file with what was found in it.
pub(super) struct Checked {
    pub(super) source: Arc<Source>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

pub(super) fn validate(args: &args::Validate, output: &Output) -> Result<Exit, Problem> {
    let limits = args.limits.into();
    let mut files = Vec::new();
    for path in files::plans(&args.files)? {
        let source = files::read(&path)?;
        let parsed = syntax::parse(&source, &limits);
        let diagnostics = analysis::check(&source, &parsed).diagnostics;
        files.push(Checked { source, diagnostics });
    }
    let format = if args.json { args::ValidateFormat::Json } else { args.format };
    print(&files, format, |code| code.id, output);
    let bad = |d: &Diagnostic| d.is_error() || args.strict;
    let found = files.iter().flat_map(|file| &file.diagnostics).any(bad);
    Ok(if found { Exit::Findings } else { Exit::Done })
}

/// Prints what was found; `rule` gives the name that a code has as a SARIF rule.
pub(super) fn print(
    files: &[Checked],
    format: args::ValidateFormat,
    rule: fn(&'static Code) -> &'static str,
    output: &Output,
) {
    match format {
        args::ValidateFormat::Json => output.json(&json(files)),
        args::ValidateFormat::Sarif => output.json(&sarif(files, rule)),
        args::ValidateFormat::Github => output.text(&annotate::github(files, rule)),
        args::ValidateFormat::Junit => output.text(&annotate::junit(files, rule)),
        args::ValidateFormat::Text => text(files, output),
    }
}

fn text(files: &[Checked], output: &Output) {
    for file in files {
        output.err(&diag::render(&file.source, &file.diagnostics, output.style()));
        let errors = file.diagnostics.iter().filter(|d| d.is_error()).count();
        let warnings = file.diagnostics.len() - errors;
        let name = file.source.path().display();
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        match (errors, warnings) {
            (0, 0) => output.line(&format!("{name}: ok")),
            (0, n) => output.line(&format!("{name}: ok, with {}", count(n, "warning"))),
            (n, 0) => output.line(&format!("{name}: {}", count(n, "error"))),
            (n, m) => output.line(&format!("{name}: {}, {}", count(n, "error"), count(m, "warning"))),
        }
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    version: u32,
    files: Vec<JsonFile<'a>>,
}

#[derive(Serialize)]
struct JsonFile<'a> {
    path: String,
    ok: bool,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    code: &'a str,
    name: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: JsonPlace<'a>,
    related: Vec<JsonPlace<'a>>,
    advice: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPlace<'a> {
    label: &'a str,
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> JsonPlace<'a> {
    fn new(source: &Source, span: Span, label: &'a str) -> Self {
        let (start_line, start_column) = source.position(span.start);
        let (end_line, end_column) = source.position(span.end);
        Self { label, start_line, start_column, end_line, end_column }
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

impl<'a> JsonDiagnostic<'a> {
    fn new(source: &Source, d: &'a Diagnostic) -> Self {
        Self {
            code: d.code.id,
            name: d.code.name,
            severity: word(d.severity),
            message: &d.message,
            place: JsonPlace::new(source, d.span, &d.label),
            related: d.related.iter().map(|(span, label)| JsonPlace::new(source, *span, label)).collect(),
            advice: d.advice.as_deref(),
        }
    }
}

fn json(files: &[Checked]) -> JsonReport<'_> {
    let files = files
        .iter()
        .map(|file| JsonFile {
            path: file.source.path().display().to_string(),
            ok: !file.diagnostics.iter().any(Diagnostic::is_error),
            diagnostics: file.diagnostics.iter().map(|d| JsonDiagnostic::new(&file.source, d)).collect(),
        })
        .collect();
    JsonReport { version: SHAPE, files }
}

/// SARIF 2.1.0: one run, a rule for each code that occurs.
fn sarif(files: &[Checked], rule: fn(&'static Code) -> &'static str) -> serde_json::Value {
    let mut codes: Vec<&'static Code> = files.iter().flat_map(|file| &file.diagnostics).map(|d| d.code).collect();
    codes.sort_by_key(|code| code.id);
    codes.dedup_by_key(|code| code.id);
    let rules: Vec<_> = codes
        .iter()
        .map(|code| {
            json!({
                "id": rule(code),
                "name": code.name,
                "shortDescription": { "text": code.title },
                "help": { "text": code.explain, "markdown": code.explain },
                "defaultConfiguration": { "level": word(code.severity) },
            })
        })
        .collect();
    let results: Vec<_> = files
        .iter()
        .flat_map(|file| file.diagnostics.iter().map(|d| sarif_result(&file.source, d, rule(d.code))))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "plan", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(source: &Source, d: &Diagnostic, rule: &str) -> serde_json::Value {
    let location = |span: Span, message: Option<&str>| {
        let (start_line, start_column) = source.position(span.start);
        let (end_line, end_column) = source.position(span.end);
        let mut location = json!({ "physicalLocation": {
            "artifactLocation": { "uri": files::uri(source.path()) },
            "region": {
                "startLine": start_line, "startColumn": start_column,
                "endLine": end_line, "endColumn": end_column,
            },
        }});
        if let Some(message) = message {
            location["message"] = json!({ "text": message });
        }
        location
    };
    let text = match &d.advice {
        Some(advice) => format!("{}\n{advice}", d.message),
        None => d.message.clone(),
    };
    json!({
        "ruleId": rule,
        "level": word(d.severity),
        "message": { "text": text },
        "locations": [location(d.span, None)],
        "relatedLocations": d.related.iter().map(|(span, label)| location(*span, Some(label))).collect::<Vec<_>>(),
    })
}

pub(super) fn fmt(args: &args::Fmt, output: &Output) -> Result<Exit, Problem> {
    let limits = args.limits.into();
    let mut exit = Exit::Done;
    for path in files::plans(&args.files)? {
        let source = files::read(&path)?;
        let Some(formatted) = syntax::format(&source, &limits) else {
            let diagnostics = syntax::parse(&source, &limits).diagnostics;
            output.err(&diag::render(&source, &diagnostics, output.style()));
            exit = Exit::Findings;
            continue;
        };
        let changed = formatted != source.text();
        match (args.check, files::is_stdin(&path)) {
            (false, true) => output.text(&formatted),
            (true, _) if changed => {
                output.line(&format!("{}: would be laid out anew", path.display()));
                exit = Exit::Findings;
            }
            (false, false) if changed => {
                files::replace(&path, &formatted)?;
                output.line(&format!("{}: laid out anew", path.display()));
            }
            (_, _) => {}
        }
    }
    Ok(exit)
}
