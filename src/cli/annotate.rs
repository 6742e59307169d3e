//! What was found in files, as CI systems read it: GitHub's workflow commands and JUnit's XML.

use std::fmt::Write;

use crate::diag::{Code, Diagnostic};

use super::check::Checked;

/// One workflow command a line: GitHub shows each at its line of the change.
pub(super) fn github(files: &[Checked], rule: fn(&'static Code) -> &'static str) -> String {
    let mut out = String::new();
    for file in files {
        for found in &file.diagnostics {
            let (line, column) = file.source.position(found.span.start);
            let (end, end_column) = file.source.position(found.span.end);
            let word = if found.is_error() { "error" } else { "warning" };
            let path = property(&file.source.path().display().to_string());
            let title = property(&format!("{} {}", rule(found.code), found.code.name));
            let text = data(&told(found));
            let _ = writeln!(
                out,
                "::{word} file={path},line={line},endLine={end},col={column},endColumn={end_column},title={title}::{text}"
            );
        }
    }
    out
}

fn told(found: &Diagnostic) -> String {
    match &found.advice {
        Some(advice) => format!("{}\n{advice}", found.message),
        None => found.message.clone(),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A suite a file; a file without findings is one test that has passed.
pub(super) fn junit(files: &[Checked], rule: fn(&'static Code) -> &'static str) -> String {
    let errors = |file: &Checked| file.diagnostics.iter().filter(|found| found.is_error()).count();
    let total: usize = files.iter().map(|file| file.diagnostics.len().max(1)).sum();
    let failures: usize = files.iter().map(errors).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"plan\" tests=\"{total}\" failures=\"{failures}\">\n"
    );
    for file in files {
        let name = markup(&file.source.path().display().to_string());
        let tests = file.diagnostics.len().max(1);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{}\">", errors(file));
        if file.diagnostics.is_empty() {
            let _ = writeln!(out, "    <testcase classname=\"{name}\" name=\"no finding\"/>");
        }
        for found in &file.diagnostics {
            let (line, column) = file.source.position(found.span.start);
            let id = markup(rule(found.code));
            let message = markup(&found.message);
            let text = markup(&format!("{}:{line}:{column}\n{}", file.source.path().display(), told(found)));
            let _ = writeln!(out, "    <testcase classname=\"{name}\" name=\"{id} {line}:{column}\">");
            let _ = match found.is_error() {
                true => writeln!(out, "      <failure type=\"{id}\" message=\"{message}\">{text}</failure>"),
                false => writeln!(out, "      <system-out>{text}</system-out>"),
            };
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text that is no markup; what XML cannot hold at all is left out.
fn markup(text: &str) -> String {
    let holds = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(holds).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{github, junit};
    use crate::cli::check::Checked;
    use crate::driver;
    use crate::source::Source;
    use crate::syntax::Limits;

    fn checked(text: &str) -> Vec<Checked> {
        let source = Source::new("a,b.plan", text);
        let diagnostics = driver::check(&source, &Limits::default()).1;
        vec![Checked { source, diagnostics }]
    }

    const WRONG: &str = "plan x {\n  step s {\n    do run(\"{{nobody}} <&>\")\n    undo nothing \"x\"\n  }\n}\n";

    #[test]
    fn a_workflow_command_names_the_place_and_is_one_line() {
        let out = github(&checked(WRONG), |code| code.id);
        assert!(
            out.starts_with("::error file=a%2Cb.plan,line=3,endLine=3,col=15,endColumn=21,title=P0201 unknown_name::"),
            "{out}"
        );
        assert_eq!(out.lines().count(), 1);
    }

    #[test]
    fn a_file_without_findings_is_a_test_that_passed() {
        let right = "plan x {\n  step s {\n    do run(\"true\")\n    undo nothing \"x\"\n  }\n}\n";
        assert!(junit(&checked(right), |code| code.id).contains("name=\"no finding\"/>"));
        let out = junit(&checked(WRONG), |code| code.id);
        assert!(out.contains("failures=\"1\"") && out.contains("<failure type=\"P0201\""), "{out}");
        assert_eq!(out.matches('<').count(), out.matches('>').count());
    }
}
