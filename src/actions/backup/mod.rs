//! Backups that are proven, and the way back from them.
//!
//! Architecture invariant: a backup counts from the moment that its metadata stands beside it, which is the last thing that
//! is written; what has none was never finished and is nobody's backup.

mod conduct;
mod fresh;
mod meta;
mod postgres;
mod restore;
mod service;
mod sqlite;
mod swap;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::{Outcome, Settlement};
use crate::model::Value;

use super::args::Args;
use super::files::blocking;
use super::sql::{Address, direct_address};
use super::world::CallContext;
use super::{codes, sql};
use conduct::{Fault, limited};
use meta::Meta;

/// What `backup` was asked to do.
struct Order {
    address: Address,
    /// PostgreSQL's, as the plan has it.
    url: String,
    folder: PathBuf,
    keep: Option<Duration>,
    copy: Option<PathBuf>,
}

impl Order {
    fn of(args: Args<'_>, ctx: &CallContext) -> Result<Self, String> {
        let (address, url) = direct_address(args.resource("database")?, ctx)?;
        let place = |path: &str| match path.split_once("://") {
            Some((scheme, _)) => Err(format!(
                "a backup cannot be copied to `{scheme}://` by this version; give a folder, or copy the file in a step of \
                 its own"
            )),
            None => Ok(ctx.world.path(path)),
        };
        let folder = place(args.required_text("to")?)?;
        let copy = args.text("copy")?.map(place).transpose()?;
        Ok(Self { address, url: url.to_owned(), folder, keep: args.duration("keep")?, copy })
    }
}

/// The action `backup`.
pub(crate) async fn perform(args: Args<'_>, ctx: &CallContext) -> Outcome {
    let order = match Order::of(args, ctx) {
        Ok(order) => order,
        Err(why) => return codes::clean(&codes::BAD_CALL, why),
    };
    match limited(ctx, carry_out(&order, ctx)).await {
        Ok(outputs) => Outcome::Succeeded { outputs },
        Err(fault) => fault.outcome(&codes::BACKUP_FAILED),
    }
}

async fn carry_out(order: &Order, ctx: &CallContext) -> Result<BTreeMap<String, Value>, Fault> {
    let folder = order.folder.clone();
    std::fs::create_dir_all(&folder).map_err(|error| Fault::failed(format!("{}: {error}", folder.display())))?;
    meta::clear(&folder, ctx);
    let part =
        meta::unfinished(&folder, ctx).map_err(|error| Fault::failed(format!("{}: {error}", folder.display())))?;
    let began = std::time::Instant::now();
    let (mut meta, name, extension) = match &order.address {
        Address::Postgres(options) => {
            let meta = postgres::dump(&order.url, options, &part, ctx).await?;
            (meta, postgres::database(options).to_owned(), "dump")
        }
        Address::Sqlite(path) => {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (sqlite::dump(path, &part, ctx).await?, name, "sqlite")
        }
    };
    meta.seconds = began.elapsed().as_secs_f64();
    meta.file = meta::file_name(&name, &meta, ctx, extension);
    let (keep, copy, ctx) = (order.keep, order.copy.clone(), ctx.clone());
    let finished = blocking(move || finish(meta, part, &folder, keep, copy.as_deref(), &ctx));
    finished.await.map_err(Fault::failed)
}

/// What was written and proven becomes a backup: renamed, described, copied; then older ones go.
fn finish(
    mut meta: Meta,
    part: tempfile::TempPath,
    folder: &Path,
    keep: Option<Duration>,
    copy: Option<&Path>,
    ctx: &CallContext,
) -> Result<BTreeMap<String, Value>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    meta.sha256 = super::files::sha256(&part).map_err(said)?;
    meta.size = std::fs::metadata(&part).map_err(said)?.len();
    part.persist(folder.join(&meta.file)).map_err(|error| said(error.error))?;
    meta::sync(folder).map_err(said)?;
    meta.put(folder).map_err(said)?;
    let folders = [Some(folder), copy];
    if let Some(copy) = copy {
        meta::copy(&meta, folder, copy, ctx)?;
    }
    for folder in folders.into_iter().flatten() {
        if let Some(keep) = keep {
            meta::prune(folder, &meta, keep)
                .map_err(|error| format!("older backups could not be removed from {}: {error}", folder.display()))?;
        }
    }
    Ok(meta.outputs(folder))
}

/// After a crash: the backup happened when a finished one of this run and step is there, and whole.
pub(crate) async fn settle(args: Args<'_>, ctx: &CallContext) -> Settlement {
    let order = match Order::of(args, ctx) {
        Ok(order) => order,
        Err(why) => return Settlement::Unknown(why),
    };
    let (run, step, own) = (ctx.world.run.clone(), ctx.step.clone(), ctx.clone());
    let found = blocking(move || {
        let mut all = meta::all(&order.folder);
        all.retain(|meta| meta.run == run && meta.step == step && meta.check(&order.folder.join(&meta.file)).is_ok());
        let there = |meta: &Meta| order.copy.as_ref().is_none_or(|copy| meta.check(&copy.join(&meta.file)).is_ok());
        let newest = all.into_iter().filter(there).max_by_key(|meta| meta.taken);
        if newest.is_none() {
            meta::clear(&order.folder, &own);
        }
        Ok(newest.map(|meta| meta.outputs(&order.folder)))
    });
    match found.await {
        Ok(Some(outputs)) => Settlement::Done(Some(outputs)),
        Ok(None) => Settlement::NotDone,
        Err(why) => Settlement::Unknown(why),
    }
}

/// The action `restore`.
pub(crate) async fn restore(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match limited(ctx, put_back(args, ctx)).await {
        Ok(kept) => Outcome::Succeeded { outputs: kept_outputs(&kept) },
        Err(fault) => fault.outcome(&codes::RESTORE_FAILED),
    }
}

fn kept_outputs(kept: &str) -> BTreeMap<String, Value> {
    BTreeMap::from([("kept".to_owned(), Value::string(kept))])
}

async fn put_back(args: Args<'_>, ctx: &CallContext) -> Result<String, Fault> {
    let database = args.resource("database").map_err(Fault::Call)?;
    let (address, url) = direct_address(database, ctx).map_err(Fault::Call)?;
    let file = ctx.world.path(args.required_text("from").map_err(Fault::Call)?);
    let read = file.clone();
    let meta = blocking(move || {
        let meta = Meta::beside(&read)?;
        meta.check(&read).map(|()| meta)
    });
    let meta = meta.await.map_err(Fault::Refused)?;
    match &address {
        Address::Postgres(options) => {
            restore::restore(&restore::Job { url, options, file: &file, meta: &meta, ctx }).await
        }
        Address::Sqlite(path) => sqlite::restore(path, &file, &meta, ctx).await,
    }
}

/// After a crash: a restore happened when the old database is kept under its name.
pub(crate) async fn settle_restore(args: Args<'_>, ctx: &CallContext) -> Settlement {
    let found = async {
        let (address, _) = direct_address(args.resource("database")?, ctx)?;
        let file = ctx.world.path(args.required_text("from")?);
        let meta = blocking(move || Meta::beside(&file)).await?;
        match &address {
            Address::Postgres(options) => restore::settle(options, &meta, ctx).await,
            Address::Sqlite(path) => sqlite::settle(path, &meta, ctx),
        }
    };
    match found.await {
        Ok(Some(kept)) => Settlement::Done(Some(kept_outputs(&kept))),
        Ok(None) => Settlement::NotDone,
        Err(why) => Settlement::Unknown(why),
    }
}

/// The only value of a query.
async fn scalar(connection: &mut sql::Connection, text: &str) -> Result<serde_json::Value, String> {
    let mut rows = connection.rows(text, 1).await.map_err(|refusal| refusal.message)?;
    let value = rows.pop().and_then(|mut fields| fields.pop()).map(|(_, value)| value);
    value.ok_or_else(|| "the database answered with no row".to_owned())
}

/// The same, as a text.
async fn text(connection: &mut sql::Connection, query: &str) -> Result<String, String> {
    let value = scalar(connection, query).await?;
    value.as_str().map(str::to_owned).ok_or_else(|| format!("the database answered {value}, not a text"))
}
