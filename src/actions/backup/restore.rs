//! A PostgreSQL backup put in place of its database: restored into a new one, compared with what was dumped, then swapped.

use std::path::Path;

use sqlx::postgres::PgConnectOptions;

use super::conduct::{Fault, run};
use super::meta::{Meta, tag};
use super::postgres::{SAME_NAMES, absolute, database, refuse_pooled};
use super::service::Service;
use super::{fresh, swap, text};
use crate::actions::sql::{Access, Address, Connection, begin_snapshot, contents};
use crate::actions::world::CallContext;

/// PostgreSQL cuts longer names.
const LONGEST: usize = 63;

/// The databases of one restore, the same for every attempt.
#[derive(Debug)]
pub(super) struct Names {
    pub database: String,
    /// Into which it is restored.
    pub fresh: String,
    /// Under which the old one stays.
    pub kept: String,
}

impl Names {
    fn new(database: &str, meta: &Meta, ctx: &CallContext) -> Self {
        let tag = tag(ctx, &meta.sha256);
        let mut end = LONGEST - "_restore_".len() - tag.len();
        end = (0..=end.min(database.len())).rev().find(|at| database.is_char_boundary(*at)).unwrap_or(0);
        let start = &database[..end];
        Self {
            database: database.to_owned(),
            fresh: format!("{start}_restore_{tag}"),
            kept: format!("{start}_before_{tag}"),
        }
    }
}

/// What goes where.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub url: &'a str,
    pub options: &'a PgConnectOptions,
    pub file: &'a Path,
    pub meta: &'a Meta,
    pub ctx: &'a CallContext,
}

/// A connection to the server that is to none of the databases in question.
pub(super) async fn connect(options: &PgConnectOptions, ctx: &CallContext) -> Result<Connection, String> {
    let at = |name: &str| Address::Postgres(Box::new(options.clone().database(name)));
    match Connection::open(&at("postgres"), &ctx.session_name(), Access::Read).await {
        Ok(connection) => Ok(connection),
        Err(why) => Connection::open(&at("template1"), &ctx.session_name(), Access::Read).await.map_err(|_| why),
    }
}

/// The name of the old database; empty when there was none.
pub(super) async fn restore(job: &Job<'_>) -> Result<String, Fault> {
    let Job { options, file, meta, ctx, .. } = *job;
    refuse_pooled(options)?;
    let names = Names::new(database(options), meta, ctx);
    let mut server = connect(options, ctx).await.map_err(Fault::Unreachable)?;
    let system = text(&mut server, "select system_identifier::text from pg_control_system()").await?;
    let identity = format!("{system}/{}", names.database);
    if identity != meta.identity {
        let why = format!("{} is a backup of {}, and this database is {identity}", file.display(), meta.identity);
        return Err(Fault::Refused(why));
    }
    let there = fresh::exists(&mut server, &names.database).await?;
    if there && fresh::exists(&mut server, &names.kept).await? {
        // An attempt before this one came to its end.
        return Ok(names.kept);
    }
    let model = there.then_some(names.database.as_str());
    let made = make(job, &names, model, &mut server).await;
    let swapped = match made {
        Ok(()) => swap::swap(options, &names, there, &mut server, ctx).await,
        Err(fault) => Err(fault),
    };
    if matches!(swapped, Err(Fault::Failed { .. })) {
        // What cannot be removed is removed by the next attempt; it is in nobody's way.
        let _ = fresh::remove(&mut server, &names.fresh).await;
    }
    server.close().await;
    swapped.map(|()| if there { names.kept } else { String::new() })
}

/// A new database that holds what the old one held.
async fn make(job: &Job<'_>, names: &Names, model: Option<&str>, server: &mut Connection) -> Result<(), Fault> {
    fresh::remove(server, &names.fresh).await?;
    fresh::create(server, &names.fresh, model).await?;
    let service = Service::new(job.url, job.options, &names.fresh)?;
    // With owners and rights: it is the same server, so its roles are there.
    let args = ["--exit-on-error", "--no-password", "--jobs=2", "--dbname=service=plan"];
    let args = args.iter().map(|arg| (*arg).to_owned()).chain([absolute(job.file)]).collect();
    run(&service.launch("pg_restore", args), job.ctx).await?;
    compare(job.options, job.meta, names, job.ctx).await?;
    match model {
        Some(model) => fresh::dress(server, &names.fresh, model).await,
        None => Ok(()),
    }
}

/// What was restored holds what was dumped, table by table.
async fn compare(options: &PgConnectOptions, meta: &Meta, names: &Names, ctx: &CallContext) -> Result<(), Fault> {
    let address = Address::Postgres(Box::new(options.clone().database(&names.fresh)));
    let mut connection = Connection::open(&address, &ctx.session_name(), Access::Read).await?;
    let tables: Vec<String> = meta.tables.keys().cloned().collect();
    begin_snapshot(&mut connection).await?;
    fresh::run(&mut connection, SAME_NAMES).await?;
    let held = contents(&mut connection, &tables, false).await?;
    if let Some((table, _)) = held.iter().find(|(table, held)| meta.tables.get(*table) != Some(held)) {
        return Err(Fault::failed(format!("`{table}` does not hold what it held when the backup was taken")));
    }
    fresh::run(&mut connection, "rollback").await?;
    // A dump has no statistics; without them the first queries take the worst way.
    fresh::run(&mut connection, "analyze").await?;
    connection.close().await;
    Ok(())
}

/// Whether the swap has happened: the name of the old database. What a dead attempt has made is removed.
pub(super) async fn settle(
    options: &PgConnectOptions,
    meta: &Meta,
    ctx: &CallContext,
) -> Result<Option<String>, String> {
    let names = Names::new(database(options), meta, ctx);
    let mut server = connect(options, ctx).await?;
    let there = fresh::exists(&mut server, &names.database).await?;
    let kept = there && fresh::exists(&mut server, &names.kept).await?;
    if !kept {
        let _ = fresh::remove(&mut server, &names.fresh).await;
    }
    server.close().await;
    Ok(kept.then_some(names.kept))
}
