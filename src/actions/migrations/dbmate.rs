//! dbmate. What it prints is no proof (`Applied:` for what failed): its exit code and the table are.

use std::fs;
use std::path::{Path, PathBuf};

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way, command, literal, slug};

/// Its table.
const BOOK: &str = "schema_migrations";

pub(super) struct Dbmate {
    /// Its folder of migrations.
    pub dir: PathBuf,
}

impl Dbmate {
    async fn dbmate(&self, target: &Target, files: &Path, words: &[&str]) -> Result<String, Trouble> {
        let files = files.to_string_lossy();
        let own = ["dbmate", "--no-dump-schema", "--migrations-dir", &files];
        let words: Vec<&str> = own.into_iter().chain(words.iter().copied()).collect();
        let launch = command(&words)?.env("DATABASE_URL", &url(target));
        target.run(launch, &target.ctx.world.base, true).await
    }

    async fn applied(&self, target: &Target) -> Result<Vec<String>, String> {
        if !target.has_table(BOOK).await? {
            return Ok(Vec::new());
        }
        target.texts(&format!("select cast(version as text) from {BOOK} order by 1")).await
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        Ok(self.applied(target).await?.pop().into_iter().collect())
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let (files, mut applied) = (self.files()?, self.applied(target).await?);
        let known: Vec<String> = files.iter().map(|(version, _)| version.clone()).collect();
        let twice = known.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| &pair[0]);
        let unknown = applied.iter().find(|version| !known.contains(version));
        let flaw = match (twice, unknown) {
            (Some(version), _) => Some(format!("two migration files have the same revision: {version}")),
            (None, Some(version)) => Some(format!("the migration {version} is applied, and its file is not there")),
            (None, None) => None,
        };
        let pending = known.iter().filter(|version| !applied.contains(version)).cloned().collect();
        let heads = known.last().cloned().into_iter().collect();
        Ok(State { current: applied.pop().into_iter().collect(), heads, pending, known: Some(known), flaw })
    }

    /// The files by version, the oldest first.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, String> {
        let unread = |error: std::io::Error| format!("{} cannot be read: {error}", self.dir.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let version: String = name.chars().take_while(char::is_ascii_digit).collect();
            if !version.is_empty() && name.ends_with(".sql") {
                files.push((version, path));
            }
        }
        files.sort();
        Ok(files)
    }

    pub(super) fn script(&self, way: Way<'_>) -> Result<Script, String> {
        let mut files = self.files()?;
        files.retain(|(version, _)| way.steps.contains(version));
        if way.down {
            files.reverse();
        }
        let mut sql = String::new();
        for (version, path) in files {
            let text =
                fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            let part = section(&text, way.down);
            sql.push_str(&format!("-- {version}\n{}\n", part.trim_end()));
            if way.down {
                sql.push_str(&format!(";\nDELETE FROM {BOOK} WHERE version = {};\n", literal(&version)));
            }
        }
        Ok(Script { sql, whole: way.down })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        if way.down {
            for _ in way.steps {
                // One a call, the newest first.
                self.dbmate(target, &self.dir, &["rollback"]).await?;
            }
            return Ok(());
        }
        // It applies all that it sees: what comes after the target is kept from it.
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let last = way.steps.last();
        for (version, path) in self.files()? {
            if last.is_none_or(|last| version <= *last) {
                let name = path.file_name().unwrap_or_default();
                fs::copy(&path, folder.path().join(name)).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        self.dbmate(target, folder.path(), &["migrate"]).await.map(|_| ())
    }

    pub(super) async fn make(&self, target: &Target, message: &str) -> Result<(), Trouble> {
        self.dbmate(target, &self.dir, &["new", &slug(message)]).await.map(|_| ())
    }
}

/// The part between `-- migrate:up` and `-- migrate:down`, or behind that; `transaction:false` stays visible.
fn section(text: &str, down: bool) -> String {
    let mut inside = false;
    let mut part = String::new();
    for line in text.lines() {
        if let Some(mark) = line.trim().strip_prefix("-- migrate:") {
            inside = mark.starts_with(if down { "down" } else { "up" });
            if inside && mark.contains("transaction:false") {
                part.push_str("-- no-transaction\n");
            }
        } else if inside {
            part.push_str(line);
            part.push('\n');
        }
    }
    part
}

/// As dbmate reads it: it does not know SQLAlchemy's drivers, and a SQLite path is relative to another folder.
fn url(target: &Target) -> String {
    use crate::actions::sql::connection::Address;
    match (&target.address, target.url.split_once("://")) {
        (Address::Sqlite(path), _) => format!("sqlite:{}", std::path::absolute(path).unwrap_or(path.clone()).display()),
        (Address::Postgres(_), Some((_, rest))) => format!("postgres://{rest}"),
        (Address::Postgres(_), None) => target.url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_cut() {
        let text = "-- migrate:up transaction:false\ncreate a;\n\n-- migrate:down\ndrop a;\n";
        assert_eq!(section(text, false), "-- no-transaction\ncreate a;\n\n");
        assert_eq!(section(text, true), "drop a;\n");
    }
}
