//! SQLite: a copy of one moment made by the database itself, checked page by page; put back by rename.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::conduct::Fault;
use super::meta::{self, Meta, tag};
use super::{scalar, text};
use crate::actions::files::blocking;
use crate::actions::sql::{Access, Address, Connection, begin_snapshot, contents, tables_of};
use crate::actions::world::CallContext;

/// What SQLite keeps beside a database.
const BESIDE: &[&str] = &["-wal", "-shm", "-journal"];

/// The path of a database that may not be there.
fn identity(path: &Path) -> Result<String, String> {
    let said = |error: io::Error| format!("{}: {error}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| format!("{} names no file", path.display()))?;
    let whole = fs::canonicalize(path).or_else(|_| fs::canonicalize(folder).map(|folder| folder.join(name)));
    Ok(whole.map_err(said)?.to_string_lossy().into_owned())
}

async fn open(path: &Path, ctx: &CallContext) -> Result<Connection, String> {
    let access = Access::Change { interrupt: Arc::default() };
    Connection::open(&Address::Sqlite(path.to_owned()), &ctx.session_name(), access).await
}

/// Copies a database into `part` and proves the copy.
pub(super) async fn dump(path: &Path, part: &Path, ctx: &CallContext) -> Result<Meta, Fault> {
    if !path.exists() {
        return Err(Fault::Unreachable(format!("there is no database file {}", path.display())));
    }
    let mut connection = open(path, ctx).await.map_err(Fault::Unreachable)?;
    let version = text(&mut connection, "select 'SQLite ' || sqlite_version()").await?;
    let mut meta = Meta::new(identity(path)?, version, ctx);
    let target = part.to_str().ok_or("the folder's name is not UTF-8")?.replace('\'', "''");
    let copied = connection.run(&format!("vacuum into '{target}'")).await;
    copied.map_err(|refusal| Fault::failed(refusal.message))?;
    connection.close().await;
    meta.tables = check(part, ctx).await?;
    let written = part.to_owned();
    let synced = blocking(move || fs::File::open(&written).and_then(|file| file.sync_all()).map_err(|e| e.to_string()));
    synced.await?;
    Ok(meta)
}

/// Reads every page, and what the tables hold.
async fn check(
    path: &Path,
    ctx: &CallContext,
) -> Result<std::collections::BTreeMap<String, crate::actions::sql::Contents>, Fault> {
    let address = Address::Sqlite(path.to_owned());
    let mut connection = Connection::open(&address, &ctx.session_name(), Access::Read).await?;
    let said = text(&mut connection, "select group_concat(integrity_check, '; ') from pragma_integrity_check").await?;
    if said != "ok" {
        return Err(Fault::failed(format!("the copy is damaged: {said}")));
    }
    let tables = tables_of(&mut connection).await?;
    begin_snapshot(&mut connection).await?;
    let held = contents(&mut connection, &tables, false).await?;
    connection.close().await;
    Ok(held)
}

/// The name under which the old file stays.
fn kept_name(path: &Path, meta: &Meta, ctx: &CallContext) -> PathBuf {
    with_suffix(path, &format!(".before-{}", tag(ctx, &meta.sha256)))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn same_file(one: &Path, other: &Path) -> bool {
    let inode = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    inode(one).is_some() && inode(one) == inode(other)
}

/// Whether the swap has happened: the path of the old file.
pub(super) fn settle(path: &Path, meta: &Meta, ctx: &CallContext) -> Result<Option<String>, String> {
    let kept = kept_name(path, meta, ctx);
    let done = kept.exists() && path.exists() && !same_file(&kept, path);
    Ok(done.then(|| kept.to_string_lossy().into_owned()))
}

/// The path of the old file; empty when there was none.
pub(super) async fn restore(path: &Path, file: &Path, meta: &Meta, ctx: &CallContext) -> Result<String, Fault> {
    let own = identity(path)?;
    if own != meta.identity {
        let why = format!("{} is a backup of {}, and this database is {own}", file.display(), meta.identity);
        return Err(Fault::Refused(why));
    }
    // A symbolic link stays one: what it leads to is replaced.
    let path = Path::new(&own);
    if let Some(kept) = settle(path, meta, ctx)? {
        return Ok(kept);
    }
    let folder = path.parent().ok_or("the database has no folder")?;
    let part = meta::unfinished(folder, ctx).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (from, to, expected) = (file.to_owned(), part.to_path_buf(), meta.clone());
    blocking(move || {
        fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
        expected.check(&to)
    })
    .await?;
    if check(&part, ctx).await? != meta.tables {
        return Err(Fault::failed("the tables do not hold what they held when the backup was taken".to_owned()));
    }
    let (kept, there) = (kept_name(path, meta, ctx), path.exists());
    if there {
        prepare(path, &part, ctx).await?;
    }
    put(path, part, there.then_some(&kept)).map_err(|error| Fault::failed(format!("{}: {error}", path.display())))?;
    Ok(if there { kept.to_string_lossy().into_owned() } else { String::new() })
}

/// Brings what the old file's journal holds into it, which nobody else may have open, and gives the new one its rights and
/// its kind of journal. A file that is no database any more is taken as it is.
async fn prepare(path: &Path, part: &Path, ctx: &CallContext) -> Result<(), Fault> {
    let said = |error: io::Error| Fault::failed(format!("{}: {error}", path.display()));
    let mode = match open(path, ctx).await {
        Ok(mut connection) => {
            let mode = text(&mut connection, "select journal_mode from pragma_journal_mode").await;
            let alone = scalar(&mut connection, "pragma journal_mode = delete").await;
            connection.close().await;
            match alone {
                Err(why) if why.contains("locked") => {
                    let why = format!("{} is open elsewhere; stop what uses it first", path.display());
                    return Err(Fault::failed(why));
                }
                Ok(_) | Err(_) => mode.unwrap_or_default(),
            }
        }
        Err(_) => String::new(),
    };
    if mode == "wal" {
        let mut connection = open(part, ctx).await?;
        scalar(&mut connection, "pragma journal_mode = wal").await?;
        connection.close().await;
    }
    let rights = fs::metadata(path).map_err(said)?;
    fs::set_permissions(part, rights.permissions()).map_err(said)?;
    // Only root may give files away; for anybody else they are the same user's.
    let _ = std::os::unix::fs::chown(part, Some(rights.uid()), Some(rights.gid()));
    fs::File::open(part).and_then(|file| file.sync_all()).map_err(said)
}

/// The old file gets a second name, then the new one takes the first: at every moment there is a whole database.
fn put(path: &Path, part: tempfile::TempPath, kept: Option<&PathBuf>) -> io::Result<()> {
    if let Some(kept) = kept {
        match fs::hard_link(path, kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && same_file(path, kept) => {}
            linked => linked?,
        }
        for suffix in BESIDE.iter().filter(|suffix| with_suffix(path, suffix).exists()) {
            fs::rename(with_suffix(path, suffix), with_suffix(kept, suffix))?;
        }
    }
    part.persist(path).map_err(|error| error.error)?;
    meta::sync(path.parent().unwrap_or(Path::new(".")))
}
