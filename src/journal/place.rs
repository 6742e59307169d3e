//! Where a journal lies.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The journal for a plan file: the one named, else `.plan/journal.db` beside the nearest `plan.toml` upwards, else at the git
/// root, else beside the plan.
pub fn locate(plan: &Path, named: Option<&Path>) -> PathBuf {
    if let Some(named) = named {
        return named.to_owned();
    }
    let absolute = std::path::absolute(plan).unwrap_or_else(|_| plan.to_owned());
    let beside = if absolute.is_dir() { absolute.as_path() } else { absolute.parent().unwrap_or(Path::new(".")) };
    let above = |name: &str| beside.ancestors().find(|folder| folder.join(name).exists());
    let home = above("plan.toml").or_else(|| above(".git")).unwrap_or(beside);
    home.join(".plan").join("journal.db")
}

/// Makes a folder that only this user can read, with what is missing above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if folder.file_name().is_some_and(|name| name == ".plan") {
        // A journal is no part of the code whose releases it records.
        std::fs::write(folder.join(".gitignore"), "*\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::locate;
    use std::fs;
    use std::path::Path;

    #[test]
    fn plan_toml_wins_over_git_and_git_over_the_plan() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        let plan = deep.join("x.plan");
        assert_eq!(locate(&plan, None), deep.join(".plan/journal.db"));
        fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(locate(&plan, None), root.path().join(".plan/journal.db"));
        fs::write(root.path().join("a/plan.toml"), "").unwrap();
        assert_eq!(locate(&plan, None), root.path().join("a/.plan/journal.db"));
        assert_eq!(locate(&plan, Some(Path::new("x.db"))), Path::new("x.db"));
    }
}
