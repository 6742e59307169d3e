//! Git repositories that no configuration of this machine reaches.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::succeed;

/// What git and everything that starts it sees: nobody's configuration, and an author.
pub fn environment() -> Vec<(String, String)> {
    let pairs = [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Tester"),
        ("GIT_AUTHOR_EMAIL", "tester@example.com"),
        ("GIT_COMMITTER_NAME", "Tester"),
        ("GIT_COMMITTER_EMAIL", "tester@example.com"),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// A repository, bare or not.
pub struct Repo {
    pub dir: PathBuf,
}

impl Repo {
    /// Makes the folder a repository with the branch `main`.
    pub fn init(dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).unwrap();
        let repo = Self { dir };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// Makes a bare repository for others to push to.
    pub fn bare(dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).unwrap();
        let repo = Self { dir };
        repo.git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        repo
    }

    /// Runs git; what it prints.
    pub fn git(&self, args: &[&str]) -> String {
        succeed(Command::new("git").args(args).current_dir(&self.dir).envs(environment()))
    }

    /// Commits everything that is in the folder.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// The subjects of the commits on `main`, the newest first.
    pub fn log(&self) -> Vec<String> {
        self.git(&["log", "--format=%s", "main"]).lines().map(str::to_owned).collect()
    }

    /// The hash of the files on `main`.
    pub fn tree(&self) -> String {
        self.git(&["rev-parse", "main^{tree}"])
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "main"])
    }

    /// From now on every push puts the files into `live`, as a host that deploys on push does: the commit beside the code
    /// first, then the code, then a sign for the server that there is something new.
    pub fn deploy_to(&self, live: &Path) {
        fs::create_dir_all(live).unwrap();
        let live = live.to_str().unwrap();
        let script = format!(
            "#!/bin/sh\nset -eu\ngit rev-parse main > '{live}/COMMIT.new'\nmv '{live}/COMMIT.new' '{live}/COMMIT'\n\
             git --work-tree='{live}' checkout --quiet --force main\ntouch '{live}/backend/app/main.py'\n"
        );
        let hook = self.dir.join("hooks/post-receive");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
