//! `plan lint`: what SQL files lose, whom they block, what they write anew. Nothing is run.

use std::path::PathBuf;

use crate::diag::{Diagnostic, Problem, Severity};
use crate::driver::codes;
use crate::lint::{self, Finding, Selector};
use crate::source::Span;

use super::args;
use super::check::{Checked, print};
use super::exit::Exit;
use super::files;
use super::output::Output;

pub(super) fn lint(args: &args::Lint, output: &Output) -> Result<Exit, Problem> {
    let deny = selectors(&args.deny)?;
    let warn = selectors(&args.warn)?;
    let mut checked = Vec::new();
    for path in found(&args.files)? {
        let source = files::read(&path)?;
        let findings = lint::lint(source.text());
        let diagnostics = findings.into_iter().filter_map(|finding| judged(finding, &deny, &warn)).collect();
        checked.push(Checked { source, diagnostics });
    }
    let format = if args.json { args::ValidateFormat::Json } else { args.format };
    print(&checked, format, |code| code.name, output);
    let denied = checked.iter().flat_map(|file: &Checked| &file.diagnostics).any(Diagnostic::is_error);
    Ok(if denied { Exit::Findings } else { Exit::Done })
}

fn found(given: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let found = files::with_extension(given, "sql")?;
    if found.is_empty() {
        return Err(Problem::new(&codes::BAD_ARGUMENT, "there is no `*.sql` file in the folders given"));
    }
    Ok(found)
}

fn selectors(names: &[String]) -> Result<Vec<Selector>, Problem> {
    let parse = |name: &String| name.parse().map_err(|error: String| Problem::new(&codes::BAD_ARGUMENT, error));
    names.iter().filter(|name| !name.is_empty()).map(parse).collect()
}

/// What is denied is an error; the rest is a warning, or, when `--warn` names classes, silent unless it is one of them.
fn judged(finding: Finding, deny: &[Selector], warn: &[Selector]) -> Option<Diagnostic> {
    let covers = |selectors: &[Selector]| selectors.iter().any(|selector| selector.covers(finding.class));
    let severity = match () {
        () if covers(deny) => Severity::Error,
        () if warn.is_empty() || covers(warn) => Severity::Warning,
        () => return None,
    };
    let span = Span::new(finding.span.start, finding.span.end);
    let diagnostic = Diagnostic::new(finding.class.code(), span, finding.message).advice(finding.advice);
    Some(diagnostic.severity(severity))
}
