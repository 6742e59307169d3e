//! Locks on what runs change: one file for each resource, in the user's state folder, across journals.
//!
//! A lock belongs to a run, not to a process: it stays while the run pauses or after its process has died.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::owner::{Owner, host};
use super::{chain, files, wall};

/// A resource that a run holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Where the resource is, without credentials.
    pub address: String,
    pub run: String,
    /// The journal of that run.
    pub journal: PathBuf,
    /// The process that drove the run when it took the lock.
    pub owner: Owner,
    /// When it was taken (wall clock, milliseconds).
    pub at: i64,
}

impl Lock {
    /// Whether the process that took it lives on this machine. Of another machine the heartbeat in the journal tells more.
    pub fn alive(&self) -> bool {
        self.owner.lives(&host(), i64::MIN / 2, 0)
    }
}

/// Why resources could not be locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// Another run holds one of them, by this lock.
    Held(Box<Lock>),
    /// The files of the locks could not be used.
    Failed(JournalError),
}

impl From<JournalError> for LockError {
    fn from(error: JournalError) -> Self {
        Self::Failed(error)
    }
}

/// Locks all these resources for a run, or none. What the run holds already is fine: its owner is brought up to date.
pub fn acquire(addresses: &[String], run: &str, journal: &Path, owner: &Owner) -> Result<(), LockError> {
    match addresses {
        [] => Ok(()),
        _ => Locks::of_user()?.acquire(addresses, run, journal, owner),
    }
}

/// Frees everything that a run holds.
pub fn release(run: &str, journal: &Path) -> Result<(), JournalError> {
    match Locks::of_user() {
        Ok(locks) => locks.release(run, journal),
        // Without a place for locks the run has none.
        Err(_) => Ok(()),
    }
}

/// All locks, by address.
pub fn list() -> Result<Vec<Lock>, JournalError> {
    Locks::of_user()?.list()
}

/// Frees one resource, whoever holds it. Says who did.
pub fn free(address: &str) -> Result<Option<Lock>, JournalError> {
    Locks::of_user()?.free(address)
}

/// A folder of locks.
#[derive(Debug, Clone)]
struct Locks {
    folder: PathBuf,
}

/// Held while locks are looked at and changed; the system frees it when a process ends.
struct Guard {
    _file: File,
}

impl Locks {
    /// Those in a folder.
    fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Those of this user: `${XDG_STATE_HOME:-~/.local/state}/plan/locks`.
    fn of_user() -> Result<Self, JournalError> {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        let none =
            || JournalError::failed("there is no place for locks: set HOME or XDG_STATE_HOME to an absolute path");
        Ok(Self::at(state.ok_or_else(none)?.join("plan/locks")))
    }

    /// See [`acquire`].
    fn acquire(&self, addresses: &[String], run: &str, journal: &Path, owner: &Owner) -> Result<(), LockError> {
        let journal = identity(journal)?;
        let _guard = self.guard()?;
        let mut new = Vec::new();
        for address in addresses {
            match self.read(&self.file_of(address))? {
                Some(lock) if lock.run != run || lock.journal != journal => {
                    return Err(LockError::Held(Box::new(lock)));
                }
                Some(_) => {}
                None => new.push(address),
            }
        }
        let written = addresses.iter().try_for_each(|address| {
            let (address, run, journal) = (address.clone(), run.to_owned(), journal.clone());
            self.write(&Lock { address, run, journal, owner: owner.clone(), at: wall() })
        });
        let synced = written.and_then(|()| self.sync());
        if let Err(error) = synced {
            for address in new {
                // The first error is the one to report.
                let _ = fs::remove_file(self.file_of(address));
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// See [`release`].
    fn release(&self, run: &str, journal: &Path) -> Result<(), JournalError> {
        let journal = identity(journal)?;
        if !self.folder.exists() {
            return Ok(());
        }
        let _guard = self.guard()?;
        for lock in self.all()? {
            if lock.run == run && lock.journal == journal {
                self.remove(&lock.address)?;
            }
        }
        Ok(())
    }

    /// See [`list`].
    fn list(&self) -> Result<Vec<Lock>, JournalError> {
        match self.folder.exists() {
            true => self.all(),
            false => Ok(Vec::new()),
        }
    }

    /// See [`free`].
    fn free(&self, address: &str) -> Result<Option<Lock>, JournalError> {
        if !self.folder.exists() {
            return Ok(None);
        }
        let _guard = self.guard()?;
        let lock = self.read(&self.file_of(address))?;
        if lock.is_some() {
            self.remove(address)?;
        }
        Ok(lock)
    }

    fn guard(&self) -> Result<Guard, JournalError> {
        files::folder(&self.folder)?;
        let path = self.folder.join("guard");
        let file = files::open_or_create(&path).and_then(|file| file.lock().map(|()| file));
        Ok(Guard { _file: file.map_err(|error| JournalError::file(&error, &path))? })
    }

    fn file_of(&self, address: &str) -> PathBuf {
        self.folder.join(format!("{}.json", chain::hex(&Sha256::digest(address.as_bytes()))))
    }

    fn all(&self) -> Result<Vec<Lock>, JournalError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| JournalError::file(&error, &self.folder))?;
        let mut locks = Vec::new();
        for entry in entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "json")) {
            locks.extend(self.read(&entry.path())?);
        }
        locks.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(locks)
    }

    fn read(&self, path: &Path) -> Result<Option<Lock>, JournalError> {
        let text = match files::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| JournalError::file(&error, path))?,
        };
        let garbled = |error| JournalError::failed(format!("the lock {} cannot be read: {error}", path.display()));
        serde_json::from_str(&text).map(Some).map_err(garbled)
    }

    /// Written beside its place and moved there: nobody ever sees half a lock.
    fn write(&self, lock: &Lock) -> Result<(), JournalError> {
        let (place, draft) = (self.file_of(&lock.address), self.folder.join("draft"));
        let text = serde_json::to_string(lock).map_err(|error| JournalError::failed(error.to_string()))?;
        let put = || -> io::Result<()> {
            // One that a dead process left; the guard keeps the living out.
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let mut file = files::create_new(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &place)
        };
        put().map_err(|error| JournalError::file(&error, &place))
    }

    fn remove(&self, address: &str) -> Result<(), JournalError> {
        let path = self.file_of(address);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(JournalError::file(&error, &path)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn sync(&self) -> Result<(), JournalError> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| JournalError::file(&error, &self.folder))
    }
}

/// The same journal has one path here, however it was written.
fn identity(journal: &Path) -> Result<PathBuf, JournalError> {
    match journal.canonicalize() {
        Ok(path) => Ok(path),
        Err(_) => files::absolute(journal),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn me() -> Owner {
        Owner::of_this_process(&host(), "ann")
    }

    fn dead() -> Owner {
        Owner { started: me().started + 1, ..me() }
    }

    fn addresses(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("postgres://db/{name}")).collect()
    }

    #[test]
    fn a_lock_keeps_two_runs_apart() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::at(folder.path().join("state/locks"));
        let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
        assert!(locks.list().unwrap().is_empty());
        locks.acquire(&addresses(&["a", "b"]), "r1", &one, &dead()).unwrap();
        locks.acquire(&addresses(&["b", "c"]), "r1", &one, &me()).unwrap();

        for (run, journal) in [("r2", &one), ("r1", &two)] {
            let Err(LockError::Held(held)) = locks.acquire(&addresses(&["d", "b"]), run, journal, &me()) else {
                panic!("{run} was let in");
            };
            assert_eq!((&*held.address, &*held.run, &held.journal), ("postgres://db/b", "r1", &one));
            assert!(held.alive() && held.owner == me(), "its owner is the newest");
        }
        let list = locks.list().unwrap();
        assert_eq!(
            list.iter().map(|lock| &*lock.address).collect::<Vec<_>>(),
            addresses(&["a", "b", "c"]),
            "d was not taken"
        );
        assert!(!list[0].alive(), "its process is gone and the lock stays");
        for entry in fs::read_dir(folder.path().join("state/locks")).unwrap() {
            assert_eq!(mode_of(&entry.unwrap().path()), 0o600);
        }
        assert_eq!(mode_of(&folder.path().join("state/locks")), 0o700);

        locks.release("r1", &two).unwrap();
        assert_eq!(locks.list().unwrap().len(), 3, "another journal's run of that name holds nothing");
        assert_eq!(locks.free("postgres://db/a").unwrap().unwrap().run, "r1");
        assert_eq!(locks.free("postgres://db/a").unwrap(), None);
        locks.release("r1", &one).unwrap();
        locks.acquire(&addresses(&["d", "b"]), "r2", &two, &me()).unwrap();
    }

    #[test]
    fn of_many_at_once_one_gets_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::at(folder.path().join("locks"));
        let got: Vec<bool> = std::thread::scope(|scope| {
            let try_one = |n: usize| {
                let (locks, journal) = (locks.clone(), folder.path().join("j.db"));
                let mut names = addresses(&["a", "b", "c"]);
                names.rotate_left(n % 3);
                scope.spawn(move || locks.acquire(&names, &format!("r{n}"), &journal, &me()).is_ok())
            };
            let threads: Vec<_> = (0..16).map(try_one).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(got.iter().filter(|got| **got).count(), 1);
        let list = locks.list().unwrap();
        assert!(list.len() == 3 && list.iter().all(|lock| lock.run == list[0].run));
    }
}
