//! The SQL lint: a corpus of labelled cases, its bounds in time and depth, the command.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use plan::lint::{Class, Selector, lint};

const MARK: &str = "-- expect: ";

/// The cases of one file: what is expected, and the SQL up to the next mark.
fn cases(text: &str) -> Vec<(BTreeSet<String>, String)> {
    let case = |part: &str| {
        let (labels, sql) = part.split_once('\n').unwrap();
        let labels = labels.split(',').map(|label| label.trim().to_owned()).filter(|label| label != "none");
        (labels.collect(), sql.to_owned())
    };
    text.split(MARK).skip(1).map(case).collect()
}

#[test]
fn corpus_gives_what_it_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lint")).unwrap() {
        let path = entry.unwrap().path();
        for (expected, sql) in cases(&fs::read_to_string(&path).unwrap()) {
            count += 1;
            for label in &expected {
                assert!(Class::parse(label).is_some(), "{}: `{label}` is no class", path.display());
            }
            let found = lint(&sql);
            let seen: BTreeSet<String> = found.iter().map(|finding| finding.class.name().to_owned()).collect();
            if seen != expected {
                let messages: Vec<_> = found.iter().map(|finding| &finding.message).collect();
                wrong.push(format!("{}: expected {expected:?}, saw {seen:?} {messages:?} in\n{sql}", path.display()));
            }
            for finding in found {
                assert!(sql.get(finding.span.clone()).is_some_and(|under| !under.is_empty()), "{:?} in {sql}", finding);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 150, "only {count} cases");
}

fn time(statements: usize) -> Duration {
    let one = "ALTER TABLE app.users ADD COLUMN nick text DEFAULT 'x'; DELETE FROM app.users WHERE id IN (1, 2, 3);\n";
    let text = one.repeat(statements / 2);
    let start = Instant::now();
    assert_eq!(lint(&text).len(), statements / 2);
    start.elapsed()
}

#[test]
fn time_grows_with_the_text_only() {
    time(1000);
    let (short, long) = (time(5000), time(20_000));
    assert!(long < short * 12, "5,000 statements: {short:?}, 20,000: {long:?}");
}

#[test]
fn nothing_is_nested_too_deeply() {
    const N: usize = 100_000;
    let classes = |sql: &str| lint(sql).iter().map(|finding| finding.class).collect::<Vec<_>>();
    let texts = [
        format!("SELECT {}1{};", "(".repeat(N), ")".repeat(N)),
        format!("SELECT {}1;", "(".repeat(N)),
        format!("SELECT {}true;", "NOT ".repeat(N)),
        format!("SELECT {}1;", "- ".repeat(N)),
        format!("SELECT 1{};", " + 1".repeat(N)),
        format!("SELECT {}1{};", "CASE WHEN true THEN ".repeat(N), " END".repeat(N)),
        format!("SELECT 1{};", " UNION SELECT 1".repeat(N)),
        format!("SELECT {}1;", "ARRAY[".repeat(N)),
        format!("DO $$ BEGIN PERFORM {}1{}; END $$;", "(".repeat(N), ")".repeat(N)),
        format!("DO $$ {} $$;", "BEGIN ".repeat(N)),
        format!("DO $$ BEGIN {} END $$;", "IF true THEN x := 1; ".repeat(N)),
        format!("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$ SELECT {}1 $f$;", "(".repeat(N)),
        format!("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT {}1';", "(".repeat(N)),
    ];
    for text in texts {
        let seen = classes(&format!("{text} DROP TABLE t;"));
        assert!(seen.contains(&Class::Unknown), "{} …: {seen:?}", &text[..40]);
    }
    assert_eq!(
        classes(&format!("SELECT {}1{}; DROP TABLE t;", "(".repeat(N), ")".repeat(N))),
        [Class::Unknown, Class::DropTable]
    );
}

#[test]
fn long_lists_are_not_deep() {
    let rows = vec!["(1, 'a')"; 50_000].join(", ");
    assert_eq!(lint(&format!("INSERT INTO t VALUES {rows};")), []);
}

#[test]
fn names_of_plans_and_of_the_lint_are_the_same() {
    for class in Class::ALL {
        assert_eq!(Class::parse(class.name()), Some(class));
        assert!(class.name().parse::<Selector>().is_ok_and(|selector| selector.covers(class)));
    }
    assert!("data_loss".parse::<Selector>().is_ok_and(|group| group.covers(Class::Delete)));
    assert!("dropped".parse::<Selector>().is_err());
}

fn command(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plan")).arg("lint").args(args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_command_exits_3_when_something_denied_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("1.sql");
    fs::write(&file, "CREATE INDEX ON t (a);\nDELETE FROM t;\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(command(&[file]).0, Some(3));
    assert_eq!(command(&[folder.path().to_str().unwrap(), "--deny", "truncate"]).0, Some(0));
    assert_eq!(command(&[file, "--deny", "locks"]).0, Some(3));
    assert_eq!(command(&[file, "--deny", "nonsense"]).0, Some(2));
    let (_, sarif) = command(&[file, "--format", "sarif"]);
    assert!(
        sarif.contains("\"ruleId\": \"delete\"") && sarif.contains("\"ruleId\": \"create_index_blocking\""),
        "{sarif}"
    );
    let (_, json) = command(&[file, "--format", "json", "--warn", "rewrites"]);
    assert!(json.contains("\"name\": \"delete\"") && !json.contains("create_index_blocking"), "{json}");
}
