//! Sqitch on PostgreSQL. Its books are many tables, so that only it can take a change back.

use std::fs;
use std::path::PathBuf;

use super::target::{Target, Trouble};
use super::tool::{Script, State, Way, command, slug};

pub(super) struct Sqitch {
    /// Where `sqitch.plan` lies.
    pub dir: PathBuf,
}

impl Sqitch {
    async fn sqitch(&self, target: &Target, words: &[&str]) -> Result<(), Trouble> {
        let words: Vec<&str> = std::iter::once("sqitch").chain(words.iter().copied()).collect();
        let rest = target.url.split_once("://").map_or("", |(_, rest)| rest);
        let launch = command(&words)?.env("SQITCH_TARGET", &format!("db:pg://{rest}"));
        target.run(launch, &self.dir, true).await.map(|_| ())
    }

    /// The project's name, and its changes in order.
    fn plan(&self) -> Result<(String, Vec<String>), String> {
        let path = self.dir.join("sqitch.plan");
        let text = fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        Ok(read_plan(&text))
    }

    async fn applied(&self, target: &Target) -> Result<Vec<String>, String> {
        if !target.has_table("sqitch.changes").await? {
            return Ok(Vec::new());
        }
        let project = self.plan()?.0.replace('\'', "''");
        target
            .texts(&format!("select change from sqitch.changes where project = '{project}' order by committed_at"))
            .await
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        Ok(self.applied(target).await?.pop().into_iter().collect())
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        let ((_, known), mut applied) = (self.plan()?, self.applied(target).await?);
        let twice = known.iter().enumerate().find(|(at, change)| known[..*at].contains(change));
        let flaw =
            twice.map(|(_, change)| format!("the change `{change}` is reworked, so its name means two revisions"));
        let pending = known.iter().filter(|change| !applied.contains(change)).cloned().collect();
        let heads = known.last().cloned().into_iter().collect();
        Ok(State { current: applied.pop().into_iter().collect(), heads, pending, known: Some(known), flaw })
    }

    pub(super) fn script(&self, way: Way<'_>) -> Result<Script, String> {
        let folder = self.dir.join(if way.down { "revert" } else { "deploy" });
        let read = |change: &String| {
            let path = folder.join(format!("{change}.sql"));
            fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        };
        let mut parts = way.steps.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if way.down {
            parts.reverse();
        }
        Ok(Script { sql: parts.join("\n"), whole: false })
    }

    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        match (way.down, way.to.first()) {
            (true, Some(to)) => self.sqitch(target, &["revert", "-y", "--to", to]).await,
            (true, None) => self.sqitch(target, &["revert", "-y"]).await,
            (false, Some(to)) => self.sqitch(target, &["deploy", "--verify", "--to", to]).await,
            (false, None) => self.sqitch(target, &["deploy", "--verify"]).await,
        }
    }

    pub(super) async fn make(&self, target: &Target, message: &str) -> Result<(), Trouble> {
        self.sqitch(target, &["add", &slug(message), "--note", message]).await
    }
}

fn read_plan(text: &str) -> (String, Vec<String>) {
    let project = text.lines().find_map(|line| line.strip_prefix("%project=")).unwrap_or("").trim().to_owned();
    let changes = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['%', '#', '@']));
    (project, changes.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read() {
        let text = "%syntax-version=1.0.0\n%project=crm\n\nusers 2026-01-01T00:00:00Z A <a@b> # x\n@v1 2026 A <a@b>\n\
                    leads [users] 2026-01-02T00:00:00Z A <a@b>\n";
        assert_eq!(read_plan(text), ("crm".to_owned(), vec!["users".to_owned(), "leads".to_owned()]));
    }
}
