//! Alembic on PostgreSQL.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use plan::engine::{Outcome, Settlement};
use plan::model::Value;

use super::site::{Site, text};
use super::support::postgres::{Cluster, PASSWORD};
use super::support::wait_for;

const INI: &str = "[alembic]\nscript_location = %(here)s/alembic\npath_separator = os\n";
const ENV: &str = r#"
import os
from alembic import context
from sqlalchemy import create_engine, pool
url = os.environ["DATABASE_URL"]
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"#;

fn site(url: &str) -> Site {
    let site = Site::new(url, "alembic", &[("dir", "backend")]);
    site.write("backend/alembic.ini", INI);
    site.write("backend/alembic/env.py", ENV);
    revision(
        &site,
        "0001",
        None,
        "op.execute('create table leads (id int primary key)')",
        "op.execute('drop table leads')",
    );
    site
}

fn revision(site: &Site, id: &str, below: Option<&str>, up: &str, down: &str) {
    let below = below.map_or("None".to_owned(), |id| format!("'{id}'"));
    let text = format!(
        "\"\"\"m {id}\"\"\"\nfrom alembic import op\nrevision = '{id}'\ndown_revision = {below}\n\
         def upgrade():\n    {up}\n\ndef downgrade():\n    {down}\n"
    );
    site.write(&format!("backend/alembic/versions/{id}.py"), &text);
}

/// With the second revision, which adds a table, and the first applied.
fn at_first(url: &str) -> Site {
    let site = site(url);
    site.done("migrate", &[("to", "0001")]);
    revision(
        &site,
        "0002",
        Some("0001"),
        "op.execute('create table hooks (id int)')",
        "op.execute('drop table hooks')",
    );
    site
}

#[test]
fn up_and_back_after_the_code_is_gone() {
    let cluster = Cluster::start();
    let site = site(&cluster.url());
    assert_eq!(site.revision(), "");
    assert_eq!(site.probe("heads"), Ok(Value::strings(["0001"])));
    assert_eq!(site.probe("pending"), Ok(Value::strings(["0001"])));
    // Reading has made nothing: `history -r current:head` would have made a table.
    assert_eq!(cluster.sql("select count(*) from pg_class where relname = 'alembic_version'"), "0");
    site.done("migrate", &[("to", "0001")]);
    revision(
        &site,
        "0002",
        Some("0001"),
        "op.execute('create table hooks (id int)')",
        "op.execute('drop table hooks')",
    );
    let preview = site.done("preview", &[]);
    assert!(text(&preview, "sql").contains("create table hooks") && !text(&preview, "sql").contains("leads"));
    assert_eq!((text(&preview, "from"), text(&preview, "to"), text(&preview, "sha256").len()), ("0001", "0002", 64));
    let captured = site.capture(&[]).unwrap();
    let outputs = site.done("migrate", &[]);
    assert_eq!((text(&outputs, "from"), text(&outputs, "to")), ("0001", "0002"));
    assert_eq!(site.revision(), site.probe("database.head").unwrap().as_str().unwrap());
    let (clean, why) = site.fails("migrate", &[("to", "0002")]);
    assert!(clean && why.contains("R0516 nothing is pending"), "{why}");
    fs::remove_file(site.path("backend/alembic/versions/0002.py")).unwrap();
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("at `0002`, which the migration files do not know"), "{why}");
    site.undone(captured.as_ref());
    assert_eq!(
        (site.revision().as_str(), cluster.sql("select to_regclass('hooks') is null")),
        ("0001", "t".to_owned())
    );
    // Once more: nothing is one step too far.
    site.undone(captured.as_ref());
    assert_eq!(site.revision(), "0001");
}

#[test]
fn a_failure_that_rolled_back_is_clean_and_its_undo_leaves_the_previous_release_alone() {
    let cluster = Cluster::start();
    let site = at_first(&cluster.url());
    revision(&site, "0003", Some("0002"), "op.execute('alter table nowhere add x int')", "pass");
    let captured = site.capture(&[]).unwrap();
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("still at `0001`") && why.contains("UndefinedTable"), "{why}");
    assert!(!why.contains(PASSWORD), "{why}");
    site.undone(captured.as_ref());
    assert_eq!(cluster.sql("select to_regclass('leads') is not null"), "t");
    assert_eq!(site.revision(), "0001");
}

#[test]
fn a_lock_is_not_waited_for_for_ever() {
    let cluster = Cluster::start();
    let site = at_first(&cluster.url());
    revision(&site, "0002", Some("0001"), "op.execute('alter table leads add x int')", "pass");
    let held = cluster.hold("LOCK TABLE leads");
    let begin = Instant::now();
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("LockNotAvailable") && begin.elapsed() < Duration::from_secs(30), "{why}");
    drop(held);
    site.done("migrate", &[]);
}

#[test]
fn forks_and_doubles_and_strangers_are_named() {
    let cluster = Cluster::start();
    let site = at_first(&cluster.url());
    revision(&site, "0002b", Some("0001"), "pass", "pass");
    let (clean, why) = site.fails("migrate", &[("to", "0002")]);
    assert!(clean && why.contains("several heads: 0002, 0002b") || why.contains("several heads: 0002b, 0002"), "{why}");
    assert!(site.probe("database.head").unwrap_err().contains("several heads"));
    fs::remove_file(site.path("backend/alembic/versions/0002b.py")).unwrap();
    fs::copy(site.path("backend/alembic/versions/0002.py"), site.path("backend/alembic/versions/twin.py")).unwrap();
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("same revision") && why.contains("0002"), "{why}");
    fs::remove_file(site.path("backend/alembic/versions/twin.py")).unwrap();
    cluster.sql("update alembic_version set version_num = 'lost'");
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("`lost`, which"), "{why}");
    cluster.sql("update alembic_version set version_num = '0001'; insert into alembic_version values ('other')");
    assert!(site.probe("revision").unwrap_err().contains("several revisions: 0001, other"));
    assert!(site.fails("migrate", &[]).1.contains("several revisions"));
    assert!(site.fails("downgrade", &[("to", "-1")]).1.contains("no revision"));
}

#[test]
fn half_applied_migrations_and_invalid_indexes_are_found() {
    let cluster = Cluster::start();
    let site = at_first(&cluster.url());
    let up = "op.execute('alter table leads add x int')\n    with op.get_context().autocommit_block():\n        \
              op.execute('insert into leads values (1, 1), (2, 1)')\n        \
              op.execute('create unique index concurrently twice on leads (x)')";
    revision(&site, "0002", Some("0001"), up, "op.execute('alter table leads drop x')");
    let captured = site.capture(&[]).unwrap();
    let (clean, why) = site.fails("migrate", &[]);
    assert!(!clean && why.contains("half applied") && why.contains("leads.x"), "{why}");
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("INVALID indexes") && why.contains("twice"), "{why}");
    let Settlement::Unknown(why) = site.settle(&[], captured.as_ref()) else { panic!() };
    assert!(why.contains("INVALID"), "{why}");
    cluster.sql("drop index twice");
    let Settlement::Unknown(why) = site.settle(&[], captured.as_ref()) else { panic!() };
    assert!(why.contains("half applied"), "{why}");
    assert!(!matches!(site.undo(captured.as_ref()), Outcome::Succeeded { .. }));
}

#[test]
fn a_killed_migration_is_settled_when_its_backend_is_gone() {
    let cluster = Cluster::start();
    let site = at_first(&cluster.url());
    let up = "op.execute('create table hooks (id int)')\n    op.execute('select pg_sleep(60)')";
    revision(&site, "0002", Some("0001"), up, "pass");
    let captured = site.capture(&[]).unwrap();
    let name = "select count(*) from pg_stat_activity where application_name = 'plan:run1:migrate'";
    thread::scope(|scope| {
        let work = scope.spawn(|| site.perform("migrate", &[]));
        let sleeping = format!("{name} and wait_event = 'PgSleep'");
        wait_for("migration", Duration::from_secs(30), || match cluster.sql(&sleeping).as_str() {
            "1" => Ok(()),
            other => Err(other.to_owned()),
        });
        let (clean, why) = other_site(&cluster).fails("migrate", &[]);
        assert!(clean && why.contains("another migration"), "{why}");
        site.stop.stop();
        site.stop.stop();
        assert!(matches!(work.join().unwrap(), Outcome::Unknown { .. }));
    });
    let fresh = site.resumed();
    assert_eq!(fresh.settle(&[], captured.as_ref()), Settlement::NotDone);
    assert_eq!(cluster.sql(name), "0");
    revision(&fresh, "0002", Some("0001"), "op.execute('create table hooks (id int)')", "pass");
    fresh.done("migrate", &[]);
    assert!(matches!(fresh.settle(&[], captured.as_ref()), Settlement::Done(Some(_))));
}

/// The same migrations, for a second one at the same time.
fn other_site(cluster: &Cluster) -> Site {
    let other = site(&cluster.url());
    revision(&other, "0002", Some("0001"), "pass", "pass");
    other
}

#[test]
fn poolers_are_refused_and_a_direct_address_is_taken() {
    let cluster = Cluster::start();
    let pooled = format!("{}&pgbouncer=true", cluster.url());
    let site = site(&pooled);
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("`direct_url`"), "{why}");
    let direct = Site::with(&[("url", &pooled), ("direct_url", &cluster.url())], "alembic", &[("dir", "backend")]);
    fs::rename(site.path("backend"), direct.path("backend")).unwrap();
    direct.done("migrate", &[]);
    assert_eq!(direct.revision(), "0001");
}

#[test]
fn a_tool_that_migrates_another_database_is_found_out() {
    let cluster = Cluster::start();
    let site = site(&cluster.url());
    let elsewhere = site.path("other.db");
    site.write(
        "backend/alembic/env.py",
        &ENV.replace("os.environ[\"DATABASE_URL\"]", &format!("'sqlite:///{}'", elsewhere.display())),
    );
    let (clean, why) = site.fails("migrate", &[]);
    assert!(!clean && why.contains("DATABASE_URL"), "{why}");
}
