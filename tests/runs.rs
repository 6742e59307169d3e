//! Golden runs: each plan is run by the real program in a folder of its own; at the end of the file stand the exit code and
//! the events, in order, as `#~` lines. `UPDATE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plan::engine::{Event, Outcome};
use plan::journal::{Entry, Journal, Mode};

fn plans() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/runs");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The event with its node, without what differs from run to run.
fn line(event: &Event, names: &[String]) -> Option<String> {
    let json = serde_json::to_value(event).unwrap();
    let word = json["event"].as_str().unwrap().to_owned();
    let name = |node: &serde_json::Value| names[usize::try_from(node.as_u64().unwrap()).unwrap()].clone();
    let many = |nodes: &serde_json::Value| nodes.as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(" ");
    let more = match event {
        // How often something is read depends on the machine.
        Event::RoundRead { .. } => return None,
        Event::ActionEnded { outcome, .. } | Event::UndoEnded { outcome, .. } => match outcome {
            Outcome::Succeeded { .. } => "succeeded".to_owned(),
            Outcome::Failed { clean, failure, .. } => {
                format!("failed {} {}", if *clean { "cleanly" } else { "dirty" }, failure.code)
            }
            Outcome::TimedOut { .. } => "timed out".to_owned(),
            Outcome::Unknown { .. } => "unknown".to_owned(),
            Outcome::ByHand { what } => format!("by hand: {what}"),
        },
        Event::UnwindingBegan { .. } => many(&json["nodes"]),
        Event::RunEnded { .. } => format!("{} [{}]", json["status"].as_str().unwrap(), many(&json["remaining"])),
        Event::NodeSkipped { .. } => json["why"]["why"].as_str().unwrap().to_owned(),
        Event::StepFailed { .. } => json["kind"].as_str().unwrap().to_owned(),
        Event::ChecksBegan { .. } | Event::ChecksHeld { .. } => json["phase"].as_str().unwrap().to_owned(),
        Event::ChecksFailed { check, .. } => format!("{} {}", json["phase"].as_str().unwrap(), check + 1),
        Event::UndoAsked { alternative, .. } | Event::UndoIntended { alternative, .. } => {
            format!("alternative {}", alternative + 1)
        }
        Event::RunPaused { waiting } => waiting
            .iter()
            .map(|w| serde_json::to_value(w).unwrap()["for"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    };
    let node = json.get("node").map(name).unwrap_or_default();
    Some([word, node, more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
}

fn run(plan: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(plan).unwrap();
    fs::write(folder.path().join("x.plan"), text).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_plan"))
        // One at a time, so that the order of events is always the same.
        .args(["run", "x.plan", "--jobs", "1", "--quiet", "--no-wait"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .env_remove("PLAN_JOURNAL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let mut lines = vec![format!("#~ exit {}", status.code().unwrap())];
    lines.extend(events(&folder.path().join(".plan/journal.db")).into_iter().map(|line| format!("#~ {line}")));
    lines
}

fn events(journal: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(journal, Mode::Read).await.unwrap();
        let id = journal.resolve_id("last").await.unwrap();
        let loaded = journal.load(&id).await.unwrap();
        let replayed = plan::driver::replay(&id, loaded).unwrap();
        let names: Vec<String> = replayed.built.work.nodes.iter().map(|node| node.id.clone()).collect();
        let event = |record: &plan::journal::Stored| match &record.entry {
            Entry::Event(event) => line(event, &names),
            _ => None,
        };
        replayed.records.iter().filter_map(event).collect()
    })
}

#[test]
fn runs_give_the_events_that_they_say() {
    let mut wrong = Vec::new();
    for path in plans() {
        let whole = fs::read_to_string(&path).unwrap();
        let (expected, body): (Vec<&str>, Vec<&str>) = whole.lines().partition(|line| line.starts_with("#~"));
        let found = run(&path);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, format!("{}\n{}\n", body.join("\n"), found.join("\n"))).unwrap();
        } else if found != expected {
            wrong.push(format!("{}:\n  expected {expected:#?}\n  found    {found:#?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
