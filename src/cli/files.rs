//! Plan files on disk.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::diag::Problem;
use crate::driver::codes;
use crate::source::Source;

/// Standard input, on the command line.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The files named, with folders replaced by the `*.plan` files below them, in order of their names.
pub(super) fn plans(given: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    with_extension(given, "plan")
}

/// The files named, with folders replaced by the files of that extension below them, in order of their names.
pub(super) fn with_extension(given: &[PathBuf], extension: &str) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    for path in given {
        if !is_stdin(path) && path.is_dir() {
            let before = found.len();
            below(path, extension, &mut found).map_err(|error| unreadable(path, &error))?;
            found[before..].sort();
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links are not followed: a folder that links to its parent would never end.
        if entry.file_type()?.is_dir() && !hidden {
            below(&entry.path(), extension, found)?;
        } else if entry.path().extension() == Some(OsStr::new(extension)) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Reads a plan file; one that is not UTF-8 is refused with the place.
pub(super) fn read(path: &Path) -> Result<Arc<Source>, Problem> {
    let bytes = match is_stdin(path) {
        true => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => fs::read(path),
    };
    let bytes = bytes.map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        Problem::new(
            &codes::FILE_UNREADABLE,
            format!("`{}` is not UTF-8 text (line {line}, byte {at})", path.display()),
        )
        .advice("save it as UTF-8")
    })?;
    Ok(Source::new(path, text))
}

/// Replaces a file in one step: a crash leaves the old or the new text, never half of one.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Problem> {
    let write = || -> io::Result<()> {
        let target = fs::canonicalize(path)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::metadata(&target)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write().map_err(|error| unreadable(path, &error))
}

/// A problem with a file.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let shown = if is_stdin(path) { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    Problem::new(&codes::FILE_UNREADABLE, format!("{shown}: {error}"))
}

/// A path as a relative or file URI.
pub(super) fn uri(path: &Path) -> String {
    const KEEP: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');
    let text = path.to_string_lossy();
    let encoded = utf8_percent_encode(&text, KEEP);
    if path.is_absolute() { format!("file://{encoded}") } else { encoded.to_string() }
}
