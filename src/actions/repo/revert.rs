//! The way back from a `push`: one new commit that takes back exactly what was pushed, on top of what the remote has now.
//!
//! What is taken back is the difference between the two ends of the range, so merges in it need no special care. Where
//! nobody has pushed since, the files become what they were; else the difference is taken back by a three-way merge in a
//! throwaway working tree. It may run again after a crash at any point: the commit says what it reverts, and is looked for.

use std::collections::BTreeMap;

use crate::engine::Outcome;
use crate::model::Value;

use crate::actions::args::Args;
use crate::actions::codes;
use crate::actions::process::End;
use crate::actions::world::CallContext;

use super::push::{Range, update};
use super::{GitError, Repo};

/// The trailer by which a revert is found again.
const TRAILER: &str = "Plan-Reverts:";
/// How often it is tried while others push meanwhile.
const TRIES: u32 = 3;

/// Why nothing was reverted.
enum Refusal {
    Conflict,
    Git(GitError),
    Other(String),
}

impl From<GitError> for Refusal {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

/// Takes a push back. `captured`, `outputs`: of the push; without outputs it is looked whether it got through at all.
pub(crate) async fn undo(
    args: Args<'_>,
    captured: Option<&Value>,
    outputs: Option<&BTreeMap<String, Value>>,
    ctx: &CallContext,
) -> Outcome {
    let repo = match Repo::of(args, ctx) {
        Ok(repo) => repo,
        Err(why) => return codes::clean(&codes::BAD_CALL, why),
    };
    let Some(range) = pushed(captured, outputs) else {
        return codes::clean(&codes::GIT_FAILED, "what was pushed is not on record; nothing was reverted");
    };
    match take_back(&repo, &range).await {
        Ok((head, commits)) => {
            let outputs = [("head", Value::String(head)), ("commits", Value::Int(commits))];
            Outcome::Succeeded { outputs: outputs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect() }
        }
        Err(refusal) => failed(refusal, &range),
    }
}

/// The outputs know best; but an attempt that found its work done (by a lost one before it) pushed nothing itself.
fn pushed(captured: Option<&Value>, outputs: Option<&BTreeMap<String, Value>>) -> Option<Range> {
    let own = outputs.and_then(Range::read).filter(|range| !range.is_empty());
    let before = match captured {
        Some(Value::Record(members)) => Range::read(members),
        Some(_) | None => None,
    };
    own.or(before).or_else(|| outputs.and_then(Range::read))
}

fn failed(refusal: Refusal, range: &Range) -> Outcome {
    match refusal {
        Refusal::Conflict => {
            let message = format!(
                "later commits on `{}` change the same lines as the pushed ones; nothing was pushed; revert {} by hand, \
                 push, then `plan mark` the step as undone",
                range.branch,
                range.from.as_ref().map_or_else(|| range.to.clone(), |from| format!("{from}..{}", range.to)),
            );
            codes::clean(&codes::REVERT_CONFLICT, message)
        }
        Refusal::Git(error) => match error.end {
            End::TimedOut(after) => Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) },
            End::Stopped => Outcome::Unknown { why: error.message },
            End::Exited => {
                let mut failure = codes::failure(&codes::GIT_FAILED, error.message);
                failure.tail = error.tail;
                Outcome::Failed { clean: false, failure }
            }
        },
        Refusal::Other(why) => codes::dirty(&codes::GIT_FAILED, why),
    }
}

/// The head of the remote afterwards, and how many commits were taken back.
async fn take_back(repo: &Repo, range: &Range) -> Result<(String, i64), Refusal> {
    let mut tries = 0;
    loop {
        let Some(now) = repo.remote_head(&range.branch).await? else {
            return match range.from {
                // The branch was new, and is gone.
                None => Ok((String::new(), 0)),
                Some(_) => Err(Refusal::Other(format!("`{}` has no branch `{}` any more", repo.remote, range.branch))),
            };
        };
        if range.is_empty() {
            return Ok((now, 0));
        }
        repo.obtain(&range.branch, &now).await?;
        if !repo.is_ancestor(&range.to, &now).await {
            // It never got there.
            return Ok((now, 0));
        }
        let Some(from) = &range.from else { return remove(repo, range, &now).await };
        if reverted(repo, from, &range.to, &now).await? {
            follow(repo, range, &now).await?;
            return Ok((now, 0));
        }
        let commit = commit(repo, range, from, &now).await?;
        match update(repo, &range.branch, Some(&now), &commit).await {
            Ok(()) => {
                follow(repo, range, &commit).await?;
                return Ok((commit, repo.count(from, &range.to).await?));
            }
            // Somebody may have pushed in between: look again.
            Err(error) if error.end == End::Exited && tries + 1 < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// A branch that the push made goes again, unless somebody has pushed to it since.
async fn remove(repo: &Repo, range: &Range, now: &str) -> Result<(String, i64), Refusal> {
    if now != range.to {
        return Err(Refusal::Conflict);
    }
    let count = repo.git(&["rev-list", "--count", &range.to]).await?.parse().unwrap_or(0);
    let lease = format!("--force-with-lease=refs/heads/{}:{now}", range.branch);
    repo.git(&["push", "--quiet", &lease, &repo.remote, &format!(":refs/heads/{}", range.branch)]).await?;
    Ok((String::new(), count))
}

/// Whether a commit since the push takes the range back, ours or one made by hand for each of its commits.
async fn reverted(repo: &Repo, from: &str, to: &str, now: &str) -> Result<bool, GitError> {
    if now == to {
        return Ok(repo.git(&["rev-parse", &format!("{to}^{{tree}}")]).await?
            == repo.git(&["rev-parse", &format!("{from}^{{tree}}")]).await?);
    }
    let since = repo.git(&["log", "--format=%B", &format!("{to}..{now}")]).await?;
    if since.lines().any(|line| line.trim() == format!("{TRAILER} {from}..{to}")) {
        return Ok(true);
    }
    let pushed = repo.git(&["rev-list", "--first-parent", &format!("{from}..{to}")]).await?;
    let named = |commit: &str| since.contains(&format!("This reverts commit {commit}"));
    Ok(!pushed.is_empty() && pushed.lines().all(named))
}

/// Makes the commit that takes the range back on top of `now`.
async fn commit(repo: &Repo, range: &Range, from: &str, now: &str) -> Result<String, Refusal> {
    let author = author(repo).await;
    let author: Vec<(&str, &str)> = author.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let tree = if now == range.to {
        format!("{from}^{{tree}}")
    } else {
        // One commit that says "from here to there", for git to revert as a whole.
        let whole = repo
            .git_with(
                &["commit-tree", &format!("{}^{{tree}}", range.to), "-p", from, "-m", "the pushed range"],
                &author,
            )
            .await?;
        merged(repo, &whole, now, &author).await?
    };
    let message = message(repo, from, &range.to).await?;
    Ok(repo.git_with(&["commit-tree", &tree, "-p", now, "-m", &message], &author).await?)
}

/// The tree of `now` with one commit taken back, by a merge in a throwaway working tree.
async fn merged(repo: &Repo, whole: &str, now: &str, author: &[(&str, &str)]) -> Result<String, Refusal> {
    let folder = tempfile::Builder::new().prefix("plan-revert-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let place = folder.path().join("tree");
    let shown = place.to_string_lossy().into_owned();
    let no_hooks = "core.hooksPath=/dev/null";
    repo.git(&["-c", no_hooks, "worktree", "add", "--quiet", "--detach", &shown, now]).await?;
    let there = repo.at(place);
    let reverted = there.git_with(&["-c", no_hooks, "revert", "--no-commit", whole], author).await;
    let tree = match reverted {
        Ok(_) => there.git(&["write-tree"]).await.map_err(Refusal::Git),
        Err(error) if error.end != End::Exited => Err(Refusal::Git(error)),
        Err(error) => {
            let unmerged = there.git(&["ls-files", "--unmerged"]).await.is_ok_and(|files| !files.is_empty());
            Err(if unmerged { Refusal::Conflict } else { Refusal::Git(error) })
        }
    };
    // Its administrative files go with it; what a crash leaves behind, git prunes by itself.
    let _ = repo.git(&["worktree", "remove", "--force", &shown]).await;
    tree
}

async fn message(repo: &Repo, from: &str, to: &str) -> Result<String, Refusal> {
    let commits = repo.git(&["rev-list", "--first-parent", &format!("{from}..{to}")]).await?;
    let subject = repo.git(&["log", "-1", "--format=%s", to]).await?;
    let count = commits.lines().count();
    let title = match count {
        0 | 1 => format!("Revert \"{subject}\""),
        count => format!("Revert \"{subject}\" and {} more", count - 1),
    };
    let lines: Vec<String> = commits.lines().map(|commit| format!("This reverts commit {commit}.")).collect();
    let run = &repo.ctx.world.run;
    Ok(format!("{title}\n\n{}\n\n{TRAILER} {from}..{to}\nPlan-Run: {run}", lines.join("\n")))
}

/// Who commits, where git itself knows nobody (on a CI runner).
async fn author(repo: &Repo) -> Vec<(&'static str, String)> {
    if repo.holds(&["var", "GIT_COMMITTER_IDENT"]).await && repo.holds(&["var", "GIT_AUTHOR_IDENT"]).await {
        return Vec::new();
    }
    let (name, mail) = ("plan".to_owned(), "plan@localhost".to_owned());
    vec![
        ("GIT_AUTHOR_NAME", name.clone()),
        ("GIT_AUTHOR_EMAIL", mail.clone()),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", mail),
    ]
}

/// Takes the branch here along, so that `head` is again what the remote has; but only forward, and never over changes that
/// are not committed.
async fn follow(repo: &Repo, range: &Range, head: &str) -> Result<(), GitError> {
    let Ok(local) = repo.local(&range.branch).await else { return Ok(()) };
    if local == head || !repo.is_ancestor(&local, head).await {
        return Ok(());
    }
    if repo.checked_out().await? == range.branch {
        if repo.clean(false).await? {
            // Fails over an untracked file in the way; the revert itself is done.
            let _ = repo.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "--ff-only", head]).await;
        }
        return Ok(());
    }
    // git refuses when another working tree has it checked out: theirs to update.
    let _ = repo.git(&["branch", "--force", &range.branch, head]).await;
    Ok(())
}
