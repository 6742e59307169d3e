//! Files and folders that only their owner may read, whatever the umask says.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::JournalError;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// `path` from the root, without asking the file system for more than the current folder.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, JournalError> {
    std::path::absolute(path).map_err(|error| JournalError::file(&error, path))
}

/// Creates a folder (0700) unless it is there; says whether it did.
pub(super) fn folder(path: &Path) -> Result<bool, JournalError> {
    if path.is_dir() {
        return Ok(false);
    }
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path);
    made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)))
        .map_err(|error| JournalError::file(&error, path))?;
    Ok(true)
}

/// Creates a file (0600) that was not there. Fails with `AlreadyExists` otherwise, also for a symbolic link.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE).custom_flags(no_follow());
    let file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// Opens a file for writing in place (0600), created when it is not there. A symbolic link is refused.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).custom_flags(no_follow()).open(path)
        }
        other => other,
    }
}

/// Reads a small text file; a symbolic link is refused.
pub(super) fn read(path: &Path) -> io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    OpenOptions::new().read(true).custom_flags(no_follow()).open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes sure that an existing file is one of its own, and narrows its mode to 0600.
///
/// It is not opened: closing a second descriptor of a database drops the locks that SQLite has on it in this process.
pub(super) fn narrow(path: &Path) -> Result<(), JournalError> {
    let found = fs::symlink_metadata(path).map_err(|error| JournalError::file(&error, path))?;
    if !found.is_file() {
        return Err(JournalError::NotWritable { what: format!("{} is not a regular file", path.display()) });
    }
    match found.permissions().mode() & 0o777 {
        FILE_MODE => Ok(()),
        _ => fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
            .map_err(|error| JournalError::file(&error, path)),
    }
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("open flags fit into an i32")
}
