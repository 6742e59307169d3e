//! The report of a real run, as Markdown, HTML and JSON.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PLAN: &str = r#"plan x "<b>Release</b> & 한국어 | one" {
  step a "A step" {
    do run("echo <script>alert(1)</script>")
    undo run("true")
  }
  gate go {
    after a
    approve 1 of ["lead"]
  }
  step b {
    after go
    verify file("nowhere").exists
  }
}
"#;

fn plan(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plan"))
        .args(args)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("PLAN_JOURNAL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.plan"), PLAN).unwrap();
    plan(folder.path(), &["run", "x.plan", "--quiet"]);
    plan(folder.path(), &["approve", "last", "go", "--as", "lead", "--comment", "looks | good"]);
    plan(folder.path(), &["resume", "--quiet"]);
    folder
}

#[test]
fn a_report_tells_the_outcome_the_checks_and_who_decided() {
    let folder = world();
    let markdown = plan(folder.path(), &["report"]);
    assert!(markdown.starts_with("# <b>Release</b> & 한국어 | one: rolled back"), "{markdown}");
    assert!(markdown.contains("`file(\"nowhere\").exists` | did not hold"), "{markdown}");
    assert!(markdown.contains("approved gate `go` | looks \\| good"), "{markdown}");
    let json: serde_json::Value = serde_json::from_str(&plan(folder.path(), &["report", "--json"])).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["status"]["status"], "rolled_back");
    assert_eq!(json["decisions"][0]["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn the_page_is_whole_and_nothing_in_it_is_markup_by_accident() {
    let folder = world();
    let page = plan(folder.path(), &["report", "--format", "html"]);
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("&lt;b&gt;Release&lt;/b&gt; &amp; 한국어"));
    assert!(
        !page.contains("<script")
            && !page.contains("<b>Release")
            && !page.contains("http://")
            && !page.contains("src=")
    );
    assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
}
