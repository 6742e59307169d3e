//! Where the journal of a plan lies.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::files;

/// The folder of the journal, which git is told to leave alone.
const FOLDER: &str = ".plan";

/// The journal for a plan file (or a folder): the one given, else `.plan/journal.db` beside the nearest `plan.toml`, else at
/// the git root, else beside the plan.
pub fn locate(plan: &Path, explicit: Option<&Path>) -> PathBuf {
    match explicit {
        Some(path) => path.to_owned(),
        None => base_of(plan).join(FOLDER).join("journal.db"),
    }
}

/// The folder that a plan file (or a folder) belongs to: that of the nearest `plan.toml`, else the git root, else its own.
pub fn base_of(plan: &Path) -> PathBuf {
    // A path that cannot be made absolute (the current folder is gone) is taken as it is.
    let plan = std::path::absolute(plan).unwrap_or_else(|_| plan.to_owned());
    let own = match plan.is_dir() {
        true => plan.as_path(),
        false => plan.parent().unwrap_or(&plan),
    };
    let with = |name: &str| own.ancestors().find(|folder| folder.join(name).exists());
    with("plan.toml").or_else(|| with(".git")).unwrap_or(own).to_owned()
}

/// Makes the folder of a journal, with a `.gitignore` when it is `.plan`.
pub(super) fn make_folder(folder: &Path) -> Result<(), JournalError> {
    let made = files::folder(folder)?;
    if !made || folder.file_name().is_none_or(|name| name != FOLDER) {
        return Ok(());
    }
    let ignore = folder.join(".gitignore");
    let written =
        fs::OpenOptions::new().write(true).create_new(true).open(&ignore).and_then(|mut f| f.write_all(b"*\n"));
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(JournalError::file(&error, &ignore)),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_lies_beside_what_the_plan_belongs_to() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("repo/.git")).unwrap();
        fs::create_dir_all(root.join("repo/a/b")).unwrap();
        fs::write(root.join("repo/a/b/x.plan"), "").unwrap();
        let plan = root.join("repo/a/b/x.plan");
        assert_eq!(locate(&plan, Some(Path::new("j.db"))), Path::new("j.db"));
        assert_eq!(locate(&plan, None), root.join("repo/.plan/journal.db"));
        assert_eq!(locate(&root.join("repo/a"), None), root.join("repo/.plan/journal.db"), "a folder");
        fs::write(root.join("repo/a/plan.toml"), "").unwrap();
        assert_eq!(locate(&plan, None), root.join("repo/a/.plan/journal.db"));
        fs::write(root.join("y.plan"), "").unwrap();
        assert_eq!(locate(&root.join("y.plan"), None), root.join(".plan/journal.db"));
    }
}
