//! Speed as ratios within one run: the same machine, the same minute, one beside the other. Figures in seconds mean
//! nothing on a shared machine; how many times the floor something takes does.
//!
//! The floor is a program that does only what no durable runner can leave out: spawn and wait for `true`, and one SQLite
//! commit with `synchronous=FULL` a step. `cargo bench --bench speed [chain|wide|validate|start]`

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PLAN: &str = env!("CARGO_BIN_EXE_plan");

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|c| c == name);
    if wanted("start") {
        start();
    }
    if wanted("validate") {
        validate();
    }
    if wanted("chain") {
        chain(1_000);
    }
    if wanted("wide") {
        wide(1_000, 16);
    }
}

/// The whole process for the smallest command, against the smallest process there is.
fn start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = folder.path().join("ten.plan");
    fs::write(&plan, steps(10, Shape::Chain)).expect("the plan is written");
    let bare = best(20, || run(&mut Command::new("true")));
    let version = best(20, || run(Command::new(PLAN).arg("--version")));
    let ten = best(20, || run(Command::new(PLAN).arg("validate").arg(&plan)));
    report("plan --version", "true", version, bare);
    report("plan validate, 10 steps", "plan --version", ten, version);
}

/// 10,000 steps: all checks, against what pest alone takes is measured in the library's own test of proportions; here the
/// growth from 1,000 to 10,000, which must be linear.
fn validate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let time = |count: usize| {
        let plan = folder.path().join(format!("{count}.plan"));
        fs::write(&plan, steps(count, Shape::Chain)).expect("the plan is written");
        best(5, || {
            run(Command::new(PLAN).args(["validate", "--max-file", "100000000", "--max-nodes", "200000"]).arg(&plan))
        })
    };
    let (thousand, ten_thousand) = (time(1_000), time(10_000));
    report("validate, 10,000 steps", "10 x 1,000 steps", ten_thousand, thousand * 10);
    println!("  {:>8.1} ms for 10,000 steps", ten_thousand.as_secs_f64() * 1e3);
}

fn chain(count: usize) {
    against_floor(&format!("chain of {count}"), count, 1, Shape::Chain);
}

fn wide(count: usize, jobs: usize) {
    against_floor(&format!("{count} steps, {jobs} wide"), count, jobs, Shape::Wide);
}

fn against_floor(what: &str, count: usize, jobs: usize, shape: Shape) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = folder.path().join("many.plan");
    fs::write(&plan, steps(count, shape)).expect("the plan is written");
    // One after the other, three times: noise falls on both.
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for round in 0..3 {
        floors.push(timed(|| floor(folder.path(), count, round)));
        ours.push(timed(|| {
            let journal = folder.path().join(format!("journal-{round}.db"));
            let mut command = Command::new(PLAN);
            command.args(["run", "--quiet", "--max-file", "100000000", "--jobs", &jobs.to_string()]);
            run(command.arg("--journal").arg(journal).arg(&plan));
        }));
    }
    let least = |times: Vec<Duration>| times.into_iter().min().expect("three rounds were made");
    let (floor, ours) = (least(floors), least(ours));
    report(what, "floor", ours, floor);
    println!("  {:>8.3} ms a step", ours.as_secs_f64() * 1e3 / count as f64);
}

/// Spawn, wait, commit: nothing else.
fn floor(folder: &Path, count: usize, round: usize) {
    let db = rusqlite::Connection::open(folder.join(format!("floor-{round}.db"))).expect("the floor's database opens");
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events(seq INTEGER PRIMARY KEY, body TEXT)",
    )
    .expect("the floor's table is made");
    let mut insert = db.prepare("INSERT INTO events(body) VALUES (?1)").expect("the statement is right");
    for step in 0..count {
        insert.execute([format!("step {step} ended, step {} intended", step + 1)]).expect("the commit succeeds");
        run(&mut Command::new("true"));
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Chain,
    Wide,
}

fn steps(count: usize, shape: Shape) -> String {
    let mut text = String::from("plan many \"Many steps\" {\n");
    for step in 0..count {
        let after = match (shape, step) {
            (Shape::Chain, 1..) => format!("    after s{}\n", step - 1),
            (Shape::Chain | Shape::Wide, _) => String::new(),
        };
        write!(text, "  step s{step} \"Step number {step} of the plan\" {{\n{after}    do   run(\"true\")\n    undo nothing \"changes nothing\"\n  }}\n")
            .expect("a string takes every write");
    }
    text.push_str("}\n");
    text
}

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("the program starts");
    assert!(status.success(), "{command:?} failed: {status}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn best(rounds: usize, mut work: impl FnMut()) -> Duration {
    (0..rounds).map(|_| timed(&mut work)).min().expect("at least one round is made")
}

fn report(what: &str, against: &str, ours: Duration, base: Duration) {
    println!("{what:<28} {:>6.2} x {against}", ours.as_secs_f64() / base.as_secs_f64());
}
