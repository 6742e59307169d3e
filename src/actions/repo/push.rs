//! `push`: the branch as it is here goes to its remote, never with force.

use std::collections::BTreeMap;

use crate::engine::{Outcome, Settlement};
use crate::model::Value;

use crate::actions::args::Args;
use crate::actions::codes;
use crate::actions::process::End;
use crate::actions::world::CallContext;

use super::{GitError, Repo};

/// From which commit to which; `from` is `None` when the branch was new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub branch: String,
    pub from: Option<String>,
    pub to: String,
}

impl Range {
    /// As outputs, and as what is captured. A branch that was new has an empty `from`.
    pub(super) fn members(&self, remote: &str) -> BTreeMap<String, Value> {
        let from = self.from.clone().unwrap_or_default();
        let members =
            [("from", from), ("to", self.to.clone()), ("branch", self.branch.clone()), ("remote", remote.to_owned())];
        members.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect()
    }

    pub(super) fn read(members: &BTreeMap<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let from = text("from")?;
        Some(Self { branch: text("branch")?, from: Some(from).filter(|from| !from.is_empty()), to: text("to")? })
    }

    /// Nothing was there to push.
    pub(super) fn is_empty(&self) -> bool {
        self.from.as_ref() == Some(&self.to)
    }
}

/// What would be pushed now.
async fn range(repo: &Repo) -> Result<Range, String> {
    let branch = repo.branch().await?;
    let to = repo.local(&branch).await?;
    let from = repo.remote_head(&branch).await?;
    Ok(Range { branch, from, to })
}

/// Before the action: what the remote has, and what it will get.
pub(crate) async fn capture(args: Args<'_>, ctx: &CallContext) -> Result<Option<Value>, String> {
    let repo = Repo::of(args, ctx)?;
    let range = range(&repo).await?;
    Ok(Some(Value::Record(range.members(&repo.remote))))
}

/// The action `push`.
pub(crate) async fn perform(args: Args<'_>, ctx: &CallContext) -> Outcome {
    let repo = match Repo::of(args, ctx) {
        Ok(repo) => repo,
        Err(why) => return codes::clean(&codes::BAD_CALL, why),
    };
    let range = match range(&repo).await {
        Ok(range) => range,
        Err(why) => return codes::clean(&codes::GIT_FAILED, format!("{why}; nothing was pushed")),
    };
    if !range.is_empty()
        && let Some(refused) = send(&repo, &range).await
    {
        return refused;
    }
    Outcome::Succeeded { outputs: range.members(&repo.remote) }
}

/// Pushes a range; `None` when it is there.
async fn send(repo: &Repo, range: &Range) -> Option<Outcome> {
    if let Some(from) = &range.from
        && !repo.is_ancestor(from, &range.to).await
    {
        let message = format!(
            "`{}` at `{}` has commits that the branch here has not; fetch, then merge or rebase; nothing was pushed",
            range.branch, repo.remote
        );
        return Some(codes::clean(&codes::PUSH_REFUSED, message));
    }
    let error = update(repo, &range.branch, range.from.as_deref(), &range.to).await.err()?;
    let now = repo.remote_head(&range.branch).await;
    match (now, error.end) {
        // It got through before it failed.
        (Ok(Some(now)), _) if now == range.to => None,
        (_, End::TimedOut(after)) => {
            Some(Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) })
        }
        (_, End::Stopped) => Some(Outcome::Unknown { why: error.message }),
        (Ok(_), End::Exited) => Some(refused(error, true)),
        (Err(_), End::Exited) => Some(refused(error, false)),
    }
}

/// Moves a branch of the remote to a commit that follows the one it has; only if it still has that one.
pub(super) async fn update(repo: &Repo, branch: &str, from: Option<&str>, to: &str) -> Result<(), GitError> {
    // The lease makes the remote compare; that `to` follows `from` was seen before, so nothing is ever overwritten.
    let lease = format!("--force-with-lease=refs/heads/{branch}:{}", from.unwrap_or(""));
    let target = format!("{to}:refs/heads/{branch}");
    repo.git(&["push", "--quiet", &lease, &repo.remote, &target]).await.map(|_| ())
}

fn refused(error: GitError, clean: bool) -> Outcome {
    let what = if clean { "; nothing was pushed" } else { "; whether the push got through is not known" };
    let mut failure = codes::failure(&codes::PUSH_REFUSED, format!("{}{what}", error.message));
    failure.tail = error.tail;
    Outcome::Failed { clean, failure }
}

/// After a crash: whether the remote has what was to be pushed.
pub(crate) async fn settle(args: Args<'_>, captured: Option<&Value>, ctx: &CallContext) -> Settlement {
    let range = match captured {
        Some(Value::Record(members)) => Range::read(members),
        Some(_) | None => None,
    };
    let Some(range) = range else {
        return Settlement::Unknown("what was to be pushed is not on record".to_owned());
    };
    match arrived(args, &range, ctx).await {
        Ok(Some(remote)) => Settlement::Done(Some(range.members(&remote))),
        Ok(None) => Settlement::NotDone,
        Err(why) => Settlement::Unknown(why),
    }
}

/// The remote, when it has the end of the range.
async fn arrived(args: Args<'_>, range: &Range, ctx: &CallContext) -> Result<Option<String>, String> {
    let repo = Repo::of(args, ctx)?;
    let Some(now) = repo.remote_head(&range.branch).await? else { return Ok(None) };
    if now != range.to {
        repo.obtain(&range.branch, &now).await?;
    }
    let there = now == range.to || repo.is_ancestor(&range.to, &now).await;
    Ok(there.then_some(repo.remote))
}
