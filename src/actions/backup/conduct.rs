//! How the parts of a backup end: faults, limits of time, programs.

use std::time::Duration;

use crate::actions::codes;
use crate::actions::commands::ended;
use crate::actions::output::Keep;
use crate::actions::process::{End, Launch};
use crate::actions::world::CallContext;
use crate::diag::Code;
use crate::engine::Outcome;

/// What is kept of a program's output.
const KEPT: usize = 16 << 20;

/// Why it did not come to its end. But for the last two, nothing has changed.
#[derive(Debug)]
pub(super) enum Fault {
    Call(String),
    Unreachable(String),
    /// The backup is not one, or not of this database.
    Refused(String),
    Failed {
        message: String,
        tail: String,
    },
    TimedOut(Duration),
    /// It cannot be said whether it happened.
    Unknown(String),
}

impl Fault {
    pub(super) fn failed(message: String) -> Self {
        Self::Failed { message, tail: String::new() }
    }

    /// `code`: of a plain failure.
    pub(super) fn outcome(self, code: &Code) -> Outcome {
        match self {
            Self::Call(why) => codes::clean(&codes::BAD_CALL, why),
            Self::Unreachable(why) => codes::clean(&codes::DATABASE_UNREACHABLE, why),
            Self::Refused(why) => codes::clean(&codes::BACKUP_REFUSED, why),
            Self::Failed { message, tail } => {
                let mut failure = codes::failure(code, message);
                failure.tail = tail;
                Outcome::Failed { clean: true, failure }
            }
            Self::TimedOut(after) => Outcome::TimedOut { after: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) },
            Self::Unknown(why) => Outcome::Unknown { why },
        }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::failed(message)
    }
}

/// Does the work within the step's time, and until it is asked to end. What is dropped half-way ends its programs, its
/// transactions and its temporary files.
pub(super) async fn limited<T>(ctx: &CallContext, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = async {
        match ctx.timeout {
            Some(time) => {
                tokio::time::sleep(time).await;
                time
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = ctx.stop.asked(1) => Err(Fault::Unknown("it was ended by plan".to_owned())),
        time = late => Err(Fault::TimedOut(time)),
    }
}

/// Runs a program to its end; what it printed.
pub(super) async fn run(launch: &Launch, ctx: &CallContext) -> Result<String, Fault> {
    let ctx = ctx.quiet();
    let running = launch.spawn(&ctx).map_err(Fault::failed)?;
    let ran = running.listen(&ctx, Keep::First(KEPT), None).await;
    match ran.end {
        End::Exited if ran.status.is_some_and(|status| status.success()) => Ok(ran.stdout),
        End::Exited => {
            let last = ran.tail.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
            Err(Fault::Failed { message: format!("`{}` {}{last}", launch.program, ended(ran.status)), tail: ran.tail })
        }
        End::TimedOut(time) => Err(Fault::TimedOut(time)),
        End::Stopped => Err(Fault::Unknown(format!("`{}` was ended by plan", launch.program))),
    }
}

/// A program that is told everything on its command line.
pub(super) fn plain(program: &str, args: &[&str]) -> Launch {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Launch { program: program.to_owned(), args, stdin: None, env: Vec::new(), removed: &[] }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::failed(message.to_owned())
    }
}
