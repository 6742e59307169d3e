//! One face for all migration tools.

use std::path::PathBuf;

use crate::model::Value;

use crate::actions::args::Args;
use crate::actions::process::Launch;

use super::alembic::Alembic;
use super::custom::Commands;
use super::dbmate::Dbmate;
use super::django::Django;
use super::files::SqlFiles;
use super::sqitch::Sqitch;
use super::target::{Target, Trouble};

/// Where a database and the files stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// What the database is at: nothing before the first migration, several when branches were applied.
    pub current: Vec<String>,
    /// The newest revisions of the files.
    pub heads: Vec<String>,
    /// Still to apply, the oldest first.
    pub pending: Vec<String>,
    /// Every revision of the files, the oldest first; `None` when the tool does not tell.
    pub known: Option<Vec<String>>,
    /// What makes the files unfit, in one sentence.
    pub flaw: Option<String>,
}

/// The SQL from one revision to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    pub sql: String,
    /// It keeps the tool's books as well: run by itself, it leaves nothing undone.
    pub whole: bool,
}

/// A tool with where its files are.
pub(super) enum Tool {
    Alembic(Alembic),
    Sql(SqlFiles),
    Django(Django),
    Dbmate(Dbmate),
    Sqitch(Sqitch),
    Commands(Commands),
}

/// Two ends of a way through the revisions, with everything in between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub from: &'a [String],
    pub to: &'a [String],
    /// The revisions that are applied or taken back, the oldest first, the newest end included.
    pub steps: &'a [String],
    pub down: bool,
}

impl Tool {
    /// The `migrations` of a database.
    pub(super) fn of(target: &Target) -> Result<Self, String> {
        let name = &target.name;
        let setting = target.ctx.world.resource(name)?.settings.get("migrations");
        let Some(Value::Call { function, args }) = setting else {
            return Err(format!("the database `{name}` has no `migrations`; name its tool"));
        };
        let args = Args(args);
        let dir = || args.required_text("dir").map(|dir| target.dir(dir));
        Ok(match function.as_str() {
            "alembic" => Self::Alembic(Alembic { dir: dir()? }),
            "sql" => Self::Sql(SqlFiles { dir: dir()? }),
            "django" => Self::Django(Django { dir: dir()?, app: args.text("app")?.map(str::to_owned) }),
            "dbmate" => Self::Dbmate(Dbmate { dir: dir()? }),
            "sqitch" => Self::Sqitch(Sqitch { dir: dir()? }),
            "tool" => Self::Commands(Commands::of(args, target)?),
            other => return Err(format!("`{other}` is no migration tool")),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Alembic(_) => "alembic",
            Self::Sql(_) => "sql",
            Self::Django(_) => "django",
            Self::Dbmate(_) => "dbmate",
            Self::Sqitch(_) => "sqitch",
            Self::Commands(_) => "tool",
        }
    }

    /// Several revisions at once are no fork: each app has its own.
    pub(super) fn many(&self) -> bool {
        matches!(self, Self::Django(Django { app: None, .. }))
    }

    /// It takes a lock of its own while it works.
    pub(super) fn locks(&self) -> bool {
        matches!(self, Self::Sql(_))
    }

    /// A revision as the tool writes it: `0002` and `2` are the same version.
    pub(super) fn written(&self, revision: &str) -> String {
        match (self, revision.parse::<i64>()) {
            (Self::Sql(_), Ok(version)) => version.to_string(),
            _ => revision.to_owned(),
        }
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Vec<String>, String> {
        match self {
            Self::Alembic(tool) => tool.current(target).await,
            Self::Sql(tool) => tool.current(target).await,
            Self::Django(tool) => Ok(tool.state(target).await?.current),
            Self::Dbmate(tool) => tool.current(target).await,
            Self::Sqitch(tool) => tool.current(target).await,
            Self::Commands(tool) => tool.current(target).await,
        }
    }

    pub(super) async fn state(&self, target: &Target) -> Result<State, String> {
        match self {
            Self::Alembic(tool) => tool.state(target).await,
            Self::Sql(tool) => tool.state(target).await,
            Self::Django(tool) => tool.state(target).await,
            Self::Dbmate(tool) => tool.state(target).await,
            Self::Sqitch(tool) => tool.state(target).await,
            Self::Commands(tool) => tool.state(target).await,
        }
    }

    /// The newest revisions of the files; no database is asked where the tool needs none.
    pub(super) async fn heads(&self, target: &Target) -> Result<Vec<String>, String> {
        match self {
            Self::Alembic(tool) => tool.heads(target).await,
            _ => Ok(self.state(target).await?.heads),
        }
    }

    pub(super) async fn script(&self, target: &Target, way: Way<'_>) -> Result<Script, String> {
        match self {
            Self::Alembic(tool) => tool.script(target, way).await,
            Self::Sql(tool) => tool.script(way).await,
            Self::Django(tool) => tool.script(target, way).await,
            Self::Dbmate(tool) => tool.script(way),
            Self::Sqitch(tool) => tool.script(way),
            Self::Commands(tool) => tool.script(target, way).await,
        }
    }

    /// Goes that way.
    pub(super) async fn go(&self, target: &Target, way: Way<'_>) -> Result<(), Trouble> {
        match self {
            Self::Alembic(tool) => tool.go(target, way).await,
            Self::Sql(tool) => tool.go(target, way).await,
            Self::Django(tool) => tool.go(target, way).await,
            Self::Dbmate(tool) => tool.go(target, way).await,
            Self::Sqitch(tool) => tool.go(target, way).await,
            Self::Commands(tool) => tool.go(target, way).await,
        }
    }

    /// Makes a new migration.
    pub(super) async fn make(&self, target: &Target, message: &str) -> Result<(), Trouble> {
        match self {
            Self::Alembic(tool) => tool.make(target, message).await,
            Self::Sql(tool) => Ok(tool.make(message)?),
            Self::Django(tool) => tool.make(target, message).await,
            Self::Dbmate(tool) => tool.make(target, message).await,
            Self::Sqitch(tool) => tool.make(target, message).await,
            Self::Commands(_) => Err("`tool(…)` has no command that makes a migration".to_owned().into()),
        }
    }

    /// The folder that holds its files.
    pub(super) fn dir(&self) -> PathBuf {
        match self {
            Self::Alembic(Alembic { dir }) | Self::Sql(SqlFiles { dir }) => dir.clone(),
            Self::Django(Django { dir, .. }) => dir.clone(),
            Self::Dbmate(Dbmate { dir }) | Self::Sqitch(Sqitch { dir }) => dir.clone(),
            Self::Commands(commands) => commands.dir.clone(),
        }
    }
}

/// An argument list.
pub(super) fn command(words: &[&str]) -> Result<Launch, String> {
    Launch::argv(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

/// A message as a part of a file's name.
pub(super) fn slug(message: &str) -> String {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    let slug: String = slug.chars().take(40).collect();
    if slug.is_empty() { "migration".to_owned() } else { slug }
}

/// A text as SQL writes it, for names of revisions.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
