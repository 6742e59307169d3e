//! Reads secrets from where the plan says: when a run starts, and again when it resumes. They are never written anywhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::diag::Problem;
use crate::model::{ExprKind, Plan, Value};
use crate::registry::{self, Bound};

use super::codes;

/// How long a `command("…")` may take to print a secret.
const COMMAND_TIME: Duration = Duration::from_secs(60);

/// Names with values.
pub(crate) type Secrets = BTreeMap<String, String>;

/// Reads the secrets that a run needs; every one that is missing is reported at once. `base`: the folder of the plan file.
pub(crate) async fn read(plan: &Plan, bound: &Bound, base: &Path) -> Result<Secrets, Problem> {
    let needed = bound.needed_secrets(plan);
    let mut secrets = Secrets::new();
    let mut missing = Vec::new();
    for secret in needed.into_iter().map(|index| &plan.secrets[index]) {
        let ExprKind::Call(call) = &secret.source.kind else {
            missing.push(format!("`{}`: its source is not a call", secret.name));
            continue;
        };
        let value = match registry::eval_args(call, bound) {
            Ok(args) => from(call.function, &args, base).await,
            Err(error) => Err(error.message),
        };
        match value {
            Ok(value) if value.is_empty() => missing.push(format!("`{}`: it is empty", secret.name)),
            Ok(value) => {
                secrets.insert(secret.name.clone(), value);
            }
            Err(why) => missing.push(format!("`{}`: {why}", secret.name)),
        }
    }
    match missing.len() {
        0 => Ok(secrets),
        count => {
            let what = if count == 1 { "a secret" } else { "secrets" };
            let problem = Problem::new(&codes::MISSING_SECRET, format!("{what} cannot be read; nothing was started"));
            let problem = missing.into_iter().fold(problem, Problem::detail);
            Err(problem.advice("set the variable, or mend the file or command, and run the same command again"))
        }
    }
}

async fn from(source: &str, args: &BTreeMap<String, Value>, base: &Path) -> Result<String, String> {
    let first = args.values().next();
    match source {
        "env" => {
            let name = first.and_then(Value::as_str).unwrap_or_default();
            std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
        }
        "file" => {
            let path = base.join(first.and_then(Value::as_str).unwrap_or_default());
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
        "command" => command(first, base).await,
        other => Err(format!("`{other}` is not a source of secrets")),
    }
}

async fn command(words: Option<&Value>, base: &Path) -> Result<String, String> {
    let words: Vec<&str> = match words {
        Some(Value::List(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let (program, rest) = words.split_first().ok_or("the command is empty")?;
    // The folder of a plan named without one is the empty path, which nothing can start in.
    let folder = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let mut command = tokio::process::Command::new(program);
    command.args(rest).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_TIME, command.output())
        .await
        .map_err(|_| format!("`{program}` did not end within {} s", COMMAND_TIME.as_secs()))?
        .map_err(|error| format!("`{program}`: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{program}` ended with {}: {}", output.status, said.trim()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("what `{program}` printed is not UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
