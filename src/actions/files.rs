//! Files: the probe `file` and the action `copy`, with its way back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::engine::{Outcome, Settlement};
use crate::model::Value;

use super::args::Args;
use super::codes;
use super::world::CallContext;

/// What `text` holds at most.
const MOST_TEXT: u64 = 1 << 20;

/// The probe `file`.
pub(crate) async fn probe(args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let path = ctx.world.path(args.required_text("path")?);
    blocking(move || read(&path)).await
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the task that reads files was lost".to_owned()))
}

fn read(path: &Path) -> Result<Value, String> {
    let said = |error: io::Error| format!("{}: {error}", path.display());
    let absolute = std::path::absolute(path).map_err(said)?;
    let mut members = BTreeMap::from([("path".to_owned(), Value::string(absolute.to_string_lossy()))]);
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            members.insert("exists".to_owned(), Value::Bool(false));
            return Ok(Value::Record(members));
        }
        Err(error) => return Err(said(error)),
    };
    members.insert("exists".to_owned(), Value::Bool(true));
    if let Some(time) = meta.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok()) {
        members.insert("modified".to_owned(), Value::Time(time.as_millisecond()));
    }
    if meta.is_file() {
        members.insert("size".to_owned(), Value::Size(meta.len()));
        members.insert("sha256".to_owned(), Value::string(sha256(path).map_err(said)?));
        if meta.len() <= MOST_TEXT
            && let Ok(text) = fs::read_to_string(path)
        {
            members.insert("text".to_owned(), Value::String(text));
        }
    }
    Ok(Value::Record(members))
}

/// The SHA-256 of a file in hex.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        digest.update(&buffer[..read]);
    }
}

/// The hash of a file; `None` when there is none.
fn hash_of(path: &Path) -> Result<Option<String>, String> {
    match sha256(path) {
        Ok(hash) => Ok(Some(hash)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// From where to where, and where what was there before is kept until it is no longer needed.
#[derive(Debug, Clone)]
struct Way {
    from: PathBuf,
    to: PathBuf,
    kept: PathBuf,
}

impl Way {
    fn of(args: Args<'_>, ctx: &CallContext) -> Result<Self, String> {
        let from = ctx.world.path(args.required_text("from")?);
        let target = args.required_text("to")?;
        let mut to = ctx.world.path(target);
        if target.ends_with('/') || to.is_dir() {
            to.push(from.file_name().ok_or_else(|| format!("{} names no file", from.display()))?);
        }
        let name = to.file_name().ok_or_else(|| format!("`{target}` names no file"))?.to_string_lossy().into_owned();
        // Named after run and step: a second attempt finds what the first one kept.
        let step: String =
            ctx.step.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
        let run: String = ctx.world.run.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let kept = to.with_file_name(format!(".{name}.before-{run}-{step}"));
        Ok(Self { from, to, kept })
    }
}

/// Before the action: the hashes of source and target, and a second copy of the target when there is one.
pub(crate) async fn capture(args: Args<'_>, ctx: &CallContext) -> Result<Option<Value>, String> {
    let way = Way::of(args, ctx)?;
    blocking(move || {
        let before = hash_of(&way.to)?;
        // A source that is not there is for the action to fail at.
        let source = hash_of(&way.from)?.map_or(Value::None, Value::String);
        if before.is_some() {
            put(&way.to, &way.kept).map_err(|error| format!("{} cannot be kept: {error}", way.to.display()))?;
        }
        let before = before.map_or(Value::None, Value::String);
        Ok(Some(Value::record([("before", before), ("source", source)])))
    })
    .await
}

/// The action `copy`.
pub(crate) async fn perform(args: Args<'_>, ctx: &CallContext) -> Outcome {
    let way = match Way::of(args, ctx) {
        Ok(way) => way,
        Err(why) => return codes::clean(&codes::BAD_CALL, why),
    };
    let copied = blocking(move || {
        let failed =
            |error: io::Error| format!("{} could not be copied to {}: {error}", way.from.display(), way.to.display());
        let (sha256, size) = put(&way.from, &way.to).map_err(failed)?;
        Ok(outputs(&way.to, sha256, size))
    });
    match copied.await {
        Ok(outputs) => Outcome::Succeeded { outputs },
        Err(why) => codes::clean(&codes::COPY_FAILED, why),
    }
}

fn outputs(path: &Path, sha256: String, size: u64) -> BTreeMap<String, Value> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    BTreeMap::from([
        ("path".to_owned(), Value::string(path.to_string_lossy())),
        ("sha256".to_owned(), Value::String(sha256)),
        ("size".to_owned(), Value::Size(size)),
    ])
}

/// Copies under a temporary name, syncs, renames, syncs the folder: the target is whole at any moment.
fn put(from: &Path, to: &Path) -> io::Result<(String, u64)> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut source = File::open(from)?;
    let meta = source.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    fs::create_dir_all(folder)?;
    let mut copy = tempfile::Builder::new().prefix(".plan-copy-").tempfile_in(folder)?;
    let mut digest = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        copy.write_all(&buffer[..read])?;
        size += read as u64;
    }
    copy.as_file().set_permissions(meta.permissions())?;
    copy.as_file().sync_all()?;
    copy.persist(to).map_err(|error| error.error)?;
    // The rename has happened; a folder that cannot be synced (some network file systems) makes it no less done.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok((digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), size))
}

/// Takes a copy back: removes what it made, or puts back what was there. Does nothing when that is done already.
pub(crate) async fn undo(
    args: Args<'_>,
    captured: Option<&Value>,
    outputs: Option<&BTreeMap<String, Value>>,
    ctx: &CallContext,
) -> Outcome {
    let way = match Way::of(args, ctx) {
        Ok(way) => way,
        Err(why) => return codes::clean(&codes::BAD_CALL, why),
    };
    let Some((before, source)) = captured.and_then(hashes) else {
        return codes::clean(&codes::COPY_FAILED, format!("what was at {} before is not on record", way.to.display()));
    };
    // The source may have changed between the two readings: what was written counts.
    let made = outputs.and_then(|outputs| outputs.get("sha256")).and_then(Value::as_str).map_or(source, str::to_owned);
    match blocking(move || put_back(&way, before.as_deref(), &made)).await {
        Ok(()) => Outcome::Succeeded { outputs: BTreeMap::new() },
        Err(why) => codes::clean(&codes::COPY_FAILED, why),
    }
}

fn put_back(way: &Way, before: Option<&str>, made: &str) -> Result<(), String> {
    let said = |error: io::Error| format!("{}: {error}", way.to.display());
    let now = hash_of(&way.to)?;
    if now.as_deref() != before {
        if now.as_deref().is_some_and(|now| now != made) {
            return Err(format!(
                "{} was changed by somebody else since it was copied; it is left alone. What was there before is kept at {}",
                way.to.display(),
                way.kept.display()
            ));
        }
        match before {
            None => fs::remove_file(&way.to).map_err(said)?,
            Some(_) => fs::rename(&way.kept, &way.to).map_err(|error| format!("{}: {error}", way.kept.display()))?,
        }
    }
    match fs::remove_file(&way.kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(said(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The run is final: what was kept for the way back goes. A failure leaves a file that nobody needs.
pub(crate) async fn forget(args: Args<'_>, ctx: &CallContext) {
    if let Ok(way) = Way::of(args, ctx) {
        let _ = tokio::task::spawn_blocking(move || fs::remove_file(way.kept)).await;
    }
}

/// After a crash: the copy happened when the target holds what the source held.
pub(crate) async fn settle(args: Args<'_>, captured: Option<&Value>, ctx: &CallContext) -> Settlement {
    let (way, source) = match (Way::of(args, ctx), captured.and_then(hashes)) {
        (Ok(way), Some((_, source))) => (way, source),
        (Err(why), _) => return Settlement::Unknown(why),
        (_, None) => return Settlement::Unknown("what the source held is not on record".to_owned()),
    };
    let settled = blocking(move || {
        if hash_of(&way.to)?.as_deref() != Some(source.as_str()) {
            return Ok(Settlement::NotDone);
        }
        let size = fs::metadata(&way.to).map_err(|error| error.to_string())?.len();
        Ok(Settlement::Done(Some(outputs(&way.to, source, size))))
    });
    settled.await.unwrap_or_else(Settlement::Unknown)
}

/// What [`capture`] noted: the target before, the source.
fn hashes(captured: &Value) -> Option<(Option<String>, String)> {
    let Value::Record(members) = captured else { return None };
    let before = members.get("before").and_then(Value::as_str).map(str::to_owned);
    Some((before, members.get("source").and_then(Value::as_str).unwrap_or_default().to_owned()))
}
