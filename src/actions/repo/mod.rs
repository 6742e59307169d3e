//! Git checkouts, through the git program: probes here, `push` and its `revert` beside.

mod push;
mod revert;

use std::path::PathBuf;
use std::time::Duration;

use crate::model::Value;

use super::args::Args;
use super::commands::ended;
use super::output::Keep;
use super::process::{End, Launch};
use super::world::CallContext;

pub(crate) use push::{capture, perform, settle};
pub(crate) use revert::undo;

/// How long one call of git may take when the step sets no limit.
const GIT_TIME: Duration = Duration::from_secs(120);
/// More than this of git's output is not read.
const KEPT: usize = 16 << 20;
/// Variables with which git tells its hooks where they run; ours would lead us into another repository.
const INHERITED: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR"];

/// A checkout, and the branch of a remote that it is deployed from.
#[derive(Clone)]
pub(crate) struct Repo {
    ctx: CallContext,
    remote: String,
    branch: Option<String>,
}

/// Why git did not do it.
#[derive(Debug)]
pub(crate) struct GitError {
    /// One sentence with the last line that git said.
    pub message: String,
    /// The last lines.
    pub tail: String,
    pub end: End,
}

impl From<GitError> for String {
    fn from(error: GitError) -> String {
        error.message
    }
}

impl Repo {
    pub(crate) fn of(args: Args<'_>, ctx: &CallContext) -> Result<Self, String> {
        let resource = ctx.world.resource(args.resource("repo")?)?;
        let dir = resource.text("dir").map_or_else(|| ctx.world.base.clone(), |dir| ctx.world.path(dir));
        let text = |key: &str| resource.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let (remote, branch) = (text("remote").unwrap_or_else(|| "origin".to_owned()), text("branch"));
        if remote.starts_with('-') || branch.as_ref().is_some_and(|branch| branch.starts_with('-')) {
            return Err("a remote or branch may not begin with a dash".to_owned());
        }
        Ok(Self { ctx: CallContext { dir: Some(dir), ..ctx.quiet() }, remote, branch })
    }

    /// The same repository from another working tree.
    fn at(&self, dir: PathBuf) -> Self {
        Self { ctx: CallContext { dir: Some(dir), ..self.ctx.clone() }, ..self.clone() }
    }

    /// What git prints, without the last end of line.
    async fn git(&self, args: &[&str]) -> Result<String, GitError> {
        self.git_with(args, &[]).await
    }

    async fn git_with(&self, args: &[&str], env: &[(&str, &str)]) -> Result<String, GitError> {
        let words: Vec<String> = ["git", "--no-pager"].iter().chain(args).map(|word| (*word).to_owned()).collect();
        let failed = |message: String| GitError { message, tail: String::new(), end: End::Exited };
        let mut launch = Launch::argv(&words).map_err(failed)?.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            launch = launch.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        for (key, value) in env {
            launch = launch.env(key, value);
        }
        launch.removed = INHERITED;
        let running = launch.spawn(&self.ctx).map_err(failed)?;
        let ran = running.listen(&self.ctx, Keep::First(KEPT), Some(self.ctx.timeout.unwrap_or(GIT_TIME))).await;
        let what = format!("git {}", args.iter().find(|word| !word.starts_with('-')).unwrap_or(&""));
        match ran.end {
            End::Exited if ran.status.is_some_and(|status| status.success()) && !ran.more => {
                Ok(ran.stdout.trim_end_matches(['\n', '\r']).to_owned())
            }
            End::Exited => {
                let said = ran.tail.lines().rfind(|line| line.starts_with("fatal:") || line.starts_with("error:"));
                let said = said.or(ran.tail.lines().last()).map(|line| format!(": {line}")).unwrap_or_default();
                let message = format!("`{what}` {}{said}", ended(ran.status));
                Err(GitError { message, tail: ran.tail, end: ran.end })
            }
            End::TimedOut(after) => {
                let message = format!("`{what}` did not end within {} s", after.as_secs());
                Err(GitError { message, tail: ran.tail, end: ran.end })
            }
            End::Stopped => {
                Err(GitError { message: format!("`{what}` was ended by plan"), tail: ran.tail, end: ran.end })
            }
        }
    }

    /// Whether git says yes (exit code 0).
    async fn holds(&self, args: &[&str]) -> bool {
        self.git(args).await.is_ok()
    }

    async fn head(&self) -> Result<String, GitError> {
        self.git(&["rev-parse", "--verify", "HEAD^{commit}"]).await
    }

    /// The branch that is checked out; empty on a detached head.
    async fn checked_out(&self) -> Result<String, GitError> {
        // Fails outside a repository; the next one fails on a detached head, too.
        self.git(&["rev-parse", "--git-dir"]).await?;
        Ok(self.git(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await.unwrap_or_default())
    }

    /// The branch that is deployed.
    async fn branch(&self) -> Result<String, String> {
        if let Some(branch) = &self.branch {
            return Ok(branch.clone());
        }
        match self.checked_out().await? {
            branch if branch.is_empty() => Err("no branch is checked out; name one: `branch = \"main\"`".to_owned()),
            branch => Ok(branch),
        }
    }

    /// The commit of a local branch.
    async fn local(&self, branch: &str) -> Result<String, GitError> {
        self.git(&["rev-parse", "--verify", &format!("refs/heads/{branch}^{{commit}}")]).await
    }

    /// What the branch is at the remote, asked now; `None` when it has none.
    async fn remote_head(&self, branch: &str) -> Result<Option<String>, GitError> {
        let reference = format!("refs/heads/{branch}");
        let listed = self.git(&["ls-remote", &self.remote, &reference]).await?;
        // A pattern matches at the end of longer names as well.
        let exact = listed.lines().filter_map(|line| line.split_once('\t')).find(|(_, name)| *name == reference);
        Ok(exact.map(|(hash, _)| hash.to_owned()))
    }

    /// Brings a commit of the remote here; no branch, no tracking branch and no FETCH_HEAD is moved.
    async fn obtain(&self, branch: &str, commit: &str) -> Result<(), GitError> {
        if self.has(commit).await {
            return Ok(());
        }
        let reference = format!("refs/heads/{branch}");
        let quiet = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules"];
        let args: Vec<&str> = quiet.into_iter().chain([self.remote.as_str(), reference.as_str()]).collect();
        self.git(&args).await.map(|_| ())
    }

    async fn has(&self, commit: &str) -> bool {
        self.holds(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).await
    }

    async fn is_ancestor(&self, older: &str, newer: &str) -> bool {
        self.holds(&["merge-base", "--is-ancestor", older, newer]).await
    }

    /// Nothing changed, staged or untracked; our own `.plan` folders aside.
    async fn clean(&self, untracked: bool) -> Result<bool, GitError> {
        let mode = if untracked { "--untracked-files=normal" } else { "--untracked-files=no" };
        let status = self.git_with(&["status", "--porcelain=v1", "-z", mode], &[("GIT_OPTIONAL_LOCKS", "0")]).await?;
        let ours = |entry: &str| {
            entry
                .strip_prefix("?? ")
                .is_some_and(|path| path.trim_end_matches('/').split('/').any(|part| part == ".plan"))
        };
        Ok(status.split('\0').filter(|entry| !entry.is_empty()).all(ours))
    }

    /// How many commits `to` has that `from` has not.
    async fn count(&self, from: &str, to: &str) -> Result<i64, String> {
        let count = self.git(&["rev-list", "--count", &format!("{from}..{to}")]).await?;
        count.parse().map_err(|_| format!("git counted `{count}`"))
    }
}

/// Whether there is a checkout, with a branch to deploy, and when asked for a remote that answers. `Err`: what was seen.
pub(crate) async fn reachable(args: Args<'_>, remote: bool, ctx: &CallContext) -> Result<(), String> {
    let repo = Repo::of(args, ctx)?;
    repo.head().await?;
    if remote {
        repo.remote_head(&repo.branch().await?).await?;
    }
    Ok(())
}

/// The probes of a repository.
pub(crate) async fn probe(function: &str, args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let repo = Repo::of(args, ctx)?;
    match function {
        "head" => Ok(Value::String(repo.head().await?)),
        "branch" => Ok(Value::String(repo.checked_out().await?)),
        "clean" => Ok(Value::Bool(repo.clean(true).await?)),
        "remote_head" => {
            let head = repo.remote_head(&repo.branch().await?).await?;
            Ok(Value::String(head.unwrap_or_default()))
        }
        "ahead" | "behind" => {
            let branch = repo.branch().await?;
            let local = repo.local(&branch).await?;
            let remote = repo.remote_head(&branch).await?;
            let remote = remote.ok_or_else(|| format!("`{}` has no branch `{branch}`", repo.remote))?;
            repo.obtain(&branch, &remote).await?;
            let (from, to) = if function == "ahead" { (remote, local) } else { (local, remote) };
            repo.count(&from, &to).await.map(Value::Int)
        }
        "tag" => {
            let tags = repo.git(&["tag", "--points-at", "HEAD", "--sort=version:refname"]).await?;
            Ok(tags.lines().last().map_or(Value::None, Value::string))
        }
        other => Err(format!("the probe `{other}` cannot be read by this version")),
    }
}
