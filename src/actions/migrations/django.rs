//! Django. One look through its own loader tells what is applied, what the files know and where they fork.

use std::path::PathBuf;

use serde::Deserialize;

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way, command, literal, slug};

/// Prints one line of JSON behind a mark: other code may print as it is imported.
const LOOK: &str = r#"
import json
from django.db import connection
from django.db.migrations.loader import MigrationLoader
loader = MigrationLoader(connection, ignore_no_initial=True)
order = []
for leaf in sorted(loader.graph.leaf_nodes()):
    order += [key for key in loader.graph.forwards_plan(leaf) if key not in order]
print("plan:" + json.dumps({
    "applied": list(loader.applied_migrations), "leaves": loader.graph.leaf_nodes(),
    "order": order, "disk": list(loader.disk_migrations)}))
"#;
const MARK: &str = "plan:";

pub(super) struct Django {
    /// Where `manage.py` lies.
    pub dir: PathBuf,
    /// All apps when `None`; revisions are `app.name` then.
    pub app: Option<String>,
}

type Key = (String, String);

#[derive(Debug, Default, Deserialize)]
struct Looked {
    applied: Vec<Key>,
    leaves: Vec<Key>,
    order: Vec<Key>,
    disk: Vec<Key>,
}

impl Django {
    async fn manage(&self, target: &Target, words: &[&str], shown: bool) -> Result<String, Trouble> {
        let words: Vec<&str> = ["python", "manage.py"].into_iter().chain(words.iter().copied()).collect();
        let launch = command(&words)?.env("PYTHONUNBUFFERED", "1");
        target.run(launch, &self.dir, shown).await
    }

    fn written(&self, (app, name): &Key) -> String {
        if self.app.is_some() { name.clone() } else { format!("{app}.{name}") }
    }

    fn key(&self, revision: &str) -> Result<Key, String> {
        match (&self.app, revision.split_once('.')) {
            (Some(app), _) => Ok((app.clone(), revision.to_owned())),
            (None, Some((app, name))) => Ok((app.to_owned(), name.to_owned())),
            (None, None) => Err(format!("`{revision}` names no app; write `app.{revision}`")),
        }
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let printed = self.manage(target, &["shell", "-c", LOOK], false).await?;
        let line = printed.lines().rev().find_map(|line| line.strip_prefix(MARK));
        let line = line.ok_or("`manage.py shell` did not say what its migrations are")?;
        let mut looked: Looked = serde_json::from_str(line)
            .map_err(|error| format!("`manage.py shell` said something unreadable: {error}"))?;
        if let Some(app) = &self.app {
            for keys in [&mut looked.applied, &mut looked.leaves, &mut looked.order, &mut looked.disk] {
                keys.retain(|(other, _)| other == app);
            }
        }
        Ok(self.judged(&looked))
    }

    fn judged(&self, looked: &Looked) -> State {
        let mut current: Vec<&Key> = Vec::new();
        for key in looked.order.iter().filter(|key| looked.applied.contains(key)) {
            current.retain(|(app, _)| *app != key.0);
            current.push(key);
        }
        let fork =
            looked.leaves.iter().enumerate().find(|(at, leaf)| looked.leaves[..*at].iter().any(|l| l.0 == leaf.0));
        let unknown = looked.applied.iter().find(|key| !looked.disk.contains(key) && !looked.order.contains(key));
        let flaw = match (fork, unknown) {
            (Some((_, (app, name))), _) => Some(format!(
                "the app `{app}` has several heads, `{name}` is one; merge them (`makemigrations --merge`)"
            )),
            (None, Some((app, name))) => Some(format!("`{app}.{name}` is applied, and its file is not there")),
            (None, None) => None,
        };
        let written = |keys: Vec<&Key>| keys.into_iter().map(|key| self.written(key)).collect::<Vec<_>>();
        let pending = written(looked.order.iter().filter(|key| !looked.applied.contains(key)).collect());
        let (heads, known) = (written(looked.leaves.iter().collect()), written(looked.order.iter().collect()));
        State { current: written(current), heads, pending, known: Some(known), flaw }
    }

    pub(super) async fn script(&self, target: &Target, way: Way<'_>) -> Result<Script, String> {
        let mut steps: Vec<&String> = way.steps.iter().collect();
        if way.down {
            steps.reverse();
        }
        let mut sql = String::new();
        for revision in steps {
            let (app, name) = self.key(revision)?;
            let mut words = vec!["sqlmigrate", &app, &name];
            words.extend(way.down.then_some("--backwards"));
            sql.push_str(&self.manage(target, &words, false).await?);
            if way.down {
                let (app, name) = (literal(&app), literal(&name));
                sql.push_str(&format!("\nDELETE FROM django_migrations WHERE app = {app} AND name = {name};\n"));
            }
        }
        Ok(Script { sql, whole: way.down })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        if !way.down && way.to.len() > 1 {
            return self.manage(target, &["migrate", "--noinput"], true).await.map(|_| ());
        }
        let to = way.to.iter().map(|revision| self.key(revision)).collect::<Result<Vec<_>, _>>()?;
        let from = way.from.iter().map(|revision| self.key(revision)).collect::<Result<Vec<_>, _>>()?;
        // Apps that had nothing before go back to nothing.
        let gone = from.iter().filter(|(app, _)| way.down && !to.iter().any(|(other, _)| other == app));
        let gone: Vec<Key> = gone.map(|(app, _)| (app.clone(), "zero".to_owned())).collect();
        for (app, name) in gone.iter().chain(to.iter().filter(|key| !from.contains(key))) {
            self.manage(target, &["migrate", "--noinput", app, name], true).await?;
        }
        Ok(())
    }

    pub(super) async fn make(&self, target: &Target, message: &str) -> Result<(), Trouble> {
        let slug = slug(message);
        let mut words = vec!["makemigrations", "--noinput", "--name", &slug];
        words.extend(self.app.as_deref());
        self.manage(target, &words, true).await.map(|_| ())
    }
}
