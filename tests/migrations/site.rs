//! A folder with migrations and a database, and the actions on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use plan::actions::{self, CallContext, Masker, ResolvedResource, Silent, StopToken, World};
use plan::engine::{Outcome, Settlement};
use plan::model::{ResourceKind, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::support::{postgres, python};

/// The plan's folder, with the database `db`.
pub struct Site {
    pub folder: TempDir,
    world: Arc<World>,
    runtime: Runtime,
    pub stop: StopToken,
}

pub type Given<'a> = &'a [(&'a str, &'a str)];

impl Site {
    pub fn new(url: &str, tool: &str, given: Given<'_>) -> Self {
        Self::with(&[("url", url)], tool, given)
    }

    pub fn with(addresses: Given<'_>, tool: &str, given: Given<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let masker = Arc::new(Masker::new([("password", postgres::PASSWORD)]).unwrap());
        let mut world = World::new(folder.path().to_owned(), "run1".to_owned(), 1, masker, None);
        let mut settings = texts(addresses);
        settings.insert("migrations".to_owned(), Value::Call { function: tool.to_owned(), args: texts(given) });
        world.resources.insert("db".to_owned(), ResolvedResource { kind: ResourceKind::Database, settings });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { folder, world: Arc::new(world), runtime, stop: StopToken::default() }
    }

    /// As after a restart: nobody has asked to stop.
    pub fn resumed(self) -> Self {
        Self { stop: StopToken::default(), ..self }
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn context(&self) -> CallContext {
        let bin = python::python().parent().unwrap().display().to_string();
        CallContext {
            world: self.world.clone(),
            step: "migrate".to_owned(),
            attempt: 1,
            env: vec![("PATH".to_owned(), format!("{bin}:{}", postgres::path()))],
            dir: None,
            timeout: None,
            stop: self.stop.clone(),
            sink: Arc::new(Silent),
        }
    }

    fn args(given: Given<'_>) -> BTreeMap<String, Value> {
        let mut args = texts(given);
        args.insert("database".to_owned(), Value::Resource("db".to_owned()));
        args
    }

    pub fn perform(&self, function: &str, given: Given<'_>) -> Outcome {
        self.runtime.block_on(actions::perform(function, &Self::args(given), &self.context()))
    }

    /// The outputs of what has to go well.
    pub fn done(&self, function: &str, given: Given<'_>) -> BTreeMap<String, Value> {
        match self.perform(function, given) {
            Outcome::Succeeded { outputs } => outputs,
            other => panic!("{function} {given:?}: {other:?}"),
        }
    }

    /// Why it fails, and whether cleanly.
    pub fn fails(&self, function: &str, given: Given<'_>) -> (bool, String) {
        match self.perform(function, given) {
            Outcome::Failed { clean, failure } => (clean, format!("{} {}", failure.code, failure.message)),
            other => panic!("{function} {given:?}: {other:?}"),
        }
    }

    pub fn probe(&self, function: &str) -> Result<Value, String> {
        self.runtime.block_on(actions::probe(function, &Self::args(&[]), &self.context()))
    }

    pub fn revision(&self) -> String {
        self.probe("revision").unwrap().as_str().unwrap().to_owned()
    }

    pub fn capture(&self, given: Given<'_>) -> Result<Option<Value>, String> {
        self.runtime.block_on(actions::capture("migrate", &Self::args(given), &self.context()))
    }

    pub fn settle(&self, given: Given<'_>, captured: Option<&Value>) -> Settlement {
        self.runtime.block_on(actions::settle("migrate", &Self::args(given), captured, &self.context()))
    }

    /// `undo downgrade(db)`
    pub fn undo(&self, captured: Option<&Value>) -> Outcome {
        self.runtime.block_on(actions::undo_by("downgrade", &Self::args(&[]), captured, &self.context()))
    }

    pub fn undone(&self, captured: Option<&Value>) {
        let outcome = self.undo(captured);
        assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    }
}

fn texts(given: Given<'_>) -> BTreeMap<String, Value> {
    given.iter().map(|(name, text)| ((*name).to_owned(), Value::string(*text))).collect()
}

pub fn text<'a>(outputs: &'a BTreeMap<String, Value>, name: &str) -> &'a str {
    outputs[name].as_str().unwrap()
}
