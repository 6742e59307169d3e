//! The action `lint`: reads the SQL that would be run for what it loses, whom it blocks, what it writes anew.

use std::collections::BTreeMap;

use crate::engine::{Failure, Outcome};
use crate::lint::{self, Finding, Selector};
use crate::model::Value;

use super::args::Args;
use super::world::CallContext;
use super::{codes, migrations};

/// What fails the step when the plan does not say.
const DENIED: &[&str] = &["data_loss"];

/// The action `lint`.
pub(crate) async fn perform(args: Args<'_>, ctx: &CallContext) -> Outcome {
    match reviewed(args, ctx).await {
        Ok((sql, denied, warned)) => judged(&sql, &denied, &warned),
        Err(why) => codes::clean(&codes::MIGRATION_REFUSED, why),
    }
}

type Reviewed = (String, Vec<Finding>, Vec<Finding>);

async fn reviewed(args: Args<'_>, ctx: &CallContext) -> Result<Reviewed, String> {
    let sql = match args.text("file")? {
        Some(file) => {
            let path = ctx.world.path(file);
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => migrations::pending_sql(args, ctx).await?,
    };
    let deny = selectors(args, "deny")?.unwrap_or_else(|| DENIED.iter().filter_map(|name| name.parse().ok()).collect());
    let warn = selectors(args, "warn")?;
    let text = sql.clone();
    let found = tokio::task::spawn_blocking(move || lint::lint(&text)).await.map_err(|error| error.to_string())?;
    let covers = |selectors: &[Selector], finding: &Finding| selectors.iter().any(|s| s.covers(finding.class));
    let (denied, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|finding| covers(&deny, finding));
    let warned = rest.into_iter().filter(|finding| warn.as_ref().is_none_or(|warn| covers(warn, finding))).collect();
    Ok((sql, denied, warned))
}

fn selectors(args: Args<'_>, name: &str) -> Result<Option<Vec<Selector>>, String> {
    let Some(Value::List(names)) = args.0.get(name) else { return Ok(None) };
    let names = names.iter().filter_map(Value::as_str);
    names.map(str::parse).collect::<Result<Vec<Selector>, String>>().map(Some)
}

fn judged(sql: &str, denied: &[Finding], warned: &[Finding]) -> Outcome {
    if denied.is_empty() {
        let all = warned.iter().map(|finding| Value::Json(told(sql, finding))).collect();
        return Outcome::Succeeded { outputs: BTreeMap::from([("findings".to_owned(), Value::List(all))]) };
    }
    let mut classes: Vec<&str> = denied.iter().map(|finding| finding.class.name()).collect();
    classes.sort_unstable();
    classes.dedup();
    let lines = denied.iter().map(|finding| {
        let text = sql.get(finding.span.clone()).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        format!(
            "line {} {}: {}\n    {text}\n    {}",
            line(sql, finding),
            finding.class.name(),
            finding.message,
            finding.advice
        )
    });
    Outcome::Failed {
        clean: true,
        failure: Failure {
            code: codes::LINT_DENIED.id.to_owned(),
            message: format!("the SQL holds what the plan denies: {}", classes.join(", ")),
            tail: lines.collect::<Vec<_>>().join("\n"),
        },
    }
}

fn told(sql: &str, finding: &Finding) -> serde_json::Value {
    serde_json::json!({
        "class": finding.class.name(), "line": line(sql, finding), "message": finding.message, "advice": finding.advice,
    })
}

fn line(sql: &str, finding: &Finding) -> usize {
    sql.get(..finding.span.start).unwrap_or_default().matches('\n').count() + 1
}
