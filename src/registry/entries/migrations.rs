//! Migration tools, and what is done with them.

use crate::model::{ResourceKind, Ty};
use crate::registry::{Function, Need, Param, RetryClass, Sig, TextUse};

use super::make::{action, optional, probe, required, tool};
use super::types::{DATABASE, DURATION, STRING, STRINGS};

const THIS: Param = required("database", DATABASE, "A database with `migrations`.");
const TO: Param = optional("to", STRING, "The revision to come to; default: the newest.");
const LOCK_TIMEOUT: Param = optional("lock_timeout", DURATION, "How long it may wait for a lock; default: `5s`.");
const STATEMENT_TIMEOUT: Param =
    optional("statement_timeout", DURATION, "How long one statement may take; default: no limit.");

/// Classes of the SQL lint, and its groups (`data_loss`, `locks`, `rewrites`).
const CLASSES: &[&str] = &[
    "data_loss",
    "locks",
    "rewrites",
    "unknown",
    "drop_table",
    "drop_column",
    "drop_other",
    "alter_type",
    "not_null",
    "delete",
    "truncate",
    "rename",
    "create_index_blocking",
    "add_column_default_volatile",
    "fk_blocking",
    "check_blocking",
    "unique_blocking",
];

const fn of_tool(name: &'static str, result: Sig, doc: &'static str, example: &'static str) -> Function {
    probe(name, &[THIS], result, doc, example).on(ResourceKind::Database).needs(&[Need::Reachable]).real()
}

/// A command of `tool(…)`.
const fn step(name: &'static str, doc: &'static str) -> Param {
    required(name, STRING, doc).text(TextUse::Shell)
}

/// Revisions before and after.
const MOVED: Sig = Sig::Is(|| Ty::record("migration", &[("from", Ty::String), ("to", Ty::String)]));

pub(super) static ENTRIES: &[Function] = &[
    tool("alembic", &[required("dir", STRING, "Where `alembic.ini` lies.")], "Alembic.", r#"alembic("backend")"#),
    tool("sql", &[required("dir", STRING, "A folder of `*.up.sql` and `*.down.sql`.")], "Plain SQL files.", r#"sql("migrations")"#),
    tool(
        "django",
        &[
            required("dir", STRING, "Where `manage.py` lies."),
            optional("app", STRING, "One app; default: all."),
        ],
        "Django.",
        r#"django("backend", app: "crm")"#,
    ),
    tool("dbmate", &[required("dir", STRING, "Its folder of migrations.")], "dbmate.", r#"dbmate("db/migrations")"#),
    tool("sqitch", &[required("dir", STRING, "Where `sqitch.plan` lies.")], "Sqitch.", r#"sqitch("db")"#),
    tool(
        "tool",
        &[
            step("current", "Prints the revision of the database, one line each."),
            step("pending", "Prints the revisions still to apply, the oldest first, one line each."),
            step("preview", "Prints the SQL from `$PLAN_FROM` to `$PLAN_TO`."),
            step("up", "Applies everything up to `$PLAN_TO`."),
            step("down", "Goes back to `$PLAN_TO`."),
            optional("dir", STRING, "Where these run; default: the plan's folder."),
        ],
        "Any other tool, by its commands, each run with `sh`.\n\n`$PLAN_FROM` and `$PLAN_TO` are revisions.",
        r#"tool(current: "mig now", pending: "mig todo", preview: "mig sql", up: "mig up", down: "mig down")"#,
    ),
    of_tool(
        "revision",
        STRING,
        "The revision of the database; empty before its first migration. Several heads cannot be read: ask `heads`.",
        "verify db.revision == revision",
    ),
    of_tool("pending", STRINGS, "Revisions still to apply, the oldest first.", "require db.pending == [revision]"),
    of_tool(
        "database.head",
        STRING,
        "The newest revision that the migration files know. Several heads cannot be read: ask `heads`.",
        "verify db.revision == db.head",
    ),
    of_tool("heads", STRINGS, "The newest revisions that the migration files know; more than one is a fork.", "require len(db.heads) == 1"),
    action(
        "lint",
        &[
            THIS,
            TO,
            optional("deny", STRINGS, "Classes and groups that fail the step; default: `[data_loss]`.").words(CLASSES),
            optional("warn", STRINGS, "Classes and groups that are only reported.").words(CLASSES),
            optional("file", STRING, "An SQL file to read instead of the pending migrations."),
        ],
        Sig::Is(|| Ty::record("lint", &[("findings", Ty::list(Ty::Json))])),
        "Reads the SQL of the pending migrations for what loses data, blocks others or rewrites a table.\n\n\
         What cannot be decided is `unknown`, never silently safe. It changes nothing.",
        "do lint(db, to: revision, deny: [data_loss, unknown])",
    )
    .on(ResourceKind::Database)
    .harmless()
    .needs(&[Need::Reachable])
    .retry(RetryClass::Idempotent)
    .real(),
    action(
        "preview",
        &[THIS, TO],
        Sig::Is(|| {
            Ty::record(
                "preview",
                &[("sql", Ty::String), ("sha256", Ty::String), ("from", Ty::String), ("to", Ty::String)],
            )
        }),
        "Writes down the exact SQL from the database's revision to the target. It changes nothing.",
        "do preview(db, to: revision)",
    )
    .on(ResourceKind::Database)
    .harmless()
    .needs(&[Need::Reachable])
    .retry(RetryClass::Idempotent)
    .real(),
    action(
        "migrate",
        &[THIS, TO, LOCK_TIMEOUT, STATEMENT_TIMEOUT],
        MOVED,
        "Brings the database to a revision.\n\n\
         The revision before it is recorded, and the SQL of the way back is captured first, so that an undo works after the \
         code is gone. Pooled addresses are refused.",
        "do migrate(db, to: revision)",
    )
    .on(ResourceKind::Database)
    .changes()
    .needs(&[Need::Reachable])
    .captures()
    .settles()
    .real(),
    action(
        "downgrade",
        &[
            THIS,
            optional("to", STRING, "The revision to go back to; default: the one recorded before `migrate`."),
            LOCK_TIMEOUT,
            STATEMENT_TIMEOUT,
        ],
        MOVED,
        "Takes the database back to the revision before the migration, never one step further.\n\n\
         A way back that drops what was written since loses data: a person is asked first.",
        "undo downgrade(db)",
    )
    .on(ResourceKind::Database)
    .changes()
    .needs(&[Need::Reachable])
    .retry(RetryClass::Idempotent)
    .may_lose_data()
    .settles()
    .real(),
    action(
        "migration",
        &[THIS, required("message", STRING, "What it is for.")],
        Sig::Is(|| Ty::record("new migration", &[("revision", Ty::String), ("file", Ty::String)])),
        "Makes a new migration from the difference between models and database.",
        r#"do migration(db, message: "add webhook tables")"#,
    )
    .on(ResourceKind::Database)
    .needs(&[Need::Reachable])
    .real(),
];
