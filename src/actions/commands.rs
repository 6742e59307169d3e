//! The actions `run` and `shell`, the probes `output` and `exit_code`.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use crate::engine::{Failure, Outcome};
use crate::model::Value;

use super::args::Args;
use super::codes;
use super::output::Keep;
use super::process::{End, Launch, Ran};
use super::world::CallContext;

/// What an action keeps of stdout.
const KEPT: usize = 64 << 10;
/// A probe that printed more than this was not read whole, so it was not read.
const PROBE_KEPT: usize = 16 << 20;
const PROBE_TIME: Duration = Duration::from_secs(30);

/// `run` or `shell`.
pub(crate) async fn perform(function: &str, args: Args<'_>, ctx: &CallContext) -> Outcome {
    match prepared(function, args, ctx) {
        Ok((launch, ok, ctx)) => carry_out(&launch, &ok, &ctx).await,
        Err(why) => codes::clean(&codes::BAD_CALL, why),
    }
}

/// What to start, which exit codes mean success, and the context with the call's own folder and environment.
pub(crate) fn prepared(
    function: &str,
    args: Args<'_>,
    ctx: &CallContext,
) -> Result<(Launch, Vec<i64>, CallContext), String> {
    let mut launch = match function {
        "shell" => Launch::shell(args.required_text("script")?),
        _ => Launch::argv(&args.texts("command")?)?,
    };
    launch.stdin = args.text("stdin")?.map(str::to_owned);
    let mut ok = args.ints("ok")?;
    if ok.is_empty() {
        ok.push(0);
    }
    let mut ctx = ctx.clone();
    ctx.env.extend(args.text_map("env")?);
    if let Some(dir) = args.text("in")? {
        ctx.dir = Some(ctx.world.path(dir));
    }
    Ok((launch, ok, ctx))
}

async fn carry_out(launch: &Launch, ok: &[i64], ctx: &CallContext) -> Outcome {
    let running = match launch.spawn(ctx) {
        Ok(running) => running,
        Err(why) => return codes::clean(&codes::NOT_STARTED, why),
    };
    let ran = running.listen(ctx, Keep::Last(KEPT), ctx.timeout).await;
    match ran.end {
        End::TimedOut(after) => Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) },
        End::Stopped => Outcome::Unknown { why: format!("`{}` was ended by plan", launch.program) },
        End::Exited => outcome(launch, ok, ran),
    }
}

fn outcome(launch: &Launch, ok: &[i64], ran: Ran) -> Outcome {
    let code = ran.status.and_then(|status| status.code()).map(i64::from);
    match code {
        Some(code) if ok.contains(&code) => Outcome::Succeeded {
            outputs: BTreeMap::from([
                ("stdout".to_owned(), Value::string(trimmed(&ran.stdout))),
                ("exit_code".to_owned(), Value::Int(code)),
            ]),
        },
        Some(_) | None => {
            let message = format!("`{}` {}", launch.program, ended(ran.status));
            let failure = Failure { code: codes::COMMAND_FAILED.id.to_owned(), message, tail: ran.tail };
            Outcome::Failed { clean: false, failure }
        }
    }
}

/// Without the last end of line.
fn trimmed(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// How a process ended, in words.
pub(crate) fn ended(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "was lost before it said how it ended".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}{}", signal_name(signal)),
        (None, None) => format!("ended with {status}"),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL; by hand, or out of memory)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// `output`: what a program prints; anything but exit code 0 cannot be read.
pub(crate) async fn output(args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let (program, ran) = read(args, ctx).await?;
    if !ran.status.is_some_and(|status| status.success()) {
        let last = ran.tail.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
        return Err(format!("`{program}` {}{last}", ended(ran.status)));
    }
    if ran.more {
        return Err(format!("`{program}` printed more than {} MiB", PROBE_KEPT >> 20));
    }
    Ok(Value::string(trimmed(&ran.stdout)))
}

/// `exit_code`
pub(crate) async fn exit_code(args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let (program, ran) = read(args, ctx).await?;
    let code = ran.status.and_then(|status| status.code());
    code.map(|code| Value::Int(code.into())).ok_or_else(|| format!("`{program}` {}", ended(ran.status)))
}

async fn read(args: Args<'_>, ctx: &CallContext) -> Result<(String, Ran), String> {
    let (launch, _, ctx) = prepared("output", args, ctx)?;
    let ctx = ctx.quiet();
    let ran = launch.spawn(&ctx)?.listen(&ctx, Keep::First(PROBE_KEPT), Some(PROBE_TIME)).await;
    match ran.end {
        End::Exited => Ok((launch.program, ran)),
        End::TimedOut(after) => Err(format!("`{}` did not end within {} s", launch.program, after.as_secs())),
        End::Stopped => Err(format!("`{}` was ended by plan", launch.program)),
    }
}
