//! Backups and the way back, on a real PostgreSQL of the tests' own and on SQLite.

#[path = "support/cluster.rs"]
mod cluster;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::{Cluster, PASSWORD};
use plan::actions::{self, CallContext, Masker, ResolvedResource, Silent, StopToken, World};
use plan::engine::{Outcome, Settlement};
use plan::model::{ResourceKind, Value};

type Args = BTreeMap<String, Value>;

fn context(folder: &Path, url: &str, step: &str) -> CallContext {
    let none: [(String, String); 0] = [];
    let masker = Arc::new(Masker::new(none).unwrap());
    let mut world = World::new(folder.to_owned(), "20260101-run".into(), 1, masker, None);
    let settings = BTreeMap::from([("url".to_owned(), Value::string(url))]);
    world.resources.insert("db".into(), ResolvedResource { kind: ResourceKind::Database, settings });
    CallContext {
        world: Arc::new(world),
        step: step.into(),
        attempt: 1,
        env: Vec::new(),
        dir: None,
        timeout: Some(Duration::from_secs(60)),
        stop: StopToken::default(),
        sink: Arc::new(Silent),
    }
}

fn args<const N: usize>(more: [(&str, Value); N]) -> Args {
    let mut args = BTreeMap::from([("database".to_owned(), Value::Resource("db".into()))]);
    args.extend(more.into_iter().map(|(key, value)| (key.to_owned(), value)));
    args
}

fn ok(outcome: Outcome) -> Args {
    match outcome {
        Outcome::Succeeded { outputs } => outputs,
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome, code: &str) -> String {
    match outcome {
        Outcome::Failed { clean: true, failure } if failure.code == code => failure.message,
        other => panic!("{other:?}"),
    }
}

async fn backup(ctx: &CallContext) -> Args {
    ok(actions::perform("backup", &args([("to", Value::string("backups"))]), ctx).await)
}

async fn restore(ctx: &CallContext, from: &str) -> Outcome {
    actions::perform("restore", &args([("from", Value::string(from))]), ctx).await
}

fn text<'a>(outputs: &'a Args, name: &str) -> &'a str {
    outputs[name].as_str().unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A database with what gets lost easily: owners, rights, settings, odd names.
fn filled() -> Cluster {
    let cluster = Cluster::start();
    cluster.sql("postgres", "create role app");
    cluster.sql("postgres", "create database shop");
    cluster.sql("postgres", "revoke connect on database shop from public; grant connect on database shop to app");
    cluster.sql("postgres", "alter database shop set search_path = public, \"Odd Path\"");
    cluster.sql("shop", "create schema \"Odd Path\"");
    cluster.sql("shop", "create table leads (id bigserial primary key, name text, at timestamptz default now())");
    cluster.sql("shop", "alter table leads owner to app");
    cluster.sql("shop", "insert into leads (name) select 'lead ' || n from generate_series(1, 3000) n");
    cluster.sql("shop", "create table \"Odd Path\".\"A b\" (x text, y json, of regclass)");
    cluster.sql(
        "shop",
        "insert into \"Odd Path\".\"A b\" values ('', '{}', 'leads'), (null, '{}', 'leads'), ('', '{}', 'leads')",
    );
    cluster.sql(
        "shop",
        "create table alembic_version (version_num text); insert into alembic_version values ('0002hooks')",
    );
    cluster
}

#[tokio::test]
async fn a_backup_comes_back_and_the_old_database_stays() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let made = backup(&ctx).await;
    let file = text(&made, "file").to_owned();
    assert!(text(&made, "identity").ends_with("/shop"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let meta: serde_json::Value = serde_json::from_str(&fs::read_to_string(format!("{file}.json")).unwrap()).unwrap();
    assert_eq!(meta["revision"], "0002hooks");
    assert_eq!(meta["tables"]["public.leads"]["rows"], 3000);

    cluster.sql("shop", "delete from leads where id > 10");
    let mut busy = cluster.session("shop", "select pg_sleep(60)");
    let ctx = context(folder.path(), &cluster.url("shop"), "back");
    let kept = ok(restore(&ctx, &file).await)["kept"].clone();
    let kept = kept.as_str().unwrap();
    busy.wait().unwrap();
    assert_eq!(cluster.sql("shop", "select count(*) from leads"), "3000");
    assert_eq!(cluster.sql(kept, "select count(*) from leads"), "10");
    let owner = "select pg_get_userbyid(relowner) from pg_class where relname = 'leads'";
    assert_eq!(cluster.sql("shop", owner), "app");
    assert_eq!(cluster.sql("shop", "show search_path"), "public, \"Odd Path\"");
    let acl = "select array(select a::text from unnest(datacl) a order by 1) from pg_database where datname = ";
    assert_eq!(cluster.sql("shop", &format!("{acl}'shop'")), cluster.sql("shop", &format!("{acl}'{kept}'")));

    // Once more: it has happened already.
    cluster.sql("shop", "insert into leads (name) values ('new')");
    assert_eq!(ok(restore(&ctx, &file).await)["kept"].as_str(), Some(kept));
    assert_eq!(cluster.sql("shop", "select count(*) from leads"), "3001");
    let settled = actions::settle("restore", &args([("from", Value::string(&file))]), None, &ctx).await;
    assert!(matches!(settled, Settlement::Done(Some(outputs)) if outputs["kept"].as_str() == Some(kept)));
}

#[tokio::test]
async fn what_a_dead_attempt_left_is_no_obstacle_and_a_lost_database_comes_back() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let file = text(&backup(&ctx).await, "file").to_owned();
    let settled = actions::settle("backup", &args([("to", Value::string("backups"))]), None, &ctx).await;
    assert!(matches!(settled, Settlement::Done(Some(outputs)) if text(&outputs, "file") == file));
    let kept = ok(restore(&ctx, &file).await)["kept"].as_str().unwrap().to_owned();
    // As if it had died before the swap.
    cluster.sql("postgres", &format!("drop database {kept}"));
    cluster.sql("postgres", &format!("create database {}", kept.replace("_before_", "_restore_")));
    let from = args([("from", Value::string(&file))]);
    assert!(matches!(actions::settle("restore", &from, None, &ctx).await, Settlement::NotDone));
    cluster.sql("postgres", &format!("create database {}", kept.replace("_before_", "_restore_")));
    assert_eq!(ok(restore(&ctx, &file).await)["kept"].as_str(), Some(kept.as_str()));
    cluster.sql("postgres", &format!("drop database {kept}"));
    cluster.sql("postgres", "drop database shop");
    assert_eq!(ok(restore(&ctx, &file).await)["kept"].as_str(), Some(""));
    assert_eq!(cluster.sql("shop", "select count(*) from leads"), "3000");
    assert_eq!(cluster.sql("shop", "select count(*) from pg_database where datname like '%restore%'"), "0");
}

#[tokio::test]
async fn of_two_hundred_damaged_dumps_none_is_accepted() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let file = text(&backup(&ctx).await, "file").to_owned();
    let whole = fs::read(&file).unwrap();
    for number in 0..200_usize {
        let mut damaged = whole.clone();
        let at = number * 7919 % whole.len();
        if number % 2 == 0 {
            damaged.truncate(at)
        } else {
            damaged[at] ^= 1 << (number % 8)
        }
        fs::write(&file, damaged).unwrap();
        refused(restore(&ctx, &file).await, "R0513");
    }
    assert_eq!(cluster.sql("shop", "select count(*) from pg_database where datname like 'shop%'"), "1");
    fs::remove_file(format!("{file}.json")).unwrap();
    fs::write(&file, whole).unwrap();
    assert!(refused(restore(&ctx, &file).await, "R0513").contains("nobody knows"));
}

/// A `pg_dump` that writes and then spoils.
fn spoiled(folder: &Path, how: &str) -> String {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\n/usr/bin/pg_dump \"$@\" || exit\nfor a; do case $a in --file=*) f=${{a#--file=}};; esac; done\n{how}\n"
    );
    fs::write(bin.join("pg_dump"), script).unwrap();
    fs::set_permissions(bin.join("pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

#[tokio::test]
async fn a_dump_that_cannot_be_read_back_is_no_backup_and_old_ones_stay() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let mut ctx = context(folder.path(), &cluster.url("shop"), "backup");
    backup(&ctx).await;
    let before = files(&folder.path().join("backups"));
    // `pg_restore --list` is content with half of it, and with nothing but a header.
    let halved = "truncate -s $(( $(stat -c %s \"$f\") * 6 / 10 )) \"$f\"";
    for how in [halved, ": > \"$f\"", "exit 1", "/usr/bin/pg_dump -Fc -s --file=\"$f\""] {
        ctx.env = vec![("PATH".into(), spoiled(folder.path(), how))];
        let order = args([("to", Value::string("backups")), ("keep", Value::Duration(0))]);
        refused(actions::perform("backup", &order, &ctx).await, "R0512");
        assert_eq!(files(&folder.path().join("backups")), before, "{how}");
    }
}

#[tokio::test]
async fn a_backup_that_takes_too_long_leaves_nothing() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let mut ctx = context(folder.path(), &cluster.url("shop"), "backup");
    ctx.env = vec![("PATH".into(), spoiled(folder.path(), "exec sleep 61.5"))];
    ctx.timeout = Some(Duration::from_secs(2));
    let outcome = actions::perform("backup", &args([("to", Value::string("backups"))]), &ctx).await;
    assert!(matches!(outcome, Outcome::TimedOut { after: 2000 }), "{outcome:?}");
    assert!(files(&folder.path().join("backups")).is_empty());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asleep = |path: &Path| fs::read(path.join("cmdline")).is_ok_and(|line| line == b"sleep\x0061.5\0");
    assert!(!files(Path::new("/proc")).iter().any(|path| asleep(path)));
    let settled = actions::settle("backup", &args([("to", Value::string("backups"))]), None, &ctx).await;
    assert!(matches!(settled, Settlement::NotDone));
}

#[tokio::test]
async fn older_ones_go_after_the_new_one_and_others_stay() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    cluster.sql("postgres", "create database other");
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let old = text(&backup(&ctx).await, "file").to_owned();
    let other = text(&backup(&context(folder.path(), &cluster.url("other"), "b")).await, "file").to_owned();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let order = [("to", Value::string("backups")), ("keep", Value::Duration(10)), ("copy", Value::string("second"))];
    let new = ok(actions::perform("backup", &args(order), &ctx).await);
    assert!(!Path::new(&old).exists() && !Path::new(&format!("{old}.json")).exists());
    assert!(Path::new(&other).exists());
    assert_eq!(files(&folder.path().join("second")).len(), 2);
    assert_eq!(files(&folder.path().join("backups")).len(), 4);
    let name = Path::new(text(&new, "file")).file_name().unwrap();
    let copy = folder.path().join("second").join(name);
    ok(restore(&ctx, copy.to_str().unwrap()).await);
    // Of another database, whatever it is called.
    let wrong = context(folder.path(), &cluster.url("other"), "wrong");
    assert!(refused(restore(&wrong, copy.to_str().unwrap()).await, "R0513").contains("is a backup of"));
    let to_store = args([("to", Value::string("backups")), ("copy", Value::string("s3://bucket/x"))]);
    refused(actions::perform("backup", &to_store, &ctx).await, "R0511");
    let pooled = context(folder.path(), "postgres://me:secret@ep-x-pooler.neon.tech/db", "b");
    assert!(refused(restore(&pooled, copy.to_str().unwrap()).await, "R0511").contains("direct_url"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_line_holds_the_password() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let watched = done.clone();
    let watcher = std::thread::spawn(move || {
        let (mut seen, mut programs) = (Vec::new(), 0);
        while !watched.load(Ordering::Relaxed) {
            for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                programs += usize::from(line.contains("--file=") || line.contains("--jobs="));
                if line.contains(PASSWORD) {
                    seen.push(line);
                }
            }
        }
        (seen, programs)
    });
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let file = text(&backup(&ctx).await, "file").to_owned();
    ok(restore(&ctx, &file).await);
    done.store(true, Ordering::Relaxed);
    let (seen, programs) = watcher.join().unwrap();
    assert!(seen.is_empty(), "{seen:?}");
    assert!(programs > 0, "the watcher saw nothing at all");
}

async fn probe(name: &str, more: Args, ctx: &CallContext) -> Value {
    actions::probe(name, &args([]).into_iter().chain(more).collect(), ctx).await.unwrap()
}

/// The statements change the database; each time: whether it still keeps what it held.
async fn keeps(ctx: &CallContext, table: &str, change: &dyn Fn(&str), cases: &[(&str, bool)]) {
    let tables = BTreeMap::from([("tables".to_owned(), Value::strings([table]))]);
    for (statement, kept) in cases {
        let then = probe("fingerprint", tables.clone(), ctx).await;
        assert_eq!(then, probe("fingerprint", tables.clone(), ctx).await);
        change(statement);
        let given = BTreeMap::from([("fingerprint".to_owned(), then)]);
        assert_eq!(probe("keeps", given, ctx).await, Value::Bool(*kept), "{statement}");
    }
}

#[tokio::test]
async fn a_fingerprint_sees_what_is_lost_and_lets_new_rows_in() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let ctx = context(folder.path(), &cluster.url("shop"), "check");
    let change = |text: &str| drop(cluster.sql("shop", text));
    let cases = [
        ("insert into leads (name) values ('new')", true),
        ("alter table leads add column source text default 'x'", true),
        ("update leads set name = 'other' where id = 7", false),
        ("update leads a set name = b.name from leads b where a.id + b.id = 30", false),
        ("alter table leads drop column source", true),
        ("delete from leads where id = 5; insert into leads (name) values ('lead 5')", false),
        ("alter database shop set timezone = 'Asia/Seoul'", true),
        ("cluster leads using leads_pkey", true),
        ("drop table leads", false),
    ];
    keeps(&ctx, "leads", &change, &cases).await;
    let cases = [
        ("insert into \"Odd Path\".\"A b\" values ('z', '{}')", true),
        ("update \"Odd Path\".\"A b\" set x = '' where x is null", false),
        // Two equal rows do not cancel each other out.
        ("insert into \"Odd Path\".\"A b\" values ('n', '1'); delete from \"Odd Path\".\"A b\" where x = ''", false),
    ];
    keeps(&ctx, "Odd Path.A b", &change, &cases).await;
}

#[tokio::test]
async fn who_waits_for_whom_is_seen() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let ctx = context(folder.path(), &cluster.url("shop"), "check");
    assert_eq!(probe("locks", args([]), &ctx).await, Value::List(vec![]));
    let mut holder = cluster.session("shop", "begin; lock leads; select pg_sleep(60)");
    let mut waiter = None;
    let mut found = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        waiter.get_or_insert_with(|| cluster.session("shop", "select pg_sleep(0.5); select count(*) from leads"));
        let Value::List(rows) = probe("locks", args([]), &ctx).await else { panic!() };
        found = rows.len();
        if found == 2 {
            break;
        }
    }
    for session in [Some(&mut holder), waiter.as_mut()].into_iter().flatten() {
        session.kill().unwrap();
        session.wait().unwrap();
    }
    assert_eq!(found, 2);
}

#[tokio::test]
async fn sqlite_comes_back_and_the_old_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = context(folder.path(), "sqlite:app.db", "backup");
    let setup = "create table leads (id integer primary key, name text); create table odd (x, y); \
                 insert into leads (name) values ('a'), ('b'), (null); insert into odd values (1.5, x'00'), (1.5, x'00')";
    sqlite(&ctx, setup).await;
    let file = text(&backup(&ctx).await, "file").to_owned();
    sqlite(&ctx, "delete from leads").await;
    let kept = ok(restore(&ctx, &file).await)["kept"].as_str().unwrap().to_owned();
    assert_eq!(probe("rows", table("leads"), &ctx).await, Value::Int(3));
    sqlite(&ctx, "insert into leads (name) values ('c')").await;
    assert_eq!(ok(restore(&ctx, &file).await)["kept"].as_str(), Some(kept.as_str()), "it has happened already");
    assert_eq!(probe("rows", table("leads"), &ctx).await, Value::Int(4));
    let old = context(folder.path(), &format!("sqlite:{kept}"), "look");
    assert_eq!(probe("rows", table("leads"), &old).await, Value::Int(0));
    assert!(refused(restore(&old, &file).await, "R0513").contains("is a backup of"));

    let whole = fs::read(&file).unwrap();
    let again = context(folder.path(), "sqlite:app.db", "again");
    for number in 0..200_usize {
        let mut damaged = whole.clone();
        let at = number * 7919 % whole.len();
        if number % 2 == 0 {
            damaged.truncate(at)
        } else {
            damaged[at] ^= 1 << (number % 8)
        }
        fs::write(&file, damaged).unwrap();
        refused(restore(&again, &file).await, "R0513");
    }
    assert_eq!(probe("rows", table("leads"), &ctx).await, Value::Int(4));
    fs::write(&file, whole).unwrap();
    fs::remove_file(folder.path().join("app.db")).unwrap();
    assert_eq!(ok(restore(&again, &file).await)["kept"].as_str(), Some(""));
    assert_eq!(probe("rows", table("leads"), &ctx).await, Value::Int(3));
}

fn table(name: &str) -> Args {
    BTreeMap::from([("table".to_owned(), Value::string(name))])
}

async fn sqlite(ctx: &CallContext, text: &str) {
    ok(actions::perform("sql", &args([("text", Value::string(text))]), ctx).await);
}

#[tokio::test]
async fn sqlite_fingerprints_see_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = context(folder.path(), "sqlite:app.db", "check");
    sqlite(&ctx, "create table leads (id integer primary key, name text); create table odd (x, y)").await;
    sqlite(&ctx, "insert into leads (name) values ('a'), ('b'); insert into odd values ('', 1), (null, 1), ('', 1)")
        .await;
    for (name, statement, kept) in [
        ("leads", "insert into leads (name) values ('c')", true),
        ("leads", "alter table leads add column source text default 'x'", true),
        ("leads", "update leads set name = 'z' where id = 1", false),
        ("leads", "alter table leads drop column source", true),
        ("leads", "delete from leads where id = 1", false),
        ("odd", "insert into odd values (1, 2)", true),
        ("odd", "update odd set x = '' where x is null", false),
        ("odd", "insert into odd values (3, 3), (4, 4); delete from odd where x = '' and y = 1", false),
    ] {
        let tables = BTreeMap::from([("tables".to_owned(), Value::strings([name]))]);
        let then = probe("fingerprint", tables, &ctx).await;
        sqlite(&ctx, statement).await;
        let given = BTreeMap::from([("fingerprint".to_owned(), then)]);
        assert_eq!(probe("keeps", given, &ctx).await, Value::Bool(kept), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_of_one_moment_whoever_writes_meanwhile() {
    let (cluster, folder) = (filled(), tempfile::tempdir().unwrap());
    let writing =
        "do $$ begin for n in 1..20000 loop insert into leads (name) values ('during'); commit; end loop; end $$";
    let mut writer = cluster.session("shop", writing);
    let ctx = context(folder.path(), &cluster.url("shop"), "backup");
    let file = text(&backup(&ctx).await, "file").to_owned();
    let during = cluster.sql("shop", "select count(*) from leads").parse::<i64>().unwrap();
    let meta: serde_json::Value = serde_json::from_str(&fs::read_to_string(format!("{file}.json")).unwrap()).unwrap();
    let dumped = meta["tables"]["public.leads"]["rows"].as_i64().unwrap();
    assert!((3000..during).contains(&dumped), "{dumped} of {during}");
    ok(restore(&ctx, &file).await);
    writer.wait().unwrap();
    assert_eq!(cluster.sql("shop", "select count(*) from leads"), dumped.to_string());
}
