//! Golden diagnostics: one folder a code. The expected diagnostics stand at the end of each fixture as `#~` lines, in order,
//! and nothing else may be found. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use plan::diag::Diagnostic;
use plan::source::Source;
use plan::{analysis, syntax};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn plans(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "plan") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn check(name: &str, text: &str) -> Vec<Diagnostic> {
    let source = Source::new(name, text);
    let mut limits = syntax::Limits::default();
    if let Some(nodes) = text.lines().next().and_then(|line| line.strip_prefix("# limits: nodes=")) {
        limits.nodes = nodes.trim().parse().unwrap();
    }
    let parsed = syntax::parse(&source, &limits);
    analysis::check(&source, &parsed).diagnostics
}

fn lines(text: &str, found: &[Diagnostic]) -> Vec<String> {
    let source = Source::new("x.plan", text);
    found
        .iter()
        .map(|d| {
            let (line, column) = source.position(d.span.start);
            format!("#~ {} {line}:{column} {}", d.code.id, d.message)
        })
        .collect()
}

#[test]
fn fixtures_give_what_they_say() {
    let mut wrong = Vec::new();
    for path in plans(&golden().join("diagnostics")) {
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if folder.starts_with("P01") {
            continue;
        }
        let whole = fs::read_to_string(&path).unwrap();
        let (expected, body): (Vec<&str>, Vec<&str>) = whole.lines().partition(|line| line.starts_with("#~"));
        let body = body.join("\n") + "\n";
        let found = check("x.plan", &body);
        let found_lines = lines(&body, &found);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, format!("{body}{}\n", found_lines.join("\n"))).unwrap();
        } else if found_lines != expected {
            wrong.push(format!("{}:\n  expected {expected:#?}\n  found    {found_lines:#?}", path.display()));
        }
        if !found.iter().any(|d| d.code.id == folder) {
            wrong.push(format!("{} does not trigger {folder}", path.display()));
        }
        if let Some(bare) = found.iter().find(|d| d.message.is_empty() || d.message.ends_with('.')) {
            wrong.push(format!("{}: a message is one sentence without a full stop: {}", path.display(), bare.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_fixture() {
    let folders: BTreeSet<String> = fs::read_dir(golden().join("diagnostics"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let missing: Vec<&str> = syntax::codes::CODES
        .iter()
        .chain(analysis::codes())
        .map(|code| code.id)
        .filter(|id| !folders.contains(*id))
        .collect();
    assert!(missing.is_empty(), "no fixture for {missing:?}");
}

#[test]
fn every_code_is_explained_with_an_example() {
    for code in analysis::codes() {
        assert!(code.explain.contains("Wrong:") && code.explain.contains("Right:"), "{} has no example", code.id);
    }
}

#[test]
fn clean_plans_have_no_diagnostic() {
    for path in plans(&golden().join("clean")) {
        let text = fs::read_to_string(&path).unwrap();
        let found = check("x.plan", &text);
        assert!(found.is_empty(), "{}:\n{}", path.display(), lines(&text, &found).join("\n"));
    }
}

#[test]
fn examples_and_shipped_plans_have_no_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = plans(&root.join("examples"));
    all.extend(plans(&root.join("plans")));
    assert!(!all.is_empty());
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let found: Vec<Diagnostic> = check("x.plan", &text).into_iter().filter(Diagnostic::is_error).collect();
        assert!(found.is_empty(), "{}:\n{}", path.display(), lines(&text, &found).join("\n"));
    }
}

/// Every `plan` block of the documentation checks, so that it cannot rot.
#[test]
fn blocks_in_the_docs_check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    pages.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut blocks = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(page).unwrap();
        for block in text.split("```plan\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            blocks += 1;
            let found: Vec<Diagnostic> = check("x.plan", block).into_iter().filter(Diagnostic::is_error).collect();
            assert!(found.is_empty(), "{}:\n{block}\n{}", page.display(), lines(block, &found).join("\n"));
        }
    }
    assert!(blocks > 0, "the documentation shows no plan");
}

#[test]
fn the_digest_ignores_comments_and_layout() {
    let digest = |text: &str| {
        let source = Source::new("x.plan", text);
        let parsed = syntax::parse(&source, &syntax::Limits::default());
        analysis::check(&source, &parsed).plan.expect("the plan is right").digest
    };
    let plain = "plan a {\n  step s {\n    do run(\"true\")\n    undo nothing \"x\"\n  }\n}\n";
    let other = "# hello\nplan a {\n  step s {   # here\n    do   run( \"true\" )\n\n    undo nothing \"x\"\n  }\n}\n";
    assert_eq!(digest(plain), digest(other));
    assert_ne!(digest(plain), digest(&plain.replace("true", "false")));
}
