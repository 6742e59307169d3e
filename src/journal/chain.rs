//! The hash chain over the rows of a run, and its head outside the database file.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::JournalError;

/// A link of the chain.
pub(super) type Hash = [u8; 32];

/// All columns of a row but its hash.
pub(super) struct Row<'a> {
    pub run: &'a str,
    pub seq: i64,
    pub epoch: i64,
    pub at: i64,
    pub version: i64,
    pub kind: &'a str,
    pub body: &'a str,
}

/// What the first row of a run is chained to.
pub(super) fn genesis(run: &str) -> Hash {
    Sha256::digest(format!("plan journal\n{run}")).into()
}

/// The hash of a row: over the one before and every column, each text with its length.
pub(super) fn link(before: &Hash, row: &Row<'_>) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    for number in [row.seq, row.epoch, row.at, row.version] {
        hash.update(number.to_le_bytes());
    }
    for text in [row.run, row.kind, row.body] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// Lower-case hexadecimal.
pub(super) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The head of a run's chain, in a file of its own. Written after each commit and not synced: it may lag behind after a
/// power loss, and never runs ahead of what was committed.
pub(super) struct Anchor {
    path: PathBuf,
    file: Option<File>,
}

impl Anchor {
    /// The anchor of a run of a journal.
    pub fn of(journal: &Path, run: &str) -> Self {
        Self { path: folder(journal).join(run), file: None }
    }

    /// Sets it to a committed row.
    pub fn set(&mut self, seq: i64, hash: &Hash) -> Result<(), JournalError> {
        let text = format!("{seq:020} {}\n", hex(hash));
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.path).map_err(|error| JournalError::io(&self.path, &error))?),
        };
        file.write_all_at(text.as_bytes(), 0).map_err(|error| JournalError::io(&self.path, &error))
    }

    /// What it says; `None` when it is missing or was torn by a power loss.
    pub fn get(&self) -> Option<(i64, String)> {
        let mut text = String::new();
        File::open(&self.path).ok()?.read_to_string(&mut text).ok()?;
        let (seq, hash) = text.trim_end().split_once(' ')?;
        Some((seq.parse().ok()?, hash.to_owned())).filter(|(_, hash)| hash.len() == 64)
    }
}

fn folder(journal: &Path) -> PathBuf {
    let mut name = journal.file_name().unwrap_or_default().to_owned();
    name.push(".anchors");
    journal.with_file_name(name)
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        super::place::make_folder(folder)?;
    }
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(nofollow).open(path)
}
