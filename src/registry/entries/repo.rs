//! Git checkouts.

use crate::model::{ResourceKind, Ty};
use crate::registry::{DefaultUndo, Function, Need, Param, RetryClass, Sig};

use super::make::{action, probe, required};
use super::types::{BOOL, INT, REPO, STRING};

const THIS: &[Param] = &[required("repo", REPO, "The checkout.")];
const GIT: &[Need] = &[Need::Program("git")];

const fn of_repo(name: &'static str, result: Sig, doc: &'static str, example: &'static str) -> Function {
    probe(name, THIS, result, doc, example).on(ResourceKind::Repo).needs(GIT).real()
}

pub(super) static ENTRIES: &[Function] = &[
    of_repo(
        "head",
        STRING,
        "The full hash of the commit that is checked out.",
        "verify api.get(\"/version\").json.commit == app.head",
    ),
    of_repo(
        "branch",
        STRING,
        "The branch that is checked out; empty on a detached head.",
        r#"require app.branch == "main""#,
    ),
    of_repo(
        "clean",
        BOOL,
        "Whether nothing is changed, staged or untracked.",
        r#"require app.clean else "commit first""#,
    ),
    of_repo(
        "remote_head",
        STRING,
        "The full hash that the branch has at the remote now; asks the remote.",
        "done when app.remote_head == app.head",
    ),
    of_repo(
        "ahead",
        INT,
        "How many commits the branch has that the remote's has not; asks the remote.",
        "require app.ahead == 1",
    ),
    of_repo(
        "behind",
        INT,
        "How many commits the remote's branch has that this one has not; asks the remote.",
        r#"require app.behind == 0 else "pull first""#,
    ),
    of_repo(
        "tag",
        Sig::Is(|| Ty::optional(Ty::String)),
        "A tag that points at the head; the last by version order when there are several, `none` when there is none.",
        "require app.tag != none",
    ),
    action(
        "push",
        THIS,
        Sig::Is(|| {
            Ty::record(
                "push",
                &[("from", Ty::String), ("to", Ty::String), ("branch", Ty::String), ("remote", Ty::String)],
            )
        }),
        "Pushes the branch to its remote, never with force.\n\n\
         `from` and `to` are the hashes before and after. Its undo is `revert` of exactly the pushed range.",
        "do push(app)",
    )
    .on(ResourceKind::Repo)
    .changes()
    .needs(GIT)
    .retry(RetryClass::Idempotent)
    .undo(DefaultUndo::By("revert"))
    .captures()
    .settles()
    .real(),
    action(
        "revert",
        THIS,
        Sig::Is(|| Ty::record("revert", &[("head", Ty::String), ("commits", Ty::Int)])),
        "Reverts what this run has pushed, in new commits, and pushes those.\n\n\
         Exactly the pushed range is reverted, merges too; when nothing was pushed, or it is reverted already, nothing \
         happens. A conflict leaves the checkout as it was, and fails.",
        "undo revert(app)",
    )
    .on(ResourceKind::Repo)
    .changes()
    .needs(GIT)
    .retry(RetryClass::Idempotent)
    .settles()
    .real(),
];
