//! The plan language as text: golden files for diagnostics and for the formatter, and properties of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plan::diag::Diagnostic;
use plan::source::Source;
use plan::syntax::{Limits, codes, format, parse};

fn files(dir: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(suffix)).collect();
    found.sort();
    found
}

fn source(text: &str) -> Arc<Source> {
    Source::new("test.plan", text)
}

/// One line a diagnostic, as fixtures have them.
fn lines(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let line = |diagnostic: &Diagnostic| {
        let (line, column) = source.position(diagnostic.span.start);
        format!("#~ {} {line}:{column} {}\n", diagnostic.code.id, diagnostic.message)
    };
    diagnostics.iter().map(line).collect()
}

/// A fixture without its expectations, and these.
fn split(fixture: &str) -> (String, String) {
    let (expected, plan): (Vec<&str>, Vec<&str>) = fixture.split_inclusive('\n').partition(|line| line.starts_with("#~"));
    (plan.concat(), expected.concat())
}

fn check_fixture(path: &Path) -> Result<Vec<&'static str>, String> {
    let (plan, expected) = split(&fs::read_to_string(path).unwrap());
    let source = Source::new(path, plan.clone());
    let diagnostics = parse(&source, &Limits::default()).diagnostics;
    for diagnostic in &diagnostics {
        assert!(diagnostic.advice.is_some(), "{}: no advice: {diagnostic:?}", path.display());
        assert!(source.text().get(diagnostic.span.range()).is_some(), "{}: bad place: {diagnostic:?}", path.display());
    }
    let seen = lines(&source, &diagnostics);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, format!("{plan}{seen}")).unwrap();
    } else if seen != expected {
        return Err(format!("{}\nexpected:\n{expected}seen:\n{seen}", path.display()));
    }
    Ok(diagnostics.iter().map(|diagnostic| diagnostic.code.id).collect())
}

#[test]
fn fixtures_show_their_diagnostics_and_nothing_else() {
    let mut failures = Vec::new();
    for code in codes::CODES {
        let dir = format!("tests/golden/diagnostics/{}", code.id);
        let fixtures = if Path::new(&dir).is_dir() { files(&dir, ".plan") } else { Vec::new() };
        if fixtures.is_empty() {
            failures.push(format!("{} {} has no fixture in {dir}", code.id, code.name));
        }
        for fixture in fixtures {
            match check_fixture(&fixture) {
                Ok(seen) if !seen.contains(&code.id) => failures.push(format!("{} lacks its code", fixture.display())),
                Ok(_) => {}
                Err(failure) => failures.push(failure),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
