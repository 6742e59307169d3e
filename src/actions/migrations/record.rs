//! What is recorded before a migration, so that the way back needs neither the code nor a guess.

use std::collections::BTreeMap;

use crate::model::Value;

use crate::actions::sql::Dialect;
use crate::actions::sql::connection::Connection;
use crate::actions::sql::split::split;

use super::files::guarded;
use super::target::{Target, Trouble};
use super::{Route, sha256};

/// Taken before `migrate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub route: Route,
    /// The SQL of the way back, or why there is none that can be run by itself.
    pub down: Result<String, String>,
    /// A digest of the schema before.
    pub schema: String,
}

impl Record {
    pub(super) fn value(&self) -> Value {
        let list = |ids: &[String]| Value::strings(ids.iter().cloned());
        let (sql, why) = match &self.down {
            Ok(sql) => (sql.clone(), String::new()),
            Err(why) => (String::new(), why.clone()),
        };
        Value::record([
            ("from", list(&self.route.from)),
            ("to", list(&self.route.to)),
            ("steps", list(&self.route.steps)),
            ("sha256", Value::String(sha256(&sql))),
            ("down", Value::String(sql)),
            ("no_down", Value::String(why)),
            ("schema", Value::string(self.schema.as_str())),
        ])
    }

    pub(super) fn read(value: Option<&Value>) -> Option<Self> {
        let Some(Value::Record(members)) = value else { return None };
        let route = Route { from: list(members, "from")?, to: list(members, "to")?, steps: list(members, "steps")? };
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let (sql, why, sum) = (text("down")?, text("no_down")?, text("sha256")?);
        let down = match why.is_empty() {
            // A secret in it was masked before it was kept.
            true if sha256(&sql) != sum => Err("the SQL that was kept is not what was captured".to_owned()),
            true => Ok(sql),
            false => Err(why),
        };
        Some(Self { route, down, schema: text("schema")? })
    }
}

fn list(members: &BTreeMap<String, Value>, name: &str) -> Option<Vec<String>> {
    let Some(Value::List(items)) = members.get(name) else { return None };
    items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Whether SQL runs as a whole or not at all: no transaction ends inside it, and nothing in it needs to stand outside one.
pub(super) fn is_atomic(sql: &str, dialect: Dialect) -> bool {
    let own: Vec<String> = split(sql, dialect)
        .iter()
        .filter(|statement| statement.controls_transaction(dialect))
        .map(|statement| statement.text.to_ascii_uppercase())
        .collect();
    let wrapped =
        matches!(own.as_slice(), [begin, commit] if begin.starts_with("BEGIN") && commit.starts_with("COMMIT"));
    let outside = |word: &str| sql.to_ascii_uppercase().split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    (own.is_empty() || wrapped) && !outside("CONCURRENTLY") && !outside("VACUUM") && !sql.contains("-- no-transaction")
}

/// Runs captured SQL: in one transaction when it can, else as it stands.
pub(super) async fn run_script(target: &Target, sql: String) -> Result<(), Trouble> {
    let dialect = target.address.dialect();
    let atomic = is_atomic(&sql, dialect);
    guarded(target, move |connection| {
        Box::pin(async move {
            if atomic {
                run(connection, "begin").await?;
            }
            for statement in split(&sql, dialect) {
                if atomic && statement.controls_transaction(dialect) {
                    continue;
                }
                if let Err(why) = run(connection, statement.text).await {
                    // The server rolls back what is never committed: with the connection at the latest.
                    let _ = connection.run("rollback").await;
                    return Err(why);
                }
            }
            if atomic { run(connection, "commit").await } else { Ok(()) }
        })
    })
    .await
}

async fn run(connection: &mut Connection, text: &str) -> Result<(), String> {
    connection.run(text).await.map(|_| ()).map_err(|refusal| refusal.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_inside_is_not_atomic() {
        let atomic = |sql: &str| is_atomic(sql, Dialect::Postgres);
        assert!(atomic("BEGIN;\ncreate table a (x int);\nCOMMIT;"));
        assert!(atomic("create table a (x int);"));
        assert!(!atomic(
            "BEGIN;\nalter table a add x int;\nCOMMIT;\ncreate index i on a (x);\nBEGIN;\nupdate v;\nCOMMIT;"
        ));
        assert!(!atomic("create index concurrently i on a (x);"));
        assert!(!atomic("-- no-transaction\ncreate table a (x int);"));
    }

    #[test]
    fn a_record_comes_back_and_a_masked_one_says_so() {
        let ids = |id: &str| vec![id.to_owned()];
        let route = Route { from: Vec::new(), to: ids("b"), steps: vec!["a".to_owned(), "b".to_owned()] };
        let record = Record { route, down: Ok("drop table t".to_owned()), schema: "s".to_owned() };
        assert_eq!(Record::read(Some(&record.value())), Some(record.clone()));
        let Value::Record(mut members) = record.value() else { panic!() };
        members.insert("down".to_owned(), Value::string("drop table ***"));
        assert!(Record::read(Some(&Value::Record(members))).unwrap().down.is_err());
    }
}
