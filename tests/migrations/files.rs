//! Plain SQL files and any other tool.

use std::fs;
use std::path::Path;
use std::process::Command;

use plan::engine::Outcome;
use plan::model::Value;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, SqliteConnection};

use super::site::{Site, text};
use super::support::postgres::Cluster;
use super::support::succeed;

fn written(site: &Site) {
    site.write("m/0001_leads.up.sql", "create table leads (id integer primary key);\n");
    site.write("m/0001_leads.down.sql", "drop table leads;\n");
    site.write("m/0002_hooks.up.sql", "create table hooks (id integer);\ninsert into hooks values (1);\n");
    site.write("m/0002_hooks.down.sql", "drop table hooks;\n");
}

/// Up, back after the code is gone, and what is found before it starts.
fn both_ways(site: &Site) {
    written(site);
    assert_eq!((site.revision().as_str(), site.probe("pending")), ("", Ok(Value::strings(["1", "2"]))));
    site.done("migrate", &[("to", "0001")]);
    let captured = site.capture(&[]).unwrap();
    let preview = site.done("preview", &[]);
    assert!(text(&preview, "sql").contains("create table hooks") && !text(&preview, "sql").contains("leads ("));
    site.done("migrate", &[]);
    assert_eq!(site.revision(), "2");
    fs::remove_file(site.path("m/0002_hooks.up.sql")).unwrap();
    fs::remove_file(site.path("m/0002_hooks.down.sql")).unwrap();
    assert!(site.fails("migrate", &[]).1.contains("2 is applied, and its file is not there"));
    site.undone(captured.as_ref());
    assert_eq!(
        (site.revision().as_str(), site.probe("tables").unwrap()),
        ("1", Value::strings(["_sqlx_migrations", "leads"]))
    );
    site.undone(captured.as_ref());
    written(site);
    site.done("migrate", &[]);
    site.done("downgrade", &[("to", "1")]);
    assert_eq!(site.revision(), "1");
    site.write("m/0003_bad.up.sql", "create table bad (id integer);\nselect * from nowhere;\n");
    let (clean, why) = site.fails("migrate", &[("to", "3")]);
    assert!(!clean && why.contains("the migration 3") && why.contains("at `2` now"), "{why}");
    let (clean, why) = site.fails("migrate", &[]);
    assert!(clean && why.contains("still at `2`"), "{why}");
    site.write("m/0001_leads.up.sql", "create table leads (id text);\n");
    assert!(site.fails("migrate", &[]).1.contains("1 was changed after"));
}

#[test]
fn sql_files_on_postgres() {
    let cluster = Cluster::start();
    both_ways(&Site::new(&cluster.url(), "sql", &[("dir", "m")]));
}

#[test]
fn sql_files_on_sqlite() {
    both_ways(&Site::new("sqlite:app.db", "sql", &[("dir", "m")]));
}

#[test]
fn sqlx_goes_on_where_this_ended() {
    let site = Site::new("sqlite:app.db", "sql", &[("dir", "m")]);
    written(&site);
    site.done("migrate", &[("to", "1")]);
    let url = format!("sqlite:{}", site.path("app.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let migrator = Migrator::new(site.path("m")).await.unwrap();
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        migrator.run_direct(None, &mut connection, false).await.unwrap();
        connection.close().await.unwrap();
    });
    assert_eq!((site.revision().as_str(), site.probe("pending")), ("2", Ok(Value::strings::<&str>([]))));
    let made = site.done("migration", &[("message", "Add Photos!")]);
    assert!(text(&made, "file").ends_with("_add_photos.up.sql") && Path::new(text(&made, "file")).exists());
}

#[test]
fn a_file_without_a_way_back_says_so() {
    let site = Site::new("sqlite:app.db", "sql", &[("dir", "m")]);
    site.write("m/1_a.sql", "create table a (x);");
    let captured = site.capture(&[]).unwrap();
    site.done("migrate", &[]);
    let Outcome::Failed { failure, .. } = site.undo(captured.as_ref()) else { panic!() };
    assert!(failure.message.contains("no `.down.sql`"), "{}", failure.message);
    assert_eq!(site.revision(), "1");
}

/// A tool of shell scripts: one file a revision, the revision in a table.
const TOOL: &[(&str, &str)] = &[
    ("current", "sqlite3 app.db 'create table if not exists v (r); select r from v'"),
    (
        "pending",
        "cur=$(sqlite3 app.db 'select r from v'); for f in up/*; do r=${f#up/}; [ \"$r\" \\> \"$cur\" ] && echo $r; done; true",
    ),
    (
        "preview",
        "if [ \"$PLAN_TO\" \\> \"$PLAN_FROM\" ]; then cat up/$PLAN_TO; else cat down/$PLAN_FROM; echo \"delete from v; insert into v values ('$PLAN_TO');\"; fi",
    ),
    (
        "up",
        "echo DONE; sqlite3 -bail app.db < up/$PLAN_TO; sqlite3 app.db \"delete from v; insert into v values ('$PLAN_TO')\"",
    ),
    (
        "down",
        "sqlite3 -bail app.db < down/$PLAN_FROM; sqlite3 app.db \"delete from v; insert into v values ('$PLAN_TO')\"",
    ),
    ("dir", "t"),
];

#[test]
fn any_tool_by_its_commands() {
    let site = Site::new("sqlite:t/app.db", "tool", TOOL);
    for (name, sql) in [
        ("up/a", "create table a (x);"),
        ("down/a", "drop table a;"),
        ("up/b", "create table b (x);"),
        ("down/b", "drop table b;"),
    ] {
        site.write(&format!("t/{name}"), &format!("{sql}\n"));
    }
    assert_eq!(site.revision(), "");
    assert_eq!(site.probe("pending"), Ok(Value::strings(["a", "b"])));
    site.done("migrate", &[("to", "a")]);
    let captured = site.capture(&[]).unwrap();
    site.done("migrate", &[]);
    assert_eq!(site.revision(), "b");
    site.undone(captured.as_ref());
    assert_eq!(site.revision(), "a");
    // What a tool prints is no proof.
    site.write("t/up/b", "create table b (x);\nselect * from nowhere;\n");
    let (clean, why) = site.fails("migrate", &[]);
    assert!(!clean && why.contains("the command `up`") && why.contains("half applied"), "{why}");
    let tables = succeed(Command::new("sqlite3").arg(site.path("t/app.db")).arg(".tables"));
    assert!(tables.contains('b'));
}
