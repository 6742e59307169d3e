//! Alembic. The revision is read from its table, a hundred times faster than by its program, and the files by `history`
//! without a range: with one it would make its table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::actions::process::Launch;
use crate::actions::sql::Dialect;
use crate::actions::sql::connection::Address;

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way, command};

pub(super) struct Alembic {
    /// Where `alembic.ini` lies.
    pub dir: PathBuf,
}

impl Alembic {
    async fn alembic(&self, target: &Target, words: &[&str], shown: bool) -> Result<String, Trouble> {
        let words: Vec<&str> = std::iter::once("alembic").chain(words.iter().copied()).collect();
        let launch = command(&words)?.env("DATABASE_URL", &url(target)).env("PYTHONUNBUFFERED", "1");
        target.run(launch, &self.dir, shown).await
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        if target.has_table("alembic_version").await? {
            return target.texts("select version_num from alembic_version order by 1").await;
        }
        if !self.dir.is_dir() {
            return Ok(Vec::new());
        }
        // Never migrated, or the table has another name or place: only the program knows.
        let printed = self.alembic(target, &["current"], false).await?;
        let found: Vec<String> =
            printed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
        if !found.is_empty() && target.texts(table_query(target.address.dialect())).await?.is_empty() {
            let name = &target.name;
            return Err(format!("alembic's revision is not one of `{name}`: does its env.py read DATABASE_URL?"));
        }
        Ok(found)
    }

    pub(super) async fn heads(&self, target: &Target) -> Result<Vec<String>, String> {
        Ok(self.history(target).await?.heads())
    }

    async fn history(&self, target: &Target) -> Result<History, String> {
        // The warning about a revision that is there twice goes to stderr.
        let shell = Launch::shell("exec alembic history 2>&1").env("DATABASE_URL", &url(target));
        let printed = target.run(shell, &self.dir, false).await.map_err(|trouble| Trouble {
            message: trouble.message.replacen("`sh`", "`alembic history`", 1),
            ..trouble
        })?;
        Ok(History::read(&printed))
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let (history, current) = (self.history(target).await?, self.current(target).await?);
        let applied = history.with_ancestors(&current);
        let pending = history.order.iter().filter(|id| !applied.contains(*id)).cloned().collect();
        Ok(State { heads: history.heads(), pending, known: Some(history.order), current, flaw: history.flaw })
    }

    pub(super) async fn script(&self, target: &Target, way: Way<'_>) -> Result<Script, String> {
        let end = |ids: &[String]| if ids.is_empty() { "base".to_owned() } else { ids.join(",") };
        let range = format!("{}:{}", end(way.from), end(way.to));
        let verb = if way.down { "downgrade" } else { "upgrade" };
        let sql = self.alembic(target, &[verb, &range, "--sql"], false).await?;
        Ok(Script { sql, whole: true })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        let to = way.to.first().map_or("base", String::as_str);
        let verb = if way.down { "downgrade" } else { "upgrade" };
        self.alembic(target, &[verb, to], true).await.map(|_| ())
    }

    pub(super) async fn make(&self, target: &Target, message: &str) -> Result<(), Trouble> {
        self.alembic(target, &["revision", "--autogenerate", "-m", message], true).await.map(|_| ())
    }
}

/// Finds tables that may be Alembic's under another name.
fn table_query(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "select attrelid::regclass::text from pg_attribute where attname = 'version_num'",
        Dialect::Sqlite => "select name from sqlite_master where sql like '%version_num%'",
    }
}

/// As SQLAlchemy reads it: it does not know `postgres://`, and a SQLite path is relative to another folder.
fn url(target: &Target) -> String {
    match (&target.address, target.url.strip_prefix("postgres://")) {
        (Address::Sqlite(path), _) => {
            format!("sqlite:///{}", std::path::absolute(path).unwrap_or(path.clone()).display())
        }
        (Address::Postgres(_), Some(rest)) => format!("postgresql://{rest}"),
        (Address::Postgres(_), None) => target.url.clone(),
    }
}

/// The graph of the revisions.
#[derive(Debug, Default)]
struct History {
    parents: BTreeMap<String, Vec<String>>,
    /// The oldest first.
    order: Vec<String>,
    flaw: Option<String>,
}

impl History {
    /// Reads lines such as `0001, 0002 -> 0003 (head) (mergepoint), message`.
    fn read(printed: &str) -> Self {
        let mut history = Self::default();
        for line in printed.lines() {
            if line.contains("is present more than once") {
                let line = line.rsplit("UserWarning: ").next().unwrap_or(line);
                history.flaw = Some(format!("two migration files have the same revision: {}", line.trim()));
            }
            let Some((from, to)) = line.split_once(" -> ") else { continue };
            let parents: Vec<&str> = from.split(',').map(|id| id.trim()).collect();
            let Some(id) = to.split([',', ' ']).next().filter(|id| !id.is_empty()) else { continue };
            if parents.iter().any(|id| id.is_empty() || id.contains(' ')) {
                continue;
            }
            let parents = parents.into_iter().filter(|id| *id != "<base>").map(str::to_owned).collect();
            history.parents.insert(id.to_owned(), parents);
            history.order.insert(0, id.to_owned());
        }
        history
    }

    fn heads(&self) -> Vec<String> {
        let inner: BTreeSet<&String> = self.parents.values().flatten().collect();
        self.order.iter().filter(|id| !inner.contains(id)).cloned().collect()
    }

    fn with_ancestors(&self, ids: &[String]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&String> = ids.iter().collect();
        while let Some(id) = open.pop() {
            if found.insert(id.clone()) {
                open.extend(self.parents.get(id).into_iter().flatten());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_read() {
        let printed = "c3, b2 -> d4 (head) (mergepoint), merge\n second line -> of it\na1 -> c3, c\na1 -> b2, b -> x\n\
                       <base> -> a1 (branchpoint), first\n";
        let history = History::read(printed);
        assert_eq!(history.order, ["a1", "b2", "c3", "d4"]);
        assert_eq!(history.heads(), ["d4"]);
        assert_eq!(history.with_ancestors(&["b2".to_owned()]).len(), 2);
    }

    #[test]
    fn a_revision_twice_is_a_flaw() {
        let printed = "x.py:1: UserWarning: Revision 0002 is present more than once\n<base> -> 0002 (head), b\n";
        assert!(History::read(printed).flaw.unwrap().contains("0002"));
    }
}
