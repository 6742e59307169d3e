//! A dump of a PostgreSQL database: of one moment, read back whole, with what each table held at that moment.

use std::path::Path;

use serde_json::Value as Json;
use sqlx::postgres::PgConnectOptions;

use super::conduct::{Fault, plain, run};
use super::meta::Meta;
use super::service::Service;
use super::{scalar, text};
use crate::actions::files::blocking;
use crate::actions::sql::{Access, Address, Connection, begin_snapshot, contents};
use crate::actions::world::CallContext;

/// How long the dump waits for somebody's exclusive lock on a table.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// How a value names a table (`regclass`) depends on the path, which a new database does not have yet.
pub(super) const SAME_NAMES: &str = "set local search_path = pg_catalog";

/// Tables with rows of their own; those of extensions come back with them.
const TABLES: &str = "select n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname) \
     from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and not exists \
     (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') order by 3";

/// Which database an address is of.
pub(super) fn database(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or_else(|| options.get_username())
}

/// A pooler hands sessions around: snapshots, names and limits would be another client's.
pub(super) fn refuse_pooled(options: &PgConnectOptions) -> Result<(), Fault> {
    let host = options.get_host();
    let pooled = host.contains("-pooler.") || host.contains(".pooler.") || options.get_port() == 6432;
    let why = "the address is that of a pooler, through which nothing can be dumped or restored; give the database a \
               `direct_url` beside it";
    if pooled { Err(Fault::Call(why.to_owned())) } else { Ok(()) }
}

/// One table: schema, name, and both as SQL has them.
struct Table {
    schema: String,
    name: String,
    quoted: String,
}

/// Dumps into a file and proves it. What is still missing in the metadata: file, hash, size, seconds.
pub(super) async fn dump(url: &str, options: &PgConnectOptions, part: &Path, ctx: &CallContext) -> Result<Meta, Fault> {
    refuse_pooled(options)?;
    let address = Address::Postgres(Box::new(options.clone()));
    let mut connection =
        Connection::open(&address, &ctx.session_name(), Access::Read).await.map_err(Fault::Unreachable)?;
    let (meta, tables, snapshot) = observe(&mut connection, ctx).await?;
    let service = Service::new(url, options, database(options))?;
    let mut args: Vec<String> = ["-Fc", "--no-password", LOCK_WAIT].map(str::to_owned).to_vec();
    args.extend([format!("--snapshot={snapshot}"), format!("--file={}", absolute(part))]);
    run(&service.launch("pg_dump", args), ctx).await?;
    connection.close().await;
    let written = part.to_owned();
    blocking(move || synced(&written)).await?;
    prove(part, &tables, ctx).await?;
    Ok(meta)
}

/// What the dump will hold. The transaction stays open: its snapshot is the dump's.
async fn observe(connection: &mut Connection, ctx: &CallContext) -> Result<(Meta, Vec<Table>, String), Fault> {
    begin_snapshot(connection).await?;
    let snapshot = text(connection, "select pg_export_snapshot()").await?;
    let identity =
        text(connection, "select system_identifier::text || '/' || current_database() from pg_control_system()")
            .await?;
    let server = text(connection, "select current_setting('server_version')").await?;
    let mut meta = Meta::new(identity, server, ctx);
    let rows = connection.rows(TABLES, usize::MAX).await.map_err(|refusal| refusal.message)?;
    let table = |fields: Vec<(String, Json)>| {
        let mut texts = fields.into_iter().map(|(_, value)| value.as_str().unwrap_or_default().to_owned());
        let (schema, name, quoted) = (texts.next()?, texts.next()?, texts.next()?);
        Some(Table { schema, name, quoted })
    };
    let tables: Vec<Table> = rows.into_iter().filter_map(table).collect();
    let names: Vec<String> = tables.iter().map(|table| table.quoted.clone()).collect();
    if scalar(connection, "select to_regclass('alembic_version') is not null").await? == Json::Bool(true) {
        let heads = "select coalesce(string_agg(version_num, ', ' order by version_num), '') from alembic_version";
        meta.revision = Some(text(connection, heads).await?).filter(|revision| !revision.is_empty());
    }
    connection.run(SAME_NAMES).await.map_err(|refusal| refusal.message)?;
    meta.tables = contents(connection, &names, false).await?;
    Ok((meta, tables, snapshot))
}

fn synced(path: &Path) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(said)?;
    file.sync_all().map_err(said)
}

/// Reads all of it, and looks for the data of every table: a table of contents alone is whole in a file that is not.
async fn prove(dump: &Path, tables: &[Table], ctx: &CallContext) -> Result<(), Fault> {
    let path = absolute(dump);
    run(&plain("pg_restore", &["-f", "/dev/null", &path]), ctx).await.map_err(unproven)?;
    let list = run(&plain("pg_restore", &["--list", &path]), ctx).await.map_err(unproven)?;
    let missing = tables.iter().find(|table| !list.contains(&format!(" TABLE DATA {} {} ", table.schema, table.name)));
    match missing {
        Some(table) => {
            Err(Fault::failed(format!("the dump holds no data of the table {}; it was removed", table.quoted)))
        }
        None => Ok(()),
    }
}

fn unproven(fault: Fault) -> Fault {
    match fault {
        Fault::Failed { message, tail } => {
            Fault::Failed { message: format!("the dump cannot be read back, and was removed: {message}"), tail }
        }
        other => other,
    }
}

/// Programs run in the step's folder, the plan's paths start at its own.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
