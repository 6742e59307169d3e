//! Plain SQL files in the format of sqlx, with its own code and its own table: sqlx can go on where this ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use crate::actions::process::End;
use crate::actions::sql::Dialect;
use crate::actions::sql::connection::{Access, Connection, cancel};

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way, slug};

/// The table of sqlx.
const BOOK: &str = "_sqlx_migrations";

pub(super) struct SqlFiles {
    pub dir: PathBuf,
}

impl SqlFiles {
    async fn migrator(&self) -> Result<Migrator, String> {
        Migrator::new(self.dir.clone()).await.map_err(|error| error.to_string())
    }

    /// What the table holds: versions with checksum and success.
    async fn applied(&self, target: &Target) -> Result<BTreeMap<i64, (String, bool)>, String> {
        if !target.has_table(BOOK).await? {
            return Ok(BTreeMap::new());
        }
        let sum = match target.address.dialect() {
            Dialect::Postgres => "encode(checksum, 'hex')",
            Dialect::Sqlite => "lower(hex(checksum))",
        };
        let good = "case when success then 'yes' else 'no' end";
        let rows =
            target.texts(&format!("select cast(version as text) || ' ' || {sum} || ' ' || {good} from {BOOK}")).await?;
        let row = |row: &String| {
            let mut parts = row.split(' ');
            Some((parts.next()?.parse().ok()?, (parts.next()?.to_owned(), parts.next()? == "yes")))
        };
        Ok(rows.iter().filter_map(row).collect())
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        Ok(self.applied(target).await?.keys().next_back().map(i64::to_string).into_iter().collect())
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let (migrator, applied) = (self.migrator().await?, self.applied(target).await?);
        let ups: Vec<&Migration> = migrator.iter().filter(|m| m.migration_type.is_up_migration()).collect();
        let known: Vec<String> = ups.iter().map(|m| m.version.to_string()).collect();
        let pending = ups.iter().filter(|m| !applied.contains_key(&m.version)).map(|m| m.version.to_string()).collect();
        let newest = applied.keys().next_back().copied();
        Ok(State {
            current: newest.map(|version| version.to_string()).into_iter().collect(),
            heads: known.last().cloned().into_iter().collect(),
            pending,
            known: Some(known),
            flaw: flaw(&ups, &applied),
        })
    }

    pub(super) async fn script(&self, way: Way<'_>) -> Result<Script, String> {
        let migrator = self.migrator().await?;
        let mut sql = String::new();
        let mut steps: Vec<&Migration> = chosen(&migrator, way);
        if way.down {
            let down = |version: &String| steps.iter().any(|m| m.version.to_string() == *version);
            if let Some(missing) = way.steps.iter().find(|version| !down(version)) {
                return Err(format!("the migration {missing} has no `.down.sql`"));
            }
            steps.reverse();
        }
        for migration in steps {
            sql.push_str(&format!(
                "-- {} {}\n{}\n",
                migration.version,
                migration.description,
                migration.sql.as_str().trim_end()
            ));
            if way.down {
                sql.push_str(&format!(";\nDELETE FROM {BOOK} WHERE version = {};\n", migration.version));
            }
        }
        Ok(Script { sql, whole: way.down })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        let migrator = self.migrator().await?;
        let mut migrations: Vec<Migration> = chosen(&migrator, way).into_iter().cloned().collect();
        if way.down {
            self.script(way).await?;
            migrations.reverse();
        }
        let down = way.down;
        guarded(target, move |connection| {
            Box::pin(async move {
                match connection {
                    Connection::Postgres(c) => apply(c.as_mut(), &migrations, down).await,
                    Connection::Sqlite(c) => apply(c.as_mut(), &migrations, down).await,
                }
                .map_err(|error| told(&error))
            })
        })
        .await
    }

    /// Two empty files, named by the time in UTC.
    pub(super) fn make(&self, message: &str) -> Result<(), String> {
        let stamp = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
        for (way, what) in [("up", "Brings it about"), ("down", "Takes it back")] {
            let path = self.dir.join(format!("{stamp}_{}.{way}.sql", slug(message)));
            fs::write(&path, format!("-- {what}: {}\n", message.replace('\n', " ")))
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// What makes the files unfit for the database.
fn flaw(ups: &[&Migration], applied: &BTreeMap<i64, (String, bool)>) -> Option<String> {
    if let Some((version, _)) = applied.iter().find(|(_, (_, good))| !good) {
        return Some(format!(
            "the migration {version} is half applied, says `{BOOK}`; mend it by hand, then delete its row"
        ));
    }
    let newest = applied.keys().next_back().copied().unwrap_or(0);
    for (at, migration) in ups.iter().enumerate() {
        let version = migration.version;
        if ups[..at].iter().any(|other| other.version == version) {
            return Some(format!("two migration files have the same revision: {version}"));
        }
        let sum: String = migration.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        match applied.get(&version) {
            Some((known, _)) if *known != sum => {
                return Some(format!("the file of the migration {version} was changed after it had been applied"));
            }
            None if version < newest => {
                return Some(format!(
                    "the migration {version} is older than {newest}, which is applied; give it a newer version"
                ));
            }
            Some(_) | None => {}
        }
    }
    let unknown = applied.keys().find(|version| !ups.iter().any(|m| m.version == **version));
    unknown.map(|version| format!("the migration {version} is applied, and its file is not there"))
}

/// The files of a way, the oldest first.
fn chosen<'a>(migrator: &'a Migrator, way: Way<'_>) -> Vec<&'a Migration> {
    let wanted =
        |m: &&Migration| m.migration_type.is_down_migration() == way.down && way.steps.contains(&m.version.to_string());
    migrator.iter().filter(wanted).collect()
}

async fn apply<C: Migrate>(connection: &mut C, migrations: &[Migration], down: bool) -> Result<(), MigrateError> {
    // The lock that sqlx takes, too: it waits for us and we for it.
    connection.lock().await?;
    connection.ensure_migrations_table(BOOK).await?;
    let applied = connection.list_applied_migrations(BOOK).await?;
    for migration in migrations {
        let is_there = applied.iter().any(|other| other.version == migration.version);
        match (down, is_there) {
            (true, true) => connection.revert(BOOK, migration).await?,
            (false, false) => connection.apply(BOOK, migration).await?,
            // Somebody was faster.
            (true, false) | (false, true) => continue,
        };
    }
    connection.unlock().await
}

fn told(error: &MigrateError) -> String {
    match error {
        MigrateError::ExecuteMigration(sqlx::Error::Database(database), version) => {
            format!("the migration {version}: {}", database.message())
        }
        MigrateError::Execute(sqlx::Error::Database(database)) => database.message().to_owned(),
        other => other.to_string(),
    }
}

type Work<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Works on a connection of the step's name and limits; ends it in the server when the time is up or the driver says so.
pub(super) async fn guarded<F>(target: &Target, work: F) -> Result<(), Trouble>
where
    F: for<'c> FnOnce(&'c mut Connection) -> Work<'c> + Send + 'static,
{
    let interrupt = Arc::new(AtomicBool::new(false));
    let access = Access::Change { interrupt: interrupt.clone() };
    let mut connection = Connection::open(&target.address, &target.ctx.session_name(), access).await?;
    if let Dialect::Postgres = connection.dialect() {
        for (key, value) in target.limits.settings() {
            connection.run(&format!("set {key} = {value}")).await.map_err(|refusal| refusal.message)?;
        }
    }
    let backend = connection.backend().await;
    let mut task = tokio::spawn(async move {
        let done = work(&mut connection).await;
        connection.close().await;
        done
    });
    let ctx = &target.ctx;
    let sleep = async {
        match ctx.timeout {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        done = &mut task => return Ok(done.unwrap_or_else(|_| Err("the task that ran the SQL was lost".to_owned()))?),
        () = ctx.stop.asked(1) => End::Stopped,
        () = sleep => End::TimedOut(ctx.timeout.unwrap_or_default()),
    };
    interrupt.store(true, Ordering::Relaxed);
    if let Some(backend) = backend {
        cancel(&target.address, backend).await;
    }
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), task).await;
    match ended {
        Ok(Ok(Ok(()))) => Ok(()),
        _ => Err(Trouble { message: "the SQL was ended by plan".to_owned(), tail: String::new(), end }),
    }
}
