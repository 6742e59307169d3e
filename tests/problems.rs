//! Golden transcripts, one a code of what can go wrong around a run: the files of a folder, the commands given there, and
//! what they print. `UPDATE_GOLDEN=1` writes them anew.
//!
//! A transcript has files (`--- NAME`, up to the next `---`), then commands (`$ …`, run by `sh`), each followed by what it
//! prints and its exit code. What differs from run to run is replaced: `[DIR]`, `[RUN]`, `[PID]`, `[TIME]`, `[HOST]`, `[USER]`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/problems")
}

fn transcripts() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

struct Transcript {
    files: Vec<(String, String)>,
    commands: Vec<String>,
    /// Up to the first command, as it is written.
    head: String,
}

fn read(text: &str) -> Transcript {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut commands = Vec::new();
    let mut head = String::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(command.to_owned());
        } else if commands.is_empty() {
            match line.strip_prefix("--- ") {
                Some(name) => files.push((name.to_owned(), String::new())),
                None => {
                    if let (Some((_, file)), false) = (files.last_mut(), line == "---") {
                        // `\---` is a line `---` of the file itself.
                        file.push_str(line.strip_prefix('\\').unwrap_or(line));
                        file.push('\n');
                    }
                }
            }
        }
        if commands.is_empty() {
            head.push_str(line);
            head.push('\n');
        }
    }
    Transcript { files, commands, head }
}

fn play(transcript: &Transcript) -> String {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("work");
    fs::create_dir_all(&home).unwrap();
    for (name, text) in &transcript.files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut out = transcript.head.clone();
    for command in &transcript.commands {
        out.push_str(&format!("$ {command}\n{}", same(&shell(command, &home, folder.path()), folder.path())));
    }
    out
}

fn shell(command: &str, home: &Path, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_plan")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(home)
        .env("PATH", path)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("NO_COLOR", "1")
        .env("LC_ALL", "C.UTF-8")
        .envs([("GIT_AUTHOR_NAME", "kim"), ("GIT_AUTHOR_EMAIL", "kim@example.org")])
        .envs([("GIT_COMMITTER_NAME", "kim"), ("GIT_COMMITTER_EMAIL", "kim@example.org")])
        .env_remove("PLAN_JOURNAL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let code = output.status.code().unwrap_or(-1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}exit {code}\n")
}

/// What is the same in every run.
fn same(text: &str, folder: &Path) -> String {
    let real = fs::canonicalize(folder).unwrap();
    let mut text = text.replace(&*real.to_string_lossy(), "[DIR]").replace(&*folder.to_string_lossy(), "[DIR]");
    let host = plan::journal::host();
    for (pattern, name) in [
        (r"\b20\d{6}-[0-9a-z]{4}\b", "[RUN]"),
        (r"\b\d{8}T\d{9}Z-[0-9a-f]+\b", "[TIME]"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "[TIME]"),
        (r"\b\d\d:\d\d:\d\d\b", "[TIME]"),
        (r"process \d+", "process [PID]"),
        (r" +\d+(\.\d+)? m?s\b", " [TOOK]"),
        (r"\b[0-9a-f]{40,64}\b", "[HASH]"),
        (r"\b[0-9a-f]{7}\b", "[HASH]"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    let user = Regex::new(&format!(r"\b{}\b", regex::escape(user.trim()))).unwrap();
    let text = user.replace_all(&text, "[USER]").into_owned();
    text.replace(&format!("on {host}"), "on [HOST]").lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn problems_are_told_as_the_transcripts_say() {
    let mut wrong = Vec::new();
    for path in transcripts() {
        let expected = fs::read_to_string(&path).unwrap();
        let found = play(&read(&expected));
        let code = path.file_stem().unwrap().to_string_lossy().into_owned();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &found).unwrap();
        } else if found != expected {
            wrong.push(format!("{}: found\n{found}", path.display()));
        }
        if !found.contains(&code) {
            wrong.push(format!("{} does not show {code}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Shown elsewhere, for want of a machine that has them at hand.
const ELSEWHERE: &[(&str, &str)] = &[
    ("R0602", "tests/journal.rs fills a journal up; a full disk needs a file system of its own"),
    ("R0534", "tests/golden/problems/R0502.txt and the runs show it beside the cause"),
];

#[test]
fn every_code_has_a_transcript() {
    let shown: BTreeSet<String> =
        transcripts().iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let layers = [
        plan::actions::CODES,
        plan::driver::codes::CODES,
        plan::journal::codes::CODES,
        plan::view::codes::CODES,
        plan::template::CODES,
    ];
    let missing: Vec<&str> = layers
        .into_iter()
        .flatten()
        .map(|code| code.id)
        .filter(|id| !shown.contains(*id) && !ELSEWHERE.iter().any(|(code, _)| code == id))
        .collect();
    assert!(missing.is_empty(), "no transcript for {missing:?}");
}
