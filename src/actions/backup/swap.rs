//! Two databases change places in one transaction. While it waits for the sessions of the old one to end, new ones wait for
//! it: whoever dies in between leaves everything as it was.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::conduct::Fault;
use super::fresh::{quoted, run};
use super::restore::{Names, connect};
use crate::actions::sql::{Connection, literal};
use crate::actions::world::CallContext;

/// How often sessions are asked to end.
const END_EVERY: Duration = Duration::from_millis(50);

/// `there`: there is an old one.
pub(super) async fn swap(
    options: &PgConnectOptions,
    names: &Names,
    there: bool,
    server: &mut Connection,
    ctx: &CallContext,
) -> Result<(), Fault> {
    let mut other = connect(options, ctx).await?;
    let swapped = tokio::select! {
        swapped = rename(server, names, there) => swapped,
        never = end_sessions(&mut other, names) => match never {},
    };
    other.close().await;
    swapped
}

async fn rename(server: &mut Connection, names: &Names, there: bool) -> Result<(), Fault> {
    run(server, "begin").await?;
    let renamed = rename_inside(server, names, there).await;
    if renamed.is_err() {
        // The server rolls back what is never committed.
        let _ = run(server, "rollback").await;
        return renamed;
    }
    match server.run("commit").await {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.said => Err(Fault::failed(refusal.message)),
        Err(refusal) => {
            Err(Fault::Unknown(format!("the connection broke while the databases changed places: {}", refusal.message)))
        }
    }
}

async fn rename_inside(server: &mut Connection, names: &Names, there: bool) -> Result<(), Fault> {
    run(server, "set local lock_timeout = '10s'").await?;
    let (database, fresh, kept) = (quoted(&names.database), quoted(&names.fresh), quoted(&names.kept));
    if there {
        run(server, &format!("alter database {database} rename to {kept}")).await?;
    }
    run(server, &format!("alter database {fresh} rename to {database}")).await
}

/// Ends the sessions of both, again and again, until it is dropped.
async fn end_sessions(other: &mut Connection, names: &Names) -> std::convert::Infallible {
    let end = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname in ({}, {}) and backend_type = 'client backend'",
        literal(&names.database),
        literal(&names.fresh)
    );
    loop {
        // Without the right to end one, the rename says that somebody is there.
        let _ = other.run(&end).await;
        tokio::time::sleep(END_EVERY).await;
    }
}
