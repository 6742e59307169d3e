//! `plan explain`: codes, lints and functions, from the same tables that the checker uses.

use serde_json::json;

use crate::diag::{Code, Problem, Severity};
use crate::model::FunctionKind;
use crate::registry::{self, Function};
use crate::{actions, analysis, driver, journal, syntax, template, view};

use super::args;
use super::check::SHAPE;
use super::exit::Exit;
use super::output::Output;

/// Every code of every layer, in the order of their ids.
pub(super) fn codes() -> Vec<&'static Code> {
    let layers: [&[&'static Code]; 8] = [
        syntax::codes::CODES,
        analysis::codes::CODES,
        analysis::codes_flow::CODES,
        driver::codes::CODES,
        actions::CODES,
        view::codes::CODES,
        template::CODES,
        journal::codes::CODES,
    ];
    let mut codes: Vec<_> = layers.into_iter().flatten().copied().collect();
    codes.sort_by_key(|code| code.id);
    codes
}

pub(super) fn explain(args: &args::Explain, output: &Output) -> Result<Exit, Problem> {
    let Some(what) = &args.what else {
        list(args.json.json, output);
        return Ok(Exit::Done);
    };
    let code = codes().into_iter().find(|code| code.id.eq_ignore_ascii_case(what) || code.name == what);
    let functions: Vec<&Function> = registry::all().filter(|function| function.name == what).collect();
    if code.is_none() && functions.is_empty() {
        return Err(unknown(what));
    }
    if args.json.json {
        let functions: Vec<_> = functions.iter().map(|function| function_json(function)).collect();
        output.json(&json!({ "version": SHAPE, "code": code.map(code_json), "functions": functions }));
        return Ok(Exit::Done);
    }
    if let Some(code) = code {
        output.line(&format!("{} {} ({}): {}\n", code.id, code.name, word(code.severity), code.title));
        output.line(code.explain.trim());
    }
    for function in functions {
        output.line(registry::entry_page(function).trim());
    }
    Ok(Exit::Done)
}

fn unknown(what: &str) -> Problem {
    let names = codes().into_iter().flat_map(|code| [code.id, code.name]).chain(registry::all().map(|f| f.name));
    let near = names.map(|name| (strsim::jaro_winkler(name, what), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    let problem = Problem::new(&driver::codes::BAD_ARGUMENT, format!("there is no code, lint or function `{what}`"));
    match near {
        Some((score, name)) if score > 0.8 => problem.advice(format!("did you mean `{name}`?")),
        _ => problem.advice("`plan explain` lists them all"),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "lint",
    }
}

fn kind(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Pure => "pure",
        FunctionKind::Probe => "probe",
        FunctionKind::Action => "action",
        FunctionKind::Tool => "tool",
        FunctionKind::Source => "source",
    }
}

fn code_json(code: &Code) -> serde_json::Value {
    json!({
        "id": code.id, "name": code.name, "severity": word(code.severity), "title": code.title, "explain": code.explain,
    })
}

fn function_json(function: &Function) -> serde_json::Value {
    json!({
        "name": function.name,
        "kind": kind(function.kind),
        "signature": function.signature(),
        "available": function.real,
        "doc": function.doc,
        "example": function.example,
    })
}

fn list(as_json: bool, output: &Output) {
    if as_json {
        let functions: Vec<_> = registry::all().map(function_json).collect();
        let codes: Vec<_> = codes().into_iter().map(code_json).collect();
        return output.json(&json!({ "version": SHAPE, "codes": codes, "functions": functions }));
    }
    let codes = codes();
    let width = codes.iter().map(|code| code.name.len()).max().unwrap_or(0);
    output.line("Codes and lints:");
    for code in codes {
        output.line(&format!("  {}  {:width$}  {}", code.id, code.name, code.title));
    }
    output.line("\nFunctions (`plan explain NAME`):");
    for wanted in
        [FunctionKind::Action, FunctionKind::Probe, FunctionKind::Pure, FunctionKind::Tool, FunctionKind::Source]
    {
        let names: Vec<&str> = registry::all().filter(|f| f.kind == wanted).map(|f| f.name).collect();
        output.line(&format!("  {:6}  {}", kind(wanted), names.join(", ")));
    }
}
