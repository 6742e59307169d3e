//! What makes a change visible: a hash over each record and all before it, and the newest hash outside the database.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::files;

/// The hash of a record and all before it.
pub(super) type Hash = [u8; 32];

/// The columns of a record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub seq: i64,
    pub epoch: i64,
    pub at: i64,
    pub version: i64,
    pub kind: String,
    pub body: String,
}

impl Row {
    /// Its hash, which covers every column and the hash before it. Texts are preceded by their length.
    pub(super) fn hash(&self, before: &Hash, run: &str) -> Hash {
        let mut hasher = Sha256::new();
        let text = |hasher: &mut Sha256, text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        hasher.update(before);
        text(&mut hasher, run);
        for number in [self.seq, self.epoch, self.at, self.version] {
            hasher.update(number.to_le_bytes());
        }
        text(&mut hasher, &self.kind);
        text(&mut hasher, &self.body);
        hasher.finalize().into()
    }
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: Hash,
}

impl Head {
    /// Before the first record.
    pub(super) const START: Self = Self { seq: 0, hash: [0; 32] };

    /// Always of the same length, so that it can be written in place.
    fn encode(&self, run: &str) -> String {
        format!("{run} {:020} {}\n", self.seq, hex(&self.hash))
    }

    fn decode(text: &str, run: &str) -> Option<Self> {
        let mut parts = text.trim_end().split(' ');
        let named = parts.next()? == run;
        let seq = parts.next()?.parse().ok()?;
        let hash = unhex(parts.next()?)?;
        (named && parts.next().is_none()).then_some(Self { seq, hash })
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(hash)
}

/// What the anchor of a run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    At(Head),
    /// There is none, or it never reached the disk.
    None,
    /// It holds something else.
    Garbled,
}

/// The folder of anchors beside a journal.
pub(super) fn folder_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".anchors");
    name.into()
}

fn file_of(journal: &Path, run: &str) -> PathBuf {
    folder_of(journal).join(run)
}

/// Reads the anchor of a run.
pub(super) fn read(journal: &Path, run: &str) -> Result<Anchor, JournalError> {
    let path = file_of(journal, run);
    match files::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Anchor::None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Anchor::Garbled),
        Err(error) => Err(JournalError::file(&error, &path)),
        // After a power loss a file that was never synced may be empty or hold zeros.
        Ok(text) if text.bytes().all(|byte| byte == 0) => Ok(Anchor::None),
        Ok(text) => Ok(Head::decode(&text, run).map_or(Anchor::Garbled, Anchor::At)),
    }
}

/// Opens the anchor of a run for writing.
pub(super) fn open(journal: &Path, run: &str) -> Result<File, JournalError> {
    let path = file_of(journal, run);
    files::folder(&folder_of(journal))?;
    files::open_or_create(&path).map_err(|error| JournalError::file(&error, &path))
}

/// Writes an anchor, in place and without waiting for the disk: after a power loss it may be behind, never ahead.
pub(super) fn write(file: &File, run: &str, head: &Head) -> io::Result<()> {
    file.write_all_at(head.encode(run).as_bytes(), 0)
}

/// Compares an anchor with the records that it is about. `hash_at`: of the record with a sequence number.
pub(super) fn check(
    run: &str,
    anchor: Anchor,
    last: i64,
    hash_at: impl FnOnce(i64) -> Option<Hash>,
) -> Result<Option<String>, JournalError> {
    let corrupt = |what: String| Err(JournalError::Corrupt { what: format!("run {run}: {what}") });
    match anchor {
        Anchor::None => Ok(Some(format!("run {run} has no anchor: a missing end of its records would not be noticed"))),
        Anchor::Garbled => corrupt("its anchor cannot be read".into()),
        Anchor::At(head) if head.seq > last => {
            corrupt(format!("its anchor is at record {} and the last record is {last}: the end is missing", head.seq))
        }
        Anchor::At(head) if hash_at(head.seq) != Some(head.hash) => {
            corrupt(format!("record {} is not the one that its anchor remembers", head.seq))
        }
        Anchor::At(_) => Ok(None),
    }
}
