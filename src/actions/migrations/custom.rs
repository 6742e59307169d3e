//! Any other tool, by its commands.

use std::path::PathBuf;

use crate::actions::args::Args;
use crate::actions::process::Launch;

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way};

/// Each is run with `sh`; `$PLAN_FROM` and `$PLAN_TO` are revisions, `$DATABASE_URL` says where.
pub(super) struct Commands {
    current: String,
    pending: String,
    preview: String,
    up: String,
    down: String,
    /// Where they run.
    pub dir: PathBuf,
}

impl Commands {
    pub(super) fn of(args: Args<'_>, target: &Target) -> Result<Self, String> {
        let text = |name: &str| args.required_text(name).map(str::to_owned);
        let dir = target.dir(args.text("dir")?.unwrap_or("."));
        let (current, pending, preview) = (text("current")?, text("pending")?, text("preview")?);
        Ok(Self { current, pending, preview, up: text("up")?, down: text("down")?, dir })
    }

    async fn run(&self, what: &str, text: &str, ends: [&[String]; 2], target: &Target) -> Result<String, Trouble> {
        let [from, to] = ends.map(|ids| ids.join(" "));
        let launch = Launch::shell(text).env("PLAN_FROM", &from).env("PLAN_TO", &to);
        let shown = matches!(what, "up" | "down");
        target.run(launch, &self.dir, shown).await.map_err(|trouble| Trouble {
            message: trouble.message.replacen("`sh`", &format!("the command `{what}`"), 1),
            ..trouble
        })
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        Ok(lines(&self.run("current", &self.current, [&[], &[]], target).await?))
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let current = self.current(target).await?;
        let pending = lines(&self.run("pending", &self.pending, [&current, &[]], target).await?);
        let heads = pending.last().map_or_else(|| current.clone(), |last| vec![last.clone()]);
        Ok(State { current, heads, pending, known: None, flaw: None })
    }

    pub(super) async fn script(&self, target: &Target, way: Way<'_>) -> Result<Script, String> {
        let sql = self.run("preview", &self.preview, [way.from, way.to], target).await?;
        Ok(Script { sql, whole: true })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        let (what, text) = if way.down { ("down", &self.down) } else { ("up", &self.up) };
        self.run(what, text, [way.from, way.to], target).await.map(|_| ())
    }
}

fn lines(printed: &str) -> Vec<String> {
    printed.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
