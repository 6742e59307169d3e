//! What the registry names, made real: processes, SQL, HTTP, git, files. Everything that is said or kept is masked here.
//!
//! Architecture invariant: this layer knows nothing of the journal and of the state machine's rules; it is told what to do
//! and says what came of it.

mod args;
mod backup;
mod codes;
mod commands;
mod files;
mod http;
mod mask;
mod migrations;
mod output;
mod preflight;
mod process;
mod procfs;
mod reaper;
mod repo;
mod review;
mod service;
mod sql;
mod world;

use std::collections::BTreeMap;

use crate::engine::{Failure, Outcome, Settlement};
use crate::model::Value;

use args::Args;
use mask::mask_members;

pub use codes::{BAD_CALL, CODES};
pub use mask::{MASK, MaskStream, Masker, SHORTEST, ShortSecret};
pub use preflight::{Missing, preflight};
pub use reaper::{end_leftovers, reaper_main};
pub use service::{Service, start_service};
pub use sql::end_sessions;
pub use world::{CallContext, ResolvedResource, Silent, Sink, StopToken, Stream, World};

/// Carries an action out. `args`: by parameter name, as the registry's entry has them; resources as [`Value::Resource`].
/// What it returns is masked.
pub async fn perform(function: &str, args: &BTreeMap<String, Value>, ctx: &CallContext) -> Outcome {
    let args = Args(args);
    let outcome = match function {
        "run" | "shell" => commands::perform(function, args, ctx).await,
        "sql" => sql::perform(args, ctx).await,
        "http" | "slack" => http::perform(function, args, ctx).await,
        "copy" => files::perform(args, ctx).await,
        "push" => repo::perform(args, ctx).await,
        "lint" => review::perform(args, ctx).await,
        "preview" => migrations::preview(args, ctx).await,
        "migrate" => migrations::migrate(args, ctx).await,
        "downgrade" => migrations::downgrade(args, ctx).await,
        "migration" => migrations::make(args, ctx).await,
        "backup" => backup::perform(args, ctx).await,
        "restore" => backup::restore(args, ctx).await,
        "revert" => codes::clean(
            &codes::BAD_CALL,
            "`revert` takes back what a `push` of this run has pushed; write it as the undo of that step",
        ),
        "by_hand" => match args.required_text("what") {
            Ok(what) => Outcome::ByHand { what: what.to_owned() },
            Err(why) => codes::clean(&codes::BAD_CALL, why),
        },
        other => not_real(other),
    };
    masked(outcome, ctx)
}

/// Reads a probe once. `Err`: it cannot be read, and why (masked); neither true nor false. The value is not masked: the plan
/// may compare it; what is shown or kept of it goes through the masker.
pub async fn probe(function: &str, args: &BTreeMap<String, Value>, ctx: &CallContext) -> Result<Value, String> {
    let args = Args(args);
    let read = match function {
        "output" => commands::output(args, ctx).await,
        "exit_code" => commands::exit_code(args, ctx).await,
        "http" | "get" => http::probe(function, args, ctx).await,
        "file" => files::probe(args, ctx).await,
        "now" => Ok(Value::Time(jiff::Timestamp::now().as_millisecond())),
        "head" | "branch" | "clean" | "remote_head" | "ahead" | "behind" | "tag" => {
            repo::probe(function, args, ctx).await
        }
        "sql" | "rows" | "tables" | "has_tables" | "has_column" | "reachable" | "database.size" | "identity"
        | "fingerprint" | "keeps" | "locks" => sql::probe(function, args, ctx).await,
        "revision" | "heads" | "pending" | "database.head" => migrations::probe(function, args, ctx).await,
        other => Err(format!("the probe `{other}` cannot be read by this version")),
    };
    read.map_err(|why| ctx.world.masker.mask(&why))
}

/// Observes, before an action, what its own undo will need: the old head of a remote, what a copy will replace. For entries
/// that say `captures`. `Err` (masked): it cannot be observed, so the action must not start.
pub async fn capture(
    function: &str,
    args: &BTreeMap<String, Value>,
    ctx: &CallContext,
) -> Result<Option<Value>, String> {
    let captured = match function {
        "push" => repo::capture(Args(args), ctx).await,
        "copy" => files::capture(Args(args), ctx).await,
        "migrate" => migrations::capture(Args(args), ctx).await,
        _ => Ok(None),
    };
    captured.map_err(|why| ctx.world.masker.mask(&why))
}

/// Takes an action back in the way that its entry knows. `args`: those of the action; `outputs`: its own, when it has ended
/// well. Converges: it may run again after a crash, on a half-done effect, or when there is nothing to take back.
pub async fn undo_default(
    function: &str,
    args: &BTreeMap<String, Value>,
    captured: Option<&Value>,
    outputs: Option<&BTreeMap<String, Value>>,
    ctx: &CallContext,
) -> Outcome {
    let args = Args(args);
    let outcome = match function {
        "push" => repo::undo(args, captured, outputs, ctx).await,
        "copy" => files::undo(args, captured, outputs, ctx).await,
        other => not_real(other),
    };
    masked(outcome, ctx)
}

/// Carries out what the plan says after `undo`. `captured`: what was observed before the action that it takes back, so that
/// `downgrade` knows where that began.
pub async fn undo_by(
    function: &str,
    args: &BTreeMap<String, Value>,
    captured: Option<&Value>,
    ctx: &CallContext,
) -> Outcome {
    match function {
        "downgrade" => masked(migrations::undo(Args(args), captured, ctx).await, ctx),
        _ => perform(function, args, ctx).await,
    }
}

/// Whether an action without an outcome happened, for entries that say `settles`. Its processes have been ended.
pub async fn settle(
    function: &str,
    args: &BTreeMap<String, Value>,
    captured: Option<&Value>,
    ctx: &CallContext,
) -> Settlement {
    let settlement = match function {
        "push" => repo::settle(Args(args), captured, ctx).await,
        "copy" => files::settle(Args(args), captured, ctx).await,
        "migrate" | "downgrade" => migrations::settle(function, Args(args), captured, ctx).await,
        "backup" => backup::settle(Args(args), ctx).await,
        "restore" => backup::settle_restore(Args(args), ctx).await,
        other => Settlement::Unknown(format!("nothing can tell whether `{other}` happened")),
    };
    let masker = &ctx.world.masker;
    match settlement {
        Settlement::Done(outputs) => Settlement::Done(outputs.map(|outputs| mask_members(masker, &outputs))),
        Settlement::NotDone => Settlement::NotDone,
        Settlement::Unknown(why) => Settlement::Unknown(masker.mask(&why)),
    }
}

/// The run is final: what an action kept for its undo (the file that a copy replaced) goes.
pub async fn forget(function: &str, args: &BTreeMap<String, Value>, ctx: &CallContext) {
    if function == "copy" {
        files::forget(Args(args), ctx).await;
    }
}

fn not_real(function: &str) -> Outcome {
    codes::clean(&codes::BAD_CALL, format!("`{function}` cannot be carried out by this version; nothing was done"))
}

/// Outcomes are kept: no secret may be in them.
fn masked(outcome: Outcome, ctx: &CallContext) -> Outcome {
    let masker = &ctx.world.masker;
    match outcome {
        Outcome::Succeeded { outputs } => Outcome::Succeeded { outputs: mask_members(masker, &outputs) },
        Outcome::Failed { clean, failure: Failure { code, message, tail } } => Outcome::Failed {
            clean,
            failure: Failure { code, message: masker.mask(&message), tail: masker.mask(&tail) },
        },
        Outcome::TimedOut { after } => Outcome::TimedOut { after },
        Outcome::Unknown { why } => Outcome::Unknown { why: masker.mask(&why) },
        Outcome::ByHand { what } => Outcome::ByHand { what: masker.mask(&what) },
    }
}
