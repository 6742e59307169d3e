//! What stands beside a backup: whose it is, what it holds, and by which hash it is known.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::actions::files::sha256;
use crate::actions::sql::Contents;
use crate::actions::world::CallContext;
use crate::model::Value;

/// The form of the file; another one is refused.
const FORM: u32 = 1;
/// What a name beside the backup ends in.
const SUFFIX: &str = ".json";
/// What everything begins with that is not finished.
pub(super) const UNFINISHED: &str = ".plan-backup-";

/// The metadata of one backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub form: u32,
    /// The file's name, in the same folder.
    pub file: String,
    pub sha256: String,
    pub size: u64,
    /// `system identifier/database`, or the path of a SQLite file.
    pub identity: String,
    pub server: String,
    /// The revision of its schema, where a migration tool has left one.
    pub revision: Option<String>,
    /// RFC 3339.
    pub taken: jiff::Timestamp,
    pub seconds: f64,
    pub run: String,
    pub step: String,
    /// Rows and content hash of each table, of the same moment as the dump.
    pub tables: BTreeMap<String, Contents>,
}

impl Meta {
    /// For a backup of this step that is being made now; file, hash and size are known later.
    pub(super) fn new(identity: String, server: String, ctx: &CallContext) -> Self {
        Self {
            form: FORM,
            file: String::new(),
            sha256: String::new(),
            size: 0,
            identity,
            server,
            revision: None,
            taken: jiff::Timestamp::now(),
            seconds: 0.0,
            run: ctx.world.run.clone(),
            step: ctx.step.clone(),
            tables: BTreeMap::new(),
        }
    }

    /// Reads what stands beside a backup.
    pub(super) fn beside(file: &Path) -> Result<Self, String> {
        let path = beside(file);
        let text = fs::read_to_string(&path).map_err(|error| {
            format!("{} cannot be read ({error}); without it nobody knows what the file holds", path.display())
        })?;
        let meta: Self = serde_json::from_str(&text)
            .map_err(|error| format!("{} is not what `backup` wrote: {error}", path.display()))?;
        if meta.form == FORM { Ok(meta) } else { Err(format!("{} was written by a later version", path.display())) }
    }

    /// Puts it beside its backup: from then on the backup counts.
    pub(super) fn put(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(beside(&folder.join(&self.file))).map_err(|error| error.error)?;
        sync(folder)
    }

    /// What the action yields.
    pub(super) fn outputs(&self, folder: &Path) -> BTreeMap<String, Value> {
        let path = folder.join(&self.file);
        let path = std::path::absolute(&path).unwrap_or(path);
        BTreeMap::from([
            ("file".to_owned(), Value::string(path.to_string_lossy())),
            ("sha256".to_owned(), Value::string(&self.sha256)),
            ("size".to_owned(), Value::Size(self.size)),
            ("identity".to_owned(), Value::string(&self.identity)),
        ])
    }

    /// Whether the file is still what was written.
    pub(super) fn check(&self, file: &Path) -> Result<(), String> {
        let hash = sha256(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let wrong =
            || format!("{} is not what was written: its SHA-256 is {hash}, not {}", file.display(), self.sha256);
        if hash == self.sha256 { Ok(()) } else { Err(wrong()) }
    }
}

/// Where the metadata of a backup is.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// Makes a rename last.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// All finished backups of a folder.
pub(super) fn all(folder: &Path) -> Vec<Meta> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let own =
        |path: &PathBuf, meta: &Meta| path.file_name().is_some_and(|name| *name == *format!("{}{SUFFIX}", meta.file));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok().filter(|_| path.to_string_lossy().ends_with(SUFFIX))?;
        serde_json::from_str::<Meta>(&text).ok().filter(|meta| own(&path, meta))
    };
    entries.filter_map(|entry| read(entry.path())).collect()
}

/// Takes away what is older than `keep` of the same database as the new one; never the new one.
pub(super) fn prune(folder: &Path, new: &Meta, keep: Duration) -> io::Result<()> {
    let Ok(keep) = jiff::SignedDuration::try_from(keep) else { return Ok(()) };
    for old in all(folder) {
        let age = new.taken.duration_since(old.taken);
        if old.identity != new.identity || old.file == new.file || age <= keep {
            continue;
        }
        let file = folder.join(&old.file);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => fs::remove_file(beside(&file))?,
        }
    }
    Ok(())
}

/// What run and step leave in names: the same for every attempt, another one for every other step.
pub(super) fn tag(ctx: &CallContext, more: &str) -> String {
    let digest = Sha256::digest(format!("{}\0{}\0{more}", ctx.world.run, ctx.step).as_bytes());
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

/// The name of a new backup: database, moment, step.
pub(super) fn file_name(database: &str, meta: &Meta, ctx: &CallContext, extension: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let database: String = database.trim_start_matches('.').chars().map(plain).take(80).collect();
    let taken = meta.taken.strftime("%Y%m%dT%H%M%S%3fZ");
    format!("{database}-{taken}-{}.{extension}", tag(ctx, ""))
}

/// Removes what attempts of this step left that never were finished.
pub(super) fn clear(folder: &Path, ctx: &CallContext) {
    let begun = format!("{UNFINISHED}{}", tag(ctx, ""));
    let named = format!("-{}.", tag(ctx, ""));
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let orphan = name.contains(&named) && !name.ends_with(SUFFIX) && !beside(&path).exists();
        if name.starts_with(&begun) || orphan {
            // What stays is in nobody's way: it has no metadata.
            let _ = fs::remove_file(&path);
        }
    }
}

/// A private file that is not finished yet, gone when dropped.
pub(super) fn unfinished(folder: &Path, ctx: &CallContext) -> io::Result<tempfile::TempPath> {
    let prefix = format!("{UNFINISHED}{}-", tag(ctx, ""));
    Ok(tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?.into_temp_path())
}

/// Copies a finished backup to another folder, reads it back there, and only then puts its metadata beside it.
pub(super) fn copy(meta: &Meta, from: &Path, to: &Path, ctx: &CallContext) -> Result<(), String> {
    let said = |error: io::Error| format!("the backup could not be copied to {}: {error}", to.display());
    fs::create_dir_all(to).map_err(said)?;
    clear(to, ctx);
    let part = unfinished(to, ctx).map_err(said)?;
    let mut source = File::open(from.join(&meta.file)).map_err(said)?;
    let mut target = OpenOptions::new().write(true).truncate(true).mode(0o600).open(&part).map_err(said)?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(said)?;
    meta.check(&part)?;
    part.persist(to.join(&meta.file)).map_err(|error| said(error.error))?;
    meta.put(to).map_err(said)
}
