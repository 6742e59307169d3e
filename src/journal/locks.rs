//! Locks on the resources that a run changes, in the user's state folder: they hold across journals, and belong to a run, not
//! to a process. A lock outlives the engine that took it until the run is over.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{JournalError, Owner, host, place};

/// A lock as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The resource, without credentials.
    pub address: String,
    pub run: String,
    /// Where the run's journal lies, absolute.
    pub journal: PathBuf,
    pub owner: Owner,
}

impl Lock {
    /// A process drives the run at this moment, as far as this host can tell.
    pub fn alive(&self) -> bool {
        self.owner.lives(&host()).unwrap_or(true)
    }
}

/// Why a lock was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum LockError {
    /// Another run has it.
    Held(Box<Lock>),
    Failed(JournalError),
}

/// Takes the locks for these addresses, all or none. A run that has them already only renews its owner.
pub fn acquire(addresses: &[String], run: &str, journal: &Path, owner: &Owner) -> Result<(), LockError> {
    let folder = folder();
    place::make_folder(&folder).map_err(|error| LockError::Failed(JournalError::io(&folder, &error)))?;
    let journal = absolute(journal);
    let mut taken = Vec::new();
    for address in addresses {
        let lock =
            Lock { address: address.clone(), run: run.to_owned(), journal: journal.clone(), owner: owner.clone() };
        match take(&folder, &lock) {
            Ok(new) => taken.extend(new),
            Err(error) => {
                // What was new goes back; what cannot be removed is seen as held by this run, which is true.
                taken.iter().for_each(|file| drop(fs::remove_file(file)));
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The file, when it is new.
fn take(folder: &Path, lock: &Lock) -> Result<Option<PathBuf>, LockError> {
    let file = file_of(folder, &lock.address);
    let failed = |error: io::Error| LockError::Failed(JournalError::io(&file, &error));
    let draft = file.with_extension(format!("{}.tmp", std::process::id()));
    write(&draft, lock).map_err(failed)?;
    // A link appears whole or not at all, and never over another.
    let linked = fs::hard_link(&draft, &file);
    let outcome = match linked {
        Ok(()) => Ok(Some(file.clone())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read(&file) {
            Some(held) if held.run == lock.run && held.journal == lock.journal => {
                fs::rename(&draft, &file).map_err(failed)?;
                return Ok(None);
            }
            Some(held) => Err(LockError::Held(Box::new(held))),
            None => Err(failed(io::Error::other("the lock file cannot be read; remove it if no run holds it"))),
        },
        Err(error) => Err(failed(error)),
    };
    // Nobody reads drafts.
    let _ = fs::remove_file(&draft);
    outcome
}

fn write(path: &Path, lock: &Lock) -> io::Result<()> {
    // A draft of an earlier process with this pid is in nobody's way.
    let _ = fs::remove_file(path);
    let text = serde_json::to_string_pretty(lock).expect("locks are plain data");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Frees all locks of a run.
pub fn release(run: &str, journal: &Path) -> Result<(), JournalError> {
    let journal = absolute(journal);
    let own = |lock: &Lock| lock.run == run && lock.journal == journal;
    list()?.iter().filter(|lock| own(lock)).try_for_each(|lock| free(&lock.address))
}

/// Frees the lock of one address, whoever has it.
pub fn free(address: &str) -> Result<(), JournalError> {
    let file = file_of(&folder(), address);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(JournalError::io(&file, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// All locks of this user, by address.
pub fn list() -> Result<Vec<Lock>, JournalError> {
    let folder = folder();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io(&folder, &error)),
    };
    let locks = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut locks: Vec<Lock> =
        locks.filter(|path| path.extension().is_some_and(|e| e == "lock")).filter_map(|path| read(&path)).collect();
    locks.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(locks)
}

fn read(path: &Path) -> Option<Lock> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// `plan/locks` in the user's state folder.
fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(std::env::temp_dir).join("plan").join("locks")
}

fn file_of(folder: &Path, address: &str) -> PathBuf {
    let digest = Sha256::digest(address);
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("{name}.lock"))
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
