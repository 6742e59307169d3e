//! Telling others.

use crate::registry::{DefaultUndo, Function, RetryClass, Sig};

use super::make::{action, optional, required};
use super::types::{JSON, STRING, STRING_MAP};

const STATES: &[&str] = &["pending", "success", "failure", "error"];
const DEPLOYMENT_STATES: &[&str] = &["queued", "in_progress", "success", "failure", "error", "inactive"];

pub(super) static ENTRIES: &[Function] = &[
    action(
        "slack",
        &[
            required("hook", STRING, "The incoming webhook's address; keep it as a secret."),
            required("text", STRING, "The message."),
        ],
        Sig::Nothing,
        "Posts a message to Slack. What is said cannot be unsaid: nothing has to be taken back.",
        r#"do slack(slack_hook, "{{plan.title}}: {{run.summary}}")"#,
    )
    .undo(DefaultUndo::Nothing)
    .real(),
    action(
        "webhook",
        &[
            required("url", STRING, "Where to post."),
            optional("json", JSON, "The body; default: the run's id, status and summary."),
            optional("headers", STRING_MAP, "Request headers."),
            optional("secret", STRING, "Signs the body: `X-Plan-Signature: sha256=…` (HMAC) over time and body."),
        ],
        Sig::Nothing,
        "Posts JSON to an address, signed when a secret is given.",
        r#"do webhook("https://example.com/hooks/deploy", json: { status: run.status })"#,
    )
    .undo(DefaultUndo::Nothing),
    action(
        "github_status",
        &[
            required("repo", STRING, "`owner/name`"),
            required("sha", STRING, "The commit."),
            required("state", STRING, "What it is.").words(STATES),
            required("token", STRING, "A token that may write statuses; keep it as a secret."),
            optional("context", STRING, "The name of the check; default: `plan`."),
            optional("description", STRING, "One line."),
            optional("url", STRING, "Where more is told."),
        ],
        Sig::Nothing,
        "Sets the status of a commit on GitHub.",
        r#"do github_status("team/app", sha: push.to, state: success, token: github_token)"#,
    )
    .retry(RetryClass::Idempotent)
    .undo(DefaultUndo::Nothing),
    action(
        "github_deployment",
        &[
            required("repo", STRING, "`owner/name`"),
            required("ref", STRING, "Branch, tag or commit."),
            required("environment", STRING, "The environment's name."),
            required("token", STRING, "A token that may write deployments; keep it as a secret."),
            optional("state", STRING, "Default: `in_progress`.").words(DEPLOYMENT_STATES),
            optional("url", STRING, "Where it runs."),
        ],
        Sig::Is(|| crate::model::Ty::record("deployment", &[("id", crate::model::Ty::Int)])),
        "Makes a deployment on GitHub, with a state.",
        r#"do github_deployment("team/app", ref: push.to, environment: "production", token: github_token)"#,
    )
    .undo(DefaultUndo::Nothing),
];
