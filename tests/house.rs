//! The rules of the house that a test can keep: layers look down only, each library stays behind its layer, files stay short.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. A module may use those of a lower number, and itself.
const LAYERS: &[(&str, u8)] = &[
    ("source", 0),
    ("diag", 0),
    ("syntax", 1),
    ("template", 1),
    ("model", 2),
    ("registry", 3),
    ("analysis", 4),
    ("engine", 4),
    ("actions", 5),
    ("journal", 5),
    ("view", 6),
    ("driver", 7),
    ("cli", 8),
];

/// Beside the numbers: neighbours that must not know each other, whatever their numbers say.
const STRANGERS: &[(&str, &str)] =
    &[("engine", "registry"), ("engine", "analysis"), ("actions", "journal"), ("journal", "registry")];

/// Crates that only some layers may name.
const KEPT: &[(&str, &[&str])] = &[
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax"]),
    ("petgraph", &["model"]),
    ("sqlx", &["journal", "actions"]),
    ("miette", &["diag", "cli"]),
    ("clap", &["cli"]),
    ("ureq", &["actions"]),
    ("handlebars", &["registry", "template"]),
    ("indicatif", &["cli"]),
    ("ascii_dag", &["view"]),
];

/// A file of more lines than this holds more than one thing.
const LINES: usize = 600;

fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(&root).unwrap().to_owned();
                    found.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
    }
    found
}

fn layer_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn number(layer: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, number)| *number)
}

/// The names that follow `crate::`, also inside `use crate::{a, b::c}`.
fn used(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, found) in text.match_indices("crate::") {
        let rest = &text[at + found.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_alphabetic() => {
                            names.push(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn layers_look_down_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let layer = layer_of(&path);
        let Some(own) = number(&layer) else { continue };
        for name in used(&code(&text)) {
            let Some(other) = number(&name) else { continue };
            let upward = name != layer && other > own;
            let strange = STRANGERS.iter().any(|(a, b)| (*a, *b) == (&*layer, &*name) || (*b, *a) == (&*layer, &*name));
            if upward || strange {
                wrong.push(format!("{}: `{layer}` uses `crate::{name}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "a layer looks up:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    let known: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let unknown: Vec<String> = sources()
        .keys()
        .map(|path| layer_of(path))
        .filter(|layer| !known.contains(&layer.as_str()) && layer != "lib" && layer != "main")
        .collect();
    assert!(unknown.is_empty(), "give these a place in LAYERS: {unknown:?}");
}

#[test]
fn libraries_stay_behind_their_layer() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (layer, text) = (layer_of(&path), code(&text));
        for (library, layers) in KEPT {
            let named =
                [format!("use {library}::"), format!(" {library}::"), format!("({library}::"), format!("&{library}::")];
            if !layers.contains(&layer.as_str()) && named.iter().any(|name| text.contains(name.as_str())) {
                wrong.push(format!("{}: names {library}, which only {layers:?} may", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_graph_knows_petgraph() {
    let others: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(path, text)| path != Path::new("model/graph.rs") && code(text).contains("petgraph"))
        .map(|(path, _)| path)
        .collect();
    assert!(others.is_empty(), "petgraph is named outside model/graph.rs: {others:?}");
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(path, lines)| *lines > LINES && !path.ends_with("codes.rs"))
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "over {LINES} lines:\n{}", long.join("\n"));
}

#[test]
fn main_is_thin() {
    let lines = sources()[Path::new("main.rs")].lines().count();
    assert!(lines <= 20, "main.rs has {lines} lines");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!(", "unimplemented!(", "TODO", "FIXME"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The test above must be able to fail.
#[test]
fn the_reader_of_imports_sees_groups() {
    let names = used("use crate::{engine::Run, journal::{Entry, Writer}, view};\nuse crate::model::Plan;");
    assert_eq!(names, ["engine", "journal", "view", "model"]);
}
